//! Tokens of SoftHSM 2 that lie in files: what is in them, and the material of keys that may leave.
//! Nothing is written. The files are another program's and are not authenticated: nothing in them is
//! believed before it has been checked.
//!
//! ```text
//! token.object, <object id>.object = generation u64 | attribute ...
//! attribute  = type u64 (PKCS #11, 3.0) | kind u64 | value
//!   kind 1    a truth: 00, or anything else
//!   kind 2    a number: u64
//!   kind 3    bytes: length u64 | bytes
//!   kind 4    attributes: length of all in bytes u64 | attribute ...
//!   kind 5    mechanisms: count u64 | u64 ...
//! bytes of a private object (CKA_PRIVATE), unless empty = IV (16) | AES-256-CBC(token key, bytes)
//! 8000534d of token.object = salt (8) | IV (16) | AES-256-CBC(PIN key, "RJR" | token key (32))
//! PIN key    = SHA-256, 1500 + the last byte of the salt times: of salt | PIN, then of what came before
//! ```
#![forbid(unsafe_code)]

mod attributes;
mod key;
mod numbers;
mod sealing;
#[cfg(test)]
mod tests;

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use crate::error::{Error, ErrorCode, Result};
use crate::secret::Zeroizing;
use attributes::Attributes;

pub use key::{Key, MAX_MATERIAL};

/// The longest file that is read, in bytes.
const MAX_FILE: u64 = 1 << 20;

/// CKA_OS_TOKENLABEL, CKA_OS_TOKENSERIAL and CKA_OS_USERPIN, SoftHSM's own.
const TOKEN_LABEL: u64 = 0x8000_5349;
const TOKEN_SERIAL: u64 = 0x8000_534a;
const USER_PIN: u64 = 0x8000_534d;

/// A token, as far as it can be read without its PIN.
pub struct Token {
    label: String,
    serial: String,
    sealed_key: Vec<u8>,
    objects: Vec<Object>,
}

/// An object of a token: the name of its file, and what is in it, if that can be read.
struct Object {
    id: String,
    attributes: Option<Attributes>,
}

/// A key that has been found.
pub struct Found<'a> {
    /// The object's id: the name of its file.
    pub id: &'a str,
    /// CKA_LABEL; empty if it has none.
    pub label: String,
    /// The key, or why it is none that can be taken.
    pub key: Result<Key<'a>, String>,
}

impl Token {
    /// Reads a token's directory. [`ErrorCode::TokenFailed`] if it is none.
    pub fn read(directory: &Path) -> Result<Self> {
        let failed = |error: io::Error| failed(format!("{}: {error}.", directory.display()));
        let mut names = Vec::new();
        for entry in directory.read_dir().map_err(failed)? {
            let name = entry.map_err(failed)?.file_name();
            if let Some(id) = name.to_str().and_then(|name| name.strip_suffix(".object")) {
                names.push(id.to_owned());
            }
        }
        names.sort();
        let mut objects = Vec::new();
        let mut token = None;
        for id in names {
            let file = contents(&directory.join(format!("{id}.object"))).map_err(failed)?;
            let attributes = Attributes::parse(&file);
            match id == "token" {
                true => token = attributes,
                false => objects.push(Object { id, attributes }),
            }
        }
        Self::of(token, objects).ok_or_else(|| {
            self::failed("This is not the directory of a token: its token.object cannot be read.")
        })
    }

    fn of(token: Option<Attributes>, objects: Vec<Object>) -> Option<Self> {
        let token = token?;
        let text = |kind| Some(String::from_utf8_lossy(token.bytes(kind)?).trim().to_owned());
        let sealed_key = token.bytes(USER_PIN).unwrap_or_default().to_vec();
        Some(Self { label: text(TOKEN_LABEL)?, serial: text(TOKEN_SERIAL)?, sealed_key, objects })
    }

    /// What the token is called.
    pub fn label(&self) -> &str {
        &self.label
    }

    /// The serial number, which tokens do not share.
    pub fn serial(&self) -> &str {
        &self.serial
    }

    /// Writes the key that seals the private objects, if this is the user's PIN. Otherwise it is
    /// [`ErrorCode::TokenFailed`].
    pub fn unlock(&self, pin: &[u8], key: &mut [u8; 32]) -> Result<()> {
        if self.sealed_key.is_empty() {
            return Err(failed("The token has no user PIN."));
        }
        sealing::unlock(&self.sealed_key, pin, key)
            .ok_or_else(|| failed("That is not the user's PIN."))
    }

    /// The secret and private keys, in the order of their ids. What is sealed of them is opened with the
    /// token's key.
    pub fn keys(&self, key: &[u8; 32]) -> Vec<Found<'_>> {
        self.objects.iter().filter_map(|object| key::found(object, key)).collect()
    }
}

/// Reads what may be an object of a token, for the fuzzer: any bytes may be one.
pub fn probe(file: &[u8]) {
    let attributes = Attributes::parse(file);
    let object = Object { id: String::new(), attributes };
    if let Some(Found { key: Ok(key), .. }) = key::found(&object, &[0; 32]) {
        let _ = key.material(&[0; 32], &mut [0; MAX_MATERIAL]);
    }
}

/// What is in a file, which may be a key in clear: all of it at once, so that growing leaves nothing behind.
fn contents(path: &Path) -> io::Result<Zeroizing<Vec<u8>>> {
    let file = File::open(path)?;
    let len = file.metadata()?.len().min(MAX_FILE);
    let mut bytes = Zeroizing::new(Vec::with_capacity(usize::try_from(len + 1).unwrap_or(0)));
    file.take(len).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn failed(why: impl Into<std::borrow::Cow<'static, str>>) -> Error {
    Error::new(ErrorCode::TokenFailed).because(why)
}
