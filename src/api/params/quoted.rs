//! Texts of JSON (RFC 8259, 7), read here since they may be secrets: serde_json leaves a copy of what has
//! escapes in it behind, as of a private key in PEM.
#![forbid(unsafe_code)]

use std::str::Chars;

use serde_json::value::RawValue;
use zeroize::Zeroizing;

/// The text that a JSON value is; `None` if it is none, or half a surrogate pair is in it.
pub(in crate::api) fn unquoted(value: &RawValue) -> Option<Zeroizing<String>> {
    let mut rest = value.get().strip_prefix('"')?.strip_suffix('"')?;
    // An escape is longer than what it stands for, so this never grows.
    let mut text = Zeroizing::new(String::with_capacity(rest.len()));
    while let Some((before, escaped)) = rest.split_once('\\') {
        text.push_str(before);
        let mut escaped = escaped.chars();
        text.push(match escaped.next()? {
            'b' => '\u{8}',
            'f' => '\u{c}',
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            'u' => character(&mut escaped)?,
            itself => itself,
        });
        rest = escaped.as_str();
    }
    text.push_str(rest);
    Some(text)
}

/// One character, of one or two units of UTF-16.
fn character(escaped: &mut Chars<'_>) -> Option<char> {
    let first = unit(escaped)?;
    if !(0xd800..0xdc00).contains(&first) {
        return char::from_u32(first.into());
    }
    *escaped = escaped.as_str().strip_prefix("\\u")?.chars();
    char::decode_utf16([first, unit(escaped)?]).next()?.ok()
}

fn unit(escaped: &mut Chars<'_>) -> Option<u16> {
    let (digits, rest) = escaped.as_str().split_at_checked(4)?;
    *escaped = rest.chars();
    u16::from_str_radix(digits, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As serde_json reads them.
    #[test]
    fn escapes() {
        for json in [
            r#""""#,
            r#""plain""#,
            r#""-----BEGIN PRIVATE KEY-----\nAA==\n""#,
            r#""\"\\\/\b\f\n\r\t""#,
            r#""\u0041\u00e9\u20ac\ud83d\ude00é€😀\\u0041""#,
            r#""\u0000end""#,
        ] {
            let raw: &RawValue = serde_json::from_str(json).unwrap();
            let text = unquoted(raw).unwrap();
            assert_eq!(*text, serde_json::from_str::<String>(json).unwrap());
            assert!(text.capacity() < json.len());
        }
    }

    #[test]
    fn what_is_no_text() {
        for json in [r#""\ud83d""#, r#""\ud83dx""#, r#""\ude00""#, r#""\ud83d\u0041""#, "7", "[]"] {
            let raw: &RawValue = serde_json::from_str(json).unwrap();
            assert!(unquoted(raw).is_none(), "{json}");
        }
    }
}
