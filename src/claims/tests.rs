use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Barrier};

use super::*;

impl<T: Send + Sync> Revocable<T> {
    /// Drops the value, as soon as no thread uses it; another one may be set. False if there is none.
    fn clear(&self) -> bool {
        end(self.hide()) == 1
    }

    /// The same; none will be set again.
    fn revoke(&self) -> bool {
        end(self.hide_for_good()) == 1
    }
}

/// Knows whether it has been dropped, even afterwards.
struct Canary {
    is_alive: Arc<AtomicBool>,
    number: u64,
    twice: u64,
}

impl Canary {
    fn new(number: u64) -> Self {
        Self { is_alive: Arc::new(AtomicBool::new(true)), number, twice: 2 * number }
    }

    fn check(&self) {
        let is_alive = Arc::clone(&self.is_alive);
        assert!(is_alive.load(Ordering::SeqCst));
        std::hint::spin_loop();
        assert_eq!(self.twice, 2 * self.number);
        assert!(is_alive.load(Ordering::SeqCst), "dropped under its user");
    }
}

impl Drop for Canary {
    fn drop(&mut self) {
        self.is_alive.store(false, Ordering::SeqCst);
        self.twice = 1;
    }
}

fn is_claimed<T>(address: *const T) -> bool {
    let slots = LANES.get(Lanes::none).iter().flat_map(|lane| &lane.slots);
    slots.into_iter().any(|slot| slot.load(Ordering::SeqCst) == address.addr())
}

#[test]
fn values_come_and_go() {
    let place = Revocable::new();
    assert!(place.read(|_: &Canary| ()).is_none());
    assert!(!place.clear());
    assert!(place.set_if_absent(Canary::new(1)).is_ok());
    assert_eq!(place.set_if_absent(Canary::new(2)).unwrap_err().number, 2);
    let is_alive = place.read(|value| Arc::clone(&value.is_alive)).unwrap();
    assert!(place.clear());
    assert!(!is_alive.load(Ordering::SeqCst));
    assert!(place.set_if_absent(Canary::new(3)).is_ok());
    assert_eq!(place.read(|value| value.number), Some(3));
    assert!(place.revoke());
    assert!(!place.revoke());
    assert!(!place.clear());
    assert_eq!(place.set_if_absent(Canary::new(4)).unwrap_err().number, 4);
    assert!(place.read(|_| ()).is_none());
    let other = Revocable::new();
    let last = Canary::new(5);
    let is_alive = Arc::clone(&last.is_alive);
    assert!(other.set_if_absent(last).is_ok());
    drop(other);
    assert!(!is_alive.load(Ordering::SeqCst));
}

/// Deeper than a lane has slots.
#[test]
fn claims_nest_and_end() {
    let things = [0u64; 3 * SLOTS];
    let claims: Vec<_> = things.iter().map(|thing| claim(thing, Ends::Seldom)).collect();
    assert!(things.iter().all(|thing| is_claimed(thing)));
    let lanes = LANES.get(Lanes::none).iter().count();
    drop(claims);
    assert!(!things.iter().any(|thing| is_claimed(thing)));
    let claims: Vec<_> = things.iter().map(|thing| claim(thing, Ends::Seldom)).collect();
    drop(claims);
    things.iter().for_each(|thing| wait_until_free(thing, Ends::Seldom));
    // Tests run at the same time, each on lanes of its own.
    assert!(LANES.get(Lanes::none).iter().count() < lanes + 64);
}

/// One barrier serves many: all are hidden first, and each is dropped after its last user.
#[test]
fn many_end_together() {
    let places: [Revocable<Canary>; 5] = std::array::from_fn(|_| Revocable::new());
    for (place, number) in places.iter().zip(1..4) {
        assert!(place.set_if_absent(Canary::new(number)).is_ok());
    }
    let (inside, is_over) = (Barrier::new(2), AtomicBool::new(false));
    std::thread::scope(|scope| {
        scope.spawn(|| {
            places[1].read(|value| {
                inside.wait();
                while places[2].read(|_| ()).is_some() {
                    std::thread::yield_now();
                }
                value.check();
                assert!(!is_over.load(Ordering::SeqCst));
            })
        });
        inside.wait();
        assert_eq!(end(places.iter().filter_map(Revocable::hide)), 3);
        is_over.store(true, Ordering::SeqCst);
    });
    assert!(places[0].set_if_absent(Canary::new(4)).is_ok());
    assert_eq!(end(places.iter().filter_map(Revocable::hide_for_good)), 1);
    assert!(places[0].set_if_absent(Canary::new(5)).is_err());
    assert_eq!(end(places.iter().filter_map(Revocable::hide)), 0);
}

