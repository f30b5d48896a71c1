use proptest::prelude::*;
use serde_json::{Value, json};

use super::super::json as canonical;
use super::*;

fn parsed(event: &Event<'_>) -> Value {
    let text = text(event);
    let value: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(value.to_string(), text);
    assert!(canonical::is_canonical(&text));
    value
}

/// Chapter 15's sample, but for the id of the event and what is after the first part of the host.
#[test]
fn the_sample_of_the_reference() {
    let frame = Frame::new(Caller::Principal(&root(), None), &space(), None, "AliyunConsole");
    let key = KeyId::parse("1234abcd-12ab-34cd-56ef-1234567890ab").unwrap();
    let event = Event {
        name: "DescribeKey",
        is_write: false,
        parameters: br#"{"KeyId":"1234abcd-12ab-34cd-56ef-1234567890ab"}"#,
        time: Timestamp(1_562_246_055),
        ..encrypt(&frame, 0x5a, std::slice::from_ref(&key))
    };
    let id = "5a5a5a5a-5a5a-5a5a-5a5a-5a5a5a5a5a5a";
    let expected = json!({
        "eventId": id,
        "requestId": id,
        "eventTime": "2019-07-04T13:14:15Z",
        "requestParameters": { "KeyId": "1234abcd-12ab-34cd-56ef-1234567890ab" },
        "referencedResources": { "ACS::KMS::Key": ["1234abcd-12ab-34cd-56ef-1234567890ab"] },
        "eventName": "DescribeKey",
        "eventRW": "Read",
        "serviceName": "Kms",
        "eventType": "ApiCall",
        "apiVersion": "2016-01-20",
        "eventSource": "kms.cn-hangzhou.aliyuncs.com",
        "eventVersion": 1,
        "eventCategory": "Management",
        "isGlobal": false,
        "acsRegion": "cn-hangzhou",
        "sourceIpAddress": "Internal",
        "userAgent": "AliyunConsole",
        "recipientAccountId": "111122223333",
        "userIdentity": {
            "type": "root-account",
            "accountId": "111122223333",
            "principalId": "111122223333",
            "userName": "root",
        },
    });
    assert_eq!(text(&event), expected.to_string());
}

#[test]
fn what_a_call_may_have_besides() {
    let alice = user("alice");
    let frame = Frame::new(Caller::Principal(&alice, Some(true)), &space(), Some("10.0.0.7"), "");
    let event = Event {
        service: Service::Ram,
        name: "CreateUser",
        parameters: b"",
        resource: Some(Resource { kind: "ACS::RAM::User", name: "bob" }),
        response: br#"{"UserId":"2"}"#,
        refusal: Some(Refusal { code: "Forbidden.NoPermission", message: "Say \"no\"." }),
        count: 12,
        approved: Some(false),
        decided_by: Some("AliyunKMSFullAccess 2"),
        ..encrypt(&frame, 1, &[])
    };
    let value = parsed(&event);
    assert_eq!(value["requestParameters"], json!({}));
    assert_eq!(value.get("referencedResources"), None);
    assert_eq!(
        (&value["resourceType"], &value["resourceName"]),
        (&"ACS::RAM::User".into(), &"bob".into())
    );
    assert_eq!(value["responseElements"], json!({ "UserId": "2" }));
    assert_eq!(value["errorCode"], "Forbidden.NoPermission");
    assert_eq!(value["errorMessage"], "Say \"no\".");
    let more = json!({ "count": 12, "approved": false, "decidedBy": "AliyunKMSFullAccess 2" });
    assert_eq!(value["additionalEventData"], more);
    assert_eq!(
        (&value["serviceName"], &value["apiVersion"]),
        (&"Ram".into(), &"2015-05-01".into())
    );
    assert_eq!(value["eventSource"], "ram.aliyuncs.com");
    assert_eq!(value["sourceIpAddress"], "10.0.0.7");
    let identity = json!({
        "type": "ram-user",
        "accountId": "111122223333",
        "principalId": "200000000000000001",
        "userName": "alice",
        "accessKeyId": "LTAI5tExample",
        "sessionContext": { "attributes": { "mfaAuthenticated": "true" } },
    });
    assert_eq!(value["userIdentity"], identity);

    let keys = [KeyId::from_bytes([1; 16]), KeyId::from_bytes([2; 16])];
    let value = parsed(&Event { approved: Some(true), keys: &keys, ..encrypt(&frame, 1, &[]) });
    assert_eq!(value["additionalEventData"], json!({ "approved": true }));
    let keys = keys.map(|key| key.to_string());
    assert_eq!(value["referencedResources"], json!({ "ACS::KMS::Key": keys }));
    let value = parsed(&Event { decided_by: Some("x"), ..encrypt(&frame, 1, &[]) });
    assert_eq!(value["additionalEventData"], json!({ "decidedBy": "x" }));
}

