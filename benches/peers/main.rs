//! `make bench`: every job of the engine beside those who do the same, in one run: all contestants of
//! a group are timed in turn in each round, in thread CPU time, the figure is the median of the rounds,
//! and only ratios count. How two threads do beside one is by the wall clock, too: waiting counts.
//!
//! `cargo bench --features testing --bench peers [-- WORD]` runs the groups whose name has the word.
#![allow(missing_docs)]

mod asymmetric;
mod aws_lc;
mod boundary;
mod door;
mod figures;
mod groups;
mod libgcrypt;
mod library;
mod machine;
mod openssl;
mod pkcs11;
mod race;
mod raw;
mod results;
mod rustcrypto;
mod softhsm;
mod store;
mod symmetric;
mod system;

use boundary::{boundary, serve};
use results::Run;
use softhsm::SoftHsm;
use store::Session;

/// Whose the engine is.
pub const OURS: &str = "libkmshsm";
/// What everybody signs and encrypts.
pub const DIGEST: [u8; 32] = [7; 32];

fn main() {
    if let Some(memory) = std::env::args().find(|argument| argument.ends_with(" memory")) {
        return serve(&memory);
    }
    let softhsm = SoftHsm::new();
    let mut run = Run::new(std::env::args().skip(1).find(|word| !word.starts_with('-')));
    run.peer(aws_lc::NAME, Ok(machine::locked(&[aws_lc::NAME])));
    run.peer(rustcrypto::NAME, Ok(machine::locked(&rustcrypto::CRATES)));
    run.peer(openssl::NAME, openssl::version());
    run.peer(libgcrypt::NAME, libgcrypt::version());
    run.peer(softhsm::NAME, softhsm.version());
    run.peer(system::NAME, system::version());
    let session = Session::open();
    groups::aes(&mut run, session, &softhsm);
    groups::sm4(&mut run, session);
    groups::sm3(&mut run);
    groups::sm2(&mut run, session);
    groups::rsa(&mut run, session, &softhsm);
    groups::curves(&mut run, session, &softhsm);
    groups::data_key(&mut run, session);
    groups::random(&mut run, session, &softhsm);
    let name = "the boundary, 32 bytes encrypted";
    if run.wants(name) {
        boundary(name);
    }
    let name = "the door, 32 bytes encrypted";
    if run.wants(name) {
        door::door(name, session);
    }
    run.figures();
}

/// A key that no message before has had.
pub fn counted_key(count: &mut u64) -> [u8; 32] {
    *count += 1;
    let mut key = [9; 32];
    key[..8].copy_from_slice(&count.to_be_bytes());
    key
}
