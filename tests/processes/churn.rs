//! A process that changes the store as fast as it can, until it is killed.

use kmshsm::kms::Session;
use serde_json::{Value, json};

use crate::{DAY, Outcome, REGION, call};

/// More keys are not made: every change would take longer and meet fewer others.
const MANY_KEYS: usize = 40;

/// What all keys of a group that have it have alike.
pub const GROUP_TAG: &str = "group";

/// The group of a key: one of eight.
pub fn group(key: &str) -> u8 {
    key.as_bytes()[0] % 8
}

/// Says once that it has begun.
pub fn forever(session: &Session, seed: u64, has_begun: impl FnOnce()) {
    let mut numbers = Numbers(seed);
    let mut has_begun = Some(has_begun);
    for round in 0u64.. {
        let keys = all_keys(session);
        let outcome = step(session, &mut numbers, &keys, round);
        // States are met by chance; any other error ends the process and so the test.
        if let Err((code, message)) = outcome {
            let is_due = code.starts_with("Rejected.")
                || code.ends_with("NotFound")
                || code == "AliasAlreadyExists";
            assert!(is_due, "{code} {message}");
        }
        if let Some(has_begun) = has_begun.take() {
            has_begun();
        }
    }
}

fn all_keys(session: &Session) -> Vec<Value> {
    let mut answer = call(session, "ListKeys", &json!({ "PageSize": 100 })).unwrap();
    let keys = answer["Keys"]["Key"].as_array_mut().unwrap();
    keys.iter_mut().map(|key| key["KeyId"].take()).collect()
}

fn step(session: &Session, numbers: &mut Numbers, keys: &[Value], round: u64) -> Outcome {
    let key = match keys.len() {
        0 => Value::Null,
        many => keys[numbers.below(many)].clone(),
    };
    let alias = format!("alias/{}", numbers.below(12));
    let aliased = json!({ "AliasName": alias, "KeyId": key });
    let tag = json!({ "TagKey": format!("t{}", numbers.below(4)), "TagValue": "v" });
    let (action, params) = match numbers.below(13) {
        _ if keys.len() < 5 => ("CreateKey", json!({ "Tags": [tag] })),
        0..2 if keys.len() < MANY_KEYS => ("CreateKey", json!({ "Tags": [tag] })),
        0..3 => ("ScheduleKeyDeletion", json!({ "KeyId": key, "PendingWindowInDays": 7 })),
        3 => ("CancelKeyDeletion", json!({ "KeyId": key })),
        4 => ("DisableKey", json!({ "KeyId": key })),
        5 => ("EnableKey", json!({ "KeyId": key })),
        6 => ("CreateAlias", aliased),
        7 => ("UpdateAlias", aliased),
        8 => ("DeleteAlias", json!({ "AliasName": alias })),
        9 => ("TagResource", json!({ "KeyId": key, "Tags": [tag] })),
        10 => ("UntagResource", json!({ "KeyId": key, "TagKeys": [tag["TagKey"]] })),
        11 => return tag_group(session, keys, &key, round),
        // What was scheduled goes, with its aliases and tags.
        _ => ("AdvanceClock", json!({ "Seconds": DAY })),
    };
    call(session, action, &params)
}

/// Gives the keys of a group the same tag: each of them, or none.
fn tag_group(session: &Session, keys: &[Value], key: &Value, round: u64) -> Outcome {
    let group = group(key.as_str().unwrap());
    let of_group = |key: &&Value| self::group(key.as_str().unwrap()) == group;
    let params = json!({
        "RegionId": REGION,
        "ResourceType": "key",
        "ResourceId": keys.iter().filter(of_group).collect::<Vec<_>>(),
        "Tag": [{ "Key": GROUP_TAG, "Value": round.to_string() }],
    });
    call(session, "TagResources", &params)
}

/// SplitMix64.
pub struct Numbers(u64);

impl From<u64> for Numbers {
    fn from(seed: u64) -> Self {
        Self(seed)
    }
}

impl Numbers {
    pub fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut word = self.0;
        word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (word ^ (word >> 31)) as usize % limit
    }
}
