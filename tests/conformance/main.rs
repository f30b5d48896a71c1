//! The conformance table in Rust, in two lanes. The language of the cases: tests/README.md.

mod expect;
mod lanes;
mod matrix;
mod outside;
mod typed;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use kmshsm::error::ErrorCode;
use kmshsm::kms::{Kms, Options, Place};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use lanes::Lane;
use matrix::Matrix;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    name: String,
    account: Option<String>,
    region: Option<String>,
    steps: Vec<Step>,
}

#[derive(Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Step {
    call: String,
    #[serde(default)]
    with: serde_json::Map<String, Value>,
    raw: Option<String>,
    account: Option<String>,
    region: Option<String>,
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
    for (_, case) in read().0 {
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
    Matrix::check_are_complete(&read().1);
}

/// The codes that an action can answer on a store of the table. The others belong to the C ABI, to
/// opening stores and sessions, to the state of the module or to quotas, and have tests of their own; or
/// to what is still to come.
fn is_answered_by_actions(code: ErrorCode) -> bool {
    use ErrorCode as Code;
    let of_quotas_and_policies = [Code::Throttled, Code::NoPermission];
    let of_sessions = [Code::AccessKeyNotFound, Code::AccessKeyInactive, Code::IncompleteSignature];
    let still_to_come = [Code::ServiceOpened];
    let elsewhere = ["Abi.", "Audit.", "Store.", "Module.", "InternalFailure"];
    let is_elsewhere = elsewhere.iter().any(|prefix| code.wire_code().starts_with(prefix));
    let excepted = [&of_quotas_and_policies[..], &of_sessions, &still_to_come].concat();
    !excepted.contains(&code) && !is_elsewhere
}

fn run(lane: Lane) {
    let mut failures = Vec::new();
    let mut count = 0;
    for (file, case) in read().0 {
        count += 1;
        let outcome = play(&case, lane);
        failures.extend(outcome.err().map(|why| format!("{file}: {}: {why}", case.name)));
    }
    assert!(count >= 350, "only {count} cases");
    assert!(failures.is_empty(), "{} of {count} failed\n{}", failures.len(), failures.join("\n"));
}

fn play(case: &Case, lane: Lane) -> Result<(), String> {
    let options = Options { allow_unprotected_memory: true, ..Options::default() };
    let kms = Place::Memory { manual_clock: true }.open(None, options).unwrap();
    let mut variables = Variables::new();
    for (at, step) in case.steps.iter().enumerate() {
        play_step(&kms, case, step, lane, &mut variables)
            .map_err(|why| format!("step {}, {}: {why}", at + 1, step.call))?;
    }
    Ok(())
}

fn play_step(
    kms: &Arc<Kms>,
    case: &Case,
    step: &Step,
    lane: Lane,
    variables: &mut Variables,
) -> Result<(), String> {
    let mut with = Value::Object(step.with.clone());
    substitute(&mut with, variables);
    let outcome = match outside::serve(&step.call, &with) {
        Some(answer) => Ok(lanes::Answer::whole(answer)),
        None => {
            let account = step.account.as_ref().or(case.account.as_ref());
            let region = step.region.as_ref().or(case.region.as_ref());
            let account = account.map_or("111122223333", String::as_str);
            let region = region.map_or("cn-hongkong", String::as_str);
            kms.session(account, region).and_then(|session| {
                lanes::call(&session, lane, &step.call, &with, step.raw.as_deref())
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
                Some(part) if !text.contains(part.as_str()) => Err(format!("{text} lacks {part}")),
                _ => Ok(()),
            };
        }
    };
    for (path, expected) in &step.expect {
        let mut expected = expected.clone();
        substitute(&mut expected, variables);
        answer.check(path, &expected)?;
    }
    for (name, path) in &step.save {
        let found = answer.text(path).ok_or_else(|| format!("{path} is not in the answer"))?;
        variables.insert(name.clone(), found);
    }
    Ok(())
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

/// The cases, those of the matrices among them, and the matrices.
fn read() -> (Vec<(String, Case)>, Vec<Matrix>) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases");
    let mut files: Vec<_> =
        std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().path()).collect();
    files.sort();
    let (mut all, mut matrices, mut names) = (Vec::new(), Vec::new(), BTreeSet::new());
    for path in files {
        let file = path.file_name().unwrap().to_string_lossy().into_owned();
        let text = std::fs::read_to_string(&path).unwrap();
        let cases: Vec<Case> = if text.starts_with('{') {
            let matrix: Matrix = parse(&file, &text);
            let cases = matrix.cases();
            matrices.push(matrix);
            cases
        } else {
            parse(&file, &text)
        };
        for case in cases {
            assert!(names.insert(case.name.clone()), "{file}: two cases {}", case.name);
            all.push((file.clone(), case));
        }
    }
    (all, matrices)
}

fn parse<T: DeserializeOwned>(file: &str, text: &str) -> T {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{file}: {error}"))
}
