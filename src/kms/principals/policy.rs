//! An account's own policies: what is stored of them. The service's own are in `crate::policy`.
#![forbid(unsafe_code)]

use crate::error::{Error, ErrorCode, Result};
use crate::hsm::{Place, RecordKind};
use crate::kms::stored::one;
use crate::kms::transaction::Body;
use crate::kms::{Kms, Transaction, UserRecord, places};
use crate::model::{Account, PolicyName, PolicyType, Timestamp};
use crate::octets::{Reader, Writer};

const VERSION: u8 = 1;

/// How many policies an account may have.
const MAX_POLICIES: u64 = 1500;

/// How many versions a policy may have.
const MAX_VERSIONS: usize = 5;

/// What is stored of a policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PolicyRecord {
    /// The account that it belongs to.
    pub account: Account,
    /// Its name.
    pub name: PolicyName,
    /// The owner's words.
    pub description: String,
    /// When it was created.
    pub created: Timestamp,
    /// When it, its versions or the default among them were last changed.
    pub updated: Timestamp,
    /// The number of the version that is in force.
    pub default: u32,
    /// The number of the next version: none is used twice.
    pub next: u32,
    /// The versions, oldest first.
    pub versions: Vec<PolicyVersion>,
}

/// A version of a policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PolicyVersion {
    /// Its number; `v1` is the name of the first one.
    pub number: u32,
    /// When it was created.
    pub created: Timestamp,
    /// Its text, which has been parsed when it came.
    pub document: String,
}

impl PolicyRecord {
    /// A policy of one version.
    pub(crate) fn new(
        account: Account,
        name: PolicyName,
        description: String,
        document: String,
        now: Timestamp,
    ) -> Self {
        let versions = vec![PolicyVersion { number: 1, created: now, document }];
        let (created, updated, default, next) = (now, now, 1, 2);
        Self { account, name, description, created, updated, default, next, versions }
    }

    /// The version of that number.
    pub(crate) fn version(&self, number: u32) -> Option<&PolicyVersion> {
        self.versions.iter().find(|version| version.number == number)
    }

    /// The version that is in force.
    pub(crate) fn in_force(&self) -> Result<&PolicyVersion> {
        self.version(self.default).ok_or_else(|| ErrorCode::StoreDamaged.into())
    }

    /// Adds a version: [`ErrorCode::LimitExceeded`] if there are five.
    pub(crate) fn add_version(
        &mut self,
        document: String,
        is_default: bool,
        now: Timestamp,
    ) -> Result<u32> {
        if self.versions.len() >= MAX_VERSIONS {
            let detail = format!("A policy has at most {MAX_VERSIONS} versions.");
            return Err(Error::new(ErrorCode::LimitExceeded).because(detail));
        }
        let number = self.next;
        self.next = number.checked_add(1).ok_or(ErrorCode::LimitExceeded)?;
        self.versions.push(PolicyVersion { number, created: now, document });
        if is_default {
            self.default = number;
        }
        self.updated = now;
        Ok(number)
    }

    /// `01 | lp(account) | lp(name) | lp(description) | created u64 | updated u64 | default u32
    /// | next u32 | u32 n | n * (number u32 | created u64 | lp(document))`.
    fn encode(&self) -> Vec<u8> {
        let mut w = Writer::default();
        w.u8(VERSION).lp(self.account.as_bytes()).lp(self.name.as_str().as_bytes());
        w.lp(self.description.as_bytes()).u64(self.created.0).u64(self.updated.0);
        w.u32(self.default).u32(self.next).u32(self.versions.len() as u32);
        for version in &self.versions {
            w.u32(version.number).u64(version.created.0).lp(version.document.as_bytes());
        }
        w.finish()
    }

    pub(in crate::kms) fn decode(body: &[u8]) -> Result<Self> {
        let mut r = Reader::new(body);
        if r.u8()? != VERSION {
            return Err(ErrorCode::StoreTooNew.into());
        }
        let account = Account::parse(&r.text()?).map_err(|_| ErrorCode::StoreDamaged)?;
        let name = PolicyName::parse(&r.text()?).map_err(|_| ErrorCode::StoreDamaged)?;
        let description = r.text()?;
        let (created, updated) = (Timestamp(r.u64()?), Timestamp(r.u64()?));
        let (default, next) = (r.u32()?, r.u32()?);
        let version = |r: &mut Reader<'_>| {
            let (number, created) = (r.u32()?, Timestamp(r.u64()?));
            Ok(PolicyVersion { number, created, document: r.text()? })
        };
        let versions = (0..r.u32()?).map(|_| version(&mut r)).collect::<Result<_>>()?;
        r.finish()?;
        Ok(Self { account, name, description, created, updated, default, next, versions })
    }
}

