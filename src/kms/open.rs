//! Creating and opening stores.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use zeroize::Zeroizing;

use crate::audit::Chain;
use crate::error::{Error, ErrorCode, Result};
use crate::fork::Generation;
use crate::hsm::arena::SecretBytes;
use crate::hsm::rng::{Scope, Seeded};
use crate::hsm::{Header, Hsm, Identity, Keyring, Slot, Unlock, random, rng, selftest};
use crate::keystore::{Batch, Keystore, MemoryStore, SqliteStore};
use crate::kms::aliases::Names;
use crate::kms::cache::Cache;
use crate::kms::keeper::Keeper;
use crate::kms::metering::Meter;
use crate::kms::quota::Callers;
use crate::kms::recorder::Recorder;
use crate::kms::rollback::Rollback;
use crate::kms::room::with_room;
use crate::kms::slots::{self, Slots};
use crate::kms::trail::{Deed, Trail, identity_place};
use crate::kms::transaction::Writing;
use crate::kms::{Audit, Kms, Quotas, places, principals};
use crate::model::{Clock, IdentitySpec, ManualClock, SystemClock, Timestamp};
use crate::octets::{Reader, Writer};

/// Where a store is, as the surfaces write it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place<'a> {
    /// A directory.
    Directory(&'a Path),
    /// `memory:`, `memory:?clock=manual`, `memory:?seed=TEXT` or both: a new store, gone when it is
    /// closed.
    Memory {
        /// Whether its clock stands still until it is moved.
        manual_clock: bool,
        /// What its keys, ids and nonces depend on, see [`Kms::test_only`].
        seed: Option<&'a str>,
    },
}

/// Where a manual clock starts: the moment of the first seed's example.
const MANUAL_START: Timestamp = Timestamp(1_562_246_055);

impl<'a> Place<'a> {
    /// Reads a place. [`InvalidParameter`](ErrorCode::InvalidParameter) (`place`) for the empty text
    /// and for `memory:` with anything else behind it; for a directory with a seed.
    pub fn parse(text: &'a str) -> Result<Self> {
        let invalid = |detail| Err(Error::invalid("place", detail));
        match text.strip_prefix("memory:") {
            Some("") => Ok(Self::Memory { manual_clock: false, seed: None }),
            Some(options) => match parse_options(options) {
                Some((manual_clock, seed)) => Ok(Self::Memory { manual_clock, seed }),
                None => invalid("After memory: comes ?clock=manual, ?seed=TEXT, both or nothing."),
            },
            None if text.is_empty() => invalid("It must not be empty."),
            None if has_seed(text) => invalid("Only stores in memory take a seed."),
            None => Ok(Self::Directory(Path::new(text))),
        }
    }

    /// Creates a store there, with the key that signs its audit trail. Only directories are created
    /// beforehand, and need `unlock`.
    pub fn create(self, unlock: Option<&Unlock<'_>>, identity: IdentitySpec) -> Result<()> {
        match (self, unlock) {
            (Self::Directory(path), Some(unlock)) => Kms::create_with(path, unlock, identity),
            (Self::Directory(_), None) => Err(needs_secret()),
            (Self::Memory { .. }, _) => {
                Err(Error::invalid("place", "A store in memory is created by opening it."))
            }
        }
    }

    /// Opens the store there; `unlock` is needed for a directory and refused for memory.
    pub fn open(self, unlock: Option<&Unlock<'_>>, options: Options) -> Result<Arc<Kms>> {
        match (self, unlock) {
            (Self::Directory(path), Some(unlock)) => Kms::open(path, unlock, options),
            (Self::Directory(_), None) => Err(needs_secret()),
            (Self::Memory { manual_clock, seed }, None) => {
                let manual_clock = manual_clock.then_some(MANUAL_START);
                let options = Options { manual_clock, ..options };
                match seed {
                    Some(seed) => Kms::test_only(seed, options),
                    None => Kms::in_memory(options),
                }
            }
            (Self::Memory { .. }, Some(_)) => {
                Err(Error::invalid("unlock", "A store in memory takes no secret."))
            }
        }
    }
}

