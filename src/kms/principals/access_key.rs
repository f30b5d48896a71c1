//! The access keys of users. Whether one opens sessions is in its user's record; here are the secrets.
#![forbid(unsafe_code)]

use crate::error::{Error, ErrorCode, Result};
use crate::hsm::arena::SecretBytes;
use crate::hsm::{AccessKey, Place, RecordKind};
use crate::kms::principals::{AccessKeyEntry, UserRecord};
use crate::kms::stored::one;
use crate::kms::transaction::Body;
use crate::kms::{Kms, Transaction, places};
use crate::model::AccessKeyStatus;

/// How many access keys a user may have.
const MAX_ACCESS_KEYS: usize = 2;

impl Transaction<'_> {
    /// The access key of that id and its user, as this change leaves them so far;
    /// [`ErrorCode::AccessKeyNotFound`] unless the user still has it.
    pub(super) fn access_key(&self, id: &str) -> Result<(AccessKey, UserRecord)> {
        let (record_id, storage_key) = places::access_key(self.keyring(), id)?;
        let record = self.current(&storage_key)?.ok_or(ErrorCode::AccessKeyNotFound)?;
        let place = access_key_place(&record_id, &storage_key);
        let key = AccessKey::from_body(&self.keyring().open_secret(&place, &record)?)?;
        let user = self.user(&key.account, &key.user).map_err(|error| match error.code() {
            ErrorCode::UserNotFound => ErrorCode::AccessKeyNotFound.into(),
            _ => error,
        })?;
        let is_his = user.id == key.user_id && user.access_keys.iter().any(|own| own.id == id);
        if is_his { Ok((key, user)) } else { Err(ErrorCode::AccessKeyNotFound.into()) }
    }

    /// Gives `user` an access key, whose record's `body` has been made beforehand:
    /// [`ErrorCode::LimitExceeded`] if there are two.
    pub(crate) fn add_access_key(
        &mut self,
        user: &mut UserRecord,
        id: &str,
        body: &SecretBytes,
    ) -> Result<()> {
        if user.access_keys.len() >= MAX_ACCESS_KEYS {
            let detail = format!("A user has at most {MAX_ACCESS_KEYS} access keys.");
            return Err(Error::new(ErrorCode::LimitExceeded).because(detail));
        }
        let (record_id, storage_key) = places::access_key(self.keyring(), id)?;
        self.put(&access_key_place(&record_id, &storage_key), Body::Secret(body))?;
        let (status, created) = (AccessKeyStatus::Active, self.now());
        user.access_keys.push(AccessKeyEntry { id: id.to_owned(), status, created });
        self.put_user(user)
    }

    /// Takes an access key from `user`: [`ErrorCode::UserAccessKeyNotFound`] if he does not have it.
    pub(crate) fn remove_access_key(&mut self, user: &mut UserRecord, id: &str) -> Result<()> {
        user.access_key(id)?;
        user.access_keys.retain(|key| key.id != id);
        let (record_id, storage_key) = places::access_key(self.keyring(), id)?;
        self.remove(&access_key_place(&record_id, &storage_key))?;
        self.touch(storage_key);
        self.put_user(user)
    }
}

impl Kms {
    /// Whether there is a secret under this id.
    pub(super) fn has_access_key(&self, id: &str) -> Result<bool> {
        let (_, storage_key) = places::access_key(&*self.hsm.keyring()?, id)?;
        Ok(one(&*self.store, &storage_key)?.is_some())
    }
}

pub(in crate::kms) const fn access_key_place<'a>(
    id: &'a [u8; 16],
    storage_key: &'a [u8],
) -> Place<'a> {
    Place { kind: RecordKind::AccessKey, id, storage_key, immutables: &[] }
}
