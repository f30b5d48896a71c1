//! Commands on aliases.

use serde_json::json;

use super::{ALIASES, key_reference, one};
use crate::call::Call;
use crate::dice::Dice;
use crate::model::Model;

/// Any name; in three of four cases one that is taken, if `taken` is asked for.
fn alias_name(dice: &mut Dice<'_>, model: &Model, space: usize, taken: bool) -> String {
    if dice.rarely(16) {
        let long = format!("alias/{}", "x".repeat(250 + dice.below(10)));
        let odd = ["alias/", "a", "alias/ä", "alias/acs/x", "Alias/a", "alias/a b", &long];
        return dice.pick(&odd).to_owned();
    }
    let here: Vec<_> = model.aliases.iter().filter(|alias| alias.space == space).collect();
    match dice.any(&here) {
        Some(alias) if taken && !dice.rarely(4) => alias.name.clone(),
        _ => dice.pick(&ALIASES).to_owned(),
    }
}

pub fn create_alias(dice: &mut Dice<'_>, model: &Model, space: usize) -> Option<Vec<Call>> {
    let name = alias_name(dice, model, space, false);
    let key = key_reference(dice, model, space);
    one(space, "CreateAlias", json!({ "AliasName": name, "KeyId": key }))
}

pub fn update_alias(dice: &mut Dice<'_>, model: &Model, space: usize) -> Option<Vec<Call>> {
    let name = alias_name(dice, model, space, true);
    let key = key_reference(dice, model, space);
    one(space, "UpdateAlias", json!({ "AliasName": name, "KeyId": key }))
}

pub fn delete_alias(dice: &mut Dice<'_>, model: &Model, space: usize) -> Option<Vec<Call>> {
    let name = alias_name(dice, model, space, true);
    one(space, "DeleteAlias", json!({ "AliasName": name }))
}