/// What comes behind `memory:`: whether the clock is manual, and the seed, each at most once. A seed has
/// any characters but `&`.
fn parse_options(text: &str) -> Option<(bool, Option<&str>)> {
    let (mut manual_clock, mut seed) = (false, None);
    for option in text.strip_prefix('?')?.split('&') {
        match option.split_once('=')? {
            ("clock", "manual") if !manual_clock => manual_clock = true,
            ("seed", text) if seed.is_none() && !text.is_empty() => seed = Some(text),
            _ => return None,
        }
    }
    Some((manual_clock, seed))
}

/// Whether somebody takes a directory for a store that takes a seed.
fn has_seed(directory: &str) -> bool {
    let options = directory.rfind('?').and_then(|at| parse_options(directory.get(at..)?));
    options.is_some_and(|(_, seed)| seed.is_some())
}

fn needs_secret() -> Error {
    Error::invalid("unlock", "A store in a directory needs a secret.")
}

/// Fresh bytes for a key file.
pub fn fresh_key() -> Result<Zeroizing<[u8; 32]>> {
    let _draws = Scope::of_system();
    selftest::ready()?;
    let mut key = Zeroizing::new([0; 32]);
    rng::fill(&mut *key)?;
    Ok(key)
}

/// The format of a store as a whole. Format 1 is brought into this one when a store is opened.
pub(super) const FORMAT: u8 = 2;

/// How a store is opened.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// The operator's override: keys at level HSM may be used although memory cannot be locked.
    pub allow_unprotected_memory: bool,
    /// A clock that stands at this moment until it is moved; for stores in memory, and in builds with
    /// the feature `testing` for directories, too.
    pub manual_clock: Option<Timestamp>,
    /// The limits of every account in every region; none by default.
    pub quotas: Quotas,
    /// How often a thread of the library does what is due; no thread by default, see [`Kms::tick`].
    pub keeper: Option<Duration>,
    /// What the audit trail records of the use of keys, and how surely.
    pub audit: Audit,
    /// The kind of the key pair that signs the checkpoints of the trail of a new store in memory; those in
    /// directories were created with theirs.
    pub identity: Option<IdentitySpec>,
    /// A file on other media than the store's that remembers how far the store has come, made if there is
    /// none; for stores in directories. A store that is behind it is suspect: it takes no changes.
    pub anchor: Option<PathBuf>,
    /// A generation that the store is known to have reached; for stores in directories. One that is behind
    /// it is suspect.
    pub min_generation: Option<u64>,
    /// Takes a store that is suspect as it is, see [`Kms::accept_rollback`].
    pub accept_rollback: bool,
}

impl Kms {
    /// Creates a store in the directory `place` that `unlock` opens. Open it with [`Kms::open`].
    ///
    /// [`StoreExists`](ErrorCode::StoreExists) if there is one;
    /// [`InvalidParameter`](ErrorCode::InvalidParameter) for an empty passphrase.
    pub fn create(place: &Path, unlock: &Unlock<'_>) -> Result<()> {
        Self::create_with(place, unlock, IdentitySpec::default())
    }

    /// The same, with the kind of the key pair that will sign checkpoints of its audit trail.
    pub fn create_with(place: &Path, unlock: &Unlock<'_>, identity: IdentitySpec) -> Result<()> {
        let _draws = Scope::of_system();
        slots::check(unlock)?;
        selftest::ready()?;
        let store = SqliteStore::create(place)?;
        found(&store, Some(unlock), SystemClock.now(), identity).map(drop)
    }

    /// Opens the store in the directory `place`.
    ///
    /// [`InvalidParameter`](ErrorCode::InvalidParameter) for an identity or a manual clock;
    /// [`StoreNotFound`](ErrorCode::StoreNotFound), [`NotAStore`](ErrorCode::NotAStore),
    /// [`StoreTooNew`](ErrorCode::StoreTooNew), [`StoreDamaged`](ErrorCode::StoreDamaged);
    /// [`UnlockFailed`](ErrorCode::UnlockFailed) for a wrong passphrase or key file.
    pub fn open(place: &Path, unlock: &Unlock<'_>, options: Options) -> Result<Arc<Self>> {
        if options.manual_clock.is_some() && !cfg!(feature = "testing") {
            return Err(Error::invalid("clock", "Only stores in memory take a manual clock."));
        }
        if options.identity.is_some() {
            let detail = "A store in a directory was created with its own.";
            return Err(Error::invalid("Identity", detail));
        }
        let _draws = Scope::of_system();
        let health = selftest::ready()?;
        let store = SqliteStore::open(place)?;
        let (keyring, header) = unlock_store(&store, unlock)?;
        let rollback = Rollback::recall(&options, place, &keyring)?;
        let header = rollback.judge(&store, &keyring, header)?;
        let hsm = Hsm::new(keyring, options.allow_unprotected_memory, health);
        let kms = Self::over(Box::new(store), hsm, &header, rollback, options)?;
        Recorder::serve(&kms);
        Ok(kms)
    }

