//! What the calls of one script have made so far, and what must therefore be true.

use std::ffi::{CStr, c_char};
use std::ptr;

use serde_json::Value;

use crate::abi::*;
use crate::asymmetric::Texts;
use crate::memory::{Buffer, Text};
use crate::script::Pick;

/// Encryption contexts. Those of the same number are the same context.
pub const CONTEXTS: &[(Option<&str>, u8)] = &[
    (None, 0),
    (Some(""), 0),
    (Some("{}"), 0),
    (Some(r#"{"a":"b"}"#), 1),
    (Some(r#" { "a" : "\u0062" } "#), 1),
    (Some(r#"{"a":"b","c":"d"}"#), 2),
    (Some(r#"{"c":"d","a":"b"}"#), 2),
    (Some(r#"{"a":"","":"b"}"#), 3),
    (Some(r#"{"a":"bc"}"#), 4),
    (Some(r#"{"ab":"c"}"#), 5),
];

/// Accounts and regions; the last are none.
pub const ACCOUNTS: &[&str] = &["111122223333", "1", "99999999999999999999999999999999", "", "x"];
/// See [`ACCOUNTS`]: one region of each class, and one without HSMs.
pub const REGIONS: &[&str] = &["cn-hongkong", "cn-beijing", "ap-southeast-1", "cn-qingdao", "mars"];

/// An account and a region, by number.
pub type Space = (usize, usize);

/// A handle that has been opened.
pub struct Opened {
    /// What the function gave.
    pub handle: Handle,
    /// Whether it has not been ended.
    pub is_open: bool,
    /// Of a session, the number of its store.
    pub store: usize,
    /// Of a session.
    pub space: Space,
}

/// A key that has been created.
pub struct Created {
    /// Its id.
    pub id: String,
    /// The version that it began with.
    pub version: String,
    /// Where.
    pub space: Space,
}

/// A ciphertext that the library has made.
#[derive(Clone)]
pub struct Sealed {
    /// The ciphertext.
    pub blob: Vec<u8>,
    /// What is in it, if that is known.
    pub plaintext: Option<Vec<u8>>,
    /// The number of its context, if it has one.
    pub context: Option<u8>,
    /// The number of the store.
    pub store: usize,
    /// The space of the session that made it.
    pub space: Space,
    /// The id of its key, or another reference to it.
    pub key: Option<String>,
}

/// A signature that the library has made.
pub struct Signed {
    /// The signature.
    pub signature: Vec<u8>,
    /// Of this.
    pub digest: Vec<u8>,
    /// The id of the key.
    pub key: String,
    /// The number of the algorithm.
    pub algorithm: usize,
}

/// What the library has encrypted with a public key.
pub struct Locked {
    /// The ciphertext.
    pub blob: Vec<u8>,
    /// What is in it.
    pub plaintext: Vec<u8>,
    /// The id of the key.
    pub key: String,
}

/// A digest that has been begun.
pub struct Begun {
    /// The message so far.
    pub message: Vec<u8>,
    /// The number of the session.
    pub session: usize,
    /// The user id.
    pub user: Buffer,
    /// The key and the algorithm.
    pub texts: Texts,
    /// Whether it is finished.
    pub is_done: bool,
}

/// What a handle must lead to.
pub enum Found {
    /// The handle of this number.
    Number(usize),
    /// One of these refusals.
    Refusal(&'static [Status]),
}

/// Everything that has been made.
#[derive(Default)]
pub struct World {
    /// Stores.
    pub stores: Vec<Opened>,
    /// Sessions.
    pub sessions: Vec<Opened>,
    /// Handles of digests.
    pub digests: Vec<Opened>,
    /// The digests, in the same order.
    pub begun: Vec<Begun>,
    /// Keys.
    pub keys: Vec<Created>,
    /// Public keys of theirs, in DER.
    pub publics: Vec<Vec<u8>>,
    /// Signatures.
    pub signed: Vec<Signed>,
    /// Ciphertexts for private keys.
    pub locked: Vec<Locked>,
    /// Ciphertexts.
    pub sealed: Vec<Sealed>,
    /// Import tokens.
    pub tokens: Vec<Vec<u8>>,
    /// Whether a wrapping key pair may still be made.
    pub may_be_slow: bool,
}

impl World {
    /// A store handle and what it leads to.
    pub fn store(&self, pick: &Pick) -> (Handle, Found) {
        find(&self.stores, &[&self.sessions, &self.digests], pick)
    }

    /// A session handle and what it leads to.
    pub fn session(&self, pick: &Pick) -> (Handle, Found) {
        find(&self.sessions, &[&self.stores, &self.digests], pick)
    }

    /// A digest handle and what it leads to.
    pub fn digest(&self, pick: &Pick) -> (Handle, Found) {
        find(&self.digests, &[&self.sessions, &self.stores], pick)
    }

    /// Whether the session of this number works.
    pub fn works(&self, session: usize) -> bool {
        let session = &self.sessions[session];
        session.is_open && self.stores[session.store].is_open
    }

    /// The state of a key as a session sees it; nothing if it does not see the key.
    pub fn state(&self, session: Handle, key: &str) -> Option<String> {
        let request = serde_json::json!({ "KeyId": key }).to_string();
        let (status, answer) = call(session, "DescribeKey", &request);
        let state = answer.as_ref()?["KeyMetadata"]["KeyState"].as_str();
        assert!(status == OK && state.is_some(), "an answer without a state");
        state.map(str::to_owned)
    }

    /// Every store that is open works, or can say that it does.
    pub fn check(&self) {
        for store in self.stores.iter().filter(|store| store.is_open) {
            let mut answer = ptr::null_mut();
            // SAFETY: the pointer is to a place for one.
            let status = unsafe { kmshsm_module_status(store.handle, &raw mut answer) };
            judge(status);
            let report = take(answer);
            assert_eq!(report["state"], "operational", "{report}");
        }
    }

    /// Ends everything.
    pub fn end(&mut self) {
        for (at, session) in self.sessions.iter().enumerate() {
            // Some before their store, some behind it.
            if at % 2 == 0 {
                // SAFETY: no pointers.
                unsafe { kmshsm_session_free(session.handle) };
            }
        }
        for (at, digest) in self.digests.iter().enumerate() {
            if at % 2 == 0 {
                // SAFETY: no pointers.
                unsafe { kmshsm_digest_free(digest.handle) };
            }
        }
        for store in &self.stores {
            // SAFETY: no pointers.
            unsafe { kmshsm_close(store.handle) };
        }
        for digest in &self.digests {
            // SAFETY: no pointers.
            unsafe { kmshsm_digest_free(digest.handle) };
        }
        for session in &self.sessions {
            // SAFETY: no pointers.
            unsafe { kmshsm_session_free(session.handle) };
        }
    }
}

/// The item of this number, counted around.
pub fn around<T>(items: &[T], at: impl Into<usize>) -> Option<&T> {
    items.get(at.into().checked_rem(items.len())?)
}

fn find(mine: &[Opened], others: &[&[Opened]], pick: &Pick) -> (Handle, Found) {
    let handle = match pick {
        Pick::Opened(at) => around(mine, *at).map_or(0, |opened| opened.handle),
        Pick::Other(at) => {
            let others: Vec<_> = others.iter().copied().flatten().collect();
            around(&others, *at).map_or(0, |opened| opened.handle)
        }
        Pick::Null => 0,
        Pick::Forged(number) => *number as usize,
    };
    if handle == 0 {
        return (0, Found::Refusal(&[NULL_ARGUMENT]));
    }
    if others.iter().copied().flatten().any(|opened| opened.handle == handle) {
        return (handle, Found::Refusal(&[BAD_HANDLE]));
    }
    let number = mine.iter().position(|opened| opened.handle == handle);
    let found = match number {
        Some(number) if mine[number].is_open => Found::Number(number),
        Some(_) => Found::Refusal(&[CLOSED]),
        None => Found::Refusal(&[BAD_HANDLE, CLOSED, FORKED]),
    };
    (handle, found)
}

/// A string of the library's that is not to be freed.
///
/// It must be NULL or one of the library's.
fn read<'a>(string: *const c_char) -> &'a str {
    assert!(!string.is_null(), "no string");
    // SAFETY: the contract: NUL-terminated, and valid until the next failure.
    unsafe { CStr::from_ptr(string) }.to_str().expect("UTF-8")
}

/// The name of a status.
pub fn name(status: Status) -> &'static str {
    // SAFETY: no pointers.
    read(unsafe { kmshsm_status_name(status) })
}

/// What every answer must be: a known number, no defect, and a text with a failure.
pub fn judge(status: Status) {
    assert_ne!(name(status), "Unknown", "status {status}");
    // SAFETY: no pointers.
    let indicator = unsafe { kmshsm_last_indicator() };
    assert!((0..=2).contains(&indicator), "indicator {indicator}");
    assert!(status != INTERNAL && status != ERROR_STATE, "status {status}: {}", last_error());
    if status != OK {
        assert!(last_error().starts_with(name(status)), "{} and {}", name(status), last_error());
    }
}

/// The text of the last failure.
pub fn last_error() -> &'static str {
    // SAFETY: no pointers.
    read(unsafe { kmshsm_last_error() })
}

/// The version of the library.
pub fn version() -> &'static str {
    // SAFETY: no pointers.
    read(unsafe { kmshsm_version() })
}

/// The JSON object in a string that the library has handed out, which is freed.
pub fn take(string: *mut c_char) -> Value {
    let answer: Value = serde_json::from_str(read(string)).expect("JSON");
    // SAFETY: it is the library's, and used no more.
    unsafe { kmshsm_string_free(string) };
    assert!(answer.is_object(), "{answer}");
    answer
}

/// Does an action in the plainest way.
pub fn call(session: Handle, action: &str, parameters: &str) -> (Status, Option<Value>) {
    let (action, parameters) = (Text::new(action), Text::new(parameters));
    let mut answer = ptr::null_mut();
    // SAFETY: strings end with NUL, and the last pointer is to a place for one.
    let status =
        unsafe { kmshsm_call(session, action.as_ptr(), parameters.as_ptr(), &raw mut answer) };
    judge(status);
    (status, (status == OK).then(|| take(answer)))
}