#[test]
fn what_the_service_does_by_itself() {
    let frame = Frame::new(Caller::System, &space(), None, "");
    let value = parsed(&Event { kind: Kind::AliyunServiceEvent, ..encrypt(&frame, 1, &[]) });
    assert_eq!(value["eventType"], "AliyunServiceEvent");
    assert_eq!(value.get("apiVersion"), None);
    assert_eq!(value["eventSource"], "kms.cn-hangzhou.aliyuncs.com");
    let identity = json!({
        "type": "system",
        "accountId": "111122223333",
        "principalId": "111122223333",
        "userName": "system",
    });
    assert_eq!(value["userIdentity"], identity);
}

#[test]
fn every_escape() {
    let all: String =
        (0..=0x2ff_u32).chain([0x2028, 0xfeff, 0x1_f511]).filter_map(char::from_u32).collect();
    let mut out = Vec::new();
    canonical::text(&mut out, &all);
    assert_eq!(String::from_utf8(out).unwrap(), serde_json::to_string(&all).unwrap());
}

/// What Python would write otherwise, or read as something else, is no text of the trail.
#[test]
fn other_spellings_are_not_canonical() {
    let of_callers = r#"{"a":{"$serde_json::private::RawValue":"1","":[[],{},null,true,-1]}}"#;
    assert!(canonical::is_canonical(of_callers));
    assert!(canonical::is_canonical(
        r#"{"a":[-1,18446744073709551615,null,true,{}],"":"\u001fü\n"}"#
    ));
    for text in [
        "",
        "1",
        "[]",
        "{}{}",
        "{} ",
        r#"{"a": 1}"#,
        r#"{"a":1.0}"#,
        r#"{"a":1e5}"#,
        r#"{"a":-0}"#,
        r#"{"a":18446744073709551616}"#,
        r#"{"a":[1.5]}"#,
        r#"{"a":1,"a":1}"#,
        r#"{"a":"\u00fc"}"#,
        r#"{"a":"\/"}"#,
        r#"{"a":"\u001F"}"#,
        r#"{"a":"\u000a"}"#,
        r#"{"a":"\ud800"}"#,
        "{\"a\":\"\t\"}",
    ] {
        assert!(!canonical::is_canonical(text), "{text}");
    }
}

proptest! {
    /// Whatever texts come in, the event is JSON in its one spelling and has them.
    #[test]
    fn any_texts(texts: [String; 6], id: [u8; 16], time: u64, count: u64, bits: u8) {
        let [name, agent, kind, resource, code, message] = &texts;
        let principal = user(name);
        let frame = Frame::new(Caller::Principal(&principal, None), &space(), Some(kind), agent);
        let keys = [KeyId::from_bytes(id); 2];
        let parameters = serde_json::to_vec(&json!({ "Description": message })).unwrap();
        let event = Event {
            id: RequestId(id),
            time: Timestamp(time),
            parameters: if bits & 1 == 0 { &parameters } else { b"" },
            resource: (bits & 2 == 0).then_some(Resource { kind, name: resource }),
            refusal: (bits & 4 == 0).then_some(Refusal { code, message }),
            decided_by: (bits & 8 == 0).then_some(message),
            approved: (bits & 16 == 0).then_some(bits & 32 == 0),
            count,
            ..encrypt(&frame, 1, &keys[..usize::from(bits >> 6) % 3])
        };
        let value = parsed(&event);
        prop_assert_eq!(value["userIdentity"]["userName"].as_str(), Some(name.as_str()));
        prop_assert_eq!(value["userAgent"].as_str(), Some(agent.as_str()));
        if bits & 4 == 0 {
            prop_assert_eq!(value["errorMessage"].as_str(), Some(message.as_str()));
        }
    }
}
