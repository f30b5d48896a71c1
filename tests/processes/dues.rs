//! What is due is done once, however many processes and threads come at the same moment.

use serde_json::{Value, json};

use crate::process::Process;
use crate::{DAY, Outcome, START, new_store, open, setting, trail};

/// Keys to which something happens at the same moment.
struct Round {
    /// A new version.
    rotating: Value,
    /// Destruction, alias and all.
    leaving: Value,
    /// The end of its imported material.
    expiring: Value,
    /// What the last two have encrypted.
    blobs: [Value; 2],
}

#[test]
fn what_is_due_is_done_once() {
    let (_folder, place) = new_store();
    let mut processes: Vec<_> = (0..3).map(|_| Process::serving(&place, START)).collect();
    let rounds = setting("KMSHSM_ROUNDS", 40);
    for number in 0..rounds {
        let round = Round::prepare(&mut processes[0], START + number * 7 * DAY);
        for process in &mut processes {
            // What they have seen before must not be used again.
            round.outcomes(process).into_iter().for_each(|outcome| drop(outcome.unwrap()));
        }
        for process in &mut processes {
            process.call("AdvanceClock", json!({ "Seconds": 7 * DAY })).unwrap();
        }
        let only_ticks = number % 3 == 0;
        let calls = round.calls(only_ticks);
        processes.iter_mut().for_each(|process| process.demand(&calls));
        let outcomes: Vec<_> = processes.iter_mut().flat_map(Process::outcomes).collect();
        round.check_ticks(&outcomes, only_ticks);
        if !only_ticks {
            round.check_storm(outcomes.chunks(7));
        }
        for process in &mut processes {
            round.check(process, 2 * (number + 1));
        }
    }
    let events = trail::events(&open(&place, START).0);
    for deed in ["RotateKey", "DeleteKey", "ExpireKeyMaterial"] {
        let told = events.iter().filter(|event| event["eventName"] == deed);
        let mut keys: Vec<_> =
            told.map(|event| event["referencedResources"]["ACS::KMS::Key"].to_string()).collect();
        assert_eq!(keys.len() as u64, rounds, "{deed}");
        keys.sort();
        keys.dedup();
        assert_eq!(keys.len() as u64, rounds, "{deed}, twice of the same key");
    }
    println!("{rounds} rounds of what is due, each done once");
}

impl Round {
    fn prepare(process: &mut Process, now: u64) -> Self {
        let mut create = |origin: &str| {
            let mut params =
                json!({ "KeySpec": "Aliyun_AES_256", "ProtectionLevel": "HSM", "Origin": origin });
            if origin == "Aliyun_KMS" {
                params["EnableAutomaticRotation"] = true.into();
                params["RotationInterval"] = "7d".into();
            }
            process.call("CreateKey", params).unwrap()["KeyMetadata"]["KeyId"].take()
        };
        let (rotating, leaving) = (create("Aliyun_KMS"), create("Aliyun_KMS"));
        let expiring = create("EXTERNAL");
        let mut material = process.wrapped_for(&expiring);
        material["KeyMaterialExpireUnix"] = (now + 7 * DAY).into();
        process.call("ImportKeyMaterial", material).unwrap();
        let mut encrypt = |key: &Value| {
            let params = json!({ "KeyId": key, "Plaintext": "text !" });
            process.call("Encrypt", params).unwrap()["CiphertextBlob"].take()
        };
        let blobs = [encrypt(&leaving), encrypt(&expiring)];
        let alias = json!({ "AliasName": "alias/leaving", "KeyId": leaving });
        process.call("CreateAlias", alias).unwrap();
        let params = json!({ "KeyId": leaving, "PendingWindowInDays": 7 });
        process.call("ScheduleKeyDeletion", params).unwrap();
        Self { rotating, leaving, expiring, blobs }
    }

    /// Seven calls at once.
    fn calls(&self, only_ticks: bool) -> Value {
        if only_ticks {
            return json!([["Tick", {}], ["Tick", {}]]);
        }
        let [leaving, expiring] = &self.blobs;
        json!([
            ["Encrypt", { "KeyId": self.rotating, "Plaintext": "text !" }],
            ["DescribeKey", { "KeyId": self.rotating }],
            ["Decrypt", { "CiphertextBlob": leaving }],
            ["DescribeKey", { "KeyId": "alias/leaving" }],
            ["Decrypt", { "CiphertextBlob": expiring }],
            ["ListKeys", {}],
            ["Tick", {}],
        ])
    }

    /// The first look: all is as it was.
    fn outcomes(&self, process: &mut Process) -> [Outcome; 3] {
        [&self.rotating, &self.leaving, &self.expiring]
            .map(|key| process.call("DescribeKey", json!({ "KeyId": key })))
    }

    fn check_ticks(&self, outcomes: &[Outcome], only_ticks: bool) {
        for name in ["Deleted", "Rotated", "Expired"] {
            let answers = outcomes.iter().flatten();
            let done: u64 = answers.filter_map(|answer| answer[name].as_u64()).sum();
            assert!(done == 1 || (done == 0 && !only_ticks), "{name} {done} times: {outcomes:?}");
        }
    }

    /// Everybody has seen the same new version, and nobody the old state of anything.
    fn check_storm<'a>(&self, by_process: impl Iterator<Item = &'a [Outcome]>) {
        let mut seen = None;
        for outcomes in by_process {
            let code = |at: usize| outcomes[at].as_ref().unwrap_err().0.as_str();
            let versions = [
                &outcomes[0].as_ref().unwrap()["KeyVersionId"],
                &outcomes[1].as_ref().unwrap()["KeyMetadata"]["PrimaryKeyVersion"],
            ];
            for version in versions {
                assert_eq!(version, *seen.get_or_insert(version));
            }
            assert_eq!(code(2), "Forbidden.KeyNotFound");
            assert_eq!(code(3), "Forbidden.AliasNotFound");
            assert_eq!(code(4), "Rejected.PendingImport");
        }
    }

    /// What every process sees afterwards: `keys` keys in all.
    fn check(&self, process: &mut Process, keys: u64) {
        let versions = process.call("ListKeyVersions", json!({ "KeyId": self.rotating })).unwrap();
        assert_eq!(versions["TotalCount"], 2, "{versions}");
        let [rotating, leaving, expiring] = self.outcomes(process);
        assert_eq!(rotating.unwrap()["KeyMetadata"]["KeyState"], "Enabled");
        assert_eq!(leaving.unwrap_err().0, "Forbidden.KeyNotFound");
        assert_eq!(expiring.unwrap()["KeyMetadata"]["KeyState"], "PendingImport");
        assert_eq!(process.call("ListKeys", json!({})).unwrap()["TotalCount"], keys);
        assert_eq!(process.call("ListAliases", json!({})).unwrap()["TotalCount"], 0);
        // Or it would be rotated in the next round, too.
        let params = json!({ "KeyId": self.rotating, "EnableAutomaticRotation": false });
        process.call("UpdateRotationPolicy", params).unwrap();
    }
}
