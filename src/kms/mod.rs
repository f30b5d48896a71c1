//! The service: keys by name, their records and states, and the one door to them.

mod action;
mod agenda;
mod aliases;
mod authorization;
pub mod backup;
mod cache;
mod call;
mod clockwork;
mod destruction;
mod domain_keys;
mod door;
#[cfg(test)]
mod forgeries;
mod indicator;
mod integrity;
mod keeper;
mod lifecycle;
mod lists;
mod metering;
mod migration;
mod open;
mod parameters;
mod places;
mod principals;
mod quota;
mod record;
mod recorder;
mod rollback;
mod room;
mod session;
mod settings;
mod slots;
mod stored;
mod trail;
mod transaction;

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use serde::Serialize;

use crate::error::{ErrorCode, Result};
use crate::fork;
use crate::health;
use crate::hsm::Hsm;
use crate::hsm::arena::{self, Protection};
use crate::keystore::{Keystore, StoreState};
use crate::model::{
    Clock, Indicator, KeySpec, ManualClock, Principal, ProtectionLevel, Space, Timestamp,
};

pub use crate::hsm::arena::set_key_memory;
pub use crate::hsm::selftest::{Report as SelfTest, run as self_test};
pub use crate::hsm::shares::fresh_shares;
pub use crate::hsm::{
    Compliance, Recipient, RecipientKey, Row, Share, SlotKind, Unlock, compliance,
};
pub use action::{Access, Action, Plane};
pub(crate) use aliases::{AliasPage, AliasRecord};
pub(crate) use authorization::Target;
pub(crate) use cache::Held;
pub use cache::Key;
pub use clockwork::Tick;
pub use domain_keys::{Resealed, Shred};
pub(crate) use door::{Aliases, Door};
pub use indicator::{last_indicator, reset_indicator};
pub use integrity::{Finding, Report, Verification, Watch};
pub use lifecycle::{Purpose, Rule};
pub(crate) use lists::{Page, Selection};
pub(crate) use metering::{Decimal, Line, Statement};
pub use open::{Options, Place, fresh_key};
pub use principals::Login;
pub(crate) use principals::{
    AccessKeyEntry, Attachment, Grants, PolicyRecord, PolicyVersion, UserRecord,
};
pub(crate) use quota::{Class, Resource};
pub use quota::{Quotas, Rates};
pub use record::{KeyRecord, Version};
pub(crate) use room::with_room;
pub use room::zeroize;
pub use session::{Client, Marked, Reply, Session};
pub use settings::{LoginRequest, parse_creation};
pub use slots::UnlockSlot;
pub(crate) use trail::Wanted;
pub use trail::{Audit, DataPlane};
pub(crate) use transaction::Transaction;

/// An open store with its boundary: the service of all accounts and regions in it.
pub struct Kms {
    store: Box<dyn Keystore>,
    hsm: Hsm,
    clock: Arc<dyn Clock>,
    manual_clock: Option<Arc<ManualClock>>,
    latest: AtomicU64,
    /// The highest generation of the store that this process has seen.
    generation: AtomicU64,
    writing: transaction::Writing,
    closing: Mutex<()>,
    cache: cache::Cache,
    names: aliases::Names,
    principals: principals::Cache,
    meter: metering::Meter,
    quotas: Quotas,
    callers: quota::Callers,
    keeper: keeper::Keeper,
    recorder: recorder::Recorder,
    trail: trail::Trail,
    rollback: rollback::Rollback,
    born: fork::Generation,
    closed: AtomicBool,
}

/// How the module stands; what `status` answers everywhere.
#[derive(Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub struct Status {
    /// The version of this library.
    pub version: &'static str,
    /// `operational`, `error`, `closed` or `forked`.
    pub state: &'static str,
    /// Why it is in its error state, if it is.
    pub failure: Option<String>,
    /// This is software without a certificate.
    pub validated: bool,
    /// Whether the store is one for tests: whoever knows its seed knows its keys.
    pub test_only: bool,
    /// Whether keys at level HSM may be used: `usable`, `overridden` or `refused`.
    pub hsm_keys: &'static str,
    /// Whether the operator overrode the demand for locked memory.
    pub allows_unprotected_memory: bool,
    /// Whether the store can be written: `writable`, `degraded` after a write error, or `read-only`.
    pub store: &'static str,
    /// Whether it has gone back to an earlier state: `none` is known of its past, `anchored` (it continues
    /// what is known), or `suspect`: then it takes no changes.
    pub rollback: &'static str,
    /// The anchor file: `none`, `new` (it was made or was empty, so nothing is known of what came before),
    /// `found`, `damaged`, or `failed`: it cannot be written, so the store takes no changes.
    pub anchor: &'static str,
    /// How often the store has been changed, as far as this process knows.
    pub generation: u64,
    /// Whether what has been destroyed could still be read in old copies of the store: `pending` or `done`;
    /// not there if the store cannot be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shred: Option<Shred>,
    /// How well this process protects keys, and why not better.
    pub memory: arena::Report,
}

impl Kms {
    /// The session of an account's root in a region.
    /// [`InvalidParameter`](crate::error::ErrorCode::InvalidParameter) naming `AccountId` or
    /// `RegionId`.
    pub fn session(self: &Arc<Self>, account: &str, region: &str) -> Result<Session> {
        self.check()?;
        let space = Space::new(account, region)?;
        let principal = Principal::Root { account: space.account };
        Ok(Session::new(Arc::clone(self), space, principal, Client::default()))
    }

