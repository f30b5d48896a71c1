//! For tests: whether the header, the counters, the lists, the indexes and the agenda say what the
//! records say, entry for entry. Everything here is worked out anew from the records alone.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::audit::{Chain, Head};
use crate::error::Result;
use crate::hsm::{AccessKey, Header, Keyring};
use crate::keystore::Entry;
use crate::kms::aliases::{AliasRecord, alias_place};
use crate::kms::lists::{Count, Counters, List};
use crate::kms::metering::{MeterRecord, hosted, meter_place};
use crate::kms::principals::{access_key_place, policy_place, user_place};
use crate::kms::stored::{key_place, one};
use crate::kms::trail::Item;
use crate::kms::{KeyRecord, Kms, PolicyRecord, UserRecord, places};
use crate::model::{HostingClass, KeyId, PolicyType, Space, Timestamp};

/// What a store must hold besides its records.
#[derive(Default)]
struct Expected {
    entries: BTreeMap<Vec<u8>, Vec<u8>>,
    records: BTreeSet<Vec<u8>>,
    counters: Vec<(Space, Counters)>,
    hosted: HashMap<(Space, HostingClass), u64>,
}

impl Kms {
    /// A sentence for everything that does not agree.
    #[doc(hidden)]
    pub fn ledger(&self) -> Result<Vec<String>> {
        let keyring = &*self.hsm.keyring()?;
        let mut faults = Vec::new();
        let header = one(&*self.store, places::HEADER)?.map(|(_, header)| header);
        let header = Header::open(keyring, &header.unwrap_or_default())?;

        let mut summed = Header::new(keyring, Timestamp(0), header.identity, [0; 32])?;
        let mut records = BTreeMap::new();
        for prefix in [0x05, 0x40, 0x41].into_iter().chain(0x10..0x20) {
            for entry in self.everything(&[prefix])? {
                summed.add(keyring.term(&entry.key, &entry.value)?);
                records.insert(entry.key, entry.value);
            }
        }
        if (summed.records, summed.set) != (header.records, header.set) {
            faults.push(format!("{} records, {} in the header", summed.records, header.records));
        }

        let mut walked = Chain::new(*keyring.store());
        self.walk_trail(u64::MAX, &mut |item| {
            if let Item::Event(event) = item {
                walked.append(event.as_bytes());
            }
            Ok(())
        })?;
        if walked.head() != (Head { sequence: header.events, hash: header.audit_head }) {
            faults.push("the trail does not lead to its head".to_owned());
        }

        let mut expected = Expected::default();
        let mut keys = BTreeMap::new();
        let mut aliases = Vec::new();
        let mut meters = Vec::new();
        for (storage_key, record) in &records {
            match storage_key.as_slice() {
                [0x10, id @ ..] => {
                    let id = KeyId::from_bytes(id.try_into().unwrap_or_default());
                    let body = keyring.open_record(&key_place(&id, storage_key), record)?;
                    let key = KeyRecord::decode(id, &body)?;
                    expected.add_key(keyring, &key, &mut faults, &header)?;
                    keys.insert(id, (key, 0));
                }
                [0x14, id @ ..] => {
                    let id: [u8; 16] = id.try_into().unwrap_or_default();
                    let body = keyring.open_record(&alias_place(&id, storage_key), record)?;
                    aliases.push((id, AliasRecord::decode(&body)?));
                }
                [0x19, id @ ..] => {
                    let id: [u8; 16] = id.try_into().unwrap_or_default();
                    let body = keyring.open_record(&meter_place(&id, storage_key), record)?;
                    meters.push(MeterRecord::decode(&body)?);
                }
                [0x16, ..] => {
                    let place = user_place(last16(storage_key), storage_key);
                    let user = UserRecord::decode(&keyring.open_record(&place, record)?)?;
                    expected.add_user(keyring, &user)?;
                }
                [0x17, ..] => {
                    let place = policy_place(last16(storage_key), storage_key);
                    let policy = PolicyRecord::decode(&keyring.open_record(&place, record)?)?;
                    let (_, place) = places::policy(keyring, &policy.account, &policy.name)?;
                    expected.records.insert(place);
                }
                [0x18, ..] => {
                    let place = access_key_place(last16(storage_key), storage_key);
                    let key = AccessKey::from_body(&keyring.open_secret(&place, record)?)?;
                    let (_, place) = places::access_key(keyring, &key.id)?;
                    if place != *storage_key {
                        faults.push(format!("{} is in the place of another", key.id));
                    }
                }
                _ => {}
            }
        }
        for (id, alias) in &aliases {
            expected.add_alias(keyring, id, alias)?;
            match keys.get_mut(&alias.key) {
                Some((key, count)) if key.space == alias.space => *count += 1,
                _ => faults.push(format!("{} names no key", alias.name)),
            }
        }
        for (id, (key, count)) in &keys {
            if key.aliases != *count {
                faults.push(format!("{id} counts {} aliases of {count}", key.aliases));
            }
        }
        for (space, counters) in &expected.counters {
            if self.read_counters(space)?.counts() != counters.counts() {
                faults.push(format!("the counters of {space:?} are off"));
            }
        }
        for meter in &meters {
            for class in HostingClass::ALL {
                let hosted = expected.hosted.remove(&(*meter.space(), class)).unwrap_or(0);
                if meter.versions(class) != hosted {
                    faults.push(format!("the meter of {:?} is off: {class:?}", meter.space()));
                }
            }
        }
        for (space, class) in expected.hosted.keys() {
            faults.push(format!("{space:?} has no meter: {class:?}"));
        }
        let beside =
            records.keys().filter(|key| matches!(key.first(), Some(0x10..=0x12 | 0x16..=0x18)));
        for key in beside.cloned().collect::<BTreeSet<_>>().symmetric_difference(&expected.records)
        {
            faults.push(format!("the record {} is there for nothing, or missing", hex(key)));
        }
        let mut entries = BTreeMap::new();
        for prefix in 0x20..0x40 {
            entries.extend(self.everything(&[prefix])?.into_iter().map(|e| (e.key, e.value)));
        }
        for (key, value) in &entries {
            if expected.entries.get(key) != Some(value) {
                faults.push(format!("the entry {} is there for nothing", hex(key)));
            }
        }
        for key in expected.entries.keys().filter(|key| !entries.contains_key(*key)) {
            faults.push(format!("the entry {} is missing", hex(key)));
        }
        Ok(faults)
    }

