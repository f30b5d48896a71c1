//! What the profile of a region comes to, from the code itself: every function with its standard, the
//! self-tests behind it, and whether it runs and is approved there.
#![forbid(unsafe_code)]

use serde::Serialize;

use crate::hsm::selftest;
use crate::model::{Function, Profile, ProtectionLevel, Region, Standing};

/// The checklist of a region.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub struct Compliance {
    /// The region's identifier.
    pub region: &'static str,
    /// The rules in force for keys at level HSM.
    pub profile: Profile,
    /// What the class of the region's hardware means.
    pub class: &'static str,
    /// Whether anybody has validated this module. Nobody has.
    pub validated: bool,
    /// The functions.
    pub functions: Vec<Row>,
    /// Whether the library's file is the one that was installed: `passed`, `failed` or `not available`.
    pub integrity: &'static str,
    /// What all of this is not.
    pub statement: &'static str,
}

/// One function.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub struct Row {
    /// What it is.
    pub function: Function,
    /// The standards that it follows.
    pub standard: &'static str,
    /// `approved`, `allowed` or `not offered`, at level HSM.
    pub state: &'static str,
    /// How its self-tests ended, just now: `passed` or `failed`.
    pub result: &'static str,
    /// Their names.
    pub self_tests: &'static [&'static str],
}

const STATEMENT: &str = "Nothing here is validated or certified, by NIST, by the State Cryptography \
    Administration or by anybody else. The profile reproduces the rules of the service's hardware: \
    which algorithms run at level HSM, and which of them its standards approve. Level SOFTWARE is \
    outside of every profile.";

/// Runs every self-test, and says what the region's profile makes of each function. A test that fails
/// puts the module into its error state, as [`selftest::run`] does.
pub fn compliance(region: &Region) -> Compliance {
    let report = selftest::run();
    let passed =
        |name: &&str| report.tests.iter().any(|test| test.name == *name && test.result == "passed");
    let row = |function: &Function| {
        let self_tests = self_tests(*function);
        Row {
            function: *function,
            standard: function.standard(),
            state: match region.profile.standing(ProtectionLevel::Hsm, *function) {
                Some(Standing::Approved) => "approved",
                Some(Standing::Allowed) => "allowed",
                None => "not offered",
            },
            result: if self_tests.iter().all(passed) { "passed" } else { "failed" },
            self_tests,
        }
    };
    Compliance {
        region: region.id,
        profile: region.profile,
        class: meaning(region.profile),
        validated: false,
        functions: Function::ALL.iter().map(row).collect(),
        integrity: report.integrity.result,
        statement: STATEMENT,
    }
}

const fn meaning(profile: Profile) -> &'static str {
    match profile {
        Profile::Fips => {
            "FIPS: the service's hardware here has a certificate of FIPS 140-2 level 3. \
             NIST's standards approve; SM2, SM3 and SM4 do not run."
        }
        Profile::Gm => {
            "GM: the service's hardware here is tested and certified by the State Cryptography \
             Administration (国密局商用密码检测认证). Its standards approve; all algorithms run."
        }
        Profile::None => {
            "none: the service has no hardware here. There are keys at level SOFTWARE only."
        }
    }
}

/// The self-tests of a function.
const fn self_tests(function: Function) -> &'static [&'static str] {
    match function {
        Function::AesEnvelope => &[
            "aes-128-gcm",
            "aes-192-gcm",
            "aes-256-gcm",
            "aes-128-derivation",
            "aes-192-derivation",
            "aes-256-derivation",
        ],
        Function::Sm4Envelope => &["sm4-gcm", "sm4-derivation"],
        Function::RsaPss => &["rsa-pss-sha-256"],
        Function::RsaPkcs1 => &["rsa-pkcs1-sha-256"],
        Function::EcdsaP256 => &["ecdsa-p256"],
        Function::EcdsaSecp256k1 => &["ecdsa-secp256k1"],
        Function::Sm2Signature => &["sm2-sign"],
        Function::OaepSha256 => &["rsa-oaep-sha-256"],
        Function::OaepSha1 => &["rsa-oaep-sha-1", "sha-1"],
        Function::Sm2Encryption => &["sm2-decrypt"],
        Function::Pkcs1Transport => &["rsa-pkcs1-v1.5"],
        Function::AesHybrid => &["rsa-oaep-sha-256", "aes-256"],
        Function::Sm2Hybrid => &["sm2-decrypt", "sm4"],
        Function::AesKeys | Function::Sm4Keys => &["ctr-drbg-aes-256"],
        Function::RsaKeys => &["rsa-pair"],
        Function::P256Keys | Function::Secp256k1Keys | Function::Sm2Keys => {
            &["ctr-drbg-aes-256", "ec-pair"]
        }
        Function::Random => &["ctr-drbg-aes-256", "entropy"],
        Function::Sha256 => &["sha-256"],
        Function::Sm3 => &["sm3"],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::REGIONS;

    #[test]
    fn the_list_is_complete_and_names_tests_that_exist() {
        let known: Vec<_> = selftest::run().tests.iter().map(|test| test.name).collect();
        for profile in Profile::ALL {
            let region = REGIONS.iter().find(|region| region.profile == profile).unwrap();
            let list = compliance(region);
            assert!(list.functions.iter().map(|row| &row.function).eq(Function::ALL));
            assert!(!list.validated);
            for row in &list.functions {
                assert!(!row.self_tests.is_empty());
                for test in row.self_tests {
                    assert!(known.contains(test), "{:?}: there is no {test}", row.function);
                }
                let is_offered = profile.standing(ProtectionLevel::Hsm, row.function).is_some();
                assert_eq!(row.state != "not offered", is_offered);
                assert_eq!(row.result, "passed");
            }
        }
    }

    /// What no function names is what the store itself is made with.
    #[test]
    fn every_self_test_is_of_a_function_or_of_the_store() {
        let store =
            ["aes-128", "aes-192", "hmac-sha-256", "hkdf-sha-256", "argon2id", "xaes-256-gcm"];
        let named: Vec<_> =
            Function::ALL.iter().flat_map(|function| self_tests(*function)).collect();
        for test in selftest::run().tests {
            assert!(named.contains(&&test.name) != store.contains(&test.name), "{}", test.name);
        }
    }
}
