//! The words of shares: ten bits each. They are secrets: the list is read from its beginning to its
//! end for every word, and letters are put at their places by looking at all places.
#![forbid(unsafe_code)]

use subtle::{Choice, ConditionallySelectable, ConstantTimeEq};

use super::MAX_WORDS;
use crate::secret::{Zeroizing, publish, verdict};

/// A word as a number: its letters in ASCII, the last one lowest.
#[derive(Clone, Copy)]
struct Word {
    whole: u64,
    /// Its first four letters, which no other word has.
    brief: u64,
}

const LIST: [Word; 1024] = list(include_bytes!("words.txt"));

#[allow(clippy::indexing_slicing)] // by the compiler, which says so if it is wrong
const fn list(text: &[u8]) -> [Word; 1024] {
    let mut list = [Word { whole: 0, brief: 0 }; 1024];
    let (mut word, mut letters, mut at) = (0, 0, 0);
    while at < text.len() {
        if text[at] == b'\n' {
            (word, letters) = (word + 1, 0);
        } else {
            let with_letter = list[word].whole << 8 | text[at] as u64;
            list[word].whole = with_letter;
            letters += 1;
            if letters == 4 {
                list[word].brief = with_letter;
            }
        }
        at += 1;
    }
    assert!(word == 1024);
    list
}

/// How words are written.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// All letters.
    Whole,
    /// The first four letters.
    Brief,
}

/// The most bytes that words take: eight letters each, and a blank between two.
pub const MAX_TEXT: usize = MAX_WORDS * 9 - 1;

/// The longest text in which words are looked for, in bytes.
pub const MAX_READ: usize = 1024;

/// Writes words to the front of `text` and answers how many bytes they take, which alone is told of
/// them. `text` is long enough.
pub(super) fn write(indices: &[u16], form: Form, text: &mut [u8]) -> usize {
    text.fill(0);
    let mut at = 0u32;
    for (number, index) in indices.iter().enumerate() {
        let blank = if number == 0 { 0 } else { b' ' };
        let word = looked_up(*index, form).to_be_bytes();
        for byte in [blank].into_iter().chain(word) {
            for (place, to) in (0u32..).zip(&mut *text) {
                *to |= u8::conditional_select(&0, &byte, place.ct_eq(&at));
            }
            at = at.wrapping_add(u32::from((!byte.ct_eq(&0)).unwrap_u8()));
        }
    }
    u32::from_ne_bytes(publish(at.to_ne_bytes())) as usize
}

fn looked_up(index: u16, form: Form) -> u64 {
    (0u16..).zip(&LIST).fold(0, |found, (number, word)| {
        let word = if form == Form::Whole { word.whole } else { word.brief };
        found | u64::conditional_select(&0, &word, number.ct_eq(&index))
    })
}

/// What a text holds.
pub(super) struct Found {
    /// How many words there are; only the first [`MAX_WORDS`] have been looked at.
    pub(super) count: usize,
    /// Whether there is nothing but ASCII letters and blanks.
    pub(super) is_tidy: bool,
    /// Each word's number in the list.
    pub(super) indices: Zeroizing<[u16; MAX_WORDS]>,
    /// The place of the first word that is not in the list.
    pub(super) unknown: Option<usize>,
}

/// Takes a text of words apart, whole ones and brief ones, in upper or lower case, with any blanks
/// between them. Told of it is what [`Found`] says, but for the numbers.
pub(super) fn read(text: &[u8]) -> Found {
    let mut words = Zeroizing::new([0u64; MAX_WORDS]);
    let (mut at, mut current, mut tidy) = (0u32, 0u64, Choice::from(1));
    // A last blank ends the last word.
    for byte in text.iter().copied().chain([b' ']) {
        let lower = byte | 0x20;
        let letter = is_below(lower.wrapping_sub(b'a'), 26);
        let blank = byte.ct_eq(&b' ') | is_below(byte.wrapping_sub(b'\t'), 5);
        tidy &= letter | blank;
        // A ninth letter makes it no word, whatever follows.
        let pushed = u64::conditional_select(
            &(current << 8 | u64::from(lower)),
            &u64::MAX,
            !(current >> 56).ct_eq(&0),
        );
        current.conditional_assign(&pushed, letter);
        let ends = blank & !current.ct_eq(&0);
        for (place, word) in (0u32..).zip(words.iter_mut()) {
            word.conditional_assign(&current, ends & place.ct_eq(&at));
        }
        at = at.wrapping_add(u32::from(ends.unwrap_u8()));
        current.conditional_assign(&0, ends);
    }
    let count = u32::from_ne_bytes(publish(at.to_ne_bytes())) as usize;
    let mut indices = Zeroizing::new([0; MAX_WORDS]);
    let mut unknown = None;
    for (place, (word, index)) in words.iter().zip(indices.iter_mut()).enumerate().take(count) {
        let (number, known) = number_of(*word);
        *index = number;
        if !verdict(known) {
            unknown = unknown.or(Some(place));
        }
    }
    Found { count, is_tidy: verdict(tidy), indices, unknown }
}

fn is_below(byte: u8, limit: u16) -> Choice {
    Choice::from((u16::from(byte).wrapping_sub(limit) >> 15) as u8)
}

fn number_of(written: u64) -> (u16, Choice) {
    let mut found = (0, Choice::from(0));
    for (number, word) in (0u16..).zip(&LIST) {
        let is_it = word.whole.ct_eq(&written) | word.brief.ct_eq(&written);
        found.0 |= u16::conditional_select(&0, &number, is_it);
        found.1 |= is_it;
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names() -> Vec<&'static str> {
        include_str!("words.txt").lines().collect()
    }

    #[test]
    fn the_list_is_what_the_standard_asks_for() {
        let names = names();
        assert_eq!(names.len(), 1024);
        assert!(names.is_sorted());
        assert!(names.iter().all(|name| (4..=8).contains(&name.len())));
        assert!(names.windows(2).all(|pair| pair[0][..4] != pair[1][..4]));
    }

    #[test]
    fn every_word_in_every_dress() {
        for (number, name) in (0u16..).zip(names()) {
            for (form, expected) in [(Form::Whole, name), (Form::Brief, &name[..4])] {
                let mut text = [0xaa; 17];
                let len = write(&[number, number], form, &mut text);
                assert_eq!(text[..len], *format!("{expected} {expected}").as_bytes());
            }
            let text = format!("\t{}\r\n{} {}", name, name.to_uppercase(), &name[..4]);
            let found = read(text.as_bytes());
            assert_eq!((found.count, found.is_tidy, found.unknown), (3, true, None));
            assert_eq!(found.indices[..4], [number, number, number, 0]);
        }
    }

    #[test]
    fn what_is_no_word() {
        for wrong in ["acid academi", "acid aca", "acid xacademic", "acid academicx"] {
            let found = read(wrong.as_bytes());
            assert_eq!((found.count, found.is_tidy, found.unknown), (2, true, Some(1)), "{wrong}");
        }
        for untidy in ["acid, acne", "acid\0acne", "acid\u{3000}acne", "acid-acne", "acid 1 acne"] {
            assert!(!read(untidy.as_bytes()).is_tidy, "{untidy}");
        }
        let many = "acid ".repeat(40);
        assert_eq!(read(many.as_bytes()).count, 40);
        assert_eq!(read(b" \n ").count, 0);
    }
}
