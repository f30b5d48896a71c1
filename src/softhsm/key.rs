//! Keys of a token: which of them may be taken, as what, and their material.
#![forbid(unsafe_code)]

use super::attributes::Attributes;
use super::{Found, Object, numbers, sealing};
use crate::crypto::rsa::MAX_PKCS8;
use crate::error::{Error, ErrorCode, Result};
use crate::model::{KeySpec, KeyUsage};
use crate::secret::Zeroizing;

/// The most bytes that the material of a key takes.
pub const MAX_MATERIAL: usize = MAX_PKCS8;

/// Types of attributes (PKCS #11, 3.0).
const CLASS: u64 = 0x000;
const PRIVATE: u64 = 0x002;
const LABEL: u64 = 0x003;
const VALUE: u64 = 0x011;
const KEY_TYPE: u64 = 0x100;
const ID: u64 = 0x102;
const ENCRYPT: u64 = 0x104;
const DECRYPT: u64 = 0x105;
const SIGN: u64 = 0x108;
const MODULUS: u64 = 0x120;
/// n, e, d, p, q, d mod p - 1, d mod q - 1, 1/q mod p.
const RSA_NUMBERS: [u64; 8] = [MODULUS, 0x122, 0x123, 0x124, 0x125, 0x126, 0x127, 0x128];
const EXTRACTABLE: u64 = 0x162;
const EC_PARAMS: u64 = 0x180;

/// CKO_PRIVATE_KEY and CKO_SECRET_KEY.
const PRIVATE_KEY: u64 = 3;
const SECRET_KEY: u64 = 4;
/// CKK_RSA, CKK_EC and CKK_AES.
const RSA: u64 = 0x00;
const EC: u64 = 0x03;
const AES: u64 = 0x1f;

/// The longest number of a key and its padding, in bytes.
const NUMBER: usize = 512 + 16;

/// A key that may be taken.
pub struct Key<'a> {
    attributes: &'a Attributes,
    spec: KeySpec,
    usages: Vec<KeyUsage>,
    id: Vec<u8>,
}

/// The key in an object; None if that is something else, as a public half.
pub(super) fn found<'a>(object: &'a Object, token_key: &[u8; 32]) -> Option<Found<'a>> {
    let id = &*object.id;
    let Some(attributes) = &object.attributes else {
        let why = "Its file is damaged.".to_owned();
        return Some(Found { id, label: String::new(), key: Err(why) });
    };
    let sealed = Sealed { attributes, token_key };
    let class = attributes.number(CLASS)?;
    if ![PRIVATE_KEY, SECRET_KEY].contains(&class) {
        return None;
    }
    let label = sealed.public(LABEL).unwrap_or_default();
    let label = String::from_utf8_lossy(&label).into_owned();
    let key = sealed.spec(class).and_then(|spec| {
        Ok(Key {
            attributes,
            spec,
            usages: usages(attributes, spec)?,
            id: sealed.public(ID).unwrap_or_default(),
        })
    });
    Some(Found { id, label, key })
}

impl Key<'_> {
    /// What kind of key it is.
    pub const fn spec(&self) -> KeySpec {
        self.spec
    }

    /// What it may be used for here and was there; the first unless somebody chooses.
    pub fn usages(&self) -> &[KeyUsage] {
        &self.usages
    }

    /// CKA_ID; empty if it has none.
    pub fn id(&self) -> &[u8] {
        &self.id
    }

    /// Writes the material to the front of `out`, of [`MAX_MATERIAL`] bytes, and answers its length: of
    /// AES the key, of RSA PKCS #8, of a curve the number d in 32 bytes. Whether it is any good has not
    /// been tried. What cannot be read is [`ErrorCode::InvalidKeyMaterial`].
    pub fn material(&self, token_key: &[u8; 32], out: &mut [u8]) -> Result<usize> {
        let sealed = Sealed { attributes: self.attributes, token_key };
        let written = match self.spec {
            spec if spec.is_rsa() => sealed.rsa(out),
            spec if spec.is_symmetric() => sealed.value(out),
            _ => sealed.scalar(out),
        };
        written.ok_or_else(|| Error::new(ErrorCode::InvalidKeyMaterial))
    }
}

/// An object and the key that opens it.
struct Sealed<'a> {
    attributes: &'a Attributes,
    token_key: &'a [u8; 32],
}

