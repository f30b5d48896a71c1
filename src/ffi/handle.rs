//! Handles: numbers that look like pointers and are never followed. A freed, forged or wrong-type
//! one is recognized, whatever the caller does with it.
//!
//! ```text
//! type (4 bits) | process (12) | generation of the slot (24) | slot (24)
//! ```

use std::cell::Cell;
use std::ops::Deref;
use std::ptr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, RwLock};
use std::thread::LocalKey;

use crate::claims::{self, Claim, Ends};
use crate::error::{ErrorCode, Result};
use crate::ffi::message::Digesting;
use crate::fork::{Generation, PerProcess};
use crate::kms::{Kms, Session, reset_indicator};

/// An open store.
#[allow(non_camel_case_types)]
pub struct kmshsm_store([u8; 0]);

/// A principal in an account and region of an open store.
#[allow(non_camel_case_types)]
pub struct kmshsm_session([u8; 0]);

/// The digest of a message that comes in pieces.
#[allow(non_camel_case_types)]
pub struct kmshsm_digest([u8; 0]);

const PROCESS_BITS: u32 = 12;
const GENERATION_BITS: u32 = 24;
const SLOT_BITS: u32 = 24;
const MAX_GENERATION: u64 = (1 << GENERATION_BITS) - 1;

/// What a kind of handle stands for.
pub(super) trait Kind: Sized + 'static {
    /// The C type.
    type Handle;
    /// The type bits.
    const TAG: u64;
    /// How often one is closed.
    const ENDS: Ends;
    /// The table of this process.
    fn table() -> &'static Table<Self>;
    /// What this thread used last.
    fn last() -> &'static LocalKey<Cell<Last<Self>>>;
}

/// A handle that a thread has found in the table, and how many handles had been closed by then. The
/// thread keeps nothing alive by it: what it stands for may be used only after a claim, and while
/// that count has not moved.
pub(super) struct Last<T> {
    handle: usize,
    closed: u64,
    value: *const T,
}

impl<T> Clone for Last<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Last<T> {}

impl<T> Last<T> {
    const NONE: Self = Self { handle: 0, closed: 0, value: ptr::null() };
}

macro_rules! kind {
    ($what:ty, $handle:ty, $tag:literal, $ends:ident) => {
        impl Kind for $what {
            type Handle = $handle;
            const TAG: u64 = $tag;
            const ENDS: Ends = Ends::$ends;
            fn table() -> &'static Table<Self> {
                static TABLE: PerProcess<Table<$what>> = PerProcess::new();
                TABLE.get(Table::default)
            }
            fn last() -> &'static LocalKey<Cell<Last<Self>>> {
                thread_local!(static LAST: Cell<Last<$what>> = const { Cell::new(Last::NONE) });
                &LAST
            }
        }
    };
}

kind!(Kms, kmshsm_store, 0xa, Seldom);
kind!(Session, kmshsm_session, 0xb, Seldom);
kind!(Digesting, kmshsm_digest, 0xc, Soon);

/// The things behind the handles of one kind, in this process.
pub(super) struct Table<T> {
    slots: RwLock<Vec<Slot<T>>>,
    closed: AtomicU64,
}

impl<T> Default for Table<T> {
    fn default() -> Self {
        // Counted from the process's number on, so that what a parent's thread remembers is never
        // taken for this process's.
        let closed = Generation::current().number() << 40;
        Self { slots: RwLock::default(), closed: AtomicU64::new(closed) }
    }
}

struct Slot<T> {
    generation: u64,
    value: Option<Arc<T>>,
}

/// A new handle.
pub(super) fn open<T: Kind>(value: Arc<T>) -> Result<*const T::Handle> {
    let mut slots = T::table().slots.write().map_err(|_| ErrorCode::ErrorState)?;
    // A slot whose generations are used up is never used again.
    let free =
        slots.iter().position(|slot| slot.value.is_none() && slot.generation < MAX_GENERATION);
    let at = match free {
        Some(at) => at,
        None if slots.len() < 1 << SLOT_BITS => {
            slots.push(Slot { generation: 0, value: None });
            slots.len() - 1
        }
        None => return Err(ErrorCode::Internal.into()),
    };
    let slot = slots.get_mut(at).ok_or(ErrorCode::Internal)?;
    slot.generation += 1;
    slot.value = Some(value);
    let number = T::TAG << (PROCESS_BITS + GENERATION_BITS + SLOT_BITS)
        | process() << (GENERATION_BITS + SLOT_BITS)
        | slot.generation << SLOT_BITS
        | at as u64;
    Ok(ptr::without_provenance(number as usize))
}