    /// A new store in memory, gone when it is closed.
    pub fn in_memory(options: Options) -> Result<Arc<Self>> {
        Self::found_in_memory(options, None)
    }

    /// The same for tests: its keys, ids and nonces depend on `seed` and on which calls come in which
    /// order, and on nothing else but what AWS-LC draws itself (RSA keys, signatures on P-256). So
    /// **whoever knows the seed knows the keys.** Every answer says so: `"TestOnly": true`, an indicator
    /// that is not approved, `test_only` in [`status`](Self::status). Threads share one stream of random
    /// bytes, and which of them gets which is chance.
    ///
    /// [`InvalidParameter`](ErrorCode::InvalidParameter) as [`in_memory`](Self::in_memory) answers.
    pub fn test_only(seed: &str, options: Options) -> Result<Arc<Self>> {
        Self::found_in_memory(options, Some(seed))
    }

    fn found_in_memory(options: Options, seed: Option<&str>) -> Result<Arc<Self>> {
        if options.anchor.is_some() || options.min_generation.is_some() {
            let detail = "A store in memory has no past.";
            return Err(Error::invalid("Anchor", detail));
        }
        let health = selftest::ready()?;
        let seeded = seed.map(|seed| with_room(|| Seeded::new(seed))).transpose()?;
        let _draws = seeded.as_ref().map_or_else(Scope::of_system, Seeded::enter);
        let store = MemoryStore::new();
        let now = options.manual_clock.unwrap_or_else(|| SystemClock.now());
        let (keyring, header) = found(&store, None, now, options.identity.unwrap_or_default())?;
        let hsm = Hsm::new(keyring, options.allow_unprotected_memory, health);
        let hsm = match seeded {
            Some(seeded) => hsm.seeded(seeded),
            None => hsm,
        };
        Self::over(Box::new(store), hsm, &header, Rollback::default(), options)
    }

    pub(super) fn over(
        store: Box<dyn Keystore>,
        hsm: Hsm,
        header: &Header,
        rollback: Rollback,
        options: Options,
    ) -> Result<Arc<Self>> {
        let manual_clock = options.manual_clock.map(|at| Arc::new(ManualClock::starting_at(at)));
        let clock: Arc<dyn Clock> = match &manual_clock {
            Some(manual) => Arc::clone(manual) as Arc<dyn Clock>,
            None => Arc::new(SystemClock),
        };
        let kms = Self {
            store,
            hsm,
            clock,
            manual_clock,
            latest: AtomicU64::new(header.time.0),
            generation: AtomicU64::new(header.generation),
            writing: Writing::default(),
            closing: Mutex::new(()),
            cache: Cache::default(),
            names: Names::default(),
            principals: principals::Cache::default(),
            meter: Meter::default(),
            quotas: options.quotas,
            callers: Callers::default(),
            keeper: Keeper::default(),
            recorder: Recorder::default(),
            trail: Trail::new(options.audit),
            rollback,
            closed: AtomicBool::new(false),
            born: Generation::current(),
        };
        let kms = Arc::new(kms);
        kms.enroll();
        if options.accept_rollback {
            kms.accept_rollback()?;
        }
        // A suspect store stays as it is, and what cannot be written down need not keep anybody from reading.
        let takes_changes = kms.takes_changes();
        if header.is_of_first_format() && takes_changes {
            kms.migrate()?;
        }
        if kms.status().hsm_keys == "overridden" && takes_changes {
            kms.change(|change| change.record_of_store(Deed::AllowUnprotectedMemory, 1))?;
        }
        options.keeper.map_or(Ok(()), |interval| Keeper::start(&kms, interval))?;
        Ok(kms)
    }
}

