//! The actions of the KMS API (2016-01-20), one file per chapter: the request, its answer, and what
//! it does. From the one declaration come JSON, the command line, its help and the Python methods.

mod aliases;
mod asymmetric;
mod bill;
mod clock;
mod codec;
mod crypt;
mod datakeys;
mod deletion;
mod events;
mod export;
#[cfg(test)]
mod failing;
mod filters;
mod import;
mod key_policy;
mod keys;
mod list;
mod message;
mod metadata;
mod operator;
mod params;
mod ram;
mod random;
#[cfg(test)]
mod recording;
mod reencrypt;
mod resources;
mod rotation;
mod service;
mod softhsm;
mod tags;
mod trail;
mod verification;
mod versions;
mod wrap;

use schemars::Schema;
use serde::Serialize;
use zeroize::Zeroizing;

use crate::error::{ErrorCode, Result};
use crate::kms::{Access, Action, Session};
use crate::model::Service;

pub use crate::hsm::{MAX_PLAINTEXT, MessageDigest, OVERHEAD, TOKEN_LEN};
#[doc(hidden)]
pub use crate::softhsm::probe as probe_softhsm;
pub use aliases::{
    AliasList, CreateAlias, DeleteAlias, ListAliases, ListAliasesByKeyId, UpdateAlias,
};
pub use asymmetric::{
    AsymmetricDecrypt, AsymmetricEncrypt, AsymmetricSign, AsymmetricVerify, GetPublicKey,
    PublicKeyDecrypted, PublicKeyEncrypted, PublishedKey, Signature, Verified,
};
pub use bill::{Bill, QueryBill};
pub use clock::AdvanceClock;
pub use codec::{Base64Bytes, Blob, Into, SecretText, error_json};
pub use crypt::{Decrypt, DecryptOf, Decrypted, Encrypt, Encrypted, check_plaintext};
pub use datakeys::{
    DataKey, DataKeySpec, GenerateDataKey, GenerateDataKeyWithoutPlaintext, MAX_DATA_KEY,
    WrappedDataKey, data_key_len,
};
pub use deletion::{CancelKeyDeletion, ScheduleKeyDeletion, SetDeletionProtection};
pub use events::{EventList, LookupEvents};
pub use export::{DataKeyForExport, ExportDataKey, ExportedDataKey, GenerateAndExportDataKey};
pub use import::{
    DeleteKeyMaterial, GetParametersForImport, ImportKeyMaterial, ParametersForImport,
};
pub use key_policy::{GetKeyPolicy, PolicyOfKey, SetKeyPolicy};
pub use keys::{CreateKey, DescribeKey, DisableKey, Done, EnableKey, UpdateKeyDescription};
pub use list::{KeyList, ListKeys, Paging};
pub use message::{DigestBegun, DigestMessage};
pub use metadata::{KeyAnswer, KeyMetadata};
pub use operator::{Operation, is_operation, operate, operate_alone, stands_alone};
pub use params::Params;
pub use ram::{
    AccessKeyList, AttachPolicyToUser, AttachedPolicies, CreateAccessKey, CreatePolicy,
    CreatePolicyVersion, CreateUser, DeleteAccessKey, DeletePolicy, DeletePolicyVersion,
    DeleteUser, DetachPolicyFromUser, EntitiesOfPolicy, GetPolicy, GetPolicyVersion, GetUser,
    ListAccessKeys, ListEntitiesForPolicy, ListPolicies, ListPoliciesForUser, ListPolicyVersions,
    ListUsers, NewAccessKey, PolicyAnswer, PolicyList, PolicyVersionAnswer, PolicyVersionList,
    PolicyWithText, SetDefaultPolicyVersion, SimulatePolicy, Simulated, UpdateAccessKey,
    UpdateUser, UserAnswer, UserList,
};
pub use random::{GenerateRandom, MAX_RANDOM, RandomBytes, random_len};
pub use reencrypt::{ReEncrypt, ReEncrypted};
pub use resources::{ListTagResources, TagResources, TagRows, UntagResources};
pub use rotation::UpdateRotationPolicy;
pub use service::{DescribeAccountKmsStatus, DescribeRegions, DescribeService, OpenKmsService};
pub use softhsm::{ImportSoftHsm, RefusedKey, SoftHsmReport, TakenKey, import_softhsm};
pub use tags::{ListResourceTags, TagList, TagResource, UntagResource};
pub use trail::{Exported, export_trail, verify_exported};
pub use verification::verify_trail;
pub use versions::{
    CreateKeyVersion, DescribeKeyVersion, ListKeyVersions, VersionAnswer, VersionList,
    VersionMetadata,
};
pub use wrap::{WRAPPING_OVERHEAD, wrap_key_material, wrap_key_material_into};

