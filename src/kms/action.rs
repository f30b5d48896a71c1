//! What an operation of the API is.

use serde::Serialize;

use crate::error::Result;
use crate::kms::Door;
use crate::model::Service;

/// Whether an operation changes anything (the API's read/write class).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Changes nothing that is stored.
    Read,
    /// Changes something.
    Write,
}

/// Which of its keys' doings an operation belongs to: what is recorded of it depends on that.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Plane {
    /// Managing keys, users, the service.
    Control,
    /// Using keys.
    Data,
    /// Neither: it needs no permission and is not recorded.
    Free,
}

/// One operation: a struct of parameters that any surface can build, and what it does. Serialized, it is
/// what the audit trail shows of the request: secrets and bytes serialize as nothing.
pub trait Action: Sized + Serialize {
    /// The API's name, case-sensitive.
    const NAME: &'static str;
    /// Its read/write class.
    const ACCESS: Access;
    /// The service it belongs to.
    const SERVICE: Service = Service::Kms;
    /// Whether it manages or uses keys.
    const PLANE: Plane = Plane::Control;
    /// What it answers, apart from the request id.
    type Answer: Serialize;

    /// Does it. Reaches keys only through `door`.
    fn run(&mut self, door: &Door<'_>) -> Result<Self::Answer>;

    /// Wipes what an answer has put into the caller's memory: it is not given after all.
    fn withdraw(_answer: Self::Answer) {}
}
