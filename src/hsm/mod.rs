//! The boundary: the only code that ever holds plaintext key material. What leaves it is sealed,
//! wrapped, encrypted or public.

pub mod arena;
mod envelope;
mod header;
mod import;
mod keyring;
mod material;
#[cfg(test)]
mod residue;
pub mod rng;
mod sealed;
pub mod selftest;
mod unlock;

use arena::Protection;

use crate::error::{ErrorCode, Result};
use crate::health::Health;
use crate::model::ProtectionLevel;

pub use envelope::{Envelope, MAX_PLAINTEXT, OVERHEAD};
pub use header::Header;
pub use import::{ImportToken, TOKEN_LEN, WrappingPair};
pub use keyring::Keyring;
pub(crate) use material::destroyed_version_body;
pub use material::{KeyMaterial, RawMaterial};
pub use sealed::{Place, RecordKind, Term};
pub use unlock::{Slot, Unlock};

/// The boundary of one open store.
pub struct Hsm {
    keyring: Keyring,
    allow_unprotected: bool,
    health: Health,
}

impl Hsm {
    /// The boundary around `keyring`. With `allow_unprotected` the operator takes keys at level HSM
    /// in memory that could not be locked; `health` is the module's since before the keys were read.
    pub const fn new(keyring: Keyring, allow_unprotected: bool, health: Health) -> Self {
        Self { keyring, allow_unprotected, health }
    }

    /// The keys that seal the store.
    pub const fn keyring(&self) -> &Keyring {
        &self.keyring
    }

    /// Refuses everything once the module has failed.
    pub fn check(&self) -> Result<()> {
        self.health.check()
    }

    /// Whether the operator takes keys at level HSM in unlocked memory.
    pub const fn allows_unprotected(&self) -> bool {
        self.allow_unprotected
    }

    /// Refuses keys at level HSM in memory that is not locked, unless the operator overrode it.
    pub fn admit(&self, level: ProtectionLevel) -> Result<()> {
        if level == ProtectionLevel::Hsm
            && !self.allow_unprotected
            && arena::arena().protection() < Protection::Locked
        {
            return Err(ErrorCode::MemoryProtection.into());
        }
        Ok(())
    }
}

/// Wipes what this process keeps in secret memory for itself: the states of the generators and the
/// secret stacks. What belongs to open stores goes with them.
pub fn wipe() {
    rng::forget();
    arena::wipe_stacks();
}

/// Fresh random bytes.
pub fn random<const N: usize>() -> Result<[u8; N]> {
    let mut bytes = [0; N];
    rng::fill(&mut bytes)?;
    Ok(bytes)
}
