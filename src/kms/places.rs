//! Where everything is in the keystore. Ids of keys, versions and pairs are in clear; accounts,
//! regions and what a list is of are not: they are PRF outputs.

use crate::error::Result;
use crate::hsm::{Keyring, RecordKind};
use crate::kms::lists::List;
use crate::model::{Account, KeyId, KeyVersionId, PolicyName, Space, UserName};

/// `01`: the format of the store and its UUID, in clear.
pub(super) const PREAMBLE: &[u8] = &[0x01];
/// `02 | number`: an unlock slot.
pub(super) const SLOTS: &[u8] = &[SLOT];
/// `03`: the master key, wrapped.
pub(super) const ROOT: &[u8] = &[0x03];
/// `04`: the header record.
pub(super) const HEADER: &[u8] = &[0x04];
/// `05`: the key pair that signs checkpoints.
pub(super) const IDENTITY: &[u8] = &[0x05];

/// `02 | number`.
pub(super) fn slot(number: u8) -> Vec<u8> {
    [SLOTS, &[number]].concat()
}

/// What the storage keys of sealed records begin with, and the kinds of records there, in the order of
/// the keys.
pub(super) const SEALED: [(u8, RecordKind); 13] = [
    (0x05, RecordKind::Identity),
    (KEY, RecordKind::Key),
    (VERSION, RecordKind::Version),
    (PAIR, RecordKind::WrappingPair),
    (SPACE, RecordKind::Space),
    (ALIAS, RecordKind::Alias),
    (TOMBSTONE, RecordKind::Tombstone),
    (USER, RecordKind::User),
    (POLICY, RecordKind::Policy),
    (ACCESS_KEY, RecordKind::AccessKey),
    (METER, RecordKind::Meter),
    (EVENTS_FROM, RecordKind::Events),
    (CHECKPOINT, RecordKind::Checkpoint),
];

const SLOT: u8 = 0x02;
const KEY: u8 = 0x10;
const VERSION: u8 = 0x11;
const PAIR: u8 = 0x12;
const SPACE: u8 = 0x13;
const ALIAS: u8 = 0x14;
const TOMBSTONE: u8 = 0x15;
const USER: u8 = 0x16;
const POLICY: u8 = 0x17;
const ACCESS_KEY: u8 = 0x18;
const METER: u8 = 0x19;
const VERSION_INDEX: u8 = 0x21;
const LIST: u8 = 0x30;
const DUE: u8 = 0x31;
const EVENTS_FROM: u8 = 0x40;
const CHECKPOINT: u8 = 0x41;

/// What the storage keys of keys, and of wrapping pairs, begin with.
pub(super) const KEYS: &[u8] = &[KEY];
pub(super) const PAIRS: &[u8] = &[PAIR];

/// What those of all other sealed records begin with that belong to no single key, in the order of a
/// backup: what keys are counted in comes before them, what follows from them behind.
pub(super) const BEFORE_KEYS: &[u8] = &[0x05, SPACE];
pub(super) const BEHIND_KEYS: &[u8] =
    &[TOMBSTONE, POLICY, USER, ACCESS_KEY, METER, EVENTS_FROM, CHECKPOINT];

/// What the storage keys of aliases begin with.
pub(super) const ALIASES: &[u8] = &[ALIAS];

/// What the storage keys of tombstones begin with.
pub(super) const TOMBSTONES: &[u8] = &[TOMBSTONE];

/// What the entries of keys that fall due begin with.
pub(super) const AGENDA: &[u8] = &[DUE];

/// What the storage keys of events begin with.
pub(super) const EVENTS: &[u8] = &[EVENTS_FROM];

/// What the storage keys of checkpoints begin with.
pub(super) const CHECKPOINTS: &[u8] = &[CHECKPOINT];

/// What the records are about whose storage keys begin with this byte; none if they are not sealed.
pub(super) fn record_kind(first: u8) -> Option<RecordKind> {
    SEALED.iter().find(|(prefix, _)| *prefix == first).map(|(_, kind)| *kind)
}

/// Whether these are storage keys of the audit trail.
pub(super) const fn is_of_trail(first: u8) -> bool {
    matches!(first, EVENTS_FROM | CHECKPOINT)
}

/// Whether this is the storage key of an entry of an index, a list or the agenda.
pub(super) fn is_entry(storage_key: &[u8]) -> bool {
    matches!(storage_key.first(), Some(&(VERSION_INDEX | LIST | DUE)))
}

