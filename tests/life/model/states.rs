//! Which call suits which keys, and in which states (chapters 1.3, 4.1 and 5).

use super::Key;
use crate::call::{Call, Refusal};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    Enabled,
    Disabled,
    PendingDeletion,
    PendingImport,
    /// For good: there is no such key any more.
    Destroyed,
}

/// What the table of chapter 5 says, states in its order: Enabled, Disabled, PendingDeletion, PendingImport.
#[rustfmt::skip]
const TABLE: [(&str, [&str; 4]); 30] = [
    ("DescribeKey",            ["ok", "ok",  "ok",  "ok"]),
    ("ListResourceTags",       ["ok", "ok",  "ok",  "ok"]),
    ("ListAliasesByKeyId",     ["ok", "ok",  "ok",  "ok"]),
    ("DescribeKeyVersion",     ["ok", "ok",  "ok",  "ok"]),
    ("ListKeyVersions",        ["ok", "ok",  "ok",  "ok"]),
    ("Encrypt",                ["ok", "D",   "PD",  "PI"]),
    ("Decrypt",                ["ok", "D",   "PD",  "PI"]),
    ("GenerateDataKey",        ["ok", "D",   "PD",  "PI"]),
    ("UpdateKeyDescription",   ["ok", "ok",  "PD",  "ok"]),
    ("EnableKey",              ["ok", "ok",  "SMF", "SMF"]),
    ("DisableKey",             ["ok", "ok",  "SMF", "SMF"]),
    ("ScheduleKeyDeletion",    ["ok", "ok",  "SMF", "ok"]),
    ("CancelKeyDeletion",      ["SMF", "SMF", "ok", "SMF"]),
    ("CreateAlias",            ["ok", "ok",  "SMF", "ok"]),
    ("DeleteAlias",            ["ok", "ok",  "ok",  "ok"]),
    ("UpdateAlias",            ["ok", "ok",  "PD",  "ok"]),
    ("TagResource",            ["ok", "ok",  "PD",  "ok"]),
    ("UntagResource",          ["ok", "ok",  "PD",  "ok"]),
    ("TagResources",           ["ok", "ok",  "PD",  "ok"]),
    ("UntagResources",         ["ok", "ok",  "PD",  "ok"]),
    ("CreateKeyVersion",       ["ok", "D",   "PD",  "PI"]),
    ("UpdateRotationPolicy",   ["ok", "D",   "PD",  "PI"]),
    ("GetParametersForImport", ["ok", "ok",  "ok",  "ok"]),
    ("ImportKeyMaterial",      ["ok", "ok",  "SMF", "ok"]),
    ("DeleteKeyMaterial",      ["ok", "ok",  "ok",  "ok"]),
    ("ReEncrypt",              ["ok", "D",   "PD",  "PI"]),
    ("AsymmetricSign",         ["ok", "D",   "PD",  "PI"]),
    ("AsymmetricVerify",       ["ok", "D",   "PD",  "PI"]),
    ("GetPublicKey",           ["ok", "ok",  "ok",  "PI"]),
    ("SetDeletionProtection",  ["ok", "ok",  "PD",  "ok"]),
];

pub fn allows(action: &str, state: State) -> Result<(), Refusal> {
    let (_, row) = TABLE.iter().find(|(name, _)| *name == action).unwrap();
    match row[state as usize] {
        "ok" => Ok(()),
        "D" => Err(Refusal("Rejected.Disabled", "")),
        "PD" => Err(Refusal("Rejected.PendingDeletion", "")),
        "PI" => Err(Refusal("Rejected.PendingImport", "")),
        _ => Err(Refusal("Rejected.StateModifiedFailed", "")),
    }
}

pub fn takes_alias(action: &str) -> bool {
    matches!(
        action,
        "DescribeKey"
            | "Encrypt"
            | "GenerateDataKey"
            | "CreateKeyVersion"
            | "DescribeKeyVersion"
            | "ListKeyVersions"
            | "GetPublicKey"
            | "AsymmetricSign"
            | "AsymmetricVerify"
            | "TagResource"
    )
}

pub fn suits(call: &Call, key: &Key) -> Result<(), Refusal> {
    let symmetric = key.is_symmetric();
    match call.action {
        "Encrypt" | "Decrypt" | "GenerateDataKey" | "ReEncrypt" if !symmetric => {
            Err(Refusal("UnsupportedOperation", ""))
        }
        "GetPublicKey" if symmetric => Err(Refusal("UnsupportedOperation", "")),
        "AsymmetricSign" | "AsymmetricVerify" | "CreateKeyVersion" if symmetric => {
            Err(Refusal("Rejected.UnsupportedOperation", ""))
        }
        "AsymmetricSign" | "AsymmetricVerify" if call.text("Algorithm") != algorithm(&key.spec) => {
            Err(Refusal("InvalidParameter", "Algorithm"))
        }
        "UpdateRotationPolicy" if !symmetric => Err(Refusal("Rejected.UnsupportedOperation", "")),
        "GetParametersForImport" | "ImportKeyMaterial" | "DeleteKeyMaterial"
            if !key.is_external =>
        {
            Err(Refusal("Unsupported.Origin", ""))
        }
        _ => Ok(()),
    }
}

/// How keys of a spec sign.
pub fn algorithm(spec: &str) -> &'static str {
    match spec {
        "EC_SM2" => "SM2DSA",
        _ => "ECDSA_SHA_256",
    }
}
