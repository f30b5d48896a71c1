//! Keys of a token of SoftHSM 2, taken over into an account: material that its token lets go, in fresh keys
//! of origin EXTERNAL. The keys are made like any others: the session's principal must be allowed
//! kms:CreateKey and, on what is made, kms:ImportKeyMaterial; kms:ListKeys to see what is here already,
//! and kms:CreateAlias for the names.

use std::path::Path;

use serde::Serialize;
use serde_json::json;

use crate::api::aliases::CreateAlias;
use crate::api::import::install;
use crate::api::keys::CreateKey;
use crate::api::list::ListKeys;
use crate::api::metadata::{KeyAnswer, KeyMetadata};
use crate::error::{ErrorCode, Result};
use crate::hsm::RawMaterial;
use crate::hsm::arena::{SecretBytes, arena};
use crate::kms::{Access, Action, Door, Session, with_room};
use crate::model::{
    AliasName, JsonText, KeyId, KeyRef, KeySpec, KeyUsage, Making, Origin, ProtectionLevel,
};
use crate::softhsm::{Found, Key, Token};

/// The tag that says of which object of which token a key was made.
const SOURCE: &str = "softhsm";
/// The tag that has CKA_ID, in hexadecimal.
const ID: &str = "CKA_ID";
/// The longest value of a tag.
const MAX_TAG: usize = 128;
/// How many keys of one label find a name.
const MAX_NAMESAKES: usize = 1000;

/// What is to be taken from a token.
pub struct ImportSoftHsm<'a> {
    /// The token's directory, with its token.object.
    pub directory: &'a Path,
    /// The user's PIN.
    pub pin: &'a [u8],
    /// How the keys are held here. Default: SOFTWARE.
    pub protection_level: Option<ProtectionLevel>,
    /// What keys of RSA are for that the token lets both sign and decrypt. Default: SIGN/VERIFY.
    pub key_usage: Option<KeyUsage>,
    /// Tell what would be taken, and take nothing.
    pub dry_run: bool,
}

/// What has become of the keys of a token.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct SoftHsmReport {
    /// The token's label.
    pub token_label: String,
    /// The token's serial number.
    pub token_serial: String,
    /// The keys that are here now, in the order of their ids.
    pub taken: Vec<TakenKey>,
    /// The keys that stay where they are.
    pub refused: Vec<RefusedKey>,
}

/// A key that has been taken over.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct TakenKey {
    /// CKA_LABEL.
    pub label: String,
    /// The object's id: the name of its file.
    pub id: String,
    /// The key that was made of it; none in a dry run.
    pub key_id: Option<KeyId>,
    /// Its kind.
    pub key_spec: KeySpec,
    /// What it is for.
    pub key_usage: KeyUsage,
    /// Its name, made of the label, if there is one and the caller may give names.
    pub alias: Option<String>,
}

/// A key that has not been taken over.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct RefusedKey {
    /// CKA_LABEL.
    pub label: String,
    /// The object's id: the name of its file.
    pub id: String,
    /// The reason, for people.
    pub why: String,
}

/// Takes over the keys of a token that its owner lets go, each in a change and with an event of its own.
/// What was taken before is not taken again. [`ErrorCode::TokenFailed`] for what is no token, and for a
/// wrong PIN; what is the matter with one key is in the report. `watch` hears how many objects have been looked
/// at, of how many.
pub fn import_softhsm(
    session: &Session,
    request: &ImportSoftHsm<'_>,
    watch: &mut dyn FnMut(u64, u64),
) -> Result<SoftHsmReport> {
    let token = Token::read(request.directory)?;
    let mut token_key = with_room(|| Ok(arena().alloc(32)?))?;
    token_key.write(|key| {
        token.unlock(request.pin, key.first_chunk_mut().ok_or(ErrorCode::Internal)?)
    })?;
    let (mut taken, mut refused) = (Vec::new(), Vec::new());
    let found = token_key.read(|key| Ok(token.keys(key32(key)?)))?;
    let total = found.len() as u64;
    for (done, Found { id, label, key }) in (0..).zip(found) {
        watch(done, total);
        let source = format!("{}/{id}", token.serial());
        let outcome = match key {
            Ok(key) => {
                Taking { session, request, token_key: &token_key, source, label: &label }.take(&key)
            }
            Err(why) => Ok(Err(why)),
        };
        let id = id.to_owned();
        match outcome? {
            Ok(key) => taken.push(TakenKey { label, id, ..key }),
            Err(why) => refused.push(RefusedKey { label, id, why }),
        }
    }
    let (token_label, token_serial) = (token.label().to_owned(), token.serial().to_owned());
    Ok(SoftHsmReport { token_label, token_serial, taken, refused })
}

fn key32(key: &[u8]) -> Result<&[u8; 32]> {
    key.try_into().map_err(|_| ErrorCode::Internal.into())
}

/// One key on its way.
struct Taking<'a> {
    session: &'a Session,
    request: &'a ImportSoftHsm<'a>,
    token_key: &'a SecretBytes,
    source: String,
    label: &'a str,
}