/// Whether a storage key is as long as those that begin like it.
pub(super) const fn is_of_length(storage_key: &[u8]) -> bool {
    let Some(first) = storage_key.first() else { return false };
    storage_key.len()
        == match *first {
            KEY..=TOMBSTONE | ACCESS_KEY | METER | VERSION_INDEX => 17,
            USER | POLICY | DUE => 33,
            LIST => 25,
            EVENTS_FROM | CHECKPOINT => 9,
            SLOT => 2,
            _ => 1,
        }
}

/// `40 | sequence u64`: events of the audit trail from this one on.
pub(super) fn events(first: u64) -> Vec<u8> {
    [EVENTS, &first.to_be_bytes()].concat()
}

/// `41 | sequence u64`: the checkpoint that vouches for the events up to this one.
pub(super) fn checkpoint(last: u64) -> Vec<u8> {
    [CHECKPOINTS, &last.to_be_bytes()].concat()
}

/// The sequence number in either, and the id of its record: zeros before it.
pub(super) fn sequence(storage_key: &[u8]) -> Option<(u64, [u8; 16])> {
    let number: [u8; 8] = storage_key.get(1..)?.try_into().ok()?;
    let number = u64::from_be_bytes(number);
    Some((number, u128::from(number).to_be_bytes()))
}

/// What kind of sealed record is at a storage key of `store`, and its id; `None` if none can be there.
pub(super) fn record_at(storage_key: &[u8], store: &[u8; 16]) -> Option<(RecordKind, [u8; 16])> {
    let (first, rest) = storage_key.split_first()?;
    let kind = match record_kind(*first)? {
        RecordKind::Identity => {
            return (storage_key == IDENTITY).then_some((RecordKind::Identity, *store));
        }
        kind @ (RecordKind::Events | RecordKind::Checkpoint) => {
            return Some((kind, sequence(storage_key)?.1));
        }
        kind => kind,
    };
    let len = if matches!(kind, RecordKind::User | RecordKind::Policy) { 32 } else { 16 };
    (rest.len() == len).then(|| rest.last_chunk().map(|id| (kind, *id)))?
}

/// `10 | key id`.
pub(super) fn key(id: &KeyId) -> Vec<u8> {
    [&[KEY][..], id.as_bytes()].concat()
}

/// The key whose record has this storage key.
pub(super) fn key_at(storage_key: &[u8]) -> Option<KeyId> {
    match storage_key {
        [KEY, id @ ..] => Some(KeyId::from_bytes(id.try_into().ok()?)),
        _ => None,
    }
}

/// The destroyed key whose tombstone has this storage key.
pub(super) fn destroyed_at(storage_key: &[u8]) -> Option<KeyId> {
    match storage_key {
        [TOMBSTONE, id @ ..] => Some(KeyId::from_bytes(id.try_into().ok()?)),
        _ => None,
    }
}

/// `11 | key version id`.
pub(super) fn version(id: &KeyVersionId) -> Vec<u8> {
    [&[VERSION][..], id.as_bytes()].concat()
}

/// `12 | pair id`.
pub(super) fn pair(id: &[u8; 16]) -> Vec<u8> {
    [&[PAIR][..], id].concat()
}

/// `13 | HMAC("space", account, region)`: the id of the space's record and its storage key.
pub(super) fn space(keyring: &Keyring, space: &Space) -> Result<([u8; 16], Vec<u8>)> {
    let id = keyring.index(&[b"space", space.account.as_bytes(), space.region.as_bytes()])?;
    Ok((id, [&[SPACE][..], &id].concat()))
}

/// `14 | HMAC("alias", account, region, name)`: the id of the alias's record and its storage key.
pub(super) fn alias(keyring: &Keyring, space: &Space, name: &str) -> Result<([u8; 16], Vec<u8>)> {
    let (account, region) = (space.account.as_bytes(), space.region.as_bytes());
    let id = keyring.index(&[b"alias", account, region, name.as_bytes()])?;
    Ok((id, alias_of_id(&id)))
}

/// The storage key of the alias's record with this id.
pub(super) fn alias_of_id(id: &[u8; 16]) -> Vec<u8> {
    [&[ALIAS][..], id].concat()
}

/// Whether this is the storage key of an alias's record.
pub(super) fn is_alias(storage_key: &[u8]) -> bool {
    storage_key.first() == Some(&ALIAS)
}

