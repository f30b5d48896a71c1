//! Everything that can go wrong, once: a number that never changes, the API's code, its HTTP
//! status and its message.
//!
//! Numbers are ABI: the table is append-only, a retired number stays as a comment. The family is
//! `number / 100`, so a program may switch on either. Codes that the KMS API has are spelled as in
//! the API (2016-01-20); codes of this library alone are spelled `Store.*`, `Module.*` and `Abi.*`.

/// What went wrong, as a number that never changes (kmshsm_status in C).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u32)]
pub enum ErrorCode {
    /// A required parameter is absent.
    MissingParameter = 101,
    /// A parameter has a value that the operation does not take.
    InvalidParameter = 102,
    /// The request is not well-formed JSON, or not a JSON object.
    ParseRequestParameterException = 103,
    /// The operation does not fit the key (its kind or usage), or is not offered here.
    UnsupportedOperation = 104,
    /// The operation does not fit the key: asymmetric operations, versions and rotation.
    RejectedUnsupportedOperation = 105,
    /// The operation is not for a key of this origin.
    UnsupportedOrigin = 106,
    /// The operation takes a key id, not an alias.
    UnsupportedAlias = 107,
    /// The region does not offer the protection level.
    UnsupportedProtectionLevel = 108,
    /// A required pointer is NULL.
    NullArgument = 110,
    /// The output buffer is too small; the needed size has been written.
    BufferTooSmall = 111,
    /// The handle is none of this library's, or of another type.
    BadHandle = 112,
    /// The handle, or the store behind it, has been closed.
    Closed = 113,
    /// There is an alias of that name already.
    AliasExists = 114,
    /// A tag key is given more than once.
    DuplicateTagKey = 115,
    /// A tag key has a length or characters that tags do not take.
    InvalidTagKey = 116,
    /// A tag value has a length or characters that tags do not take.
    InvalidTagValue = 117,
    /// There is a user of that name already.
    UserExists = 118,
    /// There is a policy of that name already.
    PolicyExists = 119,
    /// Shares of a secret are damaged, of different sets or too few.
    InvalidShares = 120,

    /// The caller may not do this, or may not know whether it could be done.
    NoPermission = 201,
    /// The passphrase, key file or shares open no unlock slot of the store.
    UnlockFailed = 202,
    /// No such access key.
    AccessKeyNotFound = 203,
    /// The access key is inactive, or its user is locked out after failures.
    AccessKeyInactive = 204,
    /// The secret is not that of the access key.
    IncompleteSignature = 205,

    /// No such key in this account and region.
    KeyNotFound = 301,
    /// The key has no such version.
    KeyVersionNotFound = 302,
    /// No such alias in this account and region.
    AliasNotFound = 303,
    /// The API has no operation of that name.
    ActionNotFound = 304,
    /// There is no store at the given place.
    StoreNotFound = 305,
    /// No such resource in this account and region.
    ResourceNotFound = 306,
    /// No such user in this account.
    UserNotFound = 307,
    /// No such policy in this account.
    PolicyNotFound = 308,
    /// The user has no such access key.
    UserAccessKeyNotFound = 309,
    /// The key has no such policy.
    KeyPolicyNotFound = 310,
    /// The policy is not attached to the user.
    PolicyNotAttached = 311,

    /// The key's state does not allow the change.
    StateModifiedFailed = 401,
    /// The key is disabled.
    Disabled = 402,
    /// The key awaits its deletion.
    PendingDeletion = 403,
    /// The key awaits its material.
    PendingImport = 404,
    /// A quota is used up.
    LimitExceeded = 405,
    /// Too many calls in a second.
    Throttled = 406,
    /// The process has forked since the store was opened; the child must open it anew.
    Forked = 407,
    /// A self-test failed or the module caught a panic; only reopening recovers.
    ErrorState = 408,
    /// Memory of this process cannot be locked, and keys at level HSM demand it.
    MemoryProtection = 409,
    /// The locked memory for keys is used up by keys in use at this moment.
    MemoryExhausted = 410,
    /// The policy is attached to the user already.
    PolicyAttached = 411,
    /// The user still has access keys.
    UserHasAccessKey = 412,
    /// The user still has policies.
    UserHasPolicy = 413,
    /// The policy is still attached to users.
    PolicyHasUser = 414,
    /// The service has been opened already.
    ServiceOpened = 415,

