//! The functions of `kmshsm.h`, as a C program would declare them.

use std::ffi::{c_char, c_int};

// Only for its symbols.
use kmshsm as _;

/// `kmshsm_status`.
pub type Status = u32;

/// `const kmshsm_store *`, `const kmshsm_session *` or `const kmshsm_digest *`: a number that nobody
/// follows.
pub type Handle = usize;

/// Success.
pub const OK: Status = 0;
/// Abi.NullArgument.
pub const NULL_ARGUMENT: Status = 110;
/// Abi.BufferTooSmall.
pub const BUFFER_TOO_SMALL: Status = 111;
/// Abi.BadHandle.
pub const BAD_HANDLE: Status = 112;
/// Abi.Closed.
pub const CLOSED: Status = 113;
/// Module.Forked.
pub const FORKED: Status = 407;
/// Module.ErrorState.
pub const ERROR_STATE: Status = 408;
/// InternalFailure.
pub const INTERNAL: Status = 901;

/// How much longer a ciphertext is than its plaintext.
pub const OVERHEAD: usize = 91;
/// How much longer a ciphertext of SM2 is than its plaintext.
pub const SM2_OVERHEAD: usize = 97;
/// How much longer wrapped material is than the material at most.
pub const WRAPPING_OVERHEAD: usize = 272;
/// The length of a digest.
pub const DIGEST_LEN: usize = 32;
/// Room for a public key.
pub const PUBLIC_KEY_MAX: usize = 512;
/// The length of an import token.
pub const TOKEN_LEN: usize = 57;

