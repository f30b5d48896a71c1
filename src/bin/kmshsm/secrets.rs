//! What opens a store: a passphrase by prompt, file or descriptor, or a key file; and the secret of an
//! access key. Never an argument, which other users could see.

use std::fs::{File, OpenOptions};
use std::io::{IsTerminal, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use clap::{Arg, ArgGroup, ArgMatches, Command, value_parser};
use kmshsm::error::{Error, ErrorCode, Result};
use kmshsm::kms::{Share, Unlock, fresh_key, fresh_shares};
use zeroize::Zeroizing;

/// The longest file that is read, in bytes.
const MAX_FILE: u64 = 1 << 20;

/// What is asked for, and the options that would say it.
pub type Asked = (&'static str, &'static str);
const PASSPHRASE: Asked =
    ("passphrase", "--passphrase-file, --passphrase-fd, --key-file or --share");
const PIN: Asked = ("PIN", "--pin-file or --pin-fd");
const ACCESS_KEY: Asked = ("AccessKeySecret", "--access-key-secret-file or --access-key-secret-fd");

/// A secret that opens a store.
pub enum Secret {
    /// A passphrase.
    Passphrase(Zeroizing<Vec<u8>>),
    /// The bytes of a key file, and its path if it has just been made.
    KeyFile(Zeroizing<[u8; 32]>, Option<PathBuf>),
    /// Shares.
    Shares(Vec<Share>),
}

/// A secret for a slot.
pub enum Chosen {
    /// What the operator has.
    Secret(Secret),
    /// Shares that have just been made.
    Shares(Vec<Share>),
}

impl Chosen {
    /// The secret as the engine takes it.
    pub fn unlock(&self) -> Unlock<'_> {
        match self {
            Self::Secret(secret) => secret.unlock(),
            Self::Shares(shares) => Unlock::Shares(shares),
        }
    }

    /// Removes a key file that was made for a store that could not be.
    pub fn forget(&self) {
        if let Self::Secret(secret) = self {
            secret.forget();
        }
    }
}

impl Secret {
    /// The secret as the engine takes it.
    pub fn unlock(&self) -> Unlock<'_> {
        match self {
            Self::Passphrase(passphrase) => Unlock::Passphrase(passphrase),
            Self::KeyFile(key, _) => Unlock::KeyFile(key),
            Self::Shares(shares) => Unlock::Shares(shares),
        }
    }

    /// The key file, if it has just been made.
    pub fn made(&self) -> Option<&Path> {
        match self {
            Self::KeyFile(_, path) => path.as_deref(),
            Self::Passphrase(_) | Self::Shares(_) => None,
        }
    }

    /// Removes a key file that was made for a store that could not be.
    pub fn forget(&self) {
        if let Self::KeyFile(_, Some(path)) = self {
            let _ = std::fs::remove_file(path);
        }
    }
}

/// The secret of a store that exists.
pub fn ask(flags: &ArgMatches) -> Result<Secret> {
    match given(flags)? {
        Some(secret) => Ok(secret),
        None => prompt("Passphrase: ", PASSPHRASE).map(Secret::Passphrase),
    }
}

/// The same, unless nobody says it: there is no option, and no terminal or only Enter on it.
pub fn ask_unless_left(flags: &ArgMatches) -> Result<Option<Secret>> {
    if let Some(secret) = given(flags)? {
        return Ok(Some(secret));
    }
    if !std::io::stdin().is_terminal() {
        return Ok(None);
    }
    let passphrase = prompt("Passphrase (Enter leaves the store closed): ", PASSPHRASE)?;
    Ok((!passphrase.is_empty()).then_some(Secret::Passphrase(passphrase)))
}

/// The secret of an access key, if there is one. A secret without an access key is left to the engine to
/// refuse: whoever gives one does not mean to call as the account itself.
pub fn access_key(flags: &ArgMatches, is_wanted: bool) -> Result<Zeroizing<Vec<u8>>> {
    match line(flags, "--access-key-secret-fd", "--access-key-secret-file")? {
        Some(secret) => Ok(secret),
        None if is_wanted => prompt("Access key secret: ", ACCESS_KEY),
        None => Ok(Zeroizing::default()),
    }
}

