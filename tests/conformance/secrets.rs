//! What must not occur in the audit trail: whatever is secret of what a case has sent and received.

use std::collections::BTreeSet;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use kmshsm::api::dispatch_json;
use kmshsm::kms::Kms;
use serde_json::{Value, json};

/// Members of requests and answers, and of the runner's own steps.
const SECRET: [&str; 6] = [
    "AccessKeySecret",
    "EncryptedKeyMaterial",
    "ImportToken",
    "KeyMaterial",
    "Plaintext",
    "Random",
];

/// Shorter ones might stand in any text.
const SHORTEST: usize = 8;

/// The secrets of a case.
#[derive(Default)]
pub struct Secrets(BTreeSet<String>);

impl Secrets {
    /// Takes down those of a request or an answer.
    pub fn note(&mut self, value: &Value) {
        match value {
            Value::Object(members) => {
                for (name, value) in members {
                    match value {
                        Value::String(text) if SECRET.contains(&&**name) => self.add(text),
                        value => self.note(value),
                    }
                }
            }
            Value::Array(items) => items.iter().for_each(|item| self.note(item)),
            _ => {}
        }
    }

    /// Takes down one, and what it is in Base64.
    pub fn add(&mut self, secret: &str) {
        let bytes = STANDARD.decode(secret).unwrap_or_default();
        let forms = [secret.to_owned(), String::from_utf8(bytes).unwrap_or_default()];
        self.0.extend(forms.into_iter().filter(|form| form.len() >= SHORTEST));
    }

    /// Looks for them in all events of an account.
    pub fn are_in_no_event(&self, kms: &Arc<Kms>, account: &str) -> Result<(), String> {
        let session = kms.session(account, "cn-hongkong").map_err(|error| error.to_string())?;
        let mut token = String::new();
        loop {
            let with = json!({ "MaxResults": 100, "NextToken": token }).to_string();
            let page = dispatch_json(&session, "LookupEvents", Some(&with));
            let page = page.map_err(|error| format!("LookupEvents: {error}"))?;
            if let Some(secret) = self.0.iter().find(|secret| page.contains(secret.as_str())) {
                return Err(format!("the trail shows {secret}"));
            }
            let page: Value = serde_json::from_str(&page).unwrap();
            token = page["NextToken"].as_str().unwrap().to_owned();
            if token.is_empty() {
                return Ok(());
            }
        }
    }
}
