//! Access keys: what sessions of users are opened with.
#![forbid(unsafe_code)]

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::api::codec::SecretText;
use crate::api::keys::Done;
use crate::api::ram::subject;
use crate::error::{ErrorCode, Result};
use crate::hsm::AccessKey;
use crate::kms::{Access, AccessKeyEntry, Action, Door, Target};
use crate::model::{AccessKeyStatus, Service, Timestamp, UserName};

/// Makes an access key for a user, who has at most two. Its secret is answered now and never again.
#[derive(Debug, Default, Deserialize, JsonSchema, Serialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct CreateAccessKey {
    /// The user. Default: the one who calls.
    #[serde(default)]
    pub user_name: Option<UserName>,
}

/// The answer of CreateAccessKey.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct NewAccessKey {
    /// The access key.
    pub access_key: AccessKeyWithSecret,
}

/// An access key with its secret.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct AccessKeyWithSecret {
    /// Its id.
    pub access_key_id: String,
    /// Its secret; wiped when dropped.
    pub access_key_secret: SecretText,
    /// Whether it opens sessions.
    pub status: AccessKeyStatus,
    /// When it was created.
    pub create_date: Timestamp,
}

impl Action for CreateAccessKey {
    const NAME: &'static str = "CreateAccessKey";
    const ACCESS: Access = Access::Write;
    const SERVICE: Service = Service::Ram;
    type Answer = NewAccessKey;

    fn run(&mut self, door: &Door<'_>) -> Result<NewAccessKey> {
        let name = subject(door, &self.user_name)?;
        door.permit(Target::User(name.as_str()))?;
        let user = door.user(&name)?;
        // Held while there is a secret: closing waits for it.
        let _keyring = door.keyring()?;
        let (key, body) = door.with_room(|| {
            let key = AccessKey::generate(&user.account, &name, &user.id)?;
            let body = key.body()?;
            Ok((key, body))
        })?;
        let secret = key.reveal(SecretText::new)?;
        let create_date = door.change(|transaction| {
            let mut user = transaction.user(door.account(), &name)?;
            if user.id != key.user_id {
                return Err(ErrorCode::UserNotFound.into());
            }
            transaction.add_access_key(&mut user, &key.id, &body)?;
            Ok(transaction.now())
        })?;
        Ok(NewAccessKey {
            access_key: AccessKeyWithSecret {
                access_key_id: key.id,
                access_key_secret: secret,
                status: AccessKeyStatus::Active,
                create_date,
            },
        })
    }
}

/// Has an access key open sessions, or no more. Made Active, it also ends a lock-out of its user.
#[derive(Debug, Deserialize, JsonSchema, Serialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct UpdateAccessKey {
    /// The user. Default: the one who calls.
    #[serde(default)]
    pub user_name: Option<UserName>,
    /// The access key.
    pub user_access_key_id: String,
    /// Active or Inactive.
    pub status: AccessKeyStatus,
}

impl Action for UpdateAccessKey {
    const NAME: &'static str = "UpdateAccessKey";
    const ACCESS: Access = Access::Write;
    const SERVICE: Service = Service::Ram;
    type Answer = Done;

    fn run(&mut self, door: &Door<'_>) -> Result<Done> {
        let name = subject(door, &self.user_name)?;
        door.permit(Target::User(name.as_str()))?;
        door.change(|transaction| {
            let mut user = transaction.user(door.account(), &name)?;
            user.access_key(&self.user_access_key_id)?.status = self.status;
            if self.status == AccessKeyStatus::Active {
                user.unlock();
            }
            transaction.put_user(&user)?;
            Ok(Done {})
        })
    }
}

/// Deletes an access key: the sessions that it has opened can do nothing any more.
#[derive(Debug, Deserialize, JsonSchema, Serialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct DeleteAccessKey {
    /// The user. Default: the one who calls.
    #[serde(default)]
    pub user_name: Option<UserName>,
    /// The access key.
    pub user_access_key_id: String,
}

impl Action for DeleteAccessKey {
    const NAME: &'static str = "DeleteAccessKey";
    const ACCESS: Access = Access::Write;
    const SERVICE: Service = Service::Ram;
    type Answer = Done;

    fn run(&mut self, door: &Door<'_>) -> Result<Done> {
        let name = subject(door, &self.user_name)?;
        door.permit(Target::User(name.as_str()))?;
        door.change(|transaction| {
            let mut user = transaction.user(door.account(), &name)?;
            transaction.remove_access_key(&mut user, &self.user_access_key_id)?;
            Ok(Done {})
        })
    }
}

/// Lists the access keys of a user, oldest first, without their secrets.
#[derive(Debug, Default, Deserialize, JsonSchema, Serialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct ListAccessKeys {
    /// The user. Default: the one who calls.
    #[serde(default)]
    pub user_name: Option<UserName>,
}

/// The answer of ListAccessKeys.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct AccessKeyList {
    /// The access keys.
    pub access_keys: AccessKeysInside,
}

/// Lists nest two deep in the API.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct AccessKeysInside {
    /// The access keys.
    pub access_key: Vec<ListedAccessKey>,
}

/// An access key in a list.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct ListedAccessKey {
    /// Its id.
    pub access_key_id: String,
    /// Whether it opens sessions.
    pub status: AccessKeyStatus,
    /// When it was created.
    pub create_date: Timestamp,
}

impl Action for ListAccessKeys {
    const NAME: &'static str = "ListAccessKeys";
    const ACCESS: Access = Access::Read;
    const SERVICE: Service = Service::Ram;
    type Answer = AccessKeyList;

    fn run(&mut self, door: &Door<'_>) -> Result<AccessKeyList> {
        let name = subject(door, &self.user_name)?;
        door.permit(Target::User(name.as_str()))?;
        let listed = |AccessKeyEntry { id, status, created }| ListedAccessKey {
            access_key_id: id,
            status,
            create_date: created,
        };
        let access_key = door.user(&name)?.access_keys.into_iter().map(listed).collect();
        Ok(AccessKeyList { access_keys: AccessKeysInside { access_key } })
    }
}
