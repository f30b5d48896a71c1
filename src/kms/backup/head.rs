//! The front of a backup: who can recover its key, and the keys that lie under it.

use std::io::Read;

use crate::error::{Error, ErrorCode, Result};
use crate::octets::Writer;

use super::Quorum;
use super::read::Source;

/// What every backup begins with.
const MAGIC: &[u8; 8] = b"KMSHBKUP";

const VERSION: u8 = 1;

/// The longest wrapped backup key: RSA-4096 has 512 bytes.
const MAX_WRAPPED: usize = 1024;

/// The longest root or header record.
pub(super) const MAX_OWN: usize = 1 << 16;

/// The front of a backup: `"KMSHBKUP" | 01 | store uuid (16) | u8 n | n * (SHA-256 of a recipient's
/// SubjectPublicKeyInfo (32) | lp(backup key, encrypted to it)) | threshold u8 | shares u8 |
/// lp(root record) | lp(header record)`; both numbers are 0 if the key has not been split.
pub(super) struct Head {
    /// The store's UUID.
    pub store: [u8; 16],
    /// Who can recover the backup key.
    pub wraps: Wraps,
    /// The master key under the backup key, as a root record.
    pub root: Vec<u8>,
    /// A header record of no records, for its domain keys.
    pub header: Vec<u8>,
}

/// Who can recover a backup key.
#[derive(Default)]
pub(super) struct Wraps {
    /// The key encrypted to public keys, each with its fingerprint.
    pub recipients: Vec<([u8; 32], Vec<u8>)>,
    /// The shares that it has been split into, if it has.
    pub shares: Option<Quorum>,
}

impl Head {
    pub(super) fn encode(&self) -> Result<Vec<u8>> {
        let mut writer = Writer::default();
        writer.raw(MAGIC).u8(VERSION).raw(&self.store);
        let recipients = &self.wraps.recipients;
        writer.u8(u8::try_from(recipients.len()).map_err(|_| ErrorCode::Internal)?);
        for (fingerprint, wrapped) in recipients {
            writer.raw(fingerprint).lp(wrapped);
        }
        let quorum = self.wraps.shares;
        writer.u8(quorum.map_or(0, |of| of.threshold)).u8(quorum.map_or(0, |of| of.count));
        Ok(writer.lp(&self.root).lp(&self.header).finish())
    }

    pub(super) fn read(source: &mut Source<impl Read>) -> Result<Self> {
        let strange = |_| Error::new(ErrorCode::NotABackup);
        if source.array::<8>().map_err(strange)? != *MAGIC {
            return Err(ErrorCode::NotABackup.into());
        }
        if source.u8()? != VERSION {
            return Err(Error::new(ErrorCode::StoreTooNew).because("It is a backup."));
        }
        let store = source.array()?;
        let recipients = (0..source.u8()?)
            .map(|_| Ok((source.array()?, source.lp(MAX_WRAPPED)?)))
            .collect::<Result<_>>()?;
        let (threshold, count) = (source.u8()?, source.u8()?);
        let shares = (count > 0).then_some(Quorum { threshold, count });
        let wraps = Wraps { recipients, shares };
        Ok(Self { store, wraps, root: source.lp(MAX_OWN)?, header: source.lp(MAX_OWN)? })
    }
}