#[test]
fn a_panic_ends_the_claim() {
    let place = Revocable::new();
    assert!(place.set_if_absent(Canary::new(1)).is_ok());
    let reader = || place.read(|_| panic!("as planned"));
    assert!(std::panic::catch_unwind(std::panic::AssertUnwindSafe(reader)).is_err());
    assert!(place.revoke());
}

/// A value is dropped after its last user, not under it.
#[test]
fn revoking_waits() {
    let place = Revocable::new();
    assert!(place.set_if_absent(Canary::new(1)).is_ok());
    let (inside, is_revoked) = (Barrier::new(2), AtomicBool::new(false));
    std::thread::scope(|scope| {
        scope.spawn(|| {
            place.read(|value| {
                inside.wait();
                // Until the other thread has begun: a second user finds nothing by then.
                while place.read(|_| ()).is_some() {
                    std::thread::yield_now();
                }
                value.check();
                assert!(!is_revoked.load(Ordering::SeqCst));
            })
        });
        inside.wait();
        assert!(place.revoke());
        is_revoked.store(true, Ordering::SeqCst);
    });
}

#[test]
fn a_thread_that_is_ending() {
    static PLACE: Revocable<Canary> = Revocable::new();
    static SEEN: AtomicUsize = AtomicUsize::new(0);
    struct Late;
    impl Drop for Late {
        fn drop(&mut self) {
            // The thread's lane is given back before or after this; both must work.
            SEEN.fetch_add(PLACE.read(|value| value.check()).iter().len(), Ordering::SeqCst);
        }
    }
    thread_local!(static FIRST: Late = const { Late });
    thread_local!(static SECOND: Late = const { Late });
    assert!(PLACE.set_if_absent(Canary::new(1)).is_ok());
    std::thread::spawn(|| {
        FIRST.with(|_| ());
        PLACE.read(|value| value.check());
        SECOND.with(|_| ());
    })
    .join()
    .unwrap();
    assert_eq!(SEEN.load(Ordering::SeqCst), 2);
    assert!(PLACE.revoke());
}

/// Many users of a few places, each of which is cleared and set all the time.
#[test]
fn hammered() {
    struct Working<'a>(&'a AtomicUsize);
    impl Drop for Working<'_> {
        fn drop(&mut self) {
            self.0.fetch_sub(1, Ordering::SeqCst);
        }
    }
    let places: [Revocable<Canary>; 3] = std::array::from_fn(|_| Revocable::new());
    let users = AtomicUsize::new(8);
    std::thread::scope(|scope| {
        for user in 0..8 {
            let (places, users) = (&places, &users);
            scope.spawn(move || {
                let (_working, mut seen) = (Working(users), 0);
                for round in user.. {
                    let (outer, inner) = (&places[round % 3], &places[(round + 1) % 3]);
                    outer.read(|outer| {
                        inner.read(Canary::check);
                        outer.check();
                        seen += 1;
                    });
                    if seen == 2_000 {
                        break;
                    }
                }
            });
        }
        for taker in 0..2 {
            let (places, users) = (&places, &users);
            scope.spawn(move || {
                for number in taker.. {
                    let place = &places[number as usize % 3];
                    let _ = place.set_if_absent(Canary::new(number));
                    place.clear();
                    let _ = place.set_if_absent(Canary::new(number + 1));
                    if users.load(Ordering::SeqCst) == 0 {
                        break;
                    }
                }
            });
        }
    });
    assert!(places.iter().all(|place| place.revoke() || place.read(|_| ()).is_none()));
}

/// A child does not wait for threads that it does not have.
#[test]
fn a_child_starts_without_claims() {
    let thing = 7u64;
    let (claimed, over) = (Barrier::new(2), Barrier::new(2));
    let status = std::thread::scope(|scope| {
        scope.spawn(|| {
            let _claim = claim(&thing, Ends::Soon);
            claimed.wait();
            over.wait();
        });
        claimed.wait();
        drop(claim(&thing, Ends::Soon));
        let mut status = 0;
        // SAFETY: the child takes no lock that another thread may hold but the allocator's, which
        // the C library keeps usable, and leaves by _exit.
        unsafe {
            let child = libc::fork();
            if child == 0 {
                libc::alarm(300);
                wait_until_free(&thing, Ends::Soon);
                let claimed = claim(&thing, Ends::Soon);
                let good = is_claimed(&thing);
                drop(claimed);
                wait_until_free(&thing, Ends::Soon);
                libc::_exit(i32::from(!good));
            }
            assert_eq!(libc::waitpid(child, &raw mut status, 0), child);
        }
        over.wait();
        status
    });
    assert_eq!(status, 0);
}
