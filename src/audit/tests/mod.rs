//! Events, segments and trails, and what is done to them.

mod event;
mod segment;
mod trail;

use super::*;
use crate::crypto::digest::{sha256, sm3_parts};
use crate::crypto::drbg::reproducible as random;
use crate::crypto::ec::{self, Curve, PAIR_LEN, SIGNATURE_LEN};
use crate::crypto::sm2::{DEFAULT_USER_ID, za};
use crate::error::RequestId;
use crate::model::{Account, KeyId, Principal, Service, Space, Timestamp};

const STORE: [u8; 16] = *b"store store uuid";

/// A key that signs checkpoints.
struct Signer {
    curve: Curve,
    pair: [u8; PAIR_LEN],
    public: PublicKey,
}

impl Signer {
    fn new(curve: Curve) -> Self {
        let mut pair = [0; PAIR_LEN];
        ec::generate(curve, random, &mut pair).unwrap();
        let public = PublicKey::from_spki(&ec::spki(curve, pair.last_chunk().unwrap())).unwrap();
        Self { curve, pair, public }
    }

    fn sign(&self, chain: &Chain, time: u64) -> SignedCheckpoint {
        let checkpoint = Checkpoint { chain: chain.clone(), time: Timestamp(time) };
        let message = checkpoint.message();
        let digest = match self.curve {
            Curve::Sm2 => {
                let za = za(DEFAULT_USER_ID, self.pair.last_chunk().unwrap()).unwrap();
                sm3_parts(&[&za, &message])
            }
            _ => sha256(&message),
        };
        let mut signature = [0; SIGNATURE_LEN];
        let len = ec::sign(self.curve, &self.pair, &digest, random, &mut signature).unwrap();
        let signature = signature[..len].to_vec();
        SignedCheckpoint { checkpoint, algorithm: self.public.algorithm(), signature }
    }
}

fn space() -> Space {
    Space::new("111122223333", "cn-hangzhou").unwrap()
}

fn root() -> Principal {
    Principal::Root { account: Account::parse("111122223333").unwrap() }
}

fn user(name: &str) -> Principal {
    Principal::User {
        account: Account::parse("111122223333").unwrap(),
        id: "200000000000000001".into(),
        name: name.into(),
        access_key_id: "LTAI5tExample".into(),
    }
}

/// A use of a key that went well.
fn encrypt<'a>(frame: &'a Frame, nth: u8, keys: &'a [KeyId]) -> Event<'a> {
    Event {
        id: RequestId([nth; 16]),
        time: Timestamp(1_794_000_000 + u64::from(nth)),
        service: Service::Kms,
        name: "Encrypt",
        kind: Kind::ApiCall,
        is_write: true,
        parameters: br#"{"KeyId":"alias/a","EncryptionContext":"{\"a\":\"b\"}"}"#,
        keys,
        resource: None,
        response: b"",
        refusal: None,
        count: 1,
        approved: None,
        decided_by: None,
        frame,
    }
}

fn text(event: &Event<'_>) -> String {
    let mut out = Vec::new();
    event.write(&mut out);
    String::from_utf8(out).unwrap()
}

/// The texts of some events that are all different.
fn events(count: u8) -> Vec<String> {
    let frame = Frame::new(Caller::Principal(&root(), None), &space(), None, "test");
    let keys = [KeyId::from_bytes([9; 16])];
    (1..=count).map(|nth| text(&encrypt(&frame, nth, &keys))).collect()
}

/// One event of each kind, with characters of each kind.
fn assorted() -> Vec<String> {
    let strange: String =
        (0..0xa1_u8).map(char::from).chain("中文 \u{2028}\u{1f511}".chars()).collect();
    let (root, alice) = (root(), user("alice"));
    let root = Frame::new(Caller::Principal(&root, None), &space(), None, &strange);
    let alice = Caller::Principal(&alice, Some(false));
    let alice = Frame::new(alice, &space(), Some("2001:db8::7"), "kmshsm/0.1.0");
    let system = Frame::new(Caller::System, &space(), None, "");
    let keys = [KeyId::from_bytes([8; 16]), KeyId::from_bytes([9; 16])];
    let refusal = Some(Refusal { code: "Forbidden.NoPermission", message: &strange });
    let user = Resource { kind: "ACS::RAM::User", name: "bob" };
    let plain = encrypt(&root, 1, &keys[1..]);
    [
        plain,
        Event { approved: Some(true), ..encrypt(&alice, 2, &keys) },
        Event { refusal, count: 3, decided_by: Some("bob 1"), frame: &alice, ..plain },
        Event { name: "RotateKey", kind: Kind::AliyunServiceEvent, frame: &system, ..plain },
        Event {
            service: Service::Ram,
            name: "CreateUser",
            keys: &[],
            parameters: b"",
            resource: Some(user),
            response: br#"{"UserId":"200000000000000002"}"#,
            ..plain
        },
        Event { service: Service::Bss, name: "QueryBill", is_write: false, keys: &[], ..plain },
    ]
    .iter()
    .map(text)
    .collect()
}
