//! What opens a store: a passphrase by prompt, file or descriptor, or a key file; and the secret of an
//! access key. Never an argument, which other users could see.

use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use clap::ArgMatches;
use kmshsm::error::{Error, ErrorCode, Result};
use kmshsm::kms::{Unlock, fresh_key};
use zeroize::Zeroizing;

/// The longest file that is read, in bytes.
const MAX_FILE: u64 = 1 << 20;

/// What is asked for, and the options that would say it.
type Asked = (&'static str, &'static str);
const PASSPHRASE: Asked = ("passphrase", "--passphrase-file, --passphrase-fd or --key-file");
const PIN: Asked = ("PIN", "--pin-file or --pin-fd");
const ACCESS_KEY: Asked = ("AccessKeySecret", "--access-key-secret-file or --access-key-secret-fd");

/// A secret that opens a store.
pub enum Secret {
    /// A passphrase.
    Passphrase(Zeroizing<Vec<u8>>),
    /// The bytes of a key file, and its path if it has just been made.
    KeyFile(Zeroizing<[u8; 32]>, Option<PathBuf>),
}

impl Secret {
    /// The secret as the engine takes it.
    pub fn unlock(&self) -> Unlock<'_> {
        match self {
            Self::Passphrase(passphrase) => Unlock::Passphrase(passphrase),
            Self::KeyFile(key, _) => Unlock::KeyFile(key),
        }
    }

    /// The key file, if it has just been made.
    pub fn made(&self) -> Option<&Path> {
        match self {
            Self::KeyFile(_, path) => path.as_deref(),
            Self::Passphrase(_) => None,
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
        let key = fresh_key()?;
        let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
        file.and_then(|mut file| file.write_all(&key[..]).and_then(|()| file.sync_all())).map_err(
            |error| Error::invalid("--key-file", format!("{}: {error}", path.display())),
        )?;
        return Ok(Secret::KeyFile(key, Some(path.clone())));
    }
    if let Some(secret) = given(flags)? {
        return Ok(secret);
    }
    let first = prompt("New passphrase: ", PASSPHRASE)?;
    if prompt("The same again: ", PASSPHRASE)? != first {
        return Err(Error::invalid("Passphrase", "The two are not the same."));
    }
    Ok(Secret::Passphrase(first))
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
        let bytes = contents("--key-file", path)?;
        let key = bytes
            .as_slice()
            .try_into()
            .map_err(|_| Error::invalid("--key-file", "A key file has 32 bytes."))?;
        return Ok(Some(Secret::KeyFile(Zeroizing::new(key), None)));
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
    let mut bytes = if let Some(number) = flags.get_one::<i32>(id(fd)) {
        // The descriptor's file, opened anew: the number alone gives no right to close it.
        contents(fd, Path::new(&format!("/proc/self/fd/{number}")))?
    } else if let Some(path) = flags.get_one::<PathBuf>(id(file)) {
        contents(file, path)?
    } else {
        return Ok(None);
    };
    if bytes.last() == Some(&b'\n') {
        bytes.pop();
    }
    Ok(Some(bytes))
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

fn prompt(question: &str, (name, options): Asked) -> Result<Zeroizing<Vec<u8>>> {
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
