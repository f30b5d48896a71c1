//! `kmshsm verify`: whether the whole store is as the library has written it.

use std::fs::{self, OpenOptions};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use clap::{Arg, ArgAction, ArgMatches, Command, value_parser};
use kmshsm::error::{Error, ErrorCode, Result};
use kmshsm::kms::Verification;

use crate::command::with_common;
use crate::output::Output;
use crate::output::progress::Progress;
use crate::{answer, interrupt, output, store};

const AFTER: &str = "\
Opens every sealed record at its place, and holds records, versions, lists, counters, meters, users, the audit trail and
the header against each other, as of one moment; the store can be in use meanwhile. Findings name what is wrong and
where. Exit code 0: there are none; 6: there are, or the store cannot be read.

With --resume, Ctrl-C writes down how far it came, and the next run with that file opens only what it has not opened
yet or what has changed since. The file is of use to this store alone, and removed at the end.";

/// The command.
pub fn command() -> Command {
    with_common(Command::new("verify").about("Verify that the whole store is as it was written"))
        .arg(
            Arg::new("resume")
                .long("resume")
                .value_name("FILE")
                .value_parser(value_parser!(PathBuf))
                .help("Go on from what an interrupted run has left there"),
        )
        .arg(
            Arg::new("quiet")
                .long("quiet")
                .action(ArgAction::SetTrue)
                .help("Answer with the exit code alone"),
        )
        .after_help(AFTER)
}

/// Walks through the store.
pub fn run(flags: &ArgMatches, output: Output) -> Result<()> {
    let file = flags.get_one::<PathBuf>("resume").map(PathBuf::as_path);
    let is_quiet = flags.get_flag("quiet");
    let state = file.map(read).transpose()?.flatten();
    let kms = store::open(flags)?;
    interrupt::watch();
    let progress = (!is_quiet).then(|| Mutex::new(Progress::new("records verified")));
    let watch = |done: u64, total: u64| {
        if let Some(progress) = &progress {
            progress.lock().unwrap_or_else(PoisonError::into_inner).show(done, total);
        }
        !interrupt::is_asked()
    };
    let Verification { report, state } = kms.verify(state.as_deref(), &watch)?;
    drop(progress);
    if let Some(file) = file {
        match &state {
            Some(state) => write(file, state)?,
            None => remove(file)?,
        }
    }
    if !is_quiet {
        answer(output, &report)?;
    }
    if report.found > 0 {
        let detail = format!("Findings: {}.", report.found);
        return Err(Error::new(ErrorCode::StoreDamaged).because(detail));
    }
    match (report.complete, file) {
        (true, _) => Ok(()),
        (false, Some(file)) => {
            output::report(&format!("Interrupted: go on with --resume {}.", file.display()));
            Err(interrupted())
        }
        (false, None) => Err(interrupted()),
    }
}

fn interrupted() -> Error {
    Error::new(ErrorCode::Closed).because("The walk was interrupted before its end.")
}

/// What an interrupted run has left; nothing if there is no such file yet.
fn read(file: &Path) -> Result<Option<Vec<u8>>> {
    match fs::read(file) {
        Ok(state) => Ok(Some(state)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(refused(file, &error)),
    }
}

fn write(file: &Path, state: &[u8]) -> Result<()> {
    let options = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(file);
    options.and_then(|mut file| file.write_all(state)).map_err(|error| refused(file, &error))
}

fn remove(file: &Path) -> Result<()> {
    match fs::remove_file(file) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(refused(file, &error)),
        _ => Ok(()),
    }
}

fn refused(file: &Path, error: &std::io::Error) -> Error {
    Error::invalid("--resume", format!("{}: {error}", file.display()))
}
