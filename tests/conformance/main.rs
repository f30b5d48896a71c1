//! The conformance table in Rust, in two lanes. The language of the cases: tests/README.md.

mod authorization;
mod expect;
mod lanes;
mod matrix;
mod outside;
mod secrets;
mod sessions;
mod typed;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use kmshsm::error::ErrorCode;
use kmshsm::kms::{Audit, DataPlane, Kms, Options, Place};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use authorization::Authorization;
use lanes::Lane;
use matrix::Matrix;
use secrets::Secrets;
use sessions::{AccessKey, Sessions};

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    name: String,
    account: Option<String>,
    region: Option<String>,
    access_key: Option<AccessKey>,
    client: Option<serde_json::Map<String, Value>>,
    steps: Vec<Step>,
}

#[derive(Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Step {
    name: Option<String>,
    call: String,
    #[serde(default)]
    with: serde_json::Map<String, Value>,
    raw: Option<String>,
    account: Option<String>,
    region: Option<String>,
    access_key: Option<AccessKey>,
    client: Option<serde_json::Map<String, Value>>,
    error: Option<String>,
    message: Option<String>,
    #[serde(default)]
    expect: serde_json::Map<String, Value>,
    #[serde(default)]
    save: BTreeMap<String, String>,
}

type Variables = BTreeMap<String, String>;

#[test]
fn the_table_holds_in_json() {
    run(Lane::Json);
}

#[test]
fn the_table_holds_in_types() {
    run(Lane::Typed);
}

/// Every action occurs, and every error that an action can answer.
#[test]
fn the_table_is_complete() {
    let (mut called, mut refused) = (BTreeSet::new(), BTreeSet::new());
    for (_, case) in Table::read().cases {
        for step in case.steps {
            called.insert(step.call);
            refused.extend(step.error);
        }
    }
    for action in kmshsm::api::ACTIONS {
        assert!(called.contains(action.name), "no case calls {}", action.name);
    }
    for code in ErrorCode::ALL.iter().filter(|code| is_answered_by_actions(**code)) {
        assert!(refused.contains(code.wire_code()), "no case is refused with {}", code.wire_code());
    }
}

#[test]
fn the_matrices_are_complete() {
    let table = Table::read();
    Matrix::check_are_complete(table.matrices.values());
    for authorization in &table.authorizations {
        authorization.check_is_complete(&table.matrices[&authorization.operations]);
    }
}

/// The codes that an action can answer on a store of the table. The others belong to the C ABI, to
/// opening stores, to operations on them, to verifying trails, to the state of the module or to quotas, and
/// have tests of their own.
fn is_answered_by_actions(code: ErrorCode) -> bool {
    let elsewhere =
        ["Abi.", "Audit.", "Backup.", "Module.", "Shares.", "Store.", "Token.", "InternalFailure"];
    let is_elsewhere = elsewhere.iter().any(|prefix| code.wire_code().starts_with(prefix));
    code != ErrorCode::Throttled && !is_elsewhere
}

fn run(lane: Lane) {
    let mut failures = Vec::new();
    let mut count = 0;
    for (file, case) in Table::read().cases {
        count += 1;
        let outcome = Play::new(&case, lane).run();
        failures.extend(outcome.err().map(|why| format!("{file}: {}: {why}", case.name)));
    }
    assert!(count >= 350, "only {count} cases");
    assert!(failures.is_empty(), "{} of {count} failed\n{}", failures.len(), failures.join("\n"));
}

/// A case under way.
struct Play<'c> {
    case: &'c Case,
    lane: Lane,
    kms: Arc<Kms>,
    sessions: Sessions,
    variables: Variables,
    secrets: Secrets,
}

impl<'c> Play<'c> {
    fn new(case: &'c Case, lane: Lane) -> Self {
        let audit = Audit { data_plane: DataPlane::All, ..Audit::default() };
        let options = Options { allow_unprotected_memory: true, audit, ..Options::default() };
        let kms = Place::Memory { manual_clock: true, seed: None }.open(None, options).unwrap();
        let (sessions, variables) = (Sessions::default(), Variables::new());
        Self { case, lane, kms, sessions, variables, secrets: Secrets::default() }
    }

