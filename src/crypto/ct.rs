//! Comparison in constant time.
#![forbid(unsafe_code)]

pub use crate::secret::eq;
