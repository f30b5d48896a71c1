//! Keys and their deletion (chapter 6).

use serde_json::{Value, json};

use super::{DAY, Key, Model, State, tags, versions};
use crate::call::{Call, Refusal, SPACES, Verdict, utc};

impl Model {
    pub(super) fn create_key(&mut self, call: &Call) -> Verdict {
        let spec = call.text("KeySpec").to_owned();
        let is_external = call.text("Origin") == "EXTERNAL";
        let is_hsm = call.text("ProtectionLevel") == "HSM";
        let is_symmetric = spec.starts_with("Aliyun_");
        let rotation = match call.flag("EnableAutomaticRotation") {
            false => None,
            true if is_external || !is_symmetric => {
                return Err(Refusal("InvalidParameter", "EnableAutomaticRotation"));
            }
            true => Some(versions::interval(call)?),
        };
        let tags = tags::parse(call.items("Tags"), 20)?;
        let (_, region) = SPACES[call.space];
        let is_gm_only = matches!(spec.as_str(), "Aliyun_SM4" | "EC_SM2");
        if is_gm_only && !(is_hsm && region == "cn-hangzhou") {
            return Err(Refusal("InvalidParameter", "KeySpec"));
        }
        let (id, version) = (self.name("key"), self.new_version());
        let state = if is_external { State::PendingImport } else { State::Enabled };
        let key = Key {
            id,
            space: call.space,
            spec,
            is_external,
            is_hsm,
            state,
            versions: vec![version],
            tags,
            created: self.now,
            description: call.text("Description").to_owned(),
            delete_date: None,
            rotation,
            protection: None,
            has_material: !is_external,
            expires: None,
            to_sweep: [false; 2],
            first_material: None,
        };
        let answer = json!({ "KeyMetadata": key.metadata() });
        if !is_symmetric {
            // The only way to learn its version.
            self.questions.push(Call::new(
                call.space,
                "ListKeyVersions",
                json!({ "KeyId": key.id }),
            ));
        }
        self.keys.push(key);
        Ok(answer)
    }

    pub(super) fn describe_key(&mut self, call: &Call) -> Verdict {
        let key = self.admit(call, "KeyId")?;
        let key = &self.keys[key];
        let mut metadata = key.metadata();
        let protected = if key.protection.is_some() { "Enabled" } else { "Disabled" };
        metadata["DeletionProtection"] = protected.into();
        metadata["DeletionProtectionDescription"] = key.protection.as_deref().unwrap_or("").into();
        Ok(json!({ "KeyMetadata": metadata }))
    }

    pub(super) fn switch(&mut self, call: &Call, to: State) -> Verdict {
        let key = self.admit(call, "KeyId")?;
        self.keys[key].state = to;
        self.touch(key);
        Ok(json!({}))
    }

    pub(super) fn schedule_key_deletion(&mut self, call: &Call) -> Verdict {
        let days = call.number("PendingWindowInDays").unwrap_or(30);
        if !(7..=366).contains(&days) {
            return Err(Refusal("InvalidParameter", "PendingWindowInDays"));
        }
        let key = self.admit(call, "KeyId")?;
        let (now, key) = (self.now, &mut self.keys[key]);
        if key.protection.is_some() {
            return Err(Refusal("Rejected.StateModifiedFailed", "deletion protection"));
        }
        key.state = State::PendingDeletion;
        key.delete_date = Some(now + days * DAY);
        Ok(json!({}))
    }

    pub(super) fn cancel_key_deletion(&mut self, call: &Call) -> Verdict {
        let at = self.admit(call, "KeyId")?;
        let key = &mut self.keys[at];
        key.state = if key.has_material { State::Enabled } else { State::PendingImport };
        key.delete_date = None;
        self.touch(at);
        Ok(json!({}))
    }

    pub(super) fn set_deletion_protection(&mut self, call: &Call) -> Verdict {
        let id = |name: &str| call.text(name).rsplit('/').next().unwrap().to_owned();
        let name = match (call.has("ProtectedResourceArn"), call.has("KeyId")) {
            (true, true) if id("ProtectedResourceArn") != id("KeyId") => {
                return Err(Refusal("InvalidParameter", "KeyId"));
            }
            (true, _) => "ProtectedResourceArn",
            (_, true) => "KeyId",
            _ => return Err(Refusal("MissingParameter", "ProtectedResourceArn")),
        };
        let key = self.find(call.space, call.text(name), false)?;
        let key = self.admit_key(call, key)?;
        let reason = call.text("DeletionProtectionDescription").to_owned();
        self.keys[key].protection = call.flag("EnableDeletionProtection").then_some(reason);
        Ok(json!({}))
    }

    pub(super) fn update_key_description(&mut self, call: &Call) -> Verdict {
        let key = self.admit(call, "KeyId")?;
        call.text("Description").clone_into(&mut self.keys[key].description);
        Ok(json!({}))
    }
}

impl Key {
    /// As CreateKey answers it.
    fn metadata(&self) -> Value {
        let newest = self.newest();
        let or_empty = |time: Option<u64>| time.map_or(String::new(), utc);
        let rotation = match (self.rotation, self.state) {
            (None, _) => "Disabled",
            (_, State::Disabled | State::PendingDeletion) => "Suspended",
            _ => "Enabled",
        };
        let mut metadata = json!({
            "KeyId": self.id,
            "Arn": self.arn(),
            "Creator": SPACES[self.space].0,
            "Description": self.description,
            "CreationDate": utc(self.created),
            "KeySpec": self.spec,
            "KeyUsage": if self.is_symmetric() { "ENCRYPT/DECRYPT" } else { "SIGN/VERIFY" },
            "KeyState": format!("{:?}", self.state),
            "Origin": if self.is_external { "EXTERNAL" } else { "Aliyun_KMS" },
            "ProtectionLevel": if self.is_hsm { "HSM" } else { "SOFTWARE" },
            "LastRotationDate": utc(newest.created),
            "AutomaticRotation": rotation,
            "DeleteDate": or_empty(self.delete_date),
            "MaterialExpireTime": or_empty(self.expires),
        });
        if self.is_symmetric() {
            metadata["PrimaryKeyVersion"] = newest.id.as_str().into();
        }
        if let Some(interval) = self.rotation {
            metadata["RotationInterval"] = format!("{interval}s").into();
            metadata["NextRotationDate"] = utc(newest.created + interval).into();
        }
        metadata
    }

    /// Awaits the same material again, unless it awaits its end.
    pub(super) fn lose_material(&mut self) {
        (self.has_material, self.expires) = (false, None);
        if self.state != State::PendingDeletion {
            self.state = State::PendingImport;
        }
    }

    pub(super) fn take_material(&mut self, material: &str, expires: Option<u64>) {
        (self.has_material, self.expires) = (true, expires);
        self.first_material = Some(material.to_owned());
        if self.state == State::PendingImport {
            self.state = State::Enabled;
        }
    }
}
