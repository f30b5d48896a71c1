//! The matrix of authorization: what each role may do to keys in each state, by whatever name, and to
//! all else there is. Its form: tests/README.md.

use std::collections::BTreeSet;

use kmshsm::api::ACTIONS;
use kmshsm::kms::Access;
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::matrix::{Matrix, Row};
use crate::sessions::AccessKey;
use crate::{Case, Step};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Authorization {
    pub operations: String,
    changes: BTreeSet<String>,
    looks: Looks,
    /// They make what keys are confused with.
    others: Vec<Step>,
    names: Vec<Naming>,
    account: Vec<Step>,
    rows: Vec<Request>,
    roles: Vec<Role>,
}

/// What must be as before when a change has been denied.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Looks {
    key: Vec<Step>,
    account: Vec<Step>,
}

/// A way to name a key, or what looks like one.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Naming {
    name: String,
    #[serde(default)]
    is_key: bool,
    steps: Vec<Step>,
}

/// A request about no key.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Request {
    call: String,
    #[serde(default)]
    with: Map<String, Value>,
    error: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Role {
    name: String,
    #[serde(default)]
    steps: Vec<Step>,
    #[serde(default)]
    grants: Vec<Step>,
    account: Option<String>,
    access_key: Option<AccessKey>,
    denied: String,
    /// The only operations that make sense to it.
    rows: Option<BTreeSet<String>>,
    may: BTreeSet<String>,
}

impl Role {
    fn tries(&self, row: &Row) -> bool {
        self.rows.as_ref().is_none_or(|rows| rows.contains(row.name()))
    }

    /// The same request as this role.
    fn asks(&self, mut probe: Step, name: String, error: Option<&str>) -> Step {
        probe.name = Some(name);
        probe.account = self.account.clone();
        probe.access_key = self.access_key.clone();
        probe.error = error.map(str::to_owned);
        probe
    }
}

impl Authorization {
    /// For each role, a case for each state of keys, one for the names of keys and one for the account.
    pub fn cases(&self, operations: &Matrix) -> Vec<Case> {
        let mut cases = Vec::new();
        for role in &self.roles {
            let mut add = |of: &str, steps: Vec<Step>| {
                if steps.is_empty() {
                    return;
                }
                let name = format!("{}: operations {of}", role.name);
                let steps = [&role.steps[..], &steps].concat();
                cases.push(Case { name, steps, ..operations.case_there() });
            };
            for state in 0..operations.states() {
                add(operations.state(state), self.on_keys(operations, role, state));
            }
            // Names mean another thing in another account, and there the account's own is its own.
            if role.account.is_none() {
                add("by other names", self.by_names(operations, role));
                add("on the account", self.on_the_account(role));
            }
        }
        cases
    }

    fn on_keys(&self, operations: &Matrix, role: &Role, state: usize) -> Vec<Step> {
        let mut steps = Vec::new();
        for row in operations.rows().filter(|row| role.tries(row) && row.has_states()) {
            steps.extend(operations.setup(row, state, &role.grants));
            let name = format!("{} {}", row.name(), operations.state(state));
            if role.may.contains(row.call()) {
                steps.push(role.asks(row.probe(), name, operations.outcome(row, state)));
                steps.push(operations.described_after(row, state));
            } else {
                let probe = role.asks(row.probe(), name, Some(&role.denied));
                steps.extend(self.denied(probe, &self.looks.key));
            }
        }
        steps
    }

    fn by_names(&self, operations: &Matrix, role: &Role) -> Vec<Step> {
        let mut steps = Vec::new();
        for row in operations.rows().filter(|row| role.tries(row) && row.has_names()) {
            // What it may do to whatever key is not denied under any name.
            let is_allowed = role.may.contains(row.call());
            let is_denied =
                |naming: &&Naming| !is_allowed || (!role.grants.is_empty() && !naming.is_key);
            let denied: Vec<_> = self.names.iter().filter(is_denied).collect();
            if !denied.is_empty() {
                if steps.is_empty() {
                    steps.clone_from(&self.others);
                }
                steps.extend(operations.setup(row, 0, &role.grants));
            }
            for naming in denied {
                steps.extend(naming.steps.iter().cloned());
                let name = format!("{} {}", row.name(), naming.name);
                steps.push(role.asks(row.probe(), name, Some(&role.denied)));
            }
        }
        steps
    }

    fn on_the_account(&self, role: &Role) -> Vec<Step> {
        let mut steps = self.account.clone();
        for row in &self.rows {
            let probe = Step { call: row.call.clone(), with: row.with.clone(), ..Step::default() };
            if role.may.contains(&row.call) {
                steps.push(role.asks(probe, row.call.clone(), row.error.as_deref()));
            } else {
                let probe = role.asks(probe, row.call.clone(), Some(&role.denied));
                steps.extend(self.denied(probe, &self.looks.account));
            }
        }
        steps
    }

    /// A request that is denied: where it would be a change, all is as before.
    fn denied(&self, probe: Step, looks: &[Step]) -> Vec<Step> {
        if !self.changes.contains(&probe.call) {
            return vec![probe];
        }
        let as_before = |(at, look): (usize, &Step)| {
            let (mut before, mut after) = (look.clone(), look.clone());
            before.save.insert(format!("before {at}"), String::new());
            after.expect.insert(String::new(), format!("${{before {at}}}").into());
            (before, after)
        };
        let (before, after): (Vec<_>, Vec<_>) = looks.iter().enumerate().map(as_before).unzip();
        [before, vec![probe], after].concat()
    }

    /// Every action has a row, every change is looked at, and roles are spelt right.
    pub fn check_is_complete(&self, operations: &Matrix) {
        let rows = operations.rows().map(Row::call);
        let known: BTreeSet<&str> = rows.chain(self.rows.iter().map(|row| &*row.call)).collect();
        for action in ACTIONS {
            assert!(known.contains(action.name), "{}: no row", action.name);
            let changes = action.access == Access::Write && action.name != "AdvanceClock";
            assert_eq!(changes, self.changes.contains(action.name), "changes: {}", action.name);
        }
        let names: BTreeSet<&str> = operations.rows().map(Row::name).collect();
        for role in &self.roles {
            for call in &role.may {
                assert!(known.contains(&**call), "{}: {call}", role.name);
            }
            for name in role.rows.iter().flatten() {
                assert!(names.contains(&**name), "{}: {name}", role.name);
            }
        }
    }
}
