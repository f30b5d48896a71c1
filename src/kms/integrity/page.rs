//! Looking at a piece of the store: everything in it opens, is in its place, and enters the books.

use std::collections::HashMap;

use super::Walk;
use super::books::{About, Books, Side, Thing};
use super::finding::{Finding, What};
use super::source::Piece;
use super::state::Tally;
use super::sum::Sum;
use crate::error::{Error, ErrorCode, Result};
use crate::hsm::arena::SecretBytes;
use crate::hsm::{Keyring, Place, RecordKind};
use crate::keystore::Entry;
use crate::kms::lists::List;
use crate::kms::places;
use crate::kms::room::with_room;
use crate::model::{KeyId, Space};
use crate::secret::Zeroizing;

/// A piece that is being looked at.
pub(super) struct Page<'p, 'k> {
    pub(super) walk: &'p Walk<'k>,
    pub(super) keyring: &'p Keyring,
    pub(super) books: &'p mut Books,
    pub(super) tally: Tally,
    pub(super) findings: Vec<Finding>,
    /// What its records count, by space and counter.
    pub(super) counted: HashMap<(Space, [u8; 5]), u64>,
    /// The versions of its keys that are paid for, by space and class.
    pub(super) hosted: HashMap<(Space, u8), u64>,
    /// The storage keys of lists that many keys are on.
    pub(super) lists: HashMap<(Space, List), Vec<u8>>,
    /// The next place in the order of creation.
    pub(super) nexts: HashMap<Space, u64>,
}

impl<'p, 'k> Page<'p, 'k> {
    pub(super) fn new(walk: &'p Walk<'k>, keyring: &'p Keyring, books: &'p mut Books) -> Self {
        Self {
            walk,
            keyring,
            books,
            tally: Tally::default(),
            findings: Vec::new(),
            counted: HashMap::new(),
            hosted: HashMap::new(),
            lists: HashMap::new(),
            nexts: HashMap::new(),
        }
    }

    /// Looks at all of it. Damage is a finding; what fails besides is an error.
    pub(super) fn look(&mut self, piece: &Piece) -> Result<()> {
        for entry in &piece.entries {
            if !places::is_of_length(&entry.key) {
                self.find(What::Unknown, &entry.key, None);
            }
            if places::record_kind(piece.kind).is_some() {
                self.count(entry)?;
            }
        }
        match places::record_kind(piece.kind) {
            Some(RecordKind::Key) => self.keys(&piece.entries)?,
            Some(kind) => {
                for entry in &piece.entries {
                    if places::is_of_length(&entry.key) {
                        self.record(kind, entry)?;
                    }
                }
            }
            None => {
                for entry in piece.entries.iter().filter(|it| places::is_of_length(&it.key)) {
                    self.plain(entry)?;
                }
            }
        }
        self.tally.books = self.close();
        Ok(())
    }

    /// Every sealed record is in the header's sum, whether or not it opens.
    fn count(&mut self, entry: &Entry) -> Result<()> {
        self.tally.records += 1;
        match self.keyring.term(&entry.key, &entry.value) {
            Ok(term) => self.tally.set.add(&Sum::from_bytes(term.bytes())),
            Err(error) if error.is_damage() => {}
            Err(error) => return Err(error),
        }
        Ok(())
    }

    fn record(&mut self, kind: RecordKind, entry: &Entry) -> Result<()> {
        match kind {
            // Opened with their key: only that tells what they are bound to.
            RecordKind::Version | RecordKind::WrappingPair => self.part(entry),
            RecordKind::Key => Ok(()),
            RecordKind::Space => self.space(entry),
            RecordKind::Alias => self.alias(entry),
            RecordKind::Tombstone => self.tombstone(entry),
            RecordKind::Identity => self.identity(entry),
            RecordKind::User => self.user(entry),
            RecordKind::Policy => self.policy(entry),
            RecordKind::AccessKey => self.access_key(entry),
            RecordKind::Meter => self.meter(entry),
            RecordKind::Events => self.segment(entry),
            RecordKind::Checkpoint => self.checkpoint(entry),
        }
    }

