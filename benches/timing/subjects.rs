//! What is timed: the decoders alone, unwrapping at the boundary, and the API's own ImportKeyMaterial
//! and AsymmetricDecrypt.

use kmshsm::api::{
    AsymmetricDecrypt, CreateKey, DeleteKeyMaterial, GetParametersForImport, GetPublicKey,
    ImportKeyMaterial, Into, ListKeyVersions,
};
use kmshsm::constant_time::blocks::{self, Class};
use kmshsm::constant_time::unpadding::{self, BLOCK, MESSAGE, Pair};
use kmshsm::constant_time::{OaepHash, Padding};
use kmshsm::error::ErrorCode;
use kmshsm::kms::{Kms, Options, Session};
use kmshsm::model::{
    EncryptionAlgorithm, KeyId, KeyRef, KeySpec, KeyUsage, Origin, VersionRef, WrappingAlgorithm,
    WrappingKeySpec,
};
use rsa::hazmat::rsa_encrypt;
use rsa::pkcs8::DecodePublicKey;
use rsa::{BoxedUint, RsaPublicKey};

/// Something that takes padded messages.
pub trait Subject {
    fn name(&self) -> String;
    /// How many attempts there are in all.
    fn samples(&self) -> usize;
    /// How many there are between two calls of `begin`.
    fn batch(&self) -> usize;
    fn begin(&mut self) {}
    fn input(&mut self, class: Class) -> Vec<u8>;
    /// What is timed; answers whether it was taken.
    fn attempt(&mut self, input: &mut [u8]) -> bool;
    /// Whether input of this class is, in the end, taken.
    fn takes(&self, class: Class) -> bool {
        class == Class::WellFormed
    }
}

type Make = fn() -> Box<dyn Subject>;

pub const ALL: &[Make] = &[
    || Box::new(KnownLength(Padding::Pkcs1V15)),
    || Box::new(KnownLength(OAEP_SHA1)),
    || Box::new(KnownLength(OAEP_SHA256)),
    || Box::new(AnyLength(OaepHash::Sha1)),
    || Box::new(AnyLength(OaepHash::Sha256)),
    || Box::new(Boundary::new(Padding::Pkcs1V15)),
    || Box::new(Boundary::new(OAEP_SHA1)),
    || Box::new(Boundary::new(OAEP_SHA256)),
    || Box::new(Import::new(Padding::Pkcs1V15)),
    || Box::new(Import::new(OAEP_SHA1)),
    || Box::new(Import::new(OAEP_SHA256)),
    || Box::new(Decryption::new(OaepHash::Sha1)),
    || Box::new(Decryption::new(OaepHash::Sha256)),
];

const OAEP_SHA1: Padding = Padding::Oaep(OaepHash::Sha1);
const OAEP_SHA256: Padding = Padding::Oaep(OaepHash::Sha256);

fn wrapping_algorithm(padding: Padding) -> WrappingAlgorithm {
    match padding {
        Padding::Pkcs1V15 => WrappingAlgorithm::Pkcs1V15,
        OAEP_SHA1 => WrappingAlgorithm::OaepSha1,
        OAEP_SHA256 => WrappingAlgorithm::OaepSha256,
    }
}

/// A fresh block around a message of its own.
fn block(padding: Padding, class: Class) -> Vec<u8> {
    let message = std::array::from_fn::<u8, MESSAGE, _>(|_| crate::random() as u8 | 2);
    let mut block = vec![0; BLOCK];
    blocks::write(padding, class, &message, &mut block).unwrap();
    block
}

/// The block as a number, to the power of e.
fn encrypted(key: &RsaPublicKey, block: &[u8]) -> Vec<u8> {
    let number = BoxedUint::from_be_slice(block, 8 * BLOCK as u32).unwrap();
    rsa_encrypt(key, &number).unwrap().to_be_bytes().to_vec()
}

/// The decoder of messages of known length.
struct KnownLength(Padding);

impl Subject for KnownLength {
    fn name(&self) -> String {
        format!("decoder, {:?}, known length", self.0)
    }

    fn samples(&self) -> usize {
        240_000
    }

    fn batch(&self) -> usize {
        2_000
    }

    fn input(&mut self, class: Class) -> Vec<u8> {
        block(self.0, class)
    }

    fn attempt(&mut self, input: &mut [u8]) -> bool {
        unpadding::decode(self.0, input, &mut [0; MESSAGE]).is_ok()
    }
}

/// The decoder of messages of any length.
struct AnyLength(OaepHash);

impl Subject for AnyLength {
    fn name(&self) -> String {
        format!("decoder, {:?}, any length", Padding::Oaep(self.0))
    }

    fn samples(&self) -> usize {
        240_000
    }

    fn batch(&self) -> usize {
        2_000
    }

    fn input(&mut self, class: Class) -> Vec<u8> {
        block(Padding::Oaep(self.0), class)
    }

    fn attempt(&mut self, input: &mut [u8]) -> bool {
        unpadding::decode_any(self.0, input, &mut [0; BLOCK]).is_ok()
    }

    fn takes(&self, class: Class) -> bool {
        matches!(class, Class::WellFormed | Class::OtherLength)
    }
}

/// The raw private operation and the decoder, on a secret stack.
struct Boundary(Padding, Pair, RsaPublicKey);

impl Boundary {
    fn new(padding: Padding) -> Self {
        let pair = Pair::generate(wrapping_algorithm(padding)).unwrap();
        let public = RsaPublicKey::from_public_key_der(pair.public()).unwrap();
        Self(padding, pair, public)
    }
}