impl Sealed<'_> {
    /// Opens the bytes of an attribute into the front of `out`, if they fit.
    fn open(&self, kind: u64, out: &mut [u8]) -> Option<usize> {
        let bytes = self.attributes.bytes(kind)?;
        if self.attributes.is(PRIVATE) && !bytes.is_empty() {
            return sealing::open(bytes, self.token_key, out);
        }
        out.get_mut(..bytes.len())?.copy_from_slice(bytes);
        Some(bytes.len())
    }

    /// The bytes of an attribute that is no secret.
    fn public(&self, kind: u64) -> Option<Vec<u8>> {
        let mut out = vec![0; self.attributes.bytes(kind)?.len()];
        let len = self.open(kind, &mut out)?;
        out.truncate(len);
        Some(out)
    }

    /// The spec of the key, or why it has none here.
    fn spec(&self, class: u64) -> Result<KeySpec, String> {
        if !self.attributes.is(EXTRACTABLE) {
            return Err("It is not extractable (CKA_EXTRACTABLE).".to_owned());
        }
        let damaged = || "It is damaged.".to_owned();
        match (class, self.attributes.number(KEY_TYPE).ok_or_else(damaged)?) {
            (SECRET_KEY, AES) => {
                let len = self.value(&mut *Zeroizing::new([0; NUMBER])).ok_or_else(damaged)?;
                let specs = [KeySpec::Aes128, KeySpec::Aes192, KeySpec::Aes256];
                let found = specs.into_iter().find(|spec| spec.material_len() == Some(len));
                found.ok_or_else(|| format!("Keys of AES do not have {len} bytes."))
            }
            (PRIVATE_KEY, RSA) => {
                let modulus = self.public(MODULUS).ok_or_else(damaged)?;
                let digits = modulus.iter().position(|byte| *byte != 0).unwrap_or(modulus.len());
                let first = modulus.get(digits).map_or(8, |byte| byte.leading_zeros() as usize);
                let bits = ((modulus.len() - digits) * 8).saturating_sub(first);
                let found = KeySpec::ALL.iter().find(|spec| spec.modulus_bits() == Some(bits));
                found.copied().ok_or_else(|| format!("No key spec is RSA of {bits} bits."))
            }
            (PRIVATE_KEY, EC) => match &*self.public(EC_PARAMS).ok_or_else(damaged)? {
                b"\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07" => Ok(KeySpec::EcP256),
                b"\x06\x05\x2b\x81\x04\x00\x0a" => Ok(KeySpec::EcP256k),
                _ => Err("It is on a curve that no key spec has.".to_owned()),
            },
            (_, kind) => Err(format!("No key spec is of its type (CKA_KEY_TYPE {kind}).")),
        }
    }

    fn value(&self, out: &mut [u8]) -> Option<usize> {
        self.open(VALUE, out)
    }

    /// d is as short as it can be, and sometimes longer.
    fn scalar(&self, out: &mut [u8]) -> Option<usize> {
        let mut value = Zeroizing::new([0; NUMBER]);
        let len = self.value(&mut *value)?;
        let digits = value.get(..len)?;
        let (zeros, digits) = digits.split_at(len.saturating_sub(32));
        let d = out.first_chunk_mut::<32>()?;
        d.fill(0);
        d.iter_mut().rev().zip(digits.iter().rev()).for_each(|(to, from)| *to = *from);
        zeros.iter().all(|byte| *byte == 0).then_some(d.len())
    }

    fn rsa(&self, out: &mut [u8]) -> Option<usize> {
        let mut opened = Zeroizing::new([[0; NUMBER]; RSA_NUMBERS.len()]);
        let mut numbers = [&[][..]; RSA_NUMBERS.len()];
        for ((kind, number), room) in RSA_NUMBERS.into_iter().zip(&mut numbers).zip(&mut *opened) {
            let len = self.open(kind, room)?;
            *number = room.get(..len)?;
        }
        numbers::pkcs8(&numbers, out).ok()
    }
}

/// What a key of the spec may be used for, as far as its owner had it so.
fn usages(attributes: &Attributes, spec: KeySpec) -> Result<Vec<KeyUsage>, String> {
    let was_so = |usage: &KeyUsage| match usage {
        KeyUsage::SignVerify => attributes.is(SIGN),
        KeyUsage::EncryptDecrypt => attributes.is(ENCRYPT) || attributes.is(DECRYPT),
    };
    let usages: Vec<_> = spec.usages().iter().copied().filter(was_so).collect();
    match usages.is_empty() {
        true => Err("It is not used to encrypt, decrypt or sign.".to_owned()),
        false => Ok(usages),
    }
}