    /// What is not sealed.
    fn plain(&mut self, entry: &Entry) -> Result<()> {
        if places::is_entry(&entry.key) {
            let name = [&entry.key[..], &entry.value];
            self.enter((Thing::Entry, Side::There), &name, 1, || About {
                what: What::EntryLeft,
                place: entry.key.clone(),
                key: None,
            });
            return Ok(());
        }
        self.ground(entry)
    }

    /// The sums of this page go into the books, and what has come of it into the tally.
    fn close(&mut self) -> Sum {
        let keyring = self.keyring;
        for ((space, name), count) in std::mem::take(&mut self.counted) {
            let fields = [space.account.as_bytes(), space.region.as_bytes(), &name[..]];
            self.enter((Thing::Counted, Side::Owed), &fields, count, || About {
                what: What::Counters,
                place: places::space(keyring, &space).map(|(_, place)| place).unwrap_or_default(),
                key: None,
            });
        }
        for ((space, class), count) in std::mem::take(&mut self.hosted) {
            let fields = [space.account.as_bytes(), space.region.as_bytes(), &[class][..]];
            self.enter((Thing::Hosted, Side::Owed), &fields, count, || About {
                what: What::Metered,
                place: places::meter(keyring, &space).map(|(_, place)| place).unwrap_or_default(),
                key: None,
            });
        }
        self.books.take_total()
    }

    pub(super) fn enter(
        &mut self,
        side: (Thing, Side),
        name: &[&[u8]],
        count: u64,
        about: impl FnOnce() -> About,
    ) {
        self.books.enter(&self.walk.secret, side, name, count, about);
    }

    pub(super) fn find(&mut self, what: What, place: &[u8], key: Option<KeyId>) {
        if self.books.is_first() {
            self.findings.push(Finding::new(what, place, key));
        }
    }

    /// What came out, unless it is damage, which is found.
    pub(super) fn sound<T>(
        &mut self,
        outcome: Result<T>,
        what: What,
        place: &[u8],
        key: Option<KeyId>,
    ) -> Result<Option<T>> {
        match outcome {
            Ok(value) => Ok(Some(value)),
            Err(error) if is_of_record(&error) => {
                let too_new = error.code() == ErrorCode::StoreTooNew;
                self.find(if too_new { What::TooNew } else { what }, place, key);
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    /// The body of a record and what it says.
    pub(super) fn opened<T>(
        &mut self,
        kind: RecordKind,
        entry: &Entry,
        decode: impl FnOnce(&[u8]) -> Result<T>,
    ) -> Result<Option<T>> {
        let id = self.id(entry);
        let place = Place { kind, id: &id, storage_key: &entry.key, immutables: &[] };
        let body = self.keyring.open_record(&place, &entry.value);
        let Some(body) = self.sound(body, What::Sealed, &entry.key, None)? else { return Ok(None) };
        let body: Zeroizing<Vec<u8>> = body;
        self.sound(decode(&body), What::Formed, &entry.key, None)
    }

    /// The same of a record with a secret.
    pub(super) fn opened_secret<T>(
        &mut self,
        place: &Place<'_>,
        record: &[u8],
        key: Option<KeyId>,
        mut decode: impl FnMut(&SecretBytes) -> Result<T>,
    ) -> Result<Option<T>> {
        let body = with_room(|| self.keyring.open_secret(place, record));
        let Some(body) = self.sound(body, What::Sealed, place.storage_key, key)? else {
            return Ok(None);
        };
        self.sound(with_room(|| decode(&body)), What::Formed, place.storage_key, key)
    }

    /// The id of a record: what its storage key ends with, or a number behind zeros.
    fn id(&self, entry: &Entry) -> [u8; 16] {
        match entry.key.as_slice() {
            places::IDENTITY => *self.keyring.store(),
            key => {
                let numbered = || places::sequence(key).map(|(_, id)| id);
                key.last_chunk().copied().or_else(numbered).unwrap_or_default()
            }
        }
    }

    /// Finds it if what is in a record belongs elsewhere.
    pub(super) fn belongs(&mut self, entry: &Entry, place: &[u8]) {
        if entry.key != place {
            self.find(What::Misplaced, &entry.key, None);
        }
    }
}

/// Damage to a record, or material that is none.
fn is_of_record(error: &Error) -> bool {
    error.is_damage() || matches!(error.code(), ErrorCode::TrailDamaged | ErrorCode::PendingImport)
}
