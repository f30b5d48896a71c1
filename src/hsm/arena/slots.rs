//! Which parts of the arena are taken. Offsets only: the record lies outside the secret memory.
#![forbid(unsafe_code)]

/// Every slot begins at a multiple of this.
pub(super) const ALIGN: usize = 64;
/// Small slots share a page of one size; larger ones are runs of pages.
pub(super) const PAGE: usize = 4096;

/// A slot that has been taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) offset: usize,
    pub(super) size: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Page {
    Free,
    /// Slots of one size, a bit for each.
    Shared {
        size: usize,
        taken: u64,
    },
    /// The first of so many pages.
    Run(usize),
    /// A page of a run that is not its first.
    Rest,
}

/// The allocator. Small slots fill it from the front, runs from the back.
#[derive(Debug)]
pub(super) struct Slots {
    pages: Vec<Page>,
    used: usize,
}

impl Slots {
    pub(super) fn new(bytes: usize) -> Self {
        Self { pages: vec![Page::Free; bytes / PAGE], used: 0 }
    }

    /// Bytes in slots that are taken.
    pub(super) const fn used(&self) -> usize {
        self.used
    }

    /// Takes a slot of `need` bytes or more, unless there is none.
    pub(super) fn take(&mut self, need: usize) -> Option<Place> {
        let place = if need <= PAGE {
            self.take_shared(class_of(need))
        } else {
            self.take_run(need.div_ceil(PAGE))
        }?;
        self.used += place.size;
        Some(place)
    }

    /// The slot that begins at this offset, if one does.
    pub(super) fn at(&self, offset: usize) -> Option<Place> {
        let size = match *self.pages.get(offset / PAGE)? {
            Page::Shared { size, taken } if taken & 1 << (offset % PAGE / size) != 0 => size,
            Page::Run(pages) => pages * PAGE,
            _ => return None,
        };
        (offset % PAGE).is_multiple_of(size).then_some(Place { offset, size })
    }

    /// Gives a slot back; false if it was not taken.
    pub(super) fn give(&mut self, place: Place) -> bool {
        let (first, within) = (place.offset / PAGE, place.offset % PAGE);
        match self.pages.get_mut(first) {
            Some(page @ Page::Run(_)) if *page == Page::Run(place.size / PAGE) => {
                self.pages
                    .iter_mut()
                    .skip(first)
                    .take(place.size / PAGE)
                    .for_each(|page| *page = Page::Free);
            }
            Some(page) => {
                let Page::Shared { size, taken } = *page else { return false };
                let bit = 1 << (within / size);
                if size != place.size || within % size != 0 || taken & bit == 0 {
                    return false;
                }
                let taken = taken & !bit;
                *page = if taken == 0 { Page::Free } else { Page::Shared { size, taken } };
            }
            None => return false,
        }
        self.used -= place.size;
        true
    }

    fn take_shared(&mut self, size: usize) -> Option<Place> {
        let full = u64::MAX >> (64 - PAGE / size); // a page holds 1 to 64 of them
        let begun = |page: &Page| matches!(*page, Page::Shared { size: of, taken } if of == size && taken != full);
        let at = self
            .pages
            .iter()
            .position(begun)
            .or_else(|| self.pages.iter().position(|page| *page == Page::Free))?;
        let page = self.pages.get_mut(at)?;
        let taken = if let Page::Shared { taken, .. } = *page { taken } else { 0 };
        let bit = taken.trailing_ones();
        *page = Page::Shared { size, taken: taken | 1 << bit };
        Some(Place { offset: at * PAGE + bit as usize * size, size })
    }

    fn take_run(&mut self, count: usize) -> Option<Place> {
        let free = |run: &[Page]| run.iter().all(|page| *page == Page::Free);
        let first = self.pages.windows(count).rposition(free)?;
        for (nth, page) in self.pages.iter_mut().skip(first).take(count).enumerate() {
            *page = if nth == 0 { Page::Run(count) } else { Page::Rest };
        }
        Some(Place { offset: first * PAGE, size: count * PAGE })
    }
}

/// The size of the slot for so many bytes, a page at most: small ones waste less than a line.
const fn class_of(need: usize) -> usize {
    let need = if need == 0 { 1 } else { need };
    if need <= PAGE / 4 { need.div_ceil(ALIGN) * ALIGN } else { need.next_power_of_two() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn arena_slots_come_and_go() {
        let mut slots = Slots::new(4 * PAGE);
        let small: Vec<Place> = (0..65).map(|_| slots.take(48).unwrap()).collect();
        assert_eq!(small[0], Place { offset: 0, size: 64 });
        assert_eq!(small[64].offset, PAGE); // the first page is full
        let run = slots.take(PAGE + 1).unwrap();
        assert_eq!(run, Place { offset: 2 * PAGE, size: 2 * PAGE });
        assert_eq!(slots.take(PAGE), None);
        assert!(slots.give(run));
        assert!(!slots.give(run));
        assert!(!slots.give(Place { offset: 64 * PAGE, size: 64 }));
        assert!(!slots.give(Place { offset: 0, size: 128 }));
        for place in small {
            assert!(slots.give(place));
        }
        assert_eq!(slots.used(), 0);
        assert_eq!(slots.take(4 * PAGE), Some(Place { offset: 0, size: 4 * PAGE }));
        assert_eq!(Slots::new(0).take(1), None);
        assert_eq!(slots.take(usize::MAX), None);
    }

    proptest! {
        #[test]
        fn arena_slots_never_overlap(steps in prop::collection::vec((1usize..10_000, any::<prop::sample::Index>(), any::<bool>()), 1..300)) {
            let mut slots = Slots::new(16 * PAGE);
            let mut taken: Vec<Place> = Vec::new();
            for (need, which, give) in steps {
                if give && !taken.is_empty() {
                    prop_assert!(slots.give(taken.swap_remove(which.index(taken.len()))));
                } else if let Some(place) = slots.take(need) {
                    prop_assert!(place.size >= need && place.offset % ALIGN == 0);
                    prop_assert!(place.offset + place.size <= 16 * PAGE);
                    for other in &taken {
                        prop_assert!(place.offset + place.size <= other.offset || other.offset + other.size <= place.offset);
                    }
                    prop_assert_eq!(slots.at(place.offset), Some(place));
                    prop_assert_eq!(slots.at(place.offset + ALIGN).filter(|at| at.offset == place.offset), None);
                    taken.push(place);
                }
                prop_assert_eq!(slots.used(), taken.iter().map(|place| place.size).sum::<usize>());
            }
        }
    }
}
