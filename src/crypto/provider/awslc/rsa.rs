//! RSA keys: made, read, written and applied without padding.

use std::ffi::c_int;
use std::mem::MaybeUninit;
use std::ptr::{self, NonNull};

use aws_lc_sys::{BIGNUM, BN_GENCB, CBB, CBS, EVP_PKEY, RSA};

use super::heap::routed;
use super::{done, made};
use crate::crypto::Random;
use crate::error::{ErrorCode, Result};
use crate::fork::{Generation, give_way};

/// A private key where AWS-LC allocates for the work with private keys, which a forked child does
/// not have.
pub(crate) struct RsaKey {
    key: NonNull<EVP_PKEY>,
    born: Generation,
}

// SAFETY: the key does not change once it is built; AWS-LC guards what it caches in it by a lock.
unsafe impl Send for RsaKey {}
// SAFETY: as above.
unsafe impl Sync for RsaKey {}

impl Drop for RsaKey {
    fn drop(&mut self) {
        if self.born.is_current() {
            // It cannot fail.
            let _ = routed(|| {
                // SAFETY: the one reference that this value owns, in the process that made it.
                unsafe { aws_lc_sys::EVP_PKEY_free(self.key.as_ptr()) };
                Ok(())
            });
        }
    }
}

/// Between two candidates for a prime, where AWS-LC holds no lock.
unsafe extern "C" fn go_on(_: c_int, _: c_int, _: *mut BN_GENCB) -> c_int {
    give_way();
    1
}

impl RsaKey {
    /// Makes a key with e = 65537 (FIPS 186-5, A.1), primes from AWS-LC's own generator, which also
    /// blinds: it takes no other. It takes up to seconds, and lets forks through.
    pub(crate) fn generate(bits: usize, _: Random) -> Result<Self> {
        let bits = c_int::try_from(bits).map_err(|_| ErrorCode::Internal)?;
        // SAFETY: takes nothing; the answer is ours.
        let key = routed(|| Self::own(unsafe { aws_lc_sys::EVP_PKEY_new() }, ErrorCode::Internal))?;
        // SAFETY: the RSA object is freed here until `key` has taken it over.
        let make = || unsafe {
            let rsa = aws_lc_sys::RSA_new();
            if rsa.is_null() {
                return 0;
            }
            let mut progress = MaybeUninit::<BN_GENCB>::zeroed();
            aws_lc_sys::BN_GENCB_set(progress.as_mut_ptr(), Some(go_on), ptr::null_mut());
            let mut answer = aws_lc_sys::RSA_generate_key_fips(rsa, bits, progress.as_mut_ptr());
            if answer == 1 {
                answer = aws_lc_sys::EVP_PKEY_set1_RSA(key.key.as_ptr(), rsa);
            }
            aws_lc_sys::RSA_free(rsa);
            answer
        };
        routed(|| done(make(), ErrorCode::Internal))?;
        Ok(key)
    }

    /// Reads PKCS #8 (RFC 5208), all of it, and checks that the numbers belong together.
    pub(crate) fn from_pkcs8(der: &[u8], _: Random) -> Result<Self> {
        let mut input = CBS { data: der.as_ptr(), len: der.len() };
        // SAFETY: `input` spans `der`; the answer is ours.
        let mut parse = || unsafe { aws_lc_sys::EVP_parse_private_key(&raw mut input) };
        let key = routed(|| Self::own(parse(), ErrorCode::InvalidKeyMaterial))?;
        let is_whole = input.len == 0 && !key.rsa().is_null();
        done(is_whole.into(), ErrorCode::InvalidKeyMaterial)?;
        Ok(key)
    }

    fn own(key: *mut EVP_PKEY, otherwise: ErrorCode) -> Result<Self> {
        Ok(Self { key: made(key, otherwise)?, born: Generation::current() })
    }

    /// The RSA object inside, or null if the key is of another kind.
    fn rsa(&self) -> *mut RSA {
        // SAFETY: the key lives; the answer borrows from it.
        unsafe { aws_lc_sys::EVP_PKEY_get0_RSA(self.key.as_ptr()) }
    }

    /// Writes PKCS #8 (RFC 5208) to the front of `out` and answers its length.
    pub(crate) fn write_pkcs8(&self, out: &mut [u8]) -> Result<usize> {
        self.encode(aws_lc_sys::EVP_marshal_private_key, out)
    }

    /// Writes the public half as SubjectPublicKeyInfo (RFC 5280).
    pub(crate) fn public_spki(&self) -> Result<Vec<u8>> {
        let mut der = vec![0; self.modulus_len() + 64];
        let len = self.encode(aws_lc_sys::EVP_marshal_public_key, &mut der)?;
        der.truncate(len);
        Ok(der)
    }

    fn encode(
        &self,
        marshal: unsafe extern "C" fn(*mut CBB, *const EVP_PKEY) -> c_int,
        out: &mut [u8],
    ) -> Result<usize> {
        let mut writer = MaybeUninit::<CBB>::uninit();
        let mut len = 0;
        // SAFETY: the writer is initialised over `out`, never grows, and is done with at the end.
        let mut write = || unsafe {
            let writer = writer.as_mut_ptr();
            let mut answer = aws_lc_sys::CBB_init_fixed(writer, out.as_mut_ptr(), out.len());
            if answer == 1 {
                answer = marshal(writer, self.key.as_ptr());
                answer &= aws_lc_sys::CBB_finish(writer, ptr::null_mut(), &raw mut len);
                aws_lc_sys::CBB_cleanup(writer);
            }
            answer
        };
        routed(|| done(write(), ErrorCode::Internal))?;
        Ok(len)
    }

