//! Group commit: changes of several threads become durable together. Each runs on what those before it
//! in the group leave behind, as if it came after them; one commit writes them all, or none. A change
//! that is alone waits for nobody.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};

use crate::error::{ErrorCode, Result};
use crate::hsm::{Header, Keyring};
use crate::keystore::{Reservation, Revision};
use crate::kms::room::Room;
use crate::kms::stored::one;
use crate::kms::transaction::draft::Draft;
use crate::kms::{Kms, Transaction, places};

/// How often a change starts over before it gives up. Each time, somebody else has made progress.
pub(in crate::kms) const ATTEMPTS: usize = 1000;

/// A group takes no more changes than this, and none once it has as many bytes.
const MOST_CHANGES: usize = 64;
const MOST_BYTES: usize = 8 << 20;

/// Where the threads of a process that change a store meet.
#[derive(Default)]
pub(in crate::kms) struct Writing {
    state: Mutex<State>,
    /// Threads that want to join a group and have not looked at it yet.
    coming: AtomicUsize,
    /// Nobody is coming any more, or the group is full.
    is_complete: Condvar,
    is_over: Condvar,
}

#[derive(Default)]
struct State {
    /// The group that takes changes. It has one at least, whose thread will commit it.
    open: Option<Group>,
    is_committing: bool,
}

/// Changes that are committed together.
pub(super) struct Group {
    pub(super) keyring: Arc<Keyring>,
    /// As the changes leave it so far.
    pub(super) header: Header,
    pub(super) draft: Draft,
    /// The domain key that seals: one that comes with the group does so once it has been committed.
    pub(super) domain: u32,
    /// The commit that wrote the header before the group.
    revision: Revision,
    changes: usize,
    bytes: usize,
    outcome: Outcome,
}

/// What became of a group; none yet while it is under way.
type Outcome = Arc<OnceLock<Result<()>>>;

impl Kms {
    /// Runs `change` and has it committed with those of other threads, again from the start whenever
    /// another process came first. Nothing of it is written if it fails. `change` must not depend on what
    /// an earlier run did.
    pub(crate) fn change<R>(
        &self,
        mut change: impl FnMut(&mut Transaction<'_>) -> Result<R>,
    ) -> Result<R> {
        let mut room = Room::default();
        for attempt in 0..ATTEMPTS {
            match self.run(&mut change, attempt > 0) {
                Ok(Some(answer)) => return Ok(answer),
                Ok(None) => {}
                Err(error) if error.code() == ErrorCode::MemoryExhausted && room.make() => {}
                Err(error) => return Err(error),
            }
        }
        Err(ErrorCode::Conflict.into())
    }

    /// Runs it once; no answer if it must run again. A group that has been overtaken may take long, and
    /// would be again and again: so whoever begins the next one has other processes wait.
    fn run<R>(
        &self,
        change: &mut impl FnMut(&mut Transaction<'_>) -> Result<R>,
        is_again: bool,
    ) -> Result<Option<R>> {
        self.admit_changes()?;
        let mut state = self.writing.enter();
        let (mut own, mut reserved) = (None, None);
        let group = match &state.open {
            Some(open) => open,
            None => {
                if is_again {
                    reserved = Some(self.store.reserve()?);
                }
                &*own.insert(Group::begin(self)?)
            }
        };
        let outcome = Arc::clone(&group.outcome);
        let mut transaction = Transaction::on(self, group);
        let changed = change(&mut transaction);
        let changed = changed.and_then(|answer| transaction.complete().map(|()| answer));
        let must_be_first = transaction.must_be_first;
        let written = transaction.finish().filter(|_| changed.is_ok() && !must_be_first);
        let Some((header, draft)) = written else {
            return match own {
                // Records of before and after another's change do not fit each other: that is no damage,
                // and its refusal no answer.
                Some(group) if changed.is_err() && group.is_outdated(self)? => Ok(None),
                Some(_) => changed.map(Some),
                // What it has met may not be written yet, and counts only if that succeeds.
                None => match self.writing.wait(state, &outcome) {
                    Ok(()) if !must_be_first => changed.map(Some),
                    _ => Ok(None),
                },
            };
        };
        let is_first = own.is_some();
        if let Some(group) = own.or_else(|| state.open.take()) {
            state.open = Some(group.with(header, draft));
        }
        let committed = match is_first {
            true => self.lead(state, reserved),
            false => self.writing.wait(state, &outcome),
        };
        match committed {
            Err(error) if error.code() == ErrorCode::Conflict => Ok(None),
            committed => committed.and(changed).map(Some),
        }
    }

    /// Commits the group once everybody is there who wanted in when it began.
    fn lead(
        &self,
        state: MutexGuard<'_, State>,
        reserved: Option<Box<dyn Reservation + '_>>,
    ) -> Result<()> {
        let Some((group, end)) = self.writing.close(state) else {
            return Err(ErrorCode::Internal.into());
        };
        let outcome = group.commit(self, reserved);
        end.set(outcome.clone());
        outcome
    }
}

impl Writing {
    // What is behind the lock is whole at every step: a change that panics has only touched its own.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until there is a group that takes one more, or none.
    fn enter(&self) -> MutexGuard<'_, State> {
        self.coming.fetch_add(1, Ordering::Relaxed);
        let is_shut = |state: &mut State| {
            state.is_committing || state.open.as_ref().is_some_and(Group::is_full)
        };
        let entered = self.is_over.wait_while(self.lock(), is_shut);
        let state = entered.unwrap_or_else(PoisonError::into_inner);
        if self.coming.fetch_sub(1, Ordering::Relaxed) == 1 && state.open.is_some() {
            // It goes on when this thread leaves the lock.
            self.is_complete.notify_one();
        }
        state
    }

    /// Takes no more changes into the group, once nobody is coming or it is full.
    fn close<'a>(&'a self, state: MutexGuard<'a, State>) -> Option<(Group, End<'a>)> {
        let is_open = |state: &mut State| {
            self.coming.load(Ordering::Relaxed) > 0
                && !state.open.as_ref().is_none_or(Group::is_full)
        };
        let closed = self.is_complete.wait_while(state, is_open);
        let mut state = closed.unwrap_or_else(PoisonError::into_inner);
        let group = state.open.take()?;
        state.is_committing = true;
        let outcome = Arc::clone(&group.outcome);
        Some((group, End { writing: self, outcome }))
    }