/// Writes the first records of a new store.
pub(super) fn found(
    store: &dyn Keystore,
    unlock: Option<&Unlock<'_>>,
    now: Timestamp,
    identity: IdentitySpec,
) -> Result<(Keyring, Header)> {
    let uuid = uuid::Builder::from_random_bytes(random()?).into_uuid().into_bytes();
    let keyring = Keyring::generate(uuid)?;
    let header = Header::new(&keyring, now, identity, Chain::new(uuid).head)?;
    let signer = with_room(|| {
        let body = Identity::found(identity, now)?;
        keyring.seal_secret(&identity_place(&uuid), (header.domain_key(), 1), &body)
    })?;
    let header = lay(store, &keyring, unlock, header, signer)?;
    Ok((keyring, header))
}

/// Writes the first records of a store: what opens it, its identity and its header, which it answers.
pub(super) fn lay(
    store: &dyn Keystore,
    keyring: &Keyring,
    unlock: Option<&Unlock<'_>>,
    mut header: Header,
    signer: Vec<u8>,
) -> Result<Header> {
    header.add(keyring.term(places::IDENTITY, &signer)?);
    let preamble = Writer::default().u8(FORMAT).raw(keyring.store()).finish();
    let mut batch = Batch::default();
    batch.expects.push((places::PREAMBLE.to_vec(), None));
    batch.puts.push((places::PREAMBLE.to_vec(), preamble));
    let mut slots = BTreeMap::new();
    if let Some(unlock) = unlock {
        slots.insert(places::slot(0), keyring.seal_slot(unlock, 0)?);
    }
    header.slots = Some(slots::digest(&slots));
    batch.puts.extend(slots);
    batch.puts.push((places::ROOT.to_vec(), keyring.seal_root()?));
    batch.puts.push((places::IDENTITY.to_vec(), signer));
    batch.puts.push((places::HEADER.to_vec(), header.seal(keyring)?));
    store.commit(batch)?;
    Ok(header)
}

/// The keys of a store whose unlock slots `unlock` opens one of, and its header, as of one moment.
fn unlock_store(store: &dyn Keystore, unlock: &Unlock<'_>) -> Result<(Keyring, Header)> {
    let store = store.snapshot()?;
    let entries = store.get(&[places::PREAMBLE, places::ROOT, places::HEADER])?;
    let mut entries = entries.into_iter().map(|entry| entry.map(|entry| entry.value));
    let mut next = || entries.next().flatten();
    let preamble = next().ok_or_else(|| {
        let detail = "It was never finished: remove it and create it again.";
        Error::new(ErrorCode::StoreDamaged).because(detail)
    })?;
    let (root, header) = (next(), next());
    let (format, uuid) = read_preamble(&preamble)?;
    let (root, header) = root.zip(header).ok_or(ErrorCode::StoreDamaged)?;
    let slots = slots::read(&*store)?;
    let keyring = Keyring::open(uuid, open_slot(&slots, unlock, &uuid)?, &root)?;
    let header = Header::open(&keyring, &header)?;
    if !header.is_of_root(&keyring)? || header.is_of_first_format() != (format == 1) {
        return Err(Error::new(ErrorCode::StoreDamaged).because("Its header is of another store."));
    }
    if header.slots.is_some_and(|slots_of_header| slots_of_header != slots::digest(&slots)) {
        let detail = "An unlock slot has been put back, removed or changed.";
        return Err(Error::new(ErrorCode::StoreDamaged).because(detail));
    }
    Ok((keyring, header))
}

/// The format and the UUID in a preamble.
pub(super) fn read_preamble(preamble: &[u8]) -> Result<(u8, [u8; 16])> {
    let mut reader = Reader::new(preamble);
    let format = reader.u8()?;
    if !(1..=FORMAT).contains(&format) {
        return Err(Error::new(ErrorCode::StoreTooNew)
            .because(format!("Its format is {format}, this library knows {FORMAT}.")));
    }
    let uuid = reader.array()?;
    reader.finish()?;
    Ok((format, uuid))
}

fn open_slot(slots: &Slots, unlock: &Unlock<'_>, uuid: &[u8; 16]) -> Result<SecretBytes> {
    let mut refusal = Error::new(ErrorCode::UnlockFailed);
    for (key, slot) in slots {
        match Slot::open(unlock, uuid, slots::number(key)?, slot) {
            Err(error) if error.code() == ErrorCode::UnlockFailed => {}
            Err(error) => refusal = error,
            opened => return opened,
        }
    }
    Err(refusal)
}

#[cfg(test)]
mod tests;
