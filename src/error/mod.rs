//! Errors: a code from the one table, what it is about, and a sentence for people.

mod code;

use std::borrow::Cow;
use std::fmt;

pub use code::ErrorCode;

/// The answer of anything that can fail.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// A code, what it is about, and a sentence for people. Never holds material, plaintext, tokens or
/// passphrases.
///
/// One pointer: a `Result` of little more is handed up in a register from floor to floor.
#[derive(Clone, PartialEq, Eq)]
pub struct Error(Box<Fault>);

/// Nothing but its fields: bytes between them would stay as they were, which may be a secret stack's.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Fault {
    code: ErrorCode,
    /// What would be such bytes.
    zero: u32,
    subject: Cow<'static, str>,
    detail: Cow<'static, str>,
    needed: usize,
    /// Zeros while there is none, likewise.
    request: RequestId,
}

const _: () = assert!(size_of::<Fault>() == 8 + 6 * size_of::<usize>() + size_of::<usize>() + 16);

impl Error {
    /// An error that its code says all about.
    #[cold]
    pub fn new(code: ErrorCode) -> Self {
        let (subject, detail) = (Cow::Borrowed(""), Cow::Borrowed(""));
        Self(Box::new(Fault {
            code,
            zero: 0,
            subject,
            detail,
            needed: 0,
            request: RequestId::NONE,
        }))
    }

    /// [`ErrorCode::BufferTooSmall`], telling how many bytes are needed.
    pub fn too_small(needed: usize) -> Self {
        let mut error = Self::new(ErrorCode::BufferTooSmall);
        error.0.needed = needed;
        error
    }

    /// [`ErrorCode::InvalidParameter`], naming the parameter and what it takes.
    pub fn invalid(
        parameter: impl Into<Cow<'static, str>>,
        detail: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self::new(ErrorCode::InvalidParameter).about(parameter).because(detail)
    }

    /// [`ErrorCode::MissingParameter`], naming the parameter.
    pub fn missing(parameter: impl Into<Cow<'static, str>>) -> Self {
        Self::new(ErrorCode::MissingParameter).about(parameter)
    }

    /// [`ErrorCode::NullArgument`], naming the argument.
    pub fn null(argument: &'static str) -> Self {
        Self::new(ErrorCode::NullArgument).about(argument)
    }

    /// The same error, naming what it is about.
    #[must_use]
    pub fn about(mut self, subject: impl Into<Cow<'static, str>>) -> Self {
        self.0.subject = subject.into();
        self
    }

    /// The same error with a sentence more for people.
    #[must_use]
    pub fn because(mut self, detail: impl Into<Cow<'static, str>>) -> Self {
        self.0.detail = detail.into();
        self
    }

    /// The same error, as the answer to this request.
    #[must_use]
    pub fn of_request(mut self, request: RequestId) -> Self {
        self.0.request = request;
        self
    }

    /// What it consists of, for a way out on which nothing else may come along.
    pub(crate) fn into_parts(self) -> (ErrorCode, String, String) {
        let Fault { code, subject, detail, .. } = *self.0;
        (code, subject.into_owned(), detail.into_owned())
    }

    /// The reverse of [`into_parts`](Self::into_parts).
    pub(crate) fn from_parts(code: ErrorCode, subject: String, detail: String) -> Self {
        Self::new(code).about(subject).because(detail)
    }

    /// What went wrong.
    pub fn code(&self) -> ErrorCode {
        self.0.code
    }

    /// Whether it says that something in the store is not what this library has written there.
    pub(crate) fn is_damage(&self) -> bool {
        matches!(self.code(), ErrorCode::StoreDamaged | ErrorCode::StoreTooNew)
    }

    /// How many bytes [`ErrorCode::BufferTooSmall`] asks for.
    pub fn needed(&self) -> usize {
        self.0.needed
    }

    /// The request that this answers, if any.
    pub fn request_id(&self) -> Option<RequestId> {
        Some(self.0.request).filter(|request| *request != RequestId::NONE)
    }
}

/// Names one request, in its answer and in the audit trail.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct RequestId(pub [u8; 16]);

impl RequestId {
    /// No request's.
    const NONE: Self = Self([0; 16]);
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        uuid::Uuid::from_bytes(self.0).as_hyphenated().fmt(f)
    }
}

impl fmt::Debug for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl From<ErrorCode> for Error {
    fn from(code: ErrorCode) -> Self {
        Self::new(code)
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Fault { code, subject, detail, .. } = &*self.0;
        match code.message().split_once("{}") {
            Some((before, after)) => write!(f, "{before}{subject}{after}")?,
            None => f.write_str(code.message())?,
        }
        if !detail.is_empty() {
            write!(f, " {detail}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Error {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_in_order_and_come_back() {
        for pair in ErrorCode::ALL.windows(2) {
            assert!(pair[0].number() < pair[1].number());
        }
        for code in ErrorCode::ALL {
            assert_eq!(ErrorCode::from_number(code.number()), Some(*code));
            assert!((400..=599).contains(&code.http_status()));
        }
    }

    #[test]
    fn messages_name_the_parameter() {
        let error = Error::invalid("PageSize", "It must be 1 to 100.");
        assert_eq!(
            error.to_string(),
            "The specified parameter \"PageSize\" is not valid. It must be 1 to 100."
        );
        assert_eq!(
            Error::missing("KeyId").to_string(),
            "The parameter \"KeyId\" is needed but not provided."
        );
    }
}
