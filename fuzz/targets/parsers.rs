//! Everything that is read from outside as text or bytes, without a sequence of calls around it.
#![no_main]

use std::sync::OnceLock;

use kmshsm::api;
use kmshsm::kms::{Access, Kms, Options, Place, Session};
use kmshsm::model::{Account, EncryptionContext, KeyRef, Region, WrappingAlgorithm};
use kmshsm_fuzz::trail;

/// One session for all inputs: nothing below changes its store.
fn session() -> &'static Session {
    static SESSION: OnceLock<Session> = OnceLock::new();
    SESSION.get_or_init(|| {
        let options = Options { allow_unprotected_memory: true, ..Options::default() };
        let kms = Kms::in_memory(options).expect("a store in memory");
        let session = kms.session("111122223333", "cn-hongkong").expect("a session");
        session.call(api::CreateKey::default()).expect("a key");
        session
    })
}

/// The typed requests, which the actions of the same names read.
macro_rules! read {
    ($text:expr, $($action:ty),+ $(,)?) => {{
        $(if let Ok(params) = api::Params::from_json($text) {
            let _ = params.read::<$action>();
        })+
    }};
}

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let Some((what, bytes)) = data.split_first() else { return };
    if *what == 0 {
        let envelope = api::Decrypt {
            ciphertext_blob: bytes.into(),
            encryption_context: EncryptionContext::default(),
            into: Default::default(),
        };
        assert!(session().call(envelope).is_err(), "opened what was never sealed");
        return;
    }
    match what {
        6 => return trail::segment(bytes),
        7 => return trail::exported(bytes),
        9 => return api::probe_softhsm(bytes),
        _ => {}
    }
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    match what {
        1 => drop(KeyRef::parse(text)),
        2 => drop(EncryptionContext::from_json(text, "EncryptionContext")),
        3 => drop((Account::parse(text), Region::find(text), WrappingAlgorithm::parse(text))),
        8 => trail::event(text),
        5 => drop((Options::parse(text), Place::parse(text))),
        4 => read!(
            text,
            api::AdvanceClock,
            api::AsymmetricDecrypt<'static>,
            api::AsymmetricSign<'static>,
            api::AsymmetricVerify<'static>,
            api::CreateKey,
            api::Decrypt<'static>,
            api::Encrypt<'static>,
            api::ExportDataKey<'static>,
            api::GenerateAndExportDataKey<'static>,
            api::GenerateDataKey<'static>,
            api::GetParametersForImport,
            api::ImportKeyMaterial<'static>,
            api::ListKeyVersions,
            api::ListKeys,
            api::ReEncrypt<'static>,
            api::UpdateKeyDescription,
        ),
        _ => {
            let reads = api::ACTIONS.iter().filter(|action| action.access == Access::Read);
            let reads: Vec<_> = reads.collect();
            let action = reads[usize::from(*what) % reads.len()].name;
            let _ = api::dispatch_json(session(), action, Some(text));
        }
    }
});
