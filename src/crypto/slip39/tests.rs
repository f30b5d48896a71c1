//! The standard's vectors, sets of every shape, and what does not give a secret.

use serde::Deserialize;

use super::*;
use crate::crypto::drbg::reproducible as random;
use crate::crypto::vectors::{Hex, read as vectors};

/// A share as a test sees it.
type Read = (Head, Vec<u8>);

fn parsed(text: &str) -> Result<Read> {
    let mut value = [0; MAX_SECRET];
    let head = read(text.as_bytes(), &mut value)?;
    Ok((head, value[..head.value_len()].to_vec()))
}

fn combined(shares: &[&Read], passphrase: &[u8]) -> Result<Vec<u8>> {
    let parts: Vec<_> = shares.iter().map(|(head, value)| Part { head, value }).collect();
    let mut secret = [0; MAX_SECRET];
    let len = combine(&parts, passphrase, &mut secret)?;
    Ok(secret[..len].to_vec())
}

fn made(secret: &[u8], needed: u8, count: u8) -> Vec<Read> {
    let sharing = Sharing::new(secret, b"", (needed, count), random).unwrap();
    let share = |member| {
        let mut value = [0; MAX_SECRET];
        let head = sharing.share(member, &mut value).unwrap();
        (head, value[..secret.len()].to_vec())
    };
    (0..count).map(share).collect()
}

fn text((head, value): &Read, form: Form) -> String {
    let mut text = [0; MAX_TEXT];
    let len = write(head, value, form, &mut text).unwrap();
    String::from_utf8(text[..len].to_vec()).unwrap()
}

fn why(shares: &[&Read]) -> String {
    let error = combined(shares, b"").unwrap_err();
    assert_eq!(error.code(), ErrorCode::InvalidShares);
    error.into_parts().2
}

/// All ways to choose some of the shares.
fn choices(shares: &[Read]) -> impl Iterator<Item = Vec<&Read>> {
    (0..1u32 << shares.len()).map(|chosen| {
        let is_chosen = |at: &usize| chosen >> at & 1 == 1;
        (0..shares.len()).filter(is_chosen).map(|at| &shares[at]).collect()
    })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    name: String,
    shares: Vec<String>,
    secret: Hex,
}

#[test]
fn vectors_of_the_standard() {
    let cases: Vec<Case> = vectors("slip39.json");
    assert_eq!(cases.len(), 45);
    for Case { name, shares, secret } in cases {
        let shares: Result<Vec<_>> = shares.iter().map(|share| parsed(share)).collect();
        let found = shares.and_then(|shares| {
            for share in &shares {
                let whole = text(share, Form::Whole);
                assert_eq!(parsed(&whole).as_ref(), Ok(share), "{name}");
            }
            combined(&shares.iter().collect::<Vec<_>>(), b"TREZOR")
        });
        match found {
            Ok(found) => assert_eq!(found, secret.0, "{name}"),
            Err(error) => {
                assert_eq!(error.code(), ErrorCode::InvalidShares, "{name}");
                assert!(secret.0.is_empty(), "{name}: {error}");
            }
        }
    }
}

/// Made with `shamir-mnemonic` 0.3.0, of a secret of 256 bits, with an empty passphrase.
#[test]
fn shares_of_another_implementation() {
    let secret: Vec<u8> = (0..32).collect();
    let shares = include_str!("../../../tests/vectors/slip39_generated.txt");
    let shares: Vec<_> = shares.lines().map(|line| parsed(line).unwrap()).collect();
    let (three_of_five, groups) = shares.split_at(5);
    for chosen in choices(three_of_five) {
        assert_eq!(combined(&chosen, b"").ok(), (chosen.len() >= 3).then(|| secret.clone()));
    }
    // Two of three groups: one of one, two of three, three of four.
    assert_eq!(groups.len(), 1 + 3 + 4);
    let (one, others) = groups.split_at(1);
    let (two, three) = others.split_at(3);
    assert_eq!(combined(&[&two[2], &one[0], &two[0]], b""), Ok(secret.clone()));
    assert_eq!(combined(&[&three[3], &two[1], &three[0], &two[0], &three[1]], b""), Ok(secret));
    assert_eq!(why(&[&one[0]]), "2 groups are needed, and 1 given.");
    let missing = why(&[&one[0], &two[0]]);
    assert_eq!(missing, "2 shares of group 2 are needed, and 1 given.");
}

#[test]
fn any_that_are_enough_and_no_fewer() {
    for (needed, count) in [(2, 2), (2, 3), (3, 5), (5, 8), (16, 16)] {
        let mut secret = [0; 32];
        random(&mut secret).unwrap();
        let shares = made(&secret, needed, count);
        for share in &shares {
            for form in [Form::Whole, Form::Brief] {
                let text = text(share, form);
                assert_eq!(text.split(' ').count(), MAX_WORDS);
                assert_eq!(parsed(&text.to_uppercase()).as_ref(), Ok(share));
            }
        }
        if count == 16 {
            let mut all: Vec<_> = shares.iter().rev().collect();
            assert_eq!(combined(&all, b""), Ok(secret.to_vec()));
            all.pop();
            assert_eq!(why(&all), "16 shares are needed, and 15 given.");
            continue;
        }
        for chosen in choices(&shares).filter(|chosen| !chosen.is_empty()) {
            if chosen.len() >= usize::from(needed) {
                assert_eq!(combined(&chosen, b""), Ok(secret.to_vec()));
            } else {
                let expected = format!("{needed} shares are needed, and {} given.", chosen.len());
                assert_eq!(why(&chosen), expected);
            }
        }
    }
}

