//! Which operation takes which keys (API reference, chapter 4.1), and in which states (chapter 5).

use crate::error::{Error, ErrorCode, Result};
use crate::kms::KeyRecord;
use crate::model::{EncryptionAlgorithm, KeyState, KeyUsage, Origin, SigningAlgorithm};

/// What an operation asks of its key: one line of the table of states each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rule {
    /// Nothing: describing and listing.
    Always,
    /// Cryptography.
    Use(Purpose),
    /// Reading a public key.
    Publish,
    /// Changing what is written about a key.
    Annotate,
    /// Enabling and disabling.
    Switch,
    /// Import parameters, and destroying imported material.
    External,
    /// Importing material.
    Import,
}

/// What a key is used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Encrypting, decrypting and making data keys, with a symmetric key.
    Envelope,
    /// Signing and verifying.
    Signature(SigningAlgorithm),
    /// Encrypting with a public key, and decrypting that.
    PublicKeyEncryption(EncryptionAlgorithm),
}

impl Rule {
    /// Refuses the operation if it does not fit the key, and then if the key's state does not allow
    /// it.
    pub fn check(self, key: &KeyRecord) -> Result<()> {
        self.fits(key)?;
        self.allows(key.state)
    }

    fn fits(self, key: &KeyRecord) -> Result<()> {
        match self {
            Self::Use(purpose) => purpose.fits(key),
            Self::Publish if key.spec.is_symmetric() => {
                let detail = format!("Keys of spec {} are symmetric.", key.spec);
                Err(Error::new(ErrorCode::UnsupportedOperation).because(detail))
            }
            Self::External | Self::Import if key.origin != Origin::External => {
                Err(ErrorCode::UnsupportedOrigin.into())
            }
            _ => Ok(()),
        }
    }

    fn allows(self, state: KeyState) -> Result<()> {
        use ErrorCode as Code;
        use KeyState::{Disabled, Enabled, PendingDeletion, PendingImport};
        let refusal = match (self, state) {
            (Self::Always | Self::Publish | Self::External, _) | (_, Enabled) => return Ok(()),
            (Self::Use(_), Disabled) => Code::Disabled,
            (Self::Use(_) | Self::Annotate, PendingDeletion) => Code::PendingDeletion,
            (Self::Use(_), PendingImport) => Code::PendingImport,
            (Self::Annotate, Disabled | PendingImport) => return Ok(()),
            (Self::Switch, Disabled) => return Ok(()),
            (Self::Switch, PendingDeletion | PendingImport) => Code::StateModifiedFailed,
            (Self::Import, Disabled | PendingImport) => return Ok(()),
            (Self::Import, PendingDeletion) => Code::StateModifiedFailed,
        };
        Err(refusal.into())
    }
}

