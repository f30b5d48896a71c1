//! To whom secrets of the operator's are sealed: the public keys of custodians. What is sealed is the
//! plain ciphertext, so that others open it, too (`openssl pkeyutl -decrypt`).
#![forbid(unsafe_code)]

use der::pem;

use crate::crypto::digest::sha256;
use crate::crypto::ec::{self, Curve};
use crate::crypto::rsa::RsaPublicKey;
use crate::crypto::sm2::Sm2Ciphertext;
use crate::error::{Error, ErrorCode, Result};
use crate::hsm::arena::{SecretBytes, secluded_at_length};
use crate::hsm::material::{RawMaterial, imported};
use crate::hsm::pair::{Ciphertext, KeyPair, Permitted, PublicKey};
use crate::hsm::selftest;
use crate::hsm::unlock::room;
use crate::model::{EncryptionAlgorithm, KeySpec, Timestamp};
use crate::secret::Zeroizing;

/// The keys that may be a recipient's.
const SPECS: [KeySpec; 4] = [KeySpec::Rsa2048, KeySpec::Rsa3072, KeySpec::Rsa4096, KeySpec::EcSm2];

/// A public key to seal to: of RSA with 2048, 3072 or 4096 bits (RSAES-OAEP with SHA-256, RFC 8017, and
/// an empty label), or of SM2 (GB/T 32918.4, in DER as GM/T 0009 has it).
pub struct Recipient(PublicKey);

/// The private key that opens what was sealed to it. Its numbers lie where those of private keys do.
pub struct RecipientKey(KeyPair);

impl Recipient {
    /// Reads SubjectPublicKeyInfo (RFC 5280), in DER or PEM. Other things, and other keys, are
    /// [`ErrorCode::InvalidParameter`] (`Recipient`).
    pub fn read(given: &[u8]) -> Result<Self> {
        selftest::ready_for_pairs()?;
        let der = without_pem(given, "PUBLIC KEY", "Recipient")?;
        let key = RsaPublicKey::from_spki(&der)
            .map(PublicKey::Rsa)
            .or_else(|_| PublicKey::on_curve(Curve::Sm2, ec::point_from_spki(Curve::Sm2, &der)?));
        key.map(Self).map_err(|error| match error.code() {
            ErrorCode::InvalidKeyMaterial => Error::invalid(
                "Recipient",
                "It must be a public key of RSA (2048, 3072 or 4096 bits) or SM2.",
            ),
            _ => error,
        })
    }

    /// SHA-256 of the key as SubjectPublicKeyInfo: tells recipients apart.
    pub fn fingerprint(&self) -> [u8; 32] {
        sha256(&self.0.spki())
    }

    /// The bytes of the longest secret that can be sealed to it.
    pub fn max_secret(&self) -> Result<usize> {
        let spec = self.0.spec()?;
        Ok(*algorithm_for(spec).plaintext_len(spec).end())
    }

    /// Seals a secret of 1 byte to [`max_secret`](Self::max_secret), which is read on a secret stack.
    pub fn seal(&self, secret: &[u8]) -> Result<Vec<u8>> {
        let spec = self.0.spec()?;
        let algorithm = algorithm_for(spec);
        if secret.is_empty() || !algorithm.plaintext_len(spec).contains(&secret.len()) {
            return Err(ErrorCode::Internal.into());
        }
        let mut sealed = vec![0; EncryptionAlgorithm::ciphertext_len(spec, secret.len())];
        self.0.encrypt(algorithm, secret, &mut sealed)?;
        match self.0 {
            PublicKey::Sm2(..) => Sm2Ciphertext::parse(&sealed)?.to_der(),
            _ => Ok(sealed),
        }
    }
}

