//! A store with something of everything, copies of it, and all that can be seen of one.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use base64::prelude::{BASE64_STANDARD, Engine};
use kmshsm::api::{dispatch_json, wrap_key_material};
use kmshsm::error::Result;
use kmshsm::kms::{Kms, Options, Session, Unlock};
use kmshsm::model::{Timestamp, WrappingAlgorithm};
use serde_json::{Value, json};

use crate::kinds::OTHER;

pub const KEY_FILE: Unlock<'static> = Unlock::KeyFile(&[7; 32]);
const ACCOUNT: &str = "111122223333";
const REGION: &str = "cn-hangzhou";
/// Where clocks start: in the year 2100, after the store was made.
pub const START: u64 = 4_102_444_800;
pub const WEEK: u64 = 7 * 86_400;

pub const CLOSED: &str = "closed";
pub const CRASHED: &str = "crashed";

/// An open store and its owner's session.
pub struct Open {
    pub kms: Arc<Kms>,
    session: Session,
}

impl Open {
    pub fn at(place: &Path, clock: u64) -> Result<Self> {
        let manual_clock = Some(Timestamp(clock));
        let options =
            Options { allow_unprotected_memory: true, manual_clock, ..Options::default() };
        let kms = Kms::open(place, &KEY_FILE, options)?;
        let session = kms.session(ACCOUNT, REGION)?;
        Ok(Self { kms, session })
    }

    pub fn call(&self, action: &str, with: &Value) -> Result<Value> {
        let answer = dispatch_json(&self.session, action, Some(&with.to_string()))?;
        Ok(serde_json::from_str(&answer).unwrap())
    }

    fn ask(&self, action: &str, with: Value) -> Value {
        let answer = self.call(action, &with);
        answer.unwrap_or_else(|error| panic!("{action} {with}: {error}"))
    }

    fn create(&self, with: Value) -> Value {
        self.ask("CreateKey", with)["KeyMetadata"]["KeyId"].take()
    }

    fn wrapped(&self, key: &Value) -> Value {
        let wanted =
            json!({ "KeyId": key, "WrappingKeySpec": "EC_SM2", "WrappingAlgorithm": "SM2PKE" });
        let given = self.ask("GetParametersForImport", wanted);
        let public = BASE64_STANDARD.decode(given["PublicKey"].as_str().unwrap()).unwrap();
        let wrapped = wrap_key_material(&public, WrappingAlgorithm::Sm2Pke, &[0x5a; 32]).unwrap();
        json!({
            "KeyId": key,
            "ImportToken": given["ImportToken"],
            "EncryptedKeyMaterial": BASE64_STANDARD.encode(wrapped),
        })
    }
}

/// The store that all copies are made of, closed.
pub struct World {
    folder: tempfile::TempDir,
    pub used: Value,
    pub pair: Value,
    pub leaving: Value,
    pub external: Value,
    pub imported: Value,
    pub import: Value,
    /// What `used` and `imported` have encrypted.
    pub blobs: [Value; 2],
    ids: BTreeSet<String>,
}

impl World {
    pub fn new(folder: tempfile::TempDir) -> Self {
        let place = folder.path().join(CLOSED);
        Kms::create(&place, &KEY_FILE).unwrap();
        let open = Open::at(&place, START).unwrap();
        open.kms.add_unlock_slot(&OTHER).unwrap();
        let rotated = json!({ "EnableAutomaticRotation": true, "RotationInterval": "7d" });
        let used = open.create(rotated);
        let pair = open.create(json!({ "KeySpec": "EC_P256" }));
        let leaving = open.create(json!({}));
        let external =
            json!({ "Origin": "EXTERNAL", "KeySpec": "Aliyun_AES_256", "ProtectionLevel": "HSM" });
        let [external, imported] = [(), ()].map(|()| open.create(external.clone()));
        let mut import = open.wrapped(&imported);
        import["KeyMaterialExpireUnix"] = (START + WEEK).into();
        open.ask("ImportKeyMaterial", import);
        let import = open.wrapped(&external);
        let tags = json!([{ "TagKey": "stage", "TagValue": "production" }]);
        open.ask("TagResource", json!({ "KeyId": used, "Tags": tags }));
        for (name, key) in [("alias/used", &used), ("alias/leaving", &leaving)] {
            open.ask("CreateAlias", json!({ "AliasName": name, "KeyId": key }));
        }
        let document =
            r#"{"Version":"1","Statement":[{"Effect":"Allow","Action":"kms:*","Resource":"*"}]}"#;
        open.ask("CreatePolicy", json!({ "PolicyName": "all", "PolicyDocument": document }));
        open.ask("CreateUser", json!({ "UserName": "dora" }));
        open.ask("CreateAccessKey", json!({ "UserName": "dora" }));
        let blobs = [&used, &imported].map(|key| {
            let text = json!({ "KeyId": key, "Plaintext": "text !" });
            open.ask("Encrypt", text)["CiphertextBlob"].take()
        });
        open.ask("ScheduleKeyDeletion", json!({ "KeyId": leaving, "PendingWindowInDays": 7 }));
        let mut world = Self {
            folder,
            used,
            pair,
            leaving,
            external,
            imported,
            import,
            blobs,
            ids: BTreeSet::new(),
        };
        let mut ids = BTreeSet::new();
        gather(&world.all(&open), &mut ids);
        world.ids = ids;
        copy(&place, &world.folder.path().join(CRASHED));
        drop(open);
        world
    }

