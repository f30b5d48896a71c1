//! `kmshsm bill`: QueryBill as a statement that people read.

use clap::ArgMatches;
use kmshsm::api::{Params, dispatch};
use kmshsm::error::{ErrorCode, Result};
use kmshsm::kms::Session;
use serde_json::Value;

use crate::command;
use crate::output::Output;
use crate::output::table::Rows;

/// Prints the bill of the session's account.
pub fn run(flags: &ArgMatches, session: &Session, output: Output) -> Result<()> {
    let mut params = Params::new();
    params.push("BillingCycle", command::text(flags, "month"));
    params.push("Currency", command::text(flags, "currency"));
    let answer = dispatch(session, "QueryBill", params)?;
    if output.is_json() {
        return output.answer(&answer);
    }
    let bill: Value = serde_json::from_str(&answer).map_err(|_| ErrorCode::Internal)?;
    statement(&bill, output)
}

fn statement(bill: &Value, output: Output) -> Result<()> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let of = |name: &str| bill.get(name).map(text).unwrap_or_default();
    let names = ["Region", "Item", "Quantity", "Unit", "UnitPrice", "Amount"];
    let row = |line: &Value| names.map(|name| line.get(name).map(text).unwrap_or_default());
    let lines = bill.pointer("/Items/Item").and_then(Value::as_array).into_iter().flatten();
    let mut rows: Rows = lines.map(|line| row(line).to_vec()).collect();
    rows.push(["Total", "", "", "", "", &of("Total")].map(str::to_owned).to_vec());
    let [account, month, currency] = ["AccountID", "BillingCycle", "Currency"].map(of);
    output.list(&format!("Account {account}, {month} (UTC), in {currency}"), &names, &rows)
}
