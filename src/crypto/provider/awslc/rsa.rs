//! RSA private keys: made, read, written and applied without padding.

use std::ffi::c_int;
use std::ptr::{self, NonNull};

use aws_lc_sys::{CBB, CBS, EVP_PKEY, RSA};

use super::done;
use crate::crypto::Random;
use crate::error::{ErrorCode, Result};
use crate::secret::Zeroizing;

/// A private key in AWS-LC's heap, which wipes what it frees.
pub(crate) struct RsaKey(NonNull<EVP_PKEY>);

// SAFETY: the key does not change once it is built; AWS-LC guards what it caches in it by a lock.
unsafe impl Send for RsaKey {}
// SAFETY: as above.
unsafe impl Sync for RsaKey {}

impl Drop for RsaKey {
    fn drop(&mut self) {
        // SAFETY: the one reference that this value owns.
        unsafe { aws_lc_sys::EVP_PKEY_free(self.0.as_ptr()) };
    }
}

impl RsaKey {
    /// Makes a key with e = 65537 (FIPS 186-5, A.1), primes from AWS-LC's own generator,
    /// which also blinds: it takes no other.
    pub(crate) fn generate(bits: usize, _: Random) -> Result<Self> {
        let bits = c_int::try_from(bits).map_err(|_| ErrorCode::Internal)?;
        // SAFETY: takes nothing; the answer is ours.
        let key = unsafe { aws_lc_sys::EVP_PKEY_new() };
        let key = Self(NonNull::new(key).ok_or(ErrorCode::Internal)?);
        // SAFETY: the RSA object is freed here until `key` has taken it over.
        let answer = unsafe {
            let rsa = aws_lc_sys::RSA_new();
            if rsa.is_null() {
                return Err(ErrorCode::Internal.into());
            }
            let mut answer = aws_lc_sys::RSA_generate_key_fips(rsa, bits, ptr::null_mut());
            if answer == 1 {
                answer = aws_lc_sys::EVP_PKEY_set1_RSA(key.0.as_ptr(), rsa);
            }
            aws_lc_sys::RSA_free(rsa);
            answer
        };
        done(answer, ErrorCode::Internal)?;
        Ok(key)
    }

    /// Reads PKCS #8 (RFC 5208), all of it, and checks that the numbers belong together.
    pub(crate) fn from_pkcs8(der: &[u8], _: Random) -> Result<Self> {
        let mut input = CBS { data: der.as_ptr(), len: der.len() };
        // SAFETY: `input` spans `der`; the answer is ours.
        let key = NonNull::new(unsafe { aws_lc_sys::EVP_parse_private_key(&raw mut input) });
        let Some(key) = key.map(Self) else {
            return done(0, ErrorCode::InvalidKeyMaterial).and(Err(ErrorCode::Internal.into()));
        };
        if input.len != 0 || key.rsa().is_null() {
            return done(0, ErrorCode::InvalidKeyMaterial).and(Err(ErrorCode::Internal.into()));
        }
        Ok(key)
    }

    /// The RSA object inside, or null if the key is of another kind.
    fn rsa(&self) -> *mut RSA {
        // SAFETY: the key lives; the answer borrows from it.
        unsafe { aws_lc_sys::EVP_PKEY_get0_RSA(self.0.as_ptr()) }
    }

    /// Writes PKCS #8 (RFC 5208).
    pub(crate) fn to_pkcs8(&self) -> Result<Zeroizing<Vec<u8>>> {
        self.encode(aws_lc_sys::EVP_marshal_private_key)
    }

    /// Writes the public half as SubjectPublicKeyInfo (RFC 5280).
    pub(crate) fn public_spki(&self) -> Result<Vec<u8>> {
        self.encode(aws_lc_sys::EVP_marshal_public_key).map(|der| der.to_vec())
    }

    fn encode(
        &self,
        marshal: unsafe extern "C" fn(*mut CBB, *const EVP_PKEY) -> c_int,
    ) -> Result<Zeroizing<Vec<u8>>> {
        // n and d take the modulus' length each, the five CRT numbers half of it each.
        let mut der = Zeroizing::new(vec![0; self.modulus_len() * 5 + 256]);
        let mut writer = std::mem::MaybeUninit::<CBB>::uninit();
        let mut len = 0;
        // SAFETY: the writer is initialised over `der`, never grows, and is done with at the end.
        let answer = unsafe {
            let writer = writer.as_mut_ptr();
            let mut answer = aws_lc_sys::CBB_init_fixed(writer, der.as_mut_ptr(), der.len());
            if answer == 1 {
                answer = marshal(writer, self.0.as_ptr());
                answer &= aws_lc_sys::CBB_finish(writer, ptr::null_mut(), &raw mut len);
                aws_lc_sys::CBB_cleanup(writer);
            }
            answer
        };
        done(answer, ErrorCode::Internal)?;
        der.truncate(len);
        Ok(der)
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
        let answer = unsafe {
            operation(
                self.rsa(),
                &raw mut len,
                out.as_mut_ptr(),
                out.len(),
                input.as_ptr(),
                input.len(),
                padding,
            )
        };
        done(answer, ErrorCode::InvalidKeyMaterial)?;
        if len == out.len() { Ok(()) } else { Err(ErrorCode::Internal.into()) }
    }
}
