//! Matrices: a row for each operation, a column for each state of its key and each way to name it;
//! every cell is a case. Their form: tests/README.md.

use std::collections::BTreeMap;

use kmshsm::api::{ACTIONS, Descriptor};
use kmshsm::model::Service;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::{Case, Step};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Matrix {
    region: String,
    outcomes: BTreeMap<String, Option<String>>,
    keys: BTreeMap<String, Vec<Step>>,
    states: Vec<Column>,
    names: Vec<Column>,
    rows: Vec<Row>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Column {
    name: String,
    #[serde(default)]
    external: bool,
    account: Option<String>,
    region: Option<String>,
    steps: Vec<Step>,
    state: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Row {
    name: Option<String>,
    key: String,
    external: String,
    #[serde(default)]
    before: Vec<Step>,
    call: String,
    with: Map<String, Value>,
    #[serde(default)]
    expect: Map<String, Value>,
    #[serde(default)]
    states: Vec<String>,
    #[serde(default)]
    names: Vec<String>,
    #[serde(default)]
    becomes: BTreeMap<String, String>,
    #[serde(default)]
    after: BTreeMap<String, Vec<Step>>,
}

impl Matrix {
    /// A case for every cell.
    pub fn cases(&self) -> Vec<Case> {
        let mut cases = Vec::new();
        for row in &self.rows {
            for (columns, cells) in [(&self.states, &row.states), (&self.names, &row.names)] {
                let name = row.name();
                assert!(cells.is_empty() || cells.len() == columns.len(), "{name}: {cells:?}");
                let cells = columns.iter().zip(cells);
                cases.extend(cells.map(|(column, cell)| self.case(name, row, column, cell)));
            }
            let known =
                |name: &String| self.states.iter().chain(&self.names).any(|it| it.name == *name);
            assert!(row.becomes.keys().chain(row.after.keys()).all(known), "{}", row.call);
        }
        cases
    }

    fn case(&self, name: &str, row: &Row, column: &Column, cell: &str) -> Case {
        let probe = Step {
            account: column.account.clone(),
            region: column.region.clone(),
            error: self.outcomes[cell].clone(),
            expect: row.expect.clone(),
            ..row.probe()
        };
        let mut steps = self.prepare(row, column, &[]);
        steps.push(probe);
        steps.extend(row.after.get(&column.name).into_iter().flatten().cloned());
        steps.push(described(row, column));
        Case { name: format!("{name} {}", column.name), steps, ..self.case_there() }
    }

    /// Makes a key, grants what is to be granted on it, and brings it to where the column wants it.
    fn prepare(&self, row: &Row, column: &Column, grants: &[Step]) -> Vec<Step> {
        let key = if column.external { &row.external } else { &row.key };
        [&self.keys[key][..], grants, &row.before, &column.steps].concat()
    }

    /// A case without steps in the region of all.
    pub fn case_there(&self) -> Case {
        Case { region: Some(self.region.clone()), ..Case::default() }
    }

    /// The rows.
    pub fn rows(&self) -> impl Iterator<Item = &Row> {
        self.rows.iter()
    }

    /// How many states there are.
    pub fn states(&self) -> usize {
        self.states.len()
    }

    /// The name of a state's column.
    pub fn state(&self, state: usize) -> &str {
        &self.states[state].name
    }

    /// The steps up to the row's call in a state.
    pub fn setup(&self, row: &Row, state: usize, grants: &[Step]) -> Vec<Step> {
        self.prepare(row, &self.states[state], grants)
    }

    /// What the call fails with in a state.
    pub fn outcome(&self, row: &Row, state: usize) -> Option<&str> {
        self.outcomes[&row.states[state]].as_deref()
    }

    /// The look at the key after the call.
    pub fn described_after(&self, row: &Row, state: usize) -> Step {
        described(row, &self.states[state])
    }

    /// Every action that is about a key has a row, and one that a key is named to is tried with all
    /// names.
    pub fn check_are_complete<'m>(matrices: impl Iterator<Item = &'m Self> + Clone) {
        let rows = || matrices.clone().flat_map(|matrix| &matrix.rows);
        let about_no_key = [
            "AdvanceClock",
            "CreateKey",
            "DescribeAccountKmsStatus",
            "DescribeRegions",
            "DescribeService",
            "GenerateRandom",
            "OpenKmsService",
        ];
        let is_about_keys = |action: &&Descriptor| {
            action.service == Service::Kms && !about_no_key.contains(&action.name)
        };
        for action in ACTIONS.iter().filter(is_about_keys) {
            let mine = || rows().filter(|row| row.call == action.name);
            assert!(mine().any(|row| !row.states.is_empty()), "{}: no states", action.name);
            let schema = (action.schema)();
            let takes = |name| schema.pointer(&format!("/properties/{name}")).is_some();
            let takes_key = takes("KeyId") || takes("DestinationKeyId");
            let is_named = mine().any(|row| !row.names.is_empty());
            assert!(is_named || !takes_key, "{}: no names", action.name);
        }
    }
}

impl Row {
    /// Tells it apart from the others.
    pub fn name(&self) -> &str {
        self.name.as_ref().unwrap_or(&self.call)
    }

    /// The action.
    pub fn call(&self) -> &str {
        &self.call
    }

    /// Whether it is tried in all states.
    pub fn has_states(&self) -> bool {
        !self.states.is_empty()
    }

    /// Whether it is tried with all names.
    pub fn has_names(&self) -> bool {
        !self.names.is_empty()
    }

    /// Its call.
    pub fn probe(&self) -> Step {
        Step { call: self.call.clone(), with: self.with.clone(), ..Step::default() }
    }
}

fn described(row: &Row, column: &Column) -> Step {
    let state = row.becomes.get(&column.name).unwrap_or(&column.state);
    let described = json!({
        "call": "DescribeKey",
        "with": {"KeyId": "${key}"},
        "expect": {"KeyMetadata.KeyState": state},
    });
    serde_json::from_value(described).unwrap()
}
