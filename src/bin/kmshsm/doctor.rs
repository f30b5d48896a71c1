//! `kmshsm doctor`: what is the matter with program, memory, system and store, and what to do about it. It
//! gathers facts first; rules turn them into findings.
#![forbid(unsafe_code)]

mod facts;
mod finding;
mod gather;
mod ground;
mod machine;
mod place;
#[cfg(test)]
mod tests;

use std::process::ExitCode;

use clap::{ArgMatches, Command};
use kmshsm::error::Result;
use serde_json::json;

use crate::command::with_common;
use crate::output::stream::{Stream, Tone};
use crate::output::{self, Output, table, visible};
use facts::Facts;
use finding::{Area, Finding, Level};

const AFTER: &str = "\
Looks at the program, at the protection of memory, at limits of the system, and at the store as far as it can: without
an option for the secret, and without a terminal to ask on, it looks at a store from outside only, and says so. With
the secret it opens the store, as other commands do: a store of an older format is brought into the present one, an
anchor that is not there is made, and --accept-rollback takes a store that is behind as it is. Each finding has a level
(ok, note, warning, problem) and what to do about it. It does not look into records: kmshsm verify does.

Exit code 0: there is no problem; 6: there is one with the store; 4: there is another one. Notes and warnings change
nothing about it.";

/// The command.
pub fn command() -> Command {
    with_common(Command::new("doctor"))
        .about("Tell what is wrong with machine, program and store, and what to do about it")
        .after_help(AFTER)
}

/// Looks, and tells.
pub fn run(flags: &ArgMatches, output: Output) -> Result<ExitCode> {
    let facts = Facts {
        program: gather::program(),
        module: gather::module(),
        system: gather::system(),
        store: place::store(flags)?,
    };
    let findings = diagnose(&facts);
    match output.is_json() {
        true => {
            let count = |level| findings.iter().filter(|one| one.level == level).count();
            let answer = json!({
                "Problems": count(Level::Problem),
                "Warnings": count(Level::Warning),
                "Notes": count(Level::Note),
                "Findings": findings,
            });
            output.answer(&answer.to_string())?;
        }
        false => output::print(&told(&findings, output.stream()))?,
    }
    Ok(ExitCode::from(exit_code(&findings)))
}

/// All rules.
fn diagnose(facts: &Facts) -> Vec<Finding> {
    let mut findings = machine::findings(facts);
    findings.extend(ground::findings(&facts.store, facts.system.now));
    findings
}

/// The family of the worst that was found: the store is what cannot be installed again.
fn exit_code(findings: &[Finding]) -> u8 {
    let is_wrong = |finding: &&Finding| finding.level == Level::Problem;
    let areas: Vec<_> = findings.iter().filter(is_wrong).map(|finding| finding.area).collect();
    match areas.contains(&Area::Store) {
        true => 6,
        false if areas.is_empty() => 0,
        false => 4,
    }
}

/// The findings for people, and below each what to do.
fn told(findings: &[Finding], stream: Stream) -> String {
    const INDENT: usize = 9;
    let room = stream.width.map(|width| width.saturating_sub(INDENT + 2).max(INDENT));
    let mut text = String::new();
    let mut area = None;
    for finding in findings {
        if area != Some(finding.area) {
            let gap = if area.is_some() { "\n" } else { "" };
            text.push_str(&format!(
                "{gap}{}\n",
                stream.paint(Tone::Heading, finding.area.as_str())
            ));
            area = Some(finding.area);
        }
        let level = finding.level.as_str();
        let mut label =
            format!("{}{:2$}", stream.paint(tone(finding.level), level), "", INDENT - level.len());
        for line in table::wrap(&visible(&finding.finding), room) {
            text.push_str(&format!("{label}{line}\n"));
            label = " ".repeat(INDENT);
        }
        for (at, line) in
            finding.remedy.iter().flat_map(|remedy| table::wrap(&visible(remedy), room)).enumerate()
        {
            let mark = if at == 0 { "> " } else { "  " };
            text.push_str(&format!("{:INDENT$}{mark}{}\n", "", stream.paint(Tone::Name, &line)));
        }
    }
    text.push_str(&format!("\n{}\n", summary(findings)));
    text
}

fn summary(findings: &[Finding]) -> String {
    let counted = |level, name: &str| {
        let count = findings.iter().filter(|finding| finding.level == level).count();
        (count > 0).then(|| format!("{count} {name}{}", if count == 1 { "" } else { "s" }))
    };
    let counts = [(Level::Problem, "problem"), (Level::Warning, "warning"), (Level::Note, "note")];
    let counts: Vec<_> =
        counts.into_iter().filter_map(|(level, name)| counted(level, name)).collect();
    match counts.as_slice() {
        [] => "All is well.".to_owned(),
        counts => format!("{}.", counts.join(", ")),
    }
}

fn tone(level: Level) -> Tone {
    match level {
        Level::Ok => Tone::Good,
        Level::Note => Tone::Name,
        Level::Warning => Tone::Odd,
        Level::Problem => Tone::Bad,
    }
}
