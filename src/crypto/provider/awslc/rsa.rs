//! RSA private keys: made, read, written and applied without padding.

use std::ffi::c_int;
use std::ptr::{self, NonNull};

use aws_lc_sys::{CBB, CBS, EVP_PKEY, RSA};

use super::done;
use super::heap::routed;
use crate::crypto::Random;
use crate::error::{ErrorCode, Result};
use crate::fork::Generation;

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
            // SAFETY: the one reference that this value owns, in the process that made it.
            routed(|| unsafe { aws_lc_sys::EVP_PKEY_free(self.key.as_ptr()) });
        }
    }
}

impl RsaKey {
    /// Makes a key with e = 65537 (FIPS 186-5, A.1), primes from AWS-LC's own generator,
    /// which also blinds: it takes no other.
    pub(crate) fn generate(bits: usize, _: Random) -> Result<Self> {
        let bits = c_int::try_from(bits).map_err(|_| ErrorCode::Internal)?;
        // SAFETY: takes nothing; the answer is ours.
        let key = Self::own(routed(|| unsafe { aws_lc_sys::EVP_PKEY_new() }))?;
        // SAFETY: the RSA object is freed here until `key` has taken it over.
        let answer = routed(|| unsafe {
            let rsa = aws_lc_sys::RSA_new();
            if rsa.is_null() {
                return 0;
            }
            let mut answer = aws_lc_sys::RSA_generate_key_fips(rsa, bits, ptr::null_mut());
            if answer == 1 {
                answer = aws_lc_sys::EVP_PKEY_set1_RSA(key.key.as_ptr(), rsa);
            }
            aws_lc_sys::RSA_free(rsa);
            answer
        });
        done(answer, ErrorCode::Internal)?;
        Ok(key)
    }

    /// Reads PKCS #8 (RFC 5208), all of it, and checks that the numbers belong together.
    pub(crate) fn from_pkcs8(der: &[u8], _: Random) -> Result<Self> {
        let mut input = CBS { data: der.as_ptr(), len: der.len() };
        // SAFETY: `input` spans `der`; the answer is ours.
        let key = routed(|| unsafe { aws_lc_sys::EVP_parse_private_key(&raw mut input) });
        let Ok(key) = Self::own(key) else {
            return done(0, ErrorCode::InvalidKeyMaterial).and(Err(ErrorCode::Internal.into()));
        };
        if input.len != 0 || key.rsa().is_null() {
            return done(0, ErrorCode::InvalidKeyMaterial).and(Err(ErrorCode::Internal.into()));
        }
        Ok(key)
    }

    fn own(key: *mut EVP_PKEY) -> Result<Self> {
        let key = NonNull::new(key).ok_or(ErrorCode::Internal)?;
        Ok(Self { key, born: Generation::current() })
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
        let mut writer = std::mem::MaybeUninit::<CBB>::uninit();
        let mut len = 0;
        // SAFETY: the writer is initialised over `out`, never grows, and is done with at the end.
        let answer = routed(|| unsafe {
            let writer = writer.as_mut_ptr();
            let mut answer = aws_lc_sys::CBB_init_fixed(writer, out.as_mut_ptr(), out.len());
            if answer == 1 {
                answer = marshal(writer, self.key.as_ptr());
                answer &= aws_lc_sys::CBB_finish(writer, ptr::null_mut(), &raw mut len);
                aws_lc_sys::CBB_cleanup(writer);
            }
            answer
        });
        done(answer, ErrorCode::Internal)?;
        Ok(len)
    }

    /// The length of the modulus in bytes.
    pub(crate) fn modulus_len(&self) -> usize {
        // SAFETY: the RSA object lives as long as the key.
        unsafe { aws_lc_sys::RSA_size(self.rsa()) as usize }
    }

    /// c^d mod n, blinded, by the Chinese remainder theorem, the result checked with e. Both have
    /// the modulus' length; 0, 1, n-1 and everything from n on are refused.
    pub(crate) fn decrypt_raw(&self, ciphertext: &[u8], out: &mut [u8]) -> Result<()> {
        self.apply(aws_lc_sys::RSA_decrypt, aws_lc_sys::RSA_NO_PADDING, ciphertext, out)
    }

    /// RSAES-OAEP (RFC 8017) with SHA-1, padded by AWS-LC: for the pairwise check.
    pub(crate) fn encrypt_oaep_sha1(&self, message: &[u8], out: &mut [u8]) -> Result<()> {
        self.apply(aws_lc_sys::RSA_encrypt, aws_lc_sys::RSA_PKCS1_OAEP_PADDING, message, out)
    }

    fn apply(
        &self,
        operation: unsafe extern "C" fn(
            *mut RSA,
            *mut usize,
            *mut u8,
            usize,
            *const u8,
            usize,
            c_int,
        ) -> c_int,
        padding: c_int,
        input: &[u8],
        out: &mut [u8],
    ) -> Result<()> {
        if out.len() != self.modulus_len() {
            return Err(ErrorCode::Internal.into());
        }
        let mut len = 0;
        // SAFETY: the RSA object lives; input and output go with their lengths and do not overlap.
        let answer = routed(|| unsafe {
            operation(
                self.rsa(),
                &raw mut len,
                out.as_mut_ptr(),
                out.len(),
                input.as_ptr(),
                input.len(),
                padding,
            )
        });
        done(answer, ErrorCode::InvalidKeyMaterial)?;
        if len == out.len() { Ok(()) } else { Err(ErrorCode::Internal.into()) }
    }
}
