//! What is timed: the decoders alone, unwrapping at the boundary, and the API's own ImportKeyMaterial.

use std::sync::Arc;

use kmshsm::api::{CreateKey, DeleteKeyMaterial, GetParametersForImport, ImportKeyMaterial};
use kmshsm::constant_time::blocks::{self, Class, Scheme};
use kmshsm::constant_time::unpadding::{self, BLOCK, MESSAGE, Pair};
use kmshsm::error::ErrorCode;
use kmshsm::kms::{Kms, Options, Session};
use kmshsm::model::{KeyId, KeyRef, Origin, WrappingAlgorithm, WrappingKeySpec};
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
    /// Whether well-formed input is, in the end, taken.
    fn takes_well_formed(&self) -> bool {
        true
    }
}

type Make = fn() -> Box<dyn Subject>;

pub const ALL: &[Make] = &[
    || Box::new(Decoder(Scheme::Pkcs1V15)),
    || Box::new(Decoder(Scheme::OaepSha1)),
    || Box::new(Decoder(Scheme::OaepSha256)),
    || Box::new(Boundary::new(Scheme::Pkcs1V15)),
    || Box::new(Boundary::new(Scheme::OaepSha1)),
    || Box::new(Boundary::new(Scheme::OaepSha256)),
    || Box::new(Import::new(Scheme::Pkcs1V15)),
    || Box::new(Import::new(Scheme::OaepSha1)),
    || Box::new(Import::new(Scheme::OaepSha256)),
];

/// A fresh block around a message of its own.
fn block(scheme: Scheme, class: Class) -> Vec<u8> {
    let message = std::array::from_fn::<u8, MESSAGE, _>(|_| crate::random() as u8 | 2);
    let mut block = vec![0; BLOCK];
    blocks::write(scheme, class, &message, &mut block).unwrap();
    block
}

/// The block as a number, to the power of e.
fn encrypted(key: &RsaPublicKey, block: &[u8]) -> Vec<u8> {
    let number = BoxedUint::from_be_slice(block, 8 * BLOCK as u32).unwrap();
    rsa_encrypt(key, &number).unwrap().to_be_bytes().to_vec()
}

struct Decoder(Scheme);

impl Subject for Decoder {
    fn name(&self) -> String {
        format!("decoder, {:?}", self.0)
    }

    fn samples(&self) -> usize {
        600_000
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

/// The raw private operation and the decoder, on a secret stack.
struct Boundary(Scheme, Pair, RsaPublicKey);

impl Boundary {
    fn new(scheme: Scheme) -> Self {
        let pair = Pair::generate(scheme).unwrap();
        let public = RsaPublicKey::from_public_key_der(pair.public()).unwrap();
        Self(scheme, pair, public)
    }
}

impl Subject for Boundary {
    fn name(&self) -> String {
        format!("boundary, unwrapping, {:?}", self.0)
    }

    fn samples(&self) -> usize {
        40_000
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
    scheme: Scheme,
    session: Session,
    key: KeyId,
    public: RsaPublicKey,
    token: Vec<u8>,
    _kms: Arc<Kms>,
}

impl Import {
    fn new(scheme: Scheme) -> Self {
        let options = Options { allow_unprotected_memory: true, manual_clock: None };
        let kms = Kms::in_memory(options).unwrap();
        let session = kms.session("111122223333", "cn-hongkong").unwrap();
        let external = CreateKey { origin: Some(Origin::External), ..CreateKey::default() };
        let key = session.call(external).unwrap().answer.key_metadata.key_id;
        let (public, token) = parameters(&session, key, scheme);
        let mut import = Self { scheme, session, key, public, token, _kms: kms };
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
        format!("ImportKeyMaterial, {:?}", self.scheme)
    }

    fn samples(&self) -> usize {
        2_400
    }

    fn batch(&self) -> usize {
        4
    }

    fn begin(&mut self) {
        (self.public, self.token) = parameters(&self.session, self.key, self.scheme);
    }

    fn input(&mut self, class: Class) -> Vec<u8> {
        encrypted(&self.public, &block(self.scheme, class))
    }

    fn attempt(&mut self, input: &mut [u8]) -> bool {
        let refused = self.call(input);
        assert_eq!(refused.unwrap_err().code(), ErrorCode::InvalidKeyMaterial);
        false
    }

    fn takes_well_formed(&self) -> bool {
        false
    }
}

fn parameters(session: &Session, key: KeyId, scheme: Scheme) -> (RsaPublicKey, Vec<u8>) {
    let request = GetParametersForImport {
        key_id: KeyRef::Id(key),
        wrapping_key_spec: WrappingKeySpec::Rsa2048,
        wrapping_algorithm: match scheme {
            Scheme::Pkcs1V15 => WrappingAlgorithm::Pkcs1V15,
            Scheme::OaepSha1 => WrappingAlgorithm::OaepSha1,
            Scheme::OaepSha256 => WrappingAlgorithm::OaepSha256,
        },
    };
    let answer = session.call(request).unwrap().answer;
    let public = RsaPublicKey::from_public_key_der(&answer.public_key).unwrap();
    (public, answer.import_token.to_vec())
}
