//! Shares of a backup's key: to their custodians, and back.

use std::fs::OpenOptions;
use std::io::{IsTerminal, Write, stderr};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use clap::ArgMatches;
use kmshsm::error::{Error, ErrorCode, Result};
use kmshsm::kms::backup::{Quorum, verify_backup};
use kmshsm::kms::{Recipient, Share};
use zeroize::Zeroizing;

use crate::{secrets, wrap};

/// Where shares go.
pub enum Outlet {
    /// There are none.
    Nowhere,
    /// One after the other onto the terminal.
    Terminal(Quorum),
    /// Each into a file of its own, encrypted if there are custodians.
    Files(PathBuf, Vec<Recipient>),
}

impl Outlet {
    /// What the options say. Shares that nobody could see are not made.
    pub fn choose(
        flags: &ArgMatches,
        quorum: Option<Quorum>,
        custodians: Vec<Recipient>,
    ) -> Result<Self> {
        let Some(quorum) = quorum else { return Ok(Self::Nowhere) };
        match flags.get_one::<PathBuf>("share-dir") {
            Some(dir) => {
                if !custodians.is_empty() && custodians.len() != usize::from(quorum.count) {
                    let detail = "There must be one for each share.";
                    return Err(Error::invalid("--custodian", detail));
                }
                std::fs::create_dir_all(dir).map_err(|error| strange(dir, &error))?;
                Ok(Self::Files(dir.clone(), custodians))
            }
            None if stderr().is_terminal() => Ok(Self::Terminal(quorum)),
            None => {
                let detail =
                    "There is no terminal to show shares on: say where each gets its file.";
                Err(Error::new(ErrorCode::MissingParameter).about("--share-dir").because(detail))
            }
        }
    }

    /// Gives them away.
    pub fn give(&self, shares: &[Share]) -> Result<()> {
        match self {
            Self::Nowhere => Ok(()),
            Self::Terminal(quorum) => {
                (1..).zip(shares).try_for_each(|(n, share)| show(n, share, *quorum))
            }
            Self::Files(dir, custodians) if custodians.is_empty() => {
                (1..).zip(shares).try_for_each(|(n, share)| {
                    let words = Zeroizing::new(format!("{}\n", &**share.words()?));
                    write(&dir.join(format!("share-{n}.txt")), words.as_bytes())
                })
            }
            Self::Files(dir, custodians) => {
                (1..).zip(shares.iter().zip(custodians)).try_for_each(|(n, (share, custodian))| {
                    let sealed = custodian.seal(share.brief()?.as_bytes())?;
                    write(&dir.join(format!("share-{n}.bin")), &sealed)
                })
            }
        }
    }
}

/// Shows a share, and waits until it has been written down.
fn show(n: u8, share: &Share, Quorum { threshold, count }: Quorum) -> Result<()> {
    let words = share.words()?;
    let told = writeln!(
        stderr(),
        "\nShare {n} of {count}; any {threshold} of them open the backup. It is shown once: write it \
         down,\nkeep it apart from the others and from the backup.\n\n{}\n",
        &**words
    );
    told.map_err(|error| Error::invalid("--share-dir", format!("{error}.")))?;
    rpassword::prompt_password("Press Enter, and the screen is cleared. ").map_err(|_| {
        Error::new(ErrorCode::MissingParameter)
            .about("--share-dir")
            .because("There is no terminal.")
    })?;
    // The screen and what has scrolled out of it (ECMA-48, and xterm's own).
    let _ = write!(stderr(), "\x1b[H\x1b[2J\x1b[3J");
    Ok(())
}

/// The public keys of an option.
pub fn recipients(flags: &ArgMatches, name: &str, option: &'static str) -> Result<Vec<Recipient>> {
    let paths = flags.get_many::<PathBuf>(name).into_iter().flatten();
    let read = |path: &PathBuf| {
        let key = Recipient::read(&wrap::read(option, path)?);
        key.map_err(|error| error.about(option))
    };
    paths.map(read).collect()
}

/// Reads shares from files; `-` has those asked for that are missing.
pub fn read<'a>(backup: &Path, paths: impl Iterator<Item = &'a PathBuf>) -> Result<Vec<Share>> {
    let (asked, files): (Vec<_>, Vec<_>) = paths.partition(|path| wrap::is_dash(path));
    let mut shares = secrets::read_shares(files.into_iter())?;
    if !asked.is_empty() {
        ask_for(backup, &mut shares)?;
    }
    Ok(shares)
}

/// Asks for as many shares as the backup needs.
pub fn ask(backup: &Path) -> Result<Vec<Share>> {
    let mut shares = Vec::new();
    ask_for(backup, &mut shares)?;
    Ok(shares)
}

fn ask_for(backup: &Path, shares: &mut Vec<Share>) -> Result<()> {
    let manifest = verify_backup(backup, None, None, &mut |_, _| {})?.manifest;
    let Some(quorum) = manifest.shares else {
        let detail = "The backup has no shares: give the private key of a recipient.";
        return Err(Error::new(ErrorCode::MissingParameter).about("--private-key").because(detail));
    };
    while shares.len() < usize::from(quorum.threshold) {
        let question = format!("Share {} of {}: ", shares.len() + 1, quorum.threshold);
        let asked = ("share", "--backup-share, --private-key or --backup-key");
        let text = secrets::prompt(&question, asked)?;
        let text = std::str::from_utf8(&text).unwrap_or_default();
        match Share::parse(text) {
            Ok(share) => shares.push(share),
            // A slip of the pen is no reason to start over.
            Err(error) if error.code() == ErrorCode::InvalidShares => {
                let _ = writeln!(stderr(), "{error}");
            }
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// A new file, for its owner alone.
fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
    let written = file.and_then(|mut file| file.write_all(bytes).and_then(|()| file.sync_all()));
    written.map_err(|error| strange(path, &error))
}

fn strange(path: &Path, error: &std::io::Error) -> Error {
    Error::invalid("--share-dir", format!("{}: {error}.", path.display()))
}
