//! Integrity: a walk through the whole store as of one moment, which opens every sealed record at its place
//! and holds all that belongs together against each other. Several threads open what one after the other
//! reads; memory does not grow with the store, but for a few bytes for each 4096 records.
#![forbid(unsafe_code)]

mod books;
mod finding;
mod ground;
mod keys;
mod page;
mod source;
mod spaces;
mod state;
mod sum;
#[cfg(test)]
mod tests;
mod trail;

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use books::Books;
use finding::What;
pub use finding::{Finding, Report};
use page::Page;
use source::{Piece, Source};
use state::{Progress, State, Stretch, Tally};
use sum::Sum;

use crate::audit::PublicKey;
use crate::error::{Error, ErrorCode, Result};
use crate::hsm::{Header, random};
use crate::keystore::Entry;
use crate::kms::trail::identity;
use crate::kms::{Kms, places, slots};
use crate::thread;

/// More threads than this only wait for each other.
const MOST_THREADS: usize = 8;

/// How often a walk starts over because the domain keys have been retired under it.
const ATTEMPTS: usize = 10;

/// Is told how many records of how many have been looked at; the walk goes on while it answers true.
pub type Watch<'w> = dyn Fn(u64, u64) -> bool + Sync + 'w;

/// How a walk has ended.
#[derive(Debug)]
pub struct Verification {
    /// What was found.
    pub report: Report,
    /// Of a walk that was interrupted: what the next one takes to open only what it has not opened, or what
    /// has changed since. Of use to this store alone.
    pub state: Option<Vec<u8>>,
}

impl Kms {
    /// Walks through the whole store as it is now, while it is in use, and says what is not as the library
    /// has written it. Damage is no error: it is what the report is about. `resume` is the state that an
    /// interrupted walk has left.
    ///
    /// [`InvalidParameter`](ErrorCode::InvalidParameter) (`Resume`) for a state of another store or line of
    /// changes.
    pub fn verify(&self, resume: Option<&[u8]>, watch: &Watch<'_>) -> Result<Verification> {
        self.check()?;
        for _ in 0..ATTEMPTS {
            let walk = Walk::begin(self)?;
            let began = walk.header.clone();
            let done = self.verify_once(walk, resume, watch)?;
            // What was sealed under a domain key that has gone meanwhile could not be opened.
            let is_final = done.report.found == 0 || done.state.is_some();
            if is_final || !self.header()?.1.has_retired_keys_since(&began) {
                return Ok(done);
            }
        }
        Err(ErrorCode::Conflict.into())
    }

    fn verify_once(
        &self,
        mut walk: Walk<'_>,
        resume: Option<&[u8]>,
        watch: &Watch<'_>,
    ) -> Result<Verification> {
        let Some(resume) = resume else { return walk.run(Vec::new(), watch) };
        let state = State::open(&*self.hsm.keyring()?, &walk.header.lineage, resume)?;
        walk.secret = state.secret;
        let unchanged = walk.unchanged(state.stretches)?;
        let done = walk.run(unchanged, watch)?;
        if done.report.found == 0 || done.state.is_some() {
            return Ok(done);
        }
        // What changed between the walks need not be damage, and what is has to be named.
        walk.secret = random()?;
        walk.run(Vec::new(), watch)
    }

    /// For tests: a sentence for everything that a walk finds.
    #[cfg(any(test, feature = "testing"))]
    #[doc(hidden)]
    pub fn ledger(&self) -> Result<Vec<String>> {
        let Verification { report, .. } = self.verify(None, &|_, _| true)?;
        let findings = report.findings.into_iter();
        Ok(findings.map(|it| format!("{} {} {:?}", it.what, it.place, it.key)).collect())
    }
}

/// A walk under way.
struct Walk<'k> {
    kms: &'k Kms,
    source: Mutex<Source<'k>>,
    header: Header,
    /// The walk's own, under which things enter the books.
    secret: [u8; 32],
    /// What verifies checkpoints, if the identity record can be used.
    verifier: Option<PublicKey>,
}

