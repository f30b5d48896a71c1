//! SoftHSM2 through PKCS#11, with a token in a directory of its own.

use std::ffi::c_ulong;
use std::fs;
use std::ptr;
use std::sync::Arc;

use tempfile::TempDir;

use crate::DIGEST;
use crate::pkcs11::{self, Attribute, GcmParameters, Info, InitializeArguments, Mechanism, Pkcs11};
use crate::race::Contestant;

pub const NAME: &str = "SoftHSM2";

const YES: u8 = 1;
const PIN: &[u8] = b"1234";
/// What ECDSA's parameters are: P-256 by its object identifier.
const P256: [u8; 10] = *b"\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07";
/// What PKCS #1 v1.5 puts before a digest of SHA-256 (RFC 8017, 9.2).
const SHA256_INFO: [u8; 19] =
    *b"\x30\x31\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x01\x05\x00\x04\x20";

/// The library, logged in to a token that goes with it.
#[derive(Clone)]
pub struct SoftHsm(Result<Arc<Token>, String>);

struct Token {
    pkcs11: Pkcs11,
    slot: c_ulong,
    /// Where all threads' sessions are logged in by.
    session: c_ulong,
    version: String,
    _directory: TempDir,
}

impl Drop for Token {
    fn drop(&mut self) {
        // SAFETY: nobody has a session any more.
        unsafe { (self.pkcs11.C_Finalize)(ptr::null()) };
    }
}

impl SoftHsm {
    /// Before other threads begin: the library finds its configuration by a variable of the process.
    pub fn new() -> Self {
        Self(Token::new().map(Arc::new))
    }

    pub fn version(&self) -> Result<String, String> {
        self.0.clone().map(|token| token.version.clone())
    }

    /// C_Encrypt with AES-256-GCM.
    pub fn encrypt(&self, name: &'static str, len: usize) -> Contestant {
        self.contestant(name, Token::aes_key, move |session, key| {
            let (message, mut out) = (vec![7u8; len], vec![0u8; len + 16]);
            move || assert_eq!(session.encrypt(key, &message, &mut out), len + 16)
        })
    }

    /// C_Decrypt with AES-256-GCM.
    pub fn decrypt(&self, name: &'static str, len: usize) -> Contestant {
        self.contestant(name, Token::aes_key, move |session, key| {
            let (mut sealed, mut out) = (vec![0u8; len + 16], vec![0u8; len + 16]);
            session.encrypt(key, &vec![7u8; len], &mut sealed);
            move || assert_eq!(session.decrypt(key, &sealed, &mut out), len)
        })
    }

    /// C_Sign with RSA-2048, PKCS #1 v1.5.
    pub fn sign_rsa(&self, name: &'static str) -> Contestant {
        let info = [&SHA256_INFO[..], &DIGEST].concat();
        self.contestant(name, Token::rsa_pair, move |session, key| {
            let info = info.clone();
            move || assert_eq!(session.sign(pkcs11::RSA_PKCS, key, &info), 256)
        })
    }

    /// C_Sign with ECDSA on P-256.
    pub fn sign_p256(&self, name: &'static str) -> Contestant {
        self.contestant(name, Token::p256_pair, move |session, key| {
            move || assert_eq!(session.sign(pkcs11::ECDSA, key, &DIGEST), 64)
        })
    }

    /// C_GenerateRandom.
    pub fn random(&self, name: &'static str, len: usize) -> Contestant {
        self.contestant(
            name,
            |_| Ok(0),
            move |session, _| {
                let mut out = vec![0u8; len];
                move || session.random(&mut out)
            },
        )
    }

    /// With a key for all threads, and a session for each.
    fn contestant<F: FnMut() + 'static>(
        &self,
        name: &'static str,
        key: impl FnOnce(&Token) -> Result<c_ulong, String>,
        make: impl Fn(Session, c_ulong) -> F + Sync + 'static,
    ) -> Contestant {
        let found = self.0.clone().and_then(|token| key(&token).map(|key| (token, key)));
        Contestant::with(name, NAME, found, move |(token, key)| {
            make(Session::new(token.clone()), *key)
        })
    }
}

