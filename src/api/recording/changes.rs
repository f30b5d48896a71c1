//! Every change has one event, in the same commit.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::api::recording::{START, World, call, code, events, outline};
use crate::api::{ACTIONS, wrap_key_material};
use crate::kms::{Access, Audit, Kms};
use crate::model::WrappingAlgorithm;

/// What takes part in the play below: the answers of earlier calls.
struct Cast {
    key: Value,
    pair: Value,
    external: Value,
    access_key: Value,
    material: Value,
}

/// Every action that changes something, and some a second time: then nothing changes any more.
fn play(cast: &Cast) -> Vec<(&'static str, Value)> {
    let Cast { key, pair, external, access_key, material } = cast;
    let of_key = json!({ "KeyId": key });
    let resources =
        json!({ "RegionId": "cn-hangzhou", "ResourceType": "key", "ResourceId": [key] });
    let with = |base: &Value, more: Value| {
        let mut all = base.clone();
        let more = more.as_object().unwrap().clone();
        all.as_object_mut().unwrap().extend(more);
        all
    };
    let allow = |action: &str| {
        let statement = json!([{ "Effect": "Allow", "Action": action, "Resource": "*" }]);
        json!({ "Version": "1", "Statement": statement }).to_string()
    };
    let attached = json!({ "PolicyType": "Custom", "PolicyName": "p", "UserName": "bob" });
    let described = with(&of_key, json!({ "Description": "d" }));
    let protected = with(&of_key, json!({ "EnableDeletionProtection": false }));
    let bobs = json!({ "UserName": "bob", "UserAccessKeyId": access_key });
    let alias = json!({ "AliasName": "alias/a", "KeyId": key });
    let own = json!({ "Version": "1", "Statement": [{
        "Effect": "Allow",
        "Principal": { "RAM": ["acs:ram::111122223333:*"] },
        "Action": ["kms:*"],
        "Resource": ["*"],
    }] });
    vec![
        ("CreateKey", json!({})),
        ("DisableKey", of_key.clone()),
        ("DisableKey", of_key.clone()),
        ("EnableKey", of_key.clone()),
        ("EnableKey", of_key.clone()),
        ("UpdateKeyDescription", described.clone()),
        ("UpdateKeyDescription", described),
        ("SetKeyPolicy", with(&of_key, json!({ "Policy": own.to_string() }))),
        ("UpdateRotationPolicy", with(&of_key, json!({ "EnableAutomaticRotation": false }))),
        ("CreateKeyVersion", json!({ "KeyId": pair })),
        ("TagResource", with(&of_key, json!({ "Tags": [{ "TagKey": "k", "TagValue": "v" }] }))),
        ("UntagResource", with(&of_key, json!({ "TagKeys": ["k"] }))),
        ("TagResources", with(&resources, json!({ "Tag": [{ "Key": "k", "Value": "v" }] }))),
        ("UntagResources", with(&resources, json!({ "TagKey": ["k"] }))),
        ("UntagResources", with(&resources, json!({ "TagKey": ["k"] }))),
        ("CreateAlias", alias.clone()),
        ("UpdateAlias", alias.clone()),
        ("UpdateAlias", alias),
        ("DeleteAlias", json!({ "AliasName": "alias/a" })),
        ("SetDeletionProtection", protected.clone()),
        ("SetDeletionProtection", protected),
        ("ScheduleKeyDeletion", with(&of_key, json!({ "PendingWindowInDays": 7 }))),
        ("CancelKeyDeletion", of_key),
        ("ImportKeyMaterial", material.clone()),
        ("DeleteKeyMaterial", json!({ "KeyId": external })),
        (
            "GetParametersForImport",
            json!({
                "KeyId": external,
                "WrappingKeySpec": "RSA_2048",
                "WrappingAlgorithm": "RSAES_OAEP_SHA_256",
            }),
        ),
        ("CreateUser", json!({ "UserName": "carol" })),
        ("UpdateUser", json!({ "UserName": "carol", "NewDisplayName": "Carol" })),
        ("CreateAccessKey", json!({ "UserName": "carol" })),
        ("UpdateAccessKey", with(&bobs, json!({ "Status": "Inactive" }))),
        ("UpdateAccessKey", with(&bobs, json!({ "Status": "Inactive" }))),
        ("DeleteAccessKey", bobs),
        ("CreatePolicy", json!({ "PolicyName": "p", "PolicyDocument": allow("kms:List*") })),
        ("CreatePolicyVersion", json!({ "PolicyName": "p", "PolicyDocument": allow("kms:*") })),
        ("SetDefaultPolicyVersion", json!({ "PolicyName": "p", "VersionId": "v2" })),
        ("SetDefaultPolicyVersion", json!({ "PolicyName": "p", "VersionId": "v2" })),
        ("DeletePolicyVersion", json!({ "PolicyName": "p", "VersionId": "v1" })),
        ("AttachPolicyToUser", attached.clone()),
        ("DetachPolicyFromUser", attached),
        ("DeletePolicy", json!({ "PolicyName": "p" })),
        ("DeleteUser", json!({ "UserName": "bob" })),
        ("OpenKmsService", json!({})),
    ]
}

