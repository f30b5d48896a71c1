//! A transaction of every kind.

use std::path::Path;
use std::sync::Arc;

use kmshsm::error::Result;
use kmshsm::kms::{Kms, Options, Unlock};
use kmshsm::model::Timestamp;
use serde_json::{Value, json};

use crate::world::{KEY_FILE, Open, START, WEEK, World};

/// The second secret.
pub const OTHER: Unlock<'static> = Unlock::KeyFile(&[8; 32]);

/// One kind.
pub struct Kind {
    pub name: &'static str,
    /// The moment at which it happens.
    pub clock: u64,
    pub run: fn(&World, &Open) -> Result<()>,
}

macro_rules! kinds {
    ($($name:literal $clock:expr, $world:pat, $action:literal $with:tt;)*) => {
        &[$(Kind {
            name: $name,
            clock: $clock,
            run: |world, open| {
                let $world = world;
                done(open.call($action, &json!($with)))
            },
        }),*]
    };
}

/// Kinds that are an action each.
pub const ACTIONS: &[Kind] = kinds! {
    "a new key" START, _, "CreateKey" {};
    "a new pair" START, _, "CreateKey" { "KeySpec": "EC_P256" };
    "a description" START, world, "UpdateKeyDescription" { "KeyId": world.used, "Description": "new" };
    "a rotation" START + WEEK, world, "DescribeKey" { "KeyId": world.used };
    "a new version" START + WEEK, world, "CreateKeyVersion" { "KeyId": world.pair };
    "a rotation policy" START, world, "UpdateRotationPolicy" {
        "KeyId": world.used, "EnableAutomaticRotation": false
    };
    "a new alias" START, world, "CreateAlias" { "AliasName": "alias/new", "KeyId": world.pair };
    "an alias that moves" START, world, "UpdateAlias" { "AliasName": "alias/used", "KeyId": world.pair };
    "an alias that goes" START, _, "DeleteAlias" { "AliasName": "alias/used" };
    "a tag" START, world, "TagResource" {
        "KeyId": world.used, "Tags": [{ "TagKey": "new", "TagValue": "v" }]
    };
    "a tag that goes" START, world, "UntagResource" { "KeyId": world.used, "TagKeys": ["stage"] };
    "disabling" START, world, "DisableKey" { "KeyId": world.used };
    "scheduling a deletion" START, world, "ScheduleKeyDeletion" {
        "KeyId": world.pair, "PendingWindowInDays": 7
    };
    "cancelling a deletion" START, world, "CancelKeyDeletion" { "KeyId": world.leaving };
    "destruction at its date" START + WEEK, world, "DescribeKey" { "KeyId": world.leaving };
    "parameters for an import" START, world, "GetParametersForImport" {
        "KeyId": world.external, "WrappingKeySpec": "EC_SM2", "WrappingAlgorithm": "SM2PKE"
    };
    "an import" START, world, "ImportKeyMaterial" (world.import);
    "the end of material" START, world, "DeleteKeyMaterial" { "KeyId": world.imported };
    "material that expires" START + WEEK, world, "DescribeKey" { "KeyId": world.imported };
    "a policy" START, _, "CreatePolicy" {
        "PolicyName": "new", "PolicyDocument": "{\"Version\":\"1\",\"Statement\":[{\"Effect\":\"Deny\",\"Action\":\"kms:*\",\"Resource\":\"*\"}]}"
    };
    "a user" START, _, "CreateUser" { "UserName": "new" };
    "a policy of a user" START, _, "AttachPolicyToUser" {
        "PolicyType": "Custom", "PolicyName": "all", "UserName": "dora"
    };
    "an access key" START, _, "CreateAccessKey" { "UserName": "dora" };
};

/// Kinds that are not.
pub const OTHERS: &[Kind] = &[
    Kind {
        name: "calls that are metered",
        clock: START,
        run: |world, open| {
            open.call("Encrypt", &json!({ "KeyId": world.used, "Plaintext": "text !" }))?;
            open.kms.flush()
        },
    },
    Kind {
        name: "a new domain key, and sealing under it",
        clock: START,
        run: |_, open| {
            open.kms.rotate_domain_key()?;
            while !open.kms.reseal()?.is_done {}
            Ok(())
        },
    },
    Kind {
        name: "a new unlock slot",
        clock: START,
        run: |_, open| open.kms.add_unlock_slot(&OTHER).map(drop),
    },
    Kind {
        name: "an unlock slot that is replaced",
        clock: START,
        run: |_, open| open.kms.replace_unlock_slot(0, &KEY_FILE),
    },
    Kind {
        name: "an unlock slot that goes",
        clock: START,
        run: |_, open| open.kms.remove_unlock_slot(1),
    },
    Kind { name: "a new root key", clock: START, run: |_, open| open.kms.rekey_root(&[KEY_FILE]) },
    Kind { name: "all that is due", clock: START + WEEK, run: |_, open| open.kms.tick().map(drop) },
    Kind {
        name: "a checkpoint of the trail",
        clock: START,
        run: |_, open| open.kms.verify_trail().map(drop),
    },
];

pub fn all() -> impl Iterator<Item = &'static Kind> {
    ACTIONS.iter().chain(OTHERS)
}

/// Destroying what is due answers that it is gone.
fn done(answer: Result<Value>) -> Result<()> {
    match answer {
        Err(error) if error.code().wire_code() == "Forbidden.KeyNotFound" => Ok(()),
        answer => answer.map(drop),
    }
}

/// Opens the fixture of format 1, soon after it was closed.
pub fn open_older(place: &Path) -> Result<Arc<Kms>> {
    let options = Options {
        allow_unprotected_memory: true,
        manual_clock: Some(Timestamp(1_793_369_601)),
        ..Options::default()
    };
    Kms::open(place, &Unlock::KeyFile(include_bytes!("../fixtures/format-1/key")), options)
}

/// Makes a store.
pub fn create(place: &Path) -> Result<()> {
    Kms::create(place, &KEY_FILE)
}
