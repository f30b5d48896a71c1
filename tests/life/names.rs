//! What the names in calls and verdicts stand for.

use std::collections::{HashMap, HashSet};

use serde_json::Value;

#[derive(Default)]
pub struct Names {
    values: HashMap<String, String>,
    taken: HashSet<String>,
}

impl Names {
    /// The value with every name in it replaced.
    pub fn resolve(&self, value: &Value) -> Value {
        match value {
            Value::String(text) => Value::String(self.resolve_text(text)),
            Value::Array(items) => items.iter().map(|item| self.resolve(item)).collect(),
            Value::Object(members) => {
                let member = |(name, value): (&String, &Value)| (name.clone(), self.resolve(value));
                Value::Object(members.iter().map(member).collect())
            }
            other => other.clone(),
        }
    }

    pub fn resolve_text(&self, text: &str) -> String {
        let mut out = String::with_capacity(text.len());
        let mut rest = text;
        while let Some((before, behind)) = rest.split_once("${") {
            let (name, after) = behind.split_once('}').unwrap();
            out.push_str(before);
            // One that stands for nothing yet stays, and equals nothing.
            match self.values.get(name) {
                Some(value) => out.push_str(value),
                None => out.push_str(&format!("${{{name}}}")),
            }
            rest = after;
        }
        out.push_str(rest);
        out
    }

    /// Where the answer is not what was expected. A new name takes the value that it finds, which
    /// must be new itself.
    pub fn difference(&mut self, expected: &Value, answer: &Value) -> Option<String> {
        match self.bind(expected, answer) {
            true => difference(&self.resolve(expected), answer),
            false => Some("a name was given twice".to_owned()),
        }
    }

    fn bind(&mut self, expected: &Value, answer: &Value) -> bool {
        match (expected, answer) {
            (Value::String(expected), Value::String(answer)) => {
                let name = expected.strip_prefix("${").and_then(|name| name.strip_suffix('}'));
                let Some(name) = name.filter(|name| !self.values.contains_key(*name)) else {
                    return true;
                };
                self.values.insert(name.to_owned(), answer.clone());
                // The same cursor may point to the same place again.
                !answer.is_empty()
                    && (self.taken.insert(answer.clone()) || name.starts_with("next"))
            }
            (Value::Array(expected), Value::Array(answers)) => {
                expected.iter().zip(answers).all(|(expected, answer)| self.bind(expected, answer))
            }
            (Value::Object(expected), Value::Object(answers)) => {
                expected.iter().all(|(name, expected)| {
                    answers.get(name).is_none_or(|answer| self.bind(expected, answer))
                })
            }
            _ => true,
        }
    }
}

/// Null stands for anything.
fn difference(expected: &Value, answer: &Value) -> Option<String> {
    match (expected, answer) {
        (Value::Null, _) => None,
        (Value::Object(expected), Value::Object(found)) if expected.len() == found.len() => {
            expected.iter().find_map(|(name, expected)| {
                let difference = difference(expected, found.get(name).unwrap_or(&Value::Null))?;
                Some(format!("{name}: {difference}"))
            })
        }
        (expected, answer) if expected == answer => None,
        (expected, answer) => Some(format!("the model says {expected}, the engine {answer}")),
    }
}
