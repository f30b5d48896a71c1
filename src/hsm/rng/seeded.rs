//! The generator of a test-only store: what it gives depends on a text and on nothing else.
//!
//! A thread draws from it while it is in a [`Scope`] of it, which only the doors of that store open. A
//! store that has no generator of its own has no way to one: `Hsm::seeded` alone takes one in.
#![forbid(unsafe_code)]

use std::cell::Cell;
use std::marker::PhantomData;
use std::sync::{Arc, Mutex};

use crate::crypto::drbg::{Drbg, SEED_LEN};
use crate::crypto::mac::{hkdf_expand_sha256, hkdf_extract};
use crate::error::Result;
use crate::fork::Generation;
use crate::hsm::arena::arena;

use super::{Generator, SEAT, Seat, ahead, entropy, lock};

/// Tells these seeds from all other uses of the same text.
const LABEL: &[u8] = b"kmshsm/v1/test-only";

/// A CTR_DRBG whose seed is `HKDF-SHA-256(salt: LABEL, text)`, shared by all threads of one store.
pub struct Seeded {
    born: Generation,
    seat: Seat,
}

impl Seeded {
    /// The generator of a text.
    pub fn new(text: &str) -> Result<Self> {
        let mut seed = [0; SEED_LEN];
        let prk = hkdf_extract(LABEL, &[text.as_bytes()]);
        hkdf_expand_sha256(&prk, &[], &mut seed);
        let born = Generation::current();
        let generator = Generator {
            drbg: arena().place(|| Drbg::instantiate(&seed, &[]))?,
            requests: 0,
            seeded_at: entropy::seconds(),
            generation: born.number(),
            last_seed: None,
            reserve: None,
        };
        let seat = Arc::new(Mutex::new(Some(generator)));
        super::list(&seat);
        Ok(Self { born, seat })
    }

    /// Has this thread draw from here. In a child of a fork it draws from a generator of its own.
    pub fn enter(&self) -> Scope {
        Scope::over(Some((self.born, Arc::clone(&self.seat))), true)
    }

    /// Destroys the state. Whoever draws from here afterwards gets what the system seeds.
    pub fn wipe(&self) {
        *lock(&self.seat) = None;
    }
}

thread_local! {
    /// Whether this thread draws from a text's generator.
    static IS_SEEDED: Cell<bool> = const { Cell::new(false) };
}

/// While it lives, its thread draws from one generator and from no other.
#[must_use]
pub struct Scope {
    /// What the thread drew from before, and whether a text was its seed; none if it goes on so.
    before: Option<(Option<(Generation, Seat)>, bool)>,
    /// It ends in the thread in which it began.
    of_thread: PhantomData<*const ()>,
}

impl Scope {
    /// Has this thread draw what the system seeds, whatever it draws from now: for what must never be
    /// reproducible, even if a call on a test-only store comes upon it.
    pub fn of_system() -> Self {
        if IS_SEEDED.get() {
            return Self::over(None, false);
        }
        Self { before: None, of_thread: PhantomData }
    }

    fn over(seat: Option<(Generation, Seat)>, is_seeded: bool) -> Self {
        ahead::forget();
        let before = SEAT.try_with(|place| place.replace(seat)).unwrap_or_default();
        let before = Some((before, IS_SEEDED.replace(is_seeded)));
        Self { before, of_thread: PhantomData }
    }
}

