//! Errors: a code from the one table, what it is about, and a sentence for people.

mod code;

use std::borrow::Cow;
use std::fmt;

pub use code::ErrorCode;

/// The answer of anything that can fail.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// A code, what it is about, and a sentence for people. Never holds material, plaintext, tokens or
/// passphrases.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    code: ErrorCode,
    subject: Cow<'static, str>,
    detail: Cow<'static, str>,
    needed: usize,
    request: Option<RequestId>,
}

impl Error {
    /// An error that its code says all about.
    pub const fn new(code: ErrorCode) -> Self {
        let (subject, detail) = (Cow::Borrowed(""), Cow::Borrowed(""));
        Self { code, subject, detail, needed: 0, request: None }
    }

    /// [`ErrorCode::BufferTooSmall`], telling how many bytes are needed.
    pub const fn too_small(needed: usize) -> Self {
        let mut error = Self::new(ErrorCode::BufferTooSmall);
        error.needed = needed;
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
        self.subject = subject.into();
        self
    }

    /// The same error with a sentence more for people.
    #[must_use]
    pub fn because(mut self, detail: impl Into<Cow<'static, str>>) -> Self {
        self.detail = detail.into();
        self
    }

    /// The same error, as the answer to this request.
    #[must_use]
    pub const fn of_request(mut self, request: RequestId) -> Self {
        self.request = Some(request);
        self
    }

    /// What it consists of, for a way out on which nothing else may come along.
    pub(crate) fn into_parts(self) -> (ErrorCode, String, String) {
        (self.code, self.subject.into_owned(), self.detail.into_owned())
    }

    /// The reverse of [`into_parts`](Self::into_parts).
    pub(crate) fn from_parts(code: ErrorCode, subject: String, detail: String) -> Self {
        Self::new(code).about(subject).because(detail)
    }

    /// What went wrong.
    pub const fn code(&self) -> ErrorCode {
        self.code
    }

    /// Whether it says that something in the store is not what this library has written there.
    pub(crate) fn is_damage(&self) -> bool {
        matches!(self.code, ErrorCode::StoreDamaged | ErrorCode::StoreTooNew)
    }

    /// How many bytes [`ErrorCode::BufferTooSmall`] asks for.
    pub const fn needed(&self) -> usize {
        self.needed
    }

    /// The request that this answers, if any.
    pub const fn request_id(&self) -> Option<RequestId> {
        self.request
    }
}

/// Names one request, in its answer and in the audit trail.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct RequestId(pub [u8; 16]);

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

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.code.message().split_once("{}") {
            Some((before, after)) => write!(f, "{before}{}{after}", self.subject)?,
            None => f.write_str(self.code.message())?,
        }
        if !self.detail.is_empty() {
            write!(f, " {}", self.detail)?;
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
