//! Quotas: how much of everything an account may have in a region, and how often it may ask (API
//! reference, chapter 17). Off unless the operator sets them.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use crate::error::{Error, ErrorCode, Result};
use crate::kms::lists::{Count, Counters};
use crate::kms::{Access, Kms, Rule, Transaction};
use crate::model::{KeySpec, Space, Timestamp};

/// Limits for each account in each region. What is absent is not limited.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Quotas {
    /// Keys.
    pub keys: Option<u64>,
    /// Aliases.
    pub aliases: Option<u64>,
    /// Versions of all keys. Automatic rotation is not refused.
    pub versions: Option<u64>,
    /// Tags that TagResource leaves on a key; at most 20 anyway.
    pub tags: Option<usize>,
    /// Calls in a second of the store's clock, counted by each process for itself.
    pub requests_per_second: Option<Rates>,
}

/// Calls in a second. The kinds of keys (AES and SM4; RSA; the curves) are counted apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rates {
    /// CreateKey.
    pub create_key: u32,
    /// Cryptography with AES and SM4 keys.
    pub symmetric: u32,
    /// Cryptography with RSA keys.
    pub rsa: u32,
    /// Cryptography with keys of the curves.
    pub curves: u32,
    /// What reads about keys.
    pub read: u32,
    /// What changes them.
    pub write: u32,
}

impl Default for Rates {
    /// The service's.
    fn default() -> Self {
        Self { create_key: 10, symmetric: 750, rsa: 200, curves: 200, read: 20, write: 10 }
    }
}

impl Quotas {
    /// The service's own: 200 keys, 300 aliases, 10 000 versions, 10 tags, and its rates.
    pub fn service() -> Self {
        Self {
            keys: Some(200),
            aliases: Some(300),
            versions: Some(10_000),
            tags: Some(10),
            requests_per_second: Some(Rates::default()),
        }
    }
}

/// What there may be only so many of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Resource {
    Keys,
    Aliases,
    Versions,
}

impl Quotas {
    /// [`ErrorCode::LimitExceeded`] unless whose counters these are may have one more.
    pub(super) fn room_for(
        &self,
        resource: Resource,
        counters: impl FnOnce() -> Result<Counters>,
    ) -> Result<()> {
        let (limit, count, name) = match resource {
            Resource::Keys => (self.keys, Count::Keys, "keys"),
            Resource::Aliases => (self.aliases, Count::Aliases, "aliases"),
            Resource::Versions => (self.versions, Count::Versions, "key versions"),
        };
        match limit {
            Some(limit) if counters()?.of(count) >= limit => {
                let detail = format!("The quota of {name} is {limit}.");
                Err(Error::new(ErrorCode::LimitExceeded).because(detail))
            }
            _ => Ok(()),
        }
    }
}

impl Transaction<'_> {
    /// [`ErrorCode::LimitExceeded`] unless the space may have one more.
    pub(crate) fn room_for(&self, space: &Space, resource: Resource) -> Result<()> {
        self.quotas().room_for(resource, || self.counters(space))
    }
}

impl Kms {
    /// The limits.
    pub(crate) const fn quotas(&self) -> &Quotas {
        &self.quotas
    }
}

/// What calls are counted by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Class {
    Create,
    Use,
    Read,
    Write,
}

impl Class {
    /// The class of a call under this rule.
    pub(super) const fn of(rule: Rule, access: Access) -> Self {
        match (rule, access) {
            (Rule::Use(_), _) => Self::Use,
            (_, Access::Read) => Self::Read,
            (_, Access::Write) => Self::Write,
        }
    }
}

/// The kind of a key, in its row of the table.
const fn family(spec: Option<KeySpec>) -> usize {
    match spec {
        None => 0,
        Some(spec) if spec.is_symmetric() => 0,
        Some(spec) if spec.is_rsa() => 1,
        Some(_) => 2,
    }
}

/// The calls of one space in the present second: for each class and kind of key the second and their
/// number in one word.
#[derive(Debug, Default)]
pub(super) struct Calls([[AtomicU64; 3]; 4]);

/// How many bits the number has: as many as a limit.
const NUMBER: u32 = u32::BITS;

impl Calls {
    /// Counts a call; [`ErrorCode::Throttled`] if there have been too many.
    pub(super) fn take(
        &self,
        rates: &Rates,
        class: Class,
        spec: Option<KeySpec>,
        now: Timestamp,
    ) -> Result<()> {
        let family = family(spec);
        let limit = match (class, family) {
            (Class::Create, _) => rates.create_key,
            (Class::Use, 0) => rates.symmetric,
            (Class::Use, 1) => rates.rsa,
            (Class::Use, _) => rates.curves,
            (Class::Read, _) => rates.read,
            (Class::Write, _) => rates.write,
        };
        let row = self.0.get(class as usize).and_then(|row| row.get(family));
        let calls = row.ok_or(ErrorCode::Internal)?;
        let count = |seen: u64| {
            // Of the second its lower half: the other is the same for a lifetime.
            let begun = now.0 << NUMBER;
            let number = if seen >> NUMBER << NUMBER == begun { seen - begun } else { 0 };
            (number < u64::from(limit)).then_some(begun + number + 1)
        };
        match calls.fetch_update(Ordering::Relaxed, Ordering::Relaxed, count) {
            Ok(_) => Ok(()),
            Err(_) => {
                let detail = format!("The limit is {limit} such calls in a second ({class:?}).");
                Err(Error::new(ErrorCode::Throttled).because(detail))
            }
        }
    }
}

/// The calls of every space.
#[derive(Debug, Default)]
pub(super) struct Callers(Mutex<HashMap<String, Arc<Calls>>>);

impl Callers {
    /// Those of one.
    pub(super) fn of(&self, space: &Space) -> Arc<Calls> {
        let name = format!("{}/{}", space.region, space.account);
        let mut callers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(callers.entry(name).or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// However high the limit, nothing runs over into the second.
    #[test]
    fn limits_of_all_sizes() {
        let now = Timestamp(1_562_246_055);
        for limit in [1, (1 << 24) - 1, 1 << 24, (1 << 24) + 1, u32::MAX] {
            let rates = Rates { symmetric: limit, ..Rates::default() };
            let calls = Calls::default();
            let take = || calls.take(&rates, Class::Use, Some(KeySpec::Sm4), now).is_ok();
            assert!(take());
            let all_but_one = (now.0 << NUMBER) + u64::from(limit) - 1;
            calls.0[Class::Use as usize][0].store(all_but_one, Ordering::Relaxed);
            assert!(take() && !take() && !take(), "{limit}");
        }
    }

    #[test]
    fn seconds_begin_anew() {
        let rates = Rates { symmetric: 2, curves: 1, ..Rates::default() };
        let calls = Calls::default();
        let take = |spec, now| calls.take(&rates, Class::Use, Some(spec), Timestamp(now)).is_ok();
        for now in [0, 1_562_246_055, 1_562_246_056, u64::from(u32::MAX) * 200] {
            assert!(take(KeySpec::Sm4, now) && take(KeySpec::Aes256, now), "{now}");
            assert!(!take(KeySpec::Aes256, now), "{now}");
            assert!(take(KeySpec::EcP256, now) && !take(KeySpec::EcSm2, now), "{now}");
            assert!(take(KeySpec::Rsa2048, now));
        }
    }
}
