//! A change that has returned in one process is obeyed by the next call in every other.

use serde_json::{Value, json};

use crate::process::Process;
use crate::{DAY, Outcome, START, new_store, setting};

/// What every other process must answer.
enum Expected {
    Refused(&'static str),
    /// The value at a JSON pointer.
    Says(&'static str, Value),
}
use Expected::{Refused, Says};

/// One process that changes, others that use the keys all the time.
struct Stage {
    changer: Process,
    others: Vec<Process>,
    /// Two symmetric keys, one pair of keys, one key of imported material; what `used` has encrypted,
    /// and what `imported` has.
    used: Value,
    second: Value,
    pair: Value,
    imported: Value,
    blob: Value,
    imported_blob: Value,
    /// The token, what it imports, and until when.
    import: (Value, u64),
    clock: u64,
    pairs: u64,
}

/// Each leaves the store as it was, as far as the others care.
const CHANGES: [fn(&mut Stage, u64); 9] =
    [disable, schedule, re_alias, delete_material, tag, set_policy, add_version, describe, protect];

#[test]
fn changes_are_obeyed_at_once() {
    let pairs = setting("KMSHSM_PAIRS", 1000);
    let (_folder, place) = new_store();
    let mut stage = Stage::new(&place);
    for round in 0.. {
        if stage.pairs >= pairs {
            break;
        }
        CHANGES[round as usize % CHANGES.len()](&mut stage, round);
    }
    println!("{} changes obeyed by another process", stage.pairs);
}

impl Stage {
    fn new(place: &std::path::Path) -> Self {
        let mut changer = Process::serving(place, START);
        let mut create = |spec: &str, origin: &str| {
            let params = json!({ "KeySpec": spec, "Origin": origin, "ProtectionLevel": "HSM" });
            changer.call("CreateKey", params).unwrap()["KeyMetadata"]["KeyId"].take()
        };
        let (used, second) =
            (create("Aliyun_AES_256", "Aliyun_KMS"), create("Aliyun_SM4", "Aliyun_KMS"));
        let pair = create("EC_P256", "Aliyun_KMS");
        let imported = create("Aliyun_AES_256", "EXTERNAL");
        let alias = json!({ "AliasName": "alias/a", "KeyId": used });
        changer.call("CreateAlias", alias).unwrap();
        let mut stage = Self {
            changer,
            others: Vec::new(),
            used,
            second,
            pair,
            imported,
            blob: Value::Null,
            imported_blob: Value::Null,
            import: (Value::Null, 0),
            clock: START,
            pairs: 0,
        };
        stage.import_material();
        stage.blob = stage.encrypt(&stage.used.clone());
        stage.imported_blob = stage.encrypt(&stage.imported.clone());
        for _ in 0..2 {
            let mut other = Process::serving(place, START);
            let keys = json!([
                { "KeyId": stage.used, "Blob": stage.blob },
                { "KeyId": stage.imported, "Blob": stage.imported_blob },
            ]);
            other.call("Hammer", keys).unwrap();
            stage.others.push(other);
        }
        stage
    }

    fn encrypt(&mut self, key: &Value) -> Value {
        let params = json!({ "KeyId": key, "Plaintext": "text !" });
        self.change("Encrypt", params)["CiphertextBlob"].take()
    }

    fn change(&mut self, action: &str, params: Value) -> Value {
        self.changer.call(action, params.clone()).unwrap_or_else(|error| {
            panic!("{action} {params}: {error:?}");
        })
    }

    /// The next call in every other process.
    fn obeyed(&mut self, action: &str, params: &Value, expected: &Expected) {
        for other in &mut self.others {
            let outcome = other.call(action, params.clone());
            let is_obeyed = match (expected, &outcome) {
                (Refused(code), Err((found, _))) => code == found,
                (Says(pointer, value), Ok(answer)) => answer.pointer(pointer) == Some(value),
                _ => false,
            };
            assert!(is_obeyed, "{action} {params} after {} pairs: {outcome:?}", self.pairs);
            self.pairs += 1;
        }
    }

    fn refused(&mut self, action: &str, params: &Value, code: &'static str) {
        self.obeyed(action, params, &Refused(code));
    }

    fn says(
        &mut self,
        action: &str,
        params: &Value,
        pointer: &'static str,
        value: impl Into<Value>,
    ) {
        self.obeyed(action, params, &Says(pointer, value.into()));
    }

    fn import_material(&mut self) {
        if self.clock > self.import.1 {
            let params = self.changer.wrapped_for(&self.imported);
            self.import = (params, self.clock + DAY);
        }
        self.change("ImportKeyMaterial", self.import.0.clone());
    }

    fn advance(&mut self, seconds: u64) {
        self.clock += seconds;
        let params = json!({ "Seconds": seconds });
        for process in self.others.iter_mut().chain([&mut self.changer]) {
            process.call("AdvanceClock", params.clone()).unwrap();
        }
    }
}

fn of(key: &Value) -> Value {
    json!({ "KeyId": key })
}

fn text(key: &Value) -> Value {
    json!({ "KeyId": key, "Plaintext": "text !" })
}

fn blob(blob: &Value) -> Value {
    json!({ "CiphertextBlob": blob })
}

fn disable(stage: &mut Stage, _: u64) {
    let (key, blob) = (stage.used.clone(), blob(&stage.blob));
    stage.change("DisableKey", of(&key));
    stage.refused("Decrypt", &blob, "Rejected.Disabled");
    stage.change("EnableKey", of(&key));
    stage.says("Decrypt", &blob, "/Plaintext", "text !");
}

fn schedule(stage: &mut Stage, _: u64) {
    let (key, blob) = (stage.used.clone(), blob(&stage.blob));
    stage.change("ScheduleKeyDeletion", of(&key));
    stage.refused("Encrypt", &text(&key), "Rejected.PendingDeletion");
    stage.change("CancelKeyDeletion", of(&key));
    stage.says("Decrypt", &blob, "/Plaintext", "text !");
}

fn re_alias(stage: &mut Stage, _: u64) {
    let alias = json!("alias/a");
    for key in [stage.second.clone(), stage.used.clone()] {
        stage.change("UpdateAlias", json!({ "AliasName": alias, "KeyId": key }));
        stage.says("Encrypt", &text(&alias), "/KeyId", key);
    }
    stage.change("DeleteAlias", json!({ "AliasName": alias }));
    stage.refused("Encrypt", &text(&alias), "Forbidden.AliasNotFound");
    let key = stage.used.clone();
    stage.change("CreateAlias", json!({ "AliasName": alias, "KeyId": key }));
    stage.says("DescribeKey", &of(&alias), "/KeyMetadata/KeyId", key);
}

fn delete_material(stage: &mut Stage, _: u64) {
    let (key, blob) = (stage.imported.clone(), blob(&stage.imported_blob));
    stage.change("DeleteKeyMaterial", of(&key));
    stage.refused("Decrypt", &blob, "Rejected.PendingImport");
    stage.import_material();
    stage.says("Decrypt", &blob, "/Plaintext", "text !");
}

fn tag(stage: &mut Stage, round: u64) {
    let (key, value) = (stage.used.clone(), format!("v{round}"));
    let tags = json!([{ "TagKey": "round", "TagValue": value }]);
    stage.change("TagResource", json!({ "KeyId": key, "Tags": tags }));
    stage.says("ListResourceTags", &of(&key), "/Tags/Tag/0/TagValue", value.as_str());
    let filters = json!({ "Filters": [{ "Key": "TagValue", "Values": [value] }] });
    stage.says("ListKeys", &filters, "/TotalCount", 1);
    stage.change("UntagResource", json!({ "KeyId": key, "TagKeys": ["round"] }));
    stage.says("ListKeys", &filters, "/TotalCount", 0);
}

fn set_policy(stage: &mut Stage, round: u64) {
    let key = stage.second.clone();
    let interval = format!("{}s", 30 * DAY + round);
    let policy = |enable: bool| json!({ "KeyId": key, "EnableAutomaticRotation": enable, "RotationInterval": interval });
    stage.change("UpdateRotationPolicy", policy(true));
    stage.says("DescribeKey", &of(&key), "/KeyMetadata/RotationInterval", interval.as_str());
    stage.change("UpdateRotationPolicy", policy(false));
    stage.says("DescribeKey", &of(&key), "/KeyMetadata/AutomaticRotation", "Disabled");
}

/// The pair is replaced when it has all the versions that it can have.
fn add_version(stage: &mut Stage, _: u64) {
    stage.advance(7 * DAY);
    let outcome: Outcome = stage.changer.call("CreateKeyVersion", of(&stage.pair.clone()));
    match outcome {
        Ok(answer) => {
            let version = &answer["KeyVersion"]["KeyVersionId"];
            let params = json!({
                "KeyId": stage.pair,
                "KeyVersionId": version,
                "Algorithm": "ECDSA_SHA_256",
                "Digest": "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=",
            });
            stage.says("AsymmetricSign", &params, "/KeyVersionId", version.clone());
        }
        Err((code, _)) => {
            assert_eq!(code, "Rejected.LimitExceeded");
            let params = json!({ "KeySpec": "EC_P256" });
            stage.pair = stage.change("CreateKey", params)["KeyMetadata"]["KeyId"].take();
        }
    }
}

fn describe(stage: &mut Stage, round: u64) {
    let (key, text) = (stage.second.clone(), format!("round {round}"));
    stage.change("UpdateKeyDescription", json!({ "KeyId": key, "Description": text }));
    stage.says("DescribeKey", &of(&key), "/KeyMetadata/Description", text);
}

fn protect(stage: &mut Stage, _: u64) {
    let key = stage.second.clone();
    let protect = |enable: bool| json!({ "KeyId": key, "EnableDeletionProtection": enable });
    stage.change("SetDeletionProtection", protect(true));
    stage.refused("ScheduleKeyDeletion", &of(&key), "Rejected.StateModifiedFailed");
    stage.change("SetDeletionProtection", protect(false));
    stage.says("DescribeKey", &of(&key), "/KeyMetadata/DeletionProtection", "Disabled");
}