    /// A copy by that name, which replaces an earlier one: of the store after it was closed, or as a
    /// power failure would have left it before, with all in the log.
    pub fn copy(&self, from: &str, name: &str) -> PathBuf {
        let place = self.vacant(name);
        copy(&self.folder.path().join(from), &place);
        place
    }

    /// A place where no store is.
    pub fn vacant(&self, name: &str) -> PathBuf {
        let place = self.folder.path().join(name);
        let _absent = fs::remove_dir_all(&place);
        place
    }

    /// All that its owner sees of a store that must be whole, with one word for all ids that are new.
    pub fn look(&self, place: &Path, clock: u64) -> String {
        let open = Open::at(place, clock).unwrap();
        let seen = self.seen(&open);
        assert_eq!(open.kms.ledger().unwrap(), [""; 0]);
        open.kms.verify_trail().unwrap();
        seen
    }

    /// The same of an open one, for better or worse.
    pub fn seen(&self, open: &Open) -> String {
        let mut all = self.all(open);
        self.rename(&mut all);
        all.to_string()
    }

    fn all(&self, open: &Open) -> Value {
        let ask = |action: &str, with: Value| match open.call(action, &with) {
            Ok(mut answer) => {
                answer["RequestId"].take();
                answer
            }
            Err(error) => error.code().wire_code().into(),
        };
        let pages = || json!({ "PageSize": 100 });
        let keys = ask("ListKeys", pages());
        let mut all = BTreeMap::new();
        for key in keys["Keys"]["Key"].as_array().into_iter().flatten() {
            let of_key = || json!({ "KeyId": key["KeyId"] });
            for action in ["DescribeKey", "ListKeyVersions", "ListResourceTags"] {
                all.insert(format!("{action} {}", key["KeyId"]), ask(action, of_key()));
            }
        }
        let slots = open.kms.unlock_slots().map(|slots| slots.len());
        all.insert("slots".into(), json!(slots.ok()));
        // Keys that are new differ in their names only.
        all.insert("keys".into(), keys);
        for (name, blob) in ["used", "imported"].into_iter().zip(&self.blobs) {
            all.insert(name.into(), ask("Decrypt", json!({ "CiphertextBlob": blob })));
        }
        for (action, with) in [
            ("ListAliases", pages()),
            ("ListUsers", json!({})),
            ("ListPolicies", json!({ "PolicyType": "Custom" })),
            ("ListPoliciesForUser", json!({ "UserName": "dora" })),
            ("ListAccessKeys", json!({ "UserName": "dora" })),
        ] {
            all.insert(action.into(), ask(action, with));
        }
        json!(all)
    }

    /// What was not there at first has a name of its own in every run.
    fn rename(&self, value: &mut Value) {
        match value {
            Value::String(text) if is_id(text) && !self.ids.contains(text) => *text = "new".into(),
            Value::Array(items) => items.iter_mut().for_each(|item| self.rename(item)),
            Value::Object(members) => {
                // In an order that does not depend on names.
                members.remove("UpdateDate");
                let renamed = std::mem::take(members).into_iter().map(|(name, mut value)| {
                    self.rename(&mut value);
                    let is_known = name.split('"').nth(1).is_none_or(|id| self.ids.contains(id));
                    (if is_known { name } else { "a new key".to_owned() + &name[..6] }, value)
                });
                *members = renamed.collect::<BTreeMap<_, _>>().into_iter().collect();
            }
            _ => {}
        }
    }
}

pub fn copy(from: &Path, to: &Path) {
    fs::create_dir(to).unwrap();
    fs::set_permissions(to, fs::Permissions::from_mode(0o700)).unwrap();
    for file in fs::read_dir(from).unwrap() {
        let file = file.unwrap();
        fs::copy(file.path(), to.join(file.file_name())).unwrap();
    }
}

fn gather(value: &Value, ids: &mut BTreeSet<String>) {
    match value {
        Value::String(text) if is_id(text) => drop(ids.insert(text.clone())),
        Value::Array(items) => items.iter().for_each(|item| gather(item, ids)),
        Value::Object(members) => members.values().for_each(|item| gather(item, ids)),
        _ => {}
    }
}

/// UUIDs, the ARNs that end with one, and ids of users and access keys.
fn is_id(text: &str) -> bool {
    let end = text.rsplit('/').next().unwrap_or(text);
    (end.len() == 36 && end.bytes().filter(|byte| *byte == b'-').count() == 4)
        || (text.len() == 18 && text.bytes().all(|byte| byte.is_ascii_digit()))
        || text.starts_with("LTAI")
}
