//! Where the commands of a test run, and what came of them.

use std::collections::BTreeSet;
use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::OnceLock;

use kmshsm::error::ErrorCode;
use serde_json::Value;
use tempfile::TempDir;

/// A directory for one test, in which its commands run.
pub struct Home(pub TempDir);

impl Home {
    pub fn empty() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    /// With the store `keys`, which the key file `keys.bin` opens: quicker than a passphrase.
    pub fn with_store() -> Self {
        let home = Self::empty();
        let made = home.run(&["init", "--store", "keys", "--key-file", "keys.bin"]);
        let told = "Made the key file keys.bin: without it nothing opens the store.\n\
                    Created a store in keys.\n";
        assert_eq!(made, Run::says(told));
        home
    }

    pub fn command(&self, args: &[&str]) -> Command {
        self.command_of(Path::new(env!("CARGO_BIN_EXE_kmshsm")), args)
    }

    /// The same with this copy of the program.
    pub fn command_of(&self, program: &Path, args: &[&str]) -> Command {
        let mut command = Command::new(program);
        command.args(args).current_dir(self.0.path()).env_clear().env("HOME", self.0.path());
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        // SAFETY: setsid is async-signal-safe and touches no memory.
        unsafe {
            // A new session has no terminal, so nothing can ask on the caller's.
            command.pre_exec(|| match libc::setsid() {
                -1 => Err(std::io::Error::last_os_error()),
                _ => Ok(()),
            });
        }
        command
    }

    /// The command with this on its standard input.
    pub fn with_input(&self, args: &[&str], input: &[u8]) -> Output {
        let mut child = self.command(args).stdin(Stdio::piped()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(input).unwrap();
        child.wait_with_output().unwrap()
    }

    pub fn run(&self, args: &[&str]) -> Run {
        run(&mut self.command(args))
    }

    /// An action on the store `keys`.
    pub fn action(&self, action: &str, args: &[&str]) -> Run {
        let place = [action, "--store", "keys", "--key-file", "keys.bin"];
        let mut command = self.command(&place);
        if action != "status" && needs_override() {
            command.arg("--allow-unprotected-memory");
        }
        run(command.args(args))
    }

    pub fn ok(&self, action: &str, args: &[&str]) -> Value {
        self.action(action, args).answer()
    }

    pub fn refuses(&self, exit: i32, code: &str, action: &str, args: &[&str]) -> Value {
        self.action(action, args).refusal(exit, code)
    }

    /// A new key at level HSM.
    pub fn key(&self, args: &[&str]) -> String {
        let answer = self.ok("CreateKey", &[&["--ProtectionLevel", "HSM"], args].concat());
        text(&answer["KeyMetadata"]["KeyId"]).to_owned()
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub fn read(&self, name: &str) -> Vec<u8> {
        fs::read(self.path(name)).unwrap()
    }

    pub fn write(&self, name: &str, bytes: &[u8]) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }

    pub fn mode(&self, name: &str) -> u32 {
        fs::metadata(self.path(name)).unwrap().permissions().mode() & 0o7777
    }

    /// The names of all files and directories, hidden ones included.
    pub fn everything(&self) -> BTreeSet<PathBuf> {
        fn walk(dir: &Path, found: &mut BTreeSet<PathBuf>) {
            for entry in fs::read_dir(dir).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    walk(&path, found);
                }
                found.insert(path);
            }
        }
        let mut found = BTreeSet::new();
        walk(self.0.path(), &mut found);
        found
    }
}

/// Whether keys at level HSM take the operator's override here.
pub fn needs_override() -> bool {
    static NEEDED: OnceLock<bool> = OnceLock::new();
    *NEEDED.get_or_init(|| Home::with_store().ok("status", &[])["hsm_keys"] != "usable")
}

#[derive(Debug, PartialEq)]
pub struct Run {
    pub code: i32,
    pub out: String,
    pub err: String,
}

pub fn run(command: &mut Command) -> Run {
    Run::of(command.output().unwrap())
}

impl Run {
    pub fn of(output: Output) -> Self {
        Self {
            code: output.status.code().expect("no signal"),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// A success that prints just this.
    pub fn says(text: &str) -> Self {
        Self { code: 0, out: text.to_owned(), err: String::new() }
    }

    /// The answer of a success.
    pub fn answer(&self) -> Value {
        assert_eq!((self.code, self.err.as_str()), (0, ""), "{}", self.out);
        serde_json::from_str(&self.out).unwrap()
    }

    /// The error of a failure: the API's JSON on standard error, nothing on standard output.
    pub fn refusal(&self, exit: i32, code: &str) -> Value {
        assert_eq!((self.code, self.out.as_str()), (exit, ""), "{}", self.err);
        let error: Value = serde_json::from_str(&self.err).unwrap();
        assert_eq!(names(&error), ["HttpStatus", "Code", "Message", "RequestId"]);
        assert_eq!(error["Code"], code, "{error}");
        let is_it = |known: &&ErrorCode| {
            known.wire_code() == code && known.number() / 100 == exit.unsigned_abs()
        };
        let known = ErrorCode::ALL.iter().find(is_it).expect("a code of that family");
        assert_eq!(error["HttpStatus"], known.http_status());
        error
    }

    /// A command line that is none: the word that it is about, on standard error.
    pub fn usage(&self, word: &str) {
        assert_eq!((self.code, self.out.as_str()), (1, ""), "{}", self.err);
        assert!(self.err.starts_with("error: ") && self.err.contains(word), "{}", self.err);
    }
}

pub fn names(value: &Value) -> Vec<&str> {
    value.as_object().unwrap().keys().map(String::as_str).collect()
}

pub fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

pub fn message(error: &Value) -> &str {
    text(&error["Message"])
}

pub fn is_uuid(value: &Value) -> bool {
    let text = text(value).replace(|c: char| c.is_ascii_digit() || ('a'..='f').contains(&c), "0");
    text == "00000000-0000-0000-0000-000000000000"
}

/// The text with 0 for every digit.
pub fn shape(text: &str) -> String {
    text.replace(|c: char| c.is_ascii_digit(), "0")
}
