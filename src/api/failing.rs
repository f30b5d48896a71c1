//! What a failure does to the module: one scene for each way to fail. The error state is the whole
//! process's, so a scene has a process of its own: this test binary, started again for the test
//! `child` alone, with the scene's name in the environment.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::Command;
use std::sync::Arc;

use crate::api::{ACTIONS, dispatch_json};
use crate::error::{Error, ErrorCode};
use crate::health::testing::break_one;
use crate::kms::{Kms, Options, Quotas, SelfTest, Session, Unlock, fresh_key, self_test};

const SCENE: &str = "KMSHSM_FAILING_SCENE";

#[test]
fn child() {
    match std::env::var(SCENE).as_deref() {
        Ok("each test") => each_test(),
        Ok("first use") => first_use(),
        Ok("rsa at first use") => rsa_at_first_use(),
        Ok("a fresh pair") => a_fresh_pair(),
        Ok("no room") => no_room(),
        Ok("a seed") => a_seed(),
        Ok("a panic") => a_panic(),
        Ok(other) => panic!("no scene {other}"),
        Err(_) => {}
    }
}

fn play(scene: &str) {
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["api::failing::child", "--exact", "--nocapture", "--test-threads=1"])
        .env(SCENE, scene)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{scene}: {said}");
}

#[test]
fn a_failed_test_refuses_everything() {
    play("each test");
}

#[test]
fn nothing_works_before_the_tests_pass() {
    play("first use");
    play("rsa at first use");
}

#[test]
fn conditional_tests_fail_the_module() {
    play("a fresh pair");
    play("a seed");
}

#[test]
fn a_panic_fails_the_module() {
    play("a panic");
}

/// Whoever may not have more has no key pair made: making one fails here.
#[test]
fn quotas_come_before_key_pairs() {
    play("no room");
}

struct World {
    kms: Arc<Kms>,
    session: Session,
}

impl World {
    fn open() -> Result<Self, Error> {
        let kms = Kms::in_memory(Options::default())?;
        let session = kms.session("111122223333", "cn-hongkong")?;
        Ok(Self { kms, session })
    }

    /// Every action does, refuses or complains about its parameters; none finds the module failed.
    fn works(&self) {
        for action in ACTIONS {
            let answer = dispatch_json(&self.session, action.name, None);
            assert!(answer.map_err(|error| error.code()) != Err(ErrorCode::ErrorState));
        }
        let status = self.kms.status();
        assert_eq!((status.state, status.failure), ("operational", None));
    }

    /// Every entry refuses but the status, which gives the reason.
    fn has_failed(&self, because: &str) {
        for action in ACTIONS {
            let refused = dispatch_json(&self.session, action.name, None).unwrap_err();
            assert_eq!(refused.code(), ErrorCode::ErrorState, "{because}: {}", action.name);
        }
        let again = self.kms.session("111122223333", "cn-hongkong").err().unwrap();
        assert_eq!(again.code(), ErrorCode::ErrorState);
        let status = self.kms.status();
        assert_eq!((status.state, status.failure.as_deref()), ("error", Some(because)));
    }

    /// Makes a wrapping key pair.
    fn pair(&self) -> Result<(), Error> {
        let origin = Some(r#"{"Origin": "EXTERNAL"}"#);
        let made = dispatch_json(&self.session, "CreateKey", origin)?;
        let made: serde_json::Value = serde_json::from_str(&made).unwrap();
        let request = serde_json::json!({
            "KeyId": made["KeyMetadata"]["KeyId"],
            "WrappingKeySpec": "RSA_2048",
            "WrappingAlgorithm": "RSAES_OAEP_SHA_256",
        });
        dispatch_json(&self.session, "GetParametersForImport", Some(&request.to_string())).map(drop)
    }
}

fn failed(report: &SelfTest) -> Vec<&'static str> {
    assert_eq!(report.integrity.result, "not available");
    report.tests.iter().filter(|test| test.result == "failed").map(|test| test.name).collect()
}

fn is_refused<T>(outcome: Result<T, Error>) {
    assert_eq!(outcome.err().map(|error| error.code()), Some(ErrorCode::ErrorState));
}

/// Breaks one after the other: the report names it, what is open refuses, what is opened is refused
/// until it is mended, and then works.
fn each_test() {
    let report = self_test();
    assert!(report.passed && report.tests.len() > 20);
    for test in &report.tests {
        let world = World::open().unwrap();
        world.works();
        break_one(test.name);
        let broken = self_test();
        assert_eq!((broken.passed, failed(&broken)), (false, vec![test.name]));
        let because = format!("The self-test {} failed.", test.name);
        world.has_failed(&because);
        is_refused(World::open());
        break_one("");
        assert!(self_test().passed);
        world.has_failed(&because);
        World::open().unwrap().works();
    }
}

/// A module that fails at its first use makes nothing, and tests itself again at the next.
fn first_use() {
    let folder = tempfile::tempdir().unwrap();
    let (place, unlock) = (folder.path().join("keys"), Unlock::KeyFile(&[7; 32]));
    break_one("sha-256");
    is_refused(fresh_key());
    is_refused(Kms::create(&place, &unlock));
    is_refused(Kms::open(&place, &unlock, Options::default()));
    is_refused(World::open());
    assert!(!place.exists());
    break_one("");
    fresh_key().unwrap();
    Kms::create(&place, &unlock).unwrap();
    Kms::open(&place, &unlock, Options::default()).unwrap();
    World::open().unwrap().works();
}

/// Pairs are tested when the first one is made: a new store's own, which signs its audit trail.
fn rsa_at_first_use() {
    break_one("rsa-pkcs1-v1.5");
    is_refused(World::open());
    is_refused(World::open());
    break_one("");
    World::open().unwrap().pair().unwrap();
}

fn a_fresh_pair() {
    let world = World::open().unwrap();
    world.pair().unwrap(); // The known answers are behind it.
    break_one("rsa-pair");
    is_refused(world.pair());
    world.has_failed("The two halves of a fresh RSA key do not fit.");
    break_one("");
    is_refused(world.pair());
    World::open().unwrap().pair().unwrap();
}

/// A new thread draws a seed.
fn a_seed() {
    let world = World::open().unwrap();
    break_one("entropy");
    std::thread::scope(|scope| scope.spawn(|| is_refused(world.pair())).join().unwrap());
    break_one("");
    world.has_failed("The entropy source failed.");
    World::open().unwrap().works();
}

/// The switch itself; the surfaces catch panics and are tested where they are.
fn a_panic() {
    let world = World::open().unwrap();
    break_one("panic");
    let caught = catch_unwind(AssertUnwindSafe(|| dispatch_json(&world.session, "ListKeys", None)));
    assert!(caught.is_err());
    crate::health::fail("A caught panic.");
    world.has_failed("A caught panic.");
    World::open().unwrap().works();
}

fn no_room() {
    let quotas = Quotas { keys: Some(1), ..Quotas::default() };
    let kms = Kms::in_memory(Options { quotas, ..Options::default() }).unwrap();
    let session = kms.session("111122223333", "cn-hongkong").unwrap();
    dispatch_json(&session, "CreateKey", None).unwrap();
    break_one("rsa-pair");
    let request = Some(r#"{"KeySpec": "RSA_2048"}"#);
    let refused = dispatch_json(&session, "CreateKey", request).unwrap_err();
    assert_eq!(refused.code(), ErrorCode::LimitExceeded);
}
