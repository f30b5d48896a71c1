//! The hash chain, and a point on it.

use std::fmt;

use serde::{Serialize, Serializer};

use super::line;
use crate::crypto::digest::sha256_parts;
use crate::error::{Error, Result};

/// What the first hash is of, before the store's UUID.
const LABEL: &[u8] = b"kmshsm/v1/audit";

/// A trail up to some event: h_0 = SHA-256(label | store), h_n = SHA-256(h_{n-1} | n u64 | lp(event)).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chain {
    /// The store's UUID.
    pub store: [u8; 16],
    /// How many events there are, which is the number of the last.
    pub count: u64,
    /// The hash of the last, h_0 if there is none.
    pub head: [u8; 32],
}

impl Chain {
    /// The chain of a store without events.
    pub fn new(store: [u8; 16]) -> Self {
        Self { store, count: 0, head: sha256_parts(&[LABEL, &store]) }
    }

    /// Adds an event; the head is its hash then.
    pub fn append(&mut self, event: &[u8]) {
        self.count = self.count.saturating_add(1);
        // No event comes near 4 GiB.
        let len = u32::try_from(event.len()).unwrap_or(u32::MAX).to_be_bytes();
        self.head = sha256_parts(&[&self.head, &self.count.to_be_bytes(), &len, event]);
    }

    /// The point that it has come to.
    pub const fn head(&self) -> Head {
        Head { sequence: self.count, hash: self.head }
    }
}

/// A point of a trail that somebody remembers: a later trail must pass through it. Written
/// `SEQUENCE:HASH`, in decimal and in hexadecimal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// The number of an event; 0 is before the first.
    pub sequence: u64,
    /// Its hash.
    pub hash: [u8; 32],
}

impl Head {
    /// Reads `SEQUENCE:HASH`;
    /// [`InvalidParameter`](crate::error::ErrorCode::InvalidParameter) (`Head`) for anything else.
    pub fn parse(text: &str) -> Result<Self> {
        let read = |text: &str| {
            let (sequence, hash) = text.split_once(':')?;
            let hash = line::hash(&hash.to_ascii_lowercase())?;
            Some(Self { sequence: line::number(sequence)?, hash })
        };
        read(text).ok_or_else(|| {
            Error::invalid("Head", "It must be the number of an event, a colon and 64 hex digits.")
        })
    }
}

impl fmt::Display for Head {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.sequence, line::hex(&self.hash))
    }
}

impl Serialize for Head {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}
