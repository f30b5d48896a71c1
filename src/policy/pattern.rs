//! Texts with wildcards: `*` is any run of characters, also none, `?` is one character.

/// The longest text that is held against patterns, in bytes: a tag of 128 characters; ARNs are shorter. A
/// match takes as many steps as a quarter of its square at most, and one for each `*`.
pub const MAX_SUBJECT: usize = 512;

/// A pattern, ready to be matched.
#[derive(Clone, Debug)]
pub struct Pattern {
    text: Box<str>,
    /// How many bytes stand before the first wildcard.
    head: usize,
    /// How many bytes a text must have at least.
    least: usize,
    case: Case,
}

/// Whether the case of letters counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Case {
    /// It does.
    Sensitive,
    /// It does not, for the letters of ASCII.
    Insensitive,
}

impl Case {
    fn same(self, one: u8, other: u8) -> bool {
        one == other || self == Self::Insensitive && one.eq_ignore_ascii_case(&other)
    }
}

impl Pattern {
    /// The pattern that `text` writes; every text is one.
    pub fn new(text: &str, case: Case) -> Self {
        let head = text.find(['*', '?']).unwrap_or(text.len());
        let least = text.bytes().filter(|byte| *byte != b'*').count();
        Self { text: text.into(), head, least, case }
    }

    /// Whether all of `subject` is what the pattern describes.
    pub fn matches(&self, subject: &str) -> bool {
        self.matches_counting(subject, || {})
    }

    /// The same, and calls `step` for every step of the search.
    ///
    /// What follows a `*` is looked for from left to right: what comes after the first place where it
    /// fits can only have more room than after a later one, so there is no way back beyond the last `*`.
    pub(super) fn matches_counting(&self, subject: &str, mut step: impl FnMut()) -> bool {
        if subject.len() < self.least {
            return false;
        }
        let (Some((head, pattern)), Some((start, subject))) = (
            self.text.as_bytes().split_at_checked(self.head),
            subject.as_bytes().split_at_checked(self.head),
        ) else {
            return false;
        };
        if !head.iter().zip(start).all(|(one, other)| self.case.same(*one, *other)) {
            return false;
        }
        if pattern == b"*" {
            return true;
        }
        let (mut at, mut of) = (0, 0);
        // Where the part after the last `*` begins, and where in the subject it is tried.
        let mut last: Option<(usize, usize)> = None;
        while let Some(byte) = subject.get(at) {
            step();
            match pattern.get(of) {
                Some(b'*') => {
                    of += 1;
                    last = Some((of, at));
                    continue;
                }
                Some(b'?') => {
                    (at, of) = (at + width(*byte), of + 1);
                    continue;
                }
                Some(wanted) if self.case.same(*wanted, *byte) => {
                    (at, of) = (at + 1, of + 1);
                    continue;
                }
                _ => {}
            }
            let Some((after, tried)) = &mut last else { return false };
            *tried += subject.get(*tried).map_or(1, |byte| width(*byte));
            (of, at) = (*after, *tried);
        }
        pattern.get(of..).is_some_and(|rest| rest.iter().all(|byte| *byte == b'*'))
    }
}

/// How many bytes the character has that begins with this byte (RFC 3629, section 3).
const fn width(first: u8) -> usize {
    match first {
        0xf0.. => 4,
        0xe0.. => 3,
        0xc0.. => 2,
        _ => 1,
    }
}
