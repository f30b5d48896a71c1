//! Aliases (chapter 9).

use serde_json::{Value, json};

use super::{Alias, Model, page};
use crate::call::{Call, Refusal, SPACES, Verdict};

impl Model {
    pub(super) fn create_alias(&mut self, call: &Call) -> Verdict {
        let name = name(call)?;
        if name.starts_with("alias/acs") {
            return Err(Refusal("InvalidParameter", "AliasName"));
        }
        let key = self.admit(call, "KeyId")?;
        if self.alias(call.space, name).is_ok() {
            return Err(Refusal("AliasAlreadyExists", ""));
        }
        self.aliases.push(Alias { name: name.to_owned(), space: call.space, key });
        Ok(json!({}))
    }

    pub(super) fn update_alias(&mut self, call: &Call) -> Verdict {
        let name = name(call)?;
        let key = self.admit(call, "KeyId")?;
        let alias = self.alias(call.space, name)?;
        let old = std::mem::replace(&mut self.aliases[alias].key, key);
        self.touch(old);
        Ok(json!({}))
    }

    pub(super) fn delete_alias(&mut self, call: &Call) -> Verdict {
        let alias = self.alias(call.space, name(call)?)?;
        let alias = self.aliases.remove(alias);
        self.touch(alias.key);
        Ok(json!({}))
    }

    pub(super) fn list_aliases(&mut self, call: &Call) -> Verdict {
        let (items, mut answer) = page(call, self.tell_aliases(call.space, |_| true))?;
        answer["Aliases"] = json!({ "Alias": items });
        Ok(answer)
    }

    pub(super) fn list_aliases_by_key_id(&mut self, call: &Call) -> Verdict {
        page(call, Vec::new())?;
        let key = self.admit(call, "KeyId")?;
        let (items, mut answer) =
            page(call, self.tell_aliases(call.space, |alias| alias.key == key))?;
        answer["Aliases"] = json!({ "Alias": items });
        Ok(answer)
    }

    fn tell_aliases(&self, space: usize, is_wanted: impl Fn(&Alias) -> bool) -> Vec<Value> {
        let (account, region) = SPACES[space];
        let wanted = self.aliases.iter().filter(|alias| alias.space == space && is_wanted(alias));
        let tell = |alias: &Alias| {
            json!({
                "AliasName": alias.name,
                "KeyId": self.keys[alias.key].id,
                "AliasArn": format!("acs:kms:{region}:{account}:{}", alias.name),
            })
        };
        wanted.map(tell).collect()
    }
}

fn name(call: &Call) -> Result<&str, Refusal> {
    let name = call.text("AliasName");
    let fits = |rest: &str| {
        (1..=255).contains(&rest.len())
            && rest.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-/".contains(&byte))
    };
    match name.strip_prefix("alias/").is_some_and(fits) {
        true => Ok(name),
        false => Err(Refusal("InvalidParameter", "AliasName")),
    }
}
