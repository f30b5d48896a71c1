//! Making a backup of an open store, while it is in use.

use std::path::Path;

use serde::Serialize;

use crate::audit::PublicKey;
use crate::error::{Error, ErrorCode, Result};
use crate::hsm::{BackupKey, Header, Identity, Keyring};
use crate::keystore::Snapshot;
use crate::kms::room::with_room;
use crate::kms::trail::{Deed, identity_place};
use crate::kms::{Kms, places};
use crate::octets::Writer;

use super::contents::Contents;
use super::file::Draft;
use super::head::{Head, Wraps};
use super::manifest::{Counts, Manifest, Signed, hex};
use super::read::{END, MANIFEST};
use super::{BackupRequest, Created, Progress, Quorum};

/// How many public keys a backup key is encrypted to at most.
const MAX_RECIPIENTS: usize = 16;

/// What the trail says of a backup.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Told<'a> {
    recipients: &'a [String],
    shares: Option<Quorum>,
    include_imported: bool,
}

impl Kms {
    /// Writes a backup of the store as it is now to a new file at `path`, which only its owner may read.
    /// Others go on using the store meanwhile. The trail tells of it first, so that no backup is made
    /// without, and the backup has that event.
    ///
    /// [`UnsupportedOperation`](ErrorCode::UnsupportedOperation) of a store for tests, whose keys must not
    /// come into others; [`InvalidParameter`](ErrorCode::InvalidParameter): `path` if there is something already, or nothing
    /// can be written there; `Recipients` if there are none nor shares, or more than 16; as
    /// [`fresh_shares`](crate::kms::fresh_shares) says. [`StoreDamaged`](ErrorCode::StoreDamaged) if a record cannot be
    /// read.
    pub fn create_backup(
        &self,
        path: &Path,
        request: &BackupRequest<'_>,
        progress: Progress<'_>,
    ) -> Result<Created> {
        self.refuse_backups()?;
        self.flush()?;
        let recipients = request.recipients;
        if recipients.len() > MAX_RECIPIENTS || recipients.is_empty() && request.shares.is_none() {
            let detail = "A backup needs shares or recipients, at most 16: else nobody opens it.";
            return Err(Error::invalid("Recipients", detail));
        }
        let mut draft = Draft::begin(path)?;
        let key = with_room(BackupKey::fresh)?;
        let sealed = recipients
            .iter()
            .map(|recipient| Ok((recipient.fingerprint(), with_room(|| key.seal_to(recipient))?)));
        let wraps = Wraps { recipients: sealed.collect::<Result<_>>()?, shares: request.shares };
        let shares = match request.shares {
            Some(Quorum { threshold, count }) => with_room(|| key.split(threshold, count))?,
            None => Vec::new(),
        };
        self.tell(&wraps, request.include_imported)?;
        let snapshot = self.store.snapshot()?;
        let manifest = self.write_backup(
            &mut draft,
            &*snapshot,
            (&key, wraps),
            request.include_imported,
            progress,
        )?;
        drop(snapshot);
        draft.finish()?;
        Ok(Created { manifest, shares })
    }

    /// Keys that others can reproduce stay in the store for tests that they are in, and no others come in.
    pub(super) fn refuse_backups(&self) -> Result<()> {
        if self.is_test_only() {
            let detail = "A store for tests takes part in no backup.";
            return Err(Error::new(ErrorCode::UnsupportedOperation).because(detail));
        }
        Ok(())
    }

    fn tell(&self, wraps: &Wraps, include_imported: bool) -> Result<()> {
        let recipients: Vec<_> = wraps.recipients.iter().map(|(print, _)| hex(print)).collect();
        let told = Told { recipients: &recipients, shares: wraps.shares, include_imported };
        let told = serde_json::to_vec(&told).map_err(|_| ErrorCode::Internal)?;
        self.change(|change| change.record_backup(Deed::CreateBackup, &[], &told))
    }

    fn write_backup(
        &self,
        draft: &mut Draft,
        snapshot: &dyn Snapshot,
        (key, wraps): (&BackupKey, Wraps),
        includes_imported: bool,
        progress: Progress<'_>,
    ) -> Result<Manifest> {
        // Whoever closes the store waits for the backup: its secrets are in the keyring's hands.
        let keyring = self.hsm.keyring()?;
        let from = with_room(|| keyring.held())?;
        let header = Header::open(&from, &value_of(snapshot, places::HEADER)?)?;
        if !header.is_of_root(&from)? {
            return Err(ErrorCode::StoreRekeyed.into());
        }
        let to = with_room(|| key.keyring_for(&from))?;
        let own = blank(&to, &header)?;
        let head =
            Head { store: *from.store(), wraps, root: to.seal_root()?, header: own.seal(&to)? };
        draft.write(&head.encode()?)?;
        let mut contents = Contents {
            snapshot,
            from: &from,
            to: &to,
            includes_imported,
            met: own.clone(),
            own,
            counts: Counts { events: header.events, ..Counts::default() },
            left_out: 0,
            out: draft,
            total: header.records,
            progress,
        };
        contents.write()?;
        let Contents { met, own, counts, left_out, .. } = contents;
        draft.write(&Writer::default().u8(END).lp(&own.seal(&to)?).finish())?;
        let identity = self.signer(snapshot, &from, &header)?;
        let manifest = Manifest {
            includes_imported,
            imported_left_out: left_out,
            complete: (met.records, met.set) == (header.records, header.set),
            sha256: hex(&draft.digest()),
            public_key: PublicKey::from_spki(&identity.spki())?.pem()?,
            ..Manifest::new(from.store(), &header, &head.wraps, counts)
        };
        let signed = Signed::sign(&manifest, &identity, header.identity.algorithm())?;
        draft.write(&Writer::default().u8(MANIFEST).raw(&signed.encode()).finish())?;
        Ok(manifest)
    }

    fn signer(
        &self,
        snapshot: &dyn Snapshot,
        keyring: &Keyring,
        header: &Header,
    ) -> Result<Identity> {
        let record = value_of(snapshot, places::IDENTITY)?;
        with_room(|| {
            let body = keyring.open_secret(&identity_place(keyring.store()), &record)?;
            Identity::from_body(header.identity, &body)
        })
    }
}

/// What a header says of the same moment, of no records.
fn blank(keyring: &Keyring, header: &Header) -> Result<Header> {
    let mut blank = Header::new(keyring, header.time, header.identity, header.audit_head)?;
    (blank.generation, blank.lineage) = (header.generation, header.lineage);
    (blank.events, blank.checkpoint) = (header.events, header.checkpoint);
    Ok(blank)
}

fn value_of(snapshot: &dyn Snapshot, storage_key: &[u8]) -> Result<Vec<u8>> {
    let entry = snapshot.get(&[storage_key])?.pop().flatten();
    Ok(entry.ok_or(ErrorCode::StoreDamaged)?.value)
}
