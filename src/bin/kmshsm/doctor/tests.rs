//! The rules, told of machines and stores that are not at hand.

use std::path::PathBuf;

use super::facts::{Inside, Limit, Memory, Outside, Program, Reason, Status, Store, System};
use super::*;

const NOW: u64 = 1_800_000_000;

fn status() -> Status {
    Status {
        state: "operational".to_owned(),
        failure: None,
        hsm_keys: "usable".to_owned(),
        store: "writable".to_owned(),
        rollback: "anchored".to_owned(),
        anchor: "found".to_owned(),
        generation: 7,
        shred: Some("done".to_owned()),
        memory: Memory { protection: "secret".to_owned(), size: 4 << 20, reasons: Vec::new() },
    }
}

fn outside() -> Outside {
    Outside {
        place: PathBuf::from("/var/lib/my keys"),
        mode: 0o700,
        is_own: true,
        file_system: Some("ext4".to_owned()),
        free: Some(1 << 40),
        database: Some(1 << 20),
        log: Some(0),
        format: Some(1),
        written: Some(NOW),
        secrets: vec![(PathBuf::from("keys.bin"), 0o600, false)],
        anchor_is_beside: false,
    }
}

/// A machine and a store with which everything is well but for what nobody can know.
fn facts() -> Facts {
    Facts {
        program: Program {
            version: "0.1.0".to_owned(),
            provider: "AWS-LC",
            sqlite: "3.50.0",
            failed_tests: Vec::new(),
            integrity: "passed".to_owned(),
            file: "/usr/bin/kmshsm".to_owned(),
        },
        module: Ok(status()),
        system: System {
            kernel: Some("6.12".to_owned()),
            locked_memory: Some(Limit::Of(8 << 20)),
            core: Some(Limit::Of(0)),
            files: Some(Limit::Of(1024)),
            threads: Some(Limit::Unlimited),
            swaps: Some(vec!["/dev/zram0".to_owned()]),
            ptrace_scope: Some(1),
            entropy: Some(256),
            now: NOW,
        },
        store: Store::There {
            outside: outside(),
            inside: Inside::Open { status: Box::new(status()), slots: 2 },
        },
    }
}

/// What is found that is not ok.
fn wrong(facts: &Facts) -> Vec<(&'static str, Level)> {
    let findings = diagnose(facts);
    assert!(findings.iter().all(|one| (one.level == Level::Ok) == one.remedy.is_none()));
    let wrong = findings.iter().filter(|one| one.level != Level::Ok);
    wrong.map(|one| (one.check, one.level)).filter(|one| one.0 != "verified").collect()
}

fn with_store(outside: Outside, inside: Inside) -> Facts {
    Facts { store: Store::There { outside, inside }, ..facts() }
}

#[test]
fn all_is_well() {
    let findings = diagnose(&facts());
    assert_eq!(wrong(&facts()), []);
    assert_eq!(exit_code(&findings), 0);
    assert!(findings.len() > 20);
    // That much a doctor does not know.
    assert_eq!(summary(&findings), "1 note.");
    assert_eq!(summary(&[]), "All is well.");
}

#[test]
fn what_can_be_wrong_with_a_machine() {
    type Change = fn(&mut Facts);
    let cases: [(Change, &str, Level); 17] = [
        (|f| f.program.version.push_str("+testing"), "version", Level::Problem),
        (|f| f.program.integrity = "failed".into(), "integrity", Level::Problem),
        (|f| f.program.integrity = "not available".into(), "integrity", Level::Note),
        (|f| f.program.failed_tests.push("sm4".into()), "self-tests", Level::Problem),
        (|f| f.module = Err("no memory".into()), "protection", Level::Problem),
        (|f| memory(f).protection = "none".into(), "protection", Level::Problem),
        (|f| lacks(f, "memfd_secret", ""), "protections", Level::Note),
        (|f| lacks(f, "secret_stack", ""), "protections", Level::Warning),
        (|f| f.system.core = Some(Limit::Unlimited), "core", Level::Note),
        (|f| f.system.swaps = Some(vec!["/swap".into()]), "swap", Level::Note),
        (|f| f.system.ptrace_scope = Some(0), "ptrace", Level::Note),
        (|f| f.system.ptrace_scope = None, "ptrace", Level::Note),
        (|f| f.system.files = Some(Limit::Of(32)), "files", Level::Warning),
        (|f| f.system.threads = Some(Limit::Of(3)), "threads", Level::Warning),
        (|f| f.system.entropy = Some(12), "entropy", Level::Warning),
        (|f| f.system.now = 0, "clock", Level::Problem),
        (|f| f.store = Store::Nowhere, "store", Level::Note),
    ];
    for (change, check, level) in cases {
        let mut facts = facts();
        change(&mut facts);
        let found = wrong(&facts);
        assert!(found.contains(&(check, level)), "{check}: {found:?}");
        let expected = if level == Level::Problem { 4 } else { 0 };
        assert_eq!(exit_code(&diagnose(&facts)), expected, "{check}");
    }
}

fn memory(facts: &mut Facts) -> &mut Memory {
    &mut facts.module.as_mut().unwrap().memory
}

fn lacks(facts: &mut Facts, step: &str, hint: &str) {
    let (step, hint) = (step.to_owned(), format!("{hint}."));
    memory(facts).reasons.push(Reason { step, errno: "EPERM".to_owned(), hint });
}

