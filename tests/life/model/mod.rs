//! A small key management service: what the reference says, in plain structs and without any
//! cryptography. Chapters are those of the API reference.

mod aliases;
mod crypto;
mod import;
mod keys;
mod lists;
mod states;
mod tags;
mod versions;

use std::collections::{BTreeMap, HashMap};

use serde_json::{Value, json};

use crate::call::{Call, Refusal, SPACES, Verdict};
pub use import::Token;
pub use states::{State, algorithm};

/// Where a manual clock starts.
pub const START: u64 = 1_562_246_055;
pub const DAY: u64 = 86_400;
/// Not an action: the sweep of all that is due.
pub const TICK: &str = "Tick";

/// Lists, and calls that concern names and several keys: they may bring all keys up to the present.
const MAY_SWEEP: [&str; 9] = [
    "CreateAlias",
    "UpdateAlias",
    "DeleteAlias",
    "ListAliases",
    "ListAliasesByKeyId",
    "ListKeys",
    "TagResources",
    "UntagResources",
    "ListTagResources",
];

pub struct Model {
    pub now: u64,
    /// In order of creation, those that are gone included.
    pub keys: Vec<Key>,
    /// In order of creation.
    pub aliases: Vec<Alias>,
    pub ciphertexts: Vec<Ciphertext>,
    pub signatures: Vec<Signature>,
    pub tokens: Vec<Token>,
    /// Where pages of ListTagResources go on.
    cursors: HashMap<String, usize>,
    questions: Vec<Call>,
    /// Whether nobody has been asked for anything since the clock was moved.
    is_quiet: bool,
    names: u32,
}

pub struct Key {
    pub id: String,
    pub space: usize,
    pub spec: String,
    pub is_external: bool,
    pub is_hsm: bool,
    pub state: State,
    pub versions: Vec<Version>,
    pub tags: BTreeMap<String, String>,
    created: u64,
    description: String,
    delete_date: Option<u64>,
    rotation: Option<u64>,
    protection: Option<String>,
    has_material: bool,
    expires: Option<u64>,
    /// What the clock has brought and no sweep has seen: expiry, the end.
    to_sweep: [bool; 2],
    /// What it was first given, for life.
    pub first_material: Option<String>,
}

pub struct Version {
    pub id: String,
    pub created: u64,
    public_key: String,
}

pub struct Alias {
    pub name: String,
    pub space: usize,
    pub key: usize,
}

pub struct Ciphertext {
    pub blob: String,
    pub context: Option<Value>,
    pub key: usize,
    plaintext: String,
    version: String,
}

pub struct Signature {
    pub value: String,
    pub key: usize,
    pub version: String,
    pub digest: String,
}

impl Default for Model {
    fn default() -> Self {
        Self {
            now: START,
            keys: Vec::new(),
            aliases: Vec::new(),
            ciphertexts: Vec::new(),
            signatures: Vec::new(),
            tokens: Vec::new(),
            cursors: HashMap::new(),
            questions: Vec::new(),
            is_quiet: true,
            names: 0,
        }
    }
}

impl Key {
    pub fn is_symmetric(&self) -> bool {
        self.spec.starts_with("Aliyun_")
    }

    pub fn is_gone(&self) -> bool {
        self.state == State::Destroyed
    }

    pub fn arn(&self) -> String {
        let (account, region) = SPACES[self.space];
        format!("acs:kms:{region}:{account}:key/{}", self.id)
    }

    fn newest(&self) -> &Version {
        self.versions.last().unwrap()
    }

    fn next_rotation(&self) -> Option<u64> {
        self.rotation.map(|interval| self.newest().created + interval)
    }
}