impl Purpose {
    fn fits(self, key: &KeyRecord) -> Result<()> {
        let (spec, is_symmetric) = (key.spec, key.spec.is_symmetric());
        let (usage, algorithm, fits) = match self {
            Self::Envelope if is_symmetric => return Ok(()),
            Self::Envelope => {
                let detail = format!("Keys of spec {spec} are asymmetric.");
                return Err(Error::new(ErrorCode::UnsupportedOperation).because(detail));
            }
            Self::Signature(algorithm) => {
                (KeyUsage::SignVerify, algorithm.as_str(), algorithm.fits(spec))
            }
            Self::PublicKeyEncryption(algorithm) => {
                (KeyUsage::EncryptDecrypt, algorithm.as_str(), algorithm.fits(spec))
            }
        };
        if is_symmetric || key.usage != usage {
            let detail = match is_symmetric {
                true => format!("Keys of spec {spec} are symmetric."),
                false => format!("This key is for {}.", key.usage),
            };
            return Err(Error::new(ErrorCode::RejectedUnsupportedOperation).because(detail));
        }
        if !fits {
            let detail = format!("{algorithm} is not for keys of spec {spec}.");
            return Err(Error::invalid("Algorithm", detail));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorCode as Code;
    use crate::kms::record::sample;
    use crate::model::KeySpec;
    use KeyState::{Disabled, Enabled, PendingDeletion, PendingImport};

    #[test]
    fn the_table_is_the_references() {
        let states = [Enabled, Disabled, PendingDeletion, PendingImport];
        let smf = Some(Code::StateModifiedFailed);
        let used =
            [None, Some(Code::Disabled), Some(Code::PendingDeletion), Some(Code::PendingImport)];
        for (rule, row) in [
            (Rule::Always, [None; 4]),
            (Rule::Publish, [None; 4]),
            (Rule::External, [None; 4]),
            (Rule::Use(Purpose::Envelope), used),
            (Rule::Use(Purpose::Signature(SigningAlgorithm::Sm2Dsa)), used),
            (Rule::Use(Purpose::PublicKeyEncryption(EncryptionAlgorithm::Sm2Pke)), used),
            (Rule::Annotate, [None, None, Some(Code::PendingDeletion), None]),
            (Rule::Switch, [None, None, smf, smf]),
            (Rule::Import, [None, None, smf, None]),
        ] {
            for (state, expected) in states.into_iter().zip(row) {
                assert_eq!(rule.allows(state).err().map(|error| error.code()), expected);
            }
        }
    }

    #[test]
    fn what_does_not_fit_comes_before_the_state() {
        use EncryptionAlgorithm::{OaepSha256, Sm2Pke};
        use KeyUsage::{EncryptDecrypt, SignVerify};
        use SigningAlgorithm::{EcdsaSha256, RsaPssSha256, Sm2Dsa};
        let (envelope, publish) = (Rule::Use(Purpose::Envelope), Rule::Publish);
        let sign = |algorithm| Rule::Use(Purpose::Signature(algorithm));
        let encrypt = |algorithm| Rule::Use(Purpose::PublicKeyEncryption(algorithm));
        let unsupported = Some(Code::UnsupportedOperation);
        let rejected = Some(Code::RejectedUnsupportedOperation);
        let invalid = Some(Code::InvalidParameter);
        for (spec, usage, rule, expected) in [
            (KeySpec::Aes256, EncryptDecrypt, envelope, None),
            (KeySpec::Aes256, EncryptDecrypt, sign(RsaPssSha256), rejected),
            (KeySpec::Sm4, EncryptDecrypt, encrypt(Sm2Pke), rejected),
            (KeySpec::Sm4, EncryptDecrypt, publish, unsupported),
            (KeySpec::Rsa2048, EncryptDecrypt, envelope, unsupported),
            (KeySpec::Rsa2048, EncryptDecrypt, sign(RsaPssSha256), rejected),
            (KeySpec::Rsa2048, EncryptDecrypt, encrypt(OaepSha256), None),
            (KeySpec::Rsa2048, EncryptDecrypt, encrypt(Sm2Pke), invalid),
            (KeySpec::Rsa4096, SignVerify, sign(RsaPssSha256), None),
            (KeySpec::Rsa4096, SignVerify, encrypt(OaepSha256), rejected),
            (KeySpec::EcP256, SignVerify, sign(EcdsaSha256), None),
            (KeySpec::EcP256k, SignVerify, sign(Sm2Dsa), invalid),
            (KeySpec::EcP256k, SignVerify, publish, None),
            (KeySpec::EcSm2, EncryptDecrypt, encrypt(Sm2Pke), None),
            (KeySpec::EcSm2, EncryptDecrypt, encrypt(OaepSha256), invalid),
            (KeySpec::EcSm2, SignVerify, sign(Sm2Dsa), None),
            (KeySpec::EcSm2, SignVerify, Rule::Import, Some(Code::UnsupportedOrigin)),
            (KeySpec::EcSm2, SignVerify, Rule::External, Some(Code::UnsupportedOrigin)),
        ] {
            let mut key = sample();
            (key.spec, key.usage, key.origin, key.state) = (spec, usage, Origin::Kms, Enabled);
            let code = |key: &KeyRecord| rule.check(key).err().map(|error| error.code());
            assert_eq!(code(&key), expected, "{spec} {rule:?}");
            key.state = Disabled;
            let disabled = (rule != publish).then_some(Code::Disabled);
            assert_eq!(code(&key), expected.or(disabled), "{spec} {rule:?}");
        }
    }
}
