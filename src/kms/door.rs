//! The one door: only through it does an operation reach keys.

use std::sync::Arc;

use crate::error::{Error, ErrorCode, Result};
use crate::hsm::{self, KeyMaterial};
use crate::kms::cache::Meters;
use crate::kms::call::Call;
use crate::kms::room::with_room;
use crate::kms::trail::EventPage;
use crate::kms::{
    Access, AliasPage, Class, Held, Key, KeyRecord, Kms, Page, Purpose, Quotas, Resource, Rule,
    Selection, Statement, Transaction, Version, Wanted,
};
use crate::model::{
    Algorithm, Currency, Drawing, KeyId, KeyRef, KeySpec, KeyVersionId, ManualClock, Month, Permit,
    Principal, ProtectionLevel, Space, Timestamp, VersionRef,
};

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
    call: &'s Call<'s>,
    /// Any of these permissions will do.
    actions: &'static [&'static str],
}

impl<'s> Door<'s> {
    pub(super) const fn new(call: &'s Call<'s>, actions: &'static [&'static str]) -> Self {
        Self { call, actions }
    }

    /// The same request under other permissions, any of which will do.
    pub(crate) const fn under(&self, actions: &'static [&'static str]) -> Door<'s> {
        Door { actions, call: self.call }
    }

    /// The request itself.
    pub(super) const fn request(&self) -> &'s Call<'s> {
        self.call
    }

    pub(super) const fn actions(&self) -> &'static [&'static str] {
        self.actions
    }

    pub(super) const fn kms(&self) -> &'s Arc<Kms> {
        &self.call.session.kms
    }

    /// Who calls.
    pub(crate) const fn principal(&self) -> &'s Principal {
        &self.call.session.principal
    }

    /// The account and region of the call.
    pub(crate) const fn space(&self) -> &'s Space {
        &self.call.session.space
    }

    /// What the caller's account has used in a month in all regions, up to now, and what it costs.
    pub(crate) fn statement(&self, month: Month, currency: Currency) -> Result<Statement> {
        self.kms().statement(self.principal().account(), month, currency)
    }

    /// Writes down the calls and events until now, if anything can be written.
    pub(crate) fn flush(&self) -> Result<()> {
        self.kms().flush_if_writable()
    }

    /// The present moment.
    pub(crate) fn now(&self) -> Timestamp {
        self.kms().now()
    }

    /// The clock, if it is one that can be moved.
    pub(crate) fn manual_clock(&self) -> Option<&ManualClock> {
        self.kms().manual_clock()
    }

    /// The key that `reference` names, if the caller may do this to it and the state of the key
    /// allows it.
    pub(crate) fn key(&self, reference: &KeyRef<'_>, aliases: Aliases, rule: Rule) -> Result<Held> {
        self.kms().refresh()?;
        let found = self.resolve(reference, aliases).and_then(|id| {
            let absent = || self.absent(Some(&id), ErrorCode::KeyNotFound);
            let key = self.kms().find(&id)?.ok_or_else(absent)?;
            let Space { account, .. } = &key.record().space;
            let is_named = match reference {
                KeyRef::Arn(_, owner, _) => **owner == *account.as_str(),
                _ => *account == self.space().account,
            };
            if is_named { self.admit(key, rule) } else { Err(absent()) }
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
        self.kms().refresh()?;
        let found = self.kms().find_by_version(version)?;
        let key = found.ok_or_else(|| self.absent(None, ErrorCode::KeyNotFound))?;
        match self.admit(key, Rule::Use(Purpose::Envelope)) {
            // No such key has made it: one more ciphertext that does not open.
            Err(error) if error.code() == ErrorCode::UnsupportedOperation => {
                Err(ErrorCode::InvalidCiphertext.into())
            }
            outcome => outcome,
        }
    }

    /// Leave of the region's profile to use an algorithm with such keys; the indicator of the call
    /// takes it down.
    #[inline]
    pub(crate) fn admit_use<A: Algorithm>(
        &self,
        level: ProtectionLevel,
        spec: KeySpec,
        algorithm: A,
    ) -> Result<Permit<A>> {
        let permit = self.space().profile.permit(level, spec, algorithm)?;
        self.call.note_standing(permit.standing());
        Ok(permit)
    }

    /// Leave to draw random numbers for the caller, as for a key of AES at the best level on offer.
    pub(crate) fn admit_drawing(&self) -> Result<Permit<Drawing>> {
        let best = self.space().profile.protection_levels().last().copied();
        let level = best.unwrap_or(ProtectionLevel::Software);
        self.admit_use(level, KeySpec::Aes256, Drawing)
    }

    /// Runs `f` with the material of a version of an admitted key and leave to use `algorithm` with
    /// it, and again with room made for it if it finds the memory for keys used up; counts the call.
    /// `f` must be short: who closes the store waits for its end.
    #[inline]
    pub(crate) fn with_material<A: Algorithm, R>(
        &self,
        key: &Key,
        version: KeyVersionId,
        algorithm: A,
        mut f: impl FnMut(&KeyMaterial, Permit<A>) -> Result<R>,
    ) -> Result<R> {
        let KeyRecord { level, spec, .. } = *key.record();
        self.kms().hsm().admit(level, spec)?;
        let permit = self.admit_use(level, spec, algorithm)?;
        self.kms().with_material(key, version, Meters::Call, |material| f(material, permit))
    }

    /// Runs `f` with a version of an admitted asymmetric key for the sake of its public half. That is
    /// no use of the key, and not counted.
    pub(crate) fn with_public_half<R>(
        &self,
        key: &Key,
        version: KeyVersionId,
        f: impl FnMut(&KeyMaterial) -> Result<R>,
    ) -> Result<R> {
        self.kms().hsm().admit(key.record().level, key.record().spec)?;
        self.kms().with_material(key, version, Meters::Not, f)
    }

    /// Counts a request that is about no key in particular against the rates.
    pub(crate) fn count(&self, class: Class, spec: Option<KeySpec>) -> Result<()> {
        self.call.count(class, spec)
    }

    /// The limits.
    pub(crate) fn quotas(&self) -> &Quotas {
        self.kms().quotas()
    }

    /// [`ErrorCode::LimitExceeded`] unless the space may have one more. Asked before anything costly is
    /// made; the change asks again.
    pub(crate) fn room_for(&self, resource: Resource) -> Result<()> {
        let kms = self.kms();
        kms.quotas().room_for(resource, || kms.read_counters(self.space()))
    }

    /// Refuses a level that this process's memory is not fit for.
    pub(crate) fn admit_level(&self, level: ProtectionLevel, spec: KeySpec) -> Result<()> {
        self.kms().hsm().admit(level, spec)
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
                let gone = ErrorCode::KeyNotFound.into();
                self.fail(&gone);
                return Ok(Err(gone));
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

    /// Tells that the request fails, though the change under way is written: so says its event.
    pub(crate) fn fail(&self, error: &Error) {
        self.call.fail(error);
    }

    /// A key of the space as it is stored now, for a change that concerns several.
    pub(crate) fn stored(&self, transaction: &Transaction<'_>, id: &KeyId) -> Result<KeyRecord> {
        let absent = || self.absent(Some(id), ErrorCode::KeyNotFound);
        let key = transaction.key(id)?.ok_or_else(absent)?;
        self.permit_record(&key)?;
        Ok(key)
    }

    /// Changes the store in one transaction; `change` may run several times.
    pub(crate) fn change<R>(
        &self,
        mut change: impl FnMut(&mut Transaction<'_>) -> Result<R>,
    ) -> Result<R> {
        debug_assert_eq!(
            self.call.access,
            Access::Write,
            "{:?} is declared to change nothing",
            self.actions
        );
        self.call.count(Class::Write, None)?;
        let changed = self.kms().change(|transaction| self.call.change(transaction, &mut change));
        changed.inspect_err(|_| self.call.undo())
    }

    /// Does what is due in the whole store, so that lists are true and names are free. Where nothing can
    /// be written, lists have what is stored.
    pub(crate) fn settle(&self) -> Result<()> {
        match self.kms().takes_changes() {
            true => self.kms().sweep().map(drop),
            false => Ok(()),
        }
    }

    /// The keys of the space that `selection` takes: `limit` of them after the first `skip`.
    pub(crate) fn select(&self, selection: &Selection, skip: u64, limit: usize) -> Result<Page> {
        self.kms().select(self.space(), selection, skip, limit)
    }

    /// Shows `see` the keys of the space that have tags; see `Kms::visit_tagged`.
    pub(crate) fn visit_tagged(
        &self,
        tag: Option<&(String, Option<String>)>,
        seq: u64,
        see: impl FnMut(&KeyRecord) -> bool,
    ) -> Result<()> {
        self.kms().visit_tagged(self.space(), tag, seq, see)
    }

    /// The key that an alias of the space stands for.
    pub(crate) fn key_of_alias(&self, name: &str) -> Result<Option<KeyId>> {
        self.kms().resolve_alias(self.space(), name)
    }

    /// A page of the aliases of the space, or of a key.
    pub(crate) fn aliases(&self, of: Option<&Key>, skip: u64, limit: usize) -> Result<AliasPage> {
        let of = of.map(Key::record);
        self.kms().aliases(self.space(), of, skip, limit)
    }

    /// The newest events of the account; see `Kms::look_up_events`.
    pub(crate) fn look_up_events(
        &self,
        wanted: &Wanted,
        below: Option<u64>,
        limit: usize,
    ) -> Result<EventPage> {
        self.kms().look_up_events(self.space().account.as_str(), wanted, below, limit)
    }

    /// The keys that seal the store; for import tokens and fingerprints. Closing waits for who holds
    /// them: whatever secret is made meanwhile must be dropped before.
    pub(crate) fn keyring(&self) -> Result<Arc<hsm::Keyring>> {
        self.kms().hsm().keyring()
    }

    fn resolve(&self, reference: &KeyRef<'_>, aliases: Aliases) -> Result<KeyId> {
        let space = self.space();
        match reference {
            KeyRef::Id(id) => Ok(*id),
            KeyRef::Arn(region, _, id) if *region == space.region => Ok(*id),
            KeyRef::Arn(..) | KeyRef::Nothing => Err(self.absent(None, ErrorCode::KeyNotFound)),
            KeyRef::Alias(_) if aliases == Aliases::Refused => {
                let detail = "Give a key id, or the ARN of a key.";
                Err(self.absent(None, Error::new(ErrorCode::UnsupportedAlias).because(detail)))
            }
            KeyRef::Alias(name) => {
                let absent = || self.absent(None, ErrorCode::AliasNotFound);
                self.key_of_alias(name)?.ok_or_else(absent)
            }
        }
    }

    fn admit(&self, key: Held, rule: Rule) -> Result<Held> {
        self.permit_key(&key, rule)?;
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
        self.call.count(Class::of(rule, self.call.access), Some(key.record().spec))
    }

    /// A key about which something is due: that is done first.
    #[cold]
    fn admit_due(&self, key: Held, rule: Rule) -> Result<Held> {
        let (kms, record, now) = (self.kms(), key.record(), self.now());
        if record.is_due(now, || kms.hsm().admit(record.level, record.spec).is_ok()) {
            match kms.settle_keys(&[record.id]) {
                Ok(_) => {
                    kms.refresh()?;
                    let key = kms.find(&record.id)?.ok_or(ErrorCode::KeyNotFound)?;
                    // Others may have changed it meanwhile, too.
                    self.permit_key(&key, rule)?;
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
}

/// Who asks by an alias hears of the alias.
fn as_named(reference: &KeyRef<'_>, error: Error) -> Error {
    match (reference, error.code()) {
        (KeyRef::Alias(_), ErrorCode::KeyNotFound) => ErrorCode::AliasNotFound.into(),
        _ => error,
    }
}
