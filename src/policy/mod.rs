//! Who may do what to which resource (API reference, chapters 11 and 14). Pure: a function of the
//! policies, the caller and the request. A policy that cannot be understood to the last word is none.
#![forbid(unsafe_code)]

mod condition;
mod explain;
mod json;
mod judge;
mod key_policy;
mod pattern;
mod statement;
mod system;
#[cfg(test)]
mod tests;
mod values;

use std::cell::Cell;
use std::net::IpAddr;

use crate::error::{Error, Result};
use crate::model::Timestamp;

pub use explain::Explanation;
pub use judge::{Caller, Judgment, Reason, Side, judge};
pub use key_policy::{KeyPolicy, MAX_KEY_POLICY};
pub use system::{SYSTEM_POLICIES, SystemPolicy};

/// The longest identity policy, in characters.
pub const MAX_POLICY: usize = 4096;

/// An identity policy (RAM), as parsed.
#[derive(Clone, Debug)]
pub struct Policy {
    statements: Vec<statement::Statement>,
}

impl Policy {
    /// Reads a policy: [`InvalidParameter`](crate::error::ErrorCode::InvalidParameter)
    /// (`PolicyDocument`) says what is wrong with it, and where.
    pub fn parse(text: &str) -> Result<Self> {
        if text.chars().nth(MAX_POLICY).is_some() {
            let detail = format!("It is longer than {MAX_POLICY} characters.");
            return Err(Error::invalid("PolicyDocument", detail));
        }
        let known = ["Effect", "Action", "Resource", "Condition"];
        let statements = statement::parse_all(text, &known, statement::Statement::parse);
        match statements {
            Ok(statements) => Ok(Self { statements }),
            Err(error) => Err(Error::invalid("PolicyDocument", error)),
        }
    }
}

/// What is asked.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// Such as `kms:Encrypt`.
    pub action: &'a str,
    /// An ARN, or `*` where the operation has no resource. On what is longer than 512 bytes, policies
    /// say nothing.
    pub resource: &'a str,
    /// What conditions ask about.
    pub circumstances: &'a Circumstances<'a>,
}

/// What conditions ask about. What is not known here keeps an Allow from applying, and no Deny. Tags are
/// known: of one that is not here it is known that the key lacks it.
#[derive(Clone, Copy, Debug)]
pub struct Circumstances<'a> {
    /// The present moment.
    pub now: Timestamp,
    /// Where the request comes from.
    pub source_ip: Option<IpAddr>,
    /// Whether it came over TLS.
    pub secure_transport: Option<bool>,
    /// Whether the caller has shown a second factor.
    pub mfa_present: Option<bool>,
    /// The tags of the key, sorted by their keys.
    pub tags: &'a [(String, String)],
}

/// What one set of policies says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing.
    Implicit,
    /// That it is allowed, by this statement.
    Allow(Place),
    /// That it is denied, by this statement, whatever others say.
    Deny(Place),
}

/// A statement of a set of policies, both counted from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// Which policy.
    pub policy: usize,
    /// Which statement of it.
    pub statement: usize,
}

/// What these policies say: the first Deny that applies, or else the first Allow.
pub fn evaluate<'p>(
    policies: impl IntoIterator<Item = &'p Policy>,
    request: &Request<'_>,
) -> Verdict {
    weigh_all(policies, &Asked::new(request))
}

fn weigh_all<'p>(policies: impl IntoIterator<Item = &'p Policy>, asked: &Asked<'_>) -> Verdict {
    let statements =
        policies.into_iter().enumerate().flat_map(|(policy, Policy { statements })| {
            let place = move |(statement, found)| (Place { policy, statement }, found);
            statements.iter().enumerate().map(place)
        });
    statement::weigh(statements, asked)
}

/// A request in work.
struct Asked<'a> {
    request: &'a Request<'a>,
    depends_on_time: Cell<bool>,
}

impl<'a> Asked<'a> {
    const fn new(request: &'a Request<'a>) -> Self {
        Self { request, depends_on_time: Cell::new(false) }
    }

    /// The present moment, and that somebody asked for it.
    fn now(&self) -> i64 {
        self.depends_on_time.set(true);
        i64::try_from(self.request.circumstances.now.0).unwrap_or(i64::MAX)
    }

    const fn depends_on_time(&self) -> bool {
        self.depends_on_time.get()
    }
}