impl Transaction<'_> {
    /// The policy as this change leaves it so far; [`ErrorCode::PolicyNotFound`] if there is none.
    pub(crate) fn policy(&self, account: &Account, name: &PolicyName) -> Result<PolicyRecord> {
        self.find_policy(account, name)?.ok_or_else(|| ErrorCode::PolicyNotFound.into())
    }

    fn find_policy(&self, account: &Account, name: &PolicyName) -> Result<Option<PolicyRecord>> {
        let (id, storage_key) = places::policy(self.keyring(), account, name)?;
        let Some(record) = self.current(&storage_key)? else { return Ok(None) };
        let body = self.keyring().open_record(&policy_place(&id, &storage_key), &record)?;
        PolicyRecord::decode(&body).map(Some)
    }

    /// Writes a new policy: [`ErrorCode::PolicyExists`], or [`ErrorCode::LimitExceeded`] if the account
    /// has as many as it may.
    pub(crate) fn add_policy(&mut self, policy: &PolicyRecord) -> Result<()> {
        if self.find_policy(&policy.account, &policy.name)?.is_some() {
            return Err(ErrorCode::PolicyExists.into());
        }
        let policies = places::policies(self.keyring(), &policy.account)?;
        if self.stored()?.store.count(&policies)? >= MAX_POLICIES {
            let detail = format!("An account has at most {MAX_POLICIES} policies.");
            return Err(Error::new(ErrorCode::LimitExceeded).because(detail));
        }
        self.put_policy(policy)
    }

    /// Writes a policy in place of what was stored.
    pub(crate) fn put_policy(&mut self, policy: &PolicyRecord) -> Result<()> {
        let (id, storage_key) = places::policy(self.keyring(), &policy.account, &policy.name)?;
        self.put(&policy_place(&id, &storage_key), Body::Clear(&policy.encode()))?;
        self.touch(storage_key);
        Ok(())
    }

    /// Removes a policy with its versions: [`ErrorCode::PolicyHasUser`] if anybody has it.
    pub(crate) fn remove_policy(&mut self, policy: &PolicyRecord) -> Result<()> {
        // A change of anybody's since this one began has this one start over.
        let has_it =
            |user: &UserRecord| user.attachment(PolicyType::Custom, &policy.name).is_some();
        if self.stored()?.users(&policy.account)?.iter().any(has_it) {
            return Err(ErrorCode::PolicyHasUser.into());
        }
        let (id, storage_key) = places::policy(self.keyring(), &policy.account, &policy.name)?;
        self.remove(&policy_place(&id, &storage_key))?;
        self.touch(storage_key);
        Ok(())
    }
}

impl Kms {
    /// The policy as it is stored now.
    pub(crate) fn policy(
        &self,
        account: &Account,
        name: &PolicyName,
    ) -> Result<Option<PolicyRecord>> {
        let keyring = self.hsm.keyring()?;
        let (id, storage_key) = places::policy(&keyring, account, name)?;
        self.look(|| {
            let Some((_, record)) = one(&*self.store, &storage_key)? else { return Ok(None) };
            let body = keyring.open_record(&policy_place(&id, &storage_key), &record)?;
            PolicyRecord::decode(&body).map(Some)
        })
    }

    /// All policies of the account, by name.
    pub(crate) fn policies(&self, account: &Account) -> Result<Vec<PolicyRecord>> {
        let prefix = places::policies(&*self.hsm.keyring()?, account)?;
        let read = |id: &[u8; 16], storage_key: &[u8], record: &[u8]| {
            let keyring = self.hsm.keyring()?;
            PolicyRecord::decode(&keyring.open_record(&policy_place(id, storage_key), record)?)
        };
        let mut policies = self.look(|| self.range(&prefix, read))?;
        policies.sort_unstable_by(|one, other| one.name.cmp(&other.name));
        Ok(policies)
    }
}

pub(in crate::kms) const fn policy_place<'a>(id: &'a [u8; 16], storage_key: &'a [u8]) -> Place<'a> {
    Place { kind: RecordKind::Policy, id, storage_key, immutables: &[] }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn policies_come_back(
            account in "[0-9]{1,32}",
            name in "[A-Za-z0-9-]{1,128}",
            (description, times, default, next) in any::<(String, [u64; 2], u32, u32)>(),
            versions in prop::collection::vec(any::<(u32, u64, String)>(), 0..6),
            cut in any::<prop::sample::Index>(),
        ) {
            let version = |(number, created, document)| {
                PolicyVersion { number, created: Timestamp(created), document }
            };
            let policy = PolicyRecord {
                account: Account::parse(&account).unwrap(),
                name: PolicyName::parse(&name).unwrap(),
                description,
                created: Timestamp(times[0]),
                updated: Timestamp(times[1]),
                default,
                next,
                versions: versions.into_iter().map(version).collect(),
            };
            let bytes = policy.encode();
            prop_assert_eq!(PolicyRecord::decode(&bytes), Ok(policy));
            prop_assert!(PolicyRecord::decode(&bytes[..cut.index(bytes.len())]).is_err());
            prop_assert!(PolicyRecord::decode(&[&bytes[..], &[0]].concat()).is_err());
        }
    }
}
