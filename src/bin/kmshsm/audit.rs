//! `kmshsm audit`: the audit trail.

use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};

use clap::{Arg, ArgMatches, Command, value_parser};
use kmshsm::api::verify_trail;
use kmshsm::audit::{Head, PublicKey};
use kmshsm::error::{Error, Result};

use crate::command::with_output;
use crate::output::Output;
use crate::{answer, wrap};

const VERIFY: &str = "\
Exit code 0: every event is as it was signed, and follows the one before it. Without --public-key the trail's
own key is taken: compare KeyFingerprint, or anybody may have written all of it. That its end has been cut off
since shows only against a Head that an earlier verification has answered.";

/// The command and those below it.
pub fn command() -> Command {
    Command::new("audit")
        .about("The audit trail")
        .subcommand_required(true)
        .arg_required_else_help(true)
        .subcommand(verify_command())
}

fn verify_command() -> Command {
    let path = || value_parser!(PathBuf);
    with_output(Command::new("verify").about("Verify an exported trail; no store is needed"))
        .arg(
            Arg::new("file")
                .value_name("FILE")
                .required(true)
                .value_parser(path())
                .help("The exported trail; - is standard input"),
        )
        .arg(
            Arg::new("public-key")
                .long("public-key")
                .value_name("FILE")
                .value_parser(path())
                .help("The store's public key that you trust: DER, Base64 or PEM"),
        )
        .arg(
            Arg::new("head")
                .long("head")
                .value_name("SEQUENCE:HASH")
                .help("An event that the trail must still have"),
        )
        .after_help(VERIFY)
}

/// Does what the command below says.
pub fn run(flags: &ArgMatches, output: Output) -> Result<()> {
    match flags.subcommand() {
        Some(("verify", flags)) => verify(flags, output),
        _ => Err(Error::missing("action")),
    }
}

fn verify(flags: &ArgMatches, output: Output) -> Result<()> {
    let file = flags.get_one::<PathBuf>("file").map_or(Path::new(""), PathBuf::as_path);
    let key = flags.get_one::<PathBuf>("public-key");
    if wrap::is_dash(file) && key.is_some_and(|path| wrap::is_dash(path)) {
        return Err(Error::invalid("--public-key", "Standard input is the trail already."));
    }
    let key = key.map(|path| {
        let given = wrap::read("--public-key", path)?;
        PublicKey::from_spki(&wrap::der(&given))
    });
    let key = key.transpose()?;
    let head = flags.get_one::<String>("head").map(|text| Head::parse(text)).transpose()?;
    let (key, head) = (key.as_ref(), head.as_ref());
    let verified = if wrap::is_dash(file) {
        verify_trail(std::io::stdin().lock(), key, head)
    } else {
        let opened = File::open(file)
            .map_err(|error| Error::invalid("FILE", format!("{}: {error}", file.display())))?;
        verify_trail(BufReader::new(opened), key, head)
    };
    answer(output, &verified?)
}