impl Subject for Boundary {
    fn name(&self) -> String {
        format!("boundary, unwrapping, {:?}", self.0)
    }

    fn samples(&self) -> usize {
        12_000
    }

    fn batch(&self) -> usize {
        1_000
    }

    fn input(&mut self, class: Class) -> Vec<u8> {
        encrypted(&self.2, &block(self.0, class))
    }

    fn attempt(&mut self, input: &mut [u8]) -> bool {
        self.1.unwrap(input)
    }
}

/// ImportKeyMaterial of a key that has had other material: all six classes are refused, with one
/// answer. Four attempts to a pair, since the fifth destroys it.
struct Import {
    padding: Padding,
    session: Session,
    key: KeyId,
    public: RsaPublicKey,
    token: Vec<u8>,
}

impl Import {
    /// With a key that has had material, and a pair.
    fn new(padding: Padding) -> Self {
        let session = session();
        let external = CreateKey { origin: Some(Origin::External), ..CreateKey::default() };
        let key = session.call(external).unwrap().answer.key_metadata.key_id;
        let (public, token) = parameters(&session, key, padding);
        let mut import = Self { padding, session, key, public, token };
        let input = import.input(Class::WellFormed);
        import.call(&input).unwrap();
        import.session.call(DeleteKeyMaterial { key_id: KeyRef::Id(key) }).unwrap();
        import
    }

    fn call(&self, wrapped: &[u8]) -> kmshsm::error::Result<()> {
        let request = ImportKeyMaterial {
            key_id: KeyRef::Id(self.key),
            encrypted_key_material: wrapped.into(),
            import_token: self.token.as_slice().into(),
            key_material_expire_unix: None,
        };
        self.session.call(request).map(drop)
    }
}

impl Subject for Import {
    fn name(&self) -> String {
        format!("ImportKeyMaterial, {:?}", self.padding)
    }

    fn samples(&self) -> usize {
        1_200
    }

    fn batch(&self) -> usize {
        4
    }

    fn begin(&mut self) {
        *self = Self::new(self.padding);
    }

    fn input(&mut self, class: Class) -> Vec<u8> {
        encrypted(&self.public, &block(self.padding, class))
    }

    fn attempt(&mut self, input: &mut [u8]) -> bool {
        let refused = self.call(input);
        assert_eq!(refused.unwrap_err().code(), ErrorCode::InvalidKeyMaterial);
        false
    }

    fn takes(&self, _: Class) -> bool {
        false
    }
}

/// AsymmetricDecrypt, as often as one likes.
struct Decryption {
    hash: OaepHash,
    session: Session,
    key: KeyId,
    version: VersionRef,
    public: RsaPublicKey,
}

impl Decryption {
    fn new(hash: OaepHash) -> Self {
        let session = session();
        let rsa = CreateKey {
            key_spec: Some(KeySpec::Rsa2048),
            key_usage: Some(KeyUsage::EncryptDecrypt),
            ..CreateKey::default()
        };
        let key = session.call(rsa).unwrap().answer.key_metadata.key_id;
        let versions =
            ListKeyVersions { key_id: KeyRef::Id(key), page_number: None, page_size: None };
        let versions = session.call(versions).unwrap().answer.key_versions.key_version;
        let version = VersionRef::Id(versions[0].key_version_id);
        let request =
            GetPublicKey { key_id: KeyRef::Id(key), key_version_id: version, into: Into::New };
        let answer = session.call(request).unwrap().answer.public_key;
        let pem = std::str::from_utf8(&answer).unwrap();
        let public = RsaPublicKey::from_public_key_pem(pem).unwrap();
        Self { hash, session, key, version, public }
    }
}

impl Subject for Decryption {
    fn name(&self) -> String {
        format!("AsymmetricDecrypt, {:?}", Padding::Oaep(self.hash))
    }

    fn samples(&self) -> usize {
        12_000
    }

    fn batch(&self) -> usize {
        1_000
    }

    fn input(&mut self, class: Class) -> Vec<u8> {
        encrypted(&self.public, &block(Padding::Oaep(self.hash), class))
    }

    fn attempt(&mut self, input: &mut [u8]) -> bool {
        let request = AsymmetricDecrypt {
            key_id: KeyRef::Id(self.key),
            key_version_id: self.version,
            algorithm: match self.hash {
                OaepHash::Sha1 => EncryptionAlgorithm::OaepSha1,
                OaepHash::Sha256 => EncryptionAlgorithm::OaepSha256,
            },
            ciphertext_blob: (&*input).into(),
            into: Into::New,
        };
        self.session.call(request).is_ok()
    }

    fn takes(&self, class: Class) -> bool {
        matches!(class, Class::WellFormed | Class::OtherLength)
    }
}

fn session() -> Session {
    let options = Options { allow_unprotected_memory: true, ..Options::default() };
    let kms = Kms::in_memory(options).unwrap();
    kms.session("111122223333", "cn-hongkong").unwrap()
}

fn parameters(session: &Session, key: KeyId, padding: Padding) -> (RsaPublicKey, Vec<u8>) {
    let request = GetParametersForImport {
        key_id: KeyRef::Id(key),
        wrapping_key_spec: WrappingKeySpec::Rsa2048,
        wrapping_algorithm: wrapping_algorithm(padding),
    };
    let answer = session.call(request).unwrap().answer;
    let public = RsaPublicKey::from_public_key_der(&answer.public_key).unwrap();
    (public, answer.import_token.to_vec())
}