#[test]
fn other_lengths_and_passphrases() {
    for len in (MIN_SECRET..=MAX_SECRET).step_by(2) {
        let secret: Vec<u8> = (0..len as u8).collect();
        let shares = made(&secret, 2, 3);
        let again: Vec<_> =
            shares.iter().map(|share| parsed(&text(share, Form::Brief)).unwrap()).collect();
        assert_eq!(combined(&[&again[2], &again[0]], b""), Ok(secret));
    }
    for len in [0, 14, 17, 31] {
        assert!(Sharing::new(&vec![1; len], b"", (2, 3), random).is_err());
    }
    let sharing = Sharing::new(&[7; 32], b"open sesame", (2, 2), random).unwrap();
    let shares: Vec<Read> = (0..2)
        .map(|member| {
            let mut value = [0; MAX_SECRET];
            (sharing.share(member, &mut value).unwrap(), value.to_vec())
        })
        .collect();
    let both = [&shares[0], &shares[1]];
    assert_eq!(combined(&both, b"open sesame"), Ok(vec![7; 32]));
    assert_ne!(combined(&both, b""), Ok(vec![7; 32]));
    assert!(sharing.share(2, &mut [0; MAX_SECRET]).is_err());
}

#[test]
fn thresholds_that_are_none() {
    for numbers in [(0, 3), (1, 1), (1, 3), (4, 3), (2, 17), (17, 17), (2, 0)] {
        let refused = Sharing::new(&[1; 32], b"", numbers, random).err().unwrap();
        assert_eq!(refused.code(), ErrorCode::InvalidParameter, "{numbers:?}");
    }
}

#[test]
fn which_share_is_wrong() {
    let (shares, others) = (made(&[1; 32], 3, 5), made(&[1; 32], 3, 5));
    let [a, b, c, d, e] = &*shares else { panic!() };
    assert_eq!(why(&[]), "There is none.");
    assert_eq!(why(&[a, b, a]), "Share 3 has the same number as share 1.");
    assert_eq!(why(&[a, &others[1], c]), "Share 2 is of another set than share 1.");
    assert_eq!(
        why(&[a, b, &(Head { needed: 2, ..c.0 }, c.1.clone())]),
        "Share 3 needs another number of shares than share 1."
    );
    for bit in 0..256 {
        let mut wrong = c.clone();
        wrong.1[bit / 8] ^= 1 << (bit % 8);
        let unknown = "The shares do not fit each other; one or more are wrong.";
        assert_eq!(why(&[a, &wrong, b]), unknown);
        assert_eq!(why(&[a, &wrong, b, d]), "Share 2 does not fit the others.");
        assert_eq!(why(&[a, b, d, e, &wrong]), "Share 5 does not fit the others.");
    }
}

/// Any word that becomes another, and any two neighbours that change places, are seen when the share is
/// read; what is said of it says no word.
#[test]
fn mistaken_words() {
    let share = text(&made(&[1; 32], 2, 2)[0], Form::Whole);
    let words: Vec<_> = share.split(' ').collect();
    let list: Vec<_> = include_str!("words.txt").lines().collect();
    let refuse = |words: &[&str]| {
        let error = parsed(&words.join(" ")).unwrap_err();
        assert_eq!(error.code(), ErrorCode::InvalidShares);
        error.into_parts().2
    };
    for at in 0..words.len() {
        let mut wrong = words.clone();
        for other in list.iter().step_by(97).filter(|other| **other != words[at]) {
            wrong[at] = other;
            assert!(refuse(&wrong).contains("checksum"));
        }
        wrong[at] = "zebra";
        assert_eq!(refuse(&wrong), format!("Its word {} is not in the list.", at + 1));
        if at > 0 && words[at] != words[at - 1] {
            let mut swapped = words.clone();
            swapped.swap(at - 1, at);
            assert!(refuse(&swapped).contains("checksum"));
        }
    }
    assert_eq!(refuse(&words[1..]), "It has 32 words, and none has so many.");
    assert!(refuse(&["acid,"; 33]).contains("letters"));
    assert!(refuse(&["acid"; 250]).contains("1024 bytes"));
}

/// Over many sets with one secret, each byte of a share, and each highest coefficient of the
/// polynomials, takes all values equally often: chi-square with 255 degrees of freedom, at most 405 in
/// all but one of a thousand million samples. The generator begins with a fixed seed.
#[test]
fn shares_say_nothing() {
    const SETS: usize = 300;
    let (mut shares, mut coefficients) = ([[0u32; 256]; 3], [0u32; 256]);
    for _ in 0..SETS {
        let set = made(&[0x5a; 32], 3, 3);
        let mut sums = [0; 32];
        for (counts, (_, value)) in shares.iter_mut().zip(&set) {
            value.iter().for_each(|byte| counts[usize::from(*byte)] += 1);
        }
        // Through 0, 1 and 2, the coefficient of x^2 is y0 / 2 + y1 / 3 + y2 / 6 (the products of the
        // differences), that is y0 * 141 + y1 * 246 + y2 * 123.
        for ((_, value), weight) in set.iter().zip([141, 246, 123]) {
            for (sum, byte) in sums.iter_mut().zip(value) {
                let mut product = 0;
                for bit in (0..8).rev() {
                    product = (product << 1) ^ (if product & 0x80 == 0 { 0 } else { 0x1b });
                    product ^= if weight >> bit & 1 == 1 { *byte } else { 0 };
                }
                *sum ^= product;
            }
        }
        sums.iter().for_each(|sum: &u8| coefficients[usize::from(*sum)] += 1);
    }
    let expected = SETS as f64 * 32.0 / 256.0;
    for counts in shares.iter().chain([&coefficients]) {
        let terms = counts.iter().map(|count| (f64::from(*count) - expected).powi(2) / expected);
        let sum: f64 = terms.sum();
        assert!((140.0..405.0).contains(&sum), "{sum}");
    }
}
