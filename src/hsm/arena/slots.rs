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
///
/// An RSA operation takes and gives a hundred slots, among those of all keys that are loaded: where
/// there is room for a small one is known, and not searched for.
#[derive(Debug)]
pub(super) struct Slots {
    pages: Vec<Page>,
    /// The pages that are free.
    free: PageSet,
    /// By class, the shared pages that have slots left.
    begun: [PageSet; CLASSES],
    used: usize,
}

impl Slots {
    pub(super) fn new(bytes: usize) -> Self {
        let count = bytes / PAGE;
        let mut free = PageSet::new(count);
        (0..count).for_each(|page| free.insert(page));
        let begun = std::array::from_fn(|_| PageSet::new(count));
        Self { pages: vec![Page::Free; count], free, begun, used: 0 }
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
                let pages = self.pages.iter_mut().enumerate();
                for (at, page) in pages.skip(first).take(place.size / PAGE) {
                    *page = Page::Free;
                    self.free.insert(at);
                }
            }
            Some(page) => {
                let Page::Shared { size, taken } = *page else { return false };
                let bit = 1 << (within / size);
                let Some(begun) = self.begun.get_mut(index_of(size)) else { return false };
                if size != place.size || within % size != 0 || taken & bit == 0 {
                    return false;
                }
                let taken = taken & !bit;
                if taken == 0 {
                    *page = Page::Free;
                    begun.remove(first);
                    self.free.insert(first);
                } else {
                    *page = Page::Shared { size, taken };
                    begun.insert(first);
                }
            }
            None => return false,
        }
        self.used -= place.size;
        true
    }

    fn take_shared(&mut self, size: usize) -> Option<Place> {
        let full = u64::MAX >> (64 - PAGE / size); // a page holds 1 to 64 of them
        let begun = self.begun.get_mut(index_of(size))?;
        let at = begun.first().or_else(|| self.free.first())?;
        let page = self.pages.get_mut(at)?;
        let taken = if let Page::Shared { taken, .. } = *page { taken } else { 0 };
        let bit = taken.trailing_ones();
        let taken = taken | 1 << bit;
        *page = Page::Shared { size, taken };
        self.free.remove(at);
        if taken == full {
            begun.remove(at)
        } else {
            begun.insert(at)
        }
        Some(Place { offset: at * PAGE + bit as usize * size, size })
    }

    fn take_run(&mut self, count: usize) -> Option<Place> {
        let mut found = 0;
        let first = self.pages.iter().rposition(|page| {
            found = if *page == Page::Free { found + 1 } else { 0 };
            found == count
        })?;
        for (nth, page) in self.pages.iter_mut().skip(first).take(count).enumerate() {
            *page = if nth == 0 { Page::Run(count) } else { Page::Rest };
            self.free.remove(first + nth);
        }
        Some(Place { offset: first * PAGE, size: count * PAGE })
    }
}

/// A set of pages, a bit for each.
#[derive(Debug)]
struct PageSet {
    words: Vec<u64>,
    /// No word before this one has a page.
    hint: usize,
}

impl PageSet {
    fn new(pages: usize) -> Self {
        Self { words: vec![0; pages.div_ceil(64)], hint: 0 }
    }

    fn insert(&mut self, page: usize) {
        if let Some(word) = self.words.get_mut(page / 64) {
            *word |= 1 << (page % 64);
            self.hint = self.hint.min(page / 64);
        }
    }

    fn remove(&mut self, page: usize) {
        if let Some(word) = self.words.get_mut(page / 64) {
            *word &= !(1 << (page % 64));
        }
    }

    /// The one that lies first.
    fn first(&mut self) -> Option<usize> {
        while let Some(word) = self.words.get(self.hint) {
            if *word != 0 {
                return Some(self.hint * 64 + word.trailing_zeros() as usize);
            }
            self.hint += 1;
        }
        None
    }
}

/// How many sizes of shared slots there are.
const CLASSES: usize = index_of(PAGE) + 1;

/// The number of a size that [`class_of`] gives: multiples of a line, then powers of two.
const fn index_of(size: usize) -> usize {
    if size <= PAGE / 4 { size / ALIGN - 1 } else { PAGE / 4 / ALIGN - 1 + size / (PAGE / 2) }
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

    /// What has been given back is found again, and the first place of all first.
    #[test]
    fn arena_slots_are_found_again() {
        const PAGES: usize = 200;
        let mut slots = Slots::new(PAGES * PAGE);
        let sizes: Vec<usize> = (1..=16).map(|lines| lines * ALIGN).chain([2048, PAGE]).collect();
        let indexes: Vec<usize> = sizes.iter().map(|size| index_of(*size)).collect();
        assert_eq!(indexes, (0..CLASSES).collect::<Vec<_>>());
        for size in sizes {
            let mut taken = Vec::new();
            while let Some(place) = slots.take(size) {
                taken.push(place);
            }
            assert_eq!(taken.len(), PAGES * (PAGE / size));
            assert_eq!(slots.take(1), None);
            for at in [taken.len() - 1, 0, taken.len() / 2] {
                assert!(slots.give(taken[at]));
                assert_eq!(slots.take(size), Some(taken[at]));
            }
            // One page in the middle, and another size in it.
            let middle = |place: &Place| place.offset / PAGE == PAGES / 2;
            taken
                .iter()
                .filter(|place| middle(place))
                .for_each(|place| assert!(slots.give(*place)));
            let other = slots.take(if size == ALIGN { PAGE } else { ALIGN }).unwrap();
            assert!(middle(&other) && slots.give(other));
            taken.retain(|place| !middle(place));
            taken.into_iter().for_each(|place| assert!(slots.give(place)));
            assert_eq!(slots.used(), 0);
        }
        let run = slots.take(3 * PAGE).unwrap();
        assert_eq!(run.offset, (PAGES - 3) * PAGE);
        let last = (0..PAGES - 3).map(|_| slots.take(PAGE).unwrap()).last().unwrap();
        assert_eq!(last.offset, (PAGES - 4) * PAGE);
        assert!(slots.give(run));
        assert_eq!(slots.take(1).unwrap().offset, (PAGES - 3) * PAGE);
        assert_eq!(slots.take(3 * PAGE), None);
        assert_eq!(slots.take(2 * PAGE).unwrap().offset, (PAGES - 2) * PAGE);
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
                for (at, page) in slots.pages.iter().enumerate() {
                    let is_in = |set: &PageSet| set.words[at / 64] >> (at % 64) & 1 == 1;
                    let begun = match *page {
                        Page::Shared { size, taken } => {
                            (taken.count_ones() < (PAGE / size) as u32).then(|| index_of(size))
                        }
                        _ => None,
                    };
                    prop_assert_eq!(is_in(&slots.free), *page == Page::Free);
                    prop_assert_eq!(slots.begun.iter().position(is_in), begun);
                    prop_assert!(slots.begun.iter().filter(|set| is_in(set)).count() <= 1);
                }
            }
        }
    }
}
