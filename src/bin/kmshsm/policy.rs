//! `kmshsm policy simulate`: why somebody may or may not do something, in a sentence.

use kmshsm::api::SimulatePolicy;
use kmshsm::error::{ErrorCode, Result};
use kmshsm::kms::Action;
use serde_json::Value;

/// The action that is explained.
pub const SIMULATE: &str = SimulatePolicy::NAME;

/// An answer of SimulatePolicy in words.
pub fn explain(answer: &str) -> Result<String> {
    let answer: Value = serde_json::from_str(answer).map_err(|_| ErrorCode::Internal)?;
    let text = |name: &str| answer.get(name).and_then(Value::as_str);
    let (decision, why) =
        (text("Decision").unwrap_or_default(), text("Explanation").unwrap_or_default());
    let (Some(policy), Some(statement)) = (text("Policy"), answer.get("Statement")) else {
        return Ok(format!("{decision}: {why}\n"));
    };
    let kind = match text("PolicyType") {
        Some("Key") => "the key's policy",
        Some("System") => "the system policy",
        _ => "the custom policy",
    };
    let name = text("Sid").map_or(String::new(), |sid| format!(" ({sid})"));
    Ok(format!("{decision}: {why} It is statement {statement}{name} of {kind} {policy}.\n"))
}
