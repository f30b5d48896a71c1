//! The matcher: against a naive one, and in its worst cases.

use super::naive::{Random, like};
use crate::policy::pattern::{Case, MAX_SUBJECT, Pattern};

/// Texts of two letters of one byte, and characters of two, three and four.
fn text(random: &mut Random, letters: &[char], most: u64) -> String {
    let len = random.below(most + 1);
    (0..len).map(|_| *random.of(letters)).collect()
}

#[test]
fn patterns_match_what_naive_ones_match() {
    let mut random = Random(14);
    let mut matched = 0;
    for _ in 0..100_000 {
        let pattern = text(&mut random, &['*', '*', '?', 'a', 'b', 'é', '密', '🔑'], 8);
        let subject = text(&mut random, &['a', 'b', 'é', '密', '🔑'], 8);
        let (of, on): (Vec<_>, Vec<_>) = (pattern.chars().collect(), subject.chars().collect());
        let expected = like(&of, &on);
        let found = Pattern::new(&pattern, Case::Sensitive).matches(&subject);
        assert_eq!(found, expected, "{pattern:?} on {subject:?}");
        matched += usize::from(found);
    }
    assert!(matched > 5000, "only {matched} matched");
}

#[test]
fn a_question_mark_is_one_character() {
    let matches = |pattern: &str, on: &str| Pattern::new(pattern, Case::Sensitive).matches(on);
    assert!(matches("?", "密") && matches("a?c", "a🔑c") && matches("*?", "é"));
    assert!(
        !matches("??", "密") && !matches("?", "") && !matches("a?", "a") && !matches("*??", "🔑")
    );
    // What comes after a `*` is not looked for in the middle of a character.
    assert!(!matches("*???", "密") && !matches("*?é", "é"));
}

#[test]
fn only_the_case_of_ascii_is_ignored() {
    let matches = |pattern: &str, on: &str| Pattern::new(pattern, Case::Insensitive).matches(on);
    assert!(matches("KMS:*crypt", "kms:EnCRYPT") && matches("kms:é", "KMS:é"));
    assert!(!matches("é", "É") && !matches("k", "\u{212a}"));
}

fn steps(pattern: &str, subject: &str) -> (bool, usize) {
    let mut steps = 0;
    let matches = Pattern::new(pattern, Case::Sensitive).matches_counting(subject, || steps += 1);
    (matches, steps)
}

/// 32 KiB of `a*a*...`, on itself without stars: every step gets on in one of them.
#[test]
fn many_stars_take_linear_time() {
    let n = 32 * 1024;
    let stars = "a*".repeat(n / 2);
    for (pattern, subject, matches) in [
        (stars.clone(), "a".repeat(n), true),
        (format!("{stars}b"), "a".repeat(n), false),
        (format!("{stars}b"), format!("{}b", "a".repeat(n)), true),
        (stars.replace('a', "?"), "密".repeat(n), true),
        ("*".repeat(n), "a".repeat(n), true),
    ] {
        let (found, steps) = steps(&pattern, &subject);
        assert_eq!(found, matches);
        assert!(steps <= pattern.len() + 2 * subject.len(), "{steps} steps");
    }
}

/// The worst is one long part after a `*` that nearly fits everywhere: for what may be asked, no more
/// than a quarter of the square of its length.
#[test]
fn the_worst_part_takes_a_quarter_of_the_square() {
    let n = MAX_SUBJECT;
    let subject = "a".repeat(n);
    for with in ["a", "?", "a?"] {
        let most = (1..n).step_by(17).map(|len| {
            let part = with.repeat(len.div_ceil(with.len()));
            let (found, steps) = steps(&format!("*{part}b*"), &subject);
            assert!(!found);
            steps
        });
        let most = most.max().unwrap();
        assert!(most > n * n / 5 && most <= n * n / 4 + 2 * n, "{with}: {most} steps");
    }
}

/// What cannot fit is not looked for.
#[test]
fn patterns_longer_than_the_text_take_no_step() {
    assert_eq!(steps(&format!("*{}*", "a".repeat(1025)), &"a".repeat(1024)), (false, 0));
}