fn cast(world: &World) -> Cast {
    let create = |with: &Value| world.call("CreateKey", with)["KeyMetadata"]["KeyId"].take();
    let pair = create(&json!({ "KeySpec": "EC_P256", "KeyUsage": "SIGN/VERIFY" }));
    // Before that it gets no other version.
    world.pass(7 * 86_400);
    let external = create(&json!({ "Origin": "EXTERNAL" }));
    let material = material(world, &external, &[5; 32]);
    let (access_key, _) = world.user("bob");
    Cast { key: create(&json!({})), pair, external, access_key: access_key.into(), material }
}

/// The parameters of ImportKeyMaterial.
fn material(world: &World, key: &Value, material: &[u8]) -> Value {
    let given = world.call(
        "GetParametersForImport",
        &json!({
            "KeyId": key,
            "WrappingKeySpec": "RSA_2048",
            "WrappingAlgorithm": "RSAES_OAEP_SHA_256",
        }),
    );
    let public_key = STANDARD.decode(given["PublicKey"].as_str().unwrap()).unwrap();
    let wrapped = wrap_key_material(&public_key, WrappingAlgorithm::OaepSha256, material);
    json!({
        "KeyId": key,
        "ImportToken": given["ImportToken"],
        "EncryptedKeyMaterial": STANDARD.encode(wrapped.unwrap()),
    })
}

#[test]
fn every_change_has_one_event() {
    let world = World::new(Audit::default());
    let play = play(&cast(&world));
    for action in ACTIONS.iter().filter(|action| action.access == Access::Write) {
        let is_played = play.iter().any(|(name, _)| *name == action.name);
        assert!(is_played || action.name == "AdvanceClock", "{}", action.name);
    }
    for (action, with) in &play {
        let before = world.kms.commits();
        let mut request = String::new();
        let events = world.events_of(|| {
            let outcome = call(&world.root, action, with);
            if matches!(&outcome, Err(error) if *action != "OpenKmsService") {
                panic!("{action} {with}: {outcome:?}");
            }
            request = outcome.map_or_else(
                |error| error.request_id().unwrap().to_string(),
                |answer| answer["RequestId"].as_str().unwrap().to_owned(),
            );
            // Its own, and the one that signs the trail.
            assert!(world.kms.commits() - before <= 2, "{action}");
        });
        let names: Vec<_> = events.iter().map(outline).collect();
        assert!(matches!(names[..], [(name, 1, _)] if name == *action), "{action}: {names:?}");
        assert_eq!(
            (&events[0]["requestId"], &events[0]["eventRW"]),
            (&request.into(), &"Write".into())
        );
    }
}

/// The event is in the commit of the change, so neither is without the other.
#[test]
fn changes_and_events_go_together() {
    let world = World::new(Audit::default());
    let play = play(&cast(&world));
    // The service is open already, and nothing changes.
    for (action, with) in play.into_iter().filter(|(action, _)| *action != "OpenKmsService") {
        world.kms.verify_trail().unwrap();
        let state = world.kms.contents();
        let events = world.events_of(|| {
            let failed = world.kms.without_header(|| call(&world.root, action, &with));
            assert_eq!(code(failed), Some("Store.Damaged"), "{action}");
            assert_eq!(world.kms.contents(), state, "{action}");
            drop(call(&world.root, action, &with));
        });
        let names: Vec<_> = events.iter().map(outline).collect();
        // What failed is told of, too, now that it can be.
        assert!(
            matches!(names[..], [(one, 1, _), (other, 1, _)] if one == action && other == action),
            "{action}: {names:?}"
        );
        assert!(names.contains(&(action, 1, Some("Store.Damaged"))), "{names:?}");
    }
}

