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
    srk: Arc<SecretBytes>,
}

/// The root key of the store, and the one that this process is about to put in its place.
struct Roots {
    present: Arc<Root>,
    next: Option<Arc<Root>>,
}

/// A root key that is to take the place of the present one.
pub struct NewRoot(Arc<SecretBytes>);

impl NewRoot {
    /// An unlock slot that leads to it.
    pub fn seal_slot(&self, unlock: &Unlock<'_>, store: &[u8; 16], number: u8) -> Result<Vec<u8>> {
        Slot::seal(unlock, store, number, &self.0)
    }
}

impl Keyring {
    /// Fresh keys for a new store; its domain key comes with its header.
    pub fn generate(store: [u8; 16]) -> Result<Self> {
        Self::from_root(store, 0, random_secret()?, random_secret()?)
    }

    /// The keys behind a root record that an unlock slot has opened; the domain keys come with the
    /// header.
    pub fn open(store: [u8; 16], srk: SecretBytes, root: &[u8]) -> Result<Self> {
        let (number, master) = open_root(&store, &srk, root)?;
        Self::from_root(store, number, srk, master)
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
    pub fn fresh_root() -> Result<NewRoot> {
        random_secret().map(|srk| NewRoot(Arc::new(srk)))
    }

    /// What is to be stored once the root key has been replaced: its number and the domain keys under it for
    /// the header, and the root record.
    pub(super) fn rewrap(
        &self,
        table: &DomainTable,
        new: &NewRoot,
    ) -> Result<(u32, DomainTable, Vec<u8>)> {
        let present = self.root()?;
        let number = present.number.checked_add(1).ok_or(ErrorCode::Internal)?;
        let next = Arc::new(Root { number, srk: Arc::clone(&new.0) });
        let table = table.rewrap(&self.store, &present.srk, &next.srk)?;
        let record = self.seal_root_under(&next)?;
        self.root.write().map_err(|_| ErrorCode::ErrorState)?.next = Some(next);
        Ok((number, table, record))
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
        let (present, next) = {
            let roots = self.root.read().map_err(|_| ErrorCode::ErrorState)?;
            (Arc::clone(&roots.present), roots.next.clone())
        };
        if present.number == root {
            return self.domain.learn(table, &self.store, &present.srk);
        }
        let Some(next) = next.filter(|next| next.number == root) else { return Ok(()) };
        match self.domain.learn(table, &self.store, &next.srk) {
            // Another process came first, with a root key of its own.
            Err(error) if error.is_damage() => return Ok(()),
            learned => learned?,
        }
        self.root.write().map_err(|_| ErrorCode::ErrorState)?.present = next;
        Ok(())
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

    /// The same keys, for whoever reads the store as it was: domain keys that are retired from now on stay in
    /// them. They come with a header.
    pub fn held(&self) -> Result<Self> {
        let root = self.root()?;
        Self::from_root(self.store, root.number, copied(&root.srk)?, copied(&self.master)?)
    }

    /// The keys of the same store under another root key; its domain keys come with a header.
    pub(super) fn rerooted(&self, srk: SecretBytes) -> Result<Self> {
        Self::from_root(self.store, 0, srk, copied(&self.master)?)
    }

    /// Whether both are the keys of one store, or of backups of it.
    pub fn is_of_store_of(&self, other: &Self) -> Result<bool> {
        let is_same = self.master.read(|one| other.master.read(|two| Ok(secret::eq(one, two))))?;
        Ok(is_same && self.store == other.store)
    }

    fn from_root(
        store: [u8; 16],
        number: u32,
        srk: SecretBytes,
        master: SecretBytes,
    ) -> Result<Self> {
        let root = Root { number, srk: Arc::new(srk) };
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hsm::Header;
    use crate::model::{IdentitySpec, Timestamp};

    /// Two processes replace the root key at once: who comes second does not take its own for the first's.
    #[test]
    fn who_replaces_the_root_key() {
        let one = Keyring::generate([1; 16]).unwrap();
        let srk = copied(&one.root().unwrap().srk).unwrap();
        let other = Keyring::open([1; 16], srk, &one.seal_root().unwrap()).unwrap();
        let now = Timestamp(0);
        let first = Header::new(&one, now, IdentitySpec::default(), [0; 32]).unwrap();
        let first = first.seal(&one).unwrap();
        let replaced = |keyring: &Keyring| {
            let mut header = Header::open(keyring, &first).unwrap();
            header.add_domain_key(keyring, now).unwrap();
            let root = header.replace_root(keyring, &Keyring::fresh_root().unwrap()).unwrap();
            (header.seal(keyring).unwrap(), root)
        };
        let (_never_written, _) = replaced(&other);
        let (header, root) = replaced(&one);
        assert!(!Header::open(&other, &header).unwrap().is_of_root(&other).unwrap());
        assert!(other.vouch_for_root(&root).is_err());
        assert!(Header::open(&one, &header).unwrap().is_of_root(&one).unwrap());
        one.vouch_for_root(&root).unwrap();
        // And once more, by a thread that had made its key before.
        let mut header = Header::open(&one, &header).unwrap();
        header.replace_root(&one, &Keyring::fresh_root().unwrap()).unwrap();
        let header = header.seal(&one).unwrap();
        assert!(Header::open(&one, &header).unwrap().is_of_root(&one).unwrap());
        assert_eq!(one.root_number(), Ok(2));
    }
}
