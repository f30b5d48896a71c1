//! Backups: made of an open store, restored into one key by key; verified, and restored as stores of their
//! own, without one.
#![forbid(unsafe_code)]

mod secret;
#[cfg(test)]
mod tests;

use std::path::Path;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

use crate::api::{Base64Bytes, SecretText};
use crate::audit::PublicKey;
use crate::error::{Error, Result};
use crate::kms::backup::{
    BackupRequest, Created, Manifest, Quorum, Restoration, Restored, VerifiedBackup, restore,
    verify_backup,
};
use crate::kms::{Kms, Recipient, Share, Unlock};
use crate::model::KeyId;

use super::{Operation, StandaloneOperation};
use secret::{Secrets, Texts};

/// Makes a backup of the store: [`Kms::create_backup`].
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct CreateBackup {
    /// Where: a file that is not there yet.
    path: String,
    /// Public keys in PEM, to each of which the backup key is encrypted.
    #[serde(default)]
    recipients: Texts,
    /// How many shares of the backup key there are to be, and how many of them are needed.
    #[serde(default)]
    shares: Option<u32>,
    #[serde(default)]
    threshold: Option<u32>,
    /// Public keys in PEM, one for each share, that shares are encrypted to instead of being answered.
    #[serde(default)]
    custodians: Texts,
    /// Whether keys of origin EXTERNAL go into it.
    #[serde(default)]
    include_imported: bool,
}

/// A backup that has been made.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct CreatedBackup {
    manifest: Manifest,
    /// The shares in words. They are nowhere else.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    shares: Vec<SecretText>,
    /// The shares in the order of the custodians.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    sealed_shares: Vec<SealedShare>,
}

/// A share, encrypted to its custodian: the first four letters of each word.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct SealedShare {
    /// SHA-256 of the custodian's SubjectPublicKeyInfo, in hexadecimal.
    custodian: String,
    /// What `openssl pkeyutl -decrypt` opens, in Base64.
    ciphertext: String,
}

impl Operation for CreateBackup {
    const NAME: &'static str = "CreateBackup";
    type Answer = CreatedBackup;

    fn run(self, kms: &Arc<Kms>) -> Result<CreatedBackup> {
        let recipients = recipients("Recipients", &self.recipients)?;
        let custodians = recipients_of_shares(&self)?;
        let shares = match (self.threshold, self.shares) {
            (None, None) => None,
            (threshold, count) => Some(Quorum {
                threshold: number("Threshold", threshold)?,
                count: number("Shares", count)?,
            }),
        };
        let request = BackupRequest {
            recipients: &recipients,
            shares,
            include_imported: self.include_imported,
        };
        let created = kms.create_backup(Path::new(&self.path), &request, &mut |_, _| {})?;
        let Created { manifest, shares } = created;
        match custodians.is_empty() {
            true => {
                let words = |share: &Share| SecretText::new(share.words()?.as_bytes());
                let shares = shares.iter().map(words).collect::<Result<_>>()?;
                Ok(CreatedBackup { manifest, shares, sealed_shares: Vec::new() })
            }
            false => {
                let sealed = shares
                    .iter()
                    .zip(&custodians)
                    .map(|(share, custodian)| sealed(share, custodian));
                let sealed_shares = sealed.collect::<Result<_>>()?;
                Ok(CreatedBackup { manifest, shares: Vec::new(), sealed_shares })
            }
        }
    }
}

fn recipients(name: &'static str, texts: &Texts) -> Result<Vec<Recipient>> {
    let read = |text: &str| Recipient::read(text.as_bytes()).map_err(|error| error.about(name));
    texts.iter().map(read).collect()
}

fn recipients_of_shares(asked: &CreateBackup) -> Result<Vec<Recipient>> {
    let custodians = recipients("Custodians", &asked.custodians)?;
    let count = asked.shares.unwrap_or(0) as usize;
    match custodians.len() == count || custodians.is_empty() {
        true => Ok(custodians),
        false => Err(Error::invalid("Custodians", "There must be one for each share.")),
    }
}

fn sealed(share: &Share, custodian: &Recipient) -> Result<SealedShare> {
    let ciphertext = STANDARD.encode(custodian.seal(share.brief()?.as_bytes())?);
    let print = custodian.fingerprint();
    Ok(SealedShare {
        custodian: print.iter().map(|byte| format!("{byte:02x}")).collect(),
        ciphertext,
    })
}

fn number(name: &'static str, given: Option<u32>) -> Result<u8> {
    let given = given.ok_or_else(|| Error::missing(name))?;
    u8::try_from(given).map_err(|_| Error::invalid(name, "It must be from 2 to 16."))
}

/// Restores keys of a backup into the store: [`Kms::restore_keys`].
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct RestoreKeys {
    /// The backup.
    path: String,
    /// The public key, in PEM, of the store that must have signed it.
    #[serde(default)]
    public_key: Option<String>,
    /// What opens it: shares in words,
    #[serde(default)]
    shares: Texts,
    /// or the private key of a recipient, PKCS #8 in PEM,
    #[serde(default)]
    private_key: Texts,
    /// or the backup key itself.
    #[serde(default)]
    backup_key: Option<Base64Bytes<'static>>,
    /// Which keys; without it all that the store does not have.
    #[serde(default)]
    key_ids: Texts,
}