/// The PIN of a user of another module.
pub fn pin(flags: &ArgMatches) -> Result<Zeroizing<Vec<u8>>> {
    match line(flags, "--pin-fd", "--pin-file")? {
        Some(pin) => Ok(pin),
        None => prompt("User PIN: ", PIN),
    }
}

/// The secret of a new store: asked for twice, and a key file is made if there is none.
pub fn choose(flags: &ArgMatches) -> Result<Secret> {
    if let Some(path) = flags.get_one::<PathBuf>("key-file")
        && !path.exists()
    {
        return make_key_file("--key-file", path);
    }
    match given(flags)? {
        Some(Secret::Shares(_)) => {
            let detail = "A store is created with another secret: kmshsm slot add makes shares.";
            Err(Error::invalid("--share", detail))
        }
        Some(secret) => Ok(secret),
        None => prompt_twice().map(Secret::Passphrase),
    }
}

/// The options of commands that put a secret into a slot.
pub fn with_new(command: Command) -> Command {
    let path = |name: &'static str, help: &'static str| {
        Arg::new(name).long(name).value_name("FILE").value_parser(value_parser!(PathBuf)).help(help)
    };
    command
        .arg(path("new-key-file", "The secret is this key file"))
        .arg(path("new-passphrase-file", "The secret is the passphrase in this file"))
        .arg(
            Arg::new("new-shares")
                .long("new-shares")
                .value_name("M/N")
                .help("The secret is split: any M of N shares open the store"),
        )
        .group(ArgGroup::new("new").args(["new-key-file", "new-passphrase-file", "new-shares"]))
}

/// The secret that those options give, or else a passphrase that is asked for twice.
pub fn choose_new(flags: &ArgMatches) -> Result<Chosen> {
    if let Some(quorum) = flags.get_one::<String>("new-shares") {
        let (threshold, count) = quorum_of("--new-shares", quorum)?;
        return fresh_shares(threshold, count).map(Chosen::Shares);
    }
    let secret = if let Some(path) = flags.get_one::<PathBuf>("new-key-file") {
        match path.exists() {
            true => read_key_file("--new-key-file", path)?,
            false => make_key_file("--new-key-file", path)?,
        }
    } else if let Some(path) = flags.get_one::<PathBuf>("new-passphrase-file") {
        Secret::Passphrase(without_newline(contents("--new-passphrase-file", path)?))
    } else {
        Secret::Passphrase(prompt_twice()?)
    };
    Ok(Chosen::Secret(secret))
}

/// How many of how many: `3/5`.
pub fn quorum_of(option: &'static str, text: &str) -> Result<(u8, u8)> {
    let numbers = text
        .split_once('/')
        .and_then(|(threshold, count)| Some((threshold.parse().ok()?, count.parse().ok()?)));
    numbers.ok_or_else(|| Error::invalid(option, "It must be like 3/5."))
}

fn make_key_file(option: &'static str, path: &Path) -> Result<Secret> {
    let key = fresh_key()?;
    let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
    file.and_then(|mut file| file.write_all(&key[..]).and_then(|()| file.sync_all()))
        .map_err(|error| Error::invalid(option, format!("{}: {error}", path.display())))?;
    Ok(Secret::KeyFile(key, Some(path.to_owned())))
}

fn read_key_file(option: &'static str, path: &Path) -> Result<Secret> {
    let bytes = contents(option, path)?;
    let key = bytes.as_slice().try_into();
    let key = key.map_err(|_| Error::invalid(option, "A key file has 32 bytes."))?;
    Ok(Secret::KeyFile(Zeroizing::new(key), None))
}

/// Reads shares, each from a file of its own.
pub fn read_shares<'a>(paths: impl Iterator<Item = &'a PathBuf>) -> Result<Vec<Share>> {
    let texts = paths.map(|path| contents("--share", path)).collect::<Result<Vec<_>>>()?;
    let texts = texts.iter().map(|bytes| {
        std::str::from_utf8(bytes).map_err(|_| Error::invalid("--share", "A share is a text."))
    });
    Share::parse_all(texts.collect::<Result<Vec<_>>>()?)
}

