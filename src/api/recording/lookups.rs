//! Looking up events, page by page.

use serde_json::{Value, json};

use crate::api::recording::{World, call, code};
use crate::kms::Audit;

/// All events that `with` asks for, in pages of so many, while `meanwhile` happens between them.
fn pages(world: &World, with: &Value, size: u32, mut meanwhile: impl FnMut()) -> Vec<Value> {
    let (mut all, mut with) = (Vec::new(), with.clone());
    with["MaxResults"] = size.into();
    loop {
        let mut page = world.call("LookupEvents", &with);
        let events = page["Events"].as_array_mut().unwrap();
        assert!(events.len() <= size as usize);
        all.append(events);
        if page["NextToken"] == "" {
            return all;
        }
        with["NextToken"] = page["NextToken"].take();
        meanwhile();
    }
}

fn ids(events: &[Value]) -> Vec<&str> {
    events.iter().map(|event| event["eventId"].as_str().unwrap()).collect()
}

/// Over several windows, in segments of one event and of many, while others come.
#[test]
fn pages_are_stable() {
    let world = World::new(Audit::default());
    let other = world.kms.session("999900001111", "cn-hangzhou").unwrap();
    let key = world.key();
    for nth in 0..1300 {
        call(&other, "CreateAlias", &json!({ "AliasName": format!("alias/{nth}"), "KeyId": key }))
            .unwrap_err();
        if nth % 3 == 0 {
            // Reads, several of which are written together.
            world.call("ListKeys", &json!({}));
            world.call("DescribeKey", &json!({ "KeyId": key }));
        }
        if nth % 40 == 0 {
            world.call("EnableKey", &json!({ "KeyId": key }));
            world.pass(1);
        }
    }
    let mut whole = super::events(&world.kms);
    whole.retain(|event| event["recipientAccountId"] == super::ACCOUNT);
    whole.reverse();
    assert!(whole.len() > 880);
    for size in [1 + 99, 37] {
        let paged = pages(&world, &json!({}), size, || {
            // What comes later is before the first page.
            world.call("ListKeys", &json!({}));
        });
        // Before them are the lookups of this test.
        let first = paged.iter().position(|event| event["eventId"] == whole[0]["eventId"]).unwrap();
        assert_eq!(ids(&paged[first..]), ids(&whole));
        assert!(paged.iter().all(|event| event["recipientAccountId"] == super::ACCOUNT));
    }
    let enabled = pages(&world, &json!({ "EventName": "EnableKey" }), 7, || {});
    assert_eq!(enabled.len(), 33);
    assert!(enabled.iter().all(|event| event["eventName"] == "EnableKey"));
    let nothing = pages(&world, &json!({ "User": "nobody" }), 7, || {});
    assert_eq!(nothing.len(), 0);
    // Of times, one second is 40 rounds.
    let time = enabled[10]["eventTime"].clone();
    let then = pages(&world, &json!({ "StartTime": time, "EndTime": time }), 11, || {});
    let wanted: Vec<_> = whole.iter().filter(|event| event["eventTime"] == time).cloned().collect();
    assert!(wanted.len() > 20);
    assert_eq!(ids(&then), ids(&wanted));
}

#[test]
fn what_is_no_token_is_refused() {
    let world = World::new(Audit::default());
    for token in ["x", "-1", "18446744073709551616"] {
        let refused = call(&world.root, "LookupEvents", &json!({ "NextToken": token }));
        assert_eq!(code(refused), Some("InvalidParameter"));
    }
    for token in [0, 1, u64::MAX] {
        let page = world.call("LookupEvents", &json!({ "NextToken": token.to_string() }));
        assert_eq!(page["NextToken"], "");
    }
}
