//! What an operation of the API is.

use serde::Serialize;

use crate::error::Result;
use crate::kms::Door;

/// Whether an operation changes anything (the API's read/write class).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Changes nothing that is stored.
    Read,
    /// Changes something.
    Write,
}

/// One operation: a struct of parameters that any surface can build, and what it does.
pub trait Action: Sized {
    /// The API's name, case-sensitive.
    const NAME: &'static str;
    /// Its read/write class.
    const ACCESS: Access;
    /// What it answers, apart from the request id.
    type Answer: Serialize;

    /// Does it. Reaches keys only through `door`.
    fn run(self, door: &Door<'_>) -> Result<Self::Answer>;
}