impl Token {
    fn new() -> Result<Self, String> {
        let pkcs11 = Pkcs11::load()?;
        let directory = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        let place = directory.path().display();
        let configuration = directory.path().join("softhsm2.conf");
        let text = format!("directories.tokendir = {place}\nlog.level = ERROR\n");
        fs::write(&configuration, text).unwrap();
        // SAFETY: there is one thread.
        unsafe { std::env::set_var("SOFTHSM2_CONF", &configuration) };
        let (mut slots, mut number, mut session) = ([0; 8], 8, 0);
        let mut info = Info::default();
        // SAFETY: all pointers are to what the functions write or read, of the lengths given.
        let steps = unsafe {
            let arguments = InitializeArguments::with_os_locking();
            let initialized = (pkcs11.C_Initialize)(&arguments);
            let informed = (pkcs11.C_GetInfo)(&mut info);
            let listed = (pkcs11.C_GetSlotList)(1, slots.as_mut_ptr(), &mut number);
            let (slot, pin, pin_len) = (slots[0], PIN.as_ptr(), PIN.len() as c_ulong);
            let made = (pkcs11.C_InitToken)(slot, pin, pin_len, [b' '; 32].as_ptr());
            // The token is in another slot now.
            let relisted = (pkcs11.C_GetSlotList)(1, slots.as_mut_ptr(), &mut number);
            let (flags, none) = (pkcs11::SERIAL_READ_WRITE, ptr::null());
            let opened = (pkcs11.C_OpenSession)(slots[0], flags, none, none, &mut session);
            let officer = (pkcs11.C_Login)(session, pkcs11::SECURITY_OFFICER, pin, pin_len);
            let named = (pkcs11.C_InitPIN)(session, pin, pin_len);
            let left = (pkcs11.C_Logout)(session);
            let user = (pkcs11.C_Login)(session, pkcs11::USER, pin, pin_len);
            [initialized, informed, listed, made, relisted, opened, officer, named, left, user]
        };
        if let Some(step) = steps.iter().position(|code| *code != 0) {
            return Err(format!("step {step} of making a token: {:#x}", steps[step]));
        }
        let version = format!("{}.{}", info.library[0], info.library[1]);
        Ok(Self { pkcs11, slot: slots[0], session, version, _directory: directory })
    }

    fn aes_key(&self) -> Result<c_ulong, String> {
        let (mechanism, len, mut key) = (Mechanism::plain(pkcs11::AES_KEY_GEN), 32 as c_ulong, 0);
        let template = [
            Attribute::new(pkcs11::TOKEN, &YES),
            Attribute::new(pkcs11::SENSITIVE, &YES),
            Attribute::new(pkcs11::ENCRYPT, &YES),
            Attribute::new(pkcs11::DECRYPT, &YES),
            Attribute::new(pkcs11::VALUE_LEN, &len),
        ];
        let (attributes, number) = (template.as_ptr(), template.len() as c_ulong);
        // SAFETY: the template has so many attributes.
        let code = unsafe {
            (self.pkcs11.C_GenerateKey)(self.session, &mechanism, attributes, number, &mut key)
        };
        if code == 0 { Ok(key) } else { Err(format!("C_GenerateKey: {code:#x}")) }
    }

    fn rsa_pair(&self) -> Result<c_ulong, String> {
        let bits: c_ulong = 2048;
        self.pair(pkcs11::RSA_KEY_PAIR_GEN, Attribute::new(pkcs11::MODULUS_BITS, &bits))
    }

    fn p256_pair(&self) -> Result<c_ulong, String> {
        self.pair(pkcs11::EC_KEY_PAIR_GEN, Attribute::new(pkcs11::EC_PARAMS, &P256))
    }

    /// The private half of a new pair that signs.
    fn pair(&self, mechanism: c_ulong, kind: Attribute) -> Result<c_ulong, String> {
        let (mechanism, mut halves) = (Mechanism::plain(mechanism), [0; 2]);
        let token = || Attribute::new(pkcs11::TOKEN, &YES);
        let public = [token(), Attribute::new(pkcs11::VERIFY, &YES), kind];
        let sensitive = Attribute::new(pkcs11::SENSITIVE, &YES);
        let private = [token(), sensitive, Attribute::new(pkcs11::SIGN, &YES)];
        let [public_half, private_half] = &mut halves;
        // SAFETY: both templates have three attributes.
        let code = unsafe {
            let (public, private) = (public.as_ptr(), private.as_ptr());
            let make = self.pkcs11.C_GenerateKeyPair;
            make(self.session, &mechanism, public, 3, private, 3, public_half, private_half)
        };
        if code == 0 { Ok(halves[1]) } else { Err(format!("C_GenerateKeyPair: {code:#x}")) }
    }
}

