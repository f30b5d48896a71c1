//! A store in memory, and keys in it.

use std::ffi::{CStr, CString, c_char, c_void};
use std::ptr;

use serde_json::Value;

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
}

pub fn open() -> *const c_void {
    let (mut store, mut session) = (ptr::null(), ptr::null());
    // SAFETY: the contract of kmshsm.h.
    unsafe {
        assert_eq!(kmshsm_open(c"memory:".as_ptr(), 0, ptr::null(), 0, 1, &mut store), 0);
        let (account, region) = (c"111122223333", c"cn-hangzhou");
        let (account, region) = (account.as_ptr(), region.as_ptr());
        assert_eq!(kmshsm_session_open(store, account, region, &mut session), 0);
    }
    session
}

/// Does an action and answers its JSON.
pub fn call(session: *const c_void, action: &CStr, parameters: &str) -> Value {
    let parameters = CString::new(parameters).unwrap();
    let mut answer = ptr::null_mut();
    // SAFETY: the contract of kmshsm.h; the answer is not freed, for it is read to the end.
    let answer = unsafe {
        assert_eq!(kmshsm_call(session, action.as_ptr(), parameters.as_ptr(), &mut answer), 0);
        CStr::from_ptr(answer)
    };
    serde_json::from_slice(answer.to_bytes()).unwrap()
}

/// Makes a key and answers its id.
pub fn create(session: *const c_void, parameters: &str) -> CString {
    let answer = call(session, c"CreateKey", parameters);
    CString::new(answer["KeyMetadata"]["KeyId"].as_str().unwrap()).unwrap()
}
