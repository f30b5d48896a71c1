//! The script for fish: clap_complete's, with what it says alike of several commands said once.
#![forbid(unsafe_code)]

use std::collections::BTreeMap;

/// How a statement begins.
const OPENING: &str = "\ncomplete -c kmshsm -n \"";

/// A list of commands that has a name of its own is longer than this.
const SHORT: usize = 3;

/// What is said of a command: its condition without the command's name, and all behind the condition.
type Said<'a> = (&'a str, &'a str);

/// A script of clap_complete, with its statements put together.
pub fn joined(script: &str) -> String {
    let mut statements = script.split(OPENING);
    let mut out = statements.next().unwrap_or_default().to_owned();
    let (mut places, mut groups) = (BTreeMap::new(), Vec::<(Said<'_>, Vec<&str>)>::new());
    for statement in statements {
        let (condition, rest) = statement.split_once('"').unwrap_or((statement, ""));
        // It ends in the name of the command, or in the names of those that must not be there.
        let (said, name) = match condition.rsplit_once(' ') {
            Some((before, name)) if !before.contains("and not ") => ((before, rest), name),
            _ => ((condition, rest), ""),
        };
        let place = *places.entry(said).or_insert(groups.len());
        match groups.get_mut(place) {
            Some((_, names)) => names.push(name),
            None => groups.push((said, vec![name])),
        }
    }
    let mut lists = BTreeMap::new();
    for (_, names) in groups.iter().filter(|(_, names)| names.len() > SHORT) {
        let next = lists.len();
        if !lists.contains_key(names) {
            lists.insert(names.clone(), format!("$commands_{next}"));
            out.push_str(&format!("\nset -l commands_{next} {}", names.join(" ")));
        }
    }
    for ((condition, rest), names) in groups {
        let names = lists.get(&names).cloned().unwrap_or_else(|| names.join(" "));
        let condition = format!("{condition} {names}");
        out.push_str(&format!("{OPENING}{}\"{rest}", condition.trim_end()));
    }
    out
}
