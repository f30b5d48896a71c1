//! Answers on the terminal: the API's JSON, or tables for people.

use std::io::Write;

use clap::ArgMatches;
use kmshsm::api::error_json;
use kmshsm::error::{Error, ErrorCode, Result};
use serde_json::Value;

/// How to print.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Output {
    /// The API's JSON.
    Json,
    /// Two columns, and a table for each list.
    Table,
}

impl Output {
    /// What the caller asked for.
    pub fn of(matches: &ArgMatches) -> Self {
        let mut flags = matches;
        while let Some((_, below)) = flags.subcommand() {
            flags = below;
        }
        let wanted = flags.try_get_one::<String>("output").ok().flatten();
        if wanted.is_some_and(|name| name == "table") { Self::Table } else { Self::Json }
    }

    /// Prints an answer.
    pub fn answer(self, json: &str) -> Result<()> {
        let value: Value = serde_json::from_str(json).map_err(|_| ErrorCode::Internal)?;
        let mut text = String::new();
        match self {
            Self::Json => text = format!("{value:#}\n"),
            Self::Table => {
                let (mut rows, mut tables) = (Vec::new(), Vec::new());
                flatten("", &value, &mut rows, &mut tables);
                columns(&rows, &mut text);
                for (name, table) in tables {
                    text.push_str(&format!("\n{name}\n"));
                    columns(&table, &mut text);
                }
            }
        }
        print(&text)
    }

    /// Prints a failure to standard error.
    pub fn error(self, error: &Error) {
        match self {
            Self::Json => {
                let value: Value = serde_json::from_str(&error_json(error)).unwrap_or_default();
                report(&format!("{value:#}"));
            }
            Self::Table => report(&format!("{}: {error}", error.code().wire_code())),
        }
    }
}

/// Rows of cells.
pub type Rows = Vec<Vec<String>>;

/// Sorts an answer into single values, by their path, and lists of objects.
fn flatten(path: &str, value: &Value, rows: &mut Rows, tables: &mut Vec<(String, Rows)>) {
    let below =
        |name: &str| if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                flatten(&below(name), member, rows, tables);
            }
        }
        Value::Array(items) if items.iter().any(Value::is_object) => {
            tables.push((path.to_owned(), table(items)));
        }
        single => rows.push(vec![path.to_owned(), cell(single)]),
    }
}

fn table(items: &[Value]) -> Rows {
    let first = items.first().and_then(Value::as_object);
    let names: Vec<String> = first.map(|item| item.keys().cloned().collect()).unwrap_or_default();
    let row = |item: &Value| -> Vec<String> {
        names.iter().map(|name| item.get(name).map_or(String::new(), cell)).collect()
    };
    let mut rows = vec![names.clone()];
    rows.extend(items.iter().map(row));
    rows
}

fn cell(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(items) => items.iter().map(cell).collect::<Vec<_>>().join(", "),
        other => other.to_string(),
    }
}

/// Writes rows with their cells below each other.
pub fn columns(rows: &Rows, text: &mut String) {
    let count = rows.iter().map(Vec::len).max().unwrap_or(0);
    let longest =
        |at: usize| rows.iter().filter_map(|row| row.get(at)).map(|cell| width(cell)).max();
    let widths: Vec<_> = (0..count).map(|at| longest(at).unwrap_or(0)).collect();
    for row in rows {
        let padded = |(cell, widest): (&String, &usize)| {
            format!("{cell}{}", " ".repeat(widest.saturating_sub(width(cell))))
        };
        let cells: Vec<_> = row.iter().zip(&widths).map(padded).collect();
        text.push_str(cells.join("  ").trim_end());
        text.push('\n');
    }
}

/// How many columns a text takes on a terminal: two for each wide character (Unicode UAX #11).
fn width(text: &str) -> usize {
    let of = |c: char| match c {
        '\u{1100}'..='\u{115f}'
        | '\u{2e80}'..='\u{a4cf}'
        | '\u{ac00}'..='\u{d7a3}'
        | '\u{f900}'..='\u{faff}'
        | '\u{fe30}'..='\u{fe6f}'
        | '\u{ff01}'..='\u{ff60}'
        | '\u{ffe0}'..='\u{ffe6}'
        | '\u{1f300}'..='\u{1faff}'
        | '\u{20000}'..='\u{3fffd}' => 2,
        _ => 1,
    };
    text.chars().map(of).sum()
}

/// Prints to standard output.
pub fn print(text: &str) -> Result<()> {
    write(text.as_bytes())
}

/// Writes to standard output, which may be closed or full: that is an error like any other.
pub fn write(bytes: &[u8]) -> Result<()> {
    let mut out = std::io::stdout().lock();
    out.write_all(bytes).and_then(|()| out.flush()).map_err(|error| {
        Error::new(ErrorCode::Internal)
            .because(format!("The answer could not be written: {error}."))
    })
}

/// Prints to standard error, if anybody listens.
pub fn report(text: &str) {
    let _ = writeln!(std::io::stderr(), "{text}");
}