impl Taking<'_> {
    /// The key that is made, or why none is. What concerns not this key alone is an error.
    fn take(&self, key: &Key<'_>) -> Result<Result<TakenKey, String>> {
        if let Some(known) = self.known()? {
            return Ok(Err(format!("The key {known} has been made of it before.")));
        }
        match self.made(key) {
            Ok(taken) => Ok(Ok(taken)),
            // Arguments, permission, the state of things, cryptography: another key may have more luck.
            Err(error) if error.code().number() < 600 => Ok(Err(error.to_string())),
            Err(error) => Err(error),
        }
    }

    /// The key that was made of the object before.
    fn known(&self) -> Result<Option<KeyId>> {
        let filters = json!([
            { "Key": "TagKey", "Values": [SOURCE] },
            { "Key": "TagValue", "Values": [self.source] },
        ]);
        let filters = Some(JsonText(filters.to_string()));
        let list = self.session.call(ListKeys { filters, ..ListKeys::default() })?;
        Ok(list.answer.keys.key.first().map(|key| key.key_id))
    }

    fn made(&self, key: &Key<'_>) -> Result<TakenKey> {
        let key_spec = key.spec();
        let chosen = self.request.key_usage.filter(|usage| key.usages().contains(usage));
        let key_usage = chosen.or(key.usages().first().copied()).ok_or(ErrorCode::Internal)?;
        let level = self.request.protection_level.unwrap_or(ProtectionLevel::Software);
        let taken = |key_id, alias| TakenKey {
            label: String::new(),
            id: String::new(),
            key_id,
            key_spec,
            key_usage,
            alias,
        };
        if self.request.dry_run {
            self.session.space().profile.admit(key_spec, level)?;
            return Ok(taken(None, None));
        }
        let create = CreateKey {
            key_spec: Some(key_spec),
            key_usage: Some(key_usage),
            origin: Some(Origin::External),
            protection_level: Some(level),
            description: Some(self.label.to_owned()),
            tags: Some(self.tags(key.id())),
            ..CreateKey::default()
        };
        let write =
            |out: &mut [u8]| self.token_key.read(|token_key| key.material(key32(token_key)?, out));
        let made = self.session.call(TakeSoftHsmKey { create, write: &write })?;
        let id = made.answer.key_metadata.key_id;
        Ok(taken(Some(id), self.name(id)?))
    }

    fn tags(&self, id: &[u8]) -> JsonText {
        let mut tags = vec![json!({ "TagKey": SOURCE, "TagValue": self.source })];
        if !id.is_empty() && id.len() * 2 <= MAX_TAG {
            let digits: String = id.iter().map(|byte| format!("{byte:02x}")).collect();
            tags.push(json!({ "TagKey": ID, "TagValue": digits }));
        }
        JsonText(serde_json::Value::from(tags).to_string())
    }

    /// Names the key after its label, with a number if others have the name.
    fn name(&self, key: KeyId) -> Result<Option<String>> {
        let Some(first) = alias_of(self.label) else { return Ok(None) };
        for number in 1..=MAX_NAMESAKES {
            let name = if number == 1 { first.clone() } else { format!("{first}-{number}") };
            let alias_name = AliasName::parse(&name).map_err(|_| ErrorCode::Internal)?;
            let named = self.session.call(CreateAlias { alias_name, key_id: KeyRef::Id(key) });
            match named {
                Ok(_) => return Ok(Some(name)),
                Err(error) if error.code() == ErrorCode::AliasExists => {}
                // It is made and stays: it only has no name.
                Err(error) if error.code().number() < 600 => return Ok(None),
                Err(error) => return Err(error),
            }
        }
        Ok(None)
    }
}

/// A valid alias that is as much like the label as can be; none if nothing of it is left.
fn alias_of(label: &str) -> Option<String> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || "_-/".contains(c);
    let name: String = label.trim().chars().map(|c| if allowed(c) { c } else { '-' }).collect();
    let name = name.trim_matches('-');
    if name.is_empty() {
        return None;
    }
    // Names from alias/acs on are the service's; a number may follow.
    let mark = if name.starts_with("acs") { "softhsm-" } else { "" };
    let name: String = mark.chars().chain(name.chars()).take(255 - 5).collect();
    Some(format!("{}{name}", AliasName::PREFIX))
}

/// Makes a key of an object. It is in no table of actions: material in clear comes from nowhere else.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct TakeSoftHsmKey<'a> {
    #[serde(flatten)]
    create: CreateKey,
    #[serde(skip)]
    write: &'a dyn Fn(&mut [u8]) -> Result<usize>,
}

impl Action for TakeSoftHsmKey<'_> {
    const NAME: &'static str = "TakeSoftHsmKey";
    const ACCESS: Access = Access::Write;
    type Answer = KeyAnswer;

    fn run(&mut self, door: &Door<'_>) -> Result<KeyAnswer> {
        let plan = self.create.plan(&door.under(&["CreateKey"]))?;
        let permit = door.admit_use(plan.level, plan.spec, Making)?;
        // Held while there is material in clear: closing waits for it.
        let keyring = door.keyring()?;
        let material = door.with_room(|| RawMaterial::taken(permit, self.write))?;
        door.change(|transaction| {
            let mut key = plan.record(door, transaction)?;
            door.under(&["ImportKeyMaterial"]).permit_record(&key)?;
            let fingerprint = material.fingerprint(&keyring, &key.id, key.spec)?;
            install(transaction, &mut key, &material, fingerprint, None)?;
            transaction.put_key(None, &key)?;
            Ok(KeyAnswer { key_metadata: KeyMetadata::created(&key)? })
        })
    }
}
