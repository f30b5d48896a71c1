//! A process that is killed in the midst of its changes leaves each of them done or not begun.

use std::thread;
use std::time::Duration;

use crate::process::Process;
use crate::{DAY, START, consistency, new_store, open, setting};

#[test]
fn a_killed_process_leaves_a_whole_store() {
    let (_folder, place) = new_store();
    let rounds = setting("KMSHSM_ROUNDS", 40);
    let mut keys = 0;
    for round in 0..rounds {
        // Later than anything that was written before.
        let clock = START + round * 400 * DAY;
        let bystander = (round % 3 == 0).then(|| open(&place, clock));
        let mut process = Process::churning(&place, clock);
        thread::sleep(Duration::from_micros(round * 7919 % 60_000));
        process.kill();
        let (kms, session) = bystander.unwrap_or_else(|| open(&place, clock));
        assert_eq!(kms.ledger().unwrap(), [""; 0]);
        keys += consistency::check(&session);
    }
    println!("{rounds} kills, {keys} keys looked at after them");
}
