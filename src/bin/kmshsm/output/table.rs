//! Answers as tables: values by their names, and a table for each list.
#![forbid(unsafe_code)]

use serde_json::Value;
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use super::stream::{Stream, Tone};
use super::visible::{visible, visible_lines};

/// Rows of cells.
pub type Rows = Vec<Vec<String>>;

/// What stands between columns.
const GAP: usize = 2;

/// How narrow a column is made. Where that is not enough, rows become blocks.
const NARROWEST: usize = 12;

/// An answer.
pub fn answer(value: &Value, stream: Stream) -> String {
    let (mut values, mut tables) = (Vec::new(), Vec::new());
    flatten("", value, &mut values, &mut tables);
    let mut text = pairs(&values, stream);
    for (name, items) in tables {
        let heading = stream.paint(Tone::Heading, &visible(&name));
        text.push_str(&format!("\n{heading}\n{}", of_objects(items, stream)));
    }
    text
}

/// Sorts an answer into single values, by their path, and lists of objects.
fn flatten<'a>(
    path: &str,
    value: &'a Value,
    values: &mut Rows,
    tables: &mut Vec<(String, &'a [Value])>,
) {
    let below =
        |name: &str| if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                flatten(&below(name), member, values, tables);
            }
        }
        Value::Array(items) if items.iter().any(Value::is_object) => {
            tables.push((path.to_owned(), items));
        }
        single => values.push(vec![path.to_owned(), cell(single)]),
    }
}

/// One column for each name that any of them has.
fn of_objects(items: &[Value], stream: Stream) -> String {
    let mut names: Vec<&String> = Vec::new();
    for name in items.iter().filter_map(Value::as_object).flat_map(|item| item.keys()) {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    let row = |item: &Value| -> Vec<String> {
        names.iter().map(|name| item.get(name).map_or(String::new(), cell)).collect()
    };
    let rows = items.iter().map(row).collect();
    let names: Vec<_> = names.iter().map(|name| name.as_str()).collect();
    list(&names, &rows, stream)
}

fn cell(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(items) => items.iter().map(cell).collect::<Vec<_>>().join(", "),
        other => other.to_string(),
    }
}

/// Names, and what they stand for: lines of a text stay lines, below each other.
pub fn pairs(rows: &Rows, stream: Stream) -> String {
    let names = rows.iter().filter_map(|row| row.first()).map(|name| visible(name));
    let names: Vec<_> = names.collect();
    let widest = names.iter().map(|name| name.width()).max().unwrap_or(0);
    let room = stream.width.map(|width| width.saturating_sub(widest + GAP).max(NARROWEST));
    let mut text = String::new();
    for (name, row) in names.iter().zip(rows) {
        let value = visible_lines(row.get(1).map(String::as_str).unwrap_or_default());
        let tone = tone(&value);
        let lines = value.lines().flat_map(|line| wrap(line, room));
        let mut label = name.as_str();
        for line in lines.chain(value.is_empty().then(String::new)) {
            let label = padded(std::mem::take(&mut label), widest, stream, Tone::Name);
            let line = format!("{label}{:GAP$}{}", "", stream.paint(tone, &line));
            text.push_str(line.trim_end());
            text.push('\n');
        }
    }
    text
}

/// A list with a line for each row, or with a block for each where lines would be too narrow.
pub fn list(names: &[&str], rows: &Rows, stream: Stream) -> String {
    let rows: Rows =
        rows.iter().map(|row| row.iter().map(|cell| visible(cell)).collect()).collect();
    let longest =
        |at: usize| rows.iter().filter_map(|row| row.get(at)).map(|cell| cell.width()).max();
    let widths = names.iter().enumerate();
    let widths = widths.map(|(at, name)| name.width().max(longest(at).unwrap_or(0))).collect();
    let Some(widths) = fit(widths, stream.width) else { return blocks(names, &rows, stream) };
    let names = names.iter().map(|name| (*name).to_owned()).collect();
    let mut text = String::new();
    line(&names, &widths, stream, |_| Tone::Heading, &mut text);
    for row in &rows {
        line(row, &widths, stream, tone, &mut text);
    }
    text
}

/// Takes from the widest columns until all fit. None if that leaves them too narrow.
fn fit(mut widths: Vec<usize>, room: Option<usize>) -> Option<Vec<usize>> {
    let gaps = GAP * widths.len().saturating_sub(1);
    while room.is_some_and(|room| widths.iter().sum::<usize>() + gaps > room) {
        let widest = widths.iter_mut().max().filter(|widest| **widest > NARROWEST)?;
        *widest -= 1;
    }
    Some(widths)
}

fn blocks(names: &[&str], rows: &Rows, stream: Stream) -> String {
    let block = |row: &Vec<String>| {
        let cells = names.iter().zip(row).filter(|(_, cell)| !cell.is_empty());
        pairs(&cells.map(|(name, cell)| vec![(*name).to_owned(), cell.clone()]).collect(), stream)
    };
    rows.iter().map(block).collect::<Vec<_>>().join("\n")
}

