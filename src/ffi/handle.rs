//! Handles: numbers that look like pointers and are never followed. A freed, forged or wrong-type
//! one is recognized, whatever the caller does with it.
//!
//! ```text
//! type (4 bits) | process (12) | generation of the slot (24) | slot (24)
//! ```

use std::cell::RefCell;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, RwLock, Weak};
use std::thread::LocalKey;

use crate::error::{ErrorCode, Result};
use crate::fork::{Generation, PerProcess};
use crate::kms::{Kms, Session};

/// An open store.
#[allow(non_camel_case_types)]
pub struct kmshsm_store([u8; 0]);

/// A principal in an account and region of an open store.
#[allow(non_camel_case_types)]
pub struct kmshsm_session([u8; 0]);

static STORES: PerProcess<Table<Kms>> = PerProcess::new();
static SESSIONS: PerProcess<Table<Session>> = PerProcess::new();

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
    /// The table of this process.
    fn table() -> &'static Table<Self>;
    /// What this thread used last.
    fn last() -> &'static LocalKey<RefCell<Last<Self>>>;
}

/// A handle that a thread has found in the table, and how many handles had been closed by then. The
/// thread keeps nothing alive by it.
pub(super) struct Last<T> {
    handle: usize,
    closed: u64,
    value: Weak<T>,
}

impl<T> Last<T> {
    const NONE: Self = Self { handle: 0, closed: 0, value: Weak::new() };
}

impl Kind for Kms {
    type Handle = kmshsm_store;
    const TAG: u64 = 0xa;
    fn table() -> &'static Table<Self> {
        STORES.get(Table::default)
    }
    fn last() -> &'static LocalKey<RefCell<Last<Self>>> {
        thread_local!(static LAST: RefCell<Last<Kms>> = const { RefCell::new(Last::NONE) });
        &LAST
    }
}

impl Kind for Session {
    type Handle = kmshsm_session;
    const TAG: u64 = 0xb;
    fn table() -> &'static Table<Self> {
        SESSIONS.get(Table::default)
    }
    fn last() -> &'static LocalKey<RefCell<Last<Self>>> {
        thread_local!(static LAST: RefCell<Last<Session>> = const { RefCell::new(Last::NONE) });
        &LAST
    }
}

/// The things behind the handles of one kind, in this process.
pub(super) struct Table<T> {
    slots: RwLock<Vec<Slot<T>>>,
    closed: AtomicU64,
}

impl<T> Default for Table<T> {
    fn default() -> Self {
        // Every process counts from elsewhere, so what a thread remembers of its parent's table never
        // fits a child's.
        let first = Generation::current().number() << 32;
        Self { slots: RwLock::default(), closed: AtomicU64::new(first) }
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
    Ok(std::ptr::without_provenance(number as usize))
}

/// What a handle stands for: [`ErrorCode::NullArgument`], [`ErrorCode::BadHandle`],
/// [`ErrorCode::Closed`], or [`ErrorCode::Forked`] for one of a parent process.
#[inline]
pub(super) fn get<T: Kind>(handle: *const T::Handle, name: &'static str) -> Result<Arc<T>> {
    let closed = T::table().closed.load(Ordering::Acquire);
    let repeated = T::last().try_with(|last| {
        let last = last.try_borrow().ok()?;
        let is_same = last.handle == handle.addr() && last.closed == closed;
        if is_same { last.value.upgrade() } else { None }
    });
    if let Ok(Some(value)) = repeated {
        return Ok(value);
    }
    remember(handle, closed, look_up::<T>(handle, name)?)
}

#[cold]
fn remember<T: Kind>(handle: *const T::Handle, closed: u64, value: Arc<T>) -> Result<Arc<T>> {
    // A thread that is ending remembers nothing.
    let _ = T::last().try_with(|last| {
        if let Ok(mut last) = last.try_borrow_mut() {
            *last = Last { handle: handle.addr(), closed, value: Arc::downgrade(&value) };
        }
    });
    Ok(value)
}

#[cold]
fn look_up<T: Kind>(handle: *const T::Handle, name: &'static str) -> Result<Arc<T>> {
    let (generation, at) = take_apart::<T>(handle, name)?;
    let slots = T::table().slots.read().map_err(|_| ErrorCode::ErrorState)?;
    let slot = slots.get(at).filter(|slot| generation <= slot.generation);
    let slot = slot.ok_or(ErrorCode::BadHandle)?;
    match &slot.value {
        Some(value) if slot.generation == generation => Ok(Arc::clone(value)),
        _ => Err(ErrorCode::Closed.into()),
    }
}

/// Ends a handle and gives back what it stood for.
pub(super) fn close<T: Kind>(handle: *const T::Handle, name: &'static str) -> Result<Arc<T>> {
    let (generation, at) = take_apart::<T>(handle, name)?;
    let mut slots = T::table().slots.write().map_err(|_| ErrorCode::ErrorState)?;
    let slot = slots.get_mut(at).filter(|slot| slot.generation == generation);
    let value = slot.and_then(|slot| slot.value.take()).ok_or(ErrorCode::Closed)?;
    T::table().closed.fetch_add(1, Ordering::AcqRel);
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
