//! `kmshsm audit`: the audit trail, of whoever has the store open.

use std::fs::File;
use std::io::{BufReader, stdin, stdout};
use std::path::{Path, PathBuf};
use std::thread;

use clap::{Arg, ArgMatches, Command, value_parser};
use kmshsm::api::{export_trail, verify_trail};
use kmshsm::audit::{Head, PublicKey, Verified};
use kmshsm::error::{Error, ErrorCode, Result};
use kmshsm::kms::Kms;

use crate::command::with_common;
use crate::output::Output;
use crate::{ANY_REGION, answer, events, login, output, store, wrap};

const EXPORT: &str = "\
All events of all accounts, as lines of JSON that anybody can verify who has the public key. Keep the answer's
Head: a later trail that does not have it has lost its end. - is standard output, without an answer.";

const VERIFY: &str = "\
Exit code 0: every event is as it was signed, and follows the one before it. Without FILE it is the trail of the
store, up to the head that the store has, and by its own key. Of a FILE without --public-key the trail's own key
is taken: compare KeyFingerprint, or anybody may have written all of it. That its end has been cut off since
shows only against a Head that an earlier verification has answered.";

/// The command and those below it.
pub fn command() -> Command {
    let export = with_common(Command::new("export").about("Export the whole trail of the store"))
        .arg(file("The new file").required(true))
        .after_help(EXPORT);
    let key =
        with_common(Command::new("key").about("Print the public key that verifies the trail"))
            .mut_arg("output", |output| output.hide(true));
    Command::new("audit")
        .about("The audit trail")
        .subcommand_required(true)
        .arg_required_else_help(true)
        .subcommand(events::command())
        .subcommand(export)
        .subcommand(verify_command())
        .subcommand(key)
}

fn file(help: &'static str) -> Arg {
    Arg::new("file").value_name("FILE").value_parser(value_parser!(PathBuf)).help(help)
}

fn verify_command() -> Command {
    let about = "Verify the trail of the store, or an exported one without a store";
    with_common(Command::new("verify").about(about))
        .arg(file("The exported trail; - is standard input"))
        .arg(
            Arg::new("public-key")
                .long("public-key")
                .value_name("FILE")
                .value_parser(value_parser!(PathBuf))
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
        Some(("list", flags)) => {
            let session = login::session(&store::open(flags)?, flags, ANY_REGION)?;
            events::run(flags, &session, output)
        }
        Some(("export", flags)) => export(flags, output),
        Some(("verify", flags)) => answer(output, &verify(flags)?),
        Some(("key", flags)) => output::print(&store::open(flags)?.trail_key()?),
        _ => Err(Error::missing("action")),
    }
}

fn export(flags: &ArgMatches, output: Output) -> Result<()> {
    let path = flags.get_one::<PathBuf>("file").map_or(Path::new(""), PathBuf::as_path);
    let kms = store::open(flags)?;
    if wrap::is_dash(path) {
        return kms.export_trail(&mut stdout().lock()).map(drop);
    }
    answer(output, &export_trail(&kms, path)?)
}

fn verify(flags: &ArgMatches) -> Result<Verified> {
    let file = flags.get_one::<PathBuf>("file");
    let is_stdin = file.is_some_and(|path| wrap::is_dash(path));
    let key = flags.get_one::<PathBuf>("public-key");
    if is_stdin && key.is_some_and(|path| wrap::is_dash(path)) {
        return Err(Error::invalid("--public-key", "Standard input is the trail already."));
    }
    let key = key.map(|path| {
        let given = wrap::read("--public-key", path)?;
        PublicKey::from_spki(&wrap::der(&given))
    });
    let key = key.transpose()?;
    let head = flags.get_one::<String>("head").map(|text| Head::parse(text)).transpose()?;
    let (key, head) = (key.as_ref(), head.as_ref());
    match file {
        None => verify_own(&*store::open(flags)?, key, head),
        Some(_) if is_stdin => verify_trail(stdin().lock(), key, head),
        Some(path) => {
            let opened = File::open(path)
                .map_err(|error| Error::invalid("FILE", format!("{}: {error}", path.display())))?;
            verify_trail(BufReader::new(opened), key, head)
        }
    }
}

/// Verifies the trail of a store, which is never all in memory, nor anywhere on disk.
fn verify_own(kms: &Kms, key: Option<&PublicKey>, head: Option<&Head>) -> Result<Verified> {
    let own = PublicKey::from_pem(&kms.trail_key()?)?;
    let (reader, mut writer) = std::io::pipe().map_err(|error| {
        Error::new(ErrorCode::Internal).because(format!("There is no pipe: {error}."))
    })?;
    let (exported, verified) = thread::scope(|scope| {
        // It owns its end, and closes it.
        let exporting = scope.spawn(move || kms.export_trail(&mut writer));
        let verified = verify_trail(BufReader::new(reader), key.or(Some(&own)), head);
        (exporting.join().unwrap_or(Err(ErrorCode::Internal.into())), verified)
    });
    match (exported, verified) {
        // What the store itself misses says more than that the export ends there.
        (Err(error), _) if error.code() == ErrorCode::TrailDamaged => Err(error),
        (_, Err(error)) | (Err(error), Ok(_)) => Err(error),
        (Ok(head), Ok(verified)) if verified.head == head => Ok(verified),
        _ => Err(ErrorCode::TrailDamaged.into()),
    }
}
