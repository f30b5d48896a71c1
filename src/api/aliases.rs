//! Aliases (API reference, chapter 9).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::api::keys::Done;
use crate::api::list::{Paging, Wanted};
use crate::error::{Error, ErrorCode, Result};
use crate::kms::{
    Access, Action, AliasPage, AliasRecord, Aliases, Class, Door, Resource, Rule, Target,
};
use crate::model::{AliasName, KeyId, KeyRef, alias_arn};

/// Gives a key a name. A key may have many, a name stands for one key of the account in the region.
#[derive(Debug, Deserialize, JsonSchema, Serialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct CreateAlias {
    /// alias/ and 1 to 255 letters, digits, _, - and /; not alias/acs...
    pub alias_name: AliasName,
    /// A key id or ARN.
    pub key_id: KeyRef<'static>,
}

impl Action for CreateAlias {
    const NAME: &'static str = "CreateAlias";
    const ACCESS: Access = Access::Write;
    type Answer = Done;

    fn run(&mut self, door: &Door<'_>) -> Result<Done> {
        if self.alias_name.is_reserved() {
            return Err(Error::invalid("AliasName", "Names from alias/acs on are the service's."));
        }
        door.permit(Target::Alias(&self.alias_name))?;
        door.settle()?;
        door.change_key(&self.key_id, Aliases::Refused, Rule::Name, |transaction, key| {
            if transaction.alias(&key.space, &self.alias_name)?.is_some() {
                return Err(ErrorCode::AliasExists.into());
            }
            transaction.room_for(&key.space, Resource::Aliases)?;
            transaction.add_alias(key, &self.alias_name)?;
            Ok(Done {})
        })
    }
}

/// Has an alias stand for another key.
#[derive(Debug, Deserialize, JsonSchema, Serialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct UpdateAlias {
    /// The alias.
    pub alias_name: AliasName,
    /// The key that it is to stand for: a key id or ARN.
    pub key_id: KeyRef<'static>,
}

impl Action for UpdateAlias {
    const NAME: &'static str = "UpdateAlias";
    const ACCESS: Access = Access::Write;
    type Answer = Done;

    fn run(&mut self, door: &Door<'_>) -> Result<Done> {
        door.permit(Target::Alias(&self.alias_name))?;
        door.settle()?;
        door.change_key(&self.key_id, Aliases::Refused, Rule::Annotate, |transaction, key| {
            let alias = transaction.alias(&key.space, &self.alias_name)?;
            let alias = alias.ok_or_else(|| door.absent(None, ErrorCode::AliasNotFound))?;
            if alias.key != key.id {
                let before = door.stored(transaction, &alias.key)?;
                let mut after = before.clone();
                transaction.move_alias(alias, &mut after, key)?;
                transaction.put_key(Some(&before), &after)?;
            }
            Ok(Done {})
        })
    }
}

/// Takes a name from its key.
#[derive(Debug, Deserialize, JsonSchema, Serialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct DeleteAlias {
    /// The alias.
    pub alias_name: AliasName,
}

impl Action for DeleteAlias {
    const NAME: &'static str = "DeleteAlias";
    const ACCESS: Access = Access::Write;
    type Answer = Done;

    fn run(&mut self, door: &Door<'_>) -> Result<Done> {
        door.permit(Target::Alias(&self.alias_name))?;
        door.settle()?;
        door.change(|transaction| {
            let alias = transaction.alias(door.space(), &self.alias_name)?;
            let alias = alias.ok_or_else(|| door.absent(None, ErrorCode::AliasNotFound))?;
            let before = door.stored(transaction, &alias.key)?;
            let mut after = before.clone();
            transaction.remove_alias(&mut after, &alias)?;
            transaction.put_key(Some(&before), &after)?;
            Ok(Done {})
        })
    }
}

/// Lists the aliases of the account in the region, in order of creation.
#[derive(Debug, Default, Deserialize, JsonSchema, Serialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct ListAliases {
    /// The page, from 1. Default: 1.
    #[serde(default)]
    pub page_number: Option<u32>,
    /// Aliases per page, 1 to 100. Default: 10.
    #[serde(default)]
    pub page_size: Option<u32>,
}

/// Lists the aliases of a key, in order of creation.
#[derive(Debug, Deserialize, JsonSchema, Serialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct ListAliasesByKeyId {
    /// A key id or ARN.
    pub key_id: KeyRef<'static>,
    /// The page, from 1. Default: 1.
    #[serde(default)]
    pub page_number: Option<u32>,
    /// Aliases per page, 1 to 100. Default: 10.
    #[serde(default)]
    pub page_size: Option<u32>,
}

/// A page of aliases.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct AliasList {
    /// The aliases of the page.
    pub aliases: AliasesOfPage,
    /// Which page, and how many aliases there are in all.
    #[serde(flatten)]
    pub paging: Paging,
}

/// Lists nest two deep in the API.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct AliasesOfPage {
    /// The aliases.
    pub alias: Vec<ListedAlias>,
}

/// An alias in a list.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct ListedAlias {
    /// Its name.
    pub alias_name: AliasName,
    /// The key it stands for.
    pub key_id: KeyId,
    /// Its ARN.
    pub alias_arn: String,
}

impl Action for ListAliases {
    const NAME: &'static str = "ListAliases";
    const ACCESS: Access = Access::Read;
    type Answer = AliasList;

    fn run(&mut self, door: &Door<'_>) -> Result<AliasList> {
        let wanted = Wanted::new(self.page_number, self.page_size)?;
        door.permit(Target::Aliases)?;
        door.count(Class::Read, None)?;
        door.settle()?;
        Ok(AliasList::of(wanted, door.aliases(None, wanted.skip(), wanted.limit())?))
    }
}

impl Action for ListAliasesByKeyId {
    const NAME: &'static str = "ListAliasesByKeyId";
    const ACCESS: Access = Access::Read;
    type Answer = AliasList;

    fn run(&mut self, door: &Door<'_>) -> Result<AliasList> {
        let wanted = Wanted::new(self.page_number, self.page_size)?;
        let key = door.key(&self.key_id, Aliases::Refused, Rule::Always)?;
        Ok(AliasList::of(wanted, door.aliases(Some(&key), wanted.skip(), wanted.limit())?))
    }
}

impl AliasList {
    fn of(wanted: Wanted, page: AliasPage) -> Self {
        let listed = |alias: AliasRecord| ListedAlias {
            alias_arn: alias_arn(&alias.space, &alias.name),
            alias_name: alias.name,
            key_id: alias.key,
        };
        let alias = page.aliases.into_iter().map(listed).collect();
        Self { aliases: AliasesOfPage { alias }, paging: wanted.of(page.total) }
    }
}
