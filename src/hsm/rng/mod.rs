//! The engine's random numbers: a CTR_DRBG (NIST SP 800-90A) per thread, seeded by the operating
//! system.
//!
//! A new seed is drawn after 2^20 requests, after an hour and after a fork; short requests are served
//! from what was drawn for them before, however long ago. A snapshot of a virtual machine that is resumed twice gives the
//! same bytes twice until the next one.

mod ahead;
mod entropy;
mod reserve;
mod seeded;

use std::cell::RefCell;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use crate::crypto::digest::sha256;
use crate::crypto::drbg::{Drbg, REQUEST_LEN, SEED_LEN};
use crate::error::{ErrorCode, Result};
use crate::fork::{Generation, PerProcess};
use crate::health;
use crate::hsm::arena::{SecretBox, arena, secluded};
use crate::secret::{Zeroizing, wipe};

use reserve::{Reserve, SHORT};

pub use ahead::{nonce, serial};
pub use seeded::{Scope, Seeded};

/// Requests between two seeds.
const REQUESTS: u64 = 1 << 20;
/// Seconds between two seeds.
const SECONDS: u64 = 60 * 60;

/// A generator: its state, in the arena, and when it was seeded.
struct Generator {
    drbg: SecretBox<Drbg>,
    requests: u64,
    seeded_at: u64,
    generation: u64,
    /// The digest of its last seed; none if that was a test's, which is followed by no other.
    last_seed: Option<[u8; 32]>,
    /// What has been drawn ahead for short requests. A test's draws nothing ahead.
    reserve: Option<Reserve>,
}

/// A thread's place for its generator. Others look in only to wipe it.
type Place = Mutex<Option<Generator>>;
type Seat = Arc<Place>;

thread_local! {
    static SEAT: RefCell<Option<(Generation, Seat)>> = const { RefCell::new(None) };
}

/// Every seat of this process.
static SEATS: PerProcess<Mutex<Vec<Weak<Place>>>> = PerProcess::new();

/// Fills the buffer. On failure it holds zeros.
pub fn fill(out: &mut [u8]) -> Result<()> {
    let filled = SEAT.try_with(|seat| match seat.try_borrow_mut() {
        Ok(mut seat) => {
            let seat = sit(&mut seat);
            if out.len() <= SHORT && taken_from(seat, out)? {
                return Ok(());
            }
            // A secret stack first: who waits for one must not keep a generator that threads share.
            secluded(|| fill_from(&mut lock(seat), out))
        }
        Err(_) => Err(ErrorCode::Internal.into()),
    });
    // A thread that is ending has lost its storage already.
    filled.unwrap_or_else(|_| fill_from(&mut None, out)).inspect_err(|_| wipe(out))
}

/// Whether there was enough that has been drawn ahead.
#[inline]
fn taken_from(seat: &Seat, out: &mut [u8]) -> Result<bool> {
    match lock(seat).as_mut().and_then(|generator| generator.reserve.as_mut()) {
        Some(reserve) => reserve.take(out),
        None => Ok(false),
    }
}

/// This thread's seat. A child leaves its parent's alone: another thread may have held the lock.
fn sit(seat: &mut Option<(Generation, Seat)>) -> &Seat {
    let now = Generation::current();
    seat.take_if(|(born, _)| *born != now);
    let (_, seat) = seat.get_or_insert_with(|| {
        let fresh = Seat::default();
        list(&fresh);
        (now, fresh)
    });
    seat
}

/// Has [`forget`] find it.
fn list(seat: &Seat) {
    let mut seats = SEATS.get(Mutex::default).lock().unwrap_or_else(PoisonError::into_inner);
    seats.retain(|seat| seat.strong_count() > 0);
    seats.push(Arc::downgrade(seat));
}

/// What a panic has left behind is made anew.
fn lock(seat: &Seat) -> MutexGuard<'_, Option<Generator>> {
    seat.lock().unwrap_or_else(|poisoned| {
        seat.clear_poison();
        let mut seat = poisoned.into_inner();
        *seat = None;
        seat
    })
}

/// Destroys the state of every generator of this process; each is seeded anew when it is next used.
pub fn forget() {
    let seats = SEATS.get(Mutex::default).lock().unwrap_or_else(PoisonError::into_inner);
    let taken: Vec<_> = seats.iter().filter_map(Weak::upgrade).collect();
    // Whoever is about to take a seat must not wait for those who work on theirs.
    drop(seats);
    taken.iter().for_each(|seat| *lock(seat) = None);
}

fn fill_from(slot: &mut Option<Generator>, out: &mut [u8]) -> Result<()> {
    let generation = Generation::current().number();
    let now = entropy::seconds();
    let generator = match slot {
        Some(generator) => generator,
        None => slot.insert(Generator::new(generation, now)?),
    };
    for chunk in out.chunks_mut(REQUEST_LEN) {
        if generator.due(generation, now) {
            generator.reseed(generation, now)?;
        }
        generator.requests += 1;
        let Generator { drbg, reserve, .. } = generator;
        match reserve {
            Some(reserve) if chunk.len() <= SHORT => {
                drbg.write(|drbg| reserve.fill(drbg))?;
                if !reserve.take(chunk)? {
                    return Err(ErrorCode::Internal.into());
                }
            }
            _ => drbg.write(|drbg| drbg.generate(&[], chunk))?,
        }
    }
    Ok(())
}