    /// How the module stands.
    pub fn status(&self) -> Status {
        let header = self.header().ok().map(|(_, header)| header);
        Status {
            version: health::VERSION,
            state: match self.check().map_err(|error| error.code()) {
                Ok(()) => "operational",
                Err(ErrorCode::Closed) => "closed",
                Err(ErrorCode::Forked) => "forked",
                Err(_) => "error",
            },
            failure: self.hsm.check().err().map(|_| health::reason()),
            validated: false,
            test_only: self.is_test_only(),
            hsm_keys: match self.hsm.admit(ProtectionLevel::Hsm, KeySpec::Aes256) {
                Ok(()) if arena::arena().protection() < Protection::Locked => "overridden",
                Ok(()) => "usable",
                Err(_) => "refused",
            },
            allows_unprotected_memory: self.hsm.allows_unprotected(),
            store: match self.store.state() {
                StoreState::ReadOnly => "read-only",
                StoreState::Writable if !self.rollback.has_failed() => "writable",
                _ => "degraded",
            },
            rollback: self.rollback.state(),
            anchor: self.rollback.anchor_state(),
            generation: match &header {
                Some(header) => header.generation,
                None => self.generation.load(Ordering::Acquire),
            },
            shred: header.as_ref().map(Shred::of),
            memory: arena::arena().report(),
        }
    }

    /// Ends every session, and wipes the customers' keys and the store's own before it returns: calls
    /// under way that use them are waited for, and all calls are metered. Works in the error state, too.
    /// In a forked child it touches nothing of the parent's.
    pub fn close(&self) {
        // Room for another store's call may have to be made here.
        let _draws = self.hsm.draws_apart();
        self.refuse_calls();
        if self.born.is_current() {
            self.keeper.stop();
            self.recorder.stop();
            // Whoever uses a key still counts; from now on few do.
            self.forget_keys();
            // The keys go whatever becomes of the last calls.
            let _written = self.write_down(true);
        }
        self.shut();
    }

    /// The same at once: calls that are not metered yet never are.
    fn shut(&self) {
        self.refuse_calls();
        if !self.born.is_current() {
            return;
        }
        self.keeper.stop();
        self.recorder.stop();
        // Whoever comes second waits, too.
        let _one_at_a_time = self.closing.lock().unwrap_or_else(PoisonError::into_inner);
        self.forget_keys();
        self.hsm.drop_keyring();
        // Nothing can be unsealed any more; what calls under way have unsealed since goes now.
        self.forget_keys();
    }

    /// Refuses every call from now on.
    fn refuse_calls(&self) {
        self.closed.store(true, Ordering::SeqCst);
    }

    fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Relaxed)
    }

    /// Refuses everything in a forked child, after close and in the error state.
    pub(crate) fn check(&self) -> Result<()> {
        self.born.check()?;
        if self.is_closed() {
            return Err(ErrorCode::Closed.into());
        }
        self.hsm.check()
    }

    /// The present moment. It never goes back behind a change that was written, so a clock set back
    /// revives nothing.
    pub(crate) fn now(&self) -> Timestamp {
        let now = self.clock.now().0;
        // Written once a second at most: otherwise threads would share a line that is written to.
        if now > self.latest.load(Ordering::Relaxed) {
            self.latest.fetch_max(now, Ordering::Relaxed);
        }
        Timestamp(self.latest.load(Ordering::Relaxed))
    }

    pub(crate) const fn hsm(&self) -> &Hsm {
        &self.hsm
    }

    /// Whether this is a store for tests, of [`test_only`](Self::test_only).
    pub const fn is_test_only(&self) -> bool {
        self.hsm.is_test_only()
    }

    /// Whether a call that has used nothing yet is approved: in a store for tests none is.
    pub(crate) const fn indicator(&self) -> Indicator {
        if self.is_test_only() { Indicator::NotApproved } else { Indicator::None }
    }

    pub(crate) fn manual_clock(&self) -> Option<&ManualClock> {
        self.manual_clock.as_deref()
    }
}

/// A store that nobody closed: threads remember keys, and none may outlive it.
impl Drop for Kms {
    fn drop(&mut self) {
        self.close();
        if !self.born.is_current() {
            // Another thread of the parent may have been changing them at the fork.
            std::mem::forget(std::mem::take(&mut self.writing));
            std::mem::forget(std::mem::take(&mut self.cache));
            std::mem::forget(std::mem::take(&mut self.names));
            std::mem::forget(std::mem::take(&mut self.meter));
            std::mem::forget(std::mem::take(&mut self.keeper));
            std::mem::forget(std::mem::take(&mut self.recorder));
            std::mem::forget(std::mem::take(&mut self.trail));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Closing returns after whoever still holds the keyring, and hands it to nobody new.
    #[test]
    fn closing_waits_for_the_keyring() {
        let kms = Kms::in_memory(Options::default()).unwrap();
        let keyring = kms.hsm.keyring().unwrap();
        let is_closed = AtomicBool::new(false);
        std::thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| {
                    kms.close();
                    is_closed.store(true, Ordering::SeqCst);
                });
            }
            while kms.hsm.keyring().is_ok() {
                std::thread::yield_now();
            }
            for _ in 0..1000 {
                std::thread::yield_now();
                assert!(!is_closed.load(Ordering::SeqCst));
            }
            assert_eq!(kms.check().unwrap_err().code(), ErrorCode::Closed);
            drop(keyring);
        });
    }
}