    fn everything(&self, prefix: &[u8]) -> Result<Vec<Entry>> {
        let mut all: Vec<Entry> = Vec::new();
        loop {
            let after = all.last().map_or(Vec::new(), |entry| entry.key.clone());
            let some = self.store.scan(prefix, &after, 500)?;
            if some.is_empty() {
                return Ok(all);
            }
            all.extend(some);
        }
    }
}

impl Expected {
    fn add_key(
        &mut self,
        keyring: &Keyring,
        key: &KeyRecord,
        faults: &mut Vec<String>,
        header: &Header,
    ) -> Result<()> {
        self.records.insert(places::key(&key.id));
        for version in &key.versions {
            self.records.insert(places::version(&version.id));
            let index = places::version_index(keyring, &version.id)?;
            self.entries.insert(index, key.id.as_bytes().to_vec());
        }
        for (pair, _) in &key.wrapping_pairs {
            self.records.insert(places::pair(pair));
        }
        for list in List::memberships(key) {
            let prefix = places::list(keyring, &key.space, &list)?;
            let entry = places::list_entry(&prefix, key.seq);
            self.entries.insert(entry, key.id.as_bytes().to_vec());
            if let Some(count) = list.counter() {
                self.counters(&key.space).count(count, 1, 0)?;
            }
        }
        self.counters(&key.space).count(Count::Versions, key.versions.len() as u64, 0)?;
        if let Some((class, versions)) = hosted(key) {
            *self.hosted.entry((key.space, class)).or_default() += versions;
        }
        if let Some(due) = key.due() {
            if due.hour() < header.due {
                faults.push(format!("{} is due before anybody looks", key.id));
            }
            let hour = places::due(keyring, due.hour())?;
            self.entries.insert(places::due_entry(&hour, &key.id), Vec::new());
        }
        Ok(())
    }

    fn add_alias(&mut self, keyring: &Keyring, id: &[u8; 16], alias: &AliasRecord) -> Result<()> {
        for list in [List::Aliases, List::AliasesOf(alias.key)] {
            let prefix = places::list(keyring, &alias.space, &list)?;
            self.entries.insert(places::list_entry(&prefix, alias.seq), id.to_vec());
        }
        self.counters(&alias.space).count(Count::Aliases, 1, 0)
    }

    /// A user, the access keys and the policies that there must be.
    fn add_user(&mut self, keyring: &Keyring, user: &UserRecord) -> Result<()> {
        self.records.insert(places::user(keyring, &user.account, &user.name)?.1);
        for key in &user.access_keys {
            self.records.insert(places::access_key(keyring, &key.id)?.1);
        }
        for policy in user.policies.iter().filter(|policy| policy.kind == PolicyType::Custom) {
            self.records.insert(places::policy(keyring, &user.account, &policy.name)?.1);
        }
        Ok(())
    }

    fn counters(&mut self, space: &Space) -> &mut Counters {
        let at = self.counters.iter().position(|(known, _)| known == space);
        let at = at.unwrap_or_else(|| {
            self.counters.push((*space, Counters::new(space)));
            self.counters.len() - 1
        });
        #[allow(clippy::indexing_slicing)] // found or pushed just now
        &mut self.counters[at].1
    }
}

/// The id in a storage key that ends with it.
fn last16(storage_key: &[u8]) -> &[u8; 16] {
    storage_key.last_chunk().unwrap_or(&[0; 16])
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
