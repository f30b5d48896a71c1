//! Events that wait to be written, on lanes that threads do not share as long as there are few.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::kms::metering::{LANES, lane};

/// How many bytes wait on a lane before whoever comes next writes them himself.
const FULL: usize = 1 << 20;

/// How many wait at most where nothing can be written: beyond that events are lost, and counted.
const MOST: usize = 8 << 20;

/// Texts, one after the other.
#[derive(Default)]
pub(in crate::kms) struct Texts {
    bytes: Vec<u8>,
    ends: Vec<usize>,
}

impl Texts {
    /// Adds a text.
    pub(in crate::kms) fn push(&mut self, text: &[u8]) {
        self.bytes.extend_from_slice(text);
        self.ends.push(self.bytes.len());
    }

    /// The texts in order.
    pub(in crate::kms) fn iter(&self) -> impl Iterator<Item = &[u8]> {
        let starts = std::iter::once(0).chain(self.ends.iter().copied());
        starts.zip(&self.ends).map(|(start, end)| self.bytes.get(start..*end).unwrap_or_default())
    }

    /// Whether there are none.
    pub(in crate::kms) fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }
}

#[derive(Default)]
pub(super) struct Waiting {
    lanes: [Lane; LANES],
    lost: AtomicU64,
}

#[derive(Default)]
#[repr(align(128))]
struct Lane(Mutex<Texts>);

impl Lane {
    fn lock(&self) -> MutexGuard<'_, Texts> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Waiting {
    /// Adds an event, and says whether it is time to write.
    pub(super) fn push(&self, event: &[u8]) -> bool {
        let Some(lane) = self.lanes.get(lane()) else { return true };
        let mut texts = lane.lock();
        self.push_to(&mut texts, event);
        texts.bytes.len() >= FULL
    }

    fn push_to(&self, texts: &mut Texts, event: &[u8]) {
        if texts.bytes.len() + event.len() <= MOST {
            texts.push(event);
        } else {
            self.lost.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// All events: those of one thread in their order.
    pub(super) fn take(&self) -> Texts {
        let mut all = Texts::default();
        for lane in &self.lanes {
            let texts = std::mem::take(&mut *lane.lock());
            match all.is_empty() {
                true => all = texts,
                false => texts.iter().for_each(|text| all.push(text)),
            }
        }
        all
    }

    /// Events that could not be written wait on.
    pub(super) fn give_back(&self, events: &Texts) {
        let Some(lane) = self.lanes.first() else { return };
        let mut texts = lane.lock();
        let later = std::mem::take(&mut *texts);
        events.iter().chain(later.iter()).for_each(|event| self.push_to(&mut texts, event));
    }

    /// How many were lost since this was last asked.
    pub(super) fn take_lost(&self) -> u64 {
        self.lost.swap(0, Ordering::Relaxed)
    }

    /// Counts lost ones again, for they have not been told of.
    pub(super) fn lose(&self, events: u64) {
        self.lost.fetch_add(events, Ordering::Relaxed);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.lanes.iter().all(|lane| lane.lock().is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(texts: &Texts) -> Vec<Vec<u8>> {
        texts.iter().map(<[u8]>::to_vec).collect()
    }

    #[test]
    fn what_cannot_be_written_comes_first_again() {
        let waiting = Waiting::default();
        assert!(waiting.is_empty());
        waiting.push(b"one");
        waiting.push(b"");
        let taken = waiting.take();
        assert!(waiting.is_empty());
        assert_eq!(texts(&taken), [b"one".to_vec(), vec![]]);
        waiting.give_back(&taken);
        let again = waiting.take();
        waiting.push(b"two");
        waiting.give_back(&again);
        let all: usize = texts(&waiting.take()).iter().map(Vec::len).sum();
        assert_eq!((all, waiting.take_lost()), (6, 0));
    }

    #[test]
    fn what_is_too_much_is_counted() {
        let waiting = Waiting::default();
        let event = vec![7; MOST / 4];
        let full: Vec<bool> = (0..6).map(|_| waiting.push(&event)).collect();
        assert_eq!(full, [true; 6]);
        assert_eq!(texts(&waiting.take()).len(), 4);
        assert_eq!((waiting.take_lost(), waiting.take_lost()), (2, 0));
    }
}
