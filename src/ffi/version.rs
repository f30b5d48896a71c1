//! What this build of the library is, and what it has.

use std::ffi::{CString, c_char, c_int};

use crate::api::{self, ACTIONS};
use crate::ffi::memory::optional_text;
use crate::fork::PerProcess;
use crate::health;
use crate::model::{
    EncryptionAlgorithm, KeySpec, Profile, REGIONS, SigningAlgorithm, WrappingAlgorithm,
};

/// The version of this header: major * 1000000 + minor * 1000 + patch.
pub const KMSHSM_VERSION_NUMBER: u32 = 1000;

// cbindgen wants literals; the package decides.
const _: () = assert!(
    KMSHSM_VERSION_NUMBER
        == part(env!("CARGO_PKG_VERSION_MAJOR")) * 1_000_000
            + part(env!("CARGO_PKG_VERSION_MINOR")) * 1000
            + part(env!("CARGO_PKG_VERSION_PATCH"))
);

const fn part(digits: &str) -> u32 {
    match u32::from_str_radix(digits, 10) {
        Ok(number) => number,
        Err(_) => u32::MAX,
    }
}

/// The version of the library, such as "0.1.0". That of a test build, whose self-tests can be
/// broken, ends in "+testing".
///
/// @return a constant string.
/// @code
/// printf("libkmshsm %s\n", kmshsm_version());
/// @endcode
#[unsafe(no_mangle)]
pub extern "C" fn kmshsm_version() -> *const c_char {
    static VERSION: PerProcess<CString> = PerProcess::new();
    VERSION.get(|| CString::new(health::VERSION).unwrap_or_default()).as_ptr()
}

/// The version of the library as a number, to be compared with KMSHSM_VERSION_NUMBER, that of the
/// header that a program was compiled with.
///
/// @return major * 1000000 + minor * 1000 + patch
/// @code
/// is_older = kmshsm_version_number() < KMSHSM_VERSION_NUMBER;
/// @endcode
#[unsafe(no_mangle)]
pub extern "C" fn kmshsm_version_number() -> u32 {
    KMSHSM_VERSION_NUMBER
}

/// Whether this build of the library has something: an action of the KMS API ("CreateKey"), an
/// operation on stores ("CreateBackup"), a key spec ("Aliyun_SM4"), an algorithm of signing,
/// encryption or wrapping ("SM2DSA"), a region ("cn-hongkong"), the rules of a class of hardware
/// ("FIPS", "GM"), a provider of AES, RSA and the like ("awslc" or "portable", one of them), or the
/// switches of a test build ("testing"). Which region offers what is another question: the action
/// DescribeRegions answers it.
///
/// @param name  spelled as the API does; NULL is nothing
/// @return 1 if it is there, else 0, also for names that nobody knows
/// @code
/// has_sm4 = kmshsm_feature("Aliyun_SM4");
/// @endcode
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kmshsm_feature(name: *const c_char) -> c_int {
    optional_text(name, "name").ok().flatten().is_some_and(has).into()
}

fn has(name: &str) -> bool {
    match name {
        "awslc" => cfg!(feature = "awslc"),
        "portable" => !cfg!(feature = "awslc"),
        "testing" => cfg!(feature = "testing"),
        _ => {
            [Profile::Fips, Profile::Gm].iter().any(|profile| profile.as_str() == name)
                || ACTIONS.iter().any(|action| action.name == name)
                || api::is_operation(name)
                || REGIONS.iter().any(|region| region.id == name)
                || KeySpec::from_name(name).is_some()
                || SigningAlgorithm::from_name(name).is_some()
                || EncryptionAlgorithm::from_name(name).is_some()
                || WrappingAlgorithm::from_name(name).is_some()
        }
    }
}
