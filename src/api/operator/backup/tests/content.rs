//! Round trips.

use super::*;
use crate::kms::{Client, Login};

/// Something of every kind.
struct Estate {
    symmetric: String,
    pair: String,
    imported: String,
    awaiting: String,
    pending: String,
    ciphertext: Value,
    of_imported: Value,
    access_key: Value,
}

fn furnish(world: &World) -> Estate {
    let session = world.session();
    let tags = json!([{ "TagKey": "team", "TagValue": "a" }]);
    let symmetric = create(&session, json!({ "Description": "first", "Tags": tags }));
    call(
        &session,
        "UpdateRotationPolicy",
        json!({
            "KeyId": symmetric, "EnableAutomaticRotation": true, "RotationInterval": "30d",
        }),
    );
    for name in ["alias/one", "alias/two"] {
        call(&session, "CreateAlias", json!({ "KeyId": symmetric, "AliasName": name }));
    }
    let pair = create(&session, json!({ "KeySpec": "EC_P256", "KeyUsage": "SIGN/VERIFY" }));
    call(&session, "AdvanceClock", json!({ "Seconds": 8 * 86_400 }));
    call(&session, "CreateKeyVersion", json!({ "KeyId": pair }));
    let imported = create_external(&session);
    import(&session, &imported, &[9; 32]);
    call(&session, "CreateAlias", json!({ "KeyId": imported, "AliasName": "alias/imported" }));
    let awaiting = create_external(&session);
    let pending = create(&session, json!({}));
    call(&session, "ScheduleKeyDeletion", json!({ "KeyId": pending, "PendingWindowInDays": 7 }));
    call(&session, "CreateUser", json!({ "UserName": "alice" }));
    let access_key = call(&session, "CreateAccessKey", json!({ "UserName": "alice" }));
    let document = json!({ "Version": "1", "Statement": [
        { "Effect": "Allow", "Action": "kms:*", "Resource": "*" },
    ] });
    call(
        &session,
        "CreatePolicy",
        json!({
            "PolicyName": "all", "PolicyDocument": document.to_string(),
        }),
    );
    call(
        &session,
        "AttachPolicyToUser",
        json!({
            "PolicyName": "all", "PolicyType": "Custom", "UserName": "alice",
        }),
    );
    let encrypt =
        |key: &str| call(&session, "Encrypt", json!({ "KeyId": key, "Plaintext": "hello world" }));
    let (ciphertext, of_imported) = (encrypt(&symmetric), encrypt(&imported));
    Estate { symmetric, pair, imported, awaiting, pending, ciphertext, of_imported, access_key }
}

fn decrypts(session: &Session, encrypted: &Value) -> bool {
    let with = json!({ "CiphertextBlob": encrypted["CiphertextBlob"] }).to_string();
    let answer = dispatch_json(session, "Decrypt", Some(&with));
    answer.is_ok_and(|answer| read(&answer)["Plaintext"] == "hello world")
}

#[test]
fn everything_comes_back() {
    let world = World::new();
    let estate = furnish(&world);
    let session = world.session();
    let created = world.back_up("all", json!({ "IncludeImported": true }));
    let manifest = &created["Manifest"];
    assert_eq!(manifest["Complete"], true);
    assert_eq!(manifest["ImportedLeftOut"], 0);
    let counts = &manifest["Counts"];
    let count = |name: &str| counts[name].as_u64().unwrap();
    assert_eq!(
        ["Keys", "Versions", "Aliases", "Users", "Policies", "AccessKeys"].map(count),
        [5, 6, 3, 1, 1, 1]
    );
    let before: Vec<_> = [&estate.symmetric, &estate.pair, &estate.imported, &estate.awaiting]
        .iter()
        .map(|key| call(&session, "DescribeKey", json!({ "KeyId": key }))["KeyMetadata"].take())
        .collect();
    let verified = verify(&json!({ "Path": world.path("all"), "Shares": two(&created) })).unwrap();
    assert_eq!(verified["Opened"], true);
    assert_eq!(verified["Manifest"], *manifest);

    let (restored, kms) = world.restore("all", &created, "store");
    assert_eq!(restored["LeftOut"], json!([]));
    for name in ["Keys", "Versions", "Aliases", "Users", "Policies", "AccessKeys", "Events"] {
        assert_eq!(restored["Taken"][name], counts[name], "{name}");
    }
    assert_sound(&kms);
    let again = super::session(&kms);
    for described in before {
        let with = json!({ "KeyId": described["KeyId"] });
        assert_eq!(call(&again, "DescribeKey", with)["KeyMetadata"], described);
    }
    assert!(decrypts(&again, &estate.ciphertext) && decrypts(&again, &estate.of_imported));
    let listed = call(&again, "ListAliases", json!({}));
    assert_eq!(listed, {
        let mut listed_before = call(&session, "ListAliases", json!({}));
        listed_before["RequestId"] = listed["RequestId"].clone();
        listed_before
    });
    // The same material goes into the imported key, and no other.
    call(&again, "DeleteKeyMaterial", json!({ "KeyId": estate.imported }));
    import(&again, &estate.imported, &[9; 32]);
    assert!(decrypts(&again, &estate.of_imported));
    let pending = call(&again, "DescribeKey", json!({ "KeyId": estate.pending }));
    assert_eq!(pending["KeyMetadata"]["KeyState"], "PendingDeletion");
    // Users log in with what they have.
    let secret = estate.access_key["AccessKey"]["AccessKeySecret"].as_str().unwrap();
    let id = estate.access_key["AccessKey"]["AccessKeyId"].as_str().unwrap();
    let login = Login {
        account: None,
        region: "cn-hangzhou",
        access_key: Some((id, secret.as_bytes())),
        client: Client::default(),
    };
    let alice = kms.login(&login).unwrap();
    call(&alice, "DescribeKey", json!({ "KeyId": estate.symmetric }));
    // What comes next is numbered behind what was there, and signed by the same key.
    create(&again, json!({}));
    assert_eq!(kms.trail_key().unwrap(), world.kms.trail_key().unwrap());
    assert_sound(&kms);
}

