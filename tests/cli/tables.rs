//! Tables for people: what they escape, and when they have colours. Terminals are in tests/python.

use crate::home::*;

/// A caller's text neither paints nor moves anything on the operator's screen.
#[test]
fn texts_are_not_obeyed() {
    let home = Home::with_store();
    let evil = "a\u{1b}[2J\u{9b}31m\u{202e}b\u{7f}\nKeyState  Enabled";
    let key = home.key(&["--Description", evil]);
    home.ok("DisableKey", &["--KeyId", &key]);
    let run = home.action("DescribeKey", &["--KeyId", &key]);
    assert!(!run.out.contains(|c: char| c.is_control() && c != '\n'), "{:?}", run.out);
    assert!(!run.out.contains('\u{202e}'));
    assert_eq!(run.answer()["KeyMetadata"]["Description"], evil);

    let run = home.action("DescribeKey", &["--KeyId", &key, "--output", "table"]);
    let shown = r"a\u001b[2J\u009b31m\u202eb\u007f";
    let expected = format!("KeyMetadata.Description{:20}{shown}\n{:43}KeyState  Enabled\n", "", "");
    assert!(run.out.contains(&expected), "{}", run.out);
    let evil = ["--KeyId", "no\u{1b}[31m", "--output", "table"];
    let run = home.action("DescribeKey", &evil);
    assert!(run.code != 0 && !run.err.contains('\u{1b}'), "{:?}", run.err);
}

#[test]
fn colours_are_for_whoever_wants_them() {
    let home = Home::with_store();
    let key = home.key(&[]);
    let describe = |args: &[&str]| {
        home.action("DescribeKey", &[&["--KeyId", &key, "--output", "table"], args].concat()).out
    };
    let plain = describe(&[]);
    assert!(!plain.contains('\u{1b}'));
    let never = describe(&["--color", "never"]);
    assert_eq!(without_request(&never), without_request(&plain));
    let painted = describe(&["--color", "always"]);
    assert!(painted.contains("\u{1b}[36mKeyMetadata.KeyState\u{1b}[0m"), "{painted:?}");
    assert!(painted.contains("\u{1b}[32mEnabled\u{1b}[0m\n"), "{painted:?}");
    let codes = ["\u{1b}[36m", "\u{1b}[33m", "\u{1b}[32m", "\u{1b}[0m"];
    let same = codes.iter().fold(painted, |text, code| text.replace(code, ""));
    assert_eq!(without_request(&same), without_request(&plain));

    let mut command = home.command(&["regions", "--output", "table"]);
    assert!(run(command.env("CLICOLOR_FORCE", "1")).out.contains("\u{1b}[1mregions\u{1b}[0m"));
    assert!(!run(command.env("NO_COLOR", "1")).out.contains('\u{1b}'));
    // Never in JSON.
    let json = home.action("DescribeKey", &["--KeyId", &key, "--color", "always"]);
    assert!(!json.out.contains('\u{1b}'));

    let failure = home.action("DescribeKey", &["--output", "table", "--color", "always"]);
    assert!(failure.err.starts_with("\u{1b}[1;31mMissingParameter\u{1b}[0m: "), "{failure:?}");
    let usage = home.run(&["Nonsense", "--color=always"]);
    assert!(usage.err.starts_with("\u{1b}[1;31merror:\u{1b}[0m "), "{usage:?}");
}

fn without_request(text: &str) -> Vec<&str> {
    text.lines().filter(|line| !line.starts_with("RequestId")).collect()
}

#[test]
fn auto_is_json_in_a_pipe() {
    let home = Home::with_store();
    let listed = home.ok("ListKeys", &["--output", "auto"]);
    assert_eq!(listed["TotalCount"], 0);
    let bill = home.ok("bill", &["--month", "2020-02"]);
    assert_eq!(bill["Total"], "0.000");
}
