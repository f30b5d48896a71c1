//! Stores that have gone back, and then on past what is known of them: their trail tells.

use super::*;

/// A store that has gone back, and then further than the anchor, has another trail.
#[test]
fn a_copy_that_overtakes_the_anchor_is_suspect() {
    let event = |kms: &Kms, count| {
        kms.change(|transaction| transaction.record_of_store(Deed::LoseEvents, count)).unwrap();
    };
    for (original, copied) in [(1, 1), (1, 2), (1, 5), (3, 4)] {
        let world = World::new();
        let kms = world.open(world.options());
        event(&kms, 7);
        drop(kms);
        world.copy("store", "copy");
        let kms = world.open(world.options());
        (0..original).for_each(|_| event(&kms, 1));
        drop(kms);
        world.copy("store", "honest");
        world.copy("copy", "store");
        let kms = world.open(Options::default());
        (0..copied).for_each(|_| event(&kms, 2));
        (0..9).for_each(|_| assert!(change(&kms).is_ok()));
        let findings = kms.verify(None, &|_, _| true).unwrap().report.findings;
        assert_eq!(findings, []);
        drop(kms);
        let kms = world.open(world.options());
        assert_eq!(stands(&kms).1, "suspect", "{original} {copied}");
        drop(kms);
        // The store itself may go on without its anchor, whatever is sealed anew meanwhile.
        world.copy("honest", "store");
        let kms = world.open(Options::default());
        assert!(change(&kms).is_ok());
        (0..copied).for_each(|_| event(&kms, 2));
        kms.rotate_domain_key().unwrap();
        assert!(kms.reseal().unwrap().is_done);
        drop(kms);
        let kms = world.open(world.options());
        assert_eq!(stands(&kms), ("writable", "anchored", "found"));
        assert!(change(&kms).is_ok());
    }
}

/// Nor does an open process follow a line that has overtaken it, and the anchor neither.
#[test]
fn an_open_store_that_is_overtaken_is_suspect() {
    let event = |kms: &Kms| {
        kms.change(|t| t.record_of_store(Deed::LoseEvents, 1)).map_err(|error| error.code())
    };
    let world = World::new();
    let (kms, other) = (world.open(world.options()), world.open(Options::default()));
    event(&kms).unwrap();
    let before = kms.contents();
    // What others do is followed.
    for _ in 0..3 {
        event(&kms).unwrap();
        event(&other).unwrap();
        change(&other).unwrap();
    }
    event(&kms).unwrap();
    let since = kms.contents().into_keys().filter(|key| !before.contains_key(key)).collect();
    kms.forge(before.into_iter().collect(), since);
    drop(other);
    let other = world.open(Options::default());
    for _ in 0..20 {
        event(&other).unwrap();
    }
    assert_eq!((event(&kms), stands(&kms).1), (Err(ErrorCode::StoreSuspect), "suspect"));
    drop((kms, other));
    assert_eq!(stands(&world.open(world.options())).1, "suspect");
}

/// What one process accepts, others that have the same anchor follow; those of another line do not.
#[test]
fn a_line_that_somebody_has_accepted_is_followed() {
    for is_anchored in [true, false] {
        let world = World::new();
        let (one, other) = (world.open(world.options()), world.open(world.options()));
        change(&one).unwrap();
        let before = one.contents();
        for kms in [&one, &other] {
            kms.change(|t| t.record_of_store(Deed::LoseEvents, 1)).unwrap();
        }
        let since = one.contents().into_keys().filter(|key| !before.contains_key(key)).collect();
        one.forge(before.into_iter().collect(), since);
        let accepting = match is_anchored {
            true => one,
            false => world.open(Options { min_generation: Some(99), ..Options::default() }),
        };
        let _noticed = change(&accepting);
        assert_eq!(accepting.accept_rollback(), Ok(true));
        for _ in 0..3 {
            accepting.change(|t| t.record_of_store(Deed::LoseEvents, 1)).unwrap();
        }
        assert_eq!(change(&other).is_ok(), is_anchored);
        assert_eq!(stands(&other).1, if is_anchored { "anchored" } else { "suspect" });
    }
}

/// Records of the line that was left do not help: the trail must lead to where the store is.
#[test]
fn segments_of_the_other_line() {
    let event = |kms: &Kms| kms.change(|t| t.record_of_store(Deed::LoseEvents, 1)).unwrap();
    let world = World::new();
    let kms = world.open(world.options());
    event(&kms);
    drop(kms);
    let kms = world.open(Options::default());
    let (before, next) = (kms.contents(), places::events(kms.header().unwrap().1.events + 1));
    event(&kms);
    let genuine = kms.value(&next).unwrap();
    let since = kms.contents().into_keys().filter(|key| !before.contains_key(key)).collect();
    kms.forge(before.into_iter().collect(), since);
    drop(kms);
    let kms = world.open(Options::default());
    kms.change(|t| t.record_of_store(Deed::LoseEvents, 2)).unwrap();
    event(&kms);
    kms.forge(vec![(next, genuine)], vec![]);
    drop(kms);
    assert_eq!(stands(&world.open(world.options())).1, "suspect");
}

/// The segment that would tell is gone, or is not what it was: nothing is known.
#[test]
fn a_trail_that_cannot_be_asked() {
    for is_gone in [true, false] {
        let world = World::new();
        let kms = world.open(world.options());
        let next = places::events(kms.header().unwrap().1.events + 1);
        drop(kms);
        let kms = world.open(Options::default());
        for _ in 0..3 {
            kms.change(|t| t.record_of_store(Deed::LoseEvents, 1)).unwrap();
        }
        let mut record = kms.value(&next).unwrap();
        *record.last_mut().unwrap() ^= 1;
        match is_gone {
            true => kms.forge(vec![], vec![next]),
            false => kms.forge(vec![(next, record)], vec![]),
        }
        drop(kms);
        assert_eq!(stands(&world.open(world.options())).1, "suspect");
        assert_eq!(stands(&world.open(Options::default())).1, "none");
    }
}