#[test]
fn imported_keys_stay_out_unless_asked_for() {
    let world = World::new();
    let estate = furnish(&world);
    let created = world.back_up("some", json!({}));
    assert_eq!(created["Manifest"]["ImportedLeftOut"], 2);
    assert_eq!(created["Manifest"]["IncludesImported"], false);
    assert_eq!(created["Manifest"]["Complete"], true);
    let (restored, kms) = world.restore("some", &created, "store");
    assert_eq!(restored["Taken"]["Keys"], 3);
    assert_sound(&kms);
    let session = session(&kms);
    for key in [&estate.imported, &estate.awaiting] {
        assert_eq!(code(&session, "DescribeKey", json!({ "KeyId": key })), ErrorCode::KeyNotFound);
    }
    assert!(!decrypts(&session, &estate.of_imported));
    // Its alias is free.
    let with = json!({ "KeyId": estate.symmetric, "AliasName": "alias/imported" });
    call(&session, "CreateAlias", with);
    assert_sound(&kms);
}

#[test]
fn the_trail_tells_of_both() {
    let world = World::new();
    create(&world.session(), json!({}));
    let created = world.back_up("one", json!({}));
    let (_, kms) = world.restore("one", &created, "store");
    let mut lines = Vec::new();
    kms.export_trail(&mut lines).unwrap();
    let events: Vec<Value> = String::from_utf8(lines)
        .unwrap()
        .lines()
        .filter_map(|line| read(line).get("Event").cloned())
        .collect();
    let find = |name: &str| events.iter().position(|event| event["eventName"] == name).unwrap();
    let (made, taken) = (find("CreateBackup"), find("RestoreBackup"));
    assert!(made < taken);
    assert_eq!(
        events[made]["requestParameters"],
        json!({ "Recipients": [], "Shares": { "Threshold": 2, "Count": 3 }, "IncludeImported": false })
    );
    let parameters = &events[taken]["requestParameters"];
    for name in ["Store", "Lineage", "Generation", "Time"] {
        assert_eq!(parameters[name], created["Manifest"][name], "{name}");
    }
    // Another line of changes, beyond the one that was backed up.
    let later = {
        let folder = tempfile::tempdir().unwrap();
        let with = json!({ "Path": folder.path().join("next"), "Threshold": 2, "Shares": 2 });
        read(&operate(&kms, "CreateBackup", Some(&with.to_string())).unwrap())
    };
    assert_ne!(later["Manifest"]["Lineage"], created["Manifest"]["Lineage"]);
    assert_eq!(later["Manifest"]["Store"], created["Manifest"]["Store"]);
    let generation = |created: &Value| created["Manifest"]["Generation"].as_u64().unwrap();
    assert!(generation(&later) > generation(&created));
}

/// More than one change takes, while others use the store.
#[test]
fn backups_are_of_one_moment() {
    let world = World::new();
    let session = world.session();
    let keys: Vec<_> = (0..200).map(|_| create(&session, json!({}))).collect();
    std::thread::scope(|scope| {
        let changing = scope.spawn(|| {
            for key in &keys {
                call(&world.session(), "DisableKey", json!({ "KeyId": key }));
            }
        });
        for round in 0..4 {
            let created = world.back_up(&format!("b{round}"), json!({}));
            assert_eq!(created["Manifest"]["Complete"], true);
            let (restored, kms) =
                world.restore(&format!("b{round}"), &created, &format!("s{round}"));
            assert_eq!(restored["Taken"]["Keys"], 200);
            assert_sound(&kms);
            // Disabled in their order: those of one moment are the first ones.
            let states = keys.iter().map(|key| {
                let with = json!({ "KeyId": key });
                call(&super::session(&kms), "DescribeKey", with)["KeyMetadata"]["KeyState"]
                    == "Enabled"
            });
            assert!(states.collect::<Vec<_>>().is_sorted());
        }
        changing.join().unwrap();
    });
}

/// What the store had used by then is billed, and from then on what is there.
#[test]
fn meters_go_on() {
    let world = World::new();
    furnish(&world);
    let created = world.back_up("some", json!({}));
    let (_, kms) = world.restore("some", &created, "store");
    let month = created["Manifest"]["Time"].as_str().unwrap()[..7].to_owned();
    let bill = |kms: &Arc<Kms>| {
        let with = json!({ "BillingCycle": month, "Currency": "CNY" });
        call(&session(kms), "QueryBill", with)["Items"].take()
    };
    assert_eq!(bill(&kms), bill(&world.kms));
    assert!(bill(&kms)["Item"].as_array().unwrap().len() > 1);
}
