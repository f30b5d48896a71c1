//! The calls on asymmetric keys: digests and signatures, public-key encryption, public keys.

use std::ptr;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::abi::*;
use crate::crypt::{BEHIND, altered};
use crate::memory::{Buffer, Text, check};
use crate::run::expect;
use crate::script::*;
use crate::world::*;

pub(crate) const SIGNING: &[&str] =
    &["ECDSA_SHA_256", "SM2DSA", "RSA_PSS_SHA_256", "RSA_PKCS1_SHA_256", "", "RSASSA"];
pub(crate) const ENCRYPTION: &[&str] =
    &["SM2PKE", "RSAES_OAEP_SHA_256", "RSAES_OAEP_SHA_1", "RSAES_PKCS1_V1_5"];

/// A key, its version, and the number of an algorithm.
pub(crate) struct Way<'a>(pub &'a Key, pub &'a Version, pub u8);

/// The texts of a way, in the order of the parameters.
pub struct Texts {
    /// The key.
    pub key: Text,
    /// The version.
    pub version: Text,
    /// The algorithm.
    pub algorithm: Text,
    /// The id of the key, if it is one that has been created.
    pub id: Option<String>,
    /// The number of the algorithm.
    pub number: usize,
}

impl World {
    /// Remembers a new key.
    pub(crate) fn created(&mut self, session: Handle, id: &str, is_pair: bool, space: Space) {
        let (_, answer) = call(session, "ListKeyVersions", &format!(r#"{{"KeyId":"{id}"}}"#));
        let version = answer.as_ref().map(|answer| &answer["KeyVersions"]["KeyVersion"][0]);
        let version = version.and_then(|version| version["KeyVersionId"].as_str());
        let version = version.unwrap_or_default().to_owned();
        if is_pair {
            let request = serde_json::json!({ "KeyId": id, "KeyVersionId": version });
            let (_, answer) = call(session, "GetPublicKey", &request.to_string());
            let answer = answer.expect("a public key");
            let pem = answer["PublicKey"].as_str().unwrap_or_default();
            let lines = pem.lines().filter(|line| !line.starts_with('-'));
            self.publics.push(STANDARD.decode(lines.collect::<String>()).expect("Base64"));
        }
        self.keys.push(Created { id: id.into(), version, space });
    }

    pub(crate) fn texts(&self, Way(key, version, algorithm): &Way<'_>, words: &[&str]) -> Texts {
        let created = match key {
            Key::Id(at) | Key::Arn(at, _) => around(&self.keys, *at),
            _ => None,
        };
        let version = match version {
            Version::Own => created.map_or(Text::NULL, |key| Text::new(&key.version)),
            Version::Of(at) => {
                around(&self.keys, *at).map_or(Text::NULL, |key| Text::new(&key.version))
            }
            Version::Text(text) => Text::new(text),
            Version::Null => Text::NULL,
        };
        let number = usize::from(*algorithm) % words.len();
        let id = created.map(|key| key.id.clone());
        Texts { key: self.key(key), version, algorithm: Text::new(words[number]), id, number }
    }

    fn digest_bytes(&self, digest: &Digest) -> Buffer {
        match digest {
            Digest::Proper(byte) => Buffer::input(&[*byte; DIGEST_LEN], BEHIND),
            Digest::Signed(at) => {
                Buffer::input(around(&self.signed, *at).map_or(&[], |made| &made.digest), BEHIND)
            }
            Digest::Other(input) => Buffer::from_script(input, BEHIND),
        }
    }

    pub(crate) fn signature(&self, how: &Ciphertext) -> Buffer {
        altered(how, |at| around(&self.signed, at).map(|made| made.signature.clone()))
    }

    pub(crate) fn sign(&mut self, pick: &Pick, way: &Way<'_>, digest: &Digest, out: &Output) {
        let (session, found) = self.session(pick);
        let texts = self.texts(way, SIGNING);
        let digest = self.digest_bytes(digest);
        let (out, status) = asked(out, Some(&digest), |memory, capacity, len| {
            // SAFETY: strings end with NUL or are NULL, buffers have their lengths.
            unsafe {
                kmshsm_sign(
                    session,
                    texts.key.as_ptr(),
                    texts.version.as_ptr(),
                    texts.algorithm.as_ptr(),
                    digest.as_ptr(),
                    digest.capacity,
                    memory,
                    capacity,
                    len,
                )
            }
        });
        expect(status, &found);
        check(&[&out], status, false);
        if status == OK {
            let (signature, digest) = (out.bytes(), digest.bytes());
            assert!(verifies(session, &texts, &digest, &signature), "a signature that is none");
            let key = texts.id.expect("a key that has not been created");
            self.signed.push(Signed { signature, digest, key, algorithm: texts.number });
        }
    }

    pub(crate) fn verify(
        &self,
        pick: &Pick,
        way: &Way<'_>,
        digest: &Digest,
        signature: &Ciphertext,
        is_there: bool,
    ) {
        let (session, found) = self.session(pick);
        let texts = self.texts(way, SIGNING);
        let (digest, signature) = (self.digest_bytes(digest), self.signature(signature));
        let mut is_valid = -1;
        let to = if is_there { &raw mut is_valid } else { ptr::null_mut() };
        // SAFETY: strings end with NUL or are NULL, buffers have their lengths, `to` is to a place for
        // one or NULL.
        let status = unsafe {
            kmshsm_verify(
                session,
                texts.key.as_ptr(),
                texts.version.as_ptr(),
                texts.algorithm.as_ptr(),
                digest.as_ptr(),
                digest.capacity,
                signature.as_ptr(),
                signature.capacity,
                to,
            )
        };
        expect(status, &found);
        assert_eq!(is_valid != -1, status == OK, "status {status}, {is_valid}");
        if status == OK {
            let (digest, signature) = (digest.bytes(), signature.bytes());
            let is_genuine = self.signed.iter().any(|made| {
                Some(&made.key) == texts.id.as_ref()
                    && (&made.digest, &made.signature) == (&digest, &signature)
                    && made.algorithm == texts.number
            });
            assert_eq!(is_valid == 1, is_genuine, "a signature and its digest");
        }
    }

    pub(crate) fn seal_for_key(
        &mut self,
        pick: &Pick,
        way: &Way<'_>,
        plaintext: &Input,
        out: &Output,
    ) {
        let (session, found) = self.session(pick);
        let texts = self.texts(way, ENCRYPTION);
        let plaintext = Buffer::from_script(plaintext, BEHIND);
        let (out, status) = asked(out, Some(&plaintext), |memory, capacity, len| {
            // SAFETY: strings end with NUL or are NULL, buffers have their lengths.
            unsafe {
                kmshsm_asymmetric_encrypt(
                    session,
                    texts.key.as_ptr(),
                    texts.version.as_ptr(),
                    texts.algorithm.as_ptr(),
                    plaintext.as_ptr(),
                    plaintext.capacity,
                    memory,
                    capacity,
                    len,
                )
            }
        });
        expect(status, &found);
        check(&[&out], status, true);
        if status == OK {
            let key = texts.id.expect("a key that has not been created");
            self.locked.push(Locked { blob: out.bytes(), plaintext: plaintext.bytes(), key });
        }
    }

    pub(crate) fn open_by_key(
        &self,
        pick: &Pick,
        way: &Way<'_>,
        ciphertext: &Ciphertext,
        out: &Output,
    ) {
        let (session, found) = self.session(pick);
        let texts = self.texts(way, ENCRYPTION);
        let ciphertext =
            altered(ciphertext, |at| around(&self.locked, at).map(|made| made.blob.clone()));
        let (out, status) = asked(out, Some(&ciphertext), |memory, capacity, len| {
            // SAFETY: strings end with NUL or are NULL, buffers have their lengths.
            unsafe {
                kmshsm_asymmetric_decrypt(
                    session,
                    texts.key.as_ptr(),
                    texts.version.as_ptr(),
                    texts.algorithm.as_ptr(),
                    ciphertext.as_ptr(),
                    ciphertext.capacity,
                    memory,
                    capacity,
                    len,
                )
            }
        });
        expect(status, &found);
        check(&[&out], status, false);
        if status == OK {
            let genuine = self.locked.iter().find(|made| made.blob == ciphertext.bytes());
            let genuine = genuine.expect("the library opened what it has not made");
            assert_eq!(Some(&genuine.key), texts.id.as_ref(), "opened by another key");
            assert!(genuine.plaintext == out.bytes(), "it opens to something else");
        }
    }

    pub(crate) fn public_key(&self, pick: &Pick, way: &Way<'_>, out: &Output) {
        let (session, found) = self.session(pick);
        let texts = self.texts(way, SIGNING);
        let (out, status) = asked(out, None, |memory, capacity, len| {
            // SAFETY: strings end with NUL or are NULL, the buffer has its length.
            unsafe {
                let (key, version) = (texts.key.as_ptr(), texts.version.as_ptr());
                kmshsm_public_key(session, key, version, memory, capacity, len)
            }
        });
        expect(status, &found);
        check(&[&out], status, true);
        if status == OK {
            assert!(out.bytes().starts_with(b"-----BEGIN PUBLIC KEY-----\n"));
            assert!(out.bytes().ends_with(b"-----END PUBLIC KEY-----\n"));
        }
    }
}

/// Asks for the size first, as C programs do, then makes the call with what the script has of it.
pub(crate) fn asked(
    out: &Output,
    beside: Option<&Buffer>,
    call: impl Fn(*mut u8, usize, *mut usize) -> Status,
) -> (Buffer, Status) {
    let mut needed = 0;
    let status = call(ptr::null_mut(), 0, &raw mut needed);
    judge(status);
    assert_eq!(needed > 0, status == BUFFER_TOO_SMALL, "a size with status {status}");
    let needed = if needed > 0 { needed } else { 72 };
    let out = Buffer::output(out, needed, beside, 0);
    let status = call(out.as_ptr(), out.capacity, out.len_ptr());
    (out, status)
}

/// Verifies in the plainest way.
pub(crate) fn verifies(session: Handle, texts: &Texts, digest: &[u8], signature: &[u8]) -> bool {
    let (digest, signature) = (Buffer::input(digest, 0), Buffer::input(signature, 0));
    let mut is_valid = -1;
    // SAFETY: strings end with NUL, buffers have their lengths, the last pointer is to a place for one.
    let status = unsafe {
        kmshsm_verify(
            session,
            texts.key.as_ptr(),
            texts.version.as_ptr(),
            texts.algorithm.as_ptr(),
            digest.as_ptr(),
            digest.capacity,
            signature.as_ptr(),
            signature.capacity,
            &raw mut is_valid,
        )
    };
    judge(status);
    status == OK && is_valid == 1
}
