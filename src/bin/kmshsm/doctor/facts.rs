//! What the rules are about. They look at nothing else, so that tests can tell them anything.
#![forbid(unsafe_code)]

use std::path::PathBuf;

use serde::Deserialize;

/// What there is to be known.
pub struct Facts {
    /// The program.
    pub program: Program,
    /// What `status` says of a store in memory, which every process can have; or why there is none.
    pub module: Result<Status, String>,
    /// The system.
    pub system: System,
    /// The store.
    pub store: Store,
}

/// The program.
#[derive(Clone)]
pub struct Program {
    /// Its version.
    pub version: String,
    /// Whose AES, RSA and P-256 it has.
    pub provider: &'static str,
    /// The version of SQLite.
    pub sqlite: &'static str,
    /// The self-tests that did not pass.
    pub failed_tests: Vec<String>,
    /// `passed`, `failed` or `not available`.
    pub integrity: String,
    /// Its file.
    pub file: String,
}

/// What `status` answers, as far as there are rules on it.
#[derive(Clone, Deserialize)]
pub struct Status {
    /// `operational` or `error`.
    pub state: String,
    /// Why.
    pub failure: Option<String>,
    /// `usable`, `overridden` or `refused`.
    pub hsm_keys: String,
    /// `writable`, `degraded` or `read-only`.
    pub store: String,
    /// `none`, `anchored` or `suspect`.
    pub rollback: String,
    /// `none`, `new`, `found`, `damaged` or `failed`.
    pub anchor: String,
    /// How often the store has been changed.
    pub generation: u64,
    /// `pending` or `done`.
    pub shred: Option<String>,
    /// The memory for secrets.
    pub memory: Memory,
}

/// The memory for secrets.
#[derive(Clone, Deserialize)]
pub struct Memory {
    /// `none`, `locked` or `secret`.
    pub protection: String,
    /// Its bytes.
    pub size: u64,
    /// Why it is not better.
    pub reasons: Vec<Reason>,
}

/// Why a protection is missing.
#[derive(Clone, Deserialize)]
pub struct Reason {
    /// The step that failed.
    pub step: String,
    /// The system's answer.
    pub errno: String,
    /// What may help.
    pub hint: String,
}

/// The system, as /proc has it. What could not be read is not there.
#[derive(Clone)]
pub struct System {
    /// The version of the kernel.
    pub kernel: Option<String>,
    /// RLIMIT_MEMLOCK, in bytes.
    pub locked_memory: Option<Limit>,
    /// RLIMIT_CORE, in bytes.
    pub core: Option<Limit>,
    /// RLIMIT_NOFILE.
    pub files: Option<Limit>,
    /// RLIMIT_NPROC: processes and threads.
    pub threads: Option<Limit>,
    /// Where memory is swapped to.
    pub swaps: Option<Vec<String>>,
    /// Yama's ptrace_scope, where there is one.
    pub ptrace_scope: Option<u8>,
    /// Bits that the kernel's generator holds.
    pub entropy: Option<u64>,
    /// Seconds since 1970.
    pub now: u64,
}

/// A soft limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Limit {
    /// So many.
    Of(u64),
    /// Any number.
    Unlimited,
}

/// The store.
pub enum Store {
    /// There is none at this place, which somebody has named or not.
    Missing {
        /// The place.
        place: PathBuf,
        /// Whether it was named.
        is_named: bool,
    },
    /// Nobody knows where it would be.
    Nowhere,
    /// There is one.
    There {
        /// What is seen from outside.
        outside: Outside,
        /// What is seen once it is open.
        inside: Inside,
    },
}

/// A store from outside.
#[derive(Clone)]
pub struct Outside {
    /// Its directory.
    pub place: PathBuf,
    /// The permissions of the directory.
    pub mode: u32,
    /// Whether it belongs to who runs this.
    pub is_own: bool,
    /// The type of the file system, as mount(8) has it.
    pub file_system: Option<String>,
    /// Bytes that are free there for who runs this.
    pub free: Option<u64>,
    /// Bytes of the database.
    pub database: Option<u64>,
    /// Bytes of the log.
    pub log: Option<u64>,
    /// The format of the database, if it is a store's.
    pub format: Option<u32>,
    /// When it was last written, in seconds since 1970.
    pub written: Option<u64>,
    /// Files with secrets that were named: path, permissions, whether it lies in the store.
    pub secrets: Vec<(PathBuf, u32, bool)>,
    /// Whether the anchor was named, and is on the same file system.
    pub anchor_is_beside: bool,
}

/// A store from inside.
pub enum Inside {
    /// It is open: its status, and how many secrets open it.
    Open {
        /// What `status` answers.
        status: Box<Status>,
        /// Its unlock slots.
        slots: usize,
    },
    /// There was no secret.
    Closed,
    /// It is not private, so it is not opened.
    NotTried,
    /// It does not open.
    Failed {
        /// The API's code.
        code: String,
        /// Why.
        why: String,
    },
}
