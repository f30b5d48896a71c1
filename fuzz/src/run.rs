//! Makes the calls of a script and holds their answers against the contract.

use std::ptr;

use crate::abi::*;
use crate::asymmetric::Way;
use crate::json;
use crate::memory::Text;
use crate::script::*;
use crate::stored_trail::verify_trail;
use crate::stores::{create, create_with};
use crate::world::*;

const KINDS: &[&str] = &[
    r#"{"ProtectionLevel":"HSM"}"#,
    r#"{"KeySpec":"Aliyun_AES_256","ProtectionLevel":"SOFTWARE"}"#,
    r#"{"KeySpec":"Aliyun_AES_192"}"#,
    r#"{"KeySpec":"Aliyun_AES_128"}"#,
    r#"{"KeySpec":"Aliyun_SM4","ProtectionLevel":"HSM"}"#,
    r#"{"Origin":"EXTERNAL","ProtectionLevel":"HSM"}"#,
    r#"{"Origin":"EXTERNAL","KeySpec":"Aliyun_AES_128"}"#,
    r#"{"KeySpec":"EC_P256","ProtectionLevel":"HSM"}"#,
    r#"{"KeySpec":"EC_P256"}"#,
    r#"{"KeySpec":"EC_P256K"}"#,
    r#"{"KeySpec":"EC_SM2","KeyUsage":"SIGN/VERIFY","ProtectionLevel":"HSM"}"#,
    r#"{"KeySpec":"EC_SM2","KeyUsage":"ENCRYPT/DECRYPT","ProtectionLevel":"HSM"}"#,
    r#"{"KeySpec":"RSA_2048","KeyUsage":"ENCRYPT/DECRYPT"}"#,
    r#"{"KeySpec":"RSA_2048","KeyUsage":"SIGN/VERIFY"}"#,
];

pub(crate) const SPECS: &[&str] = &["EC_SM2", "RSA_2048", "", "RSA_4096"];
pub(crate) const ALGORITHMS: &[&str] = &[
    "RSAES_OAEP_SHA_256",
    "RSAES_OAEP_SHA_1",
    "RSAES_PKCS1_V1_5",
    "SM2PKE",
    "",
    "RSAES_OAEP_SHA_256_AES_256_ECB_PKCS7_PAD",
    "SM2PKE_SM4_ECB",
];

/// Runs a script in a world of its own.
pub fn run(script: &Script) {
    let mut world = World { may_be_slow: script.slow, ..World::default() };
    world.open(0, 0, &Input::Run(0, 0), 0, true);
    world.open_session(&Pick::Opened(0), 0, 0, true);
    world.create_key(&Pick::Opened(0), script.first);
    for call in &script.calls {
        world.step(call);
    }
    world.check();
    world.end();
}

