//! libgcrypt, as the system has it.

use std::ffi::{CStr, c_char, c_int, c_uint, c_void};
use std::ptr;
use std::sync::LazyLock;

use crate::library::library;
use crate::race::Contestant;

pub const NAME: &str = "libgcrypt";

library!(Gcrypt in c"libgcrypt.so.20":
    fn gcry_check_version(*const c_char) -> *const c_char;
    fn gcry_control(c_int, ...) -> c_uint;
    fn gcry_cipher_open(*mut *mut c_void, c_int, c_int, c_uint) -> c_uint;
    fn gcry_cipher_setkey(*mut c_void, *const u8, usize) -> c_uint;
    fn gcry_cipher_setiv(*mut c_void, *const u8, usize) -> c_uint;
    fn gcry_cipher_setctr(*mut c_void, *const u8, usize) -> c_uint;
    fn gcry_cipher_encrypt(*mut c_void, *mut u8, usize, *const u8, usize) -> c_uint;
    fn gcry_cipher_decrypt(*mut c_void, *mut u8, usize, *const u8, usize) -> c_uint;
    fn gcry_cipher_gettag(*mut c_void, *mut u8, usize) -> c_uint;
    fn gcry_cipher_checktag(*mut c_void, *const u8, usize) -> c_uint;
    fn gcry_md_hash_buffer(c_int, *mut u8, *const u8, usize);
);

// gcrypt.h.
const DISABLE_SECURE_MEMORY: c_int = 37;
const INITIALIZATION_FINISHED: c_int = 38;
const SM4: c_int = 318;
const SM3: c_int = 326;

static GCRYPT: LazyLock<Result<(Gcrypt, String), String>> = LazyLock::new(|| {
    let gcrypt = Gcrypt::load()?;
    // SAFETY: the version is asked for first, and is a constant text.
    let version = unsafe {
        let version = CStr::from_ptr((gcrypt.gcry_check_version)(ptr::null()));
        (gcrypt.gcry_control)(DISABLE_SECURE_MEMORY, 0);
        (gcrypt.gcry_control)(INITIALIZATION_FINISHED, 0);
        version.to_string_lossy().into_owned()
    };
    Ok((gcrypt, version))
});

fn gcrypt() -> Result<&'static Gcrypt, String> {
    GCRYPT.as_ref().map(|(gcrypt, _)| gcrypt).map_err(Clone::clone)
}

pub fn version() -> Result<String, String> {
    GCRYPT.as_ref().map(|(_, version)| version.clone()).map_err(Clone::clone)
}

/// A mode, by its number in gcrypt.h.
#[derive(Clone, Copy, PartialEq)]
pub enum Mode {
    Cbc = 3,
    Ctr = 6,
    Gcm = 9,
}

/// What is done to a message with SM4.
#[derive(Clone, Copy)]
pub struct Job {
    pub mode: Mode,
    pub encrypts: bool,
    /// Whether every message has a key of its own; otherwise only its IV is set.
    pub fresh_key: bool,
}

/// A message from buffer to buffer, and its tag if there is one.
pub fn sm4(name: &'static str, job: Job, len: usize) -> Contestant {
    Contestant::with(name, NAME, gcrypt(), move |gcrypt| {
        let (message, mut sealed, mut tag) = (vec![7u8; len], vec![0; len], [0; 16]);
        let context = Context::new(gcrypt, job);
        context.encrypt(&message, &mut sealed, &mut tag);
        let mut out = vec![0u8; len];
        move || match job.encrypts {
            true => context.encrypt(&message, &mut out, &mut tag),
            false => context.decrypt(&sealed, &mut out, &tag),
        }
    })
}

/// The digest of a message by SM3.
pub fn sm3(name: &'static str, len: usize) -> Contestant {
    Contestant::with(name, NAME, gcrypt(), move |gcrypt| {
        let (gcrypt, message, mut out) = (*gcrypt, vec![7u8; len], [0u8; 32]);
        // SAFETY: a digest of SM3 has 32 bytes.
        move || unsafe {
            (gcrypt.gcry_md_hash_buffer)(SM3, out.as_mut_ptr(), message.as_ptr(), message.len());
        }
    })
}

struct Context {
    gcrypt: &'static Gcrypt,
    handle: *mut c_void,
    job: Job,
}

impl Context {
    fn new(gcrypt: &'static Gcrypt, job: Job) -> Self {
        let mut handle = ptr::null_mut();
        // SAFETY: the algorithm and the mode are known to the library.
        let error = unsafe { (gcrypt.gcry_cipher_open)(&mut handle, SM4, job.mode as c_int, 0) };
        assert_eq!(error, 0);
        let context = Self { gcrypt, handle, job };
        context.set_key();
        context
    }

    fn set_key(&self) {
        // SAFETY: a key of SM4 has 16 bytes.
        let error = unsafe { (self.gcrypt.gcry_cipher_setkey)(self.handle, [9; 16].as_ptr(), 16) };
        assert_eq!(error, 0);
    }

    fn begin(&self) {
        if self.job.fresh_key {
            self.set_key();
        }
        let iv = [1u8; 16].as_ptr();
        // SAFETY: the IV has as many bytes or more.
        let error = unsafe {
            match self.job.mode {
                Mode::Gcm => (self.gcrypt.gcry_cipher_setiv)(self.handle, iv, 12),
                Mode::Cbc => (self.gcrypt.gcry_cipher_setiv)(self.handle, iv, 16),
                Mode::Ctr => (self.gcrypt.gcry_cipher_setctr)(self.handle, iv, 16),
            }
        };
        assert_eq!(error, 0);
    }

    fn encrypt(&self, message: &[u8], out: &mut [u8], tag: &mut [u8; 16]) {
        self.begin();
        let (input, input_len) = (message.as_ptr(), message.len());
        // SAFETY: the buffers have so many bytes.
        let error = unsafe {
            let out_len = out.len();
            (self.gcrypt.gcry_cipher_encrypt)(
                self.handle,
                out.as_mut_ptr(),
                out_len,
                input,
                input_len,
            ) | match self.job.mode {
                Mode::Gcm => (self.gcrypt.gcry_cipher_gettag)(self.handle, tag.as_mut_ptr(), 16),
                Mode::Cbc | Mode::Ctr => 0,
            }
        };
        assert_eq!(error, 0);
    }

    fn decrypt(&self, sealed: &[u8], out: &mut [u8], tag: &[u8; 16]) {
        self.begin();
        let (input, input_len) = (sealed.as_ptr(), sealed.len());
        // SAFETY: the buffers have so many bytes.
        let error = unsafe {
            let out_len = out.len();
            (self.gcrypt.gcry_cipher_decrypt)(
                self.handle,
                out.as_mut_ptr(),
                out_len,
                input,
                input_len,
            ) | match self.job.mode {
                Mode::Gcm => (self.gcrypt.gcry_cipher_checktag)(self.handle, tag.as_ptr(), 16),
                Mode::Cbc | Mode::Ctr => 0,
            }
        };
        assert_eq!(error, 0);
    }
}