impl RecipientKey {
    /// Reads PKCS #8 (RFC 5208), in DER or PEM, that no passphrase protects, and tries the pair once.
    /// Other things, and other keys, are [`ErrorCode::InvalidParameter`] (`RecipientKey`).
    pub fn read(given: &[u8]) -> Result<Self> {
        selftest::ready_for_pairs()?;
        let der = without_pem(given, "PRIVATE KEY", "RecipientKey")?;
        for spec in SPECS {
            match secluded_at_length(|| imported(spec, &der)) {
                Ok(material) => {
                    let body = RawMaterial::unwrapped(material).version_body(Timestamp(0))?;
                    return KeyPair::new(spec, &body).map(Self);
                }
                Err(error) if error.code() == ErrorCode::InvalidKeyMaterial => {}
                Err(error) => return Err(error),
            }
        }
        let detail = "It must be a private key of RSA (2048, 3072 or 4096 bits) or SM2 in PKCS #8, \
            without a passphrase.";
        Err(Error::invalid("RecipientKey", detail))
    }

    /// [`Recipient::fingerprint`] of its public half.
    pub fn fingerprint(&self) -> [u8; 32] {
        sha256(&self.0.public().spki())
    }

    /// What was sealed to it; [`ErrorCode::InvalidCiphertext`] for what was not.
    pub fn open(&self, sealed: &[u8]) -> Result<SecretBytes> {
        let algorithm = algorithm_for(self.0.public().spec()?);
        let ciphertext = Ciphertext::parse(algorithm, sealed)?;
        let mut opened = room(ciphertext.max_plaintext())?;
        let pair = Permitted::new(&self.0, algorithm);
        let len = opened.write(|opened| pair.decrypt(&ciphertext, opened))?;
        let mut secret = room(len)?;
        opened.read(|opened| {
            secret.write(|secret| {
                secret.iter_mut().zip(opened).for_each(|(to, from)| *to = *from);
                Ok(())
            })
        })?;
        Ok(secret)
    }
}

/// How is sealed to a key of [`SPECS`].
const fn algorithm_for(spec: KeySpec) -> EncryptionAlgorithm {
    match spec {
        KeySpec::EcSm2 => EncryptionAlgorithm::Sm2Pke,
        _ => EncryptionAlgorithm::OaepSha256,
    }
}

