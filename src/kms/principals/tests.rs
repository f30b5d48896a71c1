//! What users may do follows their records, whoever changes them; and what whoever can write to a store's
//! file does not achieve by it.

use std::sync::Arc;

use super::*;
use crate::error::Error;
use crate::hsm::{AccessKey, fresh_user_id};
use crate::kms::{Options, Unlock, places};
use crate::model::Timestamp;

const POLICY: &str =
    r#"{"Version":"1","Statement":[{"Effect":"Allow","Action":"kms:*","Resource":"*"}]}"#;

fn account() -> Account {
    Account::parse("111122223333").unwrap()
}

fn named(name: &str) -> UserName {
    UserName::parse(name).unwrap()
}

fn first() -> PolicyName {
    PolicyName::parse("first").unwrap()
}

/// A user with an access key, as a session of his would name him; and the secret.
fn user(kms: &Kms, name: &str) -> (Principal, Vec<u8>) {
    let user = UserRecord {
        account: account(),
        name: named(name),
        id: fresh_user_id().unwrap(),
        display_name: String::new(),
        comments: String::new(),
        created: Timestamp(1),
        updated: Timestamp(1),
        access_keys: Vec::new(),
        policies: Vec::new(),
        failures: 0,
        locked_until: None,
    };
    let key = AccessKey::generate(&user.account, &user.name, &user.id).unwrap();
    let body = key.body().unwrap();
    kms.change(|transaction| {
        let mut user = user.clone();
        transaction.add_user(&user)?;
        transaction.add_access_key(&mut user, &key.id, &body)
    })
    .unwrap();
    let principal = Principal::User {
        account: user.account,
        id: user.id,
        name: name.to_owned(),
        access_key_id: key.id.clone(),
    };
    (principal, key.reveal(|secret| Ok(secret.to_vec())).unwrap())
}

fn access_key_id(principal: &Principal) -> &str {
    match principal {
        Principal::User { access_key_id, .. } => access_key_id,
        Principal::Root { .. } => "",
    }
}

fn change(kms: &Kms, name: &str, change: impl Fn(&mut UserRecord)) {
    kms.change(|transaction| {
        let mut user = transaction.user(&account(), &named(name))?;
        change(&mut user);
        transaction.put_user(&user)
    })
    .unwrap();
}

fn add_policy(kms: &Kms) {
    let policy = PolicyRecord::new(account(), first(), String::new(), POLICY.into(), Timestamp(1));
    kms.change(|transaction| transaction.add_policy(&policy)).unwrap();
}

fn attach(kms: &Kms, name: &str, kind: PolicyType, policy: &str) {
    let name_of_policy = PolicyName::parse(policy).unwrap();
    let attached = Timestamp(1);
    change(kms, name, |user| {
        user.policies.push(Attachment { kind, name: name_of_policy.clone(), attached });
    });
}

fn names(grants: Result<Arc<Grants>>) -> Result<Vec<String>, ErrorCode> {
    let names = |grants: Arc<Grants>| {
        grants.policies.iter().map(|granted| granted.name.to_string()).collect()
    };
    grants.map(names).map_err(|error| error.code())
}

fn memory() -> Arc<Kms> {
    Kms::in_memory(Options::default()).unwrap()
}

/// Two that have the same store open, as two processes have.
fn two() -> (tempfile::TempDir, [Arc<Kms>; 2]) {
    let directory = tempfile::tempdir().unwrap();
    let (place, unlock) = (directory.path().join("store"), Unlock::KeyFile(&[7; 32]));
    Kms::create(&place, &unlock).unwrap();
    let open = |_| Kms::open(&place, &unlock, Options::default()).unwrap();
    (directory, [0, 1].map(open))
}

