//! Padded blocks as an attacker of RSA encryption makes them: right ones, and wrong in every way that
//! an oracle tells apart (Bleichenbacher 1998; Manger 2001; RFC 8017, 7.1.2 and 7.2.2).
#![forbid(unsafe_code)]

use super::{OaepHash, Padding};
use crate::crypto::digest::{sha1_parts, sha256_parts};
use crate::error::{ErrorCode, Result};
use crate::hsm::rng;

/// What is wrong with a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// Nothing.
    WellFormed,
    /// The first byte is 1 instead of 0: what Manger's attack looks for.
    FirstByte,
    /// The block type, or the hash of the label.
    TypeOrLabel,
    /// No byte ends the padding.
    NoSeparator,
    /// The message is a byte shorter than expected.
    OtherLength,
    /// All of it, as in a ciphertext for another key.
    Random,
}

/// All classes.
pub const CLASSES: [Class; 6] = [
    Class::WellFormed,
    Class::FirstByte,
    Class::TypeOrLabel,
    Class::NoSeparator,
    Class::OtherLength,
    Class::Random,
];

/// Writes a fresh block of this class around `message`, which has no byte 0 or 1. As a number it is
/// less than 2^(8 * len - 1).
pub fn write(padding: Padding, class: Class, message: &[u8], block: &mut [u8]) -> Result<()> {
    rng::fill(block)?;
    let message = match class {
        Class::OtherLength => message.split_first().map(|(_, rest)| rest).unwrap_or_default(),
        _ => message,
    };
    let (first, rest) = block.split_first_mut().ok_or(ErrorCode::Internal)?;
    *first = match class {
        Class::Random => *first & 0x7f,
        Class::FirstByte => 1,
        _ => 0,
    };
    match (class, padding) {
        (Class::Random, _) => Ok(()),
        (_, Padding::Pkcs1V15) => pkcs1v15(class, message, rest),
        (_, Padding::Oaep(OaepHash::Sha1)) => oaep(sha1_parts, class, message, rest),
        (_, Padding::Oaep(OaepHash::Sha256)) => oaep(sha256_parts, class, message, rest),
    }
}

/// 02 | PS | 00 | M.
fn pkcs1v15(class: Class, message: &[u8], rest: &mut [u8]) -> Result<()> {
    let (kind, rest) = rest.split_first_mut().ok_or(ErrorCode::Internal)?;
    let (string, end) = ending(message, rest)?;
    *kind = if class == Class::TypeOrLabel { 1 } else { 2 };
    string.iter_mut().filter(|byte| **byte == 0).for_each(|byte| *byte = 0xff);
    *end = if class == Class::NoSeparator { 0xff } else { 0 };
    Ok(())
}

/// seed xor MGF1(DB) | DB xor MGF1(seed), DB = H("") | 00 ... 00 | 01 | M.
fn oaep<const N: usize>(
    hash: fn(&[&[u8]]) -> [u8; N],
    class: Class,
    message: &[u8],
    rest: &mut [u8],
) -> Result<()> {
    let (seed, db) = rest.split_first_chunk_mut::<N>().ok_or(ErrorCode::Internal)?;
    let (label, rest) = db.split_first_chunk_mut::<N>().ok_or(ErrorCode::Internal)?;
    let (string, end) = ending(message, rest)?;
    *label = hash(if class == Class::TypeOrLabel { &[b"another"] } else { &[] });
    string.fill(0);
    *end = u8::from(class != Class::NoSeparator);
    mask(hash, seed, db);
    mask(hash, db, seed);
    Ok(())
}

/// Puts the message at the end; answers the padding before it and the byte between both.
fn ending<'a>(message: &[u8], rest: &'a mut [u8]) -> Result<(&'a mut [u8], &'a mut u8)> {
    let at = rest.len().checked_sub(message.len()).ok_or(ErrorCode::Internal)?;
    let (padding, place) = rest.split_at_mut(at);
    place.copy_from_slice(message);
    let (end, string) = padding.split_last_mut().ok_or(ErrorCode::Internal)?;
    Ok((string, end))
}

/// MGF1 (RFC 8017, B.2.1).
fn mask<const N: usize>(hash: fn(&[&[u8]]) -> [u8; N], seed: &[u8], target: &mut [u8]) {
    for (counter, chunk) in (0u32..).zip(target.chunks_mut(N)) {
        let mask = hash(&[seed, &counter.to_be_bytes()]);
        chunk.iter_mut().zip(mask).for_each(|(byte, mask)| *byte ^= mask);
    }
}
