//! `kmshsm import softhsm`: the keys of a token of SoftHSM 2.

use std::path::{Path, PathBuf};

use clap::{Arg, ArgAction, ArgMatches, Command, value_parser};
use kmshsm::api::{ImportSoftHsm, SoftHsmReport, import_softhsm};
use kmshsm::error::{Error, Result};
use kmshsm::kms::Session;
use kmshsm::model::{KeyUsage, ProtectionLevel};

use crate::command::{self, with_session};
use crate::output::progress::Progress;
use crate::secrets;

const AFTER: &str = "\
Taken are keys of AES, of RSA with 2048, 3072 or 4096 bits, and of EC on P-256 and secp256k1 that have
CKA_EXTRACTABLE: as keys of origin EXTERNAL, tagged with the serial number of the token and their ids,
so that none is taken twice. What is refused stays where it is, and the answer says why.";

/// The command.
pub fn command() -> Command {
    let path = || value_parser!(PathBuf);
    let words = |words: Vec<&'static str>| clap::builder::PossibleValuesParser::new(words);
    let softhsm = with_session(Command::new("softhsm"))
        .about("Take over the keys of a token of SoftHSM 2 that may leave it")
        .arg(
            Arg::new("directory")
                .value_name("DIR")
                .value_parser(path())
                .required(true)
                .help("The token's directory, the one with its token.object"),
        )
        .arg(
            Arg::new("pin-file")
                .long("pin-file")
                .value_name("FILE")
                .value_parser(path())
                .help("Read the user's PIN from a file"),
        )
        .arg(
            Arg::new("pin-fd")
                .long("pin-fd")
                .value_name("N")
                .value_parser(value_parser!(i32).range(0..))
                .help("Read the user's PIN from a file descriptor"),
        )
        .arg(
            Arg::new("protection-level")
                .long("protection-level")
                .value_parser(words(ProtectionLevel::ALL.iter().map(|one| one.as_str()).collect()))
                .help("How the keys are held here [default: SOFTWARE]"),
        )
        .arg(
            Arg::new("key-usage")
                .long("key-usage")
                .value_parser(words(KeyUsage::ALL.iter().map(|one| one.as_str()).collect()))
                .help("What keys of RSA are for that may sign and decrypt [default: SIGN/VERIFY]"),
        )
        .arg(
            Arg::new("dry-run")
                .long("dry-run")
                .action(ArgAction::SetTrue)
                .help("Tell what would be taken, and take nothing"),
        )
        .after_help(AFTER);
    Command::new("import")
        .about("Take over keys from another module")
        .subcommand_required(true)
        .arg_required_else_help(true)
        .subcommand(softhsm)
}

/// Takes the keys over.
pub fn run(flags: &ArgMatches, session: &Session) -> Result<SoftHsmReport> {
    let directory = flags.get_one::<PathBuf>("directory").map_or(Path::new(""), PathBuf::as_path);
    let pin = secrets::pin(flags)?;
    let invalid = |name: &'static str| move |detail: String| Error::invalid(name, detail);
    let level = command::given(flags, "protection-level").map(ProtectionLevel::parse);
    let usage = command::given(flags, "key-usage").map(KeyUsage::parse);
    let request = ImportSoftHsm {
        directory,
        pin: &pin,
        protection_level: level.transpose().map_err(invalid("--protection-level"))?,
        key_usage: usage.transpose().map_err(invalid("--key-usage"))?,
        dry_run: flags.get_flag("dry-run"),
    };
    let mut progress = Progress::new("keys looked at");
    import_softhsm(session, &request, &mut |done, total| progress.show(done, total))
}