#[allow(missing_docs)] // kmshsm.h has them
unsafe extern "C" {
    pub fn kmshsm_create(place: *const c_char, unlock: u32, secret: *const u8, n: usize) -> Status;
    pub fn kmshsm_create_with(
        place: *const c_char,
        unlock: u32,
        secret: *const u8,
        secret_len: usize,
        options: *const c_char,
    ) -> Status;
    pub fn kmshsm_open(
        place: *const c_char,
        unlock: u32,
        secret: *const u8,
        secret_len: usize,
        flags: u32,
        out: *mut Handle,
    ) -> Status;
    pub fn kmshsm_open_with(
        place: *const c_char,
        unlock: u32,
        secret: *const u8,
        secret_len: usize,
        options: *const c_char,
        out: *mut Handle,
    ) -> Status;
    pub fn kmshsm_flush(store: Handle) -> Status;
    pub fn kmshsm_audit_export(
        store: Handle,
        path: *const c_char,
        answer: *mut *mut c_char,
    ) -> Status;
    pub fn kmshsm_audit_verify(
        path: *const c_char,
        public_key: *const c_char,
        head: *const c_char,
        answer: *mut *mut c_char,
    ) -> Status;
    pub fn kmshsm_audit_key(store: Handle, pem: *mut *mut c_char) -> Status;
    pub fn kmshsm_operate(
        store: Handle,
        operation: *const c_char,
        parameters: *const c_char,
        answer: *mut *mut c_char,
    ) -> Status;
    pub fn kmshsm_tick(store: Handle, answer: *mut *mut c_char) -> Status;
    pub fn kmshsm_close(store: Handle);
    pub fn kmshsm_session_open(
        store: Handle,
        account: *const c_char,
        region: *const c_char,
        out: *mut Handle,
    ) -> Status;
    pub fn kmshsm_session_open_with(
        store: Handle,
        login: *const c_char,
        secret: *const u8,
        secret_len: usize,
        out: *mut Handle,
    ) -> Status;
    pub fn kmshsm_session_free(session: Handle);
    pub fn kmshsm_call(
        session: Handle,
        action: *const c_char,
        parameters: *const c_char,
        answer: *mut *mut c_char,
    ) -> Status;
    pub fn kmshsm_module_status(store: Handle, answer: *mut *mut c_char) -> Status;
    pub fn kmshsm_encrypt(
        session: Handle,
        key_id: *const c_char,
        plaintext: *const u8,
        plaintext_len: usize,
        encryption_context: *const c_char,
        out: *mut u8,
        out_capacity: usize,
        out_len: *mut usize,
    ) -> Status;
    pub fn kmshsm_decrypt(
        session: Handle,
        ciphertext: *const u8,
        ciphertext_len: usize,
        encryption_context: *const c_char,
        out: *mut u8,
        out_capacity: usize,
        out_len: *mut usize,
    ) -> Status;
    pub fn kmshsm_generate_data_key(
        session: Handle,
        key_id: *const c_char,
        number_of_bytes: usize,
        encryption_context: *const c_char,
        plaintext: *mut u8,
        plaintext_capacity: usize,
        plaintext_len: *mut usize,
        ciphertext: *mut u8,
        ciphertext_capacity: usize,
        ciphertext_len: *mut usize,
    ) -> Status;
    pub fn kmshsm_generate_data_key_without_plaintext(
        session: Handle,
        key_id: *const c_char,
        number_of_bytes: usize,
        encryption_context: *const c_char,
        ciphertext: *mut u8,
        ciphertext_capacity: usize,
        ciphertext_len: *mut usize,
    ) -> Status;
    pub fn kmshsm_parameters_for_import(
        session: Handle,
        key_id: *const c_char,
        wrapping_key_spec: *const c_char,
        wrapping_algorithm: *const c_char,
        public_key: *mut u8,
        public_key_capacity: usize,
        public_key_len: *mut usize,
        import_token: *mut u8,
        import_token_capacity: usize,
        import_token_len: *mut usize,
        token_expire_unix: *mut u64,
    ) -> Status;
    pub fn kmshsm_import_key_material(
        session: Handle,
        key_id: *const c_char,
        encrypted_material: *const u8,
        encrypted_material_len: usize,
        import_token: *const u8,
        import_token_len: usize,
        material_expire_unix: u64,
    ) -> Status;
    pub fn kmshsm_wrap_key_material(
        algorithm: *const c_char,
        public_key: *const u8,
        public_key_len: usize,
        material: *const u8,
        material_len: usize,
        out: *mut u8,
        out_capacity: usize,
        out_len: *mut usize,
    ) -> Status;
    pub fn kmshsm_random(
        session: Handle,
        number_of_bytes: usize,
        out: *mut u8,
        out_capacity: usize,
        out_len: *mut usize,
    ) -> Status;
    pub fn kmshsm_sign(
        session: Handle,
        key_id: *const c_char,
        key_version_id: *const c_char,
        algorithm: *const c_char,
        digest: *const u8,
        digest_len: usize,
        out: *mut u8,
        out_capacity: usize,
        out_len: *mut usize,
    ) -> Status;
    pub fn kmshsm_verify(
        session: Handle,
        key_id: *const c_char,
        key_version_id: *const c_char,
        algorithm: *const c_char,
        digest: *const u8,
        digest_len: usize,
        signature: *const u8,
        signature_len: usize,
        is_valid: *mut c_int,
    ) -> Status;
    pub fn kmshsm_asymmetric_encrypt(
        session: Handle,
        key_id: *const c_char,
        key_version_id: *const c_char,
        algorithm: *const c_char,
        plaintext: *const u8,
        plaintext_len: usize,
        out: *mut u8,
        out_capacity: usize,
        out_len: *mut usize,
    ) -> Status;
    pub fn kmshsm_asymmetric_decrypt(
        session: Handle,
        key_id: *const c_char,
        key_version_id: *const c_char,
        algorithm: *const c_char,
        ciphertext: *const u8,
        ciphertext_len: usize,
        out: *mut u8,
        out_capacity: usize,
        out_len: *mut usize,
    ) -> Status;
    pub fn kmshsm_public_key(
        session: Handle,
        key_id: *const c_char,
        key_version_id: *const c_char,
        out: *mut u8,
        out_capacity: usize,
        out_len: *mut usize,
    ) -> Status;
    pub fn kmshsm_sign_message(
        session: Handle,
        key_id: *const c_char,
        key_version_id: *const c_char,
        algorithm: *const c_char,
        user_id: *const u8,
        user_id_len: usize,
        message: *const u8,
        message_len: usize,
        out: *mut u8,
        out_capacity: usize,
        out_len: *mut usize,
    ) -> Status;
    pub fn kmshsm_verify_message(
        session: Handle,
        key_id: *const c_char,
        key_version_id: *const c_char,
        algorithm: *const c_char,
        user_id: *const u8,
        user_id_len: usize,
        message: *const u8,
        message_len: usize,
        signature: *const u8,
        signature_len: usize,
        is_valid: *mut c_int,
    ) -> Status;
    pub fn kmshsm_digest_new(
        session: Handle,
        key_id: *const c_char,
        key_version_id: *const c_char,
        algorithm: *const c_char,
        user_id: *const u8,
        user_id_len: usize,
        out: *mut Handle,
    ) -> Status;
    pub fn kmshsm_digest_update(digest: Handle, data: *const u8, data_len: usize) -> Status;
    pub fn kmshsm_digest_finish(
        digest: Handle,
        out: *mut u8,
        out_capacity: usize,
        out_len: *mut usize,
    ) -> Status;
    pub fn kmshsm_digest_free(digest: Handle);
    pub fn kmshsm_re_encrypt(
        session: Handle,
        ciphertext: *const u8,
        ciphertext_len: usize,
        source_key_id: *const c_char,
        source_key_version_id: *const c_char,
        source_encryption_algorithm: *const c_char,
        source_encryption_context: *const c_char,
        destination_key_id: *const c_char,
        destination_encryption_context: *const c_char,
        out: *mut u8,
        out_capacity: usize,
        out_len: *mut usize,
    ) -> Status;
    pub fn kmshsm_export_data_key(
        session: Handle,
        ciphertext: *const u8,
        ciphertext_len: usize,
        encryption_context: *const c_char,
        public_key: *const u8,
        public_key_len: usize,
        wrapping_key_spec: *const c_char,
        wrapping_algorithm: *const c_char,
        out: *mut u8,
        out_capacity: usize,
        out_len: *mut usize,
    ) -> Status;
    pub fn kmshsm_generate_and_export_data_key(
        session: Handle,
        key_id: *const c_char,
        number_of_bytes: usize,
        encryption_context: *const c_char,
        public_key: *const u8,
        public_key_len: usize,
        wrapping_key_spec: *const c_char,
        wrapping_algorithm: *const c_char,
        ciphertext: *mut u8,
        ciphertext_capacity: usize,
        ciphertext_len: *mut usize,
        exported: *mut u8,
        exported_capacity: usize,
        exported_len: *mut usize,
    ) -> Status;
    pub fn kmshsm_set_key_memory(bytes: usize) -> Status;
    pub fn kmshsm_self_test(answer: *mut *mut c_char) -> Status;
    pub fn kmshsm_zeroize() -> Status;
    pub fn kmshsm_last_error() -> *const c_char;
    pub fn kmshsm_last_indicator() -> i32;
    pub fn kmshsm_status_name(status: Status) -> *const c_char;
    pub fn kmshsm_version() -> *const c_char;
    pub fn kmshsm_string_free(string: *mut c_char);
}