/// What a handle stands for, for the length of a call: whoever ends the handle waits for it.
pub(super) struct Using<T> {
    value: *const T,
    _claim: Claim,
}

impl<T> Deref for Using<T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        // SAFETY: the table's, which gave it out claimed and lets go of it when no claim is left.
        unsafe { &*self.value }
    }
}

impl<T> Using<T> {
    /// An owner of its own.
    pub(super) fn share(&self) -> Arc<T> {
        // SAFETY: the pointer is that of an `Arc` of the table's, which stays as long as the claim.
        unsafe {
            Arc::increment_strong_count(self.value);
            Arc::from_raw(self.value)
        }
    }
}

/// What a handle stands for: [`ErrorCode::NullArgument`], [`ErrorCode::BadHandle`],
/// [`ErrorCode::Closed`], or [`ErrorCode::Forked`] for one of a parent process.
///
/// A thread that stays with a handle writes to nothing that threads share: it claims what it has
/// found there before, and sees that nothing has been closed since.
#[inline]
pub(super) fn get<T: Kind>(handle: *const T::Handle, name: &'static str) -> Result<Using<T>> {
    let last = T::last().get();
    if last.handle == handle.addr() && last.handle != 0 {
        let _claim = claims::claim(last.value, T::ENDS);
        // After the claim, and in one order with it and with what `close` does.
        if T::table().closed.load(Ordering::SeqCst) == last.closed {
            return Ok(Using { value: last.value, _claim });
        }
    }
    look_up::<T>(handle, name)
}

/// The session of a call that begins.
#[inline]
pub(super) fn session(handle: *const kmshsm_session) -> Result<Using<Session>> {
    reset_indicator();
    get(handle, "session")
}

#[cold]
fn look_up<T: Kind>(handle: *const T::Handle, name: &'static str) -> Result<Using<T>> {
    let (generation, at) = take_apart::<T>(handle, name)?;
    let slots = T::table().slots.read().map_err(|_| ErrorCode::ErrorState)?;
    let slot = slots.get(at).filter(|slot| generation <= slot.generation);
    let slot = slot.ok_or(ErrorCode::BadHandle)?;
    let Some(value) = slot.value.as_ref().filter(|_| slot.generation == generation) else {
        return Err(ErrorCode::Closed.into());
    };
    let value = Arc::as_ptr(value);
    // While the lock is held, and `close` takes it for writing: this claim comes before its look.
    let _claim = claims::claim(value, T::ENDS);
    let closed = T::table().closed.load(Ordering::SeqCst);
    T::last().set(Last { handle: handle.addr(), closed, value });
    Ok(Using { value, _claim })
}

/// Ends a handle and gives back what it stood for, once no call uses it any more. The caller uses
/// no handle of this kind itself.
pub(super) fn close<T: Kind>(handle: *const T::Handle, name: &'static str) -> Result<Arc<T>> {
    let (generation, at) = take_apart::<T>(handle, name)?;
    let mut slots = T::table().slots.write().map_err(|_| ErrorCode::ErrorState)?;
    let slot = slots.get_mut(at).filter(|slot| slot.generation == generation);
    let value = slot.and_then(|slot| slot.value.take()).ok_or(ErrorCode::Closed)?;
    T::table().closed.fetch_add(1, Ordering::SeqCst);
    // Others open and look up while calls end.
    drop(slots);
    claims::wait_until_free(Arc::as_ptr(&value), T::ENDS);
    Ok(value)
}

fn take_apart<T: Kind>(handle: *const T::Handle, name: &'static str) -> Result<(u64, usize)> {
    if handle.is_null() {
        return Err(crate::error::Error::null(name));
    }
    let number = handle.addr() as u64;
    let part = |shift: u32, bits: u32| number >> shift & ((1 << bits) - 1);
    if number >> (PROCESS_BITS + GENERATION_BITS + SLOT_BITS) != T::TAG {
        return Err(ErrorCode::BadHandle.into());
    }
    if part(GENERATION_BITS + SLOT_BITS, PROCESS_BITS) != process() {
        return Err(ErrorCode::Forked.into());
    }
    let generation = part(SLOT_BITS, GENERATION_BITS);
    if generation == 0 {
        return Err(ErrorCode::BadHandle.into());
    }
    Ok((generation, part(0, SLOT_BITS) as usize))
}

fn process() -> u64 {
    Generation::current().number() & ((1 << PROCESS_BITS) - 1)
}
