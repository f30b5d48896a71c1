//! The boundary: the only code that ever holds plaintext key material. What leaves it is sealed,
//! wrapped, encrypted or public.

mod access_key;
pub mod arena;
mod backup;
mod compliance;
mod domain;
mod envelope;
mod header;
mod identity;
mod import;
mod keyring;
mod material;
mod message;
mod note;
mod pair;
mod recipient;
#[cfg(test)]
mod residue;
pub mod rng;
mod sealed;
pub mod selftest;
pub mod shares;
mod transfer;
mod unlock;
mod unwrap;

use std::sync::{Arc, Mutex, PoisonError};

use arena::Protection;
use rng::{Scope, Seeded};

use crate::claims::Patience;
use crate::error::{ErrorCode, Result};
use crate::health::Health;
#[cfg(any(test, feature = "testing"))]
use crate::model::{Algorithm, Profile};
use crate::model::{Drawing, KeySpec, Permit, ProtectionLevel};

pub use access_key::{AccessKey, fresh_user_id};
pub use backup::BackupKey;
pub use compliance::{Compliance, Row, compliance};
pub use envelope::{Envelope, MAX_PLAINTEXT, OVERHEAD};
pub use header::Header;
pub use identity::Identity;
pub use import::{ImportToken, TOKEN_LEN, WrappingPair};
pub use keyring::Keyring;
pub use material::{KeyMaterial, RawMaterial, SymmetricKey};
pub(crate) use material::{destroyed_version_body, version_outline};
pub use message::MessageDigest;
pub use note::Note;
pub use pair::{Ciphertext, Permitted, PublicKey};
pub use recipient::{Recipient, RecipientKey};
pub use sealed::{Place, RecordKind, Term};
pub use shares::Share;
pub use transfer::Transfer;
pub use unlock::{Slot, SlotKind, Unlock};

/// The boundary of one open store.
pub struct Hsm {
    /// Taken out when the store is closed.
    keyring: Mutex<Option<Arc<Keyring>>>,
    allow_unprotected: bool,
    health: Health,
    /// Of test-only stores: where all that they draw comes from.
    seeded: Option<Seeded>,
}

impl Hsm {
    /// The boundary around `keyring`. With `allow_unprotected` the operator takes keys at level HSM
    /// in memory that could not be locked; `health` is the module's since before the keys were read.
    pub fn new(keyring: Keyring, allow_unprotected: bool, health: Health) -> Self {
        let keyring = Mutex::new(Some(Arc::new(keyring)));
        Self { keyring, allow_unprotected, health, seeded: None }
    }

    /// The same for a test-only store, which is in memory: there is no other way to give a store a
    /// generator of its own.
    #[must_use]
    pub fn seeded(self, seeded: Seeded) -> Self {
        Self { seeded: Some(seeded), ..self }
    }

    /// Whether keys, ids and nonces are reproducible.
    pub const fn is_test_only(&self) -> bool {
        self.seeded.is_some()
    }

    /// Has this thread draw what the store draws, for as long as the answer lives. There is none for
    /// stores that draw what the system seeds, as all threads do.
    #[inline]
    pub fn draws(&self) -> Option<Scope> {
        self.seeded.as_ref().map(Seeded::enter)
    }

    /// The same for work that another store's call may have come upon.
    pub fn draws_apart(&self) -> Scope {
        self.draws().unwrap_or_else(Scope::of_system)
    }

    /// The keys that seal the store; [`ErrorCode::Closed`] once they are gone. Closing waits for
    /// whoever holds them: hold them no longer than a call, and as long as any secret that they have
    /// opened or will seal.
    pub fn keyring(&self) -> Result<Arc<Keyring>> {
        let keyring = self.keyring.lock().unwrap_or_else(PoisonError::into_inner);
        keyring.clone().ok_or_else(|| ErrorCode::Closed.into())
    }

    /// Wipes the keys that seal the store as soon as no call holds them, and its generator.
    pub fn drop_keyring(&self) {
        self.seeded.iter().for_each(Seeded::wipe);
        let taken = self.keyring.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(mut keyring) = taken else { return };
        let mut patience = Patience::default();
        while let Err(shared) = Arc::try_unwrap(keyring) {
            keyring = shared;
            patience.wait();
        }
    }

    /// Refuses everything once the module has failed.
    pub fn check(&self) -> Result<()> {
        self.health.check()
    }

    /// Whether the operator takes keys at level HSM in unlocked memory.
    pub const fn allows_unprotected(&self) -> bool {
        self.allow_unprotected
    }

    /// Refuses keys at level HSM whose numbers would lie in memory that is not locked, unless the
    /// operator overrode it.
    pub fn admit(&self, level: ProtectionLevel, spec: KeySpec) -> Result<()> {
        let is_locked = || {
            let arena = arena::arena();
            arena.protection() >= Protection::Locked
                && (arena.holds_provider() || !pair::lies_with_provider(spec))
        };
        if level == ProtectionLevel::Hsm && !self.allow_unprotected && !is_locked() {
            return Err(ErrorCode::MemoryProtection.into());
        }
        Ok(())
    }
}

/// Wipes what this process keeps in secret memory for itself, once its stores are closed: the states
/// of the generators and the secret stacks, each as soon as no call uses it.
pub fn wipe() {
    rng::forget();
    arena::wipe_stacks();
}

/// Random bytes for a caller.
pub fn draw(_: Permit<Drawing>, out: &mut [u8]) -> Result<()> {
    rng::fill(out)
}

/// Leave for whatever is offered anywhere.
#[cfg(any(test, feature = "testing"))]
pub(crate) fn permitted<A: Algorithm>(spec: KeySpec, algorithm: A) -> Result<Permit<A>> {
    Profile::Gm.permit(ProtectionLevel::Hsm, spec, algorithm)
}

/// Fresh random bytes, for names and nonces.
pub fn random<const N: usize>() -> Result<[u8; N]> {
    let mut bytes = [0; N];
    rng::fill(&mut bytes)?;
    Ok(bytes)
}
