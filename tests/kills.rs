//! What is written down before it is answered outlives the process: here, failed imports, which
//! would be free for whoever kills the process after each.
#![allow(missing_docs)]

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use aws_lc_rs::rsa::{OAEP_SHA256_MGF1SHA256, OaepPublicEncryptingKey, PublicEncryptingKey};
use kmshsm::api::{CreateKey, GetParametersForImport, ImportKeyMaterial};
use kmshsm::error::{ErrorCode, Result};
use kmshsm::kms::{Kms, Options, Session, Unlock};
use kmshsm::model::{KeyId, KeyRef, Origin, WrappingAlgorithm, WrappingKeySpec};

const KEY_FILE: Unlock<'static> = Unlock::KeyFile(&[7; 32]);
/// Tells [`helper`] the store, the key, the token and the material.
const TASK: &str = "KMSHSM_TEST_TASK";

fn open(place: &Path) -> (Arc<Kms>, Session) {
    let options = Options { allow_unprotected_memory: true, manual_clock: None };
    let kms = Kms::open(place, &KEY_FILE, options).unwrap();
    let session = kms.session("111122223333", "cn-hongkong").unwrap();
    (kms, session)
}

/// A token, and material wrapped to go with it.
struct Wrapped {
    key: KeyId,
    token: Vec<u8>,
    material: Vec<u8>,
}

impl Wrapped {
    fn new(session: &Session) -> Self {
        let external = CreateKey { origin: Some(Origin::External), ..CreateKey::default() };
        let key = session.call(external).unwrap().answer.key_metadata.key_id;
        let request = GetParametersForImport {
            key_id: KeyRef::Id(key),
            wrapping_key_spec: WrappingKeySpec::Rsa2048,
            wrapping_algorithm: WrappingAlgorithm::OaepSha256,
        };
        let answer = session.call(request).unwrap().answer;
        let public = PublicEncryptingKey::from_der(&answer.public_key).unwrap();
        let public = OaepPublicEncryptingKey::new(public).unwrap();
        let mut material = vec![0; public.ciphertext_size()];
        public.encrypt(&OAEP_SHA256_MGF1SHA256, &[5; 32], &mut material, None).unwrap();
        Self { key, token: answer.import_token.to_vec(), material }
    }

    fn import(&self, session: &Session, material: &[u8]) -> Result<()> {
        let request = ImportKeyMaterial {
            key_id: KeyRef::Id(self.key),
            encrypted_key_material: material.into(),
            import_token: self.token.as_slice().into(),
            key_material_expire_unix: None,
        };
        session.call(request).map(drop)
    }

    /// The material, damaged.
    fn damaged(&self) -> Vec<u8> {
        let mut damaged = self.material.clone();
        *damaged.last_mut().unwrap() ^= 1;
        damaged
    }

    /// Another process imports what is damaged, and is killed as soon as it has its answer.
    fn fail_and_die(&self, place: &Path) {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "helper", "--nocapture", "--test-threads=1"])
            .env(
                TASK,
                format!(
                    "{}\n{}\n{}\n{}",
                    place.display(),
                    self.key,
                    hex::encode(&self.token),
                    hex::encode(self.damaged())
                ),
            )
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let answer = answer_of(&mut child);
        child.kill().unwrap();
        child.wait().unwrap();
        assert_eq!(answer.as_deref(), Some("InvalidKeyMaterial"));
    }
}

fn answer_of(child: &mut Child) -> Option<String> {
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    lines.map(|line| line.unwrap()).find_map(|line| Some(line.strip_prefix("answer ")?.to_owned()))
}

/// Not a test: what the other processes run, until they are killed.
#[test]
fn helper() {
    let Ok(task) = std::env::var(TASK) else { return };
    let task: Vec<_> = task.lines().collect();
    let [place, key, token, material] = task[..] else { panic!("{task:?}") };
    let wrapped = Wrapped {
        key: KeyId::parse(key).unwrap(),
        token: hex::decode(token).unwrap(),
        material: hex::decode(material).unwrap(),
    };
    let (_kms, session) = open(Path::new(place));
    let answer = wrapped.import(&session, &wrapped.material).unwrap_err();
    println!("\nanswer {}", answer.code().wire_code());
    std::thread::sleep(std::time::Duration::from_secs(60));
}

#[test]
fn failed_imports_are_counted_over_kills() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("store");
    Kms::create(&place, &KEY_FILE).unwrap();
    let (kms, session) = open(&place);
    let (four, five) = (Wrapped::new(&session), Wrapped::new(&session));
    drop((session, kms));
    for _ in 0..4 {
        four.fail_and_die(&place);
        five.fail_and_die(&place);
    }
    five.fail_and_die(&place);
    let (_kms, session) = open(&place);
    let burnt = five.import(&session, &five.material).unwrap_err();
    assert_eq!(burnt.code(), ErrorCode::InvalidImportToken);
    four.import(&session, &four.material).unwrap();
}
