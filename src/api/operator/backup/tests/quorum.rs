//! Who can open a backup.

use super::*;

/// T-BK-1: every quorum opens it, nothing less does.
#[test]
fn every_quorum_opens_and_nothing_less() {
    let world = World::new();
    create(&world.session(), json!({}));
    for (threshold, count) in [(2, 3), (3, 5), (5, 8)] {
        let name = format!("{threshold}of{count}");
        let created = world.back_up(&name, json!({ "Threshold": threshold, "Shares": count }));
        let all = created["Shares"].as_array().unwrap();
        assert_eq!(all.len(), count);
        for set in 0_u32..1 << count {
            let chosen = (0..count).filter(|at| set & 1 << at != 0).map(|at| &all[at]);
            let chosen: Vec<_> = chosen.collect();
            if chosen.len() != threshold && chosen.len() != threshold - 1 {
                continue;
            }
            let outcome = verify(&json!({ "Path": world.path(&name), "Shares": chosen }));
            match chosen.len() == threshold {
                true => assert_eq!(outcome.unwrap()["Opened"], true),
                false => assert_eq!(outcome.unwrap_err().code(), ErrorCode::InvalidShares),
            }
        }
    }
}

/// T-BK-2: shares that do not belong together give nothing.
#[test]
fn wrong_shares_give_nothing() {
    let world = World::new();
    create(&world.session(), json!({}));
    let (one, other) = (world.back_up("one", json!({})), world.back_up("other", json!({})));
    let share = |of: &Value, at: usize| of["Shares"][at].as_str().unwrap().to_owned();
    let with = |shares: Vec<String>| {
        verify(&json!({ "Path": world.path("one"), "Shares": shares })).unwrap_err().code()
    };
    let whole = share(&one, 0);
    let (words, last) = whole.rsplit_once(' ').unwrap();
    let instead = if last == "academic" { "acid" } else { "academic" };
    assert_eq!(with(vec![format!("{words} {instead}"), share(&one, 1)]), ErrorCode::InvalidShares);
    assert_eq!(with(vec![share(&one, 0), share(&one, 0)]), ErrorCode::InvalidShares);
    assert_eq!(with(vec![share(&one, 0), share(&other, 1)]), ErrorCode::InvalidShares);
    assert_eq!(with(vec![share(&other, 0), share(&other, 1)]), ErrorCode::UnlockFailed);
}

/// A passphrase is what it is, also if it could be a list.
#[test]
fn passphrases_are_taken_as_they_stand() {
    let world = World::new();
    let created = world.back_up("one", json!({}));
    let passphrase = r#"["open sesame"]"#;
    let place = world.path("restored");
    let with = json!({
        "Path": world.path("one"), "Place": place, "Passphrase": passphrase, "Shares": two(&created),
    });
    operate_alone("RestoreStore", Some(&with.to_string())).unwrap();
    let options = Options { allow_unprotected_memory: true, ..Options::default() };
    Kms::open(&place, &Unlock::Passphrase(passphrase.as_bytes()), options).unwrap();
}
