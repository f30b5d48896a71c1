//! Texts that a terminal shows and does not obey: answers hold what callers wrote, and a description must
//! neither move the cursor nor turn the line around.
#![forbid(unsafe_code)]

/// The text with `\u001b` and the like for what is no character to be seen. Both in JSON, where that is
/// the same text, and in tables.
pub fn visible(text: &str) -> String {
    escaped(text, is_hidden)
}

/// The same for a text of several lines.
pub fn visible_lines(text: &str) -> String {
    escaped(text, |c| c != '\n' && is_hidden(c))
}

fn escaped(text: &str, is_hidden: impl Fn(char) -> bool) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            c if !is_hidden(c) => shown.push(c),
            '\n' => shown.push_str("\\n"),
            '\t' => shown.push_str("\\t"),
            c => shown.push_str(&format!("\\u{:04x}", u32::from(c))),
        }
    }
    shown
}

/// C0, DEL, C1 (ECMA-48), line and paragraph separators, and what changes the direction of what follows
/// (Unicode UAX #9).
fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_obeyed() {
        assert_eq!(visible("a\x1b[31mb\r\n\tc"), r"a\u001b[31mb\u000d\n\tc");
        assert_eq!(visible("\u{9b}2J\u{7f}"), r"\u009b2J\u007f");
        assert_eq!(visible("x\u{202e}y\u{2066}z"), r"x\u202ey\u2066z");
        assert_eq!(visible_lines("a\nb\x07"), "a\nb\\u0007");
        for untouched in ["密钥 Grüße 🔑", "\\u001b", "e\u{301}"] {
            assert_eq!(visible(untouched), untouched);
        }
    }
}