fn prompt_twice() -> Result<Zeroizing<Vec<u8>>> {
    let first = prompt("New passphrase: ", PASSPHRASE)?;
    match prompt("The same again: ", PASSPHRASE)? == first {
        true => Ok(first),
        false => Err(Error::invalid("Passphrase", "The two are not the same.")),
    }
}

/// The value of a parameter: itself, or what is in the file it names.
pub fn parameter(name: &str, value: &str) -> Result<String> {
    let failed =
        |error: std::io::Error| Error::invalid(name.to_owned(), format!("{value}: {error}"));
    if let Some(path) = value.strip_prefix("fileb://") {
        let bytes = File::open(path).and_then(read).map_err(failed)?;
        return Ok(STANDARD.encode(&*bytes));
    }
    if let Some(path) = value.strip_prefix("file://") {
        let bytes = File::open(path).and_then(read).map_err(failed)?;
        let text = std::str::from_utf8(&bytes);
        return text.map(str::to_owned).map_err(|_| {
            Error::invalid(
                name.to_owned(),
                format!("{path} is no text: fileb://{path} is its bytes."),
            )
        });
    }
    Ok(value.to_owned())
}

fn given(flags: &ArgMatches) -> Result<Option<Secret>> {
    if let Some(path) = flags.get_one::<PathBuf>("key-file") {
        return read_key_file("--key-file", path).map(Some);
    }
    if let Some(paths) = flags.get_many::<PathBuf>("share") {
        return read_shares(paths).map(|shares| Some(Secret::Shares(shares)));
    }
    Ok(line(flags, "--passphrase-fd", "--passphrase-file")?.map(Secret::Passphrase))
}

/// What the file of a descriptor or path has, without one trailing newline.
fn line(
    flags: &ArgMatches,
    fd: &'static str,
    file: &'static str,
) -> Result<Option<Zeroizing<Vec<u8>>>> {
    let id = |option: &'static str| option.trim_start_matches('-');
    let bytes = if let Some(number) = flags.get_one::<i32>(id(fd)) {
        // The descriptor's file, opened anew: the number alone gives no right to close it.
        contents(fd, Path::new(&format!("/proc/self/fd/{number}")))?
    } else if let Some(path) = flags.get_one::<PathBuf>(id(file)) {
        contents(file, path)?
    } else {
        return Ok(None);
    };
    Ok(Some(without_newline(bytes)))
}

fn without_newline(mut bytes: Zeroizing<Vec<u8>>) -> Zeroizing<Vec<u8>> {
    if bytes.last() == Some(&b'\n') {
        bytes.pop();
    }
    bytes
}

/// The bytes of a file that an option names.
pub fn contents(option: &'static str, path: &Path) -> Result<Zeroizing<Vec<u8>>> {
    File::open(path)
        .and_then(read)
        .map_err(|error| Error::invalid(option, format!("{}: {error}", path.display())))
}

/// All bytes of a file, 1 MiB at most.
pub fn read(file: File) -> std::io::Result<Zeroizing<Vec<u8>>> {
    // Room for all of it at once, so that growing leaves no copies behind.
    let mut bytes = Zeroizing::new(Vec::with_capacity(MAX_FILE as usize + 1));
    file.take(MAX_FILE + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MAX_FILE {
        return Err(std::io::Error::other("it is longer than 1 MiB"));
    }
    Ok(bytes)
}

/// Asks for a secret on the terminal.
pub fn prompt(question: &str, (name, options): Asked) -> Result<Zeroizing<Vec<u8>>> {
    match rpassword::prompt_password(question) {
        Ok(text) => Ok(Zeroizing::new(text.into_bytes())),
        Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => {
            Err(Error::new(ErrorCode::MissingParameter).about(name))
        }
        Err(_) => {
            let detail = format!("There is no terminal to ask on: use {options}.");
            Err(Error::new(ErrorCode::MissingParameter).about(name).because(detail))
        }
    }
}
