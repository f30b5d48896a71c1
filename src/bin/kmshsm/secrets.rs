//! What opens a store: a passphrase by prompt, file or descriptor, or a key file. Never an
//! argument, which other users could see.

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
        None => prompt("Passphrase: ").map(Secret::Passphrase),
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
    let first = prompt("New passphrase: ")?;
    if prompt("The same again: ")? != first {
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
    if let Some(fd) = flags.get_one::<i32>("passphrase-fd") {
        // The descriptor's file, opened anew: the number alone gives no right to close it.
        let path = format!("/proc/self/fd/{fd}");
        return contents("--passphrase-fd", Path::new(&path)).map(line).map(Some);
    }
    if let Some(path) = flags.get_one::<PathBuf>("passphrase-file") {
        return contents("--passphrase-file", path).map(line).map(Some);
    }
    Ok(None)
}

/// A passphrase file loses one trailing newline.
fn line(mut bytes: Zeroizing<Vec<u8>>) -> Secret {
    if bytes.last() == Some(&b'\n') {
        bytes.pop();
    }
    Secret::Passphrase(bytes)
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

fn prompt(question: &str) -> Result<Zeroizing<Vec<u8>>> {
    match rpassword::prompt_password(question) {
        Ok(text) => Ok(Zeroizing::new(text.into_bytes())),
        Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => {
            Err(Error::new(ErrorCode::MissingParameter).about("passphrase"))
        }
        Err(_) => {
            let detail = "There is no terminal to ask on: use --passphrase-file, --passphrase-fd or --key-file.";
            Err(Error::new(ErrorCode::MissingParameter).about("passphrase").because(detail))
        }
    }
}
