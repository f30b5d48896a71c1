//! Commands: what proptest makes up, and the calls that it becomes on what there is at that moment.

mod aliases;
mod crypto;
mod import;
mod keys;
mod lists;
mod tags;
mod versions;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::strategy::Union;
use serde_json::{Value, json};

use crate::call::Call;
use crate::dice::Dice;
use crate::model::{Alias, Key, Model, TICK};

/// What is to be done, and the numbers that fill it in.
#[derive(Clone, Debug)]
pub struct Command {
    make: Maker,
    dice: [u8; 12],
}

/// What makes the calls of a command in a space.
type Maker = fn(&mut Dice<'_>, &Model, usize) -> Option<Vec<Call>>;

/// With their weights.
const KINDS: &[(u32, Maker)] = &[
    // What others shrink to.
    (1, |_, _, _| None),
    (6, keys::describe_key),
    (12, keys::advance_clock),
    (4, keys::create_key),
    (2, |_, _, _| one(0, TICK, json!({}))),
    (4, |dice, model, space| keys::switch(dice, model, space, "EnableKey")),
    (4, |dice, model, space| keys::switch(dice, model, space, "DisableKey")),
    (4, keys::schedule_key_deletion),
    (4, |dice, model, space| keys::switch(dice, model, space, "CancelKeyDeletion")),
    (3, keys::set_deletion_protection),
    (1, keys::update_key_description),
    (4, versions::create_key_version),
    (2, versions::describe_key_version),
    (2, lists::versions),
    (6, versions::update_rotation_policy),
    (5, aliases::create_alias),
    (4, aliases::update_alias),
    (3, aliases::delete_alias),
    (3, lists::aliases),
    (2, lists::aliases_by_key_id),
    (6, lists::keys),
    (4, tags::tag_resource),
    (3, tags::untag_resource),
    (2, tags::list_resource_tags),
    (3, tags::tag_resources),
    (2, tags::untag_resources),
    (3, tags::list_tag_resources),
    (8, crypto::encrypt),
    (3, crypto::generate_data_key),
    (14, crypto::decrypt),
    (4, crypto::re_encrypt),
    (4, crypto::sign),
    (5, crypto::verify),
    (2, crypto::get_public_key),
    (2, import::get_parameters_for_import),
    (10, import::import_key_material),
    (3, import::delete_key_material),
    (1, versions::many_versions),
    (1, tags::many_tags),
];

/// Some keys to begin with and what they have encrypted, then anything.
pub fn sequences() -> impl Strategy<Value = Vec<Command>> {
    let make = |make: Maker| any::<[u8; 12]>().prop_map(move |dice| Command { make, dice });
    let both = (make(keys::create_key), make(crypto::encrypt))
        .prop_map(|(create, encrypt)| [create, encrypt]);
    let kinds = KINDS.iter().map(|(weight, make)| (*weight, Just(*make)));
    let kind = Union::new_weighted(kinds.collect());
    let other = (kind, any::<[u8; 12]>()).prop_map(|(make, dice)| Command { make, dice });
    (vec(both, 1..4), vec(other, 10..40))
        .prop_map(|(first, then)| first.into_iter().flatten().chain(then).collect())
}

impl Command {
    /// None if there is nothing to do it to.
    pub fn calls(&self, model: &Model) -> Vec<Call> {
        let mut dice = Dice::new(&self.dice);
        let living: Vec<_> = model.keys.iter().filter(|key| !key.is_gone()).collect();
        // Where there is a key, most often.
        let space = match dice.any(&living) {
            Some(key) if !dice.rarely(12) => key.space,
            _ => dice.pick(&[0, 0, 0, 0, 1, 2]),
        };
        (self.make)(&mut dice, model, space).unwrap_or_default()
    }
}

pub fn one(space: usize, action: &'static str, params: Value) -> Option<Vec<Call>> {
    Some(vec![Call::new(space, action, params)])
}

/// A key, most often one that is there and of the space.
pub fn key<'m>(dice: &mut Dice<'_>, model: &'m Model, space: usize) -> Option<&'m Key> {
    if dice.rarely(12) {
        return dice.any(&model.keys);
    }
    dice.any(&model.living(space)).copied()
}

/// One of those that `is_wanted`, else any.
pub fn key_that<'m>(
    dice: &mut Dice<'_>,
    model: &'m Model,
    space: usize,
    is_wanted: impl Fn(&Key) -> bool,
) -> Option<&'m Key> {
    let mut wanted = model.living(space);
    wanted.retain(|key| is_wanted(key));
    if wanted.is_empty() || dice.rarely(8) {
        return key(dice, model, space);
    }
    dice.any(&wanted).copied()
}

/// What names the key: its id, its ARN, an alias of it if it has one; or something that does not.
pub fn reference(dice: &mut Dice<'_>, model: &Model, key: Option<&Key>) -> String {
    let Some(key) = key else { return UNKNOWN.to_owned() };
    match dice.below(16) {
        0..9 => key.id.clone(),
        9..12 => key.arn(),
        12..14 => {
            let is_its = |alias: &&Alias| model.keys[alias.key].id == key.id;
            let aliases: Vec<_> = model.aliases.iter().filter(is_its).collect();
            dice.any(&aliases).map_or(key.id.clone(), |alias| alias.name.clone())
        }
        14 => dice.pick(&ALIASES).to_owned(),
        _ => dice.pick(&[UNKNOWN, "alias/ä", "nonsense", "acs:kms:cn-hangzhou:1:key/x"]).to_owned(),
    }
}

fn key_reference(dice: &mut Dice<'_>, model: &Model, space: usize) -> String {
    let key = key(dice, model, space);
    reference(dice, model, key)
}

pub const UNKNOWN: &str = "2ab1a983-7072-4bbc-a582-584b5bd8ecf3";
pub const ALIASES: [&str; 6] =
    ["alias/a", "alias/b", "alias/c", "alias/team/x_1-2", "alias/a/b", "alias/A"];
