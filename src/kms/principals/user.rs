//! RAM users: what is stored of them. All users of an account are one range of storage keys, so lists
//! and counts need no records of their own.
#![forbid(unsafe_code)]

use crate::error::{Error, ErrorCode, Result};
use crate::hsm::{Place, RecordKind};
use crate::kms::stored::one;
use crate::kms::transaction::Body;
use crate::kms::{Kms, Transaction, places};
use crate::model::{AccessKeyStatus, Account, PolicyName, PolicyType, Timestamp, UserName};
use crate::octets::{Reader, Writer};

const VERSION: u8 = 1;

/// How many users an account may have.
const MAX_USERS: u64 = 1000;

/// What is stored of a user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct UserRecord {
    /// The account that the user belongs to.
    pub account: Account,
    /// The name.
    pub name: UserName,
    /// The number: 18 decimal digits, of no other user before or after.
    pub id: String,
    /// A name for people.
    pub display_name: String,
    /// The owner's words.
    pub comments: String,
    /// When the user was created.
    pub created: Timestamp,
    /// When anything of the above was last changed.
    pub updated: Timestamp,
    /// The access keys, oldest first.
    pub access_keys: Vec<AccessKeyEntry>,
    /// The policies, in the order in which they were attached.
    pub policies: Vec<Attachment>,
    /// Wrong secrets since the last right one.
    pub failures: u8,
    /// Until when no secret is taken.
    pub locked_until: Option<Timestamp>,
}

/// What a user's record says of an access key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct AccessKeyEntry {
    /// Its id.
    pub id: String,
    /// Whether it opens sessions.
    pub status: AccessKeyStatus,
    /// When it was created.
    pub created: Timestamp,
}

/// A policy that a user has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Attachment {
    /// Whose policy it is.
    pub kind: PolicyType,
    /// Its name.
    pub name: PolicyName,
    /// When it was attached.
    pub attached: Timestamp,
}

impl UserRecord {
    /// The access key of that id; [`ErrorCode::UserAccessKeyNotFound`] if the user has none.
    pub(crate) fn access_key(&mut self, id: &str) -> Result<&mut AccessKeyEntry> {
        let found = self.access_keys.iter_mut().find(|key| key.id == id);
        found.ok_or_else(|| ErrorCode::UserAccessKeyNotFound.into())
    }

    /// When and whether the user has been given a policy.
    pub(crate) fn attachment(&self, kind: PolicyType, name: &PolicyName) -> Option<&Attachment> {
        self.policies.iter().find(|policy| policy.kind == kind && policy.name == *name)
    }

    /// `01 | lp(account) | lp(name) | lp(id) | lp(display name) | lp(comments) | created u64
    /// | updated u64 | u32 n | n * access key | u32 n | n * attachment | failures u8
    /// | locked until u64`.
    fn encode(&self) -> Vec<u8> {
        let mut w = Writer::default();
        w.u8(VERSION).lp(self.account.as_bytes()).lp(self.name.as_str().as_bytes());
        w.lp(self.id.as_bytes()).lp(self.display_name.as_bytes()).lp(self.comments.as_bytes());
        w.u64(self.created.0).u64(self.updated.0);
        w.u32(self.access_keys.len() as u32);
        for key in &self.access_keys {
            w.lp(key.id.as_bytes()).u8(key.status.number()).u64(key.created.0);
        }
        w.u32(self.policies.len() as u32);
        for policy in &self.policies {
            w.u8(policy.kind.number()).lp(policy.name.as_str().as_bytes()).u64(policy.attached.0);
        }
        w.u8(self.failures).u64(self.locked_until.map_or(0, |until| until.0));
        w.finish()
    }

    pub(in crate::kms) fn decode(body: &[u8]) -> Result<Self> {
        let mut r = Reader::new(body);
        if r.u8()? != VERSION {
            return Err(ErrorCode::StoreTooNew.into());
        }
        let account = Account::parse(&r.text()?).map_err(|_| ErrorCode::StoreDamaged)?;
        let name = UserName::parse(&r.text()?).map_err(|_| ErrorCode::StoreDamaged)?;
        let (id, display_name, comments) = (r.text()?, r.text()?, r.text()?);
        let (created, updated) = (Timestamp(r.u64()?), Timestamp(r.u64()?));
        let access_key = |r: &mut Reader<'_>| {
            Ok(AccessKeyEntry {
                id: r.text()?,
                status: AccessKeyStatus::from_number(r.u8()?)?,
                created: Timestamp(r.u64()?),
            })
        };
        let access_keys = (0..r.u32()?).map(|_| access_key(&mut r)).collect::<Result<_>>()?;
        let attachment = |r: &mut Reader<'_>| {
            Ok(Attachment {
                kind: PolicyType::from_number(r.u8()?)?,
                name: PolicyName::parse(&r.text()?).map_err(|_| ErrorCode::StoreDamaged)?,
                attached: Timestamp(r.u64()?),
            })
        };
        let policies = (0..r.u32()?).map(|_| attachment(&mut r)).collect::<Result<_>>()?;
        let failures = r.u8()?;
        let locked_until = Some(r.u64()?).filter(|until| *until != 0).map(Timestamp);
        r.finish()?;
        Ok(Self {
            account,
            name,
            id,
            display_name,
            comments,
            created,
            updated,
            access_keys,
            policies,
            failures,
            locked_until,
        })
    }
}

