//! What the manual says of commands and options: their own help, as man(7) has it.
#![forbid(unsafe_code)]

use clap::{Arg, Command};
use kmshsm::health::VERSION;
use roff::{Inline, Roff, bold, italic, roman};

use super::examples::EXAMPLES;
use crate::command::with_session;
use crate::output::table::wrap;

/// When the manual was last looked through.
pub const DATE: &str = "2026-11-22";

/// A command with those below it.
pub fn command(command: &Command) -> String {
    let name = command.get_name();
    let mut page = Roff::new();
    let source = format!("kmshsm {VERSION}");
    let title = format!("KMSHSM-{}", name.to_uppercase());
    page.control("TH", [&*title, "1", DATE, &source, "libkmshsm"]);
    page.control("SH", ["NAME"]);
    page.text([roman(format!("kmshsm-{name} - {}", uncapitalized(&about(command))))]);
    page.control("SH", ["SYNOPSIS"]);
    for (at, form) in forms(command, "kmshsm").into_iter().enumerate() {
        if at > 0 {
            page.control("br", []);
        }
        page.text(form);
    }
    page.control("SH", ["DESCRIPTION"]);
    described(command, &mut page);
    if command.has_subcommands() {
        page.control("SH", ["COMMANDS"]);
        for below in command.get_subcommands() {
            page.control("SS", [&*format!("kmshsm {name} {}", below.get_name())]);
            described(below, &mut page);
            own(below).for_each(|option| item(option, &mut page));
        }
    }
    page.control("SH", ["OPTIONS"]);
    own(command).for_each(|option| item(option, &mut page));
    if own(command).next().is_some() {
        page.control("PP", []);
    }
    page.text([roman("What many commands take, such as "), bold("--store"), roman(" and")]);
    page.text([bold("--key-file"), roman(", is in "), bold("kmshsm"), roman("(1).")]);
    examples(name, &mut page);
    page.control("SH", ["SEE ALSO"]);
    page.text([bold("kmshsm"), roman("(1), "), bold("kmshsm-actions"), roman("(1)")]);
    page.to_roff()
}

/// An action, with its parameters.
pub fn action(action: &Command) -> String {
    let mut page = Roff::new();
    page.control("SS", [action.get_name()]);
    prose(&about(action), &mut page);
    own(action).for_each(|option| item(option, &mut page));
    page.to_roff()
}

/// The names of commands, and what they do.
pub fn names(commands: &[&Command]) -> String {
    let mut list = Roff::new();
    for command in commands {
        list.control("TP", []);
        list.text([bold(format!("kmshsm-{}", command.get_name())), roman("(1)")]);
        prose(&sentence(about(command)), &mut list);
    }
    list.to_roff()
}

/// The options that many commands have.
pub fn common_options() -> String {
    let mut list = Roff::new();
    with_session(Command::new("")).get_arguments().for_each(|option| item(option, &mut list));
    list.to_roff()
}

/// What only this command takes.
fn own(command: &Command) -> impl Iterator<Item = &Arg> {
    let many = with_session(Command::new(""));
    let many: Vec<_> = many.get_arguments().map(|option| option.get_id().clone()).collect();
    let is_own = move |option: &&Arg| {
        let id = option.get_id();
        id != "help" && !option.is_hide_set() && !many.contains(id)
    };
    command.get_arguments().filter(is_own)
}

/// How it is called: one line, or one for each command below.
fn forms(command: &Command, before: &str) -> Vec<Vec<Inline>> {
    let name = format!("{before} {}", command.get_name());
    if command.has_subcommands() {
        return command.get_subcommands().flat_map(|below| forms(below, &name)).collect();
    }
    let mut form = vec![bold(name), roman(" ["), italic("options"), roman("]")];
    for option in own(command).filter(|option| option.is_required_set() && !option.is_positional())
    {
        form.push(roman(" "));
        form.extend(head(option));
    }
    for positional in command.get_positionals() {
        let (open, close) = if positional.is_required_set() { (" ", "") } else { (" [", "]") };
        form.extend([roman(open), italic(value_of(positional)), roman(close)]);
    }
    vec![form]
}

fn about(command: &Command) -> String {
    command.get_about().map(ToString::to_string).unwrap_or_default()
}

/// A text in lines that people can read in the source, too.
fn prose(text: &str, page: &mut Roff) {
    const WIDTH: usize = 72;
    let words: Vec<_> = text.split_whitespace().collect();
    for line in wrap(&words.join(" "), Some(WIDTH)) {
        page.text([roman(line)]);
    }
}

/// What it does, in paragraphs.
fn described(command: &Command, page: &mut Roff) {
    prose(&sentence(about(command)), page);
    let more = command.get_after_help().map(ToString::to_string).unwrap_or_default();
    for paragraph in more.split("\n\n").filter(|paragraph| !paragraph.is_empty()) {
        page.control("PP", []);
        prose(paragraph, page);
    }
}

/// An option, its value and its help.
fn item(option: &Arg, page: &mut Roff) {
    page.control("TP", []);
    page.text(head(option));
    let mut help = sentence(option.get_help().map(ToString::to_string).unwrap_or_default());
    let words = option.get_possible_values();
    if option.get_action().takes_values() && !words.is_empty() && value_of(option) != "true|false" {
        let words: Vec<_> = words.iter().map(|word| word.get_name()).collect();
        help.push_str(&format!(" One of: {}.", words.join(", ")));
    }
    if let ([default], true) = (option.get_default_values(), option.get_action().takes_values()) {
        help.push_str(&format!(" Default: {}.", default.to_string_lossy()));
    }
    if let Some(variable) = option.get_env() {
        help.push_str(&format!(" Variable: {}.", variable.to_string_lossy()));
    }
    prose(&help, page);
}

fn head(option: &Arg) -> Vec<Inline> {
    if option.is_positional() {
        return vec![italic(value_of(option))];
    }
    let name = bold(format!("--{}", option.get_long().unwrap_or_default()));
    match option.get_action().takes_values() {
        true => vec![name, roman(" "), italic(value_of(option))],
        false => vec![name],
    }
}

fn value_of(option: &Arg) -> String {
    let named = option.get_value_names().and_then(|names| names.first());
    named.map_or_else(|| option.get_id().as_str().to_uppercase(), ToString::to_string)
}

fn examples(name: &str, page: &mut Roff) {
    let mut lines = EXAMPLES.iter().filter(|(command, _)| *command == name).peekable();
    if lines.peek().is_none() {
        return;
    }
    page.control("SH", ["EXAMPLES"]);
    page.control("EX", []);
    for (_, line) in lines {
        page.text([roman(*line)]);
    }
    page.control("EE", []);
}

/// Help has no full stop where it is one sentence.
fn sentence(mut text: String) -> String {
    if !text.ends_with('.') {
        text.push('.');
    }
    text
}

fn uncapitalized(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or(String::new(), |first| first.to_lowercase().chain(letters).collect())
}
