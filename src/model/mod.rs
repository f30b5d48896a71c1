//! The words of the product: keys, names, regions, principals, contexts and time. Parsed once at
//! the edge, typed from there on. Knows no algorithm and no store.

mod algorithm;
mod context;
mod function;
mod json_text;
mod key;
mod month;
mod name;
mod plaintext;
mod pricing;
mod principal;
mod profile;
mod ram;
mod region;
mod tag;
mod time;
mod words;

pub use algorithm::{
    EncryptionAlgorithm, IdentitySpec, SigningAlgorithm, WrappingAlgorithm, WrappingKeySpec,
};
pub use context::EncryptionContext;
pub use function::{Algorithm, Drawing, Function, Hashing, Making, Sealing};
pub use json_text::JsonText;
pub use key::{IdMap, KeyId, KeySpec, KeyState, KeyUsage, KeyVersionId, Origin, ProtectionLevel};
pub use month::Month;
pub use name::{AliasName, KeyRef, Space, VersionRef, alias_arn, key_arn, key_container_arn};
pub use plaintext::Plaintext;
pub use pricing::{BillItem, CallClass, Currency, HostingClass};
pub use principal::{Account, Principal, Service};
pub use profile::{Indicator, Permit, Profile, Standing};
pub use ram::{AccessKeyStatus, PolicyName, PolicyType, UserName};
pub use region::{Partition, REGIONS, Region};
pub use tag::{Tags, check_tag, check_tag_key};
pub(crate) use time::parse_moment;
pub use time::{Clock, ManualClock, SystemClock, Timestamp};
