//! A process that is killed at any of its writes leaves a change done or not begun.

use std::io::{Read, Write};
use std::path::Path;

use crate::copies;
use crate::injector::{self, Fault};
use crate::kinds::{self, Kind};
use crate::tally;
use crate::world::{self, CLOSED, CRASHED, Open, World};

/// Kills forks of this process, which has been started with the injector.
pub fn campaign(world: &World) {
    let (mut points, mut killed) = (0, 0);
    for (number, kind) in kinds::all().enumerate() {
        let from = [CLOSED, CRASHED][number % 2];
        let place = world.copy(from, "before");
        let before = world.look(&place, kind.clock);
        let place = world.copy(from, "after");
        (kind.run)(world, &Open::at(&place, kind.clock).unwrap()).unwrap();
        let after = world.look(&place, kind.clock);
        for fault in [Fault::Kill, Fault::Torn] {
            let step = match fault {
                _ if tally::is_torture() => 1,
                Fault::Kill => 2,
                _ => 5,
            };
            for at in ((number % step) as u64..).step_by(step) {
                let place = world.copy(from, "killed");
                let Some(was_answered) = die(world, kind, &place, at, fault) else { break };
                let seen = world.look(&place, kind.clock);
                let is_whole = seen == after || (seen == before && !was_answered);
                assert!(is_whole, "{} {fault:?} at {at}: {seen}\n\n{before}\n\n{after}", kind.name);
                points += 1;
                killed += 1;
            }
        }
    }
    tally::tell("kill -9 at every write of every kind of transaction", points, killed);
    creations(world);
    migrations(world);
}

/// A store that is being made is there when it is complete, or it is not there.
fn creations(world: &World) {
    let mut points = 0;
    for fault in [Fault::Kill, Fault::Torn] {
        for at in 0.. {
            let place = world.vacant("new");
            let child = fork(|_| {
                injector::arm(place.parent().unwrap(), at, fault);
                kinds::create(&place).unwrap();
                injector::disarm();
            });
            if !child.is_killed {
                break;
            }
            points += 1;
            match Open::at(&place, world::START) {
                Ok(open) => assert_eq!(open.kms.ledger().unwrap(), [""; 0]),
                Err(error) => assert!(copies::is_absent(&error), "{fault:?} at {at}: {error}"),
            }
        }
    }
    tally::tell("kill -9 at every write of making a store", points, points);
}

/// A store of an older format is of that or of the present one.
fn migrations(world: &World) {
    let mut points = 0;
    for fault in [Fault::Kill, Fault::Torn] {
        for at in 0.. {
            let place = world.vacant("older");
            world::copy(
                Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/format-1/store")),
                &place,
            );
            let child = fork(|_| {
                injector::arm(&place, at, fault);
                drop(kinds::open_older(&place).unwrap());
                injector::disarm();
            });
            if !child.is_killed {
                break;
            }
            points += 1;
            let kms = kinds::open_older(&place).unwrap();
            assert_eq!(kms.ledger().unwrap(), [""; 0]);
            kms.verify_trail().unwrap();
        }
    }
    tally::tell("kill -9 at every write of a migration from format 1", points, points);
}

/// Whether the change was answered before the process was killed; `None` if it was not killed.
fn die(world: &World, kind: &Kind, place: &Path, at: u64, fault: Fault) -> Option<bool> {
    let child = fork(|answers| {
        injector::arm(place, at, fault);
        let open = Open::at(place, kind.clock).unwrap();
        (kind.run)(world, &open).unwrap();
        answers.write_all(b".").unwrap();
        drop(open);
        injector::disarm();
    });
    child.is_killed.then_some(child.answers > 0)
}

/// What became of a child.
pub struct Child {
    pub is_killed: bool,
    /// How many bytes it has written into its pipe.
    pub answers: usize,
}

/// Runs a child that ends in good order or is killed.
pub fn fork(run: impl FnOnce(&mut std::io::PipeWriter)) -> Child {
    let (mut reader, mut writer) = std::io::pipe().unwrap();
    // SAFETY: the child runs `run` and ends without returning into this process's threads.
    let pid = unsafe { libc::fork() };
    if pid == 0 {
        // SAFETY: ends the child, whatever it waits for.
        unsafe { libc::alarm(300) };
        let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| run(&mut writer)));
        // SAFETY: ends the process.
        unsafe { libc::_exit(i32::from(outcome.is_err())) }
    }
    assert!(pid > 0);
    drop(writer);
    let mut answers = Vec::new();
    reader.read_to_end(&mut answers).unwrap();
    let mut status = 0;
    // SAFETY: `status` is writable.
    assert_eq!(unsafe { libc::waitpid(pid, &raw mut status, 0) }, pid);
    let is_killed = libc::WIFSIGNALED(status) && libc::WTERMSIG(status) == libc::SIGKILL;
    assert!(is_killed || status == 0, "a child has ended with {status}");
    Child { is_killed, answers: answers.len() }
}