impl Model {
    /// What the call must answer; the model is then as the store must be.
    pub fn predict(&mut self, call: &Call) -> Verdict {
        if ![TICK, "AdvanceClock"].contains(&call.action) {
            self.is_quiet = false;
        }
        if MAY_SWEEP.contains(&call.action) {
            self.touch_all();
        }
        match call.action {
            TICK => self.tick(),
            "AdvanceClock" => self.advance(call.number("Seconds").unwrap()),
            "CreateKey" => self.create_key(call),
            "DescribeKey" => self.describe_key(call),
            "EnableKey" => self.switch(call, State::Enabled),
            "DisableKey" => self.switch(call, State::Disabled),
            "ScheduleKeyDeletion" => self.schedule_key_deletion(call),
            "CancelKeyDeletion" => self.cancel_key_deletion(call),
            "SetDeletionProtection" => self.set_deletion_protection(call),
            "UpdateKeyDescription" => self.update_key_description(call),
            "GetParametersForImport" => self.get_parameters_for_import(call),
            "ImportKeyMaterial" => self.import_key_material(call),
            "DeleteKeyMaterial" => self.delete_key_material(call),
            "CreateKeyVersion" => self.create_key_version(call),
            "DescribeKeyVersion" => self.describe_key_version(call),
            "ListKeyVersions" => self.list_key_versions(call),
            "UpdateRotationPolicy" => self.update_rotation_policy(call),
            "CreateAlias" => self.create_alias(call),
            "UpdateAlias" => self.update_alias(call),
            "DeleteAlias" => self.delete_alias(call),
            "ListAliases" => self.list_aliases(call),
            "ListAliasesByKeyId" => self.list_aliases_by_key_id(call),
            "TagResource" => self.tag_resource(call),
            "UntagResource" => self.untag_resource(call),
            "ListResourceTags" => self.list_resource_tags(call),
            "TagResources" => self.tag_resources(call),
            "UntagResources" => self.untag_resources(call),
            "ListTagResources" => self.list_tag_resources(call),
            "ListKeys" => self.list_keys(call),
            "Encrypt" => self.encrypt(call),
            "GenerateDataKey" => self.generate_data_key(call),
            "Decrypt" => self.decrypt(call),
            "ReEncrypt" => self.re_encrypt(call),
            "AsymmetricSign" => self.asymmetric_sign(call),
            "AsymmetricVerify" => self.asymmetric_verify(call),
            "GetPublicKey" => self.get_public_key(call),
            other => panic!("the model knows no {other}"),
        }
    }

    /// The keys of a space that are there.
    pub fn living(&self, space: usize) -> Vec<&Key> {
        self.keys.iter().filter(|key| key.space == space && !key.is_gone()).collect()
    }

    /// Calls that show what the last one has, or may have, brought about.
    pub fn take_questions(&mut self) -> Vec<Call> {
        std::mem::take(&mut self.questions)
    }

    /// Moments to come at which something changes or begins to be allowed.
    pub fn dues(&self) -> Vec<u64> {
        let mut dues = Vec::new();
        for key in self.keys.iter().filter(|key| !key.is_gone()) {
            dues.extend(key.delete_date);
            dues.extend(key.expires);
            dues.extend(key.next_rotation());
            dues.extend((!key.is_symmetric()).then(|| key.newest().created + 7 * DAY));
        }
        dues.extend(self.tokens.iter().map(|token| token.not_after));
        dues.retain(|due| *due > self.now);
        dues.sort_unstable();
        dues.dedup();
        dues
    }

    fn advance(&mut self, seconds: u64) -> Verdict {
        self.now += seconds;
        for at in 0..self.keys.len() {
            let (now, key) = (self.now, &mut self.keys[at]);
            if key.expires.is_some_and(|expires| now >= expires) {
                key.lose_material();
                key.to_sweep[0] = true;
            }
            if key.delete_date.is_some_and(|date| now >= date) {
                key.state = State::Destroyed;
                key.to_sweep = [false, true];
                (key.delete_date, key.expires, key.rotation) = (None, None, None);
                self.aliases.retain(|alias| alias.key != at);
            }
        }
        Ok(json!({}))
    }

