//! The keys of a store: SRK, master key and domain keys (ARCHITECTURE.md, Formats: Keys of the store). All of them
//! live in the arena.

use std::sync::RwLock;

use crate::crypto::{mac, xaes};
use crate::error::{Error, ErrorCode, Result};
use crate::hsm::arena::SecretBytes;
use crate::hsm::unlock::{key32, room};
use crate::hsm::{Slot, Unlock, random};
use crate::octets::{Reader, Writer};

/// The keys of one open store.
pub struct Keyring {
    store: [u8; 16],
    srk: SecretBytes,
    master: SecretBytes,
    pub(super) header: SecretBytes,
    pub(super) set: SecretBytes,
    index: SecretBytes,
    pub(super) token: SecretBytes,
    pub(super) fingerprint: SecretBytes,
    pub(super) anchor: SecretBytes,
    pub(super) walk: SecretBytes,
    domain: RwLock<Vec<DomainKey>>,
}

/// A key that wraps the keys of records. One is active; older ones only open.
struct DomainKey {
    number: u32,
    key: SecretBytes,
    wrapped: WrappedDomainKey,
}

/// A domain key as the header carries it.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct WrappedDomainKey {
    pub(super) number: u32,
    pub(super) nonce: [u8; 24],
    pub(super) wrapped: [u8; 48],
}

impl Keyring {
    /// Fresh keys for a new store, with one domain key.
    pub fn generate(store: [u8; 16]) -> Result<Self> {
        let (srk, master) = (random_secret()?, random_secret()?);
        let keyring = Self::from_root(store, srk, master)?;
        keyring.add_domain_key(1)?;
        Ok(keyring)
    }

    /// The keys behind a root record that an unlock slot has opened; the domain keys come with the
    /// header.
    pub fn open(store: [u8; 16], srk: SecretBytes, root: &[u8]) -> Result<Self> {
        let master = unwrap_root(&store, &srk, root)?;
        Self::from_root(store, srk, master)
    }

    /// The root record: `01 | nonce (24) | M wrapped under SRK`, AAD
    /// `"kmshsm/v1/root" | store uuid`.
    pub fn seal_root(&self) -> Result<Vec<u8>> {
        let (nonce, wrapped) = wrap(&self.srk, &root_aad(&self.store), &self.master)?;
        Ok(Writer::default().u8(1).raw(&nonce).raw(&wrapped).finish())
    }

    /// [`ErrorCode::StoreDamaged`] unless this is the root record of these keys.
    pub fn vouch_for_root(&self, root: &[u8]) -> Result<()> {
        let same = unwrap_root(&self.store, &self.srk, root)?
            .read(|found| self.master.read(|master| Ok(crate::secret::eq(found, master))))?;
        if same { Ok(()) } else { Err(ErrorCode::StoreDamaged.into()) }
    }

    /// An unlock slot for this store.
    pub fn seal_slot(&self, unlock: &Unlock<'_>, number: u8) -> Result<Vec<u8>> {
        Slot::seal(unlock, &self.store, number, &self.srk)
    }

    /// The store's UUID, part of everything that is authenticated.
    pub const fn store(&self) -> &[u8; 16] {
        &self.store
    }

    /// A point key of the index: `HMAC(index key, fields)[0..16]`, each field as `lp()`.
    pub fn index(&self, fields: &[&[u8]]) -> Result<[u8; 16]> {
        let mut writer = Writer::default();
        for field in fields {
            writer.lp(field);
        }
        let message = writer.finish();
        let full = self.index.read(|key| Ok(mac::hmac_sha256(key, &[&message])))?;
        Reader::new(&full).array()
    }

    fn from_root(store: [u8; 16], srk: SecretBytes, master: SecretBytes) -> Result<Self> {
        let derive = |label: &[u8]| {
            let mut key = room(32)?;
            master.read(|master| {
                key.write(|key| {
                    let info: &[&[u8]] = &[b"kmshsm/v1/", label, &store];
                    mac::hkdf_expand_sha256(key32(master)?, info, key);
                    Ok(())
                })
            })?;
            Ok::<_, Error>(key)
        };
        Ok(Self {
            store,
            header: derive(b"header")?,
            set: derive(b"set")?,
            index: derive(b"index")?,
            token: derive(b"token")?,
            fingerprint: derive(b"fingerprint")?,
            anchor: derive(b"anchor")?,
            walk: derive(b"walk")?,
            domain: RwLock::default(),
            srk,
            master,
        })
    }

