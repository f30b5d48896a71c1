//! SM3.

use std::ptr;

use kmshsm::primitives::sm3_parts;

use crate::cases::{Draw, cases};
use crate::libcrypto::{openssl, version};
use crate::needed;

fn digest(message: &[u8]) -> [u8; 32] {
    let (ssl, mut out, mut len) = (needed(openssl()), [0; 32], 0);
    let (none, name, bytes) = (ptr::null_mut(), c"SM3".as_ptr(), message.as_ptr().cast());
    // SAFETY: the message has so many bytes, `out` room for a digest of SM3.
    let done = unsafe {
        let (out, len) = (out.as_mut_ptr(), &mut len);
        (ssl.EVP_Q_digest)(none, name, ptr::null(), bytes, message.len(), out, len)
    };
    let missing = || format!("version {} has no SM3", needed(version()));
    needed((done == 1).then_some(()).ok_or_else(missing));
    assert_eq!(len, out.len());
    out
}

#[test]
fn digests() {
    let mut draw = Draw::new(6);
    let random: Vec<usize> = (0..cases(100)).map(|_| draw.below(6000)).collect();
    for len in (0..=600).chain([4095, 4096, 4097, 65541]).chain(random) {
        let message = draw.bytes(len);
        let (first, second) = message.split_at(draw.below(len + 1));
        assert_eq!(sm3_parts(&[first, second]), digest(&message), "{}", hex::encode(&message));
    }
}
