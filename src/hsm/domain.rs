//! Domain keys: they wrap the keys of records. One is active and seals; older ones only open, until all
//! that lies under them has been sealed anew (ARCHITECTURE.md, Formats: Keys of the store).

use std::sync::RwLock;

use crate::error::{ErrorCode, Result};
use crate::hsm::arena::SecretBytes;
use crate::hsm::keyring::{random_secret, unwrap, wrap};
use crate::hsm::unlock::key32;
use crate::octets::{Reader, Writer};

/// A domain key as the header carries it, under the root key.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct WrappedDomainKey {
    pub(super) number: u32,
    nonce: [u8; 24],
    wrapped: [u8; 48],
}

impl WrappedDomainKey {
    /// A fresh key under `srk`.
    pub(super) fn fresh(store: &[u8; 16], srk: &SecretBytes, number: u32) -> Result<Self> {
        Self::wrap(store, srk, number, &random_secret()?)
    }

    fn wrap(store: &[u8; 16], srk: &SecretBytes, number: u32, key: &SecretBytes) -> Result<Self> {
        let (nonce, wrapped) = wrap(srk, &aad(store, number), key)?;
        Ok(Self { number, nonce, wrapped })
    }

    fn unwrap(&self, store: &[u8; 16], srk: &SecretBytes) -> Result<DomainKey> {
        let key = unwrap(srk, &self.nonce, &aad(store, self.number), &self.wrapped)?;
        Ok(DomainKey { number: self.number, nonce: self.nonce, key })
    }
}

fn aad(store: &[u8; 16], number: u32) -> Vec<u8> {
    Writer::default().raw(b"kmshsm/v1/domain").raw(store).u32(number).finish()
}

/// The domain keys of a header, in the order of their numbers; the last one is active.
#[derive(Clone, PartialEq, Eq, Default)]
pub(super) struct DomainTable(Vec<WrappedDomainKey>);

impl DomainTable {
    /// The number of the active key; 0 if there is none yet.
    pub(super) fn active(&self) -> u32 {
        self.0.last().map_or(0, |key| key.number)
    }

    /// The number of the oldest key.
    pub(super) fn oldest(&self) -> u32 {
        self.0.first().map_or(0, |key| key.number)
    }

    /// A key with a number above all others.
    pub(super) fn push(&mut self, key: WrappedDomainKey) {
        self.0.push(key);
    }

    /// Leaves none but the active one. Answers how many have gone.
    pub(super) fn retire(&mut self) -> u64 {
        let (active, before) = (self.active(), self.0.len());
        self.0.retain(|key| key.number == active);
        before.saturating_sub(self.0.len()) as u64
    }

    /// The same keys under another root key.
    pub(super) fn rewrap(
        &self,
        store: &[u8; 16],
        from: &SecretBytes,
        to: &SecretBytes,
    ) -> Result<Self> {
        let keys = self.0.iter().map(|wrapped| {
            let DomainKey { number, key, .. } = wrapped.unwrap(store, from)?;
            WrappedDomainKey::wrap(store, to, number, &key)
        });
        keys.collect::<Result<_>>().map(Self)
    }

    /// `u32 n | n * (number u32 | nonce (24) | wrapped (48))`.
    pub(super) fn encode(&self, writer: &mut Writer) -> Result<()> {
        writer.u32(u32::try_from(self.0.len()).map_err(|_| ErrorCode::Internal)?);
        for key in &self.0 {
            writer.u32(key.number).raw(&key.nonce).raw(&key.wrapped);
        }
        Ok(())
    }

    pub(super) fn decode(reader: &mut Reader<'_>) -> Result<Self> {
        let mut keys = Vec::new();
        for _ in 0..reader.u32()? {
            let (number, nonce, wrapped) = (reader.u32()?, reader.array()?, reader.array()?);
            keys.push(WrappedDomainKey { number, nonce, wrapped });
        }
        match keys.is_sorted_by(|a: &WrappedDomainKey, b| a.number < b.number) {
            true => Ok(Self(keys)),
            false => Err(ErrorCode::StoreDamaged.into()),
        }
    }
}

/// A domain key, unwrapped. The nonce tells it from another of its number: one that was lost with a store
/// which has been put back.
struct DomainKey {
    number: u32,
    nonce: [u8; 24],
    key: SecretBytes,
}

/// The domain keys that a process has met, in the order of their numbers.
#[derive(Default)]
pub(super) struct DomainKeys(RwLock<Vec<DomainKey>>);

impl DomainKeys {
    /// Takes the keys of `table` that are not known yet, and lets go of those that have been retired.
    /// [`ErrorCode::StoreDamaged`] if they are under another root key.
    pub(super) fn learn(
        &self,
        table: &DomainTable,
        store: &[u8; 16],
        srk: &SecretBytes,
    ) -> Result<()> {
        let known: Vec<(u32, [u8; 24])> = {
            let known = self.0.read().map_err(|_| ErrorCode::ErrorState)?;
            known.iter().map(|key| (key.number, key.nonce)).collect()
        };
        let number = |key: Option<&(u32, [u8; 24])>| key.map_or(0, |(number, _)| *number);
        let (first, last) = (number(known.first()), number(known.last()));
        // Of a header that was read before another one, nothing is taken back; where the store has gone back,
        // its keys are needed again.
        let oldest = if table.active() >= last { table.oldest() } else { first };
        let is_new = |key: &&WrappedDomainKey| !known.contains(&(key.number, key.nonce));
        // Unwrapped before the lock is taken: whoever reads under it is on a secret stack, for which
        // unwrapping may have to wait.
        let new = table.0.iter().filter(is_new).map(|key| key.unwrap(store, srk));
        let new = new.collect::<Result<Vec<_>>>()?;
        if new.is_empty() && oldest == first {
            return Ok(());
        }
        let mut keys = self.0.write().map_err(|_| ErrorCode::ErrorState)?;
        // Another thread may have learned the same.
        keys.retain(|key| key.number >= oldest && new.iter().all(|new| new.number != key.number));
        keys.extend(new);
        keys.sort_by_key(|key| key.number);
        Ok(())
    }

    /// Runs `f` with the key of that number.
    pub(super) fn with<R>(&self, number: u32, f: impl FnOnce(&[u8; 32]) -> Result<R>) -> Result<R> {
        let keys = self.0.read().map_err(|_| ErrorCode::ErrorState)?;
        let key = keys.iter().find(|key| key.number == number).ok_or(ErrorCode::StoreDamaged)?;
        key.key.read(|key| f(key32(key)?))
    }
}
