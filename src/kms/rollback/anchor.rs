//! The anchor: a small file on other media than the store's that remembers how far the store has come, so
//! that a store which is put back as a whole is noticed (ARCHITECTURE.md, Formats: Anchor).
#![forbid(unsafe_code)]

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::Path;

use crate::audit::{Chain, Segment};
use crate::error::{Error, ErrorCode, Result};
use crate::hsm::{Header, Keyring, Note, Place, RecordKind};
use crate::keystore::Keystore;
use crate::kms::places;
use crate::model::Timestamp;
use crate::octets::{Reader, Writer};

const VERSION: u8 = 1;

/// Two slots are written in turn: what tears one leaves the other.
const SLOT: usize = 512;

/// What comes before the note of a slot: version and store.
const HEAD: usize = 1 + 16;

/// All slots are full, so that every byte is authenticated.
const BODY: usize = SLOT - HEAD - 24 - 16;

/// How far a store has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Mark {
    pub(super) lineage: [u8; 16],
    pub(super) generation: u64,
    events: u64,
    head: [u8; 32],
    /// The set hash: two changes of one second that left no events differ in it.
    set: [u8; 32],
    time: Timestamp,
}

impl Mark {
    pub(super) const fn of(header: &Header) -> Self {
        Self {
            lineage: header.lineage,
            generation: header.generation,
            events: header.events,
            head: header.audit_head,
            set: header.set,
            time: header.time,
        }
    }

    /// Whether a store at this mark has been at `earlier`, or may have been, as its
    /// [trail](Self::leads_to) tells.
    pub(super) fn continues(&self, earlier: &Self) -> bool {
        let is_later = self.generation > earlier.generation && self.events >= earlier.events;
        self == earlier || self.lineage == earlier.lineage && is_later
    }

    /// Whether the trail leads from here to a header that the store has had since: a store that has gone back
    /// and on from there has other events. What cannot be read may have said anything.
    pub(super) fn leads_to(
        &self,
        later: &Header,
        store: &dyn Keystore,
        keyring: &Keyring,
    ) -> Result<bool> {
        let mut chain = Chain { store: *keyring.store(), count: self.events, head: self.head };
        match follow(&mut chain, later.events, store, keyring) {
            Ok(()) => Ok((chain.count, chain.head) == (later.events, later.audit_head)),
            Err(error) if error.is_damage() || error.code() == ErrorCode::TrailDamaged => Ok(false),
            Err(error) => Err(error),
        }
    }

    fn encode(&self) -> Vec<u8> {
        let mut body = Writer::default()
            .raw(&self.lineage)
            .u64(self.generation)
            .u64(self.events)
            .raw(&self.head)
            .raw(&self.set)
            .u64(self.time.0)
            .finish();
        body.resize(BODY, 0);
        body
    }

    fn decode(body: &[u8]) -> Result<Self> {
        let mut reader = Reader::new(body);
        Ok(Self {
            lineage: reader.array()?,
            generation: reader.u64()?,
            events: reader.u64()?,
            head: reader.array()?,
            set: reader.array()?,
            time: Timestamp(reader.u64()?),
        })
    }
}

/// Goes on to the event `until`, segment by segment: every change that has events ends one.
fn follow(chain: &mut Chain, until: u64, store: &dyn Keystore, keyring: &Keyring) -> Result<()> {
    if chain.count >= until {
        return Ok(());
    }
    let snapshot = store.snapshot()?;
    let read = |key: &[u8]| -> Result<Vec<u8>> {
        let entry = snapshot.get(&[key])?.pop().flatten();
        entry.map(|entry| entry.value).ok_or_else(|| ErrorCode::StoreDamaged.into())
    };
    // Which has the domain keys of the same moment.
    Header::open(keyring, &read(places::HEADER)?)?;
    while chain.count < until {
        let key = places::events(chain.count.saturating_add(1));
        let (_, id) = places::sequence(&key).ok_or(ErrorCode::Internal)?;
        let kind = RecordKind::Events;
        let place = Place { kind, id: &id, storage_key: &key, immutables: &[] };
        let body = keyring.open_record(&place, &read(&key)?)?;
        Segment::decode(&body)?.replay(chain)?;
    }
    Ok(())
}

/// What an anchor file holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Held {
    /// Nothing yet: it has just been made.
    Nothing,
    /// Nothing that can be read.
    Damage,
    /// The later mark, and the number of its slot.
    Mark(Mark, u8),
}

/// An anchor file, open.
pub(super) struct Anchor(File);

impl Anchor {
    /// Opens the anchor of the store in the directory `store`, and makes the file if there is none.
    ///
    /// [`ErrorCode::InvalidParameter`] (`Anchor`) if it is in the store's directory, where it would be put
    /// back with it, or cannot be opened.
    pub(super) fn open(path: &Path, store: &Path) -> Result<Self> {
        let refused = |detail: String| Error::invalid("Anchor", detail);
        let failed = |error: io::Error| refused(format!("{}: {error}.", path.display()));
        let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
        let parent = fs::canonicalize(parent.unwrap_or(Path::new("."))).map_err(failed)?;
        if parent.starts_with(fs::canonicalize(store).map_err(failed)?) {
            let detail = "It must not be in the store's directory: who puts that back would put it \
                          back, too.";
            return Err(refused(detail.to_owned()));
        }
        let options = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .custom_flags(libc::O_NOFOLLOW | libc::O_CLOEXEC)
            .open(path);
        let file = options.map_err(failed)?;
        // The entry of a new file must last, too.
        File::open(parent).and_then(|parent| parent.sync_all()).map_err(failed)?;
        Ok(Self(file))
    }

