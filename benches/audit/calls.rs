//! Whole calls: Encrypt of 32 bytes, with the trail and without, as root and as users.

use std::path::Path;
use std::sync::Arc;
use std::thread;
use std::time::Instant;

use kmshsm::api::{Encrypt, Into, dispatch_json};
use kmshsm::kms::{Audit, Client, DataPlane, Kms, Login, Options, Session, Unlock};
use kmshsm::model::{EncryptionContext, KeyId, KeyRef};
use serde_json::{Value, json};

use crate::clock::{Cpu, median};

const ACCOUNT: &str = "111122223333";
const REGION: &str = "cn-hangzhou";
const KEY_FILE: Unlock<'static> = Unlock::KeyFile(&[7; 32]);
const ROUNDS: usize = 15;
/// Of all threads together, so that much is written down in each.
const CALLS: usize = 100_000;

/// What is recorded of calls that succeed, in processor time of the process and by the wall.
pub fn audited() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("store");
    Kms::create(&place, &KEY_FILE).unwrap();
    for (name, place) in [("in memory", None), ("in a directory", Some(&*place))] {
        for threads in [1, 4] {
            println!("{name}, {threads} threads         processor        wall");
            let stores = [
                ("off", DataPlane::Off, false),
                ("denied", DataPlane::Denied, false),
                ("all", DataPlane::All, false),
            ];
            let stores = stores.map(|(name, data_plane, is_strict)| {
                let kms = open(place, Audit { data_plane, is_strict });
                let session = kms.session(ACCOUNT, REGION).unwrap();
                let key = key(&session);
                (name, kms, session, key)
            });
            let mut times = stores.each_ref().map(|_| (Vec::new(), Vec::new()));
            for _ in 0..ROUNDS {
                for ((_, kms, session, key), times) in stores.iter().zip(&mut times) {
                    let (begun, wall) = (Cpu::Process.now(), Instant::now());
                    run(session, *key, threads);
                    kms.flush().unwrap();
                    times.0.push((Cpu::Process.now() - begun) / CALLS as f64);
                    times.1.push(wall.elapsed().as_secs_f64() * 1e9 / CALLS as f64);
                }
            }
            let medians = times.map(|(cpu, wall)| (median(cpu), median(wall)));
            for ((name, ..), (cpu, wall)) in stores.iter().zip(medians) {
                let (more_cpu, more_wall) = (cpu - medians[0].0, wall - medians[0].1);
                println!(
                    "  {name:<8}{cpu:>8.0} ns {more_cpu:>+6.0}{wall:>8.0} ns {more_wall:>+6.0}"
                );
            }
        }
    }
}

fn run(session: &Session, key: KeyId, threads: usize) {
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| (0..CALLS / threads).for_each(|_| encrypt(session, key)));
        }
    });
}

/// What a decision costs that is remembered, with a condition on the time and without.
pub fn permitted() {
    let kms = open(None, Audit::default());
    let root = kms.session(ACCOUNT, REGION).unwrap();
    let key = key(&root);
    let timed = json!({ "DateLessThan": { "acs:CurrentTime": "2999-01-01T00:00:00Z" } });
    let sessions = [
        ("root", root.clone()),
        ("a user", user(&kms, &root, "alice", &Value::Null)),
        ("a user until 2999", user(&kms, &root, "bob", &timed)),
    ];
    let mut times = sessions.each_ref().map(|_| Vec::new());
    for _ in 0..4 * ROUNDS {
        for ((_, session), times) in sessions.iter().zip(&mut times) {
            let begun = Cpu::Thread.now();
            (0..CALLS / 4).for_each(|_| encrypt(session, key));
            times.push((Cpu::Thread.now() - begun) / (CALLS / 4) as f64);
        }
    }
    let medians = times.map(median);
    println!("who encrypts");
    for ((name, _), time) in sessions.iter().zip(medians) {
        println!("  {name:<20}{time:>8.1} ns {:>+6.1}", time - medians[0]);
    }
}

fn open(place: Option<&Path>, audit: Audit) -> Arc<Kms> {
    let options = Options { allow_unprotected_memory: true, audit, ..Options::default() };
    match place {
        None => Kms::in_memory(options).unwrap(),
        Some(place) => Kms::open(place, &KEY_FILE, options).unwrap(),
    }
}

fn key(session: &Session) -> KeyId {
    let made = call(session, "CreateKey", &json!({ "ProtectionLevel": "HSM" }));
    KeyId::parse(made["KeyMetadata"]["KeyId"].as_str().unwrap()).unwrap()
}

/// The session of a new user who may do anything, under a condition if there is one.
fn user(kms: &Arc<Kms>, root: &Session, name: &str, condition: &Value) -> Session {
    let mut statement = json!({ "Effect": "Allow", "Action": "kms:*", "Resource": "*" });
    if !condition.is_null() {
        statement["Condition"] = condition.clone();
    }
    let document = json!({ "Version": "1", "Statement": [statement] }).to_string();
    call(root, "CreateUser", &json!({ "UserName": name }));
    call(root, "CreatePolicy", &json!({ "PolicyName": name, "PolicyDocument": document }));
    let attached = json!({ "PolicyType": "Custom", "PolicyName": name, "UserName": name });
    call(root, "AttachPolicyToUser", &attached);
    let made = call(root, "CreateAccessKey", &json!({ "UserName": name }));
    let text = |member: &str| made["AccessKey"][member].as_str().unwrap();
    let (id, secret) = (text("AccessKeyId"), text("AccessKeySecret"));
    let access_key = Some((id, secret.as_bytes()));
    let login = Login { account: None, region: REGION, access_key, client: Client::default() };
    kms.login(&login).unwrap()
}

fn call(session: &Session, action: &str, with: &Value) -> Value {
    let answer = dispatch_json(session, action, Some(&with.to_string())).unwrap();
    serde_json::from_str(&answer).unwrap()
}

fn encrypt(session: &Session, key: KeyId) {
    let mut out = [0; 256];
    let request = Encrypt {
        key_id: KeyRef::Id(key),
        plaintext: (&[7u8; 32][..]).into(),
        encryption_context: EncryptionContext::default(),
        into: Into::Memory(&mut out),
    };
    session.call(request).unwrap();
}
