//! What must take the same time whatever its secrets are: one subject for each function, for the
//! proof in `tests/constant_time` and for `benches/timing`. In test builds alone.
//!
//! A subject prepares its arguments, conceals the secret ones, calls the function as everybody
//! calls it, and reveals what is public of the outcome. What must be revealed inside the
//! function (a verdict, a signature before it is encoded) is marked there, by
//! [`secret::verdict`](crate::secret::verdict) and [`secret::publish`](crate::secret::publish).
#![forbid(unsafe_code)]

pub mod blocks;
mod boundary;
mod ciphers;
mod comparing;
mod private;
mod shares;
pub mod unpadding;

use crate::error::{ErrorCode, Result};
use crate::secret::marks::{self, concealed, revealed};

pub use crate::crypto::rsa::{OaepHash, Padding};
pub use crate::secret::marks::is_watched;

/// A function with secrets to call it with.
pub struct Subject {
    /// What is called, and how.
    pub name: &'static str,
    /// Why memcheck must report it; `None` for what must be clean.
    pub leaks: Option<&'static str>,
    run: fn() -> Result<()>,
}

/// What a subject showed.
pub struct Outcome {
    /// How many branches and addresses depended on a secret.
    pub findings: usize,
    /// How much that was secret has been revealed at the end: without any, the secrets never came to
    /// where they should be used, and the subject shows nothing.
    pub revealed: usize,
    /// Whether the function gave the answer that it must.
    pub answer: Result<()>,
}

impl Subject {
    const fn clean(name: &'static str, run: fn() -> Result<()>) -> Self {
        Self { name, leaks: None, run }
    }

    const fn leaking(name: &'static str, why: &'static str, run: fn() -> Result<()>) -> Self {
        Self { name, leaks: Some(why), run }
    }

    /// Runs it.
    pub fn run(&self) -> Outcome {
        let (findings, revealed) = (marks::findings(), marks::reveals());
        let answer = (self.run)();
        Outcome {
            findings: marks::findings() - findings,
            revealed: marks::reveals() - revealed,
            answer,
        }
    }
}

/// All of them; those that must be reported come first.
pub fn subjects() -> impl Iterator<Item = &'static Subject> {
    [
        comparing::CONTROLS,
        comparing::SUBJECTS,
        unpadding::SUBJECTS,
        ciphers::SUBJECTS,
        boundary::SUBJECTS,
        shares::SUBJECTS,
        private::SUBJECTS,
    ]
    .into_iter()
    .flatten()
}

/// [`ErrorCode::Internal`] unless it is so.
fn demand(is_so: bool) -> Result<()> {
    if is_so { Ok(()) } else { Err(ErrorCode::Internal.into()) }
}

/// Some bytes.
fn public<const N: usize>(first: u8) -> [u8; N] {
    std::array::from_fn(|at| first.wrapping_add((at as u8).wrapping_mul(29)))
}

/// The same bytes as a secret.
fn secret<const N: usize>(first: u8) -> [u8; N] {
    concealed(public(first))
}