impl Drop for Scope {
    fn drop(&mut self) {
        let Some((before, was_seeded)) = self.before.take() else { return };
        ahead::forget();
        IS_SEEDED.set(was_seeded);
        // A thread that is ending has lost its seat already.
        let _ = SEAT.try_with(|place| place.replace(before));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::drbg::REQUEST_LEN;
    use crate::hsm::arena::secluded;
    use crate::hsm::rng::{REQUESTS, fill, nonce, serial};

    type Draw = ([u8; 40], [u8; 24], [u64; 2]);

    fn draw() -> Draw {
        let mut draw = ([0; 40], [0; 24], [0; 2]);
        fill(&mut draw.0).unwrap();
        nonce(&mut draw.1).unwrap();
        draw.2 = serial().unwrap();
        draw
    }

    #[test]
    fn a_seed_says_it_all() {
        let draws = |text: &str| {
            let seeded = Seeded::new(text).unwrap();
            [(); 3].map(|()| {
                let _scope = seeded.enter();
                draw()
            })
        };
        let first = draws("a");
        assert_eq!(first, draws("a"));
        assert_eq!(first, std::thread::spawn(move || draws("a")).join().unwrap());
        for text in ["b", "A", "a ", ""] {
            assert_ne!(first[0].0, draws(text)[0].0);
        }
        assert!(first[0] != first[1] && first[1] != first[2]);
    }

    /// Whoever comes next draws neither from here nor what was drawn ahead, and what comes between
    /// changes nothing.
    #[test]
    fn scopes_leave_nothing_behind() {
        let seeded = || Seeded::new("a").unwrap();
        let mut expected = [[0; 16]; 3];
        {
            let _scope = seeded().enter();
            expected.iter_mut().for_each(|bytes| fill(bytes).unwrap());
        }
        let next = {
            let _scope = seeded().enter();
            draw();
            draw()
        };
        let (one, other) = (seeded(), seeded());
        for expected in expected {
            let mut bytes = [0; 16];
            let scope = one.enter();
            fill(&mut bytes).unwrap();
            assert_eq!(bytes, expected);
            let others: [fn() -> Scope; 2] =
                [Scope::of_system, || Seeded::new("b").unwrap().enter()];
            for enter in others {
                let _scope = enter();
                draw();
            }
            drop(scope);
        }
        let scope = other.enter();
        draw();
        drop(scope);
        let outside = draw();
        assert!(outside.0 != next.0 && outside.1 != next.1 && outside.2 != next.2);
    }

    /// No seed of the system's comes between, and nothing of the state is left once it is wiped.
    #[test]
    fn it_takes_no_other_seed() {
        let [worn, fresh, wiped] = [(); 3].map(|()| Seeded::new("a").unwrap());
        lock(&worn.seat).as_mut().unwrap().requests = REQUESTS;
        wiped.wipe();
        let [worn, fresh, wiped] = [worn, fresh, wiped].map(|seeded| {
            let _scope = seeded.enter();
            draw()
        });
        assert_eq!(worn, fresh);
        assert_ne!(wiped.0, fresh.0);
    }

    /// There are fewer secret stacks than threads, and those on one may wait for the generator.
    #[test]
    fn who_waits_for_a_stack_keeps_no_generator() {
        let seeded = Seeded::new("a").unwrap();
        std::thread::scope(|scope| {
            for thread in 0..64 {
                let seeded = &seeded;
                scope.spawn(move || {
                    let _scope = seeded.enter();
                    let mut bytes = [0; REQUEST_LEN];
                    for _ in 0..50 {
                        match thread % 2 {
                            0 => secluded(|| fill(&mut bytes)).unwrap(),
                            _ => fill(&mut bytes).unwrap(),
                        }
                    }
                });
            }
        });
    }

    /// Threads share one stream: each draw is one of those that a single thread would have had.
    #[test]
    fn threads_share_a_stream() {
        let (seeded, alone) = (Seeded::new("a").unwrap(), Seeded::new("a").unwrap());
        let take = |seeded: &Seeded| {
            let _scope = seeded.enter();
            let mut bytes = [0; 16];
            fill(&mut bytes).unwrap();
            bytes
        };
        let mut shared: Vec<_> = std::thread::scope(|scope| {
            let threads: Vec<_> =
                (0..4).map(|_| scope.spawn(|| [(); 50].map(|()| take(&seeded)))).collect();
            threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
        });
        let mut expected: Vec<_> = (0..200).map(|_| take(&alone)).collect();
        shared.sort_unstable();
        expected.sort_unstable();
        assert_eq!(shared, expected);
    }
}