    /// The imported material is not what the key takes.
    InvalidKeyMaterial = 501,
    /// The import token is none of this key's, or its key pair has been destroyed.
    InvalidImportToken = 502,
    /// The import token's 24 hours are over.
    ExpiredImportToken = 503,
    /// The ciphertext does not open: damaged, of another key, or with another context.
    InvalidCiphertext = 504,

    /// Reading or writing the store failed.
    StoreFailed = 601,
    /// The file is not a kmshsm store.
    NotAStore = 602,
    /// The store was written by a newer version of this library.
    StoreTooNew = 603,
    /// The store has been cut short, changed from outside or mixed with another.
    StoreDamaged = 604,
    /// The store has become read-only after a write error; reopening recovers.
    Degraded = 605,
    /// Another copy of this library in this process holds the store.
    StoreInUse = 606,
    /// There is a store already.
    StoreExists = 607,
    /// The file system cannot keep the store safely.
    UnsupportedFilesystem = 608,
    /// Others kept changing the same records; nothing was written.
    Conflict = 609,
    /// The audit trail has been cut short, changed or reordered.
    TrailDamaged = 610,
    /// The store has gone back behind a state that is known to have been reached.
    StoreSuspect = 611,
    /// The store is on media that cannot be written to.
    StoreReadOnly = 612,
    /// The root key has been replaced since the store was opened.
    StoreRekeyed = 613,
    /// The backup has been cut short or changed.
    BackupDamaged = 614,
    /// This is no backup of a store.
    NotABackup = 615,
    /// A token of another module cannot be read.
    TokenFailed = 616,

    /// A defect of this library.
    Internal = 901,
}

/// One line of the table: HTTP status, code on the wire, message.
struct Row(u16, &'static str, &'static str);