    /// What it holds. [`ErrorCode::InvalidParameter`] (`Anchor`) if it is something else than an anchor, or
    /// that of another store.
    pub(super) fn read(&self, keyring: &Keyring) -> Result<Held> {
        let _locked = Locked::lock(&self.0)?;
        self.read_locked(keyring)
    }

    fn read_locked(&self, keyring: &Keyring) -> Result<Held> {
        let mut bytes = [0; 2 * SLOT];
        let len = self.0.metadata().map_err(|error| failed(&error))?.len();
        if len == 0 {
            return Ok(Held::Nothing);
        }
        if len != bytes.len() as u64 {
            return Err(Error::invalid("Anchor", "It is no anchor file."));
        }
        self.0.read_exact_at(&mut bytes, 0).map_err(|error| failed(&error))?;
        let (slots, _) = bytes.as_chunks::<SLOT>();
        // While a slot is empty there is no more than the first mark, which is being written, or was torn.
        let is_young = slots.contains(&[0; SLOT]);
        let mut latest = if is_young { Held::Nothing } else { Held::Damage };
        for (number, slot) in (0..).zip(slots) {
            let Some(mark) = open_slot(keyring, number, slot)? else { continue };
            match &latest {
                Held::Mark(other, _) if other.generation >= mark.generation => {}
                _ => latest = Held::Mark(mark, number),
            }
        }
        Ok(latest)
    }

    /// Writes a mark, unless a later one is there: durable when this returns. False if the store has come to
    /// another state of the same generation. What is damaged is only written over by a new line of changes.
    pub(super) fn write(&self, keyring: &Keyring, mark: &Mark, starts_line: bool) -> Result<bool> {
        let _locked = Locked::lock(&self.0)?;
        let numbers: &[u8] = match self.read_locked(keyring)? {
            Held::Mark(held, _) if held.generation == mark.generation => return Ok(held == *mark),
            // Another process was faster.
            Held::Mark(held, _) if held.generation > mark.generation => return Ok(true),
            Held::Mark(_, 0) => &[1],
            Held::Mark(..) => &[0],
            // The first mark goes into both: from then on, only damage empties one.
            Held::Nothing => &[0, 1],
            Held::Damage if starts_line => &[0],
            Held::Damage => return Err(failed(&io::Error::from(io::ErrorKind::InvalidData))),
        };
        if self.0.metadata().map_err(|error| failed(&error))?.len() == 0 {
            self.0.set_len(2 * SLOT as u64).map_err(|error| failed(&error))?;
        }
        for number in numbers {
            let slot = seal_slot(keyring, *number, mark)?;
            let at = SLOT as u64 * u64::from(*number);
            let written = self.0.write_all_at(&slot, at).and_then(|()| self.0.sync_data());
            written.map_err(|error| failed(&error))?;
        }
        Ok(true)
    }
}

/// `01 | store uuid (16) | note`, the slot's number being the place of the note.
fn seal_slot(keyring: &Keyring, number: u8, mark: &Mark) -> Result<Vec<u8>> {
    let note = keyring.seal_note(Note::Anchor, &[number], &mark.encode())?;
    Ok(Writer::with_capacity(SLOT).u8(VERSION).raw(keyring.store()).raw(&note).finish())
}

/// The mark of a slot, if it is whole.
fn open_slot(keyring: &Keyring, number: u8, slot: &[u8; SLOT]) -> Result<Option<Mark>> {
    let mut reader = Reader::new(slot);
    let (version, store, note) = (reader.u8()?, reader.raw(16)?, reader.raw(SLOT - HEAD)?);
    match keyring.open_note(Note::Anchor, &[number], note) {
        Ok(body) if version == VERSION && store == keyring.store() => Mark::decode(&body).map(Some),
        Err(error) if !error.is_damage() => Err(error),
        _ if version == VERSION && store != keyring.store() => {
            Err(Error::invalid("Anchor", "It is of another store."))
        }
        _ if version > VERSION => Err(ErrorCode::StoreTooNew.into()),
        _ => Ok(None),
    }
}

fn failed(error: &io::Error) -> Error {
    Error::new(ErrorCode::StoreFailed).because(format!("The anchor file: {error}."))
}

/// Processes come one after the other.
struct Locked<'f>(&'f File);

impl<'f> Locked<'f> {
    fn lock(file: &'f File) -> Result<Self> {
        file.lock().map_err(|error| failed(&error))?;
        Ok(Self(file))
    }
}

impl Drop for Locked<'_> {
    fn drop(&mut self) {
        // Closing the file unlocks it anyway.
        let _unlocked = self.0.unlock();
    }
}
