//! Operations on stores as a whole through the C function. No file can be made or read where they look.

use std::ptr;

use serde_json::Value;

use crate::abi::*;
use crate::memory::Text;
use crate::run::expect;
use crate::script::*;
use crate::world::*;

const OPERATIONS: &[&str] = &[
    "ListUnlockSlots",
    "AddUnlockSlot",
    "ReplaceUnlockSlot",
    "RemoveUnlockSlot",
    "RekeyRoot",
    "RotateDomainKey",
    "VerifyStore",
    "AcceptRollback",
    "CreateBackup",
    "RestoreKeys",
    "ImportSoftHsmToken",
    "",
    "VerifyBackup",
    "RestoreStore",
];

const STAND_ALONE: &[&str] = &["VerifyBackup", "RestoreStore"];

const PARAMETERS: &[&str] = &[
    "{}",
    r#"{"Threshold":2,"Count":3}"#,
    r#"{"Slot":0,"Passphrase":"x"}"#,
    r#"{"Slot":255}"#,
    r#"{"Path":"/proc/kmshsm/backup","Threshold":2,"Shares":16}"#,
    r#"{"Path":"/proc/kmshsm/backup","Recipients":["-----BEGIN PUBLIC KEY-----"]}"#,
    r#"{"Path":"/dev/null"}"#,
    r#"{"Path":"/dev/null","BackupKey":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="}"#,
    r#"{"Path":"/proc/self/cmdline","Shares":["academic academic"]}"#,
    r#"{"Path":"/proc/self/cmdline","PrivateKey":"-----BEGIN PRIVATE KEY-----"}"#,
    r#"{"Path":"/dev/null","Place":"/proc/kmshsm","Passphrase":"x","BackupKey":"AAAA"}"#,
    r#"{"Account":"1","Region":"cn-beijing","Directory":"/proc/kmshsm","Pin":"1234"}"#,
    "",
];

/// Whether a text names files of its own.
fn names_files(parameters: &str) -> bool {
    let parameters = parameters.split('\0').next().unwrap_or_default();
    serde_json::from_str::<Value>(parameters).is_ok_and(|value| {
        ["Path", "Place", "Directory"].iter().any(|name| value.get(name).is_some())
    })
}

impl World {
    pub(crate) fn operate(&self, pick: &Pick, name: u8, parameters: &Options, answer: bool) {
        if matches!(parameters, Options::Text(text) if names_files(text)) {
            return;
        }
        let (store, found) = self.store(pick);
        let name = around(OPERATIONS, name).copied().unwrap_or_default();
        let (operation, parameters) = (Text::new(name), parameters.text(PARAMETERS));
        let mut string = ptr::null_mut();
        let to = if answer { &raw mut string } else { ptr::null_mut() };
        // SAFETY: strings end with NUL or are NULL, `to` is to a place for one or NULL.
        let status = unsafe { kmshsm_operate(store, operation.as_ptr(), parameters.as_ptr(), to) };
        let is_alone = store == 0 && STAND_ALONE.contains(&name);
        match is_alone {
            true => judge(status),
            false => expect(status, &found),
        }
        assert_eq!(status == OK, !string.is_null());
        if status == OK {
            assert!(!is_alone, "nothing is a backup");
            take(string);
        }
    }
}
