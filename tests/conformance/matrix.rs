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
struct Row {
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
                let name = row.name.as_ref().unwrap_or(&row.call);
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
        let key = if column.external { &row.external } else { &row.key };
        let probe = Step {
            call: row.call.clone(),
            with: row.with.clone(),
            account: column.account.clone(),
            region: column.region.clone(),
            error: self.outcomes[cell].clone(),
            expect: row.expect.clone(),
            ..Step::default()
        };
        let state = row.becomes.get(&column.name).unwrap_or(&column.state);
        let described = json!({
            "call": "DescribeKey",
            "with": {"KeyId": "${key}"},
            "expect": {"KeyMetadata.KeyState": state},
        });
        let mut steps = [&self.keys[key][..], &row.before, &column.steps].concat();
        steps.push(probe);
        steps.extend(row.after.get(&column.name).into_iter().flatten().cloned());
        steps.push(serde_json::from_value(described).unwrap());
        let name = format!("{name} {}", column.name);
        Case { name, account: None, region: Some(self.region.clone()), steps }
    }

    /// Every action that is about a key has a row, and one that a key is named to is tried with all
    /// names.
    pub fn check_are_complete(matrices: &[Self]) {
        let rows = || matrices.iter().flat_map(|matrix| &matrix.rows);
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
