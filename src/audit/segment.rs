//! Segments: runs of events as they are stored, each coded against the one before it.

use super::{Chain, Head, MAX_EVENT, line};
use crate::error::{ErrorCode, Result};
use crate::octets::{Reader, Writer};

/// The format.
const VERSION: u8 = 1;
/// version | first | previous head | n.
const HEADER_LEN: usize = 1 + 8 + 32 + 4;
/// prefix | suffix | the middle's length.
const ENTRY_LEN: usize = 12;
/// How long the texts of a segment may be together. A few stored bytes can stand for a long event: this
/// bounds what reading takes.
const MAX_TEXT: usize = 8 * MAX_EVENT;

/// Gathers the events of a segment.
#[derive(Default)]
pub struct SegmentWriter<'e> {
    entries: Writer,
    last: &'e [u8],
    count: u32,
    text_len: usize,
}

impl<'e> SegmentWriter<'e> {
    /// Adds an event and answers true; false if the segment is full, which then wants to be finished
    /// first. An event longer than [`MAX_EVENT`] is [`ErrorCode::Internal`].
    pub fn push(&mut self, event: &'e [u8]) -> Result<bool> {
        if event.len() > MAX_EVENT {
            return Err(ErrorCode::Internal.into());
        }
        if self.text_len + event.len() > MAX_TEXT {
            return Ok(false);
        }
        let prefix = shared_prefix(self.last, event);
        let (_, last) = self.last.split_at_checked(prefix).unwrap_or_default();
        let (_, rest) = event.split_at_checked(prefix).unwrap_or_default();
        let suffix = shared_suffix(last, rest);
        let (middle, _) = rest.split_at_checked(rest.len() - suffix).unwrap_or_default();
        // Both are at most MAX_EVENT.
        self.entries.u32(prefix as u32).u32(suffix as u32).lp(middle);
        self.last = event;
        self.count += 1;
        self.text_len += event.len();
        Ok(true)
    }

    /// Whether there are no events.
    pub const fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// The segment: 01 | first u64 | previous head | n u32 | entries. `before` is the chain as it was
    /// before the first of the events. Leaves the writer empty.
    pub fn finish(&mut self, before: &Chain) -> Vec<u8> {
        let Self { mut entries, count, .. } = std::mem::take(self);
        let entries = entries.finish();
        let mut writer = Writer::with_capacity(HEADER_LEN + entries.len());
        writer.u8(VERSION).u64(before.count.saturating_add(1)).raw(&before.head);
        writer.u32(count).raw(&entries).finish()
    }
}

/// How many bytes both begin with: words first, for most of neighbouring events is equal.
fn shared_prefix(a: &[u8], b: &[u8]) -> usize {
    let (words, other) = (a.as_chunks::<16>().0, b.as_chunks::<16>().0);
    let shared = 16 * words.iter().zip(other).take_while(|(a, b)| a == b).count();
    shared + a.iter().zip(b).skip(shared).take_while(|(a, b)| a == b).count()
}

/// How many bytes both end with.
fn shared_suffix(a: &[u8], b: &[u8]) -> usize {
    let (words, other) = (a.as_rchunks::<16>().1, b.as_rchunks::<16>().1);
    let shared =
        16 * words.iter().rev().zip(other.iter().rev()).take_while(|(a, b)| a == b).count();
    let (a, b) = (a.iter().rev().skip(shared), b.iter().rev().skip(shared));
    shared + a.zip(b).take_while(|(a, b)| a == b).count()
}

/// A segment that has been read.
#[derive(Debug)]
pub struct Segment {
    first: u64,
    previous: [u8; 32],
    text: String,
    ends: Vec<usize>,
}

impl Segment {
    /// Reads a segment; [`ErrorCode::StoreDamaged`] if it is none, [`ErrorCode::StoreTooNew`] if it is of
    /// another version. What that takes is bounded, whatever the bytes say.
    pub fn decode(bytes: &[u8]) -> Result<Self> {
        let mut reader = Reader::new(bytes);
        if reader.u8()? != VERSION {
            return Err(ErrorCode::StoreTooNew.into());
        }
        let (first, previous) = (reader.u64()?, reader.array()?);
        let count = size(reader.u32()?)?;
        let most = bytes.len().saturating_sub(HEADER_LEN) / ENTRY_LEN;
        let is_numbered = first > 0 && first.checked_add(count as u64).is_some();
        if count == 0 || count > most || !is_numbered {
            return Err(ErrorCode::StoreDamaged.into());
        }
        let (mut text, mut ends, mut last) = (Vec::new(), Vec::with_capacity(count), 0..0);
        for _ in 0..count {
            let (prefix, suffix) = (size(reader.u32()?)?, size(reader.u32()?)?);
            let middle = reader.lp()?;
            let shared = prefix.saturating_add(suffix);
            let len = shared.saturating_add(middle.len());
            if shared > last.len() || len > MAX_EVENT || text.len() + len > MAX_TEXT {
                return Err(ErrorCode::StoreDamaged.into());
            }
            let start = text.len();
            text.extend_from_within(last.start..last.start + prefix);
            text.extend_from_slice(middle);
            text.extend_from_within(last.end - suffix..last.end);
            last = start..text.len();
            ends.push(text.len());
        }
        reader.finish()?;
        let text = String::from_utf8(text).map_err(|_| ErrorCode::StoreDamaged)?;
        if !ends.iter().all(|end| text.is_char_boundary(*end)) {
            return Err(ErrorCode::StoreDamaged.into());
        }
        Ok(Self { first, previous, text, ends })
    }

    /// The number of the first event.
    pub const fn first(&self) -> u64 {
        self.first
    }

    /// The number of the last event.
    pub const fn last(&self) -> u64 {
        self.first + self.ends.len() as u64 - 1
    }

    /// The events with their numbers, from either end.
    pub fn events(&self) -> impl DoubleEndedIterator<Item = (u64, &str)> + ExactSizeIterator {
        (0..self.ends.len()).map(|nth| {
            let start = nth.checked_sub(1).and_then(|before| self.ends.get(before));
            let range = start.copied().unwrap_or(0)..self.ends.get(nth).copied().unwrap_or(0);
            (self.first + nth as u64, self.text.get(range).unwrap_or_default())
        })
    }

    /// The point of the trail that the first event follows.
    pub const fn before(&self) -> Head {
        Head { sequence: self.first - 1, hash: self.previous }
    }

    /// [`ErrorCode::TrailDamaged`] unless the last event of this segment of `store` is where `head` says.
    pub fn leads_to(&self, store: [u8; 16], head: &Head) -> Result<()> {
        if self.last() != head.sequence {
            return Err(line::damaged(self.last().saturating_add(1), "it is missing"));
        }
        let mut chain = Chain { store, count: self.first - 1, head: self.previous };
        self.replay(&mut chain)?;
        if chain.head() != *head {
            return Err(line::damaged(head.sequence, "it is not the one that others follow"));
        }
        Ok(())
    }

    /// Adds the events to the chain; [`ErrorCode::TrailDamaged`] if it is not where they begin.
    pub fn replay(&self, chain: &mut Chain) -> Result<()> {
        if chain.count.checked_add(1) != Some(self.first) || chain.head != self.previous {
            return Err(line::damaged(self.first, "it does not follow the event before it"));
        }
        self.events().for_each(|(_, event)| chain.append(event.as_bytes()));
        Ok(())
    }
}

fn size(number: u32) -> Result<usize> {
    usize::try_from(number).map_err(|_| ErrorCode::StoreDamaged.into())
}
