//! Whether the store has gone back to an earlier state. One that has is suspect: it is read and its keys are
//! used, but nothing is changed until the operator accepts it as a new line of changes.
#![forbid(unsafe_code)]

mod anchor;
#[cfg(test)]
mod tests;

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread::{self, ThreadId};

use anchor::{Anchor, Held, Mark};

use crate::error::{Error, ErrorCode, Result};
use crate::hsm::{Header, Keyring, random};
use crate::keystore::Keystore;
use crate::kms::stored::one;
use crate::kms::trail::Deed;
use crate::kms::{Kms, Options, places};

/// What is known of the past of an open store.
#[derive(Default)]
pub(super) struct Rollback {
    anchor: Option<Anchor>,
    /// What the anchor held when the store was opened.
    held: Option<Held>,
    /// How far this process has seen the store come; of one with an anchor.
    reached: Mutex<Option<Mark>>,
    minimum: Option<u64>,
    is_suspect: AtomicBool,
    /// The anchor could not be written.
    has_failed: AtomicBool,
    /// The thread that accepts what has happened.
    accepting: Mutex<Option<ThreadId>>,
}

impl Rollback {
    /// What the options know of the past of the store in a directory. The header is read again after it, so
    /// that it is not the older one because another process has come between.
    pub(super) fn recall(options: &Options, store: &Path, keyring: &Keyring) -> Result<Self> {
        let anchor = options.anchor.as_ref().map(|path| Anchor::open(path, store)).transpose()?;
        let held = anchor.as_ref().map(|anchor| anchor.read(keyring)).transpose()?;
        Ok(Self { anchor, held, minimum: options.min_generation, ..Self::default() })
    }

    /// Compares that with the header as it is now, and brings the anchor up to it.
    pub(super) fn judge(
        &self,
        store: &dyn Keystore,
        keyring: &Keyring,
        header: Header,
    ) -> Result<Header> {
        if self.anchor.is_none() && self.minimum.is_none() {
            return Ok(header);
        }
        let (_, latest) = one(store, places::HEADER)?.ok_or(ErrorCode::StoreDamaged)?;
        let header = Header::open(keyring, &latest)?;
        if !header.is_of_root(keyring)? {
            return Err(ErrorCode::StoreRekeyed.into());
        }
        let mark = Mark::of(&header);
        let is_behind = match &self.held {
            Some(Held::Mark(held, _)) => {
                !mark.continues(held) || !held.leads_to(&header, store, keyring)?
            }
            // It may have held anything.
            Some(Held::Damage) => true,
            Some(Held::Nothing) | None => false,
        };
        if is_behind || self.minimum.is_some_and(|minimum| header.generation < minimum) {
            self.is_suspect.store(true, Ordering::SeqCst);
            return Ok(header);
        }
        self.remember(keyring, &mark, false)?;
        Ok(header)
    }

    /// Whether the store has come to this header from where this process has last seen it, or somebody has
    /// accepted another line of changes, which the anchor then has. One that is behind is about to be
    /// read anew.
    fn is_ahead(&self, header: &Header, store: &dyn Keystore, keyring: &Keyring) -> Result<bool> {
        let reached = self.reached.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let (Some(anchor), Some(reached)) = (&self.anchor, reached) else { return Ok(true) };
        if header.generation <= reached.generation {
            return Ok(true);
        }
        let line = match header.lineage == reached.lineage {
            true => reached,
            false => match anchor.read(keyring)? {
                Held::Mark(held, _) if held.generation > header.generation => {
                    return Ok(held.lineage == header.lineage);
                }
                Held::Mark(held, _) => held,
                Held::Nothing | Held::Damage => return Ok(false),
            },
        };
        Ok(Mark::of(header).continues(&line) && line.leads_to(header, store, keyring)?)
    }

    fn remember(&self, keyring: &Keyring, mark: &Mark, starts_line: bool) -> Result<()> {
        let Some(anchor) = &self.anchor else { return Ok(()) };
        *self.reached.lock().unwrap_or_else(PoisonError::into_inner) = Some(mark.clone());
        if !anchor.write(keyring, mark, starts_line)? {
            self.is_suspect.store(true, Ordering::SeqCst);
        }
        Ok(())
    }

