//! What the audit trail has of requests.

mod changes;
mod lookups;
mod planes;
mod refusals;

use std::sync::Arc;

use serde_json::{Value, json};

use crate::api::{dispatch_json, verify_trail};
use crate::audit::PublicKey;
use crate::error::{Error, Result};
use crate::kms::{Audit, Client, Kms, Login, Options, Session};
use crate::model::Timestamp;

const START: Timestamp = Timestamp(1_562_246_055);
const ACCOUNT: &str = "111122223333";
const REGION: &str = "cn-hangzhou";

/// A store in memory whose clock stands still.
struct World {
    kms: Arc<Kms>,
    root: Session,
}

impl World {
    fn new(audit: Audit) -> Self {
        let manual_clock = Some(START);
        let allow_unprotected_memory = true;
        let options =
            Options { manual_clock, allow_unprotected_memory, audit, ..Options::default() };
        let kms = Kms::in_memory(options).unwrap();
        // Without locked memory, that is an event.
        assert!(events(&kms).len() <= 1);
        let root = kms.session(ACCOUNT, REGION).unwrap();
        Self { kms, root }
    }

    fn call(&self, action: &str, with: &Value) -> Value {
        call(&self.root, action, with).unwrap_or_else(|error| panic!("{action} {with}: {error}"))
    }

    fn key(&self) -> Value {
        self.call("CreateKey", &json!({}))["KeyMetadata"]["KeyId"].take()
    }

    fn pass(&self, seconds: u64) {
        self.call("AdvanceClock", &json!({ "Seconds": seconds }));
    }

    /// A user with an access key and no rights: its id and secret.
    fn user(&self, name: &str) -> (String, String) {
        self.call("CreateUser", &json!({ "UserName": name }));
        let made = self.call("CreateAccessKey", &json!({ "UserName": name }));
        let text = |member: &str| made["AccessKey"][member].as_str().unwrap().to_owned();
        (text("AccessKeyId"), text("AccessKeySecret"))
    }

    fn login(&self, id: &str, secret: &str) -> Result<Session> {
        self.kms.login(&Login {
            account: None,
            region: REGION,
            access_key: Some((id, secret.as_bytes())),
            client: Client::default(),
        })
    }

    /// The events that `f` leads to.
    fn events_of(&self, f: impl FnOnce()) -> Vec<Value> {
        let before = events(&self.kms).len();
        f();
        events(&self.kms).split_off(before)
    }
}

fn call(session: &Session, action: &str, with: &Value) -> Result<Value> {
    let answer = dispatch_json(session, action, Some(&with.to_string()))?;
    Ok(serde_json::from_str(&answer).unwrap())
}

fn code(outcome: Result<Value>) -> Option<&'static str> {
    outcome.err().map(|error: Error| error.code().wire_code())
}

/// All events, of a trail that verifies from outside as from inside.
fn events(kms: &Kms) -> Vec<Value> {
    let mut lines = Vec::new();
    let head = kms.export_trail(&mut lines).unwrap();
    let key = PublicKey::from_pem(&kms.trail_key().unwrap()).unwrap();
    let verified = verify_trail(&*lines, Some(&key), Some(&head)).unwrap();
    let own = kms.verify_trail().unwrap();
    assert!(own.is_key_trusted && verified.is_key_trusted);
    assert_eq!(
        (own.head, own.events, own.checkpoints),
        (head, head.sequence, verified.checkpoints)
    );
    let lines = std::str::from_utf8(&lines).unwrap().lines();
    let mut lines: Vec<Value> = lines.map(|line| serde_json::from_str(line).unwrap()).collect();
    lines.retain(|line| line.get("Event").is_some());
    lines.iter_mut().map(|line| line["Event"].take()).collect()
}

/// Name, count and error code of an event.
fn outline(event: &Value) -> (&str, u64, Option<&str>) {
    let count = event["additionalEventData"]["count"].as_u64();
    (event["eventName"].as_str().unwrap(), count.unwrap_or(1), event["errorCode"].as_str())
}
