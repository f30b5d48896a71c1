//! The keys that a page of a scan may hold.
#![forbid(unsafe_code)]

/// Keys from `from` (inclusive) to `until` (exclusive; `None`: to the end).
#[derive(Debug, PartialEq, Eq)]
pub(super) struct KeyRange {
    pub(super) from: Vec<u8>,
    pub(super) until: Option<Vec<u8>>,
}

impl KeyRange {
    /// The keys that start with `prefix` and are greater than `after` (empty: all of them).
    pub(super) fn page(prefix: &[u8], after: &[u8]) -> Self {
        let from = match !after.is_empty() && after >= prefix {
            // The least key that is greater.
            true => [after, &[0]].concat(),
            false => prefix.to_vec(),
        };
        Self { from, until: successor(prefix) }
    }

    /// Whether the key is in it.
    pub(super) fn has(&self, key: &[u8]) -> bool {
        *self.from <= *key && self.until.as_ref().is_none_or(|until| *key < **until)
    }

    /// Whether no key can be in it: `after` was past the prefix.
    pub(super) fn is_empty(&self) -> bool {
        self.until.as_ref().is_some_and(|until| *until <= self.from)
    }
}

/// The least key greater than all that start with `prefix`; none if it is all 0xff or empty.
fn successor(prefix: &[u8]) -> Option<Vec<u8>> {
    let last = prefix.iter().rposition(|byte| *byte != 0xff)?;
    let mut next = prefix.get(..=last)?.to_vec();
    *next.last_mut()? += 1;
    Some(next)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prefixes_end_where_the_next_begins() {
        assert_eq!(successor(b""), None);
        assert_eq!(successor(&[0xff, 0xff]), None);
        assert_eq!(successor(&[1, 0xff]), Some(vec![2]));
        assert_eq!(successor(b"ab"), Some(b"ac".to_vec()));
    }

    #[test]
    fn pages_begin_behind_the_last_key() {
        let page = |prefix: &[u8], after: &[u8]| KeyRange::page(prefix, after);
        assert_eq!(page(b"b", b"").from, b"b");
        assert_eq!(page(b"b", b"a").from, b"b");
        assert_eq!(page(b"b", b"b").from, b"b\0");
        assert_eq!(page(b"b", b"b5").from, b"b5\0");
        assert!(page(b"b", b"c").is_empty());
        assert!(!page(b"", b"c").is_empty());
    }
}