    /// Refuses changes to a store that is suspect, or whose anchor cannot follow.
    pub(super) fn admit_changes(&self) -> Result<()> {
        if self.is_suspect() && !self.is_accepting() {
            return Err(ErrorCode::StoreSuspect.into());
        }
        if self.has_failed() {
            let detail = "The anchor file cannot be written.";
            return Err(Error::new(ErrorCode::Degraded).because(detail));
        }
        Ok(())
    }

    fn is_accepting(&self) -> bool {
        let accepting = self.accepting.lock().unwrap_or_else(PoisonError::into_inner);
        *accepting == Some(thread::current().id())
    }

    pub(super) fn is_suspect(&self) -> bool {
        self.is_suspect.load(Ordering::SeqCst)
    }

    pub(super) fn has_failed(&self) -> bool {
        self.has_failed.load(Ordering::SeqCst)
    }

    /// `none`, `anchored` or `suspect`.
    pub(super) fn state(&self) -> &'static str {
        match (self.is_suspect(), self.anchor.is_some() || self.minimum.is_some()) {
            (true, _) => "suspect",
            (false, true) => "anchored",
            (false, false) => "none",
        }
    }

    /// Of the anchor file: `none`, `new`, `found`, `damaged` or `failed`.
    pub(super) fn anchor_state(&self) -> &'static str {
        match &self.held {
            _ if self.has_failed() => "failed",
            None => "none",
            Some(Held::Nothing) => "new",
            Some(Held::Damage) => "damaged",
            Some(Held::Mark(..)) => "found",
        }
    }

    /// The generation that a new line of changes must be above.
    fn floor(&self) -> u64 {
        let held = match &self.held {
            Some(Held::Mark(held, _)) => held.generation,
            _ => 0,
        };
        held.max(self.minimum.unwrap_or(0))
    }
}

impl Kms {
    /// [`ErrorCode::StoreSuspect`] if the header is of an earlier generation than one that was `seen` before
    /// it was read, or, where an anchor would follow it, of another line.
    pub(super) fn admit_header(&self, seen: u64, header: &Header, keyring: &Keyring) -> Result<()> {
        self.generation.fetch_max(header.generation, Ordering::AcqRel);
        if self.rollback.is_accepting() {
            return Ok(());
        }
        if header.generation < seen || !self.rollback.is_ahead(header, &*self.store, keyring)? {
            self.rollback.is_suspect.store(true, Ordering::SeqCst);
            return Err(ErrorCode::StoreSuspect.into());
        }
        Ok(())
    }

    /// A change has been written, and is answered in any case; if the anchor cannot be, no other is.
    pub(super) fn anchor_change(&self, header: &Header) {
        self.generation.fetch_max(header.generation, Ordering::AcqRel);
        if self.rollback.anchor.is_none() {
            return;
        }
        // A suspect store takes no other change than its acceptance.
        let starts_line = self.rollback.is_suspect();
        let keyring = self.hsm.keyring();
        let written = keyring
            .and_then(|keyring| self.rollback.remember(&keyring, &Mark::of(header), starts_line));
        // One that is behind because the store was closed meanwhile does no harm.
        if written.is_err() && !self.is_closed() {
            self.rollback.has_failed.store(true, Ordering::SeqCst);
        }
    }

    /// Takes a suspect store as it is: a new line of changes begins, above every generation that is known,
    /// and is what the anchor holds from now on. False if it was not suspect.
    ///
    /// What has been lost with the later state stays lost: keys that were destroyed since are back.
    pub fn accept_rollback(&self) -> Result<bool> {
        self.check()?;
        if !self.rollback.is_suspect() {
            return Ok(false);
        }
        let floor = self.rollback.floor().max(self.generation.load(Ordering::Acquire));
        let lineage = random()?;
        let accepting = |by: Option<ThreadId>| {
            let place = self.rollback.accepting.lock();
            *place.unwrap_or_else(PoisonError::into_inner) = by;
        };
        accepting(Some(thread::current().id()));
        let accepted = self.change(|transaction| {
            transaction.header.generation = transaction.header.generation.max(floor);
            transaction.header.lineage = lineage;
            transaction.write_header();
            transaction.record_of_store(Deed::AcceptRollback, 1)
        });
        accepting(None);
        accepted?;
        self.rollback.is_suspect.store(false, Ordering::SeqCst);
        self.forget_keys();
        Ok(true)
    }
}