impl Generator {
    fn new(generation: u64, now: u64) -> Result<Self> {
        let mut digest = [0; 32];
        let drbg = arena().place(|| {
            let (seed, of) = seed(None)?;
            digest = of;
            Drbg::instantiate(&seed, &[])
        })?;
        let (last_seed, reserve) = (Some(digest), Reserve::new());
        Ok(Self { drbg, requests: 0, seeded_at: now, generation, last_seed, reserve })
    }

    /// Whether the next request needs a new seed first.
    fn due(&self, generation: u64, now: u64) -> bool {
        self.requests >= REQUESTS
            || self.generation != generation
            || now.saturating_sub(self.seeded_at) >= SECONDS
    }

    fn reseed(&mut self, generation: u64, now: u64) -> Result<()> {
        if let Some(reserve) = &mut self.reserve {
            reserve.clear()?;
        }
        if let Some(last) = &mut self.last_seed {
            *last = self.drbg.write(|drbg| {
                let (seed, digest) = seed(Some(last))?;
                drbg.reseed(&seed, &[])?;
                Ok(digest)
            })?;
        }
        (self.requests, self.seeded_at, self.generation) = (0, now, generation);
        Ok(())
    }
}

/// Draws a seed, with its digest to hold the next one against.
fn seed(last: Option<&[u8; 32]>) -> Result<(Zeroizing<[u8; SEED_LEN]>, [u8; 32])> {
    let mut seed = Zeroizing::new([0; SEED_LEN]);
    let examined = entropy::draw(&mut *seed).and_then(|()| {
        if health::flaw("entropy") != 0 {
            seed.fill(0);
        }
        examine(&seed, last)
    });
    // Neither does a seed repeat one of another generator.
    static LATEST: PerProcess<Mutex<[u8; 32]>> = PerProcess::new();
    let examined = examined.and_then(|digest| {
        let mut latest = LATEST.get(Mutex::default).lock().unwrap_or_else(PoisonError::into_inner);
        let repeats = std::mem::replace(&mut *latest, digest) == digest;
        if repeats { Err(ErrorCode::ErrorState.into()) } else { Ok(digest) }
    });
    let digest = examined.inspect_err(|_| health::fail("The entropy source failed."))?;
    Ok((seed, digest))
}

/// The continuous test: no seed repeats the one before, no block in it the block before. Either
/// happens by chance once in 2^127 seeds.
pub(super) fn examine(seed: &[u8; SEED_LEN], last: Option<&[u8; 32]>) -> Result<[u8; 32]> {
    let digest = sha256(seed);
    let [a, b, c] = seed.as_chunks::<16>().0 else { return Err(ErrorCode::Internal.into()) };
    if last == Some(&digest) || a == b || b == c {
        return Err(ErrorCode::ErrorState.into());
    }
    Ok(digest)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn fills_everything_differently() {
        let mut seen = HashSet::new();
        for len in [16, 17, 40, 4096, REQUEST_LEN, REQUEST_LEN * 2 + 5] {
            let mut bytes = vec![0; len];
            fill(&mut bytes).unwrap();
            for block in bytes.as_chunks::<16>().0 {
                assert!(seen.insert(*block));
            }
            assert!(bytes[len - 5..].iter().any(|byte| *byte != 0));
        }
        fill(&mut []).unwrap();
        let other = std::thread::spawn(|| {
            let mut bytes = [0; 16];
            fill(&mut bytes).unwrap();
            bytes
        });
        assert!(seen.insert(other.join().unwrap()));
    }

    #[test]
    fn seeds_anew() {
        let mut slot = None;
        let mut seed_after = |change: fn(&mut Generator)| {
            slot.iter_mut().for_each(change);
            fill_from(&mut slot, &mut [0; 8]).unwrap();
            slot.as_ref().unwrap().last_seed
        };
        let first = seed_after(|_| ());
        assert_eq!(seed_after(|_| ()), first);
        let second = seed_after(|generator| generator.requests = REQUESTS);
        assert_ne!(second, first);
        assert_eq!(seed_after(|_| ()), second);
        let third = seed_after(|generator| generator.generation -= 1);
        assert_ne!(third, second);
        assert_eq!(seed_after(|_| ()), third);
    }

    #[test]
    fn when_a_seed_is_due() {
        let mut generator = Generator::new(3, 1000).unwrap();
        for (generation, now, due) in [
            (3, 1000, false),
            (3, 999, false),
            (3, 1000 + SECONDS - 1, false),
            (3, 1000 + SECONDS, true),
            (4, 1000, true),
        ] {
            assert_eq!(generator.due(generation, now), due);
        }
        generator.requests = REQUESTS - 1;
        assert!(!generator.due(3, 1000));
        generator.requests = REQUESTS;
        assert!(generator.due(3, 1000));
        generator.reseed(4, 2000).unwrap();
        assert!(!generator.due(4, 2000 + SECONDS - 1));
    }

    #[test]
    fn stuck_sources() {
        let good: [u8; SEED_LEN] = std::array::from_fn(|i| i as u8);
        let digest = examine(&good, None).unwrap();
        assert!(examine(&good, Some(&[0; 32])).is_ok());
        for (seed, last) in [(good, Some(&digest)), ([0; SEED_LEN], None), ([7; SEED_LEN], None)] {
            assert_eq!(examine(&seed, last).unwrap_err().code(), ErrorCode::ErrorState);
        }
    }
}
