//! The padding of PKCS #1 v1.5 (RFC 8017): of signatures over SHA-256 (9.2), and of encrypted
//! messages (7.2).
#![forbid(unsafe_code)]

use subtle::{Choice, ConstantTimeEq};

use super::MAX_MODULUS;
use crate::crypto::Random;
use crate::error::{ErrorCode, Result};

/// DigestInfo in DER up to the digest: SEQUENCE { SEQUENCE { 2.16.840.1.101.3.4.2.1, NULL }, OCTET
/// STRING of 32 bytes } (9.2, note 1).
const DIGEST_INFO: [u8; 19] = [
    0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01, 0x05,
    0x00, 0x04, 0x20,
];

/// What an encrypted message has before it at least: 00 | 02 | 8 bytes | 00.
const OVERHEAD: usize = 11;

/// One byte in 256 is zero: after so many draws of one, no generator is behind them.
const TRIES: usize = 16;

/// EM = 00 | 01 | PS, at least 8 bytes ff | 00 | DigestInfo.
pub(super) fn encode(digest: &[u8; 32], block: &mut [u8]) -> Result<()> {
    let at =
        block.len().checked_sub(DIGEST_INFO.len() + digest.len()).ok_or(ErrorCode::Internal)?;
    let (padding, info) = block.split_at_mut(at);
    let [zero, one, string @ .., end] = padding else { return Err(ErrorCode::Internal.into()) };
    if string.len() < 8 {
        return Err(ErrorCode::Internal.into());
    }
    (*zero, *one, *end) = (0, 1, 0);
    string.fill(0xff);
    info.iter_mut().zip(DIGEST_INFO.iter().chain(digest)).for_each(|(to, from)| *to = *from);
    Ok(())
}

/// Whether the block is the one encoding. Nothing is parsed: where that was done carelessly,
/// signatures have been forged (Bleichenbacher, 2006).
pub(super) fn is_encoded(digest: &[u8; 32], block: &[u8]) -> bool {
    let mut right = [0; MAX_MODULUS];
    let right = right.get_mut(..block.len());
    right.is_some_and(|right| encode(digest, right).is_ok() && right == block)
}

/// EM = 00 | 02 | PS, at least 8 random bytes without a zero | 00 | M. A message that is too long for
/// the block is [`ErrorCode::Internal`]. Time may tell where a zero was drawn: another byte is there.
pub(super) fn pad(message: &[u8], random: Random, block: &mut [u8]) -> Result<()> {
    if message.len().checked_add(OVERHEAD).is_none_or(|least| least > block.len()) {
        return Err(ErrorCode::Internal.into());
    }
    let (padding, place) = block.split_at_mut(block.len() - message.len());
    let [zero, two, string @ .., end] = padding else { return Err(ErrorCode::Internal.into()) };
    (*zero, *two, *end) = (0, 2, 0);
    place.copy_from_slice(message);
    random(string)?;
    for byte in string {
        for _ in 0..TRIES {
            if *byte != 0 {
                break;
            }
            random(std::slice::from_mut(byte))?;
        }
        if *byte == 0 {
            return Err(ErrorCode::Internal.into());
        }
    }
    Ok(())
}

/// Whether EM = 00 | 02 | PS, at least 8 bytes without a zero | 00 | M, for an M of `len` bytes. The
/// length is public, so every position is: only the value of one bit depends on secrets. This ends
/// Bleichenbacher's attack of 1998, provided that the caller treats all failures alike.
pub(super) fn ends_with_message(len: usize, block: &[u8]) -> Choice {
    let padding = block.len().checked_sub(len).and_then(|at| block.get(..at));
    let Some([zero, two, string @ .., end]) = padding else { return Choice::from(0) };
    if string.len() < 8 {
        return Choice::from(0);
    }
    let mut right = zero.ct_eq(&0) & two.ct_eq(&2) & end.ct_eq(&0);
    for byte in string {
        right &= !byte.ct_eq(&0);
    }
    right
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_encoding_of_a_digest() {
        let digest = std::array::from_fn(|at| at as u8);
        let mut block = [0xaa; 128];
        encode(&digest, &mut block).unwrap();
        assert_eq!((&block[..3], &block[75..78]), (&[0, 1, 0xff][..], &[0xff, 0, 0x30][..]));
        assert_eq!(block[96..], digest);
        assert!(is_encoded(&digest, &block));
        for bit in 0..block.len() * 8 {
            block[bit / 8] ^= 1 << (bit % 8);
            assert!(!is_encoded(&digest, &block), "{bit}");
            block[bit / 8] ^= 1 << (bit % 8);
        }
        assert!(!is_encoded(&digest, &block[1..]) && !is_encoded(&digest, &[0; MAX_MODULUS + 1]));
        // Eight bytes of padding are as few as may be.
        assert!(encode(&digest, &mut block[..62]).is_ok());
        assert!(encode(&digest, &mut block[..61]).is_err());
        assert!((0..54).all(|len| encode(&digest, &mut [0; 54][..len]).is_err()));
    }

    /// No padding has a zero in it, although one in 256 of the 3500 bytes that are drawn is one.
    #[test]
    fn padded_messages() {
        use crate::crypto::drbg::reproducible as random;
        for len in [0, 1, 32, 117] {
            for _ in 0..10 {
                let (message, mut block) = (vec![0; len], [0xaa; 128]);
                pad(&message, random, &mut block).unwrap();
                assert!(bool::from(ends_with_message(len, &block)));
                assert_eq!(block[128 - len..], message);
            }
        }
        for len in [118, 127, 128, 129, 1000] {
            assert!(pad(&vec![0; len], random, &mut [0; 128]).is_err(), "{len}");
        }
        assert!((0..11).all(|len| pad(&[], random, &mut [0; 11][..len]).is_err()));
        // A zero is drawn again; a generator of nothing else is none.
        let mut block = [0xaa; 12];
        let zeros = |out: &mut [u8]| Ok(out.fill(0));
        assert!(pad(&[7], zeros, &mut block).is_err());
        let sometimes = |out: &mut [u8]| Ok(out.fill(if out.len() == 1 { 5 } else { 0 }));
        pad(&[7], sometimes, &mut block).unwrap();
        assert_eq!(block, [0, 2, 5, 5, 5, 5, 5, 5, 5, 5, 0, 7]);
        assert!(pad(&[7], |_| Err(ErrorCode::Internal.into()), &mut block).is_err());
    }

    #[test]
    fn every_byte_of_encrypted_messages() {
        let block = [&[0, 2][..], &[0xff; 45], &[0], &[7; 16]].concat();
        let opens = |len, block: &[u8]| bool::from(ends_with_message(len, block));
        assert!(opens(16, &block));
        for at in 0..48 {
            for value in (0..=255).filter(|value| *value != block[at]) {
                let mut changed = block.clone();
                changed[at] = value;
                assert_eq!(
                    opens(16, &changed),
                    (2..47).contains(&at) && value != 0,
                    "{at} {value}"
                );
            }
        }
        assert!((0..80).filter(|len| *len != 16).all(|len| !opens(len, &block)));
        // Seven bytes of padding are one too few.
        assert!(!opens(16, &[&[0, 2][..], &[1; 7], &[0], &[7; 16]].concat()));
        assert!(opens(16, &[&[0, 2][..], &[1; 8], &[0], &[7; 16]].concat()));
    }
}
