//! `kmshsm man`: the pages. What troff thinks of them is in tests/python.

use std::fs;

use kmshsm::api::ACTIONS;

use crate::home::*;

#[test]
fn there_is_a_page_for_everything() {
    let home = Home::empty();
    let written = home.run(&["man", "--out", "deep/man"]);
    assert_eq!((written.code, written.err.as_str()), (0, ""));
    let page = |name: &str| fs::read_to_string(home.path("deep/man").join(name)).unwrap();
    for name in written.out.lines() {
        let page = page(name);
        assert!(page.contains(&format!("\"kmshsm {}\"", kmshsm::health::VERSION)), "{name}");
        assert!(!page.contains('@'), "{name}");
    }
    let actions = page("kmshsm-actions.1");
    for action in ACTIONS.iter().filter(|action| action.name != "AdvanceClock") {
        assert!(actions.contains(&format!("\n.SS {}\n", action.name)), "{}", action.name);
    }
    assert!(!actions.contains("AdvanceClock"));
    assert!(actions.contains(r"\fB\-\-ProtectionLevel\fR"));
    let overview = page("kmshsm.1");
    let help = home.run(&["--help"]).out;
    let commands = help.lines().filter_map(|line| line.split_whitespace().next());
    let commands = commands.filter(|word| word.starts_with(|c: char| c.is_ascii_lowercase()));
    let commands: Vec<_> =
        commands.filter(|word| written.out.contains(&format!("-{word}."))).collect();
    assert!(commands.len() > 15 && commands.contains(&"doctor"), "{commands:?}");
    for command in commands {
        let name = command.replace('-', r"\-");
        assert!(overview.contains(&format!(r"\fBkmshsm\-{name}\fR(1)")), "{command}");
    }
    assert!(page("kmshsm-backup.1").contains(".SS \"kmshsm backup restore\""));
    assert!(page("kmshsm.3").contains("kmshsm_encrypt"));

    home.write("file", b"");
    home.run(&["man", "--out", "file"]).refusal(1, "InvalidParameter");
}