/// `15 | key id`: what remains of a key that has been destroyed.
pub(super) fn tombstone(id: &KeyId) -> Vec<u8> {
    [&[TOMBSTONE][..], id.as_bytes()].concat()
}

/// `19 | HMAC("meter", account, region)`: the id of the meter's record and its storage key.
pub(super) fn meter(keyring: &Keyring, space: &Space) -> Result<([u8; 16], Vec<u8>)> {
    let id = keyring.index(&[b"meter", space.account.as_bytes(), space.region.as_bytes()])?;
    Ok((id, [&[METER][..], &id].concat()))
}

/// `16 | HMAC("account", account)`: what the storage keys of its users begin with.
pub(super) fn users(keyring: &Keyring, account: &Account) -> Result<Vec<u8>> {
    of_account(keyring, USER, account)
}

/// `16 | HMAC("account", account) | HMAC("user", account, name)`: the id of the user's record, and its
/// storage key.
pub(super) fn user(
    keyring: &Keyring,
    account: &Account,
    name: &UserName,
) -> Result<([u8; 16], Vec<u8>)> {
    let id = keyring.index(&[b"user", account.as_bytes(), name.as_str().as_bytes()])?;
    Ok((id, [&users(keyring, account)?[..], &id].concat()))
}

/// `17 | HMAC("account", account)`: what the storage keys of its policies begin with.
pub(super) fn policies(keyring: &Keyring, account: &Account) -> Result<Vec<u8>> {
    of_account(keyring, POLICY, account)
}

/// `17 | HMAC("account", account) | HMAC("policy", account, name)`: the id of the policy's record, and
/// its storage key.
pub(super) fn policy(
    keyring: &Keyring,
    account: &Account,
    name: &PolicyName,
) -> Result<([u8; 16], Vec<u8>)> {
    let id = keyring.index(&[b"policy", account.as_bytes(), name.as_str().as_bytes()])?;
    Ok((id, [&policies(keyring, account)?[..], &id].concat()))
}

fn of_account(keyring: &Keyring, kind: u8, account: &Account) -> Result<Vec<u8>> {
    Ok([&[kind][..], &keyring.index(&[b"account", account.as_bytes()])?].concat())
}

/// `18 | HMAC("access key", id)`: the id of the access key's record, and its storage key.
pub(super) fn access_key(keyring: &Keyring, id: &str) -> Result<([u8; 16], Vec<u8>)> {
    let id = keyring.index(&[b"access key", id.as_bytes()])?;
    Ok((id, [&[ACCESS_KEY][..], &id].concat()))
}

/// Whether this is the storage key of what somebody's rights depend on.
pub(super) fn is_of_principals(storage_key: &[u8]) -> bool {
    matches!(storage_key.first(), Some(&(USER | POLICY | ACCESS_KEY)))
}

/// `21 | HMAC("version", key version id)`: leads from a version to its key.
pub(super) fn version_index(keyring: &Keyring, id: &KeyVersionId) -> Result<Vec<u8>> {
    Ok([&[VERSION_INDEX][..], &keyring.index(&[b"version", id.as_bytes()])?].concat())
}

/// `30 | HMAC("list", account, region, name...)`: the entries of a list follow, each with its place in
/// the order of creation.
pub(super) fn list(keyring: &Keyring, space: &Space, list: &List) -> Result<Vec<u8>> {
    let (account, region) = (space.account.as_bytes(), space.region.as_bytes());
    let id = list.with_name(|name| {
        let fields = [&[&b"list"[..], account, region], name].concat();
        keyring.index(&fields)
    })?;
    Ok([&[LIST][..], &id].concat())
}

/// One entry of a list.
pub(super) fn list_entry(list: &[u8], seq: u64) -> Vec<u8> {
    [list, &seq.to_be_bytes()].concat()
}

/// `31 | HMAC("due", hour)`: the ids follow of the keys for which something falls due in that hour,
/// counted from 1970.
pub(super) fn due(keyring: &Keyring, hour: u64) -> Result<Vec<u8>> {
    Ok([&[DUE][..], &keyring.index(&[b"due", &hour.to_be_bytes()])?].concat())
}

/// One key that falls due.
pub(super) fn due_entry(due: &[u8], id: &KeyId) -> Vec<u8> {
    [due, id.as_bytes()].concat()
}

/// The key of such an entry.
pub(super) fn key_due(entry: &[u8]) -> Option<KeyId> {
    entry.last_chunk().copied().map(KeyId::from_bytes)
}