/// An action in the table of all actions.
pub struct Descriptor {
    /// The API's name.
    pub name: &'static str,
    /// The service it belongs to.
    pub service: Service,
    /// Its read/write class.
    pub access: Access,
    /// The JSON schema of its request: names, types and descriptions of its parameters.
    pub schema: fn() -> Schema,
    run: fn(&Session, Params) -> Result<Zeroizing<String>>,
}

/// Declares the table of actions.
macro_rules! actions {
    ($($action:ident),+ $(,)?) => {
        /// Every action, in alphabetical order.
        pub const ACTIONS: &[Descriptor] = &[$(Descriptor {
            name: $action::NAME,
            service: $action::SERVICE,
            access: $action::ACCESS,
            schema: || schemars::schema_for!($action),
            run: |session, params| {
                let refuse = |error| session.refuse_action::<$action>(error);
                let action: $action = params.read().map_err(refuse)?;
                text(&session.call(action)?)
            },
        },)+];
    };
}

actions! {
    AdvanceClock,
    AsymmetricDecrypt,
    AsymmetricEncrypt,
    AsymmetricSign,
    AsymmetricVerify,
    AttachPolicyToUser,
    CancelKeyDeletion,
    CreateAccessKey,
    CreateAlias,
    CreateKey,
    CreateKeyVersion,
    CreatePolicy,
    CreatePolicyVersion,
    CreateUser,
    Decrypt,
    DeleteAccessKey,
    DeleteAlias,
    DeleteKeyMaterial,
    DeletePolicy,
    DeletePolicyVersion,
    DeleteUser,
    DescribeAccountKmsStatus,
    DescribeKey,
    DescribeKeyVersion,
    DescribeRegions,
    DescribeService,
    DetachPolicyFromUser,
    DisableKey,
    EnableKey,
    Encrypt,
    ExportDataKey,
    GenerateAndExportDataKey,
    GenerateDataKey,
    GenerateDataKeyWithoutPlaintext,
    GenerateRandom,
    GetKeyPolicy,
    GetParametersForImport,
    GetPolicy,
    GetPolicyVersion,
    GetPublicKey,
    GetUser,
    ImportKeyMaterial,
    ListAccessKeys,
    ListAliases,
    ListAliasesByKeyId,
    ListEntitiesForPolicy,
    ListKeyVersions,
    ListKeys,
    ListPolicies,
    ListPoliciesForUser,
    ListPolicyVersions,
    ListResourceTags,
    ListTagResources,
    ListUsers,
    LookupEvents,
    OpenKmsService,
    QueryBill,
    ReEncrypt,
    ScheduleKeyDeletion,
    SetDefaultPolicyVersion,
    SetDeletionProtection,
    SetKeyPolicy,
    SimulatePolicy,
    TagResource,
    TagResources,
    UntagResource,
    UntagResources,
    UpdateAccessKey,
    UpdateAlias,
    UpdateKeyDescription,
    UpdateRotationPolicy,
    UpdateUser,
}

/// Does the action of that name and answers its JSON, `RequestId` included.
pub fn dispatch(session: &Session, action: &str, params: Params) -> Result<Zeroizing<String>> {
    (refuse_for(session, find(action))?.run)(session, params)
}

/// The same for parameters in JSON text; `None` stands for none.
pub fn dispatch_json(
    session: &Session,
    action: &str,
    json: Option<&str>,
) -> Result<Zeroizing<String>> {
    let descriptor = refuse_for(session, find(action))?;
    let params = json.map_or_else(|| Ok(Params::new()), Params::from_json);
    (descriptor.run)(session, refuse_for(session, params)?)
}

fn find(action: &str) -> Result<&'static Descriptor> {
    let found = ACTIONS.iter().find(|known| known.name == action);
    found.ok_or_else(|| ErrorCode::ActionNotFound.into())
}

/// A refusal before the door still is the answer to a request, and the module's own state comes
/// before any fault of the request.
fn refuse_for<T>(session: &Session, outcome: Result<T>) -> Result<T> {
    outcome.map_err(|error| session.refuse(error))
}

/// An answer as JSON.
fn text<T: Serialize>(reply: &T) -> Result<Zeroizing<String>> {
    // Room for any plaintext at once, six characters for each byte at worst (\u0001): growing would
    // leave copies behind.
    let mut text = Zeroizing::new(Vec::with_capacity(6 * MAX_PLAINTEXT + 1024));
    serde_json::to_writer(&mut *text, reply).map_err(|_| ErrorCode::Internal)?;
    let text = String::from_utf8(std::mem::take(&mut *text));
    text.map(Zeroizing::new).map_err(|_| ErrorCode::Internal.into())
}