    /// The length of the modulus in bytes.
    pub(crate) fn modulus_len(&self) -> usize {
        // SAFETY: the RSA object lives as long as the key.
        unsafe { aws_lc_sys::RSA_size(self.rsa()) as usize }
    }

    /// Marks the private exponents and the coefficient as secret, before they are first used. Not the
    /// primes: AWS-LC computes their lengths from all of their words, and with that the size of
    /// whatever it allocates, so that everything would seem to depend on them.
    #[cfg(feature = "testing")]
    pub(crate) fn conceal(&self) {
        let numbers = [
            aws_lc_sys::RSA_get0_d,
            aws_lc_sys::RSA_get0_dmp1,
            aws_lc_sys::RSA_get0_dmq1,
            aws_lc_sys::RSA_get0_iqmp,
        ];
        for number in numbers {
            // SAFETY: the RSA object lives as long as the key, and has all of its numbers; their
            // words are lent to the marks alone.
            let words = unsafe {
                let number = &*number(self.rsa());
                std::slice::from_raw_parts_mut(number.d.cast::<u8>(), number.width as usize * 8)
            };
            crate::secret::marks::conceal(words);
        }
    }

    /// c^d mod n, blinded, by the Chinese remainder theorem, the result checked with e. Both have
    /// the modulus' length; 0, 1, n-1 and everything from n on are
    /// [`ErrorCode::InvalidCiphertext`].
    pub(crate) fn apply(&self, input: &[u8], out: &mut [u8]) -> Result<()> {
        // SAFETY: the RSA object lives as long as the key.
        routed(|| unsafe { raw(aws_lc_sys::RSA_decrypt, self.rsa(), input, out) })
    }
}

/// A public key in the ordinary heap.
pub(crate) struct RsaPublic(NonNull<RSA>);

// SAFETY: as for private keys.
unsafe impl Send for RsaPublic {}
// SAFETY: as above.
unsafe impl Sync for RsaPublic {}

impl Drop for RsaPublic {
    fn drop(&mut self) {
        // SAFETY: the one reference that this value owns.
        unsafe { aws_lc_sys::RSA_free(self.0.as_ptr()) };
    }
}

impl RsaPublic {
    /// From n and e, odd both of them, big-endian.
    pub(crate) fn new(modulus: &[u8], exponent: &[u8]) -> Result<Self> {
        let (n, e) = (Number::new(modulus)?, Number::new(exponent)?);
        // SAFETY: the key has copies of the numbers; the answer is ours.
        let key = unsafe { aws_lc_sys::RSA_new_public_key(n.0.as_ptr(), e.0.as_ptr()) };
        let key = Self(made(key, ErrorCode::InvalidKeyMaterial)?);
        // What AWS-LC computes for a modulus it caches at first use, under a lock that a forked child
        // might find held: that is now.
        let mut one = vec![0; key.modulus_len()];
        one.iter_mut().rev().take(1).for_each(|last| *last = 1);
        key.apply(&one.clone(), &mut one)?;
        Ok(key)
    }

    /// The length of the modulus in bytes.
    pub(crate) fn modulus_len(&self) -> usize {
        // SAFETY: the key lives.
        unsafe { aws_lc_sys::RSA_size(self.0.as_ptr()) as usize }
    }

    /// m^e mod n. Both have the modulus' length; everything from n on is
    /// [`ErrorCode::InvalidCiphertext`].
    pub(crate) fn apply(&self, input: &[u8], out: &mut [u8]) -> Result<()> {
        // SAFETY: the key lives.
        unsafe { raw(aws_lc_sys::RSA_encrypt, self.0.as_ptr(), input, out) }
    }

    /// The same for an m that is secret: AWS-LC's copies of it lie where those of private keys do.
    pub(crate) fn apply_to_secret(&self, input: &[u8], out: &mut [u8]) -> Result<()> {
        routed(|| self.apply(input, out))
    }
}

/// A public number.
struct Number(NonNull<BIGNUM>);

impl Number {
    fn new(bytes: &[u8]) -> Result<Self> {
        // SAFETY: the bytes go with their length; the answer is ours.
        let number = unsafe { aws_lc_sys::BN_bin2bn(bytes.as_ptr(), bytes.len(), ptr::null_mut()) };
        made(number, ErrorCode::Internal).map(Self)
    }
}

impl Drop for Number {
    fn drop(&mut self) {
        // SAFETY: the number that this value owns.
        unsafe { aws_lc_sys::BN_free(self.0.as_ptr()) };
    }
}

type Operation =
    unsafe extern "C" fn(*mut RSA, *mut usize, *mut u8, usize, *const u8, usize, c_int) -> c_int;

/// One of AWS-LC's operations without padding.
///
/// # Safety
/// The key lives, and the operation takes it.
unsafe fn raw(operation: Operation, key: *mut RSA, input: &[u8], out: &mut [u8]) -> Result<()> {
    // SAFETY: as the caller says.
    let modulus_len = unsafe { aws_lc_sys::RSA_size(key) as usize };
    if input.len() != modulus_len {
        return Err(ErrorCode::InvalidCiphertext.into());
    }
    if out.len() != modulus_len {
        return Err(ErrorCode::Internal.into());
    }
    let mut len = 0;
    // SAFETY: as the caller says; input and output go with their lengths and do not overlap.
    let answer = unsafe {
        operation(
            key,
            &raw mut len,
            out.as_mut_ptr(),
            out.len(),
            input.as_ptr(),
            input.len(),
            aws_lc_sys::RSA_NO_PADDING,
        )
    };
    done(answer, ErrorCode::InvalidCiphertext)?;
    if len == out.len() { Ok(()) } else { Err(ErrorCode::Internal.into()) }
}
