//! What a customer master key is made of (API reference, chapters 1.2, 5 and 7).

use std::fmt;
use std::hash::{Hash, Hasher};

use serde::{Serialize, Serializer};
use uuid::Uuid;

use super::words::words;

words! {
    /// The kind of a key.
    KeySpec {
        /// AES with 256 bits, GCM.
        Aes256 = 1, "Aliyun_AES_256";
        /// SM4 (128 bits), GCM. Level HSM in GM regions only.
        Sm4 = 2, "Aliyun_SM4";
        /// RSA with 2048 bits.
        Rsa2048 = 5, "RSA_2048";
        /// RSA with 3072 bits.
        Rsa3072 = 6, "RSA_3072";
        /// NIST P-256.
        EcP256 = 8, "EC_P256";
        /// secp256k1.
        EcP256k = 9, "EC_P256K";
        /// SM2 (GB/T 32918). Level HSM in GM regions only.
        EcSm2 = 10, "EC_SM2";
        /// AES with 128 bits, GCM; a later addition of the service.
        Aes128 = 3, "Aliyun_AES_128";
        /// AES with 192 bits, GCM; a later addition of the service.
        Aes192 = 4, "Aliyun_AES_192";
        /// RSA with 4096 bits; a later addition of the service.
        Rsa4096 = 7, "RSA_4096";
    }
}

impl KeySpec {
    /// Whether it is RSA of any length.
    pub const fn is_rsa(self) -> bool {
        self.modulus_bits().is_some()
    }

    /// The length of an RSA modulus in bits.
    pub const fn modulus_bits(self) -> Option<usize> {
        match self {
            Self::Rsa2048 => Some(2048),
            Self::Rsa3072 => Some(3072),
            Self::Rsa4096 => Some(4096),
            _ => None,
        }
    }

    /// Whether one secret both encrypts and decrypts.
    pub const fn is_symmetric(self) -> bool {
        matches!(self, Self::Aes256 | Self::Sm4 | Self::Aes128 | Self::Aes192)
    }

    /// The length of the material of a symmetric key in bytes.
    pub const fn material_len(self) -> Option<usize> {
        match self {
            Self::Aes256 => Some(32),
            Self::Aes192 => Some(24),
            Self::Sm4 | Self::Aes128 => Some(16),
            _ => None,
        }
    }

    /// What keys of the spec may be used for; the first is the default.
    pub const fn usages(self) -> &'static [KeyUsage] {
        match self {
            Self::Aes256 | Self::Sm4 | Self::Aes128 | Self::Aes192 => &[KeyUsage::EncryptDecrypt],
            Self::EcP256 | Self::EcP256k => &[KeyUsage::SignVerify],
            Self::Rsa2048 | Self::Rsa3072 | Self::Rsa4096 | Self::EcSm2 => {
                &[KeyUsage::SignVerify, KeyUsage::EncryptDecrypt]
            }
        }
    }
}

words! {
    /// What a key may be used for; fixed when it is created.
    KeyUsage {
        /// Encrypting and decrypting.
        EncryptDecrypt = 1, "ENCRYPT/DECRYPT";
        /// Signing and verifying.
        SignVerify = 2, "SIGN/VERIFY";
    }
}

words! {
    /// Where a key stands in its life.
    KeyState {
        /// In use.
        Enabled = 1, "Enabled";
        /// Out of use until it is enabled again.
        Disabled = 2, "Disabled";
        /// Destroyed at the end of a waiting period.
        PendingDeletion = 3, "PendingDeletion";
        /// Waits for its material to be imported.
        PendingImport = 4, "PendingImport";
    }
}

words! {
    /// Where the material of a key comes from.
    Origin {
        /// Made inside.
        Kms = 1, "Aliyun_KMS";
        /// Imported by the customer (BYOK).
        External = 2, "EXTERNAL";
    }
}

words! {
    /// How the material of a key is held.
    ProtectionLevel {
        /// Sealed in the store.
        Software = 1, "SOFTWARE";
        /// Sealed in the store, and in locked memory only when in use.
        Hsm = 2, "HSM";
    }
}

/// A UUID with a meaning, written in lower case with hyphens.
macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident)+) => {$(
        $(#[$doc])*
        // Aligned, so that it is copied as one word.
        #[derive(Clone, Copy, Debug, Eq, PartialOrd, Ord)]
        #[repr(align(16))]
        pub struct $name([u8; 16]);

        impl PartialEq for $name {
            #[inline]
            fn eq(&self, other: &Self) -> bool {
                is_same(&self.0, &other.0)
            }
        }

        impl Hash for $name {
            fn hash<H: Hasher>(&self, state: &mut H) {
                self.0.hash(state);
            }
        }

        impl $name {
            /// The identifier made of 128 random bits (a version 4 UUID).
            pub fn from_random(random: [u8; 16]) -> Self {
                Self(uuid::Builder::from_random_bytes(random).into_uuid().into_bytes())
            }

            /// The identifier with these bytes, in the order of RFC 4122.
            pub const fn from_bytes(bytes: [u8; 16]) -> Self {
                Self(bytes)
            }

            /// The identifier in its one spelling: lower case with hyphens.
            pub fn parse(text: &str) -> Option<Self> {
                Self::parse_bytes(text.as_bytes())
            }

            /// The same of what may be no text.
            #[inline]
            pub fn parse_bytes(text: &[u8]) -> Option<Self> {
                parse_uuid(text.try_into().ok()?).map(Self)
            }

            /// The bytes, in the order of RFC 4122.
            pub const fn as_bytes(&self) -> &[u8; 16] {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                Uuid::from_bytes(self.0).as_hyphenated().fmt(f)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
                let mut text = Uuid::encode_buffer();
                s.serialize_str(Uuid::from_bytes(self.0).as_hyphenated().encode_lower(&mut text))
            }
        }
    )+};
}

