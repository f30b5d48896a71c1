//! Ready-made policies. Those named Aliyun are the service's, as far as this library has the actions;
//! those named Kmshsm separate duties: who rules over users or keys, or reads the trail, cannot use keys.

use std::sync::OnceLock;

use super::Policy;
use crate::error::{Error, Result};

/// A policy that is there for all accounts and that nobody can change.
#[derive(Debug)]
pub struct SystemPolicy {
    /// Its name, unique among them.
    pub name: &'static str,
    /// What it is for, in a sentence.
    pub description: &'static str,
    /// Its text.
    pub document: &'static str,
    parsed: OnceLock<Result<Policy>>,
}

impl SystemPolicy {
    const fn new(name: &'static str, description: &'static str, document: &'static str) -> Self {
        Self { name, description, document, parsed: OnceLock::new() }
    }

    /// The policy of that name.
    pub fn find(name: &str) -> Option<&'static Self> {
        SYSTEM_POLICIES.iter().find(|policy| policy.name == name)
    }

    /// The policy itself, read once. It never fails: a test reads them all.
    pub fn policy(&self) -> Result<&Policy> {
        self.parsed.get_or_init(|| Policy::parse(self.document)).as_ref().map_err(Error::clone)
    }
}

/// The actions that work with the material of keys.
macro_rules! use_of_keys {
    () => {
        r#""kms:Encrypt","kms:Decrypt","kms:GenerateDataKey","kms:GenerateDataKeyWithoutPlaintext","kms:ReEncryptFrom","kms:ReEncryptTo","kms:ExportDataKey","kms:GenerateAndExportDataKey","kms:AsymmetricSign","kms:AsymmetricVerify","kms:AsymmetricEncrypt","kms:AsymmetricDecrypt""#
    };
}

/// The actions that make, change and end keys, and tell about them.
macro_rules! care_of_keys {
    () => {
        r#""kms:Create*","kms:List*","kms:Describe*","kms:Get*","kms:Set*","kms:Update*","kms:Delete*","kms:EnableKey","kms:DisableKey","kms:ScheduleKeyDeletion","kms:CancelKeyDeletion","kms:ImportKeyMaterial","kms:TagResource*","kms:UntagResource*""#
    };
}

/// The actions that tell about keys.
macro_rules! sight_of_keys {
    () => {
        r#""kms:List*","kms:Describe*","kms:GetPublicKey","kms:GetKeyPolicy""#
    };
}

/// The actions that tell about users and policies.
macro_rules! sight_of_users {
    () => {
        r#""ram:Get*","ram:List*","ram:SimulatePolicy""#
    };
}

/// A policy that allows actions on everything, and perhaps denies others.
macro_rules! policy {
    ($name:literal, $description:literal, allow $allowed:expr $(, deny $denied:expr)?) => {
        SystemPolicy::new(
            $name,
            $description,
            concat!(
                r#"{"Version":"1","Statement":[{"Effect":"Allow","Action":["#,
                $allowed,
                r#"],"Resource":"*"}"#,
                $(r#",{"Effect":"Deny","Action":["#, $denied, r#"],"Resource":"*"}"#,)?
                "]}"
            ),
        )
    };
}

/// All system policies.
pub static SYSTEM_POLICIES: [SystemPolicy; 11] = [
    policy!("AliyunKMSFullAccess", "Everything in KMS.", allow r#""kms:*""#),
    policy!(
        "AliyunKMSReadOnlyAccess",
        "Sees keys, aliases, tags and policies of keys, and public keys.",
        allow sight_of_keys!()
    ),
    policy!(
        "AliyunKMSCryptoAdminAccess",
        "Makes, changes and ends keys, and imports their material.",
        allow care_of_keys!()
    ),
    policy!(
        "AliyunKMSCryptoUserAccess",
        "Uses keys.",
        allow concat!(use_of_keys!(), r#","kms:GetPublicKey","kms:GenerateRandom""#)
    ),
    policy!("AliyunRAMFullAccess", "Everything in RAM: users, access keys, policies.", allow r#""ram:*""#),
    policy!("AliyunRAMReadOnlyAccess", "Sees users and policies.", allow sight_of_users!()),
    policy!(
        "AliyunActionTrailReadOnlyAccess",
        "Reads the audit trail.",
        allow r#""actiontrail:LookupEvents""#
    ),
    policy!(
        "KmshsmSecurityOfficerAccess",
        "Rules over users, access keys and policies; cannot use keys.",
        allow r#""ram:*""#,
        deny use_of_keys!()
    ),
    policy!(
        "KmshsmKeyAdministratorAccess",
        "Makes, changes and ends keys, imports their material and sets their policies; cannot use them.",
        allow care_of_keys!(),
        deny use_of_keys!()
    ),
    policy!(
        "KmshsmKeyUserAccess",
        "Uses keys, and sees what they are.",
        allow concat!(
            use_of_keys!(),
            r#","kms:GetPublicKey","kms:GenerateRandom","kms:DescribeKey","kms:DescribeKeyVersion","kms:ListKeyVersions""#
        )
    ),
    policy!(
        "KmshsmAuditorAccess",
        "Sees keys, users and policies, the audit trail and the bill; changes nothing, cannot use keys.",
        allow concat!(sight_of_keys!(), ",", sight_of_users!(), r#","actiontrail:LookupEvents","bss:QueryBill""#),
        deny use_of_keys!()
    ),
];
