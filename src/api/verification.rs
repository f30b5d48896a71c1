//! Verification of an exported audit trail: no store is needed, only its public key.

use std::io::BufRead;

use crate::audit::{self, Head, PublicKey, Verified};
use crate::error::Result;
use crate::hsm::selftest;

/// Verifies an exported trail, line by line: each event follows the one before it, and all are signed
/// for by `public_key`, or else by the key that the trail itself names. Against a `head` that somebody
/// has kept it also shows whether the end has been cut off since.
///
/// [`TrailDamaged`](crate::error::ErrorCode::TrailDamaged) names the first event that is not as it was
/// signed.
pub fn verify_trail(
    trail: impl BufRead,
    public_key: Option<&PublicKey>,
    head: Option<&Head>,
) -> Result<Verified> {
    selftest::ready()?;
    selftest::ready_for_pairs()?;
    audit::verify(trail, public_key, head)
}
