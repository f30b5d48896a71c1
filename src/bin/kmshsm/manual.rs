//! `kmshsm man`: the manual. Pages of commands are made of the command line itself; the overviews are written
//! by hand, in `manual/`, and take in what is generated.
#![forbid(unsafe_code)]

mod examples;
mod page;

use std::fs;
use std::path::{Path, PathBuf};

use clap::{Arg, ArgMatches, Command, value_parser};
use kmshsm::api::ACTIONS;
use kmshsm::error::{Error, Result};
use kmshsm::health::VERSION;

use crate::{command, output};

/// The pages that are written by hand, by file.
const BY_HAND: [(&str, &str); 3] = [
    ("kmshsm.1", include_str!("manual/kmshsm.1")),
    ("kmshsm-actions.1", include_str!("manual/kmshsm-actions.1")),
    ("kmshsm.3", include_str!("manual/kmshsm.3")),
];

const AFTER: &str = "\
Writes kmshsm.1, kmshsm-actions.1, a page for each command that is no action, and kmshsm.3, an overview of the C
library. man -l FILE shows one that is not installed.";

/// The command.
pub fn command() -> Command {
    Command::new("man")
        .about("Write the manual pages")
        .arg(
            Arg::new("out")
                .long("out")
                .value_name("DIR")
                .value_parser(value_parser!(PathBuf))
                .required(true)
                .help("The directory, made if need be"),
        )
        .after_help(AFTER)
}

/// Writes the pages, and tells which.
pub fn run(flags: &ArgMatches) -> Result<()> {
    let dir = flags.get_one::<PathBuf>("out").map_or(Path::new(""), PathBuf::as_path);
    let pages = pages();
    let written = fs::create_dir_all(dir)
        .and_then(|()| pages.iter().try_for_each(|(name, page)| fs::write(dir.join(name), page)));
    written.map_err(|error| Error::invalid("--out", format!("{}: {error}", dir.display())))?;
    let names: Vec<_> = pages.iter().map(|(name, _)| format!("{name}\n")).collect();
    output::print(&names.concat())
}

/// The pages by file.
fn pages() -> Vec<(String, String)> {
    let mut whole = command::build(&[]).disable_help_subcommand(true);
    whole.build();
    let (actions, commands): (Vec<_>, Vec<_>) =
        whole.get_subcommands().partition(|command| is_action(command));
    let parts = [
        ("@VERSION@", VERSION.to_owned()),
        ("@DATE@", page::DATE.to_owned()),
        (".\\\" @COMMANDS@\n", page::names(&commands)),
        (".\\\" @OPTIONS@\n", page::common_options()),
        (".\\\" @ACTIONS@\n", actions.iter().map(|action| page::action(action)).collect()),
    ];
    let filled = |text: &str| {
        parts.iter().fold(text.to_owned(), |text, (place, part)| text.replace(place, part))
    };
    let by_hand = BY_HAND.iter().map(|(name, text)| ((*name).to_owned(), filled(text)));
    let made = commands
        .iter()
        .map(|command| (format!("kmshsm-{}.1", command.get_name()), page::command(command)));
    by_hand.chain(made).collect()
}

fn is_action(command: &Command) -> bool {
    ACTIONS.iter().any(|action| action.name == command.get_name())
}
