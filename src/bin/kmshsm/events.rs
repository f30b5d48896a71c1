//! `kmshsm audit list`: LookupEvents as a table that people read.

use clap::{Arg, ArgMatches, Command, value_parser};
use kmshsm::api::{Params, dispatch};
use kmshsm::error::{ErrorCode, Result};
use kmshsm::kms::Session;
use serde_json::{Value, json};

use crate::command::{given, with_common};
use crate::login::with_login;
use crate::output::Output;

/// The longest page, in events.
const PAGE: u64 = 100;

/// The columns of the table.
const HEAD: [&str; 6] = ["time", "region", "who", "action", "resource", "result"];

/// Options that are parameters of LookupEvents.
const CONDITIONS: [(&str, &str, &str, &str); 6] = [
    ("since", "TIME", "StartTime", "From this moment on: 2026-02-28T09:30:00Z"),
    ("until", "TIME", "EndTime", "Up to this moment"),
    ("key", "ID", "ResourceName", "Of the key with this id"),
    ("user", "NAME", "User", "By this user; root is the account itself"),
    ("action", "NAME", "EventName", "Of this action, such as CreateKey"),
    ("error", "CODE", "ErrorCode", "Failed like this, such as Forbidden.NoPermission"),
];

/// The command.
pub fn command() -> Command {
    let options = CONDITIONS
        .map(|(name, value, _, help)| Arg::new(name).long(name).value_name(value).help(help));
    with_login(with_common(Command::new("list")))
        .about("List events of an account in all regions, the newest first")
        .args(options)
        .arg(
            Arg::new("max")
                .long("max")
                .value_name("N")
                .value_parser(value_parser!(u64).range(1..))
                .default_value("20")
                .help("How many at most"),
        )
}

/// Prints the events.
pub fn run(flags: &ArgMatches, session: &Session, output: Output) -> Result<()> {
    let most = flags.get_one::<u64>("max").copied().unwrap_or(PAGE);
    let (mut events, mut token) = (Vec::new(), String::new());
    loop {
        let left = most.saturating_sub(events.len() as u64);
        let mut params = Params::new();
        params.push("MaxResults", left.min(PAGE).to_string());
        for (name, _, parameter, _) in CONDITIONS {
            if let Some(value) = given(flags, name) {
                params.push(parameter, value);
            }
        }
        params.push("NextToken", token);
        let answer = dispatch(session, "LookupEvents", params)?;
        let mut page: Value = serde_json::from_str(&answer).map_err(|_| ErrorCode::Internal)?;
        let found = page.pointer_mut("/Events").and_then(Value::as_array_mut);
        events.append(found.ok_or(ErrorCode::Internal)?);
        token = text(&page, "/NextToken");
        if token.is_empty() || events.len() as u64 >= most {
            break;
        }
    }
    match output.is_json() {
        true => output.answer(&json!({ "Events": events }).to_string()),
        false => output.list("", &HEAD, &events.iter().map(row).collect()),
    }
}

fn row(event: &Value) -> Vec<String> {
    let mut result = text(event, "/errorCode");
    if result.is_empty() {
        result.push_str("ok");
    }
    let count = event.pointer("/additionalEventData/count").and_then(Value::as_u64);
    if let Some(count) = count.filter(|count| *count > 1) {
        result.push_str(&format!(", {count} times"));
    }
    vec![
        text(event, "/eventTime"),
        text(event, "/acsRegion"),
        text(event, "/userIdentity/userName"),
        text(event, "/eventName"),
        resource(event),
        result,
    ]
}

/// What it was about: its name, or the first key.
fn resource(event: &Value) -> String {
    let named = text(event, "/resourceName");
    if !named.is_empty() {
        return named;
    }
    let first = event.pointer("/referencedResources").and_then(Value::as_object);
    let first = first.and_then(|all| all.values().next()).and_then(|names| names.get(0));
    first.and_then(Value::as_str).unwrap_or_default().to_owned()
}

fn text(value: &Value, pointer: &str) -> String {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned()
}
