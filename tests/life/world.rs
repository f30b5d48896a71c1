//! The engine and the model side by side: every call goes to both.

use std::sync::Arc;

use kmshsm::api::dispatch_json;
use kmshsm::kms::{Kms, Options, Session};
use kmshsm::model::Timestamp;
use serde_json::{Value, json};

use crate::call::{Call, Refusal, SPACES};
use crate::commands::Command;
use crate::model::{Model, START, TICK};
use crate::names::Names;
use crate::outside;

/// What was called, in the form of the conformance table.
pub type Log = Vec<String>;

pub struct World<'a> {
    kms: Arc<Kms>,
    sessions: [Session; SPACES.len()],
    model: Model,
    names: Names,
    log: Option<&'a mut Log>,
}

/// Runs a sequence; says where the two differ.
pub fn run(commands: &[Command], log: Option<&mut Log>) -> Result<(), String> {
    let mut world = World::new(log);
    for command in commands {
        for call in command.calls(&world.model) {
            world.call(&call)?;
        }
    }
    match &*world.kms.ledger().unwrap() {
        [] => Ok(()),
        faults => Err(format!("the ledger does not balance: {faults:?}")),
    }
}

impl<'a> World<'a> {
    pub fn new(log: Option<&'a mut Log>) -> Self {
        let manual_clock = Some(Timestamp(START));
        let options =
            Options { manual_clock, allow_unprotected_memory: true, ..Options::default() };
        let kms = Kms::in_memory(options).unwrap();
        let sessions = SPACES.map(|(account, region)| kms.session(account, region).unwrap());
        Self { kms, sessions, model: Model::default(), names: Names::default(), log }
    }

    /// One call, and whatever it takes to know what the engine has done unasked.
    pub fn call(&mut self, call: &Call) -> Result<(), String> {
        self.compare(call)?;
        // What is due is done when a key is asked for. Calls that fail may leave it undone: whether
        // they do shows in nothing if the key is asked for again before the clock moves.
        let mut questions = self.model.take_questions();
        while !questions.is_empty() {
            for question in questions {
                self.compare(&question)?;
            }
            questions = self.model.take_questions();
        }
        Ok(())
    }

    fn compare(&mut self, call: &Call) -> Result<(), String> {
        let verdict = self.model.predict(call);
        if let Some(log) = &mut self.log {
            let (account, region) = SPACES[call.space];
            let step = json!({ "call": call.action, "with": call.params, "account": account, "region": region });
            log.push(step.to_string());
        }
        let outcome = self.answer(call);
        let difference = match (&verdict, outcome) {
            (Ok(expected), Ok(answer)) => self.names.difference(expected, &answer),
            (Err(Refusal(code, part)), Err((found, message))) => (*code != found
                || !message.contains(part))
            .then(|| format!("the model says {code} {part}, the engine {found}: {message}")),
            (Ok(_), Err((code, message))) => {
                Some(format!("the engine refuses it: {code}: {message}"))
            }
            (Err(Refusal(code, part)), Ok(answer)) => {
                Some(format!("the model says {code} {part}, the engine {answer}"))
            }
        };
        difference.map_or(Ok(()), |difference| Err(format!("{}: {difference}", call.action)))
    }

    fn answer(&self, call: &Call) -> Result<Value, (String, String)> {
        let mut params = self.names.resolve(&Value::Object(call.params.clone()));
        if let Some(recipe) = params.get_mut("EncryptedKeyMaterial") {
            *recipe = wrap(recipe);
        }
        let session = &self.sessions[call.space];
        if call.action == TICK {
            return Ok(serde_json::to_value(self.kms.tick().unwrap()).unwrap());
        }
        match dispatch_json(session, call.action, Some(&params.to_string())) {
            Ok(answer) => {
                let mut answer: Value = serde_json::from_str(&answer).unwrap();
                answer.as_object_mut().unwrap().remove("RequestId").unwrap();
                Ok(answer)
            }
            Err(error) => Err((error.code().wire_code().to_owned(), error.to_string())),
        }
    }
}

/// Material is wrapped by an outside party when the public key is known.
fn wrap(recipe: &Value) -> Value {
    outside::serve("wrap", recipe).unwrap()["EncryptedKeyMaterial"].take()
}
