//! Whether all that a store says of its keys fits together.

use std::collections::{BTreeMap, BTreeSet};

use kmshsm::kms::Session;
use serde_json::{Value, json};

use crate::churn::{GROUP_TAG, group};
use crate::{REGION, call};

/// Looks at everything; returns how many keys there are.
pub fn check(session: &Session) -> usize {
    let keys = ids(session, json!([]));
    let mut by_state: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let mut tags = BTreeSet::new();
    for key in &keys {
        let described = ask(session, "DescribeKey", json!({ "KeyId": key }));
        let state = text(&described["KeyMetadata"]["KeyState"]);
        if state == "Enabled" {
            let params = json!({ "KeyId": key, "Plaintext": "text !" });
            let blob = ask(session, "Encrypt", params)["CiphertextBlob"].take();
            let opened = ask(session, "Decrypt", json!({ "CiphertextBlob": blob }));
            assert_eq!(opened["Plaintext"], "text !");
        }
        by_state.entry(state).or_default().insert(key.clone());
        let listed = ask(session, "ListResourceTags", json!({ "KeyId": key }));
        for tag in listed["Tags"]["Tag"].as_array().unwrap() {
            tags.insert((key.clone(), text(&tag["TagKey"]), text(&tag["TagValue"])));
        }
    }
    for state in ["Enabled", "Disabled", "PendingDeletion", "PendingImport"] {
        let listed = ids(session, json!([{ "Key": "KeyState", "Values": [state] }]));
        assert_eq!(listed, by_state.remove(state).unwrap_or_default(), "{state}");
    }
    check_tags(session, &tags);
    check_aliases(session, &keys);
    keys.len()
}

/// Each tag, found from either side.
fn check_tags(session: &Session, tags: &BTreeSet<(String, String, String)>) {
    let params = json!({ "RegionId": REGION, "ResourceType": "key" });
    let listed = ask(session, "ListTagResources", params);
    assert_eq!(listed["NextToken"], "", "more tags than are made here");
    let rows = listed["TagResources"]["TagResource"].as_array().unwrap();
    let rows: BTreeSet<_> = rows
        .iter()
        .map(|row| (text(&row["ResourceId"]), text(&row["TagKey"]), text(&row["TagValue"])))
        .collect();
    assert_eq!(rows, *tags);
    let mut by_name: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    let mut by_group = BTreeMap::new();
    for (key, name, value) in tags {
        by_name.entry(name).or_default().insert(key.clone());
        if name == GROUP_TAG {
            // They were tagged together, so never one without the others.
            assert_eq!(by_group.entry(group(key)).or_insert(value), &value, "{tags:?}");
        }
    }
    for (name, keys) in by_name {
        assert_eq!(ids(session, json!([{ "Key": "TagKey", "Values": [name] }])), keys, "{name}");
    }
}

/// Each alias names a key that is there, and is found from either side.
fn check_aliases(session: &Session, keys: &BTreeSet<String>) {
    let listed = ask(session, "ListAliases", json!({ "PageSize": 100 }));
    let aliases = listed["Aliases"]["Alias"].as_array().unwrap();
    assert_eq!(listed["TotalCount"], aliases.len());
    for alias in aliases {
        let (name, key) = (&alias["AliasName"], text(&alias["KeyId"]));
        assert!(keys.contains(&key), "{alias}");
        let described = ask(session, "DescribeKey", json!({ "KeyId": name }));
        assert_eq!(described["KeyMetadata"]["KeyId"], key);
        let of_key = ask(session, "ListAliasesByKeyId", json!({ "KeyId": key, "PageSize": 100 }));
        assert!(of_key["Aliases"]["Alias"].as_array().unwrap().contains(alias), "{alias}");
        let named = ids(session, json!([{ "Key": "AliasName", "Values": [name] }]));
        assert_eq!(named, BTreeSet::from([key]));
    }
}

/// The keys that filters select, which must be as many as are counted.
fn ids(session: &Session, filters: Value) -> BTreeSet<String> {
    let listed = ask(session, "ListKeys", json!({ "PageSize": 100, "Filters": filters }));
    let keys = listed["Keys"]["Key"].as_array().unwrap();
    let ids: BTreeSet<_> = keys.iter().map(|key| text(&key["KeyId"])).collect();
    assert_eq!(listed["TotalCount"], ids.len(), "{listed}");
    ids
}

fn ask(session: &Session, action: &str, params: Value) -> Value {
    call(session, action, &params).unwrap_or_else(|error| panic!("{action} {params}: {error:?}"))
}

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}
