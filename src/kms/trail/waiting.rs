//! Events that wait to be written, on lanes that threads do not share as long as there are few.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::kms::metering::{LANES, thread_number};

/// How many bytes wait on a lane before the recorder is to hurry.
const MUCH: usize = 1 << 20;

/// How many do before whoever comes next writes them himself.
const FULL: usize = 2 << 20;

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

    /// None yet, with room for as many.
    fn empty_like(&self) -> Self {
        let bytes = Vec::with_capacity(self.bytes.len());
        Self { bytes, ends: Vec::with_capacity(self.ends.len()) }
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

/// How a lane is after an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Room {
    /// It has room for many more.
    Ample,
    /// It has just come to hold much.
    Less,
    /// It is time to write.
    Little,
    /// There was none: the event is lost.
    None,
}

impl Waiting {
    /// Adds an event.
    pub(super) fn push(&self, event: &[u8]) -> Room {
        let Some(lane) = self.lanes.get(thread_number() % LANES) else { return Room::None };
        self.push_to(&mut lane.lock(), event)
    }

    fn push_to(&self, texts: &mut Texts, event: &[u8]) -> Room {
        let before = texts.bytes.len();
        let after = before + event.len();
        if after > MOST {
            self.lost.fetch_add(1, Ordering::Relaxed);
            return Room::None;
        }
        texts.push(event);
        match after {
            FULL.. => Room::Little,
            MUCH.. if before < MUCH => Room::Less,
            _ => Room::Ample,
        }
    }

    /// All events, by lanes: those of one thread in their order.
    pub(super) fn take(&self) -> Vec<Texts> {
        let take = |lane: &Lane| {
            let mut texts = lane.lock();
            // As much may come again.
            let next = texts.empty_like();
            (!texts.is_empty()).then(|| std::mem::replace(&mut *texts, next))
        };
        self.lanes.iter().filter_map(take).collect()
    }

    /// Events that could not be written wait on.
    pub(super) fn give_back(&self, events: &[Texts]) {
        let Some(lane) = self.lanes.first() else { return };
        let mut texts = lane.lock();
        let later = std::mem::take(&mut *texts);
        for event in events.iter().chain([&later]).flat_map(Texts::iter) {
            self.push_to(&mut texts, event);
        }
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

    fn texts(texts: &[Texts]) -> Vec<Vec<u8>> {
        texts.iter().flat_map(Texts::iter).map(<[u8]>::to_vec).collect()
    }

    #[test]
    fn what_cannot_be_written_comes_first_again() {
        let waiting = Waiting::default();
        assert!(waiting.is_empty() && waiting.take().is_empty());
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
        let event = vec![7; MUCH - 1];
        let rooms: Vec<_> = (0..10).map(|_| waiting.push(&event)).collect();
        assert_eq!(rooms[..3], [Room::Ample, Room::Less, Room::Little]);
        assert_eq!(rooms[3..8], [Room::Little; 5]);
        assert_eq!(rooms[8..], [Room::None; 2]);
        assert_eq!(texts(&waiting.take()).len(), 8);
        assert_eq!((waiting.take_lost(), waiting.take_lost()), (2, 0));
    }
}
