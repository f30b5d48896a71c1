//! The keys of a store: SRK, master key and domain keys (ARCHITECTURE.md, Formats: Keys of the store). All of them
//! live in the arena.

use std::sync::{Arc, RwLock};

use crate::crypto::{mac, xaes};
use crate::error::{Error, ErrorCode, Result};
use crate::hsm::arena::SecretBytes;
use crate::hsm::backup::copied;
use crate::hsm::domain::{DomainKeys, DomainTable, WrappedDomainKey};
use crate::hsm::unlock::{key32, room};
use crate::hsm::{Slot, Unlock, random};
use crate::octets::{Reader, Writer};
use crate::secret;

/// The keys of one open store.
pub struct Keyring {
    store: [u8; 16],
    root: RwLock<Roots>,
    master: SecretBytes,
    pub(super) header: SecretBytes,
    pub(super) set: SecretBytes,
    index: SecretBytes,
    pub(super) token: SecretBytes,
    pub(super) fingerprint: SecretBytes,
    pub(super) anchor: SecretBytes,
    pub(super) walk: SecretBytes,
    pub(super) domain: DomainKeys,
}

/// A root key, and how often one has been replaced before.
struct Root {
    number: u32,
    srk: SecretBytes,
}

/// The root key of the store, and the one that this process is about to put in its place.
struct Roots {
    present: Arc<Root>,
    next: Option<Arc<Root>>,
}

/// A root key that is to take the place of the present one.
pub struct NewRoot(Arc<Root>);

impl NewRoot {
    /// An unlock slot that leads to it.
    pub fn seal_slot(&self, unlock: &Unlock<'_>, store: &[u8; 16], number: u8) -> Result<Vec<u8>> {
        Slot::seal(unlock, store, number, &self.0.srk)
    }
}

impl Keyring {
    /// Fresh keys for a new store; its domain key comes with its header.
    pub fn generate(store: [u8; 16]) -> Result<Self> {
        Self::from_root(store, Root { number: 0, srk: random_secret()? }, random_secret()?)
    }

    /// The keys behind a root record that an unlock slot has opened; the domain keys come with the
    /// header.
    pub fn open(store: [u8; 16], srk: SecretBytes, root: &[u8]) -> Result<Self> {
        let (number, master) = open_root(&store, &srk, root)?;
        Self::from_root(store, Root { number, srk }, master)
    }

    /// The root record: `02 | number u32 | nonce (24) | M wrapped under SRK`, AAD
    /// `"kmshsm/v1/root" | store uuid | number u32`. Format 1 had none of the number, which is 0.
    pub fn seal_root(&self) -> Result<Vec<u8>> {
        self.seal_root_under(&*self.root()?)
    }

    fn seal_root_under(&self, root: &Root) -> Result<Vec<u8>> {
        let aad = root_aad(&self.store, root.number);
        let (nonce, wrapped) = wrap(&root.srk, &aad, &self.master)?;
        Ok(Writer::default().u8(2).u32(root.number).raw(&nonce).raw(&wrapped).finish())
    }

    fn root(&self) -> Result<Arc<Root>> {
        let roots = self.root.read().map_err(|_| ErrorCode::ErrorState)?;
        Ok(Arc::clone(&roots.present))
    }

    /// A root key for the place of the present one, which it takes with the first header that speaks of it.
    pub fn fresh_root(&self) -> Result<NewRoot> {
        let number = self.root()?.number.checked_add(1).ok_or(ErrorCode::Internal)?;
        let new = Arc::new(Root { number, srk: random_secret()? });
        self.root.write().map_err(|_| ErrorCode::ErrorState)?.next = Some(Arc::clone(&new));
        Ok(NewRoot(new))
    }

    /// The root record under a new root key.
    pub fn seal_new_root(&self, new: &NewRoot) -> Result<Vec<u8>> {
        self.seal_root_under(&new.0)
    }

    /// What a header says once the root key has been replaced: its number, and the domain keys under it.
    pub(super) fn rewrap(&self, table: &DomainTable, new: &NewRoot) -> Result<(u32, DomainTable)> {
        let table = table.rewrap(&self.store, &self.root()?.srk, &new.0.srk)?;
        Ok((new.0.number, table))
    }

