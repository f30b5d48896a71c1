//! Reading a backup: the whole file once for its signature, then its records one after the other.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::path::Path;

use crate::audit::PublicKey;
use crate::crypto::digest::Hasher;
use crate::error::{Error, ErrorCode, Result};
use crate::hsm::{BackupKey, Header, Keyring, shares};
use crate::kms::room::with_room;

use super::file::strange;
use super::head::{Head, MAX_OWN};
use super::manifest::{Counts, Manifest, Signed, hex};
use super::{Secret, damaged, of_backup};

/// What comes before a record, the header record, and the manifest.
pub(super) const RECORD: u8 = 1;
pub(super) const END: u8 = 2;
pub(super) const MANIFEST: u8 = 3;

/// The longest storage key, record, manifest and signature.
const MAX_STORAGE_KEY: usize = 64;
const MAX_RECORD: usize = 1 << 26;
const MAX_MANIFEST: usize = 1 << 16;
const MAX_SIGNATURE: usize = 128;

/// A backup that is as it was signed.
pub(super) struct Backup {
    file: File,
    head: Head,
    /// Where the records begin.
    start: u64,
    /// The header record behind them.
    end: Vec<u8>,
    pub(super) manifest: Manifest,
    /// The key by which it is signed.
    pub(super) signer: PublicKey,
}

/// A backup whose key is known.
pub(super) struct Unlocked {
    pub(super) backup: Backup,
    pub(super) keyring: Keyring,
    /// What the store's header said, of the records that are in the backup.
    pub(super) header: Header,
    /// The same of no records.
    pub(super) blank: Header,
}

/// A sealed record of a backup, and where a store has it.
pub(super) struct Sealed {
    pub(super) storage_key: Vec<u8>,
    pub(super) record: Vec<u8>,
}

impl Backup {
    /// Reads the whole file: [`ErrorCode::NotABackup`], or [`ErrorCode::BackupDamaged`] unless all of it is
    /// as the store has signed it; with `trusted` that very store.
    pub(super) fn open(path: &Path, trusted: Option<&PublicKey>) -> Result<Self> {
        let file = File::open(path).map_err(|error| strange(path, &error))?;
        let mut source = Source::new(BufReader::new(&file));
        let head = Head::read(&mut source)?;
        let start = source.position;
        let end = loop {
            match source.u8()? {
                RECORD => drop(source.sealed()?),
                END => break source.lp(MAX_OWN)?,
                _ => return Err(damaged("There is something else than records in it.")),
            }
        };
        let digest = source.hasher.clone().finish();
        if source.u8()? != MANIFEST {
            return Err(damaged("Its manifest is missing."));
        }
        let text = source.lp(MAX_MANIFEST)?;
        let (algorithm, signature) = (source.u8()?, source.lp(MAX_SIGNATURE)?);
        if !source.is_at_end()? {
            return Err(damaged("There is something behind it."));
        }
        let (manifest, signer) = Signed { text, algorithm, signature }.verify(trusted)?;
        let store = uuid::Uuid::from_bytes(head.store).to_string();
        if manifest.sha256 != hex(&digest) || manifest.store != store {
            return Err(damaged("It is not what its manifest speaks of."));
        }
        Ok(Self { file, head, start, end, manifest, signer })
    }

    /// The keys of the backup: [`ErrorCode::UnlockFailed`] or [`ErrorCode::InvalidShares`] if the secret is
    /// another's.
    pub(super) fn unlock(self, secret: &Secret<'_>) -> Result<Unlocked> {
        let keyring = with_room(|| self.key(secret)?.open(self.head.store, &self.head.root))?;
        // Each header knows the domain keys under which the records are.
        let blank = Header::open(&keyring, &self.head.header).map_err(of_backup)?;
        let header = Header::open(&keyring, &self.end).map_err(of_backup)?;
        Ok(Unlocked { backup: self, keyring, header, blank })
    }

    fn key(&self, secret: &Secret<'_>) -> Result<BackupKey> {
        match secret {
            Secret::BackupKey(key) => BackupKey::from_bytes(key),
            Secret::Shares(own) => BackupKey::from_secret(shares::combine(own)?),
            Secret::PrivateKey(private) => {
                let fingerprint = private.fingerprint();
                let mut wraps = self.head.wraps.recipients.iter();
                let (_, wrapped) = wraps.find(|(own, _)| *own == fingerprint).ok_or_else(|| {
                    let detail = "The backup is not encrypted to the public half of this key.";
                    Error::new(ErrorCode::UnlockFailed).because(detail)
                })?;
                BackupKey::from_secret(private.open(wrapped)?)
            }
        }
    }
}

