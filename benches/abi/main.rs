//! The C ABI against the raw provider, in one run: every contestant of a group is timed in turn in
//! each round, in thread CPU time; the figure is the median of the rounds, and only ratios count.
//! How two threads do beside one is by the wall clock, too: waiting for each other counts.
//!
//! `cargo bench --features testing --bench abi [-- WORD]` runs the groups whose name has the word.
#![allow(missing_docs)]

mod asymmetric;
mod boundary;
mod door;
mod peers;
mod store;
mod symmetric;
mod timing;

use std::ptr;

use boundary::{boundary, serve};
use store::{create, open};
use symmetric::{abi_data_key, abi_decrypt, abi_encrypt, raw_open, raw_seal, raw_seal_in_place};
use timing::{group, scaling};

fn main() {
    if let Some(memory) = std::env::args().find(|argument| argument.ends_with(" memory")) {
        return serve(&memory);
    }
    let wanted = std::env::args().skip(1).find(|argument| !argument.starts_with('-'));
    let wanted = |name: &str| wanted.as_ref().is_none_or(|word| name.contains(word.as_str()));
    let session = open();
    let aes = create(session, r#"{"ProtectionLevel":"HSM","KeySpec":"Aliyun_AES_256"}"#);
    for len in [32usize, 1024, 4096, 6144] {
        let name = format!("encrypt {len} bytes, AES-256");
        if wanted(&name) {
            let contestants =
                [raw_seal(len), raw_seal_in_place(len), abi_encrypt(session, &aes, len)];
            group(&name, &mut Vec::from(contestants));
        }
        let name = format!("the boundary, {len} bytes encrypted");
        if wanted(&name) && len == 32 {
            boundary(&name);
        }
        let name = format!("decrypt {len} bytes, AES-256");
        if wanted(&name) {
            let contestants = [raw_seal(len), raw_open(len), abi_decrypt(session, &aes, len)];
            group(&name, &mut Vec::from(contestants));
        }
    }
    if wanted("the door") {
        door::door("the door", session, &aes);
    }
    if wanted("data key") {
        group("data key of 32 bytes", &mut [raw_seal(32), abi_data_key(session, &aes)]);
    }
    asymmetric::groups(session, wanted);
    for len in [32usize, 4096] {
        let name = format!("two threads on one hot key, {len} bytes encrypted");
        if wanted(&name) {
            let session = session.expose_provenance();
            let session = || ptr::with_exposed_provenance(session);
            scaling(&name, &[&|| raw_seal(len), &|| abi_encrypt(session(), &aes, len)]);
        }
    }
}
