//! What fails: equal failures of a second are one event, and each has one.

use serde_json::{Value, json};

use crate::api::recording::{ACCOUNT, REGION, World, call, code, events, outline};
use crate::kms::{Audit, Client, Login};

#[test]
fn equal_ones_of_a_second_are_one() {
    let world = World::new(Audit::default());
    let (key, other) = (world.key(), world.key());
    let sessions = ["alice", "bob"].map(|name| {
        let (id, secret) = world.user(name);
        world.login(&id, &secret).unwrap()
    });
    let [alice, bob] = &sessions;
    let of = |key: &Value| json!({ "KeyId": key });
    let events = world.events_of(|| {
        let refused = |session, action: &str, key: &Value| {
            assert_eq!(code(call(session, action, &of(key))), Some("Forbidden.NoPermission"));
        };
        for _ in 0..3 {
            refused(alice, "DescribeKey", &key);
        }
        // Another action, another key, another user.
        refused(alice, "DisableKey", &key);
        refused(alice, "DescribeKey", &other);
        refused(bob, "DescribeKey", &key);
        refused(alice, "DescribeKey", &key);
        // Those of a second that is not over wait.
        world.kms.flush_past().unwrap();
        refused(bob, "DescribeKey", &key);
        // Another second, and one that is not refused but fails.
        world.pass(1);
        refused(alice, "DescribeKey", &key);
        let absent = of(&"00000000-0000-4000-8000-000000000000".into());
        let failed = code(call(&world.root, "DescribeKey", &absent));
        assert_eq!(failed, Some("Forbidden.KeyNotFound"));
    });
    let mut told: Vec<_> = events
        .iter()
        .map(|event| {
            let user = event["userIdentity"]["userName"].as_str().unwrap();
            let of = &event["requestParameters"]["KeyId"];
            let (name, count, code) = outline(event);
            (user, name, *of == key, *of == other, count, code.unwrap())
        })
        .collect();
    told.sort();
    let refused = "Forbidden.NoPermission";
    assert_eq!(
        told,
        [
            ("alice", "DescribeKey", false, true, 1, refused),
            ("alice", "DescribeKey", true, false, 1, refused),
            ("alice", "DescribeKey", true, false, 4, refused),
            ("alice", "DisableKey", true, false, 1, refused),
            ("bob", "DescribeKey", true, false, 2, refused),
            ("root", "DescribeKey", false, false, 1, "Forbidden.KeyNotFound"),
        ]
    );
}

/// However many kinds there are in a second, each has its event: they are written before they are too
/// many.
#[test]
fn no_kind_is_too_many() {
    let world = World::new(Audit::default());
    let key = world.key();
    let (id, secret) = world.user("alice");
    let login = |port: u32| {
        world.kms.login(&Login {
            account: None,
            region: REGION,
            access_key: Some((&id, secret.as_bytes())),
            client: Client {
                source_ip: Some(std::net::Ipv4Addr::from_bits(port).into()),
                ..Client::default()
            },
        })
    };
    let events = world.events_of(|| {
        let before = world.kms.commits();
        for port in 0..2500 {
            let refused = call(&login(port).unwrap(), "DescribeKey", &json!({ "KeyId": key }));
            assert_eq!(code(refused), Some("Forbidden.NoPermission"));
        }
        assert_eq!(world.kms.commits() - before, 2);
    });
    assert_eq!(events.len(), 2500);
    assert!(events.iter().all(|event| outline(event).1 == 1));
}

#[test]
fn refused_logins_have_events() {
    let world = World::new(Audit::default());
    let (id, secret) = world.user("alice");
    let events = world.events_of(|| {
        for _ in 0..3 {
            world.login(&id, "wrong").err().unwrap();
        }
        world.login("LTAI5tNobodyNobodyNobody", "x").err().unwrap();
        world.login(&"x".repeat(1 << 20), "x").err().unwrap();
        world.login(&id, &secret).unwrap();
    });
    let mut told: Vec<_> = events
        .iter()
        .map(|event| {
            let given = event["requestParameters"]["AccessKeyId"].as_str().unwrap();
            let user = event["userIdentity"]["userName"].as_str().unwrap();
            assert!(!event.to_string().contains("wrong") && given.len() <= 256);
            (outline(event), user, given == id)
        })
        .collect();
    told.sort();
    let unknown = "InvalidAccessKeyId.NotFound";
    assert_eq!(
        told,
        [
            // Access keys that nobody has are all alike: there is no end of them.
            (("OpenSession", 2, Some(unknown)), "root", false),
            (("OpenSession", 3, Some("IncompleteSignature")), "alice", true),
        ]
    );
}

/// Whatever a caller gives, its event is bounded, and the trail goes on.
#[test]
fn events_are_bounded() {
    let world = World::new(Audit::default());
    let long = "\u{1}".repeat(200_000);
    let events = world.events_of(|| {
        for (action, with) in [
            ("DescribeKey", json!({ "KeyId": long })),
            ("DescribeKey", json!({ long.clone(): 1 })),
            ("CreateKey", json!({ "Description": long })),
            ("CreateKey", json!({ "Tags": long })),
            ("CreateAlias", json!({ "AliasName": long, "KeyId": long })),
            ("CreatePolicy", json!({ "PolicyName": "p", "PolicyDocument": long })),
        ] {
            call(&world.root, action, &with).unwrap_err();
        }
    });
    assert_eq!(events.iter().map(|event| outline(event).1).sum::<u64>(), 6);
    assert!(events.iter().all(|event| event.to_string().len() < 80_000));
    let client = Client { user_agent: Some(long), ..Client::default() };
    let login = Login { account: Some(ACCOUNT), region: REGION, access_key: None, client };
    let session = world.kms.login(&login).unwrap();
    call(&session, "CreateKey", &json!({})).unwrap();
    let agent = events_agent(&world);
    assert_eq!(agent.chars().count(), 256);
}

fn events_agent(world: &World) -> String {
    let last = events(&world.kms).pop().unwrap();
    last["userAgent"].as_str().unwrap().to_owned()
}