impl Unlocked {
    /// The backup's records, from the first one on.
    pub(super) fn records(&self) -> Result<Records<'_>> {
        let mut file = &self.backup.file;
        file.seek(SeekFrom::Start(self.backup.start)).map_err(|error| unreadable(&error))?;
        Ok(Records {
            of: self,
            source: Source::new(BufReader::new(file)),
            sum: self.blank.clone(),
            counts: Counts::default(),
        })
    }
}

/// The records of a backup on their way out.
pub(super) struct Records<'a> {
    of: &'a Unlocked,
    source: Source<BufReader<&'a File>>,
    /// What the header would say of those that have been read.
    sum: Header,
    counts: Counts,
}

impl Records<'_> {
    /// The next record. Behind the last one it is an error if any is missing, or too many are there.
    pub(super) fn next(&mut self) -> Result<Option<Sealed>> {
        if self.source.u8()? != RECORD {
            return match self.sum == self.of.header {
                true => Ok(None),
                false => Err(damaged("Its records are not those that its header counts.")),
            };
        }
        let sealed = self.source.sealed()?;
        let term = self.of.keyring.term(&sealed.storage_key, &sealed.record);
        self.sum.add(term.map_err(of_backup)?);
        self.counts.add(&sealed.storage_key, self.of.keyring.store());
        Ok(Some(sealed))
    }

    /// The record that must come next.
    pub(super) fn expect(&mut self, is_it: impl FnOnce(&[u8]) -> bool) -> Result<Sealed> {
        let next = self.next()?.filter(|sealed| is_it(&sealed.storage_key));
        next.ok_or_else(|| damaged("Its records are not in their order."))
    }

    /// How many of each have been read; events are not counted.
    pub(super) const fn counts(&self) -> Counts {
        self.counts
    }

    /// How many have been read.
    pub(super) const fn done(&self) -> u64 {
        self.sum.records
    }
}

/// A file that is read from the front, and hashed.
pub(super) struct Source<R> {
    reader: R,
    hasher: Hasher,
    position: u64,
}

impl<R: Read> Source<R> {
    fn new(reader: R) -> Self {
        Self { reader, hasher: Hasher::sha256(), position: 0 }
    }

    pub(super) fn array<const N: usize>(&mut self) -> Result<[u8; N]> {
        let mut bytes = [0; N];
        self.reader.read_exact(&mut bytes).map_err(|error| unreadable(&error))?;
        self.pass(&bytes);
        Ok(bytes)
    }

    pub(super) fn u8(&mut self) -> Result<u8> {
        Ok(u8::from_be_bytes(self.array()?))
    }

    /// `lp(x)` of `most` bytes at most. It takes no more memory than there are bytes.
    pub(super) fn lp(&mut self, most: usize) -> Result<Vec<u8>> {
        let len = u32::from_be_bytes(self.array()?) as usize;
        if len > most {
            return Err(damaged("A length in it is beyond all bounds."));
        }
        let mut bytes = Vec::new();
        let read = self.reader.by_ref().take(len as u64).read_to_end(&mut bytes);
        if read.map_err(|error| unreadable(&error))? < len {
            return Err(damaged("It has been cut short."));
        }
        self.pass(&bytes);
        Ok(bytes)
    }

    fn sealed(&mut self) -> Result<Sealed> {
        Ok(Sealed { storage_key: self.lp(MAX_STORAGE_KEY)?, record: self.lp(MAX_RECORD)? })
    }

    fn is_at_end(&mut self) -> Result<bool> {
        let read = self.reader.by_ref().take(1).read_to_end(&mut Vec::new());
        Ok(read.map_err(|error| unreadable(&error))? == 0)
    }

    fn pass(&mut self, bytes: &[u8]) {
        self.hasher.update(bytes);
        self.position += bytes.len() as u64;
    }
}

fn unreadable(error: &io::Error) -> Error {
    match error.kind() {
        io::ErrorKind::UnexpectedEof => damaged("It has been cut short."),
        _ => Error::new(ErrorCode::StoreFailed)
            .because(format!("The backup cannot be read: {error}.")),
    }
}