/// A failed import is written down, and has one event that says that it failed.
#[test]
fn a_failed_import_has_one_event() {
    let world = World::new(Audit::default());
    let key =
        world.call("CreateKey", &json!({ "Origin": "EXTERNAL" }))["KeyMetadata"]["KeyId"].take();
    let short = material(&world, &key, &[5; 16]);
    let events = world.events_of(|| {
        let revision = world.kms.commits();
        assert_eq!(
            code(call(&world.root, "ImportKeyMaterial", &short)),
            Some("InvalidKeyMaterial")
        );
        assert_eq!(world.kms.commits(), revision + 1, "it is counted");
    });
    let names: Vec<_> = events.iter().map(outline).collect();
    assert_eq!(names, [("ImportKeyMaterial", 1, Some("InvalidKeyMaterial"))]);
}

/// What the service does by itself, once each.
#[test]
fn deeds_have_events() {
    let world = World::new(Audit::default());
    let create = |with: &Value| world.call("CreateKey", with)["KeyMetadata"]["KeyId"].take();
    let rotating = create(&json!({ "EnableAutomaticRotation": true, "RotationInterval": "7d" }));
    let leaving = create(&json!({}));
    world.call("ScheduleKeyDeletion", &json!({ "KeyId": leaving, "PendingWindowInDays": 7 }));
    let expiring = create(&json!({ "Origin": "EXTERNAL" }));
    let mut import = material(&world, &expiring, &[5; 32]);
    import["KeyMaterialExpireUnix"] = (START.0 + 7 * 86_400).into();
    world.call("ImportKeyMaterial", &import);
    let events = world.events_of(|| {
        world.pass(7 * 86_400);
        for _ in 0..3 {
            world.kms.tick().unwrap();
        }
    });
    let mut told: Vec<_> = events
        .iter()
        .map(|event| {
            assert_eq!(event["eventType"], "AliyunServiceEvent");
            assert_eq!(event["userIdentity"]["type"], "system");
            let key = &event["referencedResources"]["ACS::KMS::Key"];
            (event["eventName"].as_str().unwrap(), key.clone())
        })
        .collect();
    told.sort_by_key(|(name, _)| *name);
    // What is destroyed is shredded: that is about the whole store.
    let wanted = [
        ("DeleteKey", json!([leaving])),
        ("ExpireKeyMaterial", json!([expiring])),
        ("RetireDomainKeys", Value::Null),
        ("RotateDomainKey", Value::Null),
        ("RotateKey", json!([rotating])),
    ];
    assert_eq!(told, wanted);
}

/// Two that change the same at the same time: one of them starts over, and each has one event.
#[test]
fn changes_that_start_over_have_one_event() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("store");
    let unlock = crate::kms::Unlock::KeyFile(&[7; 32]);
    Kms::create(&place, &unlock).unwrap();
    let open = || {
        let options = crate::kms::Options { allow_unprotected_memory: true, ..Default::default() };
        Kms::open(&place, &unlock, options).unwrap()
    };
    let all = [open(), open(), open()];
    let before = events(&all[0]).len();
    std::thread::scope(|scope| {
        for kms in &all {
            scope.spawn(|| {
                let session = kms.session("111122223333", "cn-hangzhou").unwrap();
                (0..20).for_each(|_| drop(call(&session, "CreateKey", &json!({})).unwrap()));
            });
        }
    });
    let events = events(&all[1]).split_off(before);
    assert_eq!(events.len(), 60);
    let mut keys: Vec<_> = events
        .iter()
        .map(|event| event["referencedResources"]["ACS::KMS::Key"].to_string())
        .collect();
    keys.sort();
    keys.dedup();
    assert_eq!(keys.len(), 60, "each about a key of its own");
}