    /// How much a sweep finds is known if nobody came before it.
    fn tick(&mut self) -> Verdict {
        let count = |which: usize| self.keys.iter().filter(|key| key.to_sweep[which]).count();
        let [expired, deleted] = [count(0), count(1)];
        let is_known = self.is_quiet || (expired, deleted) == (0, 0);
        let known = |count: usize| if is_known { json!(count) } else { Value::Null };
        self.keys.iter_mut().for_each(|key| key.to_sweep = [false; 2]);
        self.is_quiet = true;
        let before: usize = self.keys.iter().map(|key| key.versions.len()).sum();
        self.touch_all();
        let after: usize = self.keys.iter().map(|key| key.versions.len()).sum();
        let (deleted, expired) = (known(deleted), known(expired));
        Ok(json!({ "Deleted": deleted, "Rotated": after - before, "Expired": expired }))
    }

    /// Rotates a key that is asked for if that is due. Nothing else waits to be done: destruction and
    /// expiry show at once.
    fn touch(&mut self, at: usize) {
        let (now, key) = (self.now, &self.keys[at]);
        let is_due = key.next_rotation().is_some_and(|due| now >= due);
        if key.state == State::Enabled && is_due {
            let version = self.new_version();
            self.keys[at].versions.push(version);
            let key = &self.keys[at];
            self.questions.push(Call::new(key.space, "DescribeKey", json!({ "KeyId": key.id })));
        }
    }

    fn touch_all(&mut self) {
        (0..self.keys.len()).for_each(|key| self.touch(key));
    }

    fn new_version(&mut self) -> Version {
        let (id, public_key) = (self.name("version"), self.name("public"));
        Version { id, created: self.now, public_key }
    }

    /// A name for something that the engine will make up.
    fn name(&mut self, kind: &str) -> String {
        self.names += 1;
        format!("${{{kind}{}}}", self.names)
    }

    /// The key that a reference names (chapter 1.3).
    fn find(&self, space: usize, reference: &str, takes_alias: bool) -> Result<usize, Refusal> {
        if reference.starts_with("alias/") {
            if !takes_alias {
                return Err(Refusal("Unsupported.Alias", ""));
            }
            let alias = self.alias(space, reference)?;
            return Ok(self.aliases[alias].key);
        }
        let is_it = |key: &Key| {
            key.space == space && !key.is_gone() && (key.id == reference || key.arn() == reference)
        };
        self.keys.iter().position(is_it).ok_or(Refusal("Forbidden.KeyNotFound", ""))
    }

    fn alias(&self, space: usize, name: &str) -> Result<usize, Refusal> {
        let is_it = |alias: &Alias| alias.space == space && alias.name == name;
        let found = self.aliases.iter().position(is_it);
        found.ok_or(Refusal("Forbidden.AliasNotFound", ""))
    }

    /// The key that `name` refers to, if the call suits it and its state allows it (chapter 4.2).
    fn admit(&mut self, call: &Call, name: &str) -> Result<usize, Refusal> {
        let takes_alias = name == "KeyId" && states::takes_alias(call.action);
        let at = self.find(call.space, call.text(name), takes_alias)?;
        self.admit_key(call, at)
    }

    fn admit_key(&mut self, call: &Call, at: usize) -> Result<usize, Refusal> {
        self.touch(at);
        let key = &self.keys[at];
        states::suits(call, key)?;
        states::allows(call.action, key.state)?;
        Ok(at)
    }
}

/// One page of a list: its items, and the members that all lists have (chapter 6.3).
fn page(call: &Call, items: Vec<Value>) -> Result<(Vec<Value>, Value), Refusal> {
    let number = call.number("PageNumber").unwrap_or(1);
    let size = call.number("PageSize").unwrap_or(10);
    if number == 0 {
        return Err(Refusal("InvalidParameter", "PageNumber"));
    }
    if size == 0 || size > 100 {
        return Err(Refusal("InvalidParameter", "PageSize"));
    }
    let rest = json!({ "TotalCount": items.len(), "PageNumber": number, "PageSize": size });
    let skip = (number - 1) * size;
    Ok((items.into_iter().skip(skip as usize).take(size as usize).collect(), rest))
}
