//! GHASH by the letter of NIST SP 800-38D, for tests: these, and `tests/openssl`.

/// SP 800-38D, 6.3, algorithm 1, bit by bit.
fn product(x: u128, y: u128) -> u128 {
    let (mut z, mut v) = (0, y);
    for i in (0..128).rev() {
        if x >> i & 1 == 1 {
            z ^= v;
        }
        v = if v & 1 == 1 { v >> 1 ^ (0xe1 << 120) } else { v >> 1 };
    }
    z
}

/// The same, 6.4, algorithm 2, and 7.1, step 5.
pub fn ghash(key: &[u8; 16], aad: &[u8], ciphertext: &[u8]) -> [u8; 16] {
    let key = u128::from_be_bytes(*key);
    let sum = [aad, ciphertext].iter().flat_map(|part| part.chunks(16)).fold(0, |sum, block| {
        let mut padded = [0; 16];
        padded[..block.len()].copy_from_slice(block);
        product(sum ^ u128::from_be_bytes(padded), key)
    });
    let lengths = (aad.len() as u128 * 8) << 64 | (ciphertext.len() as u128 * 8);
    product(sum ^ lengths, key).to_be_bytes()
}
