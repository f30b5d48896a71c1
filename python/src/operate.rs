//! Operations on a store as a whole, and those that need none.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use kmshsm::api;
use kmshsm::error::Error;
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedStr;
use pyo3::types::{PyDict, PyString};
use zeroize::Zeroizing;

use crate::errors::raise;
use crate::guard::run;
use crate::input::Input;
use crate::store::Store;

#[pymethods]
impl Store {
    /// Does an operation on the store, with its parameters and its answer in JSON text; see [`Parameters`].
    #[pyo3(signature = (operation, parameters, /, texts=None, keys=None))]
    fn operate_json<'py>(
        &self,
        py: Python<'py>,
        operation: PyBackedStr,
        parameters: &str,
        texts: Option<&Bound<'py, PyDict>>,
        keys: Option<&Bound<'py, PyDict>>,
    ) -> PyResult<Bound<'py, PyString>> {
        let kms = self.kms()?;
        let parameters = Parameters::of(parameters, texts, keys)?;
        let answer = run(py, || api::operate(&kms, &operation, Some(&parameters.0)))?;
        Ok(PyString::new(py, &answer))
    }
}

/// Does an operation that needs no open store; see Store.operate_json.
#[pyfunction]
#[pyo3(signature = (operation, parameters, /, texts=None, keys=None))]
pub fn operate_alone_json<'py>(
    py: Python<'py>,
    operation: PyBackedStr,
    parameters: &str,
    texts: Option<&Bound<'py, PyDict>>,
    keys: Option<&Bound<'py, PyDict>>,
) -> PyResult<Bound<'py, PyString>> {
    let parameters = Parameters::of(parameters, texts, keys)?;
    let answer = run(py, || api::operate_alone(&operation, Some(&parameters.0)))?;
    Ok(PyString::new(py, &answer))
}

/// Parameters in JSON, to which secrets are added here, by Python's names: nobody can wipe a text of Python's.
/// Those that are texts may be bytes of UTF-8; keys are bytes, and cross as Base64.
struct Parameters(Zeroizing<String>);

impl Parameters {
    fn of(
        parameters: &str,
        texts: Option<&Bound<'_, PyDict>>,
        keys: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<Self> {
        let mut secrets = Vec::new();
        for (name, value) in given(texts)? {
            let bytes = Input::of_text(&value, &name)?;
            let text = str::from_utf8(&bytes).map_err(|_| not_utf8(&name))?;
            secrets.push((pascal(&name), Zeroizing::new(text.to_owned())));
        }
        for (name, value) in given(keys)? {
            let text = Zeroizing::new(STANDARD.encode(&*Input::of(&value, &name)?));
            secrets.push((pascal(&name), text));
        }
        // A string that grew would leave copies behind.
        let room: usize = secrets.iter().map(|(name, text)| name.len() + 6 * text.len() + 6).sum();
        let mut json = Zeroizing::new(String::with_capacity(parameters.len() + room));
        let body = parameters.strip_suffix('}').unwrap_or(parameters);
        json.push_str(body);
        for (name, text) in &secrets {
            let separator = if json.ends_with('{') { "\"" } else { ",\"" };
            json.push_str(separator);
            json.push_str(name);
            json.push_str("\":\"");
            text.chars().for_each(|letter| escape(letter, &mut json));
            json.push('"');
        }
        json.push_str(parameters.strip_prefix(body).unwrap_or_default());
        Ok(Self(json))
    }
}

/// The entries of a dict that are not None.
fn given<'py>(values: Option<&Bound<'py, PyDict>>) -> PyResult<Vec<(String, Bound<'py, PyAny>)>> {
    let Some(values) = values else { return Ok(Vec::new()) };
    let given = values.iter().filter(|(_, value)| !value.is_none());
    given.map(|(name, value)| Ok((name.extract()?, value))).collect()
}

/// The API's name of what is `snake_case` in Python.
fn pascal(name: &str) -> String {
    let words = name.split('_').filter_map(|word| word.split_at_checked(1));
    words.flat_map(|(first, rest)| [first.to_ascii_uppercase(), rest.to_owned()]).collect()
}

/// A character in a string of JSON: RFC 8259, 7.
fn escape(letter: char, json: &mut String) {
    match letter {
        '"' | '\\' => json.extend(['\\', letter]),
        '\0'..='\x1f' => {
            let digit = |value| char::from_digit(value, 16).unwrap_or_default();
            let code = u32::from(letter);
            json.extend(['\\', 'u', '0', '0', digit(code >> 4), digit(code & 15)]);
        }
        _ => json.push(letter),
    }
}

fn not_utf8(name: &str) -> PyErr {
    raise(Error::invalid(name.to_owned(), "It must be UTF-8."))
}
