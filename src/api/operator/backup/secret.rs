//! What opens a backup, as parameters say it.

use serde::de::{self, Deserialize, Deserializer};
use serde_json::value::RawValue;
use zeroize::Zeroizing;

use crate::api::Base64Bytes;
use crate::api::params::unquoted;
use crate::error::{Error, Result};
use crate::kms::backup::Secret;
use crate::kms::{RecipientKey, Share};
use crate::model::JsonText;

/// A text, or a JSON list of texts. Wiped when dropped.
#[derive(Default)]
pub(super) struct Texts(Vec<Zeroizing<String>>);

impl Texts {
    pub(super) fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|text| text.as_str())
    }
}

impl<'de> Deserialize<'de> for Texts {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let JsonText(text) = JsonText::deserialize(deserializer)?;
        let text = Zeroizing::new(text);
        if !text.trim_start().starts_with('[') {
            return Ok(Self(vec![text]));
        }
        let texts: Option<Vec<&RawValue>> = serde_json::from_str(&text).ok();
        let texts = texts.and_then(|texts| texts.into_iter().map(unquoted).collect());
        texts.map(Self).ok_or_else(|| de::Error::custom("It must be a text or a list of texts."))
    }
}

/// At most one of what opens a backup.
pub(super) enum Secrets {
    None,
    Shares(Vec<Share>),
    PrivateKey(Box<RecipientKey>),
    BackupKey(Zeroizing<[u8; 32]>),
}

impl Secrets {
    pub(super) fn read(
        shares: &Texts,
        private_key: &Texts,
        backup_key: Option<&Base64Bytes<'_>>,
    ) -> Result<Self> {
        let mut given = Vec::new();
        if shares.iter().next().is_some() {
            given.push(Self::Shares(Share::parse_all(shares.iter())?));
        }
        for private_key in private_key.iter() {
            let key = RecipientKey::read(private_key.as_bytes());
            let key = key.map_err(|error| error.about("PrivateKey"))?;
            given.push(Self::PrivateKey(Box::new(key)));
        }
        given.extend(key32("BackupKey", backup_key)?.map(Self::BackupKey));
        match given.len() {
            0 | 1 => Ok(given.pop().unwrap_or(Self::None)),
            _ => Err(Error::invalid("Shares", "One secret opens a backup.")),
        }
    }

    pub(super) fn secret(&self) -> Option<Secret<'_>> {
        match self {
            Self::None => None,
            Self::Shares(shares) => Some(Secret::Shares(shares)),
            Self::PrivateKey(key) => Some(Secret::PrivateKey(key)),
            Self::BackupKey(key) => Some(Secret::BackupKey(key)),
        }
    }
}

/// A key of 32 bytes.
pub(super) fn key32(
    name: &'static str,
    given: Option<&Base64Bytes<'_>>,
) -> Result<Option<Zeroizing<[u8; 32]>>> {
    let read = |bytes: &Base64Bytes<'_>| {
        let key: Result<[u8; 32], _> = (*bytes.0).try_into();
        key.map(Zeroizing::new).map_err(|_| Error::invalid(name, "It must be 32 bytes."))
    };
    given.map(read).transpose()
}
