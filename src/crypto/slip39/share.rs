//! One share in words:
//!
//! ```text
//! identifier (15 bits) | extendable (1) | iteration exponent (4)
//! | group (4) | groups needed - 1 (4) | groups - 1 (4) | member (4) | members needed - 1 (4)
//! | zeros (up to the next multiple of 10) | value | checksum (30)
//! ```
#![forbid(unsafe_code)]

use super::words::{self, Form, MAX_READ};
use super::{MAX_SECRET, MAX_WORDS, MIN_SECRET, checksum, refused};
use crate::error::{ErrorCode, Result};
use crate::secret::{Zeroizing, publish};

/// The words before the value.
const HEAD: usize = 4;

/// What a share says of itself, which is no secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    pub(super) set: Set,
    /// Its group's number.
    pub(super) group: u8,
    /// Its number in the group.
    pub(super) member: u8,
    /// How many of the group are needed.
    pub(super) needed: u8,
}

/// What the shares of one secret have in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Set {
    /// A random number, of 15 bits.
    pub(super) identifier: u16,
    /// Whether the identifier takes no part in the encryption.
    pub(super) extendable: bool,
    /// Of the encryption.
    pub(super) exponent: u8,
    /// How many groups are needed.
    pub(super) groups_needed: u8,
    /// How many groups there are.
    pub(super) groups: u8,
    /// The value's bytes.
    pub(super) len: usize,
}

impl Set {
    fn purpose(&self) -> &'static [u8] {
        if self.extendable { b"shamir_extendable" } else { b"shamir" }
    }
}

impl Head {
    /// How many shares of its group are needed.
    pub const fn needed(&self) -> u8 {
        self.needed
    }

    /// The bytes of its value.
    pub const fn value_len(&self) -> usize {
        self.set.len
    }

    fn to_words(self) -> [u16; HEAD] {
        let Set { identifier, extendable, exponent, groups_needed, groups, .. } = self.set;
        let first = u64::from(identifier) << 5 | u64::from(extendable) << 4 | u64::from(exponent);
        let numbers = [self.group, groups_needed - 1, groups - 1, self.member, self.needed - 1];
        let all = numbers.iter().fold(first, |all, number| all << 4 | u64::from(*number));
        [30, 20, 10, 0].map(|shift| (all >> shift & 0x3ff) as u16)
    }

    fn from_words(words: [u16; HEAD], len: usize) -> Self {
        let all = words.iter().fold(0, |all, word| all << 10 | u64::from(*word));
        let number = |shift: u32| (all >> shift & 0xf) as u8;
        let set = Set {
            identifier: (all >> 25) as u16,
            extendable: number(24) & 1 == 1,
            exponent: number(20),
            groups_needed: number(12) + 1,
            groups: number(8) + 1,
            len,
        };
        Self { set, group: number(16), member: number(4), needed: number(0) + 1 }
    }
}

/// Writes a share to the front of `text`, which holds [`MAX_TEXT`](super::MAX_TEXT) bytes, and answers
/// how many bytes it takes. Nothing else is told of the value.
pub fn write(head: &Head, value: &[u8], form: Form, text: &mut [u8]) -> Result<usize> {
    let mut all = Zeroizing::new([0; MAX_WORDS]);
    let count = words_of(value.len());
    let words = all.get_mut(..count).ok_or(ErrorCode::Internal)?;
    let (body, end) = words.split_at_mut(count - checksum::LEN);
    let (front, digits) = body.split_at_mut(HEAD);
    front.copy_from_slice(&head.to_words());
    let (mut digits, mut sum, mut bits) = (digits.iter_mut(), 0, padding(value.len()));
    for byte in value {
        (sum, bits) = (sum << 8 | u32::from(*byte), bits + 8);
        if bits >= 10 {
            bits -= 10;
            *digits.next().ok_or(ErrorCode::Internal)? = (sum >> bits & 0x3ff) as u16;
        }
    }
    end.copy_from_slice(&checksum::of(head.set.purpose(), body));
    Ok(words::write(words, form, text))
}

/// Reads a share, in whole or brief words, into the front of `value`. What is none is
/// [`ErrorCode::InvalidShares`], with what is wrong.
pub fn read(text: &[u8], value: &mut [u8; MAX_SECRET]) -> Result<Head> {
    if text.len() > MAX_READ {
        return Err(refused(format!("It is longer than {MAX_READ} bytes.")));
    }
    let found = words::read(text);
    if !found.is_tidy {
        return Err(refused("It has something else in it than letters and blanks."));
    }
    let Some(len) = (MIN_SECRET..=MAX_SECRET).step_by(2).find(|len| words_of(*len) == found.count)
    else {
        return Err(refused(format!("It has {} words, and none has so many.", found.count)));
    };
    if let Some(place) = found.unknown {
        return Err(refused(format!("Its word {} is not in the list.", place + 1)));
    }
    let words = found.indices.get(..found.count).ok_or(ErrorCode::Internal)?;
    let (front, rest) = words.split_first_chunk::<HEAD>().ok_or(ErrorCode::Internal)?;
    let front = front.map(|word| u16::from_ne_bytes(publish(word.to_ne_bytes())));
    let head = Head::from_words(front, len);
    if !checksum::is_right(head.set.purpose(), words) {
        return Err(refused(
            "Its checksum is wrong: a word is mistaken, or two have changed places.",
        ));
    }
    if head.set.groups_needed > head.set.groups {
        return Err(refused("It needs more groups than there are."));
    }
    let digits = rest.get(..rest.len() - checksum::LEN).ok_or(ErrorCode::Internal)?;
    let (mut bytes, mut sum, mut bits) = (value.iter_mut(), 0, 0);
    for (place, digit) in digits.iter().enumerate() {
        (sum, bits) = (sum << 10 | u32::from(*digit), bits + 10);
        if place == 0 {
            bits -= padding(len);
            let [zeros] = publish([u8::from(digit >> bits != 0)]);
            if zeros != 0 {
                return Err(refused("Its value is too large."));
            }
        }
        while bits >= 8 {
            bits -= 8;
            *bytes.next().ok_or(ErrorCode::Internal)? = (sum >> bits) as u8;
        }
    }
    Ok(head)
}

/// The words of a share whose value has so many bytes.
const fn words_of(len: usize) -> usize {
    HEAD + (8 * len).div_ceil(10) + checksum::LEN
}

/// The zeros before a value of so many bytes.
const fn padding(len: usize) -> usize {
    (8 * len).next_multiple_of(10) - 8 * len
}
