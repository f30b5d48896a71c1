//! Which operation takes which keys (API reference, chapter 4.1), and in which states (chapter 5).

use crate::error::{Error, ErrorCode, Result};
use crate::kms::KeyRecord;
use crate::model::{EncryptionAlgorithm, KeyState, KeyUsage, Origin, SigningAlgorithm};

/// What an operation asks of its key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rule {
    /// Nothing: describing and listing.
    Always,
    /// Cryptography.
    Use(Purpose),
    /// Reading a public key.
    Publish,
    /// Changing what is written about a key: description, tags, protection, the target of an alias.
    Annotate,
    /// Enabling and disabling.
    Switch,
    /// Scheduling the deletion.
    Schedule,
    /// Calling the deletion off.
    Cancel,
    /// Giving a key an alias.
    Name,
    /// Making a version of a key pair.
    Version,
    /// Rotating a symmetric key automatically.
    Rotate,
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
        self.allows(key.state)?;
        self.fits_origin(key)
    }

    /// The table of states: the refusal in each, if any.
    #[rustfmt::skip]
    const fn refusal(self, state: KeyState) -> Option<ErrorCode> {
        const OK: Option<ErrorCode> = None;
        const D: Option<ErrorCode> = Some(ErrorCode::Disabled);
        const PD: Option<ErrorCode> = Some(ErrorCode::PendingDeletion);
        const PI: Option<ErrorCode> = Some(ErrorCode::PendingImport);
        const SMF: Option<ErrorCode> = Some(ErrorCode::StateModifiedFailed);
        let [enabled, disabled, pending_deletion, pending_import] = match self {
            Self::Always | Self::External                    => [OK,  OK,  OK,  OK],
            Self::Use(_) | Self::Version | Self::Rotate      => [OK,  D,   PD,  PI],
            Self::Publish                                    => [OK,  OK,  OK,  PI],
            Self::Annotate                                   => [OK,  OK,  PD,  OK],
            Self::Switch                                     => [OK,  OK,  SMF, SMF],
            Self::Schedule | Self::Name | Self::Import       => [OK,  OK,  SMF, OK],
            Self::Cancel                                     => [SMF, SMF, OK,  SMF],
        };
        match state {
            KeyState::Enabled => enabled,
            KeyState::Disabled => disabled,
            KeyState::PendingDeletion => pending_deletion,
            KeyState::PendingImport => pending_import,
        }
    }

    fn allows(self, state: KeyState) -> Result<()> {
        match self.refusal(state) {
            None => Ok(()),
            Some(ErrorCode::StateModifiedFailed) => {
                let detail = format!("The key state is {state}.");
                Err(Error::new(ErrorCode::StateModifiedFailed).because(detail))
            }
            Some(code) => Err(code.into()),
        }
    }

    fn fits(self, key: &KeyRecord) -> Result<()> {
        match self {
            Self::Use(purpose) => purpose.fits(key),
            Self::Publish if key.spec.is_symmetric() => {
                let detail = format!("Keys of spec {} are symmetric.", key.spec);
                Err(Error::new(ErrorCode::UnsupportedOperation).because(detail))
            }
            Self::Version if key.spec.is_symmetric() => {
                Err(rejected("Symmetric keys get new versions by automatic rotation."))
            }
            Self::Rotate if !key.spec.is_symmetric() => {
                Err(rejected("Asymmetric keys are not rotated automatically."))
            }
            Self::External | Self::Import if key.origin != Origin::External => {
                Err(ErrorCode::UnsupportedOrigin.into())
            }
            _ => Ok(()),
        }
    }

    /// The table of states has a line for keys that wait for their material, which only imported
    /// ones do: so their origin is looked at last.
    fn fits_origin(self, key: &KeyRecord) -> Result<()> {
        match (self, key.origin) {
            (Self::Version | Self::Rotate, Origin::External) => {
                Err(rejected("Keys of origin EXTERNAL have one version."))
            }
            _ => Ok(()),
        }
    }
}

fn rejected(detail: &'static str) -> Error {
    Error::new(ErrorCode::RejectedUnsupportedOperation).because(detail)
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
    use KeyState::{Disabled, Enabled, PendingImport};

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
            (KeySpec::EcSm2, SignVerify, Rule::Version, None),
            (KeySpec::EcSm2, SignVerify, Rule::Rotate, rejected),
            (KeySpec::Aes256, EncryptDecrypt, Rule::Version, rejected),
            (KeySpec::Aes256, EncryptDecrypt, Rule::Rotate, None),
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

    #[test]
    fn what_waits_for_material_says_so_before_its_origin() {
        let mut key = sample();
        let code = |key: &KeyRecord| Rule::Rotate.check(key).err().map(|error| error.code());
        key.state = PendingImport;
        assert_eq!(code(&key), Some(Code::PendingImport));
        key.state = Enabled;
        assert_eq!(code(&key), Some(Code::RejectedUnsupportedOperation));
    }
}