impl World {
    fn step(&mut self, call: &Call) {
        match call {
            Call::Create { place, unlock, secret } => create(*place, *unlock, secret),
            Call::CreateWith { place, unlock, secret, options } => {
                create_with(*place, *unlock, secret, options);
            }
            Call::Open { place, unlock, secret, flags, out } => {
                let secret = secret.as_ref().unwrap_or(&Input::Run(0, 0));
                self.open(place.0, unlock.0, secret, flags.0, out.0);
            }
            Call::OpenWith { place, unlock, secret, options, out } => {
                let secret = secret.as_ref().unwrap_or(&Input::Run(0, 0));
                self.open_with(place.0, unlock.0, secret, options, out.0);
            }
            Call::Flush { store } => self.flush(store),
            Call::AuditExport { store, place, answer } => {
                self.export_trail(store, *place, answer.0);
            }
            Call::AuditVerify { place, public_key, head, answer } => {
                verify_trail(*place, public_key, head, answer.0);
            }
            Call::AuditKey { store, answer } => self.trail_key(store, answer.0),
            Call::Operate { store, name, parameters, answer } => {
                self.operate(store, *name, parameters, answer.0);
            }
            Call::Tick { store, answer } => self.tick(store, answer.0),
            Call::Close { store, really } if really.0 > 0 => self.close(store),
            Call::SessionOpen { store, account, region, out } => {
                self.open_session(store, account.0, region.0, out.0);
            }
            Call::SessionOpenWith { store, login, secret, out } => {
                let secret = secret.as_ref().unwrap_or(&Input::Run(0, 0));
                self.open_session_with(store, login, secret, out.0);
            }
            Call::SessionFree { session, really } if really.0 > 0 => self.free_session(session),
            Call::Close { .. } | Call::SessionFree { .. } => {}
            Call::Call { session, action, parameters, answer }
            | Call::CallAgain { session, action, parameters, answer } => {
                self.call(session, action, parameters, answer.0);
            }
            Call::CreateKey { session, kind } => self.create_key(session, *kind),
            Call::ModuleStatus { store, answer } => self.module_status(store, answer.0),
            Call::Encrypt { session, key, plaintext, context, out } => {
                self.encrypt(session, key, plaintext, context, out);
            }
            Call::Decrypt { session, ciphertext, context, out } => {
                self.decrypt(session, ciphertext, context, out);
            }
            Call::DataKey { session, key, bytes, context, out, sealed } => {
                self.data_key(session, key, bytes, context, Some(out), sealed);
            }
            Call::DataKeySealed { session, key, bytes, context, sealed } => {
                self.data_key(session, key, bytes, context, None, sealed);
            }
            Call::ImportParameters { session, key, how, public, token, time } => {
                self.import_parameters(session, key, *how, (public, token), time.0);
            }
            Call::Import { session, key, material, token, expires } => {
                self.import(session, key, material, token, *expires);
            }
            Call::Random { session, bytes, out } => self.random(session, bytes, out),
            Call::Sign { session, key, version, algorithm, digest, out } => {
                self.sign(session, &Way(key, version, *algorithm), digest, out);
            }
            Call::Verify { session, key, version, algorithm, digest, signature, is_valid } => {
                let way = Way(key, version, *algorithm);
                self.verify(session, &way, digest, signature, is_valid.0);
            }
            Call::SealForKey { session, key, version, algorithm, plaintext, out } => {
                self.seal_for_key(session, &Way(key, version, *algorithm), plaintext, out);
            }
            Call::OpenByKey { session, key, version, algorithm, ciphertext, out } => {
                self.open_by_key(session, &Way(key, version, *algorithm), ciphertext, out);
            }
            Call::PublicKey { session, key, version, out } => {
                self.public_key(session, &Way(key, version, 0), out);
            }
            Call::SignMessage { session, key, version, algorithm, user, message, out } => {
                let way = Way(key, version, *algorithm);
                self.sign_message(session, &way, user.as_ref(), message, out);
            }
            Call::VerifyMessage {
                session,
                key,
                version,
                algorithm,
                user,
                message,
                signature,
                is_valid,
            } => {
                let (way, message) = (Way(key, version, *algorithm), (user.as_ref(), message));
                self.verify_message(session, &way, message, signature, is_valid.0);
            }
            Call::DigestNew { session, key, version, algorithm, user, out } => {
                let way = Way(key, version, *algorithm);
                self.begin_digest(session, &way, user.as_ref(), out.0);
            }
            Call::DigestUpdate { digest, data } => self.update_digest(digest, data),
            Call::DigestFinish { digest, out } => self.finish_digest(digest, out),
            Call::ReEncrypt {
                session,
                source,
                ciphertext,
                source_context,
                destination,
                context,
                out,
            } => {
                let source = (source.as_ref(), ciphertext, source_context);
                self.re_encrypt(session, source, destination, context, out);
            }
            Call::Export { session, ciphertext, context, public, how, out } => {
                self.export(session, ciphertext, context, (public, *how), out);
            }
            Call::GenerateAndExport {
                session,
                key,
                bytes,
                context,
                public,
                how,
                sealed,
                exported,
            } => {
                let outputs = (sealed, exported);
                self.generate_and_export(session, (key, bytes), context, (public, *how), outputs);
            }
            Call::Wrap { how, public, material, out } => self.wrap(*how, public, material, out),
            Call::DigestFree { digest, really } if really.0 > 0 => self.free_digest(digest),
            Call::DigestFree { .. } => {}
            Call::SelfTest { answer, really } if really.0 > 128 => self_test(answer.0),
            Call::Zeroize { really } if really.0 > 128 => self.zeroize(),
            Call::SelfTest { .. } | Call::Zeroize { .. } => {}
            Call::SetKeyMemory { bytes } => {
                // SAFETY: no pointers. A store has been opened.
                let status = unsafe { kmshsm_set_key_memory(*bytes as usize) };
                judge(status);
                assert_ne!(status, OK);
            }
            Call::StatusName { status } => assert!(!name(*status).is_empty() && version() > "0"),
            // SAFETY: NULL is fine.
            Call::FreeNothing => unsafe { kmshsm_string_free(ptr::null_mut()) },
        }
    }

