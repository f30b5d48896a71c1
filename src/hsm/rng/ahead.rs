//! What will be public and is drawn ahead, by each thread for itself: nonces, and numbers of requests.
#![forbid(unsafe_code)]

use std::cell::{Cell, RefCell};

use crate::error::{ErrorCode, Result};
use crate::fork::Generation;

use super::fill;

/// A nonce: random bytes that will be public. They are drawn many at a time, so that one costs next to
/// nothing; what must stay secret comes from [`fill`].
pub fn nonce(out: &mut [u8; 24]) -> Result<()> {
    let filled = POOL.try_with(|pool| match pool.try_borrow_mut() {
        Ok(mut pool) => pool.take(out),
        Err(_) => Err(ErrorCode::Internal.into()),
    });
    // A thread that is ending has lost its storage already.
    filled.unwrap_or_else(|_| {
        let mut pool = Pool::EMPTY;
        pool.take(out)
    })
}

/// Nonces that have been drawn and not been used yet. A child of a fork draws its own.
struct Pool {
    nonces: [[u8; 24]; NONCES],
    left: usize,
    generation: u64,
}

/// Nonces drawn at a time.
const NONCES: usize = 40;

thread_local! {
    static POOL: RefCell<Pool> = const { RefCell::new(Pool::EMPTY) };
}

impl Pool {
    const EMPTY: Self = Self { nonces: [[0; 24]; NONCES], left: 0, generation: 0 };

    fn take(&mut self, out: &mut [u8; 24]) -> Result<()> {
        let generation = Generation::current().number();
        if self.left == 0 || self.generation != generation {
            self.left = 0;
            fill(self.nonces.as_flattened_mut())?;
            (self.left, self.generation) = (NONCES, generation);
        }
        self.left -= 1;
        *out = *self.nonces.get(self.left).ok_or(ErrorCode::Internal)?;
        Ok(())
    }
}

/// The next number of a request, in halves: what is written in halves and read at once makes the
/// processor wait.
struct Serial {
    process: Cell<Option<Generation>>,
    high: Cell<u64>,
    low: Cell<u64>,
}

thread_local! {
    static NEXT: Serial =
        const { Serial { process: Cell::new(None), high: Cell::new(0), low: Cell::new(0) } };
}

/// A UUID of version 4 (RFC 9562), its halves, that no other call is given: random per thread and
/// process, then counted, so that it costs next to nothing.
#[inline]
pub fn serial() -> Result<[u64; 2]> {
    const VARIANT: u64 = 0b11 << 62;
    NEXT.with(|next| {
        let process = Some(Generation::current());
        if next.process.get() != process {
            next.begin()?;
            next.process.set(process);
        }
        // Nobody counts as far as the upper half.
        let low = next.low.replace(next.low.get().wrapping_add(1));
        Ok([next.high.get(), low & !VARIANT | 0b10 << 62])
    })
}

impl Serial {
    #[cold]
    fn begin(&self) -> Result<()> {
        const VERSION: u64 = 0xf << 12;
        let mut first = [[0; 8]; 2];
        fill(first.as_flattened_mut())?;
        let [high, low] = first.map(u64::from_be_bytes);
        self.high.set(high & !VERSION | 4 << 12);
        self.low.set(low);
        Ok(())
    }
}

/// Drops what this thread has drawn ahead: another generator comes.
pub(super) fn forget() {
    // A thread that is ending has lost it already.
    let _ = POOL.try_with(|pool| pool.try_borrow_mut().map(|mut pool| pool.left = 0));
    let _ = NEXT.try_with(|next| next.process.set(None));
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn serial_numbers_are_uuids() {
        let drawn = || {
            let [high, low] = serial().unwrap();
            let uuid = uuid::Uuid::from_u64_pair(high, low);
            assert_eq!(uuid.get_version_num(), 4);
            assert_eq!(uuid.get_variant(), uuid::Variant::RFC4122);
            uuid
        };
        let other = std::thread::spawn(drawn).join().unwrap();
        let first = serial().unwrap();
        let uuids: HashSet<_> = (0..1000).map(|_| drawn()).chain([other]).collect();
        assert_eq!(uuids.len(), 1001);
        assert_ne!(first[0], other.as_u64_pair().0);
        let next = NEXT.with(|next| {
            next.low.set(u64::MAX >> 2);
            [serial().unwrap(), serial().unwrap()]
        });
        assert_ne!(next[0], next[1]);
        forget();
        assert_ne!(serial().unwrap()[0], first[0]);
    }

    #[test]
    fn nonces_do_not_repeat() {
        let mut seen = HashSet::new();
        let (mut first, mut second) = ([0; 24], [0; 24]);
        for _ in 0..NONCES * 3 + 1 {
            nonce(&mut first).unwrap();
            assert!(seen.insert(first));
        }
        let mut pool = Pool::EMPTY;
        pool.take(&mut first).unwrap();
        assert_eq!(pool.left, NONCES - 1);
        pool.generation -= 1; // as in a child
        pool.take(&mut second).unwrap();
        assert_ne!(first, second);
        assert_eq!(pool.left, NONCES - 1);
    }
}
