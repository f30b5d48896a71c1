//! What the doctor finds, and what to do about it.
#![forbid(unsafe_code)]

use serde::Serialize;

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// As it should be.
    Ok,
    /// It could be better, or nobody knows.
    Note,
    /// It will go wrong one day, or is less safe than people expect.
    Warning,
    /// It is wrong.
    Problem,
}

impl Level {
    /// Its word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Note => "note",
            Self::Warning => "warning",
            Self::Problem => "problem",
        }
    }
}

/// What a finding is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Area {
    /// The program itself.
    Program,
    /// Memory for secrets, and who gets at it.
    Memory,
    /// What the system lets this process have.
    System,
    /// The store.
    Store,
}

impl Area {
    /// Its word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Program => "Program",
            Self::Memory => "Memory",
            Self::System => "System",
            Self::Store => "Store",
        }
    }
}

/// A finding.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Finding {
    /// What was looked at, a word that stays the same.
    pub check: &'static str,
    /// What it is about.
    pub area: Area,
    /// How bad it is.
    pub level: Level,
    /// What is the matter, for people.
    pub finding: String,
    /// What to do about it: a command, or the next best thing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remedy: Option<String>,
}

/// Findings of one area.
pub struct Findings {
    area: Area,
    /// In the order in which people read them.
    pub list: Vec<Finding>,
}

impl Findings {
    /// None yet.
    pub fn of(area: Area) -> Self {
        Self { area, list: Vec::new() }
    }

    /// Something is as it should be.
    pub fn ok(&mut self, check: &'static str, finding: impl Into<String>) {
        self.push(check, Level::Ok, finding.into(), None);
    }

    /// Something else.
    pub fn found(
        &mut self,
        check: &'static str,
        level: Level,
        finding: impl Into<String>,
        remedy: impl Into<String>,
    ) {
        self.push(check, level, finding.into(), Some(remedy.into()));
    }

    fn push(&mut self, check: &'static str, level: Level, finding: String, remedy: Option<String>) {
        let remedy = remedy.filter(|remedy| !remedy.is_empty());
        self.list.push(Finding { check, area: self.area, level, finding, remedy });
    }
}
