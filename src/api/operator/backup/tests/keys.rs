//! Single keys.

use super::*;

fn restore_keys(
    world: &World,
    name: &str,
    created: &Value,
    into: &Arc<Kms>,
    ids: &[&str],
) -> Value {
    let with = json!({ "Path": world.path(name), "Shares": two(created), "KeyIds": ids });
    read(&operate(into, "RestoreKeys", Some(&with.to_string())).unwrap())
}

fn left_out(restored: &Value) -> Vec<(String, String)> {
    let of = |left: &Value, name: &str| left[name].as_str().unwrap().to_owned();
    let left = restored["LeftOut"].as_array().unwrap();
    left.iter().map(|left| (of(left, "KeyId"), of(left, "Reason"))).collect()
}

#[test]
fn keys_come_into_another_store() {
    let world = World::new();
    let session = world.session();
    let tags = json!([{ "TagKey": "team", "TagValue": "a" }]);
    let one = create(&session, json!({ "Tags": tags }));
    let two_ = create(&session, json!({}));
    let imported = create_external(&session);
    import(&session, &imported, &[3; 32]);
    call(&session, "CreateAlias", json!({ "KeyId": one, "AliasName": "alias/one" }));
    call(&session, "CreateAlias", json!({ "KeyId": one, "AliasName": "alias/taken" }));
    let encrypted = call(&session, "Encrypt", json!({ "KeyId": one, "Plaintext": "hello" }));
    let created = world.back_up("all", json!({ "IncludeImported": true }));

    let other = World::new();
    let there = other.session();
    let holder = create(&there, json!({}));
    call(&there, "CreateAlias", json!({ "KeyId": holder, "AliasName": "alias/taken" }));
    assert_eq!(code(&there, "DescribeKey", json!({ "KeyId": one })), ErrorCode::KeyNotFound);
    let unknown = "00000000-0000-4000-8000-000000000000";
    let restored = restore_keys(&world, "all", &created, &other.kms, &[&one, &imported, unknown]);
    assert_eq!(restored["Taken"]["Keys"], 2);
    assert_eq!(restored["Taken"]["Aliases"], 1);
    assert_eq!(
        left_out(&restored),
        [(one.clone(), "AliasTaken".to_owned()), (unknown.to_owned(), "NotInBackup".to_owned()),]
    );
    assert_sound(&other.kms);
    let decrypted =
        call(&there, "Decrypt", json!({ "CiphertextBlob": encrypted["CiphertextBlob"] }));
    assert_eq!(decrypted["Plaintext"], "hello");
    let tags = call(&there, "ListResourceTags", json!({ "KeyId": one }));
    assert_eq!(tags["Tags"]["Tag"][0]["TagValue"], "a");
    assert_eq!(code(&there, "DescribeKey", json!({ "KeyId": two_ })), ErrorCode::KeyNotFound);
    // The fingerprint is the new store's: it takes the same material again, and no other.
    call(&there, "DeleteKeyMaterial", json!({ "KeyId": imported }));
    import(&there, &imported, &[3; 32]);
    call(&there, "DescribeKey", json!({ "KeyId": imported }));
    // Once more takes what is missing, and leaves what is there.
    let restored = restore_keys(&world, "all", &created, &other.kms, &[]);
    assert_eq!(restored["Taken"]["Keys"], 1);
    let mut reasons: Vec<_> = left_out(&restored).into_iter().map(|(_, reason)| reason).collect();
    reasons.dedup();
    assert_eq!(reasons, ["Exists"]);
    assert_sound(&other.kms);
}

/// A fingerprint cannot follow into another store without the material.
#[test]
fn a_fingerprint_without_material_is_lost_elsewhere() {
    let world = World::new();
    let session = world.session();
    let imported = create_external(&session);
    import(&session, &imported, &[3; 32]);
    call(&session, "DeleteKeyMaterial", json!({ "KeyId": imported }));
    let created = world.back_up("all", json!({ "IncludeImported": true }));
    let other = World::new();
    let restored = restore_keys(&world, "all", &created, &other.kms, &[]);
    assert_eq!(left_out(&restored), [(imported.clone(), "FingerprintUnknown".to_owned())]);
    import(&other.session(), &imported, &[4; 32]);
    // In the same store it is kept.
    let (_, kms) = world.restore("all", &created, "store");
    import(&super::session(&kms), &imported, &[3; 32]);
}

/// T-BK-4: what has been destroyed since the backup stays destroyed.
#[test]
fn tombstones_win() {
    let world = World::new();
    let session = world.session();
    let (gone, stays) = (create(&session, json!({})), create(&session, json!({})));
    let old = world.back_up("old", json!({}));
    call(&session, "ScheduleKeyDeletion", json!({ "KeyId": gone, "PendingWindowInDays": 7 }));
    call(&session, "AdvanceClock", json!({ "Seconds": 8 * 86_400 }));
    world.kms.tick().unwrap();
    let restored = restore_keys(&world, "old", &old, &world.kms, &[]);
    assert_eq!(restored["Taken"]["Keys"], 0);
    let mut expected =
        [(gone.clone(), "Destroyed".to_owned()), (stays.clone(), "Exists".to_owned())];
    let mut left = left_out(&restored);
    expected.sort();
    left.sort();
    assert_eq!(left, expected);
    // A newer backup has the tombstone, and so has what it becomes.
    let newer = world.back_up("newer", json!({}));
    assert_eq!(newer["Manifest"]["Counts"]["Tombstones"], 1);
    let (_, kms) = world.restore("newer", &newer, "store");
    let restored = restore_keys(&world, "old", &old, &kms, &[&gone]);
    assert_eq!(left_out(&restored), [(gone.clone(), "Destroyed".to_owned())]);
    assert_sound(&kms);
    // The old one, restored as a whole, obeys the newer one if that is given.
    let with = json!({
        "Path": world.path("old"), "Place": world.path("again"), "Passphrase": "p",
        "Shares": two(&old), "Newer": world.path("newer"), "NewerShares": two(&newer),
    });
    let restored = read(&operate_alone("RestoreStore", Some(&with.to_string())).unwrap());
    assert_eq!(left_out(&restored), [(gone.clone(), "Destroyed".to_owned())]);
    let options = Options { allow_unprotected_memory: true, ..Options::default() };
    let kms = Kms::open(&world.path("again"), &Unlock::Passphrase(b"p"), options).unwrap();
    let there = super::session(&kms);
    assert_eq!(code(&there, "DescribeKey", json!({ "KeyId": gone })), ErrorCode::KeyNotFound);
    call(&there, "DescribeKey", json!({ "KeyId": stays }));
    assert_sound(&kms);
    let restored = restore_keys(&world, "old", &old, &kms, &[&gone]);
    assert_eq!(left_out(&restored), [(gone, "Destroyed".to_owned())]);
}
