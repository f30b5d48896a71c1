//! Answers and failures: the API's JSON for programs, tables and lines for people.
#![forbid(unsafe_code)]

pub mod progress;
pub mod stream;
pub mod table;
mod visible;

use std::io::Write;

use clap::builder::PossibleValuesParser;
use clap::{Arg, ArgMatches, Command};
use kmshsm::api::error_json;
use kmshsm::error::{Error, ErrorCode, Result};
use serde_json::Value;

use stream::{Colour, Stream, Tone};
use table::Rows;
pub use visible::visible;
use visible::visible_lines;

/// How the answer is printed.
pub fn with_output(command: Command) -> Command {
    let option = |name: &'static str, words: [&'static str; 3], help: &'static str| {
        let words = PossibleValuesParser::new(words);
        Arg::new(name).long(name).value_parser(words).default_value("auto").help(help)
    };
    command
        .arg(option(
            "output",
            ["auto", "json", "table"],
            "How to print the answer: auto is a table on a terminal, and JSON elsewhere",
        ))
        .arg(option("color", ["auto", "always", "never"], "Whether tables and errors have colours"))
}

/// How to print.
#[derive(Clone, Copy)]
pub struct Output {
    wanted: Option<Format>,
    out: Stream,
    err: Stream,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Format {
    Json,
    Table,
}

impl Output {
    /// What the caller asked for.
    pub fn of(matches: &ArgMatches) -> Self {
        let mut flags = matches;
        while let Some((_, below)) = flags.subcommand() {
            flags = below;
        }
        let word = |name: &str| flags.try_get_one::<String>(name).ok().flatten();
        let colour = word("color").map(|word| Colour::parse(word)).unwrap_or_default();
        let wanted = match word("output").map(String::as_str) {
            Some("json") => Some(Format::Json),
            Some("table") => Some(Format::Table),
            _ => None,
        };
        Self { wanted, out: Stream::stdout(colour), err: Stream::stderr(colour) }
    }

    /// Whether the answer is JSON.
    pub fn is_json(self) -> bool {
        self.format(self.out) == Format::Json
    }

    /// Each stream has its own reader: `kmshsm ListKeys | jq` tells people what went wrong.
    fn format(self, stream: Stream) -> Format {
        let usual = if stream.is_terminal { Format::Table } else { Format::Json };
        self.wanted.unwrap_or(usual)
    }

    /// Prints an answer.
    pub fn answer(self, json: &str) -> Result<()> {
        let value: Value = serde_json::from_str(json).map_err(|_| ErrorCode::Internal)?;
        match self.format(self.out) {
            // What is hidden is in texts only, where JSON has the same notation.
            Format::Json => print(&visible_lines(&format!("{value:#}\n"))),
            Format::Table => print(&table::answer(&value, self.out)),
        }
    }

    /// Prints a heading and a list for people.
    pub fn list(self, heading: &str, names: &[&str], rows: &Rows) -> Result<()> {
        let list = table::list(names, rows, self.out);
        match heading.is_empty() {
            true => print(&list),
            false => print(&format!("{}\n\n{list}", self.out.paint(Tone::Heading, heading))),
        }
    }

    /// Standard output, for people.
    pub fn stream(self) -> Stream {
        self.out
    }

    /// Prints a failure to standard error.
    pub fn error(self, error: &Error) {
        match self.format(self.err) {
            Format::Json => {
                let value: Value = serde_json::from_str(&error_json(error)).unwrap_or_default();
                report(&visible_lines(&format!("{value:#}")));
            }
            Format::Table => {
                let code = self.err.paint(Tone::Bad, error.code().wire_code());
                report(&format!("{code}: {}", visible_lines(&error.to_string())));
            }
        }
    }
}

/// Prints what is no command line, on standard error, or help.
pub fn usage(error: &clap::Error, line: &[String]) {
    if !error.use_stderr() {
        let _ = print(&error.to_string());
        return;
    }
    let asked = line.iter().rev().find_map(|word| word.strip_prefix("--color="));
    let stream = Stream::stderr(asked.map(Colour::parse).unwrap_or_default());
    let text = error.to_string();
    let told = match text.strip_prefix("error:") {
        Some(rest) => stream.paint(Tone::Bad, "error:") + &visible_lines(rest),
        None => text,
    };
    let _ = write!(std::io::stderr(), "{told}");
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