#[test]
fn what_one_changes_another_obeys_at_once() {
    let (_directory, [one, other]) = two();
    let (alice, _) = user(&one, "alice");
    let (bob, _) = user(&one, "bob");
    assert_eq!(names(other.grants(&alice)), Ok(vec![]));

    add_policy(&one);
    attach(&one, "alice", PolicyType::Custom, "first");
    attach(&one, "alice", PolicyType::System, "AliyunKMSReadOnlyAccess");
    let both = vec!["first".to_owned(), "AliyunKMSReadOnlyAccess".to_owned()];
    assert_eq!(names(other.grants(&alice)), Ok(both.clone()));
    let again = [other.grants(&alice).unwrap(), other.grants(&alice).unwrap()];
    assert!(Arc::ptr_eq(&again[0], &again[1]), "read anew");
    assert_eq!(names(other.grants(&bob)), Ok(vec![]));

    // The text of a policy, which alice's record does not change with.
    let parsed = |grants: Result<Arc<Grants>>| Arc::clone(&grants.unwrap().policies[0].policy);
    let before = parsed(other.grants(&alice));
    one.change(|transaction| {
        let mut policy = transaction.policy(&account(), &first())?;
        policy.add_version(POLICY.replace("Allow", "Deny"), true, transaction.now())?;
        transaction.put_policy(&policy)
    })
    .unwrap();
    let after = parsed(other.grants(&alice));
    assert_ne!(format!("{before:?}"), format!("{after:?}"));

    let id = access_key_id(&alice).to_owned();
    let switch = |status| {
        change(&one, "alice", |user| user.access_key(&id).unwrap().status = status);
    };
    switch(AccessKeyStatus::Inactive);
    assert_eq!(names(other.grants(&alice)), Err(ErrorCode::AccessKeyInactive));
    switch(AccessKeyStatus::Active);
    assert_eq!(names(other.grants(&alice)), Ok(both));
    one.change(|transaction| {
        let mut user = transaction.user(&account(), &named("alice"))?;
        transaction.remove_access_key(&mut user, &id)
    })
    .unwrap();
    assert_eq!(names(other.grants(&alice)), Err(ErrorCode::AccessKeyNotFound));
    assert_eq!(names(other.grants(&bob)), Ok(vec![]));
    assert_eq!(one.ledger().unwrap(), Vec::<String>::new());
}

#[test]
fn only_what_must_be_kept_is_written() {
    let kms = memory();
    let (alice, secret) = user(&kms, "alice");
    let id = access_key_id(&alice);
    let grants = kms.grants(&alice).unwrap();
    let written = || kms.header_revision().unwrap();
    let before = written();
    assert_eq!(kms.authenticate(id, &secret).as_ref(), Ok(&alice));
    assert_eq!(code(kms.authenticate("LTAI", &secret)), Some(ErrorCode::AccessKeyNotFound));
    assert_eq!(written(), before);
    assert_eq!(code(kms.authenticate(id, b"")), Some(ErrorCode::IncompleteSignature));
    assert!(written() > before);
    let before = written();
    assert_eq!(kms.authenticate(id, &secret), Ok(alice.clone()));
    assert!(written() > before, "the row of failures has not ended");
    // Nobody's rights have changed by all that.
    assert!(Arc::ptr_eq(&grants, &kms.grants(&alice).unwrap()), "read anew");
}

#[test]
fn a_later_user_of_the_same_name_is_another() {
    let kms = memory();
    let (alice, secret) = user(&kms, "alice");
    kms.change(|transaction| {
        let mut user = transaction.user(&account(), &named("alice"))?;
        transaction.remove_access_key(&mut user, access_key_id(&alice))?;
        transaction.remove_user(&user)
    })
    .unwrap();
    assert_eq!(names(kms.grants(&alice)), Err(ErrorCode::AccessKeyNotFound));
    let (second, _) = user(&kms, "alice");
    assert_eq!(names(kms.grants(&alice)), Err(ErrorCode::AccessKeyNotFound));
    assert_eq!(names(kms.grants(&second)), Ok(vec![]));
    let refused = kms.authenticate(access_key_id(&alice), &secret).unwrap_err();
    assert_eq!(refused.code(), ErrorCode::AccessKeyNotFound);
}

#[test]
fn the_account_itself_needs_no_policies() {
    assert_eq!(names(memory().grants(&Principal::Root { account: account() })), Ok(vec![]));
}

/// A system policy that a later version of this library has attached: what it denies is not known.
#[test]
fn a_system_policy_that_is_not_known() {
    let kms = memory();
    let (alice, _) = user(&kms, "alice");
    attach(&kms, "alice", PolicyType::System, "AliyunOfTomorrow");
    assert_eq!(names(kms.grants(&alice)), Err(ErrorCode::StoreTooNew));
}

impl Kms {
    fn place_of_user(&self, name: &str) -> Vec<u8> {
        places::user(&self.hsm.keyring().unwrap(), &account(), &named(name)).unwrap().1
    }

    fn place_of_access_key(&self, id: &str) -> Vec<u8> {
        places::access_key(&self.hsm.keyring().unwrap(), id).unwrap().1
    }

    fn place_of_policy(&self) -> Vec<u8> {
        places::policy(&self.hsm.keyring().unwrap(), &account(), &first()).unwrap().1
    }

    fn take(&self, place: &[u8]) -> Vec<u8> {
        self.value(place).unwrap()
    }
}

fn code<T>(outcome: Result<T>) -> Option<ErrorCode> {
    outcome.err().as_ref().map(Error::code)
}

