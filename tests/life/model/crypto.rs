//! Cryptography, as far as it tells of a key's life (chapter 12).

use serde_json::{Value, json};

use super::{Ciphertext, Model, Signature};
use crate::call::{Call, Refusal, Verdict};

impl Model {
    pub(super) fn encrypt(&mut self, call: &Call) -> Verdict {
        let key = self.admit(call, "KeyId")?;
        let context = call.params.get("EncryptionContext").cloned();
        let blob = self.seal(key, call.text("Plaintext").to_owned(), context);
        Ok(self.sealed(key, &blob))
    }

    pub(super) fn generate_data_key(&mut self, call: &Call) -> Verdict {
        let key = self.admit(call, "KeyId")?;
        let plaintext = self.name("data");
        let context = call.params.get("EncryptionContext").cloned();
        let blob = self.seal(key, plaintext.clone(), context);
        let mut answer = self.sealed(key, &blob);
        answer["Plaintext"] = plaintext.into();
        Ok(answer)
    }

    /// Any version decrypts as long as its key is enabled.
    pub(super) fn decrypt(&mut self, call: &Call) -> Verdict {
        let ciphertext = self.source(call)?;
        let ciphertext = &self.ciphertexts[ciphertext];
        if ciphertext.context.as_ref() != call.params.get("EncryptionContext") {
            return Err(Refusal("InvalidParameter", "CiphertextBlob"));
        }
        Ok(json!({
            "KeyId": self.keys[ciphertext.key].id,
            "KeyVersionId": ciphertext.version,
            "Plaintext": ciphertext.plaintext,
        }))
    }

    pub(super) fn re_encrypt(&mut self, call: &Call) -> Verdict {
        let source = self.source(call)?;
        let to = self.admit(call, "DestinationKeyId")?;
        let source = &self.ciphertexts[source];
        if source.context.as_ref() != call.params.get("SourceEncryptionContext") {
            return Err(Refusal("InvalidParameter", "CiphertextBlob"));
        }
        let mut answer = json!({
            "KeyId": self.keys[source.key].id,
            "KeyVersionId": source.version,
        });
        let context = call.params.get("DestinationEncryptionContext").cloned();
        let blob = self.seal(to, source.plaintext.clone(), context);
        answer["CiphertextBlob"] = blob.into();
        Ok(answer)
    }

    pub(super) fn asymmetric_sign(&mut self, call: &Call) -> Verdict {
        let key = self.admit(call, "KeyId")?;
        let version = self.keys[key].version(call.text("KeyVersionId"))?.id.clone();
        let value = self.name("signature");
        let digest = call.text("Digest").to_owned();
        let answer = json!({
            "KeyId": self.keys[key].id,
            "KeyVersionId": version,
            "Value": value,
        });
        self.signatures.push(Signature { value, key, version, digest });
        Ok(answer)
    }

    pub(super) fn asymmetric_verify(&mut self, call: &Call) -> Verdict {
        let key = self.admit(call, "KeyId")?;
        let version = &self.keys[key].version(call.text("KeyVersionId"))?.id;
        let is_it = |signature: &&Signature| signature.value == call.text("Value");
        let signature = self.signatures.iter().find(is_it).unwrap();
        let is_valid = signature.version == *version && signature.digest == call.text("Digest");
        Ok(json!({
            "KeyId": self.keys[key].id,
            "KeyVersionId": version,
            "Value": is_valid,
        }))
    }

    pub(super) fn get_public_key(&mut self, call: &Call) -> Verdict {
        let key = self.admit(call, "KeyId")?;
        let version = self.keys[key].version(call.text("KeyVersionId"))?;
        Ok(json!({
            "KeyId": self.keys[key].id,
            "KeyVersionId": version.id,
            "PublicKey": version.public_key,
        }))
    }

    /// The ciphertext of the call, if its key may be used.
    fn source(&mut self, call: &Call) -> Result<usize, Refusal> {
        let is_it = |ciphertext: &Ciphertext| ciphertext.blob == call.text("CiphertextBlob");
        let at = self.ciphertexts.iter().position(is_it).unwrap();
        let key = self.ciphertexts[at].key;
        if self.keys[key].is_gone() || self.keys[key].space != call.space {
            return Err(Refusal("Forbidden.KeyNotFound", ""));
        }
        self.admit_key(call, key)?;
        Ok(at)
    }

    fn seal(&mut self, key: usize, plaintext: String, context: Option<Value>) -> String {
        let blob = self.name("blob");
        let version = self.keys[key].newest().id.clone();
        let sealed = Ciphertext { blob: blob.clone(), plaintext, context, key, version };
        self.ciphertexts.push(sealed);
        blob
    }

    fn sealed(&self, key: usize, blob: &str) -> Value {
        let key = &self.keys[key];
        json!({ "KeyId": key.id, "KeyVersionId": key.newest().id, "CiphertextBlob": blob })
    }
}