    fn wait(&self, state: MutexGuard<'_, State>, outcome: &Outcome) -> Result<()> {
        if state.open.as_ref().is_some_and(Group::is_full) {
            self.is_complete.notify_one();
        }
        drop(self.is_over.wait_while(state, |_| outcome.get().is_none()));
        outcome.get().cloned().unwrap_or_else(|| Err(ErrorCode::Internal.into()))
    }
}

/// The end of a group, which its members wait for whatever becomes of it.
struct End<'a> {
    writing: &'a Writing,
    outcome: Outcome,
}

impl End<'_> {
    fn set(&self, outcome: Result<()>) {
        let _first = self.outcome.set(outcome);
    }
}

impl Drop for End<'_> {
    fn drop(&mut self) {
        let mut state = self.writing.lock();
        // There is one unless the store has panicked.
        self.set(Err(ErrorCode::ErrorState.into()));
        state.is_committing = false;
        drop(state);
        self.writing.is_over.notify_all();
    }
}

impl Group {
    /// None yet, on what is stored now.
    fn begin(kms: &Kms) -> Result<Self> {
        // The group before it may have been the last that is taken.
        kms.admit_changes()?;
        let seen = kms.generation.load(Ordering::Acquire);
        let (revision, header) =
            one(&*kms.store, places::HEADER)?.ok_or(ErrorCode::StoreDamaged)?;
        let keyring = kms.hsm.keyring()?;
        let header = Header::open(&keyring, &header)?;
        if !header.is_of_root(&keyring)? {
            return Err(ErrorCode::StoreRekeyed.into());
        }
        kms.admit_header(seen, &header, &keyring)?;
        kms.latest.fetch_max(header.time.0, Ordering::Relaxed);
        let (draft, domain, outcome) = (Draft::default(), header.domain_key(), Outcome::default());
        Ok(Self { keyring, header, draft, domain, revision, changes: 0, bytes: 0, outcome })
    }

    /// Whether somebody else has changed the store since the group began.
    fn is_outdated(&self, kms: &Kms) -> Result<bool> {
        Ok(kms.header_revision()? != Some(self.revision))
    }

    /// The group with one more.
    fn with(mut self, header: Header, draft: Draft) -> Self {
        self.changes += 1;
        self.bytes += draft.size();
        self.draft.append(draft);
        Self { header, ..self }
    }

    const fn is_full(&self) -> bool {
        self.changes >= MOST_CHANGES || self.bytes >= MOST_BYTES
    }

    /// Whether a change would be its first.
    pub(super) const fn is_empty(&self) -> bool {
        self.changes == 0
    }

    fn commit(self, kms: &Kms, reserved: Option<Box<dyn Reservation + '_>>) -> Result<()> {
        let Self { keyring, header, mut draft, revision, .. } = self;
        draft.put(places::HEADER.to_vec(), header.seal(&keyring)?);
        // Other processes may have to be waited for: the keys can be wiped meanwhile.
        drop(keyring);
        let mut batch = draft.into_batch();
        batch.expects.push((places::HEADER.to_vec(), Some(revision)));
        let committed = match reserved {
            Some(reserved) => reserved.commit(batch),
            None => kms.store.commit(batch),
        };
        committed?;
        kms.anchor_change(&header);
        Ok(())
    }
}

#[cfg(test)]
mod tests;
