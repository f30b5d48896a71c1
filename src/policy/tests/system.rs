//! The ready-made policies do what they say.

use super::*;

fn may(name: &str, action: &str) -> Verdict {
    says(SystemPolicy::find(name).unwrap().policy().unwrap(), action, &NOTHING)
}

#[test]
fn all_system_policies_are_policies() {
    for (at, policy) in SYSTEM_POLICIES.iter().enumerate() {
        policy.policy().unwrap();
        assert!(std::ptr::eq(
            SystemPolicy::find(policy.name).unwrap(),
            &raw const SYSTEM_POLICIES[at]
        ));
        assert!(policy.description.ends_with('.'), "{}", policy.name);
    }
    assert!(SystemPolicy::find("AliyunKMSSecretUserAccess").is_none());
}

const USES: [&str; 12] = [
    "kms:Encrypt",
    "kms:Decrypt",
    "kms:GenerateDataKey",
    "kms:GenerateDataKeyWithoutPlaintext",
    "kms:ReEncryptFrom",
    "kms:ReEncryptTo",
    "kms:ExportDataKey",
    "kms:GenerateAndExportDataKey",
    "kms:AsymmetricSign",
    "kms:AsymmetricVerify",
    "kms:AsymmetricEncrypt",
    "kms:AsymmetricDecrypt",
];

/// The one action, or those with an action that changes keys: what each policy allows of it.
#[test]
fn duties_are_separate() {
    #[rustfmt::skip]
    let table = [
        // name, use, CreateKey, DescribeKey, GetPublicKey, SetKeyPolicy, CreateUser, ListUsers, LookupEvents
        ("AliyunKMSFullAccess",             "AAAAA---"),
        ("AliyunKMSReadOnlyAccess",         "--AA----"),
        ("AliyunKMSCryptoAdminAccess",      "-AAAA---"),
        ("AliyunKMSCryptoUserAccess",       "A--A----"),
        ("AliyunRAMFullAccess",             "-----AA-"),
        ("AliyunRAMReadOnlyAccess",         "------A-"),
        ("AliyunActionTrailReadOnlyAccess", "-------A"),
        ("KmshsmSecurityOfficerAccess",     "D----AA-"),
        ("KmshsmKeyAdministratorAccess",    "DAAAA---"),
        ("KmshsmKeyUserAccess",             "A-AA----"),
        ("KmshsmAuditorAccess",             "D-AA--AA"),
    ];
    assert_eq!(table.len(), SYSTEM_POLICIES.len());
    let letter = |verdict| match verdict {
        Verdict::Implicit => '-',
        Verdict::Allow(_) => 'A',
        Verdict::Deny(_) => 'D',
    };
    for (name, expected) in table {
        let others = [
            "kms:CreateKey",
            "kms:DescribeKey",
            "kms:GetPublicKey",
            "kms:SetKeyPolicy",
            "ram:CreateUser",
            "ram:ListUsers",
            "actiontrail:LookupEvents",
        ];
        let found: String =
            USES[..1].iter().chain(&others).map(|action| letter(may(name, action))).collect();
        assert_eq!(found, expected, "{name}");
        for action in USES {
            assert_eq!(letter(may(name, action)), letter(may(name, USES[0])), "{name} {action}");
        }
    }
}

/// All that is done to keys in their life, and no more, is for administrators.
#[test]
fn administrators_do_the_rest() {
    for action in [
        "EnableKey",
        "DisableKey",
        "ScheduleKeyDeletion",
        "CancelKeyDeletion",
        "CreateAlias",
        "SetDeletionProtection",
        "GetParametersForImport",
        "ImportKeyMaterial",
        "DeleteKeyMaterial",
        "CreateKeyVersion",
        "UpdateRotationPolicy",
        "UpdateKeyDescription",
        "UpdateAlias",
        "DeleteAlias",
        "TagResource",
        "UntagResource",
        "TagResources",
        "UntagResources",
        "GetKeyPolicy",
    ] {
        let action = format!("kms:{action}");
        for name in ["AliyunKMSCryptoAdminAccess", "KmshsmKeyAdministratorAccess"] {
            assert_eq!(may(name, &action), Verdict::Allow(at(0, 0)), "{name} {action}");
        }
        for name in ["AliyunKMSCryptoUserAccess", "KmshsmKeyUserAccess"] {
            assert_eq!(may(name, &action), Verdict::Implicit, "{name} {action}");
        }
    }
}
