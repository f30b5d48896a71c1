//! `kmshsm completions`: scripts by which shells complete the command line. Ids of keys are not completed:
//! to know them is to open the store, which takes a secret.
#![forbid(unsafe_code)]

mod bash;
mod fish;

use clap::builder::PossibleValuesParser;
use clap::{Arg, ArgMatches, Command, ValueHint};
use clap_complete::{Shell, generate};
use kmshsm::error::{Error, Result};
use kmshsm::model::REGIONS;

use crate::{command, output};

const AFTER: &str = "\
bash: kmshsm completions bash > ~/.local/share/bash-completion/completions/kmshsm

zsh: kmshsm completions zsh > DIR/_kmshsm, where DIR is in $fpath

fish: kmshsm completions fish > ~/.config/fish/completions/kmshsm.fish";

/// The command.
pub fn command() -> Command {
    let shells = [Shell::Bash, Shell::Zsh, Shell::Fish].map(|shell| shell.to_string());
    Command::new("completions")
        .about("Print the script by which a shell completes commands, options and their words")
        .arg(
            Arg::new("shell")
                .value_name("SHELL")
                .value_parser(PossibleValuesParser::new(shells))
                .required(true)
                .help("The shell"),
        )
        .after_help(AFTER)
}

/// Prints the script.
pub fn run(flags: &ArgMatches) -> Result<()> {
    let shell: Shell = command::text(flags, "shell")
        .parse()
        .map_err(|detail: String| Error::invalid("SHELL", detail))?;
    let mut script = Vec::new();
    let mut whole = completable(command::build(&[]).disable_help_subcommand(true));
    whole.build();
    match shell {
        Shell::Bash => script.extend(bash::script(&whole).into_bytes()),
        _ => generate(shell, &mut whole, "kmshsm", &mut script),
    }
    if shell == Shell::Fish {
        script = fish::joined(&String::from_utf8_lossy(&script)).into_bytes();
    }
    output::write(&script)
}

/// The command line as a shell sees it: with the words of parameters, which are left to the engine
/// otherwise, with files where a path is wanted, and with nothing where it cannot know.
fn completable(command: Command) -> Command {
    let action = command.get_name().to_owned();
    let command = command.mut_args(|arg| {
        let words = words(&action, arg.get_id().as_str());
        if !words.is_empty() {
            return arg.value_parser(PossibleValuesParser::new(words));
        }
        let hint = match (arg.get_value_hint(), arg.get_value_names()) {
            (ValueHint::AnyPath, Some([name])) if name == "DIR" => ValueHint::DirPath,
            (ValueHint::AnyPath, _) => ValueHint::FilePath,
            _ if arg.get_possible_values().is_empty() => ValueHint::Other,
            (hint, _) => hint,
        };
        match arg.get_action().takes_values() {
            true => arg.value_hint(hint),
            false => arg,
        }
    });
    command.mut_subcommands(completable)
}

/// The words that an option takes, as far as its parser does not know them.
fn words(action: &str, option: &str) -> Vec<String> {
    match option {
        "region" | "RegionId" => REGIONS.iter().map(|region| region.id.to_owned()).collect(),
        _ => command::words_of(action, option),
    }
}
