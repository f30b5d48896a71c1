//! The one door: every operation goes through [`Session::call`], and only through its [`Door`] does
//! an operation reach keys.

use std::cell::Cell;
use std::sync::Arc;

use serde::Serialize;

use crate::error::{Error, ErrorCode, RequestId, Result};
use crate::fork::Generation;
use crate::hsm::{self, KeyMaterial, PublicKey};
use crate::kms::cache::Meters;
use crate::kms::room::with_room;
use crate::kms::{
    Access, Action, Held, Key, KeyRecord, Kms, List, Page, Purpose, Rule, Transaction, Version,
};
use crate::model::{
    KeyId, KeyRef, KeySpec, KeyVersionId, ManualClock, Principal, ProtectionLevel, Space,
    Timestamp, VersionRef,
};
use crate::policy::{self, Decision};

/// A principal in an account and region.
#[derive(Clone)]
pub struct Session {
    kms: Arc<Kms>,
    space: Space,
    principal: Principal,
}

/// An answer and the name of its request.
#[derive(Debug, Serialize)]
pub struct Reply<T> {
    /// What the action answers.
    #[serde(flatten)]
    pub answer: T,
    /// Names the request.
    #[serde(rename = "RequestId", serialize_with = "as_text")]
    pub request_id: RequestId,
}

fn as_text<S: serde::Serializer>(id: &RequestId, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(id)
}

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
}

impl Session {
    pub(super) const fn new(kms: Arc<Kms>, space: Space, principal: Principal) -> Self {
        Self { kms, space, principal }
    }

    /// Does an action. Errors carry the request id, too.
    #[inline]
    pub fn call<A: Action>(&self, action: A) -> Result<Reply<A::Answer>> {
        let request_id = mint()?;
        let door = Door { session: self, actions: const { &[A::NAME] }, access: A::ACCESS };
        let answer = self.kms.check().and_then(|()| action.run(&door));
        match answer {
            Ok(answer) => Ok(Reply { answer, request_id }),
            Err(error) => Err(error.of_request(request_id)),
        }
    }

    /// A request that failed before the door, with a request id. The module's own state comes
    /// before any fault of the request.
    pub(crate) fn refuse(&self, error: Error) -> Error {
        let error = self.kms.check().err().unwrap_or(error);
        match mint() {
            Ok(request_id) => error.of_request(request_id),
            Err(_) => error,
        }
    }

    /// The service behind the session.
    pub const fn kms(&self) -> &Arc<Kms> {
        &self.kms
    }

    /// The account and region.
    pub const fn space(&self) -> &Space {
        &self.space
    }
}

impl<'s> Door<'s> {
    /// The same request under other permissions, any of which will do.
    pub(crate) const fn under(&self, actions: &'static [&'static str]) -> Door<'s> {
        Door { session: self.session, actions, access: self.access }
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
        let id = self.resolve(reference, aliases)?;
        self.session.kms.refresh()?;
        let key = self.session.kms.find(&id)?.ok_or(ErrorCode::KeyNotFound)?;
        self.admit(key, rule)
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
    pub(crate) fn container(&self) -> Result<()> {
        self.authorize(&self.session.space)
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
        rule: Rule,
        mut change: impl FnMut(&mut Transaction<'_>, &mut KeyRecord) -> Result<R>,
    ) -> Result<R> {
        let id = self.resolve(reference, Aliases::Refused)?;
        self.change(|transaction| {
            let old = transaction.key(&id)?.ok_or(ErrorCode::KeyNotFound)?;
            self.own(&old)?;
            let mut new = old.clone();
            transaction.settle(&mut new)?;
            rule.check(&new)?;
            let answer = change(transaction, &mut new)?;
            if new != old {
                transaction.put_key(Some(&old), &new)?;
            }
            Ok(answer)
        })
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
        self.session.kms.change(change)
    }

    /// The keys of the space that are on at least one list of each group: `limit` of them after
    /// the first `skip`.
    pub(crate) fn select(&self, groups: &[Vec<List>], skip: u64, limit: usize) -> Result<Page> {
        self.session.kms.settle_space(&self.session.space)?;
        self.session.kms.select(&self.session.space, groups, skip, limit)
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
                Err(ErrorCode::UnsupportedAlias.into())
            }
            KeyRef::Alias(_) => Err(ErrorCode::AliasNotFound.into()),
        }
    }

    fn admit(&self, key: Held, rule: Rule) -> Result<Held> {
        let record = key.record();
        self.own(record)?;
        let kms = &self.session.kms;
        if record.is_due(|| self.now(), || kms.hsm().admit(record.level, record.spec).is_ok()) {
            match kms.settle_key(&record.id) {
                Ok(()) => {
                    kms.refresh()?;
                    let key = kms.find(&record.id)?.ok_or(ErrorCode::KeyNotFound)?;
                    rule.check(key.record())?;
                    return Ok(key);
                }
                // A version that cannot be written now does not stand in the way of the others.
                Err(_) if !record.has_expired(self.now()) => {}
                Err(error) => return Err(error),
            }
        }
        rule.check(record)?;
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

/// A new request id: random per thread and process, then counted, so that it costs next to nothing.
fn mint() -> Result<RequestId> {
    thread_local! {
        static NEXT: Cell<Option<(Generation, u128)>> = const { Cell::new(None) };
    }
    NEXT.with(|next| {
        let process = Generation::current();
        let id = match next.get() {
            Some((same, id)) if same == process => id,
            // The first one of a thread may need room for its generator.
            _ => u128::from_be_bytes(with_room(hsm::random)?),
        };
        next.set(Some((process, id.wrapping_add(1))));
        Ok(RequestId(uuid::Builder::from_random_bytes(id.to_be_bytes()).into_uuid().into_bytes()))
    })
}
