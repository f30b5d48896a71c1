//! The two streams of a command: whether people look at them, in colours or without, and how wide they are.
#![forbid(unsafe_code)]

use std::io::{IsTerminal, stderr, stdout};
use std::os::fd::AsFd;

use crate::system;

/// How wide a terminal is that does not say so.
const USUAL_WIDTH: usize = 80;

/// When there are colours, as `--color` says it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Colour {
    /// On terminals that have them, unless the environment objects.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

impl Colour {
    /// Reads the option's word.
    pub fn parse(word: &str) -> Self {
        match word {
            "always" => Self::Always,
            "never" => Self::Never,
            _ => Self::Auto,
        }
    }

    /// Whether a stream has colours: <https://no-color.org> comes before <https://bixense.com/clicolors>.
    fn holds(self, is_terminal: bool, variable: impl Fn(&str) -> Option<String>) -> bool {
        let is = |name: &str, value: &str| variable(name).is_some_and(|found| found == value);
        let is_set = |name: &str| variable(name).is_some_and(|value| !value.is_empty());
        match self {
            Self::Always => true,
            Self::Never => false,
            Self::Auto if is_set("NO_COLOR") => false,
            Self::Auto if is_set("CLICOLOR_FORCE") && !is("CLICOLOR_FORCE", "0") => true,
            Self::Auto => {
                is_terminal && is_set("TERM") && !is("TERM", "dumb") && !is("CLICOLOR", "0")
            }
        }
    }
}

/// What a text is, for its colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    /// A heading.
    Heading,
    /// The name of a value.
    Name,
    /// As it should be.
    Good,
    /// Worth a look.
    Odd,
    /// Wrong.
    Bad,
    /// Any other text.
    Plain,
}

impl Tone {
    /// SGR of ECMA-48, in the eight colours that every terminal has.
    fn code(self) -> &'static str {
        match self {
            Self::Heading => "1",
            Self::Name => "36",
            Self::Good => "32",
            Self::Odd => "33",
            Self::Bad => "1;31",
            Self::Plain => "",
        }
    }
}

/// A stream, as far as printing needs to know it.
#[derive(Clone, Copy, Debug)]
pub struct Stream {
    /// Whether it is a terminal.
    pub is_terminal: bool,
    is_coloured: bool,
    /// How many columns it has; unlimited if it is no terminal.
    pub width: Option<usize>,
}

impl Stream {
    /// Standard output.
    pub fn stdout(colour: Colour) -> Self {
        Self::of(&stdout(), colour)
    }

    /// Standard error.
    pub fn stderr(colour: Colour) -> Self {
        Self::of(&stderr(), colour)
    }

    fn of(stream: &(impl IsTerminal + AsFd), colour: Colour) -> Self {
        let is_terminal = stream.is_terminal();
        let variable = |name: &str| std::env::var(name).ok();
        let told = || variable("COLUMNS").and_then(|columns| columns.parse().ok());
        let width = || told().or_else(|| system::columns(stream)).filter(|width| *width > 0);
        Self {
            is_terminal,
            is_coloured: colour.holds(is_terminal, variable),
            width: is_terminal.then(|| width().unwrap_or(USUAL_WIDTH)),
        }
    }

    /// Whether a line can be drawn over.
    pub fn can_redraw(self) -> bool {
        self.is_terminal && std::env::var("TERM").is_ok_and(|term| term != "dumb")
    }

    /// The text in its colour.
    pub fn paint(self, tone: Tone, text: &str) -> String {
        match self.is_coloured && tone != Tone::Plain && !text.is_empty() {
            true => format!("\x1b[{}m{text}\x1b[0m", tone.code()),
            false => text.to_owned(),
        }
    }

    /// A stream of that width without colours.
    #[cfg(test)]
    pub fn plain(width: Option<usize>) -> Self {
        Self { is_terminal: width.is_some(), is_coloured: false, width }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_environment_chooses_colours() {
        let holds = |colour: Colour, is_terminal, variables: &[(&str, &str)]| {
            let find = |name: &str| variables.iter().find(|(known, _)| *known == name);
            colour.holds(is_terminal, |name| find(name).map(|(_, value)| (*value).to_owned()))
        };
        let term = ("TERM", "xterm");
        for (is_terminal, variables, expected) in [
            (true, &[term][..], true),
            (false, &[term], false),
            (true, &[], false),
            (true, &[("TERM", "dumb")], false),
            (true, &[term, ("NO_COLOR", "1")], false),
            (true, &[term, ("NO_COLOR", "")], true),
            (true, &[term, ("CLICOLOR", "0")], false),
            (true, &[term, ("CLICOLOR", "1")], true),
            (false, &[("CLICOLOR_FORCE", "1")], true),
            (false, &[("CLICOLOR_FORCE", "0")], false),
            (false, &[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")], false),
        ] {
            assert_eq!(holds(Colour::Auto, is_terminal, variables), expected, "{variables:?}");
            assert!(holds(Colour::Always, is_terminal, variables));
            assert!(!holds(Colour::Never, is_terminal, variables));
        }
    }
}
