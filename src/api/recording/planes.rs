//! Uses of keys: what is recorded of them, and strict mode, in which none succeeds without its event.

use serde_json::{Value, json};

use crate::api::recording::{World, call, code, events, outline};
use crate::api::{
    AsymmetricDecrypt, AsymmetricEncrypt, AsymmetricSign, Decrypt, Encrypt, ExportDataKey,
    GenerateAndExportDataKey, GenerateDataKey, GenerateDataKeyWithoutPlaintext, GenerateRandom,
    Into, ReEncrypt,
};
use crate::error::{ErrorCode, Result};
use crate::kms::{Audit, DataPlane};
use crate::model::{KeyId, KeyRef};

/// A success, a failure and a refusal.
#[test]
fn what_is_recorded_of_uses() {
    for (data_plane, wanted) in
        [(DataPlane::Off, [0, 0, 1]), (DataPlane::Denied, [0, 1, 1]), (DataPlane::All, [1, 1, 1])]
    {
        let world = World::new(Audit { data_plane, is_strict: false });
        let key = world.key();
        let (id, secret) = world.user("alice");
        let alice = world.login(&id, &secret).unwrap();
        let encrypt = json!({ "KeyId": key, "Plaintext": "text !" });
        let events = [
            world.events_of(|| drop(call(&world.root, "Encrypt", &encrypt).unwrap())),
            world.events_of(|| {
                let nothing = json!({ "CiphertextBlob": "bm90aGluZw==" });
                drop(call(&world.root, "Decrypt", &nothing).unwrap_err());
            }),
            world.events_of(|| {
                let refused = code(call(&alice, "Encrypt", &encrypt));
                assert_eq!(refused, Some("Forbidden.NoPermission"));
            }),
        ];
        assert_eq!(events.each_ref().map(Vec::len), wanted, "{data_plane:?}");
        let texts = events.concat().iter().map(Value::to_string).collect::<String>();
        assert!(!texts.contains("text !") && !texts.contains("bm90aGluZw"), "{texts}");
        if let [success] = &events[0][..] {
            assert_eq!(outline(success), ("Encrypt", 1, None));
            assert_eq!(success["requestParameters"], json!({ "KeyId": key }));
            // Not in this region, whose rules are GM's.
            assert_eq!(success["additionalEventData"]["approved"], false);
        }
        let refusal = &events[2][0];
        assert_eq!(outline(refusal), ("Encrypt", 1, Some("Forbidden.NoPermission")));
        assert_eq!(refusal["userIdentity"]["userName"], "alice");
        assert_eq!(refusal["userIdentity"]["accessKeyId"], id);
    }
}

/// Whoever asks how much room an answer needs has not used a key.
#[test]
fn asking_for_room_is_no_event() {
    let world = World::new(Audit { data_plane: DataPlane::All, is_strict: true });
    let text = world.key();
    let events = world.events_of(|| {
        let short = encrypt(&world, &text, &mut [0; 10]);
        assert_eq!(short.unwrap_err().code(), ErrorCode::BufferTooSmall);
    });
    assert_eq!(events, [Value::Null; 0]);
}

fn encrypt(world: &World, key: &Value, out: &mut [u8]) -> Result<usize> {
    let key_id = KeyRef::Id(KeyId::parse(key.as_str().unwrap()).unwrap());
    let plaintext = (&b"0123456789abcdef0123456789abcdef"[..]).into();
    let encryption_context = Default::default();
    let into = Into::Memory(out);
    let reply = world.root.call(Encrypt { key_id, plaintext, encryption_context, into })?;
    Ok(reply.answer.ciphertext_blob.len())
}

/// In strict mode the event is in the store before the answer is given.
#[test]
fn strict_events_come_first() {
    let world = World::new(Audit { data_plane: DataPlane::All, is_strict: true });
    let key = world.key();
    for _ in 0..3 {
        let before = world.kms.commits();
        encrypt(&world, &key, &mut [0; 256]).unwrap();
        assert_eq!(world.kms.commits(), before + 1);
    }
    assert_eq!(events(&world.kms).iter().filter(|it| it["eventName"] == "Encrypt").count(), 3);
    let lax = World::new(Audit { data_plane: DataPlane::All, is_strict: false });
    let key = lax.key();
    let before = lax.kms.commits();
    encrypt(&lax, &key, &mut [0; 256]).unwrap();
    assert_eq!(lax.kms.commits(), before);
}