impl Transaction<'_> {
    /// The user as this change leaves it so far; [`ErrorCode::UserNotFound`] if there is none.
    pub(crate) fn user(&self, account: &Account, name: &UserName) -> Result<UserRecord> {
        self.find_user(account, name)?.ok_or_else(|| ErrorCode::UserNotFound.into())
    }

    fn find_user(&self, account: &Account, name: &UserName) -> Result<Option<UserRecord>> {
        let (id, storage_key) = places::user(self.keyring(), account, name)?;
        let Some(record) = self.current(&storage_key)? else { return Ok(None) };
        let body = self.keyring().open_record(&user_place(&id, &storage_key), &record)?;
        UserRecord::decode(&body).map(Some)
    }

    /// Writes a new user: [`ErrorCode::UserExists`], or [`ErrorCode::LimitExceeded`] if the account
    /// has as many as it may.
    pub(crate) fn add_user(&mut self, user: &UserRecord) -> Result<()> {
        if self.find_user(&user.account, &user.name)?.is_some() {
            return Err(ErrorCode::UserExists.into());
        }
        let users = places::users(self.keyring(), &user.account)?;
        if self.stored()?.store.count(&users)? >= MAX_USERS {
            let detail = format!("An account has at most {MAX_USERS} users.");
            return Err(Error::new(ErrorCode::LimitExceeded).because(detail));
        }
        self.put_user(user)
    }

    /// Writes a user in place of what was stored, and has every process look at it anew.
    pub(crate) fn put_user(&mut self, user: &UserRecord) -> Result<()> {
        let storage_key = self.note_user(user)?;
        self.touch(storage_key);
        Ok(())
    }

    /// Writes a user of whom nothing has changed that any right depends on.
    pub(super) fn note_user(&mut self, user: &UserRecord) -> Result<Vec<u8>> {
        let (id, storage_key) = places::user(self.keyring(), &user.account, &user.name)?;
        self.put(&user_place(&id, &storage_key), Body::Clear(&user.encode()))?;
        Ok(storage_key)
    }

    /// Removes a user who has neither access keys nor policies.
    pub(crate) fn remove_user(&mut self, user: &UserRecord) -> Result<()> {
        if !user.access_keys.is_empty() {
            return Err(ErrorCode::UserHasAccessKey.into());
        }
        if !user.policies.is_empty() {
            return Err(ErrorCode::UserHasPolicy.into());
        }
        let (id, storage_key) = places::user(self.keyring(), &user.account, &user.name)?;
        self.remove(&user_place(&id, &storage_key))?;
        self.touch(storage_key);
        Ok(())
    }
}

impl Kms {
    /// The user as it is stored now.
    pub(crate) fn user(&self, account: &Account, name: &UserName) -> Result<Option<UserRecord>> {
        let keyring = self.hsm.keyring()?;
        let (id, storage_key) = places::user(&keyring, account, name)?;
        self.look(|| {
            let Some((_, record)) = one(&*self.store, &storage_key)? else { return Ok(None) };
            let body = keyring.open_record(&user_place(&id, &storage_key), &record)?;
            UserRecord::decode(&body).map(Some)
        })
    }

    /// All users of the account, by name.
    pub(crate) fn users(&self, account: &Account) -> Result<Vec<UserRecord>> {
        let prefix = places::users(&*self.hsm.keyring()?, account)?;
        let read = |id: &[u8; 16], storage_key: &[u8], record: &[u8]| {
            let keyring = self.hsm.keyring()?;
            UserRecord::decode(&keyring.open_record(&user_place(id, storage_key), record)?)
        };
        let mut users = self.look(|| self.range(&prefix, read))?;
        users.sort_unstable_by(|one, other| one.name.cmp(&other.name));
        Ok(users)
    }
}

pub(in crate::kms) const fn user_place<'a>(id: &'a [u8; 16], storage_key: &'a [u8]) -> Place<'a> {
    Place { kind: RecordKind::User, id, storage_key, immutables: &[] }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn words() -> impl Strategy<Value = UserRecord> {
        let time = || any::<u64>().prop_map(Timestamp);
        let access_key = ("[A-Za-z0-9]{0,24}", any::<bool>(), time());
        let policy = (any::<bool>(), "[A-Za-z0-9-]{1,128}", time());
        (
            ("[0-9]{1,32}", "[A-Za-z0-9._-]{1,64}", "[0-9]{18}"),
            (any::<String>(), any::<String>(), time(), time()),
            prop::collection::vec(access_key, 0..3),
            prop::collection::vec(policy, 0..21),
            (any::<u8>(), prop::option::of((1..=u64::MAX).prop_map(Timestamp))),
        )
            .prop_map(|(names, texts, access_keys, policies, (failures, locked_until))| {
                let access_keys = access_keys.into_iter().map(|(id, is_active, created)| {
                    let status = match is_active {
                        true => AccessKeyStatus::Active,
                        false => AccessKeyStatus::Inactive,
                    };
                    AccessKeyEntry { id, status, created }
                });
                let policies = policies.into_iter().map(|(is_own, name, attached)| {
                    let kind = if is_own { PolicyType::Custom } else { PolicyType::System };
                    Attachment { kind, name: PolicyName::parse(&name).unwrap(), attached }
                });
                UserRecord {
                    account: Account::parse(&names.0).unwrap(),
                    name: UserName::parse(&names.1).unwrap(),
                    id: names.2,
                    display_name: texts.0,
                    comments: texts.1,
                    created: texts.2,
                    updated: texts.3,
                    access_keys: access_keys.collect(),
                    policies: policies.collect(),
                    failures,
                    locked_until,
                }
            })
    }

    proptest! {
        #[test]
        fn users_come_back(user in words(), cut in any::<prop::sample::Index>()) {
            let bytes = user.encode();
            prop_assert_eq!(UserRecord::decode(&bytes), Ok(user));
            prop_assert!(UserRecord::decode(&bytes[..cut.index(bytes.len())]).is_err());
            prop_assert!(UserRecord::decode(&[&bytes[..], &[0]].concat()).is_err());
        }
    }
}
