//! Writing a trail for others: JSON lines that `verify` reads.

use super::{Chain, Head, PublicKey, SignedCheckpoint, line};
use crate::error::Result;

/// Writes the lines of an exported trail, one after the other, and verifies the chain as it goes: the
/// first line, then events and checkpoints in their order, a checkpoint last.
pub struct ExportWriter {
    chain: Chain,
    is_signed: bool,
}

impl ExportWriter {
    /// Begins a trail after `before`, the chain as it was before the first event that it will hold, and
    /// appends its first line, which says whether the store is one for tests.
    pub fn begin(
        key: &PublicKey,
        before: Chain,
        is_test_only: bool,
        out: &mut Vec<u8>,
    ) -> Result<Self> {
        append(out, &line::header(key, &before, is_test_only)?);
        Ok(Self { chain: before, is_signed: false })
    }

    /// Appends the line of the next event.
    pub fn event(&mut self, event: &str, out: &mut Vec<u8>) {
        self.chain.append(event.as_bytes());
        append(out, &line::event(&self.chain, event));
        self.is_signed = false;
    }

    /// Appends the line of a checkpoint; [`TrailDamaged`](crate::error::ErrorCode::TrailDamaged) if it is not about what has been
    /// written up to here.
    pub fn checkpoint(&mut self, signed: &SignedCheckpoint, out: &mut Vec<u8>) -> Result<()> {
        if signed.checkpoint.chain != self.chain {
            let sequence = signed.checkpoint.chain.count;
            return Err(line::damaged(sequence, "the checkpoint is of another trail"));
        }
        append(out, &line::checkpoint(signed));
        self.is_signed = true;
        Ok(())
    }

    /// Ends the trail and answers its head; [`TrailDamaged`](crate::error::ErrorCode::TrailDamaged) unless a checkpoint is the last
    /// line.
    pub fn finish(self) -> Result<Head> {
        if !self.is_signed {
            let next = self.chain.count.saturating_add(1);
            return Err(line::damaged(next, "there is no checkpoint at the end"));
        }
        Ok(self.chain.head())
    }
}

fn append(out: &mut Vec<u8>, line: &str) {
    out.extend_from_slice(line.as_bytes());
    out.push(b'\n');
}