/// A limit that does not hold, for one who may lock as much as there is, is none.
#[test]
fn a_limit_counts_where_it_holds() {
    let mut facts = facts();
    facts.system.locked_memory = Some(Limit::Of(64 << 10));
    assert_eq!(wrong(&facts), []);
    lacks(&mut facts, "size", "Raise RLIMIT_MEMLOCK");
    assert_eq!(wrong(&facts), [("protections", Level::Warning), ("memlock", Level::Warning)]);
    memory(&mut facts).protection = "none".to_owned();
    let remedies: Vec<_> = diagnose(&facts).into_iter().filter_map(|one| one.remedy).collect();
    assert!(remedies.iter().any(|remedy| remedy.contains("ulimit -l 8192")), "{remedies:?}");
}

/// Others get at plain locked memory by ptrace, not at what the kernel has taken out of its map.
#[test]
fn ptrace_is_worse_for_memory_that_is_only_locked() {
    let mut facts = facts();
    facts.system.ptrace_scope = Some(0);
    memory(&mut facts).protection = "locked".to_owned();
    assert_eq!(wrong(&facts), [("ptrace", Level::Warning)]);
}

#[test]
fn what_can_be_wrong_with_a_store_from_outside() {
    type Change = fn(&mut Outside);
    let cases: [(Change, &str, Level); 14] = [
        (|o| o.mode = 0o755, "directory", Level::Problem),
        (|o| o.is_own = false, "directory", Level::Warning),
        (|o| o.file_system = Some("nfs4".into()), "file system", Level::Problem),
        (|o| o.file_system = Some("fuse.sshfs".into()), "file system", Level::Note),
        (|o| o.file_system = Some("tmpfs".into()), "file system", Level::Warning),
        (|o| o.free = Some(1 << 20), "space", Level::Problem),
        (|o| o.free = Some(100 << 20), "space", Level::Warning),
        (|o| o.log = Some(1 << 30), "log", Level::Warning),
        (|o| o.format = None, "format", Level::Problem),
        (|o| o.format = Some(9), "format", Level::Problem),
        (|o| o.written = Some(NOW + 3600), "clock", Level::Warning),
        (|o| o.secrets[0].1 = 0o644, "secret", Level::Warning),
        (|o| o.secrets[0].2 = true, "secret", Level::Warning),
        (|o| o.anchor_is_beside = true, "anchor", Level::Warning),
    ];
    for (change, check, level) in cases {
        let mut outside = outside();
        change(&mut outside);
        let facts = with_store(outside, Inside::Open { status: Box::new(status()), slots: 2 });
        assert_eq!(wrong(&facts), [(check, level)]);
        let expected = if level == Level::Problem { 6 } else { 0 };
        assert_eq!(exit_code(&diagnose(&facts)), expected, "{check}");
    }
}

#[test]
fn what_can_be_wrong_with_a_store_from_inside() {
    type Change = fn(&mut Status);
    let cases: [(Change, &str, Level); 9] = [
        (|s| s.state = "error".into(), "state", Level::Problem),
        (|s| s.store = "read-only".into(), "writing", Level::Warning),
        (|s| s.store = "degraded".into(), "writing", Level::Problem),
        (|s| s.hsm_keys = "overridden".into(), "level HSM", Level::Warning),
        (|s| s.rollback = "suspect".into(), "rollback", Level::Problem),
        (|s| s.anchor = "none".into(), "anchor", Level::Note),
        (|s| s.anchor = "damaged".into(), "anchor", Level::Problem),
        (|s| s.anchor = "failed".into(), "anchor", Level::Problem),
        (|s| s.shred = Some("pending".into()), "shred", Level::Note),
    ];
    for (change, check, level) in cases {
        let mut status = status();
        change(&mut status);
        let facts = with_store(outside(), Inside::Open { status: Box::new(status), slots: 2 });
        assert_eq!(wrong(&facts), [(check, level)]);
    }
    let one = with_store(outside(), Inside::Open { status: Box::new(status()), slots: 1 });
    assert_eq!(wrong(&one), [("slots", Level::Note)]);
    let closed = with_store(outside(), Inside::Closed);
    assert_eq!(wrong(&closed), [("store", Level::Note)]);
    assert_eq!(exit_code(&diagnose(&closed)), 0);
    let why = Inside::Failed { code: "Store.Damaged".to_owned(), why: "cut short".to_owned() };
    assert_eq!(exit_code(&diagnose(&with_store(outside(), why))), 6);
}

/// A default store that nobody has made yet is no problem; one that was named is.
#[test]
fn no_store() {
    for (is_named, code) in [(true, 6), (false, 0)] {
        let store = Store::Missing { place: PathBuf::from("/a b"), is_named };
        let findings = diagnose(&Facts { store, ..facts() });
        assert_eq!(exit_code(&findings), code);
        let last = findings.last().unwrap();
        assert_eq!(last.remedy.as_deref(), Some("kmshsm init --store '/a b'"));
    }
}

#[test]
fn people_see_the_remedy_below_the_finding() {
    let mut facts = facts();
    facts.system.core = Some(Limit::Unlimited);
    let text = told(&machine::findings(&facts), Stream::plain(Some(60)));
    let expected = "\
note     There are core dumps: without keys, but with
         passphrases and plaintexts of programs.
         > ulimit -c 0; in a unit of systemd: LimitCORE=0
";
    assert!(text.contains(expected), "{text}");
    assert!(text.contains("\n\nSystem\nok       Linux 6.12.\n"), "{text}");
    assert!(text.ends_with("\n\n1 note.\n"), "{text}");
}
