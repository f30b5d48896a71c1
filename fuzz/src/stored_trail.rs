//! The audit trail of a store through the C functions.

use std::ptr;

use crate::abi::*;
use crate::memory::Text;
use crate::run::expect;
use crate::script::*;
use crate::world::*;

/// Paths at which no file can be made, and nothing is a trail.
const PATHS: &[&str] = &["/proc/kmshsm/trail", "/dev/null", "/proc", "", "/proc/self/cmdline"];

/// Texts that are no public keys, or no heads but for the last.
const TEXTS: &[&str] = &[
    "",
    "-----BEGIN PUBLIC KEY-----\n-----END PUBLIC KEY-----\n",
    "0:",
    "1:0000000000000000000000000000000000000000000000000000000000000000",
];

impl World {
    pub(crate) fn flush(&self, pick: &Pick) {
        let (store, found) = self.store(pick);
        // SAFETY: no pointers.
        expect(unsafe { kmshsm_flush(store) }, &found);
    }

    pub(crate) fn export_trail(&self, pick: &Pick, place: u8, answer: bool) {
        let (store, found) = self.store(pick);
        let path = Text::new(around(PATHS, place).copied().unwrap_or_default());
        let mut string = ptr::null_mut();
        let to = if answer { &raw mut string } else { ptr::null_mut() };
        // SAFETY: the string ends with NUL, `to` is to a place for one or NULL.
        let status = unsafe { kmshsm_audit_export(store, path.as_ptr(), to) };
        expect(status, &found);
        assert!(status != OK && string.is_null(), "a trail where none can be");
    }

    pub(crate) fn trail_key(&self, pick: &Pick, answer: bool) {
        let (store, found) = self.store(pick);
        let mut string = ptr::null_mut();
        let to = if answer { &raw mut string } else { ptr::null_mut() };
        // SAFETY: `to` is to a place for one or NULL.
        let status = unsafe { kmshsm_audit_key(store, to) };
        expect(status, &found);
        assert_eq!(status == OK, !string.is_null());
        // SAFETY: it is the library's, or NULL.
        unsafe { kmshsm_string_free(string) };
    }
}

pub(crate) fn verify_trail(place: u8, public_key: &Options, head: &Options, answer: bool) {
    let path = Text::new(around(PATHS, place).copied().unwrap_or_default());
    let (public_key, head) = (public_key.text(TEXTS), head.text(TEXTS));
    let mut string = ptr::null_mut();
    let to = if answer { &raw mut string } else { ptr::null_mut() };
    // SAFETY: strings end with NUL or are NULL, `to` is to a place for one or NULL.
    let status =
        unsafe { kmshsm_audit_verify(path.as_ptr(), public_key.as_ptr(), head.as_ptr(), to) };
    judge(status);
    assert!(status != OK && string.is_null(), "no trail verifies");
}
