//! Records of spaces and accounts: counters, aliases, tombstones, meters, users, policies, access keys.

use super::books::{About, Side, Thing};
use super::finding::What;
use super::keys::alias_of;
use super::page::Page;
use crate::error::Result;
use crate::hsm::{AccessKey, RecordKind};
use crate::keystore::Entry;
use crate::kms::destruction::read_tombstone;
use crate::kms::lists::{Count, Counters, List};
use crate::kms::metering::MeterRecord;
use crate::kms::principals::access_key_place;
use crate::kms::{AliasRecord, PolicyRecord, UserRecord, places};
use crate::model::{Account, HostingClass, PolicyType, Space, UserName};

impl Page<'_, '_> {
    pub(super) fn space(&mut self, entry: &Entry) -> Result<()> {
        let Some(counters) = self.opened(RecordKind::Space, entry, Counters::decode)? else {
            return Ok(());
        };
        let space = *counters.space();
        let (_, place) = places::space(self.keyring, &space)?;
        self.belongs(entry, &place);
        for (name, count) in counters.counts() {
            let fields = [space.account.as_bytes(), space.region.as_bytes(), &name[..]];
            self.enter((Thing::Counted, Side::There), &fields, *count, || About {
                what: What::Counters,
                place: entry.key.clone(),
                key: None,
            });
        }
        Ok(())
    }

    /// The next place in the order of creation of a space. One that cannot be read is found where it is met.
    pub(super) fn next_of(&self, space: &Space) -> Result<u64> {
        let (_, storage_key) = places::space(self.keyring, space)?;
        let entry = self.walk.get(&[&storage_key])?.pop().flatten();
        let Some(entry) = entry else { return Ok(0) };
        let id = entry.key.last_chunk().copied().unwrap_or_default();
        let place = crate::hsm::Place {
            kind: RecordKind::Space,
            id: &id,
            storage_key: &entry.key,
            immutables: &[],
        };
        let body = self.keyring.open_record(&place, &entry.value);
        match body.and_then(|body| Counters::decode(&body)) {
            Ok(counters) => Ok(counters.next_seq()),
            Err(error) if error.is_damage() => Ok(u64::MAX),
            Err(error) => Err(error),
        }
    }

    pub(super) fn alias(&mut self, entry: &Entry) -> Result<()> {
        let Some(alias) = self.opened(RecordKind::Alias, entry, AliasRecord::decode)? else {
            return Ok(());
        };
        let (id, place) = places::alias(self.keyring, &alias.space, alias.name.as_str())?;
        self.belongs(entry, &place);
        for list in [List::Aliases, List::AliasesOf(alias.key)] {
            let place = places::list_entry(&self.list(&alias.space, &list)?, alias.seq);
            self.enter((Thing::Entry, Side::Owed), &[&place, &id], 1, || About {
                what: What::EntryMissing,
                place: place.clone(),
                key: Some(alias.key),
            });
        }
        self.count_in(&alias.space, Count::Aliases, 1);
        self.sequence(&alias.space, alias.seq, &entry.key, Some(alias.key))?;
        let name = alias_of(&alias.key, &alias.space);
        self.enter((Thing::Alias, Side::There), &name, 1, || About {
            what: What::AliasOfNone,
            place: entry.key.clone(),
            key: Some(alias.key),
        });
        Ok(())
    }

    pub(super) fn tombstone(&mut self, entry: &Entry) -> Result<()> {
        self.opened(RecordKind::Tombstone, entry, read_tombstone).map(drop)
    }

    pub(super) fn meter(&mut self, entry: &Entry) -> Result<()> {
        let Some(meter) = self.opened(RecordKind::Meter, entry, MeterRecord::decode)? else {
            return Ok(());
        };
        let space = *meter.space();
        let (_, place) = places::meter(self.keyring, &space)?;
        self.belongs(entry, &place);
        for class in HostingClass::ALL {
            let number = [class as u8];
            let fields = [space.account.as_bytes(), space.region.as_bytes(), &number[..]];
            self.enter((Thing::Hosted, Side::There), &fields, meter.versions(class), || About {
                what: What::Metered,
                place: entry.key.clone(),
                key: None,
            });
        }
        Ok(())
    }

    pub(super) fn user(&mut self, entry: &Entry) -> Result<()> {
        let Some(user) = self.opened(RecordKind::User, entry, UserRecord::decode)? else {
            return Ok(());
        };
        let (_, place) = places::user(self.keyring, &user.account, &user.name)?;
        self.belongs(entry, &place);
        for key in &user.access_keys {
            let (_, place) = places::access_key(self.keyring, &key.id)?;
            let name = of_user(&place, &user.account, &user.name, &user.id);
            self.enter((Thing::AccessKey, Side::Owed), &name, 1, || About {
                what: What::AccessKeyMissing,
                place: place.clone(),
                key: None,
            });
        }
        for policy in user.policies.iter().filter(|policy| policy.kind == PolicyType::Custom) {
            let (_, place) = places::policy(self.keyring, &user.account, &policy.name)?;
            if self.walk.get(&[&place])?.pop().flatten().is_none() {
                self.find(What::PolicyMissing, &place, None);
            }
        }
        Ok(())
    }

    pub(super) fn policy(&mut self, entry: &Entry) -> Result<()> {
        let Some(policy) = self.opened(RecordKind::Policy, entry, PolicyRecord::decode)? else {
            return Ok(());
        };
        let (_, place) = places::policy(self.keyring, &policy.account, &policy.name)?;
        self.belongs(entry, &place);
        if policy.in_force().is_err() {
            self.find(What::PolicyVersion, &entry.key, None);
        }
        Ok(())
    }

    pub(super) fn access_key(&mut self, entry: &Entry) -> Result<()> {
        let id = entry.key.last_chunk().copied().unwrap_or_default();
        let place = access_key_place(&id, &entry.key);
        let key = self.opened_secret(&place, &entry.value, None, AccessKey::from_body)?;
        let Some(key) = key else { return Ok(()) };
        let (_, place) = places::access_key(self.keyring, &key.id)?;
        self.belongs(entry, &place);
        let name = of_user(&entry.key, &key.account, &key.user, &key.user_id);
        self.enter((Thing::AccessKey, Side::There), &name, 1, || About {
            what: What::AccessKeyOfNone,
            place: entry.key.clone(),
            key: None,
        });
        Ok(())
    }
}

/// The name of an access key in the books.
fn of_user<'a>(
    place: &'a [u8],
    account: &'a Account,
    user: &'a UserName,
    user_id: &'a str,
) -> [&'a [u8]; 4] {
    [place, account.as_bytes(), user.as_str().as_bytes(), user_id.as_bytes()]
}
