//! The proof of constant time: runs every subject under valgrind's memcheck, which has been told what
//! is secret. One line for each function; exit code 1 if one is not as SECURITY.md says.
#![allow(missing_docs)]

use std::process::{Command, ExitCode, Stdio};

use kmshsm::constant_time::{Subject, is_watched, subjects};

const SUPPRESSIONS: &str =
    concat!(env!("CARGO_MANIFEST_DIR"), "/tests/constant_time/valgrind.supp");

/// What the program is told when it is started under valgrind.
const WATCHED: &str = "watched";

fn main() -> ExitCode {
    if std::env::args().nth(1).is_none_or(|argument| argument != WATCHED) {
        return watch();
    }
    assert!(is_watched(), "valgrind does not hear: the marks are made for x86_64");
    watched()
}

/// Starts this program once more, under valgrind.
fn watch() -> ExitCode {
    let output = Command::new("valgrind")
        .args(["-q", "--error-limit=no", "--leak-check=no", "--num-callers=24"])
        .arg(format!("--suppressions={SUPPRESSIONS}"))
        .args([std::env::current_exe().unwrap().as_os_str(), WATCHED.as_ref()])
        .stdout(Stdio::inherit())
        .stderr(Stdio::piped())
        .spawn()
        .and_then(std::process::Child::wait_with_output)
        .unwrap_or_else(|error| panic!("valgrind does not start: {error}"));
    if output.status.success() {
        return ExitCode::SUCCESS;
    }
    eprint!("{}", String::from_utf8_lossy(&output.stderr));
    ExitCode::FAILURE
}

fn watched() -> ExitCode {
    let (mut clean, mut reported, mut wrong) = (0, 0, 0);
    for subject in subjects() {
        eprintln!("== {}", subject.name);
        let outcome = subject.run();
        let is_clean = outcome.findings == 0;
        let is_right = outcome.answer.is_ok() && outcome.revealed + outcome.findings > 0;
        let word = if is_clean { "clean" } else { "reported" };
        match (is_right, is_clean == subject.leaks.is_none()) {
            (true, true) => println!("ok      {word:<8}  {}", line(subject)),
            (true, false) => println!("NOT OK  {word:<8}  {}", line(subject)),
            (false, _) if outcome.answer.is_err() => {
                println!("NOT OK  a wrong answer: {}", subject.name)
            }
            (false, _) => println!("NOT OK  no secret came through: {}", subject.name),
        }
        clean += usize::from(is_clean);
        reported += usize::from(!is_clean);
        wrong += usize::from(!is_right || is_clean != subject.leaks.is_none());
    }
    println!("constant time: {clean} clean, {reported} reported, {wrong} not as expected");
    if wrong == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn line(subject: &Subject) -> String {
    match subject.leaks {
        None => subject.name.to_owned(),
        Some(why) => format!("{} ({why})", subject.name),
    }
}