/// What the threads of a walk have come to.
struct Ended {
    progress: Progress,
    books: Books,
    report: Report,
    is_cut_short: bool,
}

impl<'k> Walk<'k> {
    fn begin(kms: &'k Kms) -> Result<Self> {
        let snapshot = kms.store.snapshot()?;
        let keyring = kms.hsm.keyring()?;
        let mut found = snapshot.get(&[places::HEADER, places::IDENTITY])?.into_iter();
        let header = found.next().flatten().ok_or(ErrorCode::StoreDamaged)?;
        let header = Header::open(&keyring, &header.value)?;
        if !header.is_of_root(&keyring)? {
            return Err(ErrorCode::StoreRekeyed.into());
        }
        let verifier = found.next().flatten().and_then(|record| {
            let pair = identity(&keyring, header.identity, &record.value).ok()?;
            PublicKey::from_spki(&pair.spki()).ok()
        });
        let source = Mutex::new(Source::new(snapshot));
        Ok(Self { kms, source, header, secret: random()?, verifier })
    }

    fn source(&self) -> MutexGuard<'_, Source<'k>> {
        self.source.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Some entries, as of the walk's moment.
    fn get(&self, keys: &[&[u8]]) -> Result<Vec<Option<Entry>>> {
        self.source().snapshot.get(keys)
    }

    fn scan(&self, prefix: &[u8], after: &[u8], limit: usize) -> Result<Vec<Entry>> {
        self.source().snapshot.scan(prefix, after, limit)
    }

    /// The stretches whose records are still those that were opened.
    fn unchanged(&self, stretches: Vec<Stretch>) -> Result<Vec<Stretch>> {
        let keyring = self.kms.hsm.keyring()?;
        let is_unchanged = |stretch: &Stretch| {
            let (mut records, mut set) = (0, Sum::default());
            let mut after = stretch.from.clone();
            while after < stretch.to {
                let some = self.scan(&[stretch.kind()], &after, 256)?;
                let within = some.iter().take_while(|entry| entry.key <= stretch.to);
                for entry in within {
                    records += 1;
                    let Ok(term) = keyring.term(&entry.key, &entry.value) else { return Ok(false) };
                    set.add(&Sum::from_bytes(term.bytes()));
                }
                let Some(last) = some.into_iter().next_back() else { break };
                after = last.key;
            }
            Ok::<_, Error>((records, set) == (stretch.tally.records, stretch.tally.set))
        };
        let mut unchanged = Vec::new();
        for stretch in stretches {
            self.kms.check()?;
            if is_unchanged(&stretch)? {
                unchanged.push(stretch);
            }
        }
        Ok(unchanged)
    }

    /// Looks at everything but what need not be looked at again.
    fn run(&self, skipped: Vec<Stretch>, watch: &Watch<'_>) -> Result<Verification> {
        let Ended { mut progress, mut report, is_cut_short, .. } =
            self.look(Books::Total(Sum::default()), skipped, watch)?;
        let Tally { records, keys, events, set, books } = progress.tally;
        (report.records, report.keys, report.events) = (records, keys, events);
        report.generation = self.header.generation;
        report.lineage = uuid::Uuid::from_bytes(self.header.lineage).as_simple().to_string();
        if is_cut_short {
            let keyring = self.kms.hsm.keyring()?;
            let state = std::mem::take(&mut progress);
            let state = state.seal(&keyring, &self.header.lineage, &self.secret)?;
            return Ok(Verification { report, state: Some(state) });
        }
        if (records, set) != (self.header.records, Sum::from_bytes(&self.header.set)) {
            report.find(Finding::new(What::Records, &[], None));
        }
        self.find_missing(&mut report)?;
        report.complete = books == Sum::default() || self.find_differences(&mut report, watch)?;
        Ok(Verification { report, state: None })
    }

    /// What every store has.
    fn find_missing(&self, report: &mut Report) -> Result<()> {
        let all = [
            (places::PREAMBLE, What::Preamble),
            (places::ROOT, What::Root),
            (places::IDENTITY, What::Identity),
        ];
        for ((place, what), found) in all.iter().zip(self.get(&all.map(|(place, _)| place))?) {
            if found.is_none() {
                report.find(Finding::new(*what, place, None));
            }
        }
        let slots = slots::read(&*self.source().snapshot)?;
        if self.header.slots.is_some_and(|of_header| of_header != slots::digest(&slots)) {
            report.find(Finding::new(What::Slots, places::SLOTS, None));
        }
        Ok(())
    }

    /// Names what is on one side of the books only; false if it was interrupted.
    fn find_differences(&self, report: &mut Report, watch: &Watch<'_>) -> Result<bool> {
        let sorted = self.look(Books::sorted(), Vec::new(), watch)?;
        if sorted.is_cut_short {
            return Ok(false);
        }
        let named = self.look(sorted.books.named(), Vec::new(), watch)?;
        let mut told = BTreeSet::new();
        for about in named.books.differences() {
            if told.insert((about.what.as_str(), about.place.clone())) {
                report.find(Finding::new(about.what, &about.place, about.key));
            }
        }
        Ok(!named.is_cut_short)
    }

    /// One look at everything, by several threads.
    fn look(&self, books: Books, skipped: Vec<Stretch>, watch: &Watch<'_>) -> Result<Ended> {
        self.source().rewind(skipped.clone());
        let progress = Progress::starting_with(skipped);
        let blank = books.blank();
        let report = Report::default();
        let ended = Mutex::new(Ended { progress, books, report, is_cut_short: false });
        let failure = Mutex::new(None);
        let stop = AtomicBool::new(false);
        let work = || {
            let mut books = blank.blank();
            let done = self.work(&mut books, &ended, &stop, watch);
            let mut ended = ended.lock().unwrap_or_else(PoisonError::into_inner);
            ended.books.merge(books);
            if let Err(error) = done {
                stop.store(true, Ordering::Relaxed);
                *failure.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
            }
        };
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        std::thread::scope(|scope| {
            thread::with_signals_blocked(|| {
                for _ in 1..threads.min(MOST_THREADS) {
                    scope.spawn(work);
                }
            });
            work();
        });
        let mut ended = ended.into_inner().unwrap_or_else(PoisonError::into_inner);
        match failure.into_inner().unwrap_or_else(PoisonError::into_inner) {
            // Not a record: the database below it.
            Some(error) if error.is_damage() => {
                let place = self.source().position().to_vec();
                ended.report.find(Finding::new(What::File, &place, None));
                ended.is_cut_short = true;
            }
            Some(error) => return Err(error),
            None => {}
        }
        Ok(ended)
    }

    /// Looks at pieces until there are none left.
    fn work(
        &self,
        books: &mut Books,
        ended: &Mutex<Ended>,
        stop: &AtomicBool,
        watch: &Watch<'_>,
    ) -> Result<()> {
        while !stop.load(Ordering::Relaxed) {
            let Some(piece) = self.next()? else { break };
            // Who closes the store waits for a piece, not for the walk.
            self.kms.check()?;
            let keyring = self.kms.hsm.keyring()?;
            let mut page = Page::new(self, &keyring, books);
            page.look(&piece)?;
            let (tally, findings) = (page.tally, page.findings);
            let mut ended = ended.lock().unwrap_or_else(PoisonError::into_inner);
            ended.progress.finish(piece, tally, findings.is_empty());
            findings.into_iter().for_each(|finding| ended.report.find(finding));
            let done = ended.progress.tally.records;
            if !watch(done, self.header.records.max(done)) {
                ended.is_cut_short = true;
                stop.store(true, Ordering::Relaxed);
            }
        }
        Ok(())
    }

    fn next(&self) -> Result<Option<Piece>> {
        self.source().next()
    }
}
