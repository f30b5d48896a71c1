//! Python arguments as the engine takes them.

use std::num::NonZeroU32;
use std::ops::Deref;
use std::time::Duration;

use kmshsm::api::OVERHEAD;
use kmshsm::error::{Error, ErrorCode};
use kmshsm::model::{EncryptionContext, KeyRef, VersionRef};
use pyo3::exceptions::{PyOverflowError, PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedStr;
use pyo3::types::{
    PyBool, PyByteArray, PyBytes, PyDateTime, PyInt, PyMapping, PyMemoryView, PyString,
    PyTzInfoAccess,
};
use zeroize::{Zeroize, Zeroizing};

use crate::errors::raise;

/// Bytes that stay as they are while other threads run: borrowed from immutable `bytes`, copied out
/// of anything that can change, and then wiped after use.
pub enum Input<'a> {
    /// The memory of a `bytes` object.
    Borrowed(&'a [u8]),
    /// A copy.
    Copied(Zeroizing<Vec<u8>>),
}

impl<'a> Input<'a> {
    /// The bytes of any object with the buffer protocol.
    pub fn of(value: &'a Bound<'_, PyAny>, name: &str) -> PyResult<Self> {
        if let Ok(bytes) = value.cast::<PyBytes>() {
            return Ok(Self::Borrowed(bytes.as_bytes()));
        }
        if let Ok(array) = value.cast::<PyByteArray>() {
            return Ok(Self::Copied(Zeroizing::new(array.to_vec())));
        }
        let view = PyMemoryView::from(value).map_err(|error| {
            if error.is_instance_of::<PyTypeError>(value.py()) {
                expected(name, "a bytes-like object", value)
            } else {
                error
            }
        })?;
        let array = PyByteArray::from(&view)?;
        let copy = Zeroizing::new(array.to_vec());
        // SAFETY: the array was made just now, and nothing else refers to it.
        unsafe { array.as_bytes_mut() }.zeroize();
        Ok(Self::Copied(copy))
    }

    /// The same, and the UTF-8 of a text.
    pub fn of_text(value: &'a Bound<'_, PyAny>, name: &str) -> PyResult<Self> {
        match value.extract::<PyBackedStr>() {
            Ok(text) => Ok(Self::Copied(Zeroizing::new(text.as_bytes().to_vec()))),
            Err(error) if error.is_instance_of::<PyTypeError>(value.py()) => Self::of(value, name),
            // Python's own error would carry the text, a passphrase maybe, into logs.
            Err(_) => Err(PyValueError::new_err(format!("{name} is not valid Unicode"))),
        }
    }
}

impl Deref for Input<'_> {
    type Target = [u8];
    fn deref(&self) -> &[u8] {
        match self {
            Self::Borrowed(bytes) => bytes,
            Self::Copied(bytes) => bytes,
        }
    }
}

/// A reference to a key, for the API's parameter of that name.
pub fn key<'a>(text: &'a str, parameter: &'static str) -> PyResult<KeyRef<'a>> {
    KeyRef::parse(text).ok_or_else(|| raise(Error::invalid(parameter, "It must not be empty.")))
}

/// A reference to a version of a key.
pub fn version(text: &str, parameter: &'static str) -> PyResult<VersionRef> {
    VersionRef::parse(text).ok_or_else(|| raise(Error::invalid(parameter, "It must not be empty.")))
}

/// A text.
pub fn text(value: &Bound<'_, PyAny>, name: &str) -> PyResult<PyBackedStr> {
    if value.is_instance_of::<PyString>() {
        value.extract()
    } else {
        Err(expected(name, "a str", value))
    }
}

/// A word of a closed set.
pub fn word<T>(parsed: Result<T, String>, parameter: &'static str) -> PyResult<T> {
    parsed.map_err(|detail| raise(Error::invalid(parameter, detail)))
}

/// The encryption context where there is one only: its name in Python and in the API.
pub const CONTEXT: [&str; 2] = ["context", "EncryptionContext"];

/// An encryption context: a mapping of texts to texts, or `None`.
pub fn encryption_context(
    value: Option<&Bound<'_, PyAny>>,
    [name, parameter]: [&'static str; 2],
) -> PyResult<EncryptionContext> {
    let Some(value) = value else { return Ok(EncryptionContext::default()) };
    let wanted = "a mapping of str to str";
    let mapping = value.cast::<PyMapping>();
    let mapping = mapping.map_err(|_| expected(name, wanted, value))?;
    let text_in = |value: &Bound<'_, PyAny>| {
        value.extract().map_err(|error: PyErr| {
            if error.is_instance_of::<PyTypeError>(value.py()) {
                expected(name, wanted, value)
            } else {
                error
            }
        })
    };
    let mut pairs = Vec::new();
    for pair in mapping.items()? {
        let (key, text) = pair.extract::<(Bound<'_, PyAny>, Bound<'_, PyAny>)>()?;
        pairs.push((text_in(&key)?, text_in(&text)?));
    }
    EncryptionContext::from_pairs(pairs, parameter).map_err(raise)
}

/// A moment in Unix seconds: a `datetime` with a time zone, or the number itself.
pub fn moment(value: &Bound<'_, PyAny>, parameter: &'static str) -> PyResult<u64> {
    if let Ok(moment) = value.cast::<PyDateTime>() {
        if moment.get_tzinfo().is_none() {
            let detail = "expires: a datetime without a time zone names no moment";
            return Err(PyValueError::new_err(detail));
        }
        let seconds: f64 = moment.call_method0("timestamp")?.extract()?;
        // Zero would say "never".
        if seconds.is_nan() || seconds < 1.0 {
            return Err(raise(Error::invalid(parameter, "It must be in the future.")));
        }
        return Ok(seconds as u64);
    }
    if !value.is_instance_of::<PyInt>() {
        return Err(expected("expires", "a datetime or an int", value));
    }
    value.extract().map_err(|error: PyErr| {
        if error.is_instance_of::<PyOverflowError>(value.py()) {
            raise(Error::invalid(parameter, "It must be a whole number in range."))
        } else {
            error
        }
    })
}

/// A number of seconds, 1 or more; `bool` is none, though Python has it among the ints.
pub fn seconds(value: &Bound<'_, PyAny>, name: &'static str) -> PyResult<Duration> {
    if !value.is_instance_of::<PyInt>() || value.is_instance_of::<PyBool>() {
        return Err(expected(name, "an int, a number of seconds,", value));
    }
    let seconds = value.extract::<NonZeroU32>().map_err(|_| {
        raise(Error::invalid(name, format!("It must be 1 to {} seconds.", u32::MAX)))
    })?;
    Ok(Duration::from_secs(seconds.get().into()))
}

/// The length of the plaintext in a ciphertext; one that is too short does not open.
pub fn plaintext_len(ciphertext: &[u8]) -> PyResult<usize> {
    let len = ciphertext.len().checked_sub(OVERHEAD);
    len.ok_or_else(|| raise(ErrorCode::InvalidCiphertext))
}

fn expected(name: &str, wanted: &str, value: &Bound<'_, PyAny>) -> PyErr {
    let class = value.get_type().name().map_or_else(|_| "?".into(), |name| name.to_string());
    PyTypeError::new_err(format!("{name} must be {wanted}, not {class}"))
}