    fn run(&mut self) -> Result<(), String> {
        for (at, step) in self.case.steps.iter().enumerate() {
            let name = step.name.as_ref().unwrap_or(&step.call);
            self.step(step).map_err(|why| format!("step {}, {name}: {why}", at + 1))?;
        }
        if self.lane == Lane::Typed {
            return Ok(());
        }
        self.sessions.secrets().for_each(|secret| self.secrets.add(secret));
        let mut accounts = self.sessions.accounts().into_iter();
        accounts.try_for_each(|account| self.secrets.are_in_no_event(&self.kms, &account))
    }

    fn step(&mut self, step: &Step) -> Result<(), String> {
        let mut with = Value::Object(step.with.clone());
        substitute(&mut with, &self.variables);
        self.secrets.note(&with);
        let outcome = match outside::serve(&step.call, &with) {
            Some(answer) => Ok(lanes::Answer::whole(answer)),
            None => {
                let session = self.sessions.of(&self.kms, self.case, step, &self.variables);
                session.and_then(|session| {
                    lanes::call(session, self.lane, &step.call, &with, step.raw.as_deref())
                })
            }
        };
        let answer = match (outcome, &step.error) {
            (Ok(answer), None) => answer,
            (Ok(_), Some(code)) => return Err(format!("should fail with {code} and succeeds")),
            (Err(error), None) => return Err(format!("fails with {error}")),
            (Err(error), Some(code)) => {
                let text = error.to_string();
                if error.code().wire_code() != code {
                    return Err(format!("should fail with {code} and fails with {text}"));
                }
                return match &step.message {
                    Some(part) if !text.contains(part.as_str()) => {
                        Err(format!("{text} lacks {part}"))
                    }
                    _ => Ok(()),
                };
            }
        };
        self.secrets.note(answer.value());
        for (path, expected) in &step.expect {
            let mut expected = expected.clone();
            substitute(&mut expected, &self.variables);
            answer.check(path, &expected)?;
        }
        for (name, path) in &step.save {
            let found = answer.text(path).ok_or_else(|| format!("{path} is not in the answer"))?;
            self.variables.insert(name.clone(), found);
        }
        Ok(())
    }
}

/// Replaces `${name}` in every string.
fn substitute(value: &mut Value, variables: &Variables) {
    match value {
        Value::String(text) => {
            for (name, content) in variables {
                *text = text.replace(&format!("${{{name}}}"), content);
            }
            assert!(!text.contains("${"), "an unknown variable in {text}");
        }
        Value::Array(items) => items.iter_mut().for_each(|item| substitute(item, variables)),
        Value::Object(items) => items.values_mut().for_each(|item| substitute(item, variables)),
        _ => {}
    }
}

/// The cases, those of the matrices among them, with the names of their files.
#[derive(Default)]
struct Table {
    cases: Vec<(String, Case)>,
    matrices: BTreeMap<String, Matrix>,
    authorizations: Vec<Authorization>,
}

impl Table {
    fn read() -> Self {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases");
        let mut files: Vec<_> =
            std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().path()).collect();
        files.sort();
        let mut table = Self::default();
        let mut authorizations = Vec::new();
        for path in files {
            let file = path.file_name().unwrap().to_string_lossy().into_owned();
            let text = std::fs::read_to_string(&path).unwrap();
            if text.starts_with('[') {
                table.add(&file, parse(&file, &text));
            } else if text.contains("\"roles\"") {
                authorizations.push((file.clone(), parse::<Authorization>(&file, &text)));
            } else {
                let matrix: Matrix = parse(&file, &text);
                table.add(&file, matrix.cases());
                table.matrices.insert(file, matrix);
            }
        }
        for (file, authorization) in authorizations {
            let cases = authorization.cases(&table.matrices[&authorization.operations]);
            table.add(&file, cases);
            table.authorizations.push(authorization);
        }
        let mut names = BTreeSet::new();
        for (file, case) in &table.cases {
            assert!(names.insert(&case.name), "{file}: two cases {}", case.name);
        }
        table
    }

    fn add(&mut self, file: &str, cases: Vec<Case>) {
        self.cases.extend(cases.into_iter().map(|case| (file.to_owned(), case)));
    }
}

fn parse<T: DeserializeOwned>(file: &str, text: &str) -> T {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{file}: {error}"))
}
