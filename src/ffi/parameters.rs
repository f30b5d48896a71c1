//! What parameters say in text: keys, versions, words of the API, encryption contexts. Absent ones are
//! named as in C, wrong ones as in the API.

use std::ffi::c_char;

use crate::error::{Error, Result};
use crate::ffi::memory::{optional_string, optional_text};
use crate::model::{EncryptionContext, KeyId, KeyRef, VersionRef};

/// The key that a function is about. Mostly its id, which is read without looking at it as text first.
#[inline]
pub(super) fn key<'a>(pointer: *const c_char) -> Result<KeyRef<'a>> {
    match optional_string(pointer).and_then(KeyId::parse_bytes) {
        Some(id) => Ok(KeyRef::Id(id)),
        None => named_key(pointer),
    }
}

#[cold]
fn named_key<'a>(pointer: *const c_char) -> Result<KeyRef<'a>> {
    optional_key(pointer, "KeyId")?.ok_or_else(|| Error::null("key_id"))
}

/// A reference to a key, the value of `parameter`.
pub(super) fn optional_key<'a>(
    pointer: *const c_char,
    parameter: &'static str,
) -> Result<Option<KeyRef<'a>>> {
    let read = |text| KeyRef::parse(text).ok_or_else(|| empty(parameter));
    optional_text(pointer, parameter)?.map(read).transpose()
}

/// The version of the key that a function is about.
pub(super) fn version(pointer: *const c_char) -> Result<VersionRef> {
    optional_version(pointer, "KeyVersionId")?.ok_or_else(|| Error::null("key_version_id"))
}

/// A reference to a version, the value of `parameter`.
pub(super) fn optional_version(
    pointer: *const c_char,
    parameter: &'static str,
) -> Result<Option<VersionRef>> {
    let read = |text: &str| VersionRef::parse(text).ok_or_else(|| empty(parameter));
    optional_text(pointer, parameter)?.map(read).transpose()
}

/// A word of the API, the value of `parameter`, that C calls `name`.
pub(super) fn word<T>(
    pointer: *const c_char,
    (name, parameter): (&'static str, &'static str),
    parse: impl FnOnce(&str) -> Result<T, String>,
) -> Result<T> {
    optional_word(pointer, parameter, parse)?.ok_or_else(|| Error::null(name))
}

/// A word of the API that need not be there.
pub(super) fn optional_word<T>(
    pointer: *const c_char,
    parameter: &'static str,
    parse: impl FnOnce(&str) -> Result<T, String>,
) -> Result<Option<T>> {
    let word = optional_text(pointer, parameter)?.map(parse).transpose();
    word.map_err(|detail| Error::invalid(parameter, detail))
}

/// An encryption context, the value of `parameter`; NULL is the empty one.
#[inline]
pub(super) fn context(
    pointer: *const c_char,
    parameter: &'static str,
) -> Result<EncryptionContext> {
    match optional_text(pointer, parameter)? {
        Some(text) => EncryptionContext::from_json(text, parameter),
        None => Ok(EncryptionContext::default()),
    }
}

fn empty(parameter: &'static str) -> Error {
    Error::invalid(parameter, "It must not be empty.")
}
