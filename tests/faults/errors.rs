//! Writes and syncs that fail: the change fails cleanly or is done, nothing is written after a failure
//! until the store is opened again, and then it is whole.

use std::path::Path;

use kmshsm::error::Result;
use serde_json::json;

use crate::copies;
use crate::injector::{self, Fault};
use crate::kinds::{self, Kind};
use crate::tally;
use crate::world::{self, CLOSED, CRASHED, Open, START, World};

const FAULTS: [Fault; 5] =
    [Fault::Io, Fault::SyncsFail, Fault::Space, Fault::NoSpaceLeft, Fault::Short];

/// How many calls are passed over in a sample. Coprime to the number of calls of a commit.
const STEP: usize = 7;

pub fn campaign(world: &World) {
    let (mut points, mut degraded) = (0, 0);
    for (number, kind) in kinds::all().enumerate() {
        let from = [CLOSED, CRASHED][number % 2];
        let place = world.copy(from, "before");
        let before = world.look(&place, kind.clock);
        let place = world.copy(from, "after");
        (kind.run)(world, &Open::at(&place, kind.clock).unwrap()).unwrap();
        let after = world.look(&place, kind.clock);
        for (offset, fault) in FAULTS.into_iter().enumerate() {
            let step = if tally::is_torture() { 1 } else { STEP };
            for at in ((offset + number) % step..).step_by(step) {
                let point = Point { world, kind, from, fault, at: at as u64 };
                match point.run(&before, &after) {
                    Outcome::Unmet => break,
                    Outcome::Degraded => degraded += 1,
                    Outcome::Done => {}
                }
                points += 1;
            }
        }
    }
    assert!(degraded > 0);
    tally::tell("EIO, ENOSPC, short writes and failed syncs at every call", points, points);
    tally::tell(
        "of these, stores that went on read-only until they were opened again",
        degraded,
        degraded,
    );
    creations(world);
    migrations(world);
}

/// A store that cannot be made is not there, and can be made when the disk is well again.
fn creations(world: &World) {
    let mut points = 0;
    each_call(|at, fault| {
        let place = world.vacant("new");
        injector::arm(place.parent().unwrap(), at, fault);
        let made = kinds::create(&place);
        let was_met = injector::disarm();
        match Open::at(&place, START) {
            Ok(open) => assert_eq!(open.kms.ledger().unwrap(), [""; 0]),
            Err(error) => assert!(
                made.is_err() && copies::is_absent(&error),
                "{fault:?} at {at}: {made:?}, then {error}"
            ),
        }
        if made.is_err() && !place.exists() {
            kinds::create(&place).unwrap();
        }
        points += u64::from(was_met);
        was_met
    });
    tally::tell("EIO, ENOSPC and the like while making a store", points, points);
}

/// A store that cannot be migrated is as it was, and is migrated when the disk is well again.
fn migrations(world: &World) {
    let mut points = 0;
    each_call(|at, fault| {
        let place = world.vacant("older");
        let fixture = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/format-1/store");
        world::copy(Path::new(fixture), &place);
        injector::arm(&place, at, fault);
        drop(kinds::open_older(&place));
        let was_met = injector::disarm();
        let kms = kinds::open_older(&place).unwrap();
        assert_eq!(kms.ledger().unwrap(), [""; 0]);
        kms.verify_trail().unwrap();
        points += u64::from(was_met);
        was_met
    });
    tally::tell("EIO, ENOSPC and the like while migrating from format 1", points, points);
}

/// Every fault at every call, or a sample, until `strike` answers that there was no such call.
fn each_call(mut strike: impl FnMut(u64, Fault) -> bool) {
    let step = if tally::is_torture() { 1 } else { STEP };
    for (offset, fault) in FAULTS.into_iter().enumerate() {
        for at in (offset as u64..).step_by(step) {
            if !strike(at, fault) {
                break;
            }
        }
    }
}

struct Point<'a> {
    world: &'a World,
    kind: &'a Kind,
    from: &'a str,
    fault: Fault,
    at: u64,
}

enum Outcome {
    /// Fewer calls than that.
    Unmet,
    /// The change failed, and later ones were refused.
    Degraded,
    Done,
}

impl Point<'_> {
    fn run(&self, before: &str, after: &str) -> Outcome {
        let place = self.world.copy(self.from, "failing");
        let name = format!("{} {:?} at {}", self.kind.name, self.fault, self.at);
        injector::arm(&place, self.at, self.fault);
        let open = Open::at(&place, self.kind.clock);
        let done = match &open {
            Ok(open) => (self.kind.run)(self.world, open),
            Err(error) => Err(error.clone()),
        };
        let was_met = injector::disarm();
        if let Err(error) = &done {
            assert!(was_met && error.code().wire_code().starts_with("Store."), "{name}: {error}");
        }
        let mut outcome = if was_met { Outcome::Done } else { Outcome::Unmet };
        if let Ok(open) = open {
            if self.kind.clock == START {
                let seen = self.world.seen(&open);
                assert!(seen == after || (seen == before && done.is_err()), "{name}: {seen}");
            }
            // The disk is well again, but what it has of the failed change is not known.
            match (&done, change(&open)) {
                (Ok(()), Ok(())) => {}
                (_, Err(error)) if error.code().wire_code() == "Store.Degraded" => {
                    outcome = Outcome::Degraded;
                }
                (done, next) => panic!("{name}: {done:?}, then {next:?}"),
            }
        }
        let seen = self.world.look(&place, self.kind.clock);
        assert!(seen == after || (seen == before && done.is_err()), "{name}: {seen}");
        change(&Open::at(&place, self.kind.clock).unwrap()).unwrap();
        outcome
    }
}

/// A change that is not looked at: of the date of another.
fn change(open: &Open) -> Result<()> {
    open.call("UpdateUser", &json!({ "UserName": "dora" })).map(drop)
}