/// A thread's session.
struct Session {
    token: Arc<Token>,
    session: c_ulong,
}

impl Drop for Session {
    fn drop(&mut self) {
        // SAFETY: it is open.
        unsafe { (self.token.pkcs11.C_CloseSession)(self.session) };
    }
}

impl Session {
    fn new(token: Arc<Token>) -> Self {
        let (mut session, none) = (0, ptr::null());
        let flags = pkcs11::SERIAL_READ_WRITE;
        // SAFETY: nobody is to be notified.
        let code =
            unsafe { (token.pkcs11.C_OpenSession)(token.slot, flags, none, none, &mut session) };
        assert_eq!(code, 0);
        Self { token, session }
    }

    fn encrypt(&self, key: c_ulong, message: &[u8], out: &mut [u8]) -> usize {
        let mut len = out.len() as c_ulong;
        let (input, input_len) = (message.as_ptr(), message.len() as c_ulong);
        let pkcs11 = &self.token.pkcs11;
        // SAFETY: the buffers have so many bytes.
        let codes = with_gcm(|mechanism| unsafe {
            let begun = (pkcs11.C_EncryptInit)(self.session, mechanism, key);
            let out = out.as_mut_ptr();
            [begun, (pkcs11.C_Encrypt)(self.session, input, input_len, out, &mut len)]
        });
        assert_eq!(codes, [0; 2]);
        len as usize
    }

    fn decrypt(&self, key: c_ulong, sealed: &[u8], out: &mut [u8]) -> usize {
        let mut len = out.len() as c_ulong;
        let (input, input_len) = (sealed.as_ptr(), sealed.len() as c_ulong);
        let pkcs11 = &self.token.pkcs11;
        // SAFETY: the buffers have so many bytes.
        let codes = with_gcm(|mechanism| unsafe {
            let begun = (pkcs11.C_DecryptInit)(self.session, mechanism, key);
            let out = out.as_mut_ptr();
            [begun, (pkcs11.C_Decrypt)(self.session, input, input_len, out, &mut len)]
        });
        assert_eq!(codes, [0; 2]);
        len as usize
    }

    fn sign(&self, mechanism: c_ulong, key: c_ulong, input: &[u8]) -> usize {
        let (mut out, mut len, mechanism) = ([0u8; 512], 512, Mechanism::plain(mechanism));
        let pkcs11 = &self.token.pkcs11;
        // SAFETY: the buffers have so many bytes.
        let codes = unsafe {
            let begun = (pkcs11.C_SignInit)(self.session, &mechanism, key);
            let (input, input_len) = (input.as_ptr(), input.len() as c_ulong);
            let out = out.as_mut_ptr();
            [begun, (pkcs11.C_Sign)(self.session, input, input_len, out, &mut len)]
        };
        assert_eq!(codes, [0; 2]);
        len as usize
    }

    fn random(&self, out: &mut [u8]) {
        let (len, out) = (out.len() as c_ulong, out.as_mut_ptr());
        // SAFETY: the buffer has so many bytes.
        assert_eq!(unsafe { (self.token.pkcs11.C_GenerateRandom)(self.session, out, len) }, 0);
    }
}

fn with_gcm<T>(f: impl FnOnce(*const Mechanism) -> T) -> T {
    let iv = [1u8; 12];
    let parameters = GcmParameters {
        iv: iv.as_ptr(),
        iv_len: 12,
        iv_bits: 96,
        aad: ptr::null(),
        aad_len: 0,
        tag_bits: 128,
    };
    f(&Mechanism {
        mechanism: pkcs11::AES_GCM,
        parameter: ptr::from_ref(&parameters).cast(),
        parameter_len: size_of::<GcmParameters>() as c_ulong,
    })
}