    fn add_domain_key(&self, number: u32) -> Result<()> {
        let key = random_secret()?;
        let (nonce, wrapped) = wrap(&self.srk, &domain_aad(&self.store, number), &key)?;
        let wrapped = WrappedDomainKey { number, nonce, wrapped };
        let mut domain = self.domain.write().map_err(|_| ErrorCode::ErrorState)?;
        domain.push(DomainKey { number, key, wrapped });
        Ok(())
    }

    /// Takes the domain keys of a header that this keyring does not have yet.
    pub(super) fn learn(&self, table: &[WrappedDomainKey]) -> Result<()> {
        let known = self.domain_table()?;
        // Unwrapped before the lock is taken: whoever reads under it is on a secret stack, for which
        // unwrapping may have to wait.
        let unknown = table.iter().filter(|key| known.iter().all(|old| old.number != key.number));
        let learned = unknown.map(|wrapped| {
            let aad = domain_aad(&self.store, wrapped.number);
            let key = unwrap(&self.srk, &wrapped.nonce, &aad, &wrapped.wrapped)?;
            Ok(DomainKey { number: wrapped.number, key, wrapped: wrapped.clone() })
        });
        let learned = learned.collect::<Result<Vec<_>>>()?;
        if learned.is_empty() {
            return Ok(());
        }
        let mut domain = self.domain.write().map_err(|_| ErrorCode::ErrorState)?;
        domain.extend(learned);
        domain.sort_by_key(|key| key.number);
        // Another thread may have learned the same.
        domain.dedup_by_key(|key| key.number);
        Ok(())
    }

    /// The domain keys as the header carries them, in the order of their numbers; the last is
    /// active.
    pub(super) fn domain_table(&self) -> Result<Vec<WrappedDomainKey>> {
        let domain = self.domain.read().map_err(|_| ErrorCode::ErrorState)?;
        Ok(domain.iter().map(|key| key.wrapped.clone()).collect())
    }

    /// Runs `f` with the active domain key and its number.
    pub(super) fn with_active<R>(&self, f: impl FnOnce(u32, &[u8; 32]) -> Result<R>) -> Result<R> {
        let domain = self.domain.read().map_err(|_| ErrorCode::ErrorState)?;
        let active = domain.last().ok_or(ErrorCode::StoreDamaged)?;
        active.key.read(|key| f(active.number, key32(key)?))
    }

    /// Runs `f` with the domain key of that number.
    pub(super) fn with_domain<R>(
        &self,
        number: u32,
        f: impl FnOnce(&[u8; 32]) -> Result<R>,
    ) -> Result<R> {
        let domain = self.domain.read().map_err(|_| ErrorCode::ErrorState)?;
        let key = domain.iter().find(|key| key.number == number).ok_or(ErrorCode::StoreDamaged)?;
        key.key.read(|key| f(key32(key)?))
    }
}

fn random_secret() -> Result<SecretBytes> {
    let mut key = room(32)?;
    key.write(crate::hsm::rng::fill)?;
    Ok(key)
}

/// The master key in a root record.
fn unwrap_root(store: &[u8; 16], srk: &SecretBytes, root: &[u8]) -> Result<SecretBytes> {
    let mut reader = Reader::new(root);
    if reader.u8()? != 1 {
        return Err(ErrorCode::StoreTooNew.into());
    }
    let nonce: [u8; 24] = reader.array()?;
    let wrapped: [u8; 48] = reader.array()?;
    reader.finish()?;
    unwrap(srk, &nonce, &root_aad(store), &wrapped)
}

fn root_aad(store: &[u8; 16]) -> Vec<u8> {
    Writer::default().raw(b"kmshsm/v1/root").raw(store).finish()
}

fn domain_aad(store: &[u8; 16], number: u32) -> Vec<u8> {
    Writer::default().raw(b"kmshsm/v1/domain").raw(store).u32(number).finish()
}

fn wrap(under: &SecretBytes, aad: &[u8], key: &SecretBytes) -> Result<([u8; 24], [u8; 48])> {
    let nonce = random::<24>()?;
    let wrapped =
        under.read(|under| key.read(|key| xaes::seal(key32(under)?, &nonce, aad, key)))?;
    Ok((nonce, wrapped.try_into().map_err(|_| ErrorCode::Internal)?))
}

fn unwrap(
    under: &SecretBytes,
    nonce: &[u8; 24],
    aad: &[u8],
    wrapped: &[u8],
) -> Result<SecretBytes> {
    let mut key = room(32)?;
    under
        .read(|under| key.write(|key| xaes::open(key32(under)?, nonce, aad, wrapped, key)))
        .map_err(|_| ErrorCode::StoreDamaged)?;
    Ok(key)
}