    fn create_key(&mut self, pick: &Pick, kind: u8) {
        let parameters = Parameters::Text(around(KINDS, kind).copied().unwrap_or_default().into());
        self.call(pick, &Action::Text("CreateKey".into()), &parameters, true);
    }

    fn call(&mut self, pick: &Pick, action: &Action, parameters: &Parameters, answer: bool) {
        let (session, found) = self.session(pick);
        let action = match action {
            Action::Known(at) => Some(json::action(*at)),
            Action::Text(text) => Some(text.as_str()),
            Action::Null => None,
        };
        let name = action.unwrap_or_default();
        let parameters = json::parameters(self, name, parameters);
        let makes_a_pair = ["CreateKey", "GetParametersForImport"].contains(&name);
        let is_slow = makes_a_pair && parameters.contains("RSA_");
        if is_slow && !self.take_slow() {
            return;
        }
        let text = action.map_or(Text::NULL, Text::new);
        let mut string = ptr::null_mut();
        let to = if answer { &raw mut string } else { ptr::null_mut() };
        // SAFETY: strings end with NUL or are NULL, `to` is to a place for one or NULL.
        let status = unsafe { kmshsm_call(session, text.as_ptr(), parameters.as_ptr(), to) };
        expect(status, &found);
        assert_eq!(status == OK, !string.is_null());
        if let (OK, Found::Number(at)) = (status, found) {
            self.learn(name, at, &take(string));
        }
    }

    /// Remembers what an action has made.
    fn learn(&mut self, action: &str, session: usize, answer: &serde_json::Value) {
        let Opened { store, space, .. } = self.sessions[session];
        assert!(answer["RequestId"].is_string(), "{answer}");
        match action {
            "CreateKey" => {
                let metadata = &answer["KeyMetadata"];
                let id = metadata["KeyId"].as_str().expect("a key has an id");
                let spec = metadata["KeySpec"].as_str().expect("a key has a spec");
                self.created(self.sessions[session].handle, id, !spec.starts_with("Aliyun"), space);
            }
            "Encrypt" | "GenerateDataKey" | "GenerateDataKeyWithoutPlaintext" => {
                let blob = json::decoded(answer, "CiphertextBlob").expect("a ciphertext");
                let plaintext = json::decoded(answer, "Plaintext");
                let key = answer["KeyId"].as_str().map(str::to_owned);
                self.sealed.push(Sealed { blob, plaintext, context: None, store, space, key });
            }
            "GetParametersForImport" => {
                self.tokens.push(json::decoded(answer, "ImportToken").expect("a token"));
            }
            _ => {}
        }
    }

    pub(crate) fn take_slow(&mut self) -> bool {
        std::mem::take(&mut self.may_be_slow)
    }
}

fn self_test(answer: bool) {
    let mut string = ptr::null_mut();
    let to = if answer { &raw mut string } else { ptr::null_mut() };
    // SAFETY: `to` is to a place for one or NULL.
    let status = unsafe { kmshsm_self_test(to) };
    judge(status);
    assert_eq!(status == OK, !string.is_null());
    if status == OK {
        assert_eq!(take(string)["passed"], true);
    }
}

/// Judges an answer by what the handle leads to, too.
pub(crate) fn expect(status: Status, found: &Found) {
    judge(status);
    if let Found::Refusal(statuses) = found {
        assert!(statuses.contains(&status), "status {status} of {statuses:?}");
    }
}
