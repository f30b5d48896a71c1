//! A store in memory through the C ABI, and keys in it.

use std::ffi::{CStr, CString, c_char, c_void};
use std::ptr;

use serde_json::{Value, json};

unsafe extern "C" {
    fn kmshsm_open(
        place: *const c_char,
        unlock: u32,
        secret: *const u8,
        secret_len: usize,
        flags: u32,
        out: *mut *const c_void,
    ) -> u32;
    fn kmshsm_session_open(
        store: *const c_void,
        account: *const c_char,
        region: *const c_char,
        out: *mut *const c_void,
    ) -> u32;
    fn kmshsm_call(
        session: *const c_void,
        action: *const c_char,
        parameters: *const c_char,
        answer: *mut *mut c_char,
    ) -> u32;
    fn kmshsm_string_free(text: *mut c_char);
}

/// A session that stays open as long as the process.
#[derive(Clone, Copy)]
pub struct Session(*const c_void);

// SAFETY: threads may share a session (kmshsm.h).
unsafe impl Send for Session {}
// SAFETY: the same.
unsafe impl Sync for Session {}

impl Session {
    pub fn open() -> Self {
        let (mut store, mut session) = (ptr::null(), ptr::null());
        // SAFETY: the contract of kmshsm.h.
        unsafe {
            assert_eq!(kmshsm_open(c"memory:".as_ptr(), 0, ptr::null(), 0, 1, &mut store), 0);
            let (account, region) = (c"111122223333", c"cn-hangzhou");
            let (account, region) = (account.as_ptr(), region.as_ptr());
            assert_eq!(kmshsm_session_open(store, account, region, &mut session), 0);
        }
        Self(session)
    }

    pub fn handle(self) -> *const c_void {
        self.0
    }

    /// Does an action and answers its JSON.
    pub fn call(self, action: &CStr, parameters: &Value) -> Value {
        let parameters = CString::new(parameters.to_string()).unwrap();
        let mut answer = ptr::null_mut();
        // SAFETY: the contract of kmshsm.h.
        unsafe {
            assert_eq!(kmshsm_call(self.0, action.as_ptr(), parameters.as_ptr(), &mut answer), 0);
            let value = serde_json::from_slice(CStr::from_ptr(answer).to_bytes()).unwrap();
            kmshsm_string_free(answer);
            value
        }
    }

    /// Makes a key and answers its id.
    pub fn create(self, spec: &str, usage: &str) -> CString {
        let parameters = json!({ "KeySpec": spec, "KeyUsage": usage, "ProtectionLevel": "HSM" });
        let answer = self.call(c"CreateKey", &parameters);
        CString::new(answer["KeyMetadata"]["KeyId"].as_str().unwrap()).unwrap()
    }
}