/// The bytes inside of PEM (RFC 7468) with this label, or those that were given.
fn without_pem(given: &[u8], label: &str, parameter: &'static str) -> Result<Zeroizing<Vec<u8>>> {
    let text = given.trim_ascii();
    if !text.starts_with(b"-----BEGIN") {
        return Ok(Zeroizing::new(given.to_vec()));
    }
    let mut der = Zeroizing::new(vec![0; text.len()]);
    let len = match pem::decode(text, &mut der) {
        Ok((found, der)) if found == label => der.len(),
        _ => return Err(Error::invalid(parameter, format!("It must be PEM with {label}."))),
    };
    der.truncate(len);
    Ok(der)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;
    use std::process::Command;

    use super::*;
    use crate::hsm::shares::fresh_shares;

    /// The program, in a folder; what it fails with otherwise.
    fn openssl(folder: &Path, arguments: &str) {
        let command =
            Command::new("openssl").current_dir(folder).args(arguments.split(' ')).output();
        let output = command.expect("openssl starts");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }

    fn bytes(secret: &SecretBytes) -> Vec<u8> {
        secret.read(|secret| Ok(secret.to_vec())).unwrap()
    }

    fn refused<T>(outcome: Result<T>) -> ErrorCode {
        outcome.err().unwrap().code()
    }

    /// Seals here and there, opens there and here.
    fn with_openssl(made: &str, padding: &str) {
        let folder = tempfile::tempdir().unwrap();
        let file = |name: &str| fs::read(folder.path().join(name)).unwrap();
        openssl(folder.path(), &format!("genpkey -out private.pem {made}"));
        openssl(
            folder.path(),
            "pkcs8 -topk8 -nocrypt -in private.pem -outform DER -out private.der",
        );
        openssl(folder.path(), "pkey -in private.pem -pubout -out public.pem");
        openssl(folder.path(), "pkey -in private.pem -pubout -outform DER -out public.der");
        for half in ["private", "public"] {
            let amid_blanks = [b"\n ", &*file(&format!("{half}.pem")), b"\r\n\n "].concat();
            fs::write(folder.path().join(format!("{half}.blanks")), amid_blanks).unwrap();
        }
        let secret = fresh_shares(2, 2).unwrap()[0].brief().unwrap();
        for form in ["pem", "der", "blanks"] {
            let recipient = Recipient::read(&file(&format!("public.{form}"))).unwrap();
            let key = RecipientKey::read(&file(&format!("private.{form}"))).unwrap();
            assert_eq!(key.fingerprint(), recipient.fingerprint());
            let sealed = recipient.seal(secret.as_bytes()).unwrap();
            assert_eq!(bytes(&key.open(&sealed).unwrap()), secret.as_bytes());
            fs::write(folder.path().join("sealed"), &sealed).unwrap();
            fs::write(folder.path().join("given"), secret.as_bytes()).unwrap();
            openssl(
                folder.path(),
                &format!("pkeyutl -decrypt -inkey private.pem -in sealed -out opened{padding}"),
            );
            assert_eq!(file("opened"), secret.as_bytes());
            openssl(
                folder.path(),
                &format!(
                    "pkeyutl -encrypt -pubin -inkey public.pem -in given -out theirs{padding}"
                ),
            );
            assert_eq!(bytes(&key.open(&file("theirs")).unwrap()), secret.as_bytes());

            let mut damaged = sealed;
            *damaged.last_mut().unwrap() ^= 1;
            assert_eq!(refused(key.open(&damaged)), ErrorCode::InvalidCiphertext);
            assert_eq!(refused(key.open(&[])), ErrorCode::InvalidCiphertext);
            let longest = recipient.max_secret().unwrap();
            assert!(longest >= 190);
            assert_eq!(
                bytes(&key.open(&recipient.seal(&vec![7; longest]).unwrap()).unwrap()).len(),
                longest
            );
            assert_eq!(refused(recipient.seal(&vec![7; longest + 1])), ErrorCode::Internal);
            assert_eq!(refused(recipient.seal(&[])), ErrorCode::Internal);
        }
        for (name, other) in [("public", "private"), ("private", "public")] {
            for form in ["pem", "der"] {
                let file = file(&format!("{name}.{form}"));
                let is_other = match other {
                    "private" => refused(RecipientKey::read(&file)),
                    _ => refused(Recipient::read(&file)),
                };
                assert_eq!(is_other, ErrorCode::InvalidParameter);
            }
        }
    }

    const OAEP: &str = " -pkeyopt rsa_padding_mode:oaep -pkeyopt rsa_oaep_md:sha256 \
        -pkeyopt rsa_mgf1_md:sha256";

    #[test]
    fn rsa() {
        for bits in [2048, 3072, 4096] {
            with_openssl(&format!("-algorithm RSA -pkeyopt rsa_keygen_bits:{bits}"), OAEP);
        }
    }

    #[test]
    fn sm2() {
        with_openssl("-algorithm SM2", "");
    }

    #[test]
    fn others_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        for made in [
            "-algorithm RSA -pkeyopt rsa_keygen_bits:1024",
            "-algorithm ED25519",
            "-algorithm EC -pkeyopt ec_paramgen_curve:P-256",
        ] {
            openssl(folder.path(), &format!("genpkey -out private.pem {made}"));
            openssl(folder.path(), "pkey -in private.pem -pubout -out public.pem");
            let file = |name| fs::read(folder.path().join(name)).unwrap();
            assert_eq!(refused(Recipient::read(&file("public.pem"))), ErrorCode::InvalidParameter);
            let private = RecipientKey::read(&file("private.pem"));
            assert_eq!(refused(private), ErrorCode::InvalidParameter);
        }
        assert_eq!(refused(Recipient::read(b"")), ErrorCode::InvalidParameter);
        assert_eq!(refused(Recipient::read(b"-----BEGIN")), ErrorCode::InvalidParameter);
    }
}
