//! The audit trail (API reference, chapter 15): events in the shape of ActionTrail's, chained by hashes,
//! with signed checkpoints, and its exported form, which whoever has the public key can verify. Pure:
//! where events are kept and when a checkpoint is signed is decided above.
//!
//! Formats are in ARCHITECTURE.md.
#![forbid(unsafe_code)]

mod chain;
mod checkpoint;
mod event;
mod export;
mod frame;
mod json;
mod line;
mod public;
mod segment;
#[cfg(test)]
mod tests;
mod verify;

pub use chain::{Chain, Head};
pub use checkpoint::{Checkpoint, SignedCheckpoint};
pub use event::{Event, Kind, Refusal, Resource};
pub use export::ExportWriter;
pub use frame::{Caller, Frame};
pub use public::PublicKey;
pub use segment::{Segment, SegmentWriter};
pub use verify::Verified;
pub(crate) use verify::{Verifier, verify};

/// The longest event in bytes: requests are bounded at the door, far below.
pub const MAX_EVENT: usize = 1 << 20;
