//! What is used of PKCS#11, as its header has it.

use std::ffi::{c_ulong, c_void};
use std::ptr;

use crate::library::library;

library!(Pkcs11 in c"/usr/lib/softhsm/libsofthsm2.so":
    fn C_Initialize(*const InitializeArguments) -> c_ulong;
    fn C_Finalize(*const c_void) -> c_ulong;
    fn C_GetInfo(*mut Info) -> c_ulong;
    fn C_GetSlotList(u8, *mut c_ulong, *mut c_ulong) -> c_ulong;
    fn C_InitToken(c_ulong, *const u8, c_ulong, *const u8) -> c_ulong;
    fn C_OpenSession(c_ulong, c_ulong, *const c_void, *const c_void, *mut c_ulong) -> c_ulong;
    fn C_CloseSession(c_ulong) -> c_ulong;
    fn C_Login(c_ulong, c_ulong, *const u8, c_ulong) -> c_ulong;
    fn C_InitPIN(c_ulong, *const u8, c_ulong) -> c_ulong;
    fn C_Logout(c_ulong) -> c_ulong;
    fn C_GenerateKey(c_ulong, *const Mechanism, *const Attribute, c_ulong, *mut c_ulong) -> c_ulong;
    fn C_GenerateKeyPair(
        c_ulong, *const Mechanism, *const Attribute, c_ulong, *const Attribute, c_ulong,
        *mut c_ulong, *mut c_ulong
    ) -> c_ulong;
    fn C_EncryptInit(c_ulong, *const Mechanism, c_ulong) -> c_ulong;
    fn C_Encrypt(c_ulong, *const u8, c_ulong, *mut u8, *mut c_ulong) -> c_ulong;
    fn C_DecryptInit(c_ulong, *const Mechanism, c_ulong) -> c_ulong;
    fn C_Decrypt(c_ulong, *const u8, c_ulong, *mut u8, *mut c_ulong) -> c_ulong;
    fn C_SignInit(c_ulong, *const Mechanism, c_ulong) -> c_ulong;
    fn C_Sign(c_ulong, *const u8, c_ulong, *mut u8, *mut c_ulong) -> c_ulong;
    fn C_GenerateRandom(c_ulong, *mut u8, c_ulong) -> c_ulong;
);

#[repr(C)]
pub struct InitializeArguments {
    mutexes: [*const c_void; 4],
    flags: c_ulong,
    reserved: *const c_void,
}

#[repr(C)]
#[derive(Default)]
pub struct Info {
    pub cryptoki: [u8; 2],
    pub manufacturer: [u8; 32],
    pub flags: c_ulong,
    pub description: [u8; 32],
    pub library: [u8; 2],
}

#[repr(C)]
pub struct Mechanism {
    pub mechanism: c_ulong,
    pub parameter: *const c_void,
    pub parameter_len: c_ulong,
}

#[repr(C)]
pub struct Attribute {
    kind: c_ulong,
    value: *const c_void,
    value_len: c_ulong,
}

#[repr(C)]
pub struct GcmParameters {
    pub iv: *const u8,
    pub iv_len: c_ulong,
    pub iv_bits: c_ulong,
    pub aad: *const u8,
    pub aad_len: c_ulong,
    pub tag_bits: c_ulong,
}

impl InitializeArguments {
    /// For several threads, by the locks of the system.
    pub const fn with_os_locking() -> Self {
        Self { mutexes: [ptr::null(); 4], flags: OS_LOCKING, reserved: ptr::null() }
    }
}

impl Mechanism {
    pub const fn plain(mechanism: c_ulong) -> Self {
        Self { mechanism, parameter: ptr::null(), parameter_len: 0 }
    }
}

impl Attribute {
    pub const fn new<T>(kind: c_ulong, value: &T) -> Self {
        Self { kind, value: ptr::from_ref(value).cast(), value_len: size_of::<T>() as c_ulong }
    }
}

// pkcs11.h.
pub const OS_LOCKING: c_ulong = 2;
pub const SERIAL_READ_WRITE: c_ulong = 4 | 2;
pub const SECURITY_OFFICER: c_ulong = 0;
pub const USER: c_ulong = 1;
pub const TOKEN: c_ulong = 1;
pub const SENSITIVE: c_ulong = 0x103;
pub const ENCRYPT: c_ulong = 0x104;
pub const DECRYPT: c_ulong = 0x105;
pub const SIGN: c_ulong = 0x108;
pub const VERIFY: c_ulong = 0x10a;
pub const MODULUS_BITS: c_ulong = 0x121;
pub const VALUE_LEN: c_ulong = 0x161;
pub const EC_PARAMS: c_ulong = 0x180;
pub const RSA_KEY_PAIR_GEN: c_ulong = 0;
pub const RSA_PKCS: c_ulong = 1;
pub const EC_KEY_PAIR_GEN: c_ulong = 0x1040;
pub const ECDSA: c_ulong = 0x1041;
pub const AES_KEY_GEN: c_ulong = 0x1080;
pub const AES_GCM: c_ulong = 0x1087;
