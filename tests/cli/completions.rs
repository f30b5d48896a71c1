//! `kmshsm completions`: what bash offers. For zsh and fish see tests/python.

use std::fs;
use std::process::Command;

use kmshsm::model::REGIONS;

use crate::home::*;

/// What bash offers for the last of these words.
fn offered(home: &Home, words: &[&str]) -> Vec<String> {
    if !home.path("script").exists() {
        let script = home.run(&["completions", "bash"]);
        assert_eq!((script.code, script.err.as_str()), (0, ""));
        // A shell reads it when it first completes.
        assert!(script.out.len() < 100_000, "{}", script.out.len());
        home.write("script", script.out.as_bytes());
    }
    let ask = r#"
        source ./script
        COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
        _kmshsm kmshsm "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}" 2>nowhere
        printf '%s\n' "${COMPREPLY[@]}""#;
    let args = [&["-c", ask, "bash", "kmshsm"], words].concat();
    let run = Command::new("bash").args(args).current_dir(home.path("")).output().unwrap();
    assert_eq!(String::from_utf8(run.stderr).unwrap(), "");
    let offered = String::from_utf8(run.stdout).unwrap();
    offered.lines().map(str::to_owned).collect()
}

#[test]
fn commands_options_and_words() {
    let home = Home::empty();
    for (words, expected) in [
        (&["GenerateD"][..], &["GenerateDataKey", "GenerateDataKeyWithoutPlaintext"][..]),
        (&["dom"], &["domain-key"]),
        (&["slot", "re"], &["replace", "remove", "rekey"]),
        (&["CreateKey", "--Pro"], &["--ProtectionLevel"]),
        (&["CreateKey", "--ProtectionLevel", ""], &["SOFTWARE", "HSM"]),
        (&["CreateKey", "--KeySpec", "RSA"], &["RSA_2048", "RSA_3072", "RSA_4096"]),
        (&["CreateKey", "--EnableAutomaticRotation", ""], &["true", "false"]),
        (&["ListKeys", "--output", ""], &["auto", "json", "table"]),
        (&["ListKeys", "--region", "cn-hangzhou"], &["cn-hangzhou", "cn-hangzhou-finance"]),
        (&["init", "--identity", ""], &["EC_P256", "EC_SM2"]),
        (&["completions", "f"], &["fish"]),
        (&["CreateKey", "--ProtectionLevel", "=", "S"], &["SOFTWARE"]),
        (&["slot", "add", "--new-s"], &["--new-shares"]),
        (&["tick", "Create"], &[""]),
    ] {
        let mut found = offered(&home, words);
        let mut expected = expected.to_vec();
        found.sort();
        expected.sort_unstable();
        assert_eq!(found, expected, "{words:?}");
    }
    assert_eq!(offered(&home, &["ListKeys", "--region", ""]).len(), REGIONS.len());
    assert!(!offered(&home, &[""]).contains(&"AdvanceClock".to_owned()));
}

/// Files where a path is wanted, and nothing in place of what only the store knows.
#[test]
fn paths_and_nothing_for_key_ids() {
    let home = Home::empty();
    home.write("keys one.bin", b"");
    fs::create_dir(home.path("keys")).unwrap();
    let mut files = offered(&home, &["ListKeys", "--key-file", "ke"]);
    files.sort();
    assert_eq!(files, ["keys", "keys one.bin"]);
    assert_eq!(offered(&home, &["ListKeys", "--store", "ke"]), ["keys"]);
    assert_eq!(offered(&home, &["audit", "verify", "keys "]), ["keys one.bin"]);
    assert_eq!(offered(&home, &["DescribeKey", "--KeyId", "ke"]), ["ke"]);
    assert_eq!(offered(&home, &["ListKeys", "--account", "1"]), ["1"]);
}

#[test]
fn other_shells() {
    let home = Home::empty();
    for (shell, head, most) in [("zsh", "#compdef kmshsm\n", 300_000), ("fish", "", 100_000)] {
        let script = home.run(&["completions", shell]);
        assert_eq!((script.code, script.err.as_str()), (0, ""));
        assert!(script.out.starts_with(head) && script.out.contains("CreateKey"), "{shell}");
        assert!(script.out.len() < most, "{shell}: {}", script.out.len());
    }
    home.run(&["completions", "tcsh"]).usage("tcsh");
    home.run(&["completions"]).usage("<SHELL>");
}
