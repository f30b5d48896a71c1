//! The sessions of a case: each stays open for all steps that come from the same caller.

use std::collections::BTreeMap;
use std::sync::Arc;

use kmshsm::error::Result;
use kmshsm::kms::{Kms, LoginRequest, Session};
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::{Case, Step, Variables, substitute};

/// An access key as steps give it.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AccessKey {
    id: String,
    secret: String,
}

/// The sessions that are open, by login and secret.
#[derive(Default)]
pub struct Sessions(BTreeMap<(String, String), Session>);

impl Sessions {
    /// The session of a step, and the secret that it was opened with.
    pub fn of(
        &mut self,
        kms: &Arc<Kms>,
        case: &Case,
        step: &Step,
        variables: &Variables,
    ) -> Result<&Session> {
        let (login, secret) = login(case, step, variables);
        let caller = (login.to_string(), secret);
        if !self.0.contains_key(&caller) {
            let request = LoginRequest::parse(&caller.0)?;
            let session = kms.login(&request.with_secret(caller.1.as_bytes())?)?;
            self.0.insert(caller.clone(), session);
        }
        Ok(&self.0[&caller])
    }

    /// The secrets of the access keys that opened them.
    pub fn secrets(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(|(_, secret)| &**secret).filter(|secret| !secret.is_empty())
    }

    /// One session for each account.
    pub fn accounts(&self) -> Vec<String> {
        let account = |session: &Session| session.space().account.as_str().to_owned();
        let mut accounts: Vec<_> = self.0.values().map(account).collect();
        accounts.sort();
        accounts.dedup();
        accounts
    }
}

fn login(case: &Case, step: &Step, variables: &Variables) -> (Value, String) {
    let region = step.region.as_ref().or(case.region.as_ref());
    let region = region.map_or("cn-hongkong", String::as_str);
    let client = step.client.as_ref().or(case.client.as_ref());
    let mut login = client.cloned().unwrap_or_else(Map::new);
    login.insert("Region".into(), region.into());
    let mut secret = Value::String(String::new());
    match step.access_key.as_ref().or(case.access_key.as_ref()) {
        Some(key) => {
            login.insert("AccessKeyId".into(), key.id.clone().into());
            secret = key.secret.clone().into();
        }
        None => {
            let account = step.account.as_ref().or(case.account.as_ref());
            let account = account.map_or("111122223333", String::as_str);
            login.insert("Account".into(), account.into());
        }
    }
    let mut login = Value::Object(login);
    substitute(&mut login, variables);
    substitute(&mut secret, variables);
    (login, secret.as_str().unwrap_or_default().to_owned())
}