/// Whether they are equal, by halves: whole, one that has just been put together from halves would be
/// read before the processor can.
#[inline]
fn is_same(one: &[u8; 16], other: &[u8; 16]) -> bool {
    let halves = |id: &[u8; 16]| {
        let [a, b, c, d, e, f, g, h, rest @ ..] = *id;
        [u64::from_ne_bytes([a, b, c, d, e, f, g, h]), u64::from_ne_bytes(rest)]
    };
    let ([a, b], [c, d]) = (halves(one), halves(other));
    (a ^ c) | (b ^ d) == 0
}

/// Reads a UUID in lower case with hyphens. On the way of every call, so not left to a parser that
/// takes all spellings: eight digits at a time in one word. In line, so that it stays in registers.
#[inline(always)]
fn parse_uuid(text: &[u8; 36]) -> Option<[u8; 16]> {
    let [
        a0,
        a1,
        a2,
        a3,
        a4,
        a5,
        a6,
        a7,
        b'-',
        b0,
        b1,
        b2,
        b3,
        b'-',
        c0,
        c1,
        c2,
        c3,
        b'-',
        d0,
        d1,
        d2,
        d3,
        b'-',
        e @ ..,
    ] = *text
    else {
        return None;
    };
    let [e0, e1, e2, e3, rest @ ..] = e;
    let words = [
        parse_hex([a0, a1, a2, a3, a4, a5, a6, a7])?,
        parse_hex([b0, b1, b2, b3, c0, c1, c2, c3])?,
        parse_hex([d0, d1, d2, d3, e0, e1, e2, e3])?,
        parse_hex(rest)?,
    ];
    let [a, b, c, d] = words.map(u128::from);
    Some((a << 96 | b << 64 | c << 32 | d).to_be_bytes())
}

/// Eight digits 0-9 and a-f.
#[inline]
fn parse_hex(digits: [u8; 8]) -> Option<u32> {
    const ONES: u64 = 0x0101_0101_0101_0101;
    let text = u64::from_be_bytes(digits);
    // Letters have bit 6 set, and their low half is their value less 9.
    let values = (text & (ONES * 0xf)) + ((text >> 6) & ONES) * 9;
    // Whatever is no digit gives a value above 15 or is written otherwise.
    let is_letter = ((values + ONES * 6) >> 4) & ONES;
    if values & (ONES * 0xf0) != 0 || values + ONES * 0x30 + is_letter * 39 != text {
        return None;
    }
    let pairs = (values | values >> 4) & 0x00ff_00ff_00ff_00ff;
    let quads = (pairs | pairs >> 8) & 0x0000_ffff_0000_ffff;
    Some((quads | quads >> 16) as u32)
}

/// Hashes ids, which are random already, by their first bytes. Only for maps whose keys this library
/// has made: it does nothing against chosen ones.
#[derive(Clone, Copy, Debug, Default)]
pub struct IdHasher(u64);

impl Hasher for IdHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        if let Some(first) = bytes.first_chunk() {
            self.0 = u64::from_ne_bytes(*first);
        }
    }

    fn write_usize(&mut self, _: usize) {} // the length, always 16
}

/// A map from ids that this library has made.
pub type IdMap<K, V> = std::collections::HashMap<K, V, std::hash::BuildHasherDefault<IdHasher>>;

ids! {
    /// Names a customer master key.
    KeyId
    /// Names one version of a key; unique in the whole store, so that it alone finds the key.
    KeyVersionId
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_come_back_from_spelling_and_number() {
        for spec in KeySpec::ALL {
            assert_eq!(KeySpec::from_name(spec.as_str()), Some(*spec));
            assert_eq!(KeySpec::from_number(spec.number()), Ok(*spec));
        }
        assert!(KeySpec::from_number(0).is_err());
    }

    #[test]
    fn ids_have_one_spelling() {
        let text = "2ab1a983-7072-4bbc-a582-584b5bd8ecf3";
        assert_eq!(KeyId::parse(text).map(|id| id.to_string()).as_deref(), Some(text));
        assert_eq!(KeyId::parse(&text.to_uppercase()), None);
        assert_eq!(KeyId::parse(&text.replace('-', "")), None);
        for at in 0..text.len() {
            for byte in 0..=127u8 {
                let mut other = text.as_bytes().to_vec();
                other[at] = byte;
                let other = String::from_utf8(other).unwrap();
                let is_lower = !other.bytes().any(|byte| byte.is_ascii_uppercase());
                let known = Uuid::try_parse(&other).ok().filter(|_| is_lower);
                assert_eq!(
                    KeyId::parse(&other).map(|id| *id.as_bytes()),
                    known.map(Uuid::into_bytes)
                );
            }
        }
    }
}