#[test]
fn records_in_the_place_of_others_are_refused() {
    let damaged = Some(ErrorCode::StoreDamaged);
    let kms = memory();
    let [(alice, secret), (bob, other)] = ["alice", "bob"].map(|name| user(&kms, name));
    add_policy(&kms);
    attach(&kms, "alice", PolicyType::Custom, "first");

    // One user's rights for another.
    let (place, own) = (kms.place_of_user("bob"), kms.take(&kms.place_of_user("bob")));
    kms.forge(vec![(place.clone(), kms.take(&kms.place_of_user("alice")))], vec![]);
    assert_eq!(code(kms.user(&account(), &named("bob"))), damaged);
    assert_eq!(code(kms.users(&account())), damaged);
    assert_eq!(code(kms.grants(&bob)), damaged);
    assert_eq!(code(kms.authenticate(access_key_id(&bob), &other)), damaged);
    // A policy in place of a user.
    kms.forge(vec![(place.clone(), kms.take(&kms.place_of_policy()))], vec![]);
    assert_eq!(code(kms.user(&account(), &named("bob"))), damaged);
    kms.forge(vec![(place, own)], vec![]);
    assert_eq!(code(kms.grants(&bob)), None);

    // One's secret for another's access key.
    let keys = [&alice, &bob].map(|user| kms.place_of_access_key(access_key_id(user)));
    let [first, second] = keys.each_ref().map(|place| kms.take(place));
    kms.forge(vec![(keys[0].clone(), second.clone()), (keys[1].clone(), first.clone())], vec![]);
    assert_eq!(code(kms.authenticate(access_key_id(&alice), &other)), damaged);
    assert_eq!(code(kms.authenticate(access_key_id(&alice), &secret)), damaged);
    kms.forge(vec![(keys[0].clone(), first), (keys[1].clone(), second)], vec![]);
    assert_eq!(kms.authenticate(access_key_id(&alice), &secret), Ok(alice));
    assert_eq!(kms.ledger().unwrap(), Vec::<String>::new());
}

/// The record of a deleted access key that is put back opens nothing, and is found by who walks the store.
#[test]
fn a_deleted_access_key_is_put_back() {
    let kms = memory();
    let (alice, secret) = user(&kms, "alice");
    let id = access_key_id(&alice);
    let place = kms.place_of_access_key(id);
    let record = kms.take(&place);
    kms.change(|transaction| {
        let mut user = transaction.user(&account(), &named("alice"))?;
        transaction.remove_access_key(&mut user, id)
    })
    .unwrap();
    kms.forge(vec![(place, record)], vec![]);
    assert_eq!(code(kms.authenticate(id, &secret)), Some(ErrorCode::AccessKeyNotFound));
    assert_eq!(names(kms.grants(&alice)), Err(ErrorCode::AccessKeyNotFound));
    assert_eq!(kms.ledger().unwrap().len(), 2);
}

/// A change is under way for as long as this takes.
#[test]
fn access_keys_that_nobody_has_wait_for_nobody() {
    let kms = memory();
    kms.change(|_| {
        for id in ["", "LTAI", "LTAI00000000000000000000"] {
            assert_eq!(code(kms.authenticate(id, b"secret")), Some(ErrorCode::AccessKeyNotFound));
        }
        Ok(())
    })
    .unwrap();
}

#[test]
fn an_account_has_so_many_users_and_policies() {
    let kms = memory();
    let before = |transaction: &mut crate::kms::Transaction<'_>, count: usize| {
        let base = places::users(transaction.keyring(), &account())?;
        for number in 0..count {
            let entry = [&base[..], &(number as u128).to_be_bytes()].concat();
            transaction.enter(entry, vec![0]);
        }
        let base = places::policies(transaction.keyring(), &account())?;
        for number in 0..count + 500 {
            let entry = [&base[..], &(number as u128).to_be_bytes()].concat();
            transaction.enter(entry, vec![0]);
        }
        Ok(())
    };
    kms.change(|transaction| before(transaction, 999)).unwrap();
    user(&kms, "last");
    add_policy(&kms);
    let record = kms.user(&account(), &named("last")).unwrap().unwrap();
    let more = UserRecord { name: named("more"), ..record };
    let limit = Some(ErrorCode::LimitExceeded);
    assert_eq!(code(kms.change(|transaction| transaction.add_user(&more))), limit);
    let name = PolicyName::parse("more").unwrap();
    let more = PolicyRecord::new(account(), name, String::new(), POLICY.into(), Timestamp(1));
    assert_eq!(code(kms.change(|transaction| transaction.add_policy(&more))), limit);
}