    /// How often the root key has been replaced.
    pub(super) fn root_number(&self) -> Result<u32> {
        Ok(self.root()?.number)
    }

    /// A fresh domain key, for a header.
    pub(super) fn fresh_domain_key(&self, number: u32) -> Result<WrappedDomainKey> {
        WrappedDomainKey::fresh(&self.store, &self.root()?.srk, number)
    }

    /// Takes the domain keys of a header that has been committed. Those under another root key than this
    /// process has cannot be had.
    pub(super) fn learn(&self, root: u32, table: &DomainTable) -> Result<()> {
        let mut present = self.root()?;
        if present.number != root {
            let mut roots = self.root.write().map_err(|_| ErrorCode::ErrorState)?;
            match roots.next.take_if(|next| next.number == root) {
                Some(next) => roots.present = next,
                None => return Ok(()),
            }
            present = Arc::clone(&roots.present);
        }
        self.domain.learn(table, &self.store, &present.srk)
    }

    /// [`ErrorCode::StoreDamaged`] unless this is the root record of these keys.
    pub fn vouch_for_root(&self, root: &[u8]) -> Result<()> {
        let (number, found) = open_root(&self.store, &self.root()?.srk, root)?;
        let is_same =
            found.read(|found| self.master.read(|master| Ok(secret::eq(found, master))))?;
        match is_same && number == self.root_number()? {
            true => Ok(()),
            false => Err(ErrorCode::StoreDamaged.into()),
        }
    }

    /// An unlock slot for this store.
    pub fn seal_slot(&self, unlock: &Unlock<'_>, number: u8) -> Result<Vec<u8>> {
        Slot::seal(unlock, &self.store, number, &self.root()?.srk)
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

    /// The keys of the same store under another root key; its domain keys come with a header.
    pub(super) fn rerooted(&self, srk: SecretBytes) -> Result<Self> {
        Self::from_root(self.store, Root { number: 0, srk }, copied(&self.master)?)
    }

    /// Whether both are the keys of one store, or of backups of it.
    pub fn is_of_store_of(&self, other: &Self) -> Result<bool> {
        let is_same = self.master.read(|one| other.master.read(|two| Ok(secret::eq(one, two))))?;
        Ok(is_same && self.store == other.store)
    }

    fn from_root(store: [u8; 16], root: Root, master: SecretBytes) -> Result<Self> {
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
            domain: DomainKeys::default(),
            root: RwLock::new(Roots { present: Arc::new(root), next: None }),
            master,
        })
    }
}

pub(super) fn random_secret() -> Result<SecretBytes> {
    let mut key = room(32)?;
    key.write(crate::hsm::rng::fill)?;
    Ok(key)
}

/// The number of the root key that a root record is under, and the master key in it.
fn open_root(store: &[u8; 16], srk: &SecretBytes, root: &[u8]) -> Result<(u32, SecretBytes)> {
    let mut reader = Reader::new(root);
    let (aad, number) = match reader.u8()? {
        1 => (first_root_aad(store), 0),
        2 => {
            let number = reader.u32()?;
            (root_aad(store, number), number)
        }
        _ => return Err(ErrorCode::StoreTooNew.into()),
    };
    let nonce: [u8; 24] = reader.array()?;
    let wrapped: [u8; 48] = reader.array()?;
    reader.finish()?;
    Ok((number, unwrap(srk, &nonce, &aad, &wrapped)?))
}

fn first_root_aad(store: &[u8; 16]) -> Vec<u8> {
    Writer::default().raw(b"kmshsm/v1/root").raw(store).finish()
}

fn root_aad(store: &[u8; 16], number: u32) -> Vec<u8> {
    Writer::default().raw(b"kmshsm/v1/root").raw(store).u32(number).finish()
}

pub(super) fn wrap(
    under: &SecretBytes,
    aad: &[u8],
    key: &SecretBytes,
) -> Result<([u8; 24], [u8; 48])> {
    let nonce = random::<24>()?;
    let wrapped =
        under.read(|under| key.read(|key| xaes::seal(key32(under)?, &nonce, aad, key)))?;
    Ok((nonce, wrapped.try_into().map_err(|_| ErrorCode::Internal)?))
}

pub(super) fn unwrap(
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