impl ErrorCode {
    /// Every code, in the order of the numbers.
    pub const ALL: &'static [Self] = &[
        Self::MissingParameter,
        Self::InvalidParameter,
        Self::ParseRequestParameterException,
        Self::UnsupportedOperation,
        Self::RejectedUnsupportedOperation,
        Self::UnsupportedOrigin,
        Self::UnsupportedAlias,
        Self::UnsupportedProtectionLevel,
        Self::NullArgument,
        Self::BufferTooSmall,
        Self::BadHandle,
        Self::Closed,
        Self::AliasExists,
        Self::DuplicateTagKey,
        Self::InvalidTagKey,
        Self::InvalidTagValue,
        Self::UserExists,
        Self::PolicyExists,
        Self::InvalidShares,
        Self::NoPermission,
        Self::UnlockFailed,
        Self::AccessKeyNotFound,
        Self::AccessKeyInactive,
        Self::IncompleteSignature,
        Self::KeyNotFound,
        Self::KeyVersionNotFound,
        Self::AliasNotFound,
        Self::ActionNotFound,
        Self::StoreNotFound,
        Self::ResourceNotFound,
        Self::UserNotFound,
        Self::PolicyNotFound,
        Self::UserAccessKeyNotFound,
        Self::KeyPolicyNotFound,
        Self::PolicyNotAttached,
        Self::StateModifiedFailed,
        Self::Disabled,
        Self::PendingDeletion,
        Self::PendingImport,
        Self::LimitExceeded,
        Self::Throttled,
        Self::Forked,
        Self::ErrorState,
        Self::MemoryProtection,
        Self::MemoryExhausted,
        Self::PolicyAttached,
        Self::UserHasAccessKey,
        Self::UserHasPolicy,
        Self::PolicyHasUser,
        Self::ServiceOpened,
        Self::InvalidKeyMaterial,
        Self::InvalidImportToken,
        Self::ExpiredImportToken,
        Self::InvalidCiphertext,
        Self::StoreFailed,
        Self::NotAStore,
        Self::StoreTooNew,
        Self::StoreDamaged,
        Self::Degraded,
        Self::StoreInUse,
        Self::StoreExists,
        Self::UnsupportedFilesystem,
        Self::Conflict,
        Self::TrailDamaged,
        Self::StoreSuspect,
        Self::StoreReadOnly,
        Self::StoreRekeyed,
        Self::BackupDamaged,
        Self::NotABackup,
        Self::TokenFailed,
        Self::Internal,
    ];

    /// The number: `family * 100 + n`.
    pub const fn number(self) -> u32 {
        self as u32
    }

    /// The code of that number.
    pub fn from_number(number: u32) -> Option<Self> {
        Self::ALL.iter().copied().find(|code| code.number() == number)
    }

    /// The HTTP status that goes with the code.
    pub const fn http_status(self) -> u16 {
        self.row().0
    }

    /// The code as the API spells it, such as `Rejected.Disabled`.
    pub const fn wire_code(self) -> &'static str {
        self.row().1
    }

    /// The message; `{}` stands for what it is about.
    pub(super) const fn message(self) -> &'static str {
        self.row().2
    }

    #[rustfmt::skip]
    const fn row(self) -> Row {
        match self {
            Self::MissingParameter => Row(400, "MissingParameter", "The parameter \"{}\" is needed but not provided."),
            Self::InvalidParameter => Row(400, "InvalidParameter", "The specified parameter \"{}\" is not valid."),
            Self::ParseRequestParameterException => Row(400, "ParseRequestParameterException", "Server parse parameters exception. Please check your input params."),
            Self::UnsupportedOperation => Row(400, "UnsupportedOperation", "This action is not supported."),
            Self::RejectedUnsupportedOperation => Row(400, "Rejected.UnsupportedOperation", "Unsupported operation."),
            Self::UnsupportedOrigin => Row(400, "Unsupported.Origin", "This key origin is not valid for this api."),
            Self::UnsupportedAlias => Row(400, "Unsupported.Alias", "Alias is not valid for this api."),
            Self::UnsupportedProtectionLevel => Row(400, "Unsupported.ProtectionLevel", "This protection level is not valid for this region"),
            Self::NullArgument => Row(400, "Abi.NullArgument", "The argument \"{}\" is NULL."),
            Self::BufferTooSmall => Row(400, "Abi.BufferTooSmall", "The output buffer is too small."),
            Self::BadHandle => Row(400, "Abi.BadHandle", "The handle is not one of this library, or not of this type."),
            Self::Closed => Row(400, "Abi.Closed", "The handle has been closed."),
            Self::AliasExists => Row(400, "AliasAlreadyExists", "AliasName Already Exists."),
            Self::DuplicateTagKey => Row(400, "Duplicate.TagKey", "A tag key is given more than once."),
            Self::InvalidTagKey => Row(400, "InvalidParameter.TagKey", "The specified tag key is not valid."),
            Self::InvalidTagValue => Row(400, "InvalidParameter.TagValue", "The specified tag value is not valid."),
            Self::UserExists => Row(409, "EntityAlreadyExists.User", "The user already exists."),
            Self::PolicyExists => Row(409, "EntityAlreadyExists.Policy", "The policy already exists."),
            Self::InvalidShares => Row(400, "Shares.Invalid", "The shares do not make up a secret."),
            Self::NoPermission => Row(403, "Forbidden.NoPermission", "This operation is forbidden by permission system."),
            Self::UnlockFailed => Row(403, "Store.UnlockFailed", "The secret does not open this store: no unlock slot fits it."),
            Self::AccessKeyNotFound => Row(404, "InvalidAccessKeyId.NotFound", "The AccessKey ID provided does not exist in our records."),
            Self::AccessKeyInactive => Row(403, "Forbidden.AccessKey", "This AccessKey is not enabled."),
            Self::IncompleteSignature => Row(400, "IncompleteSignature", "The request signature does not conform to Alibaba Cloud standards."),
            Self::KeyNotFound => Row(404, "Forbidden.KeyNotFound", "The specified Key is not found."),
            Self::KeyVersionNotFound => Row(404, "Forbidden.KeyVersionNotFound", "The specified Key version is not found."),
            Self::AliasNotFound => Row(404, "Forbidden.AliasNotFound", "The specified Alias is not found."),
            Self::ActionNotFound => Row(404, "InvalidAction.NotFound", "The specified action is not found."),
            Self::StoreNotFound => Row(404, "Store.NotFound", "There is no store at this place."),
            Self::ResourceNotFound => Row(404, "InvalidResourceId.NotFound", "The specified resource is not found."),
            Self::UserNotFound => Row(404, "EntityNotExist.User", "The user does not exist."),
            Self::PolicyNotFound => Row(404, "EntityNotExist.Policy", "The policy does not exist."),
            Self::UserAccessKeyNotFound => Row(404, "EntityNotExist.User.AccessKey", "The access key does not exist."),
            Self::KeyPolicyNotFound => Row(404, "Forbidden.ResourceNotFound", "Policy not found."),
            Self::PolicyNotAttached => Row(404, "EntityNotExist.User.Policy", "The policy is not attached to the user."),
            Self::StateModifiedFailed => Row(409, "Rejected.StateModifiedFailed", "Keystate modified failed."),
            Self::Disabled => Row(409, "Rejected.Disabled", "The request was rejected because the key state is Disabled."),
            Self::PendingDeletion => Row(409, "Rejected.PendingDeletion", "The request was rejected because the key state is PendingDeletion."),
            Self::PendingImport => Row(409, "Rejected.PendingImport", "The request was rejected because the key state is PendingImport."),
            Self::LimitExceeded => Row(400, "Rejected.LimitExceeded", "The request was rejected because user create resource limit was exceeded."),
            Self::Throttled => Row(429, "Rejected.Throttling", "QPS Limit Exceeded"),
            Self::Forked => Row(409, "Module.Forked", "The process has forked since the store was opened. Open the store again in the child."),
            Self::ErrorState => Row(503, "Module.ErrorState", "The module is in its error state. Open the store again to recover."),
            Self::MemoryProtection => Row(409, "Module.MemoryProtection", "Keys at protection level HSM need locked memory, which this process does not have."),
            Self::MemoryExhausted => Row(503, "Module.MemoryExhausted", "The memory for keys is used up by keys in use. Try again."),
            Self::PolicyAttached => Row(409, "EntityAlreadyExists.User.Policy", "The policy is attached to the user already."),
            Self::UserHasAccessKey => Row(409, "DeleteConflict.User.AccessKey", "The user still has access keys."),
            Self::UserHasPolicy => Row(409, "DeleteConflict.User.Policy", "The user still has policies."),
            Self::PolicyHasUser => Row(409, "DeleteConflict.Policy.User", "The policy is still attached to users."),
            Self::ServiceOpened => Row(400, "Forbidden.Opened", "Your kms service has been opened."),
            Self::InvalidKeyMaterial => Row(400, "InvalidKeyMaterial", "key material is invalid."),
            Self::InvalidImportToken => Row(400, "InvalidImportToken", "import token is invalid."),
            Self::ExpiredImportToken => Row(400, "ExpiredImportToken", "import token is expired."),
            Self::InvalidCiphertext => Row(400, "InvalidParameter", "The specified parameter \"CiphertextBlob\" is not valid. It is damaged, of another key, of another encryption context or of another algorithm."),
            Self::StoreFailed => Row(503, "Store.Failed", "Reading or writing the store failed."),
            Self::NotAStore => Row(503, "Store.NotAStore", "This is not a kmshsm store."),
            Self::StoreTooNew => Row(503, "Store.TooNew", "The store was written by a newer version of this library."),
            Self::StoreDamaged => Row(503, "Store.Damaged", "The store is damaged or has been changed from outside."),
            Self::Degraded => Row(503, "Store.Degraded", "The store is read-only after a write error. Open it again to recover."),
            Self::StoreInUse => Row(503, "Store.InUse", "Another copy of this library in this process has the store open."),
            Self::StoreExists => Row(409, "Store.Exists", "There is a store at this place already."),
            Self::UnsupportedFilesystem => Row(503, "Store.UnsupportedFilesystem", "The file system cannot keep a store safely."),
            Self::Conflict => Row(503, "Store.Conflict", "Others kept changing the same records. Nothing was written; try again."),
            Self::TrailDamaged => Row(503, "Audit.Damaged", "The audit trail is damaged."),
            Self::StoreSuspect => Row(503, "Store.Suspect", "The store has gone back to an earlier state, and is read-only until that is accepted."),
            Self::StoreReadOnly => Row(503, "Store.ReadOnly", "The store was opened read-only: it is on media that cannot be written to."),
            Self::StoreRekeyed => Row(409, "Store.Rekeyed", "The root key of the store has been replaced. Open the store again."),
            Self::BackupDamaged => Row(503, "Backup.Damaged", "The backup is damaged or has been changed from outside."),
            Self::NotABackup => Row(400, "Backup.NotABackup", "This is not a backup of a kmshsm store."),
            Self::TokenFailed => Row(503, "Token.Failed", "The token cannot be read."),
            Self::Internal => Row(500, "InternalFailure", "Internal Failure."),
        }
    }
}