/// A row: as many lines as its longest cell needs.
fn line(
    row: &Vec<String>,
    widths: &[usize],
    stream: Stream,
    tone: impl Fn(&str) -> Tone,
    text: &mut String,
) {
    let cells = row.iter().zip(widths);
    let cells: Vec<_> = cells.map(|(cell, width)| wrap(cell, Some(*width))).collect();
    for at in 0..cells.iter().map(Vec::len).max().unwrap_or(0) {
        let parts = cells.iter().zip(widths).zip(row).map(|((lines, width), whole)| {
            let part = lines.get(at).map(String::as_str).unwrap_or_default();
            padded(part, *width, stream, tone(whole))
        });
        text.push_str(parts.collect::<Vec<_>>().join(&" ".repeat(GAP)).trim_end());
        text.push('\n');
    }
}

/// The text with spaces behind it, which have no colour.
fn padded(text: &str, width: usize, stream: Stream, tone: Tone) -> String {
    format!("{}{}", stream.paint(tone, text), " ".repeat(width.saturating_sub(text.width())))
}

/// The text in lines of so many columns, broken at spaces where there are some.
pub fn wrap(text: &str, room: Option<usize>) -> Vec<String> {
    let Some(room) = room else { return vec![text.to_owned()] };
    let (mut lines, mut line, mut taken) = (Vec::new(), String::new(), 0);
    for c in text.chars() {
        let width = c.width().unwrap_or(0);
        if taken + width > room && !line.is_empty() {
            let rest = match line.rfind(' ').filter(|at| *at > 0 && c != ' ') {
                Some(space) => line.split_off(space).trim_start().to_owned(),
                None => String::new(),
            };
            taken = rest.width();
            lines.push(std::mem::replace(&mut line, rest));
            if c == ' ' && line.is_empty() {
                continue;
            }
        }
        line.push(c);
        taken += width;
    }
    lines.push(line);
    lines
}

/// The words that say how something stands.
fn tone(value: &str) -> Tone {
    match value {
        "Enabled" | "Active" | "Allow" | "ok" | "passed" | "approved" | "usable"
        | "operational" | "writable" | "anchored" => Tone::Good,
        "Disabled" | "Inactive" | "PendingImport" | "warning" | "allowed" | "overridden"
        | "read-only" | "not available" => Tone::Odd,
        "PendingDeletion" | "Deny" | "ImplicitDeny" | "problem" | "failed" | "refused"
        | "suspect" | "degraded" | "damaged" | "error" => Tone::Bad,
        _ => Tone::Plain,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn wide_characters_take_two_columns() {
        let rows = vec![vec!["华东1".to_owned(), "x".to_owned()], vec!["a".to_owned(), "y".into()]];
        let text = list(&["name", "b"], &rows, Stream::plain(None));
        assert_eq!(text, "name   b\n华东1  x\na      y\n");
        assert_eq!(wrap("密钥管理服务", Some(5)), ["密钥", "管理", "服务"]);
    }

    #[test]
    fn lines_break_at_spaces_or_anywhere() {
        assert_eq!(wrap("one two three", Some(9)), ["one two", "three"]);
        assert_eq!(wrap("abcdefghij", Some(4)), ["abcd", "efgh", "ij"]);
        assert_eq!(wrap("abcd efgh", Some(4)), ["abcd", "efgh"]);
        assert_eq!(wrap("a bcdefghij", Some(6)), ["a", "bcdefg", "hij"]);
        assert_eq!(wrap("", Some(4)), [""]);
        assert_eq!(wrap("a long text", None), ["a long text"]);
    }

    #[test]
    fn lists_become_narrower_and_then_blocks() {
        let value = json!({"List": [
            {"Id": "0123456789", "Text": "one two three four five six"},
            {"Id": "1", "More": true},
        ]});
        let of = |width| answer(&value, Stream::plain(Some(width)));
        let wide = "\nList\n\
            Id          Text                         More\n\
            0123456789  one two three four five six\n\
            1                                        true\n";
        assert_eq!(of(80), wide);
        let narrower = "\nList\n\
            Id          Text              More\n\
            0123456789  one two three\n\
            \x20           four five six\n\
            1                             true\n";
        assert_eq!(of(34), narrower);
        let blocks = "\nList\n\
            Id    0123456789\n\
            Text  one two three\n\
            \x20     four five six\n\
            \n\
            Id    1\n\
            More  true\n";
        assert_eq!(of(20), blocks);
    }

    /// What continues a value stands below it, so it cannot pass for another row.
    #[test]
    fn lines_of_a_value_stay_below_each_other() {
        let value = json!({"Key": "a\nState  Enabled\x1b[0m", "State": "Disabled"});
        let expected = "Key    a\n       State  Enabled\\u001b[0m\nState  Disabled\n";
        assert_eq!(answer(&value, Stream::plain(None)), expected);
        let list = json!([{"A": "a\nb"}]);
        assert_eq!(answer(&list, Stream::plain(None)), "\n\nA\na\\nb\n");
    }
}
