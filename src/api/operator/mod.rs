//! What concerns a store as a whole: operations of whoever has it open. They are no actions of an
//! account, so no policy speaks of them; what they change is in the audit trail as a deed of the store.
//! From the one declaration come C, Python and the command line.

mod backup;
mod slots;
mod softhsm;
mod verify;

use std::sync::Arc;

use serde::Serialize;
use serde::de::DeserializeOwned;
use zeroize::Zeroizing;

use crate::api::{Params, text};
use crate::error::{ErrorCode, Result};
use crate::kms::Kms;

use backup::{CreateBackup, RestoreKeys, RestoreStore, VerifyBackup};
use slots::{
    AddUnlockSlot, ListUnlockSlots, RekeyRoot, RemoveUnlockSlot, ReplaceUnlockSlot, RotateDomainKey,
};
use softhsm::ImportSoftHsmToken;
use verify::{AcceptRollback, VerifyStore};

/// One operation: a struct of parameters, in JSON an object with names in PascalCase, and what it does.
pub trait Operation: DeserializeOwned {
    /// Its name, case-sensitive.
    const NAME: &'static str;
    /// What it answers.
    type Answer: Serialize;

    /// Does it.
    fn run(self, kms: &Arc<Kms>) -> Result<Self::Answer>;
}

/// The same for what needs no open store.
pub trait StandaloneOperation: DeserializeOwned {
    /// Its name, case-sensitive.
    const NAME: &'static str;
    /// What it answers.
    type Answer: Serialize;

    /// Does it.
    fn run(self) -> Result<Self::Answer>;
}

/// An operation in the table of all operations.
struct Descriptor {
    name: &'static str,
    run: fn(&Arc<Kms>, Params) -> Result<Zeroizing<String>>,
}

/// Declares the table of operations.
macro_rules! operations {
    ($($operation:ident),* $(,)?) => {
        /// Every operation, in alphabetical order.
        const OPERATIONS: &[Descriptor] = &[$(Descriptor {
            name: $operation::NAME,
            run: |kms, parameters| {
                let answer = parameters.read::<$operation>()?.run(kms)?;
                text(&kms.marked(answer))
            },
        },)*];
    };
}

operations! {
    AcceptRollback,
    AddUnlockSlot,
    CreateBackup,
    ImportSoftHsmToken,
    ListUnlockSlots,
    RekeyRoot,
    RemoveUnlockSlot,
    ReplaceUnlockSlot,
    RestoreKeys,
    RotateDomainKey,
    VerifyStore,
}

/// Does the operation of that name on an open store and answers its JSON; `None` stands for no parameters.
///
/// [`ActionNotFound`](ErrorCode::ActionNotFound), and what [`Params`] answers to parameters that it does not
/// take.
pub fn operate(
    kms: &Arc<Kms>,
    operation: &str,
    parameters: Option<&str>,
) -> Result<Zeroizing<String>> {
    let found = OPERATIONS.iter().find(|known| known.name == operation);
    let found = found.ok_or(ErrorCode::ActionNotFound)?;
    let _draws = kms.hsm().draws();
    kms.check()?;
    (found.run)(kms, read(parameters)?)
}

/// Whether there is an operation of that name.
pub fn is_operation(name: &str) -> bool {
    OPERATIONS.iter().any(|known| known.name == name) || stands_alone(name)
}

/// Whether the operation of that name needs no open store: [`operate_alone`] does it.
pub fn stands_alone(operation: &str) -> bool {
    [RestoreStore::NAME, VerifyBackup::NAME].contains(&operation)
}

/// The same as [`operate`] for operations that need no open store.
pub fn operate_alone(operation: &str, parameters: Option<&str>) -> Result<Zeroizing<String>> {
    match operation {
        RestoreStore::NAME => text(&read(parameters)?.read::<RestoreStore>()?.run()?),
        VerifyBackup::NAME => text(&read(parameters)?.read::<VerifyBackup>()?.run()?),
        _ => Err(ErrorCode::ActionNotFound.into()),
    }
}

fn read(parameters: Option<&str>) -> Result<Params> {
    parameters.map_or_else(|| Ok(Params::new()), Params::from_json)
}
