//! The one door: only through it does an operation reach keys.

use std::cell::Cell;
use std::sync::Arc;

use crate::error::{Error, ErrorCode, Result};
use crate::hsm::{self, KeyMaterial, PublicKey};
use crate::kms::cache::Meters;
use crate::kms::room::with_room;
use crate::kms::{
    Access, AliasPage, Class, Held, Key, KeyRecord, Kms, Page, Purpose, Quotas, Resource, Rule,
    Selection, Session, Transaction, Version,
};
use crate::model::{
    KeyId, KeyRef, KeySpec, KeyVersionId, ManualClock, Principal, ProtectionLevel, Space,
    Timestamp, VersionRef,
};
use crate::policy::{self, Decision};

/// Whether an operation takes an alias in place of a key id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Aliases {
    /// It does.
    Taken,
    /// It answers `Unsupported.Alias`.
    Refused,
}

/// One request on its way: resolves names, asks for permission, leads to keys and counts calls.
pub struct Door<'s> {
    session: &'s Session,
    /// Any of these permissions will do.
    actions: &'static [&'static str],
    access: Access,
    /// Whether it has been counted against the rates.
    is_counted: &'s Cell<bool>,
}

impl<'s> Door<'s> {
    pub(super) const fn new(
        session: &'s Session,
        actions: &'static [&'static str],
        access: Access,
        is_counted: &'s Cell<bool>,
    ) -> Self {
        Self { session, actions, access, is_counted }
    }

    /// The same request under other permissions, any of which will do.
    pub(crate) const fn under(&self, actions: &'static [&'static str]) -> Door<'s> {
        Door { actions, ..*self }
    }

    /// Who calls.
    pub(crate) const fn principal(&self) -> &Principal {
        &self.session.principal
    }

    pub(super) const fn actions(&self) -> &'static [&'static str] {
        self.actions
    }

    pub(super) const fn kms(&self) -> &'s Arc<Kms> {
        &self.session.kms
    }

    /// The account and region of the call.
    pub(crate) const fn space(&self) -> &Space {
        &self.session.space
    }

    /// The present moment.
    pub(crate) fn now(&self) -> Timestamp {
        self.session.kms.now()
    }

    /// The clock, if it is one that can be moved.
    pub(crate) fn manual_clock(&self) -> Option<&ManualClock> {
        self.session.kms.manual_clock()
    }

    /// The key that `reference` names, if the caller may do this to it and the state of the key
    /// allows it.
    pub(crate) fn key(&self, reference: &KeyRef<'_>, aliases: Aliases, rule: Rule) -> Result<Held> {
        self.session.kms.refresh()?;
        let found = self.resolve(reference, aliases).and_then(|id| {
            let key = self.session.kms.find(&id)?.ok_or(ErrorCode::KeyNotFound)?;
            self.admit(key, rule)
        });
        found.map_err(|error| as_named(reference, error))
    }

    /// The same, and the version of it that is named besides.
    pub(crate) fn key_version(
        &self,
        reference: &KeyRef<'_>,
        version: VersionRef,
        aliases: Aliases,
        rule: Rule,
    ) -> Result<(Held, Version)> {
        let key = self.key(reference, aliases, rule)?;
        let version = match version {
            VersionRef::Id(id) => key.version(id),
            VersionRef::Nothing => None,
        };
        let version = version.ok_or_else(|| {
            Error::new(ErrorCode::KeyVersionNotFound)
                .because("ListKeyVersions names those of a key.")
        })?;
        Ok((key, version))
    }

    /// The symmetric key of a version that a ciphertext names, under the same conditions.
    pub(crate) fn key_of_version(&self, version: KeyVersionId) -> Result<Held> {
        self.session.kms.refresh()?;
        let key = self.session.kms.find_by_version(version)?.ok_or(ErrorCode::KeyNotFound)?;
        match self.admit(key, Rule::Use(Purpose::Envelope)) {
            // No such key has made it: one more ciphertext that does not open.
            Err(error) if error.code() == ErrorCode::UnsupportedOperation => {
                Err(ErrorCode::InvalidCiphertext.into())
            }
            outcome => outcome,
        }
    }

    /// Runs `f` with the material of a version of an admitted key, and again with room made for it
    /// if it finds the memory for keys used up; counts the call. `f` must be short: who closes the
    /// store waits for its end.
    #[inline]
    pub(crate) fn with_material<R>(
        &self,
        key: &Key,
        version: KeyVersionId,
        f: impl FnMut(&KeyMaterial) -> Result<R>,
    ) -> Result<R> {
        self.session.kms.hsm().admit(key.record().level, key.record().spec)?;
        self.session.kms.with_material(key, version, Meters::Call, f)
    }

    /// Runs `f` with the public half of a version of an admitted asymmetric key. That is no use of the
    /// key, and not counted.
    pub(crate) fn with_public_key<R>(
        &self,
        key: &Key,
        version: KeyVersionId,
        mut f: impl FnMut(&PublicKey) -> Result<R>,
    ) -> Result<R> {
        self.session.kms.hsm().admit(key.record().level, key.record().spec)?;
        let f = |material: &KeyMaterial| f(material.pair()?.public());
        self.session.kms.with_material(key, version, Meters::Not, f)
    }

    /// Permission for what concerns all keys of the space: creating and listing.
    pub(crate) fn container(&self, class: Class, spec: Option<KeySpec>) -> Result<()> {
        self.authorize(&self.session.space)?;
        self.count(class, spec)
    }

    /// Counts the request against the rates, once: [`ErrorCode::Throttled`] if they are exceeded.
    #[inline]
    fn count(&self, class: Class, spec: Option<KeySpec>) -> Result<()> {
        match &self.session.kms.quotas().requests_per_second {
            Some(rates) if !self.is_counted.replace(true) => {
                self.session.calls.take(rates, class, spec, self.now())
            }
            _ => Ok(()),
        }
    }

    /// The limits.
    pub(crate) fn quotas(&self) -> &Quotas {
        self.session.kms.quotas()
    }

    /// [`ErrorCode::LimitExceeded`] unless the space may have one more. Asked before anything costly is
    /// made; the change asks again.
    pub(crate) fn room_for(&self, resource: Resource) -> Result<()> {
        let kms = &self.session.kms;
        kms.quotas().room_for(resource, || kms.read_counters(&self.session.space))
    }

    /// Refuses a level that this process's memory is not fit for.
    pub(crate) fn admit_level(&self, level: ProtectionLevel, spec: KeySpec) -> Result<()> {
        self.session.kms.hsm().admit(level, spec)
    }

    /// Runs `f`, and again with room made for it if it finds the memory for keys used up.
    pub(crate) fn with_room<R>(&self, f: impl FnMut() -> Result<R>) -> Result<R> {
        with_room(f)
    }

    /// Changes the key that `reference` names: what `change` makes of its record is written, with all
    /// else that it put into the transaction.
    pub(crate) fn change_key<R>(
        &self,
        reference: &KeyRef<'_>,
        aliases: Aliases,
        rule: Rule,
        mut change: impl FnMut(&mut Transaction<'_>, &mut KeyRecord) -> Result<R>,
    ) -> Result<R> {
        // What is due is done and stays done, whatever comes of this change.
        let id = self.key(reference, aliases, rule)?.record().id;
        let changed = self.change(|transaction| {
            let old = self.stored(transaction, &id)?;
            let Some(mut new) = transaction.settle(&old)? else {
                return Ok(Err(ErrorCode::KeyNotFound.into()));
            };
            rule.check(&new)?;
            let answer = change(transaction, &mut new)?;
            // A state or policy may have made something due.
            match transaction.settle(&new)? {
                Some(new) if new != old => transaction.put_key(Some(&old), &new)?,
                _ => {}
            }
            Ok(Ok(answer))
        });
        changed.flatten().map_err(|error| as_named(reference, error))
    }

    /// A key of the space as it is stored now, for a change that concerns several.
    pub(crate) fn stored(&self, transaction: &Transaction<'_>, id: &KeyId) -> Result<KeyRecord> {
        let key = transaction.key(id)?.ok_or(ErrorCode::KeyNotFound)?;
        self.own(&key)?;
        Ok(key)
    }

    /// Changes the store in one transaction; `change` may run several times.
    pub(crate) fn change<R>(
        &self,
        change: impl FnMut(&mut Transaction<'_>) -> Result<R>,
    ) -> Result<R> {
        debug_assert_eq!(
            self.access,
            Access::Write,
            "{:?} is declared to change nothing",
            self.actions
        );
        self.count(Class::Write, None)?;
        self.session.kms.change(change)
    }

    /// Does what is due in the whole store, so that lists are true and names are free.
    pub(crate) fn settle(&self) -> Result<()> {
        self.session.kms.sweep().map(drop)
    }

    /// The keys of the space that `selection` takes: `limit` of them after the first `skip`.
    pub(crate) fn select(&self, selection: &Selection, skip: u64, limit: usize) -> Result<Page> {
        self.session.kms.select(&self.session.space, selection, skip, limit)
    }

    /// Shows `see` the keys of the space that have tags; see `Kms::visit_tagged`.
    pub(crate) fn visit_tagged(
        &self,
        tag: Option<&(String, Option<String>)>,
        seq: u64,
        see: impl FnMut(&KeyRecord) -> bool,
    ) -> Result<()> {
        self.session.kms.visit_tagged(&self.session.space, tag, seq, see)
    }

    /// The key that an alias of the space stands for.
    pub(crate) fn key_of_alias(&self, name: &str) -> Result<Option<KeyId>> {
        self.session.kms.resolve_alias(&self.session.space, name)
    }

    /// A page of the aliases of the space, or of a key.
    pub(crate) fn aliases(&self, of: Option<&Key>, skip: u64, limit: usize) -> Result<AliasPage> {
        let of = of.map(Key::record);
        self.session.kms.aliases(&self.session.space, of, skip, limit)
    }

    /// The keys that seal the store; for import tokens and fingerprints. Closing waits for who holds
    /// them: whatever secret is made meanwhile must be dropped before.
    pub(crate) fn keyring(&self) -> Result<Arc<hsm::Keyring>> {
        self.session.kms.hsm().keyring()
    }

    fn resolve(&self, reference: &KeyRef<'_>, aliases: Aliases) -> Result<KeyId> {
        let space = &self.session.space;
        match reference {
            KeyRef::Id(id) => Ok(*id),
            KeyRef::Arn(region, account, id)
                if *region == space.region && **account == *space.account.as_str() =>
            {
                Ok(*id)
            }
            KeyRef::Arn(..) | KeyRef::Nothing => Err(ErrorCode::KeyNotFound.into()),
            KeyRef::Alias(_) if aliases == Aliases::Refused => {
                let detail = "Give a key id, or the ARN of a key.";
                Err(Error::new(ErrorCode::UnsupportedAlias).because(detail))
            }
            KeyRef::Alias(name) => {
                self.key_of_alias(name)?.ok_or_else(|| ErrorCode::AliasNotFound.into())
            }
        }
    }

    fn admit(&self, key: Held, rule: Rule) -> Result<Held> {
        self.own(key.record())?;
        if key.due().is_some_and(|due| self.now() >= due) {
            return self.admit_due(key, rule);
        }
        self.pass(&key, rule)?;
        Ok(key)
    }

    /// What rules and rates say.
    #[inline]
    fn pass(&self, key: &Key, rule: Rule) -> Result<()> {
        rule.check(key.record())?;
        self.count(Class::of(rule, self.access), Some(key.record().spec))
    }

    /// A key about which something is due: that is done first.
    #[cold]
    fn admit_due(&self, key: Held, rule: Rule) -> Result<Held> {
        let (kms, record, now) = (&self.session.kms, key.record(), self.now());
        if record.is_due(now, || kms.hsm().admit(record.level, record.spec).is_ok()) {
            match kms.settle_keys(&[record.id]) {
                Ok(_) => {
                    kms.refresh()?;
                    let key = kms.find(&record.id)?.ok_or(ErrorCode::KeyNotFound)?;
                    self.pass(&key, rule)?;
                    return Ok(key);
                }
                // Gone is gone, whether or not that can be written down now.
                Err(_) if record.is_gone(now) => return Err(ErrorCode::KeyNotFound.into()),
                Err(error) if record.has_expired(now) => return Err(error),
                // A version that cannot be written now does not stand in the way of the others.
                Err(_) => {}
            }
        }
        self.pass(&key, rule)?;
        Ok(key)
    }

    /// A key of another space is not found; one that the caller may not touch is denied.
    fn own(&self, record: &KeyRecord) -> Result<()> {
        if record.space != self.session.space {
            return Err(ErrorCode::KeyNotFound.into());
        }
        self.authorize(&record.space)
    }

    fn authorize(&self, owner: &Space) -> Result<()> {
        let may = |action: &&str| {
            policy::decide(&self.session.principal, action, owner) == Decision::Allow
        };
        if self.actions.iter().any(may) { Ok(()) } else { Err(ErrorCode::NoPermission.into()) }
    }
}

/// Who asks by an alias hears of the alias.
fn as_named(reference: &KeyRef<'_>, error: Error) -> Error {
    match (reference, error.code()) {
        (KeyRef::Alias(_), ErrorCode::KeyNotFound) => ErrorCode::AliasNotFound.into(),
        _ => error,
    }
}