impl Operation for RestoreKeys {
    const NAME: &'static str = "RestoreKeys";
    type Answer = Restored;

    fn run(self, kms: &Arc<Kms>) -> Result<Restored> {
        let wanted = self.key_ids.iter().map(|id| {
            KeyId::parse(id).ok_or_else(|| Error::invalid("KeyIds", "They must be ids of keys."))
        });
        let wanted: Vec<_> = wanted.collect::<Result<_>>()?;
        let public_key = public_key(self.public_key.as_deref())?;
        let secrets = Secrets::read(&self.shares, &self.private_key, self.backup_key.as_ref())?;
        let secret = secrets.secret().ok_or_else(|| Error::missing("Shares"))?;
        kms.restore_keys(
            Path::new(&self.path),
            public_key.as_ref(),
            &secret,
            &wanted,
            &mut |_, _| {},
        )
    }
}

/// Verifies a backup, without a store: [`verify_backup`].
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct VerifyBackup {
    /// The backup.
    path: String,
    /// The public key, in PEM, of the store that must have signed it.
    #[serde(default)]
    public_key: Option<String>,
    /// What opens it, as of [`RestoreKeys`]; without it nothing is opened.
    #[serde(default)]
    shares: Texts,
    #[serde(default)]
    private_key: Texts,
    #[serde(default)]
    backup_key: Option<Base64Bytes<'static>>,
}

impl StandaloneOperation for VerifyBackup {
    const NAME: &'static str = "VerifyBackup";
    type Answer = VerifiedBackup;

    fn run(self) -> Result<VerifiedBackup> {
        let public_key = public_key(self.public_key.as_deref())?;
        let secrets = Secrets::read(&self.shares, &self.private_key, self.backup_key.as_ref())?;
        let secret = secrets.secret();
        verify_backup(Path::new(&self.path), public_key.as_ref(), secret.as_ref(), &mut |_, _| {})
    }
}

/// Restores a backup as a store of its own: [`restore`].
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct RestoreStore {
    /// The backup.
    path: String,
    /// The directory of the new store.
    place: String,
    /// What opens the new store: a passphrase,
    #[serde(default)]
    passphrase: Option<SecretText>,
    /// or the 32 bytes of a key file.
    #[serde(default)]
    key_file: Option<Base64Bytes<'static>>,
    /// The public key, in PEM, of the store that must have signed the backup.
    #[serde(default)]
    public_key: Option<String>,
    /// What opens the backup, as of [`RestoreKeys`].
    #[serde(default)]
    shares: Texts,
    #[serde(default)]
    private_key: Texts,
    #[serde(default)]
    backup_key: Option<Base64Bytes<'static>>,
    /// A newer backup of the same store: keys that were destroyed by then stay so.
    #[serde(default)]
    newer: Option<String>,
    /// What opens that.
    #[serde(default)]
    newer_shares: Texts,
    #[serde(default)]
    newer_private_key: Texts,
    #[serde(default)]
    newer_backup_key: Option<Base64Bytes<'static>>,
}

impl StandaloneOperation for RestoreStore {
    const NAME: &'static str = "RestoreStore";
    type Answer = Restored;

    fn run(self) -> Result<Restored> {
        let public_key = public_key(self.public_key.as_deref())?;
        let secrets = Secrets::read(&self.shares, &self.private_key, self.backup_key.as_ref())?;
        let secret = secrets.secret().ok_or_else(|| Error::missing("Shares"))?;
        let newer_secrets = Secrets::read(
            &self.newer_shares,
            &self.newer_private_key,
            self.newer_backup_key.as_ref(),
        )?;
        let newer = match &self.newer {
            Some(path) => {
                let secret = newer_secrets.secret().ok_or_else(|| Error::missing("NewerShares"))?;
                Some((Path::new(path), secret))
            }
            None => None,
        };
        let key_file = secret::key32("KeyFile", self.key_file.as_ref())?;
        let unlock = match (&self.passphrase, &key_file) {
            (Some(passphrase), None) => Unlock::Passphrase(passphrase.as_bytes()),
            (None, Some(key)) => Unlock::KeyFile(key),
            (None, None) => return Err(Error::missing("Passphrase")),
            _ => return Err(Error::invalid("KeyFile", "One secret opens a new store.")),
        };
        let restoration = Restoration {
            backup: Path::new(&self.path),
            secret,
            public_key: public_key.as_ref(),
            place: Path::new(&self.place),
            unlock: &unlock,
            newer,
        };
        restore(&restoration, &mut |_, _| {})
    }
}

fn public_key(pem: Option<&str>) -> Result<Option<PublicKey>> {
    pem.map(PublicKey::from_pem).transpose()
}
