//! What a fuzzer's bytes mean: a sequence of calls. Choices that lead somewhere are the likely ones.

use arbitrary::{Arbitrary, Result, Unstructured};

pub use crate::choices::*;

/// The longest sequence of calls.
const MAX_CALLS: usize = 64;

/// A sequence of calls, on a world that has one store, one session and one key.
#[derive(Debug)]
pub struct Script {
    /// Whether one wrapping key pair may be made: that takes longer than all the rest.
    pub slow: bool,
    /// The kind of the first key.
    pub first: u8,
    /// The calls.
    pub calls: Vec<Call>,
}

impl<'a> Arbitrary<'a> for Script {
    fn arbitrary(u: &mut Unstructured<'a>) -> Result<Self> {
        let (slow, first) = (u.arbitrary::<u8>()? == 77, u.arbitrary()?);
        let mut calls = Vec::new();
        while calls.len() < MAX_CALLS && !u.is_empty() {
            calls.push(u.arbitrary()?);
        }
        Ok(Self { slow, first, calls })
    }
}

/// One call of a C function.
#[derive(Arbitrary, Debug)]
#[allow(missing_docs)] // kmshsm.h has them
pub enum Call {
    Create {
        place: u8,
        unlock: u8,
        secret: Input,
    },
    CreateWith {
        place: u8,
        unlock: u8,
        secret: Input,
        options: Options,
    },
    Open {
        place: Rare,
        unlock: Rare,
        secret: Option<Input>,
        flags: Rare,
        out: There,
    },
    OpenWith {
        place: Rare,
        unlock: Rare,
        secret: Option<Input>,
        options: Options,
        out: There,
    },
    Flush {
        store: Pick,
    },
    AuditExport {
        store: Pick,
        place: u8,
        answer: There,
    },
    AuditVerify {
        place: u8,
        public_key: Options,
        head: Options,
        answer: There,
    },
    AuditKey {
        store: Pick,
        answer: There,
    },
    Operate {
        store: Pick,
        name: u8,
        parameters: Options,
        answer: There,
    },
    Tick {
        store: Pick,
        answer: There,
    },
    Close {
        store: Pick,
        really: Rare,
    },
    SessionOpen {
        store: Pick,
        account: Rare,
        region: Rare,
        out: There,
    },
    SessionOpenWith {
        store: Pick,
        login: Options,
        secret: Option<Input>,
        out: There,
    },
    SessionFree {
        session: Pick,
        really: Rare,
    },
    Call {
        session: Pick,
        action: Action,
        parameters: Parameters,
        answer: There,
    },
    // Most of the API is behind kmshsm_call.
    CallAgain {
        session: Pick,
        action: Action,
        parameters: Parameters,
        answer: There,
    },
    CreateKey {
        session: Pick,
        kind: u8,
    },
    ModuleStatus {
        store: Pick,
        answer: There,
    },
    Encrypt {
        session: Pick,
        key: Key,
        plaintext: Input,
        context: Context,
        out: Output,
    },
    Decrypt {
        session: Pick,
        ciphertext: Ciphertext,
        context: Context,
        out: Output,
    },
    DataKey {
        session: Pick,
        key: Key,
        bytes: Length,
        context: Context,
        out: Output,
        sealed: Output,
    },
    DataKeySealed {
        session: Pick,
        key: Key,
        bytes: Length,
        context: Context,
        sealed: Output,
    },
    ImportParameters {
        session: Pick,
        key: Key,
        how: u8,
        public: Output,
        token: Output,
        time: There,
    },
    Import {
        session: Pick,
        key: Key,
        material: Input,
        token: Token,
        expires: u64,
    },
    Random {
        session: Pick,
        bytes: Length,
        out: Output,
    },
    Sign {
        session: Pick,
        key: Key,
        version: Version,
        algorithm: u8,
        digest: Digest,
        out: Output,
    },
    Verify {
        session: Pick,
        key: Key,
        version: Version,
        algorithm: u8,
        digest: Digest,
        signature: Ciphertext,
        is_valid: There,
    },
    SealForKey {
        session: Pick,
        key: Key,
        version: Version,
        algorithm: u8,
        plaintext: Input,
        out: Output,
    },
    OpenByKey {
        session: Pick,
        key: Key,
        version: Version,
        algorithm: u8,
        ciphertext: Ciphertext,
        out: Output,
    },
    PublicKey {
        session: Pick,
        key: Key,
        version: Version,
        out: Output,
    },
    SignMessage {
        session: Pick,
        key: Key,
        version: Version,
        algorithm: u8,
        user: Option<Input>,
        message: Input,
        out: Output,
    },
    VerifyMessage {
        session: Pick,
        key: Key,
        version: Version,
        algorithm: u8,
        user: Option<Input>,
        message: Input,
        signature: Ciphertext,
        is_valid: There,
    },
    DigestNew {
        session: Pick,
        key: Key,
        version: Version,
        algorithm: u8,
        user: Option<Input>,
        out: There,
    },
    DigestUpdate {
        digest: Pick,
        data: Input,
    },
    DigestFinish {
        digest: Pick,
        out: Output,
    },
    DigestFree {
        digest: Pick,
        really: Rare,
    },
    ReEncrypt {
        session: Pick,
        source: Option<(Key, Version, u8)>,
        ciphertext: Ciphertext,
        source_context: Context,
        destination: Key,
        context: Context,
        out: Output,
    },
    Export {
        session: Pick,
        ciphertext: Ciphertext,
        context: Context,
        public: Public,
        how: u8,
        out: Output,
    },
    GenerateAndExport {
        session: Pick,
        key: Key,
        bytes: Length,
        context: Context,
        public: Public,
        how: u8,
        sealed: Output,
        exported: Output,
    },
    Wrap {
        how: u8,
        public: Public,
        material: Input,
        out: Output,
    },
    SelfTest {
        answer: There,
        really: Rare,
    },
    Zeroize {
        really: Rare,
    },
    SetKeyMemory {
        bytes: u64,
    },
    StatusName {
        status: u32,
    },
    FreeNothing,
}
