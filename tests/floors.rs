//! Imports point down only. Rust allows cycles between modules; this test does not.

use std::path::{Path, PathBuf};

/// The modules of each floor, lowest first. Neighbours are strangers to each other.
const FLOORS: [&[&str]; 6] = [
    &["error", "fork", "health", "octets", "secret", "thread"],
    &["claims", "model", "crypto"],
    &["audit", "hsm", "keystore", "policy", "softhsm"],
    &["kms"],
    &["api"],
    &["ffi", "constant_time", "primitives"],
];

#[test]
fn imports_point_down() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut offences = Vec::new();
    for file in rust_files(&src) {
        let relative = file.strip_prefix(&src).unwrap();
        let Some((module, floor)) = place(relative) else { continue };
        let text = std::fs::read_to_string(&file).unwrap();
        for used in imports(&text) {
            // On the lowest floor, all may use error.
            let is_fine =
                used == module || floor_of(&used) < floor || floor == 0 && used == "error";
            if !is_fine {
                offences.push(format!("{} imports crate::{used}", relative.display()));
            }
        }
    }
    assert!(offences.is_empty(), "{}", offences.join("\n"));
}

/// Every module of the crate has a floor.
#[test]
fn every_module_has_a_floor() {
    let lib = include_str!("../src/lib.rs");
    let modules = lib
        .lines()
        .filter_map(|line| line.strip_suffix(';')?.split_once("mod ").map(|(_, name)| name));
    let modules: Vec<_> = modules.collect();
    assert!(modules.len() > 5);
    for module in modules {
        assert!(FLOORS.iter().any(|floor| floor.contains(&module)), "{module} has no floor");
    }
}

/// The test itself: an import from above is seen, alone, in code and in one pair of braces.
#[test]
fn an_upward_import_is_seen() {
    let text = "use crate::kms::Kms;\nlet x = crate::api::y();\nuse crate::{ffi, error::Error};";
    assert_eq!(imports(text), ["kms", "api", "ffi", "error"]);
}

fn place(relative: &Path) -> Option<(String, usize)> {
    let first = relative.components().next()?.as_os_str().to_str()?;
    let module = first.trim_end_matches(".rs").to_owned();
    let floor = FLOORS.iter().position(|floor| floor.contains(&module.as_str()))?;
    Some((module, floor))
}

fn floor_of(module: &str) -> usize {
    FLOORS.iter().position(|floor| floor.contains(&module)).unwrap_or(usize::MAX)
}

/// The modules named after `crate::`, also inside one pair of braces.
fn imports(text: &str) -> Vec<String> {
    let code = text.lines().filter(|line| !line.trim_start().starts_with("//"));
    let code: String = code.flat_map(|line| [line, "\n"]).collect();
    let mut found = Vec::new();
    for rest in code.split("crate::").skip(1) {
        match rest.strip_prefix('{').and_then(|inner| inner.split_once('}')) {
            Some((inner, _)) => found.extend(inner.split(',').map(|item| word(item.trim()))),
            None => found.push(word(rest)),
        }
    }
    found
}

fn word(text: &str) -> String {
    text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect()
}

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(rust_files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files
}