/// Does an action into the caller's memory, and again while its event cannot be written: then nothing of
/// the answer is left there.
macro_rules! is_withdrawn {
    ($world:ident, $action:ident { $($into:ident),+ }, $with:expr) => {{
        let again = || {
            $(let mut $into = [0xaa; 1024];)+
            let mut request: $action<'_> =
                serde_json::from_value::<$action<'static>>($with).unwrap();
            $(request.$into = Into::Memory(&mut $into);)+
            let outcome = $world.root.call(request).map(drop);
            (outcome, [$($into),+])
        };
        let (done, filled) = again();
        done.unwrap();
        let is_filled = |it: &[u8; 1024]| it.iter().any(|byte| !matches!(byte, 0 | 0xaa));
        assert!(filled.iter().all(is_filled), stringify!($action));
        let (failed, wiped) = $world.kms.without_header(again);
        assert_eq!(failed.unwrap_err().code(), ErrorCode::StoreDamaged, stringify!($action));
        assert!(wiped.iter().all(|it| !is_filled(it) && it[0] == 0), stringify!($action));
    }};
}

#[test]
fn strict_answers_are_withdrawn() {
    let world = World::new(Audit { data_plane: DataPlane::All, is_strict: true });
    let create = |with: Value| world.call("CreateKey", &with)["KeyMetadata"]["KeyId"].take();
    let version = |key: &Value| {
        let versions = world.call("ListKeyVersions", &json!({ "KeyId": key }));
        versions["KeyVersions"]["KeyVersion"][0]["KeyVersionId"].clone()
    };
    let key = world.key();
    let text = json!({ "KeyId": key, "Plaintext": "dGV4dCAh" });
    is_withdrawn!(world, Encrypt { into }, text.clone());
    let blob = world.call("Encrypt", &text)["CiphertextBlob"].take();
    is_withdrawn!(world, Decrypt { into }, json!({ "CiphertextBlob": blob }));
    is_withdrawn!(world, GenerateRandom { into }, json!({ "Length": 32 }));
    let of_key = || json!({ "KeyId": key });
    is_withdrawn!(world, GenerateDataKey { plaintext_into, ciphertext_into }, of_key());
    is_withdrawn!(world, GenerateDataKeyWithoutPlaintext { into }, of_key());
    let moving = || json!({ "CiphertextBlob": blob, "DestinationKeyId": key });
    is_withdrawn!(world, ReEncrypt { into }, moving());

    let rsa = create(json!({ "KeySpec": "RSA_2048", "KeyUsage": "ENCRYPT/DECRYPT" }));
    let of_rsa = |members: Value| {
        let mut all = json!({ "KeyId": rsa, "KeyVersionId": version(&rsa) });
        all.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
        all
    };
    let oaep = "RSAES_OAEP_SHA_256";
    let clear = of_rsa(json!({ "Algorithm": oaep, "Plaintext": "dGV4dCAh" }));
    is_withdrawn!(world, AsymmetricEncrypt { into }, clear.clone());
    let sealed = world.call("AsymmetricEncrypt", &clear)["CiphertextBlob"].take();
    let sealed = of_rsa(json!({ "Algorithm": oaep, "CiphertextBlob": sealed }));
    is_withdrawn!(world, AsymmetricDecrypt { into }, sealed.clone());

    let pem = world.call("GetPublicKey", &of_rsa(json!({})))["PublicKey"].take();
    let wrapping: String = pem.as_str().unwrap().lines().filter(|it| !it.contains('-')).collect();
    let export = |members: Value| {
        let mut all = json!({
            "PublicKeyBlob": wrapping,
            "WrappingKeySpec": "RSA_2048",
            "WrappingAlgorithm": oaep,
        });
        all.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
        all
    };
    let exported = export(json!({ "CiphertextBlob": blob }));
    is_withdrawn!(world, ExportDataKey { into }, exported.clone());
    let made = export(of_key());
    is_withdrawn!(world, GenerateAndExportDataKey { ciphertext_into, exported_into }, made.clone());

    let signing = create(json!({ "KeySpec": "EC_P256", "KeyUsage": "SIGN/VERIFY" }));
    let digest = json!({
        "KeyId": signing,
        "KeyVersionId": version(&signing),
        "Algorithm": "ECDSA_SHA_256",
        "Digest": "q6urq6urq6urq6urq6urq6urq6urq6urq6urq6urq6s=",
    });
    is_withdrawn!(world, AsymmetricSign { into }, digest.clone());
}
