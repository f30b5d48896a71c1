//! P-256: points, and ECDSA (FIPS 186-5).

use std::ptr::{self, NonNull};

use aws_lc_sys::{EC_GROUP, EC_KEY, EC_POINT};

use super::heap::routed;
use super::{done, made};
use crate::crypto::Random;
use crate::error::{ErrorCode, Result};
use crate::fork::{Generation, Pass};

fn group() -> *const EC_GROUP {
    // SAFETY: takes nothing; the group is a static of AWS-LC's.
    unsafe { aws_lc_sys::EC_group_p256() }
}

/// A key on the curve that has neither half yet.
fn empty_key() -> Result<NonNull<EC_KEY>> {
    // SAFETY: takes a number; the answer is ours.
    let key = unsafe { aws_lc_sys::EC_KEY_new_by_curve_name(aws_lc_sys::NID_X9_62_prime256v1) };
    made(key, ErrorCode::Internal)
}

/// A private key where AWS-LC allocates for the work with private keys, which a forked child does
/// not have.
pub(crate) struct P256Private {
    key: NonNull<EC_KEY>,
    born: Generation,
}

// SAFETY: the key does not change once it is built.
unsafe impl Send for P256Private {}
// SAFETY: as above.
unsafe impl Sync for P256Private {}

impl Drop for P256Private {
    fn drop(&mut self) {
        if self.born.is_current() {
            // It cannot fail.
            let _ = routed(|| {
                // SAFETY: the one reference that this value owns, in the process that made it.
                unsafe { aws_lc_sys::EC_KEY_free(self.key.as_ptr()) };
                Ok(())
            });
        }
    }
}

impl P256Private {
    /// The key d; [`ErrorCode::InvalidKeyMaterial`] unless 0 < d < n.
    pub(crate) fn new(d: &[u8; 32]) -> Result<Self> {
        routed(|| {
            let key = Self { key: empty_key()?, born: Generation::current() };
            // SAFETY: d goes with its length; the number is ours until it is wiped and freed here,
            // and null is freed, too.
            let answer = unsafe {
                let number = aws_lc_sys::BN_bin2bn(d.as_ptr(), d.len(), ptr::null_mut());
                let answer = match number.is_null() {
                    true => 0,
                    false => aws_lc_sys::EC_KEY_set_private_key(key.key.as_ptr(), number),
                };
                aws_lc_sys::BN_clear_free(number);
                answer
            };
            done(answer, ErrorCode::InvalidKeyMaterial)?;
            Ok(key)
        })
    }

    /// The public half, d times the generator.
    pub(crate) fn point(&self) -> Result<[u8; 64]> {
        self.born.check()?;
        routed(|| {
            let point = Point::new()?;
            // SAFETY: point and key live; nothing but the generator's multiple is asked for.
            let answer = unsafe {
                let d = aws_lc_sys::EC_KEY_get0_private_key(self.key.as_ptr());
                let (none, context) = (ptr::null(), ptr::null_mut());
                aws_lc_sys::EC_POINT_mul(group(), point.0.as_ptr(), d, none, ptr::null(), context)
            };
            done(answer, ErrorCode::Internal)?;
            point.coordinates()
        })
    }

    /// r | s, with a nonce from AWS-LC's own generator, which mixes key and digest into it: it takes
    /// no other.
    pub(crate) fn sign(&self, digest: &[u8; 32], _: Random) -> Result<[u8; 64]> {
        self.born.check()?;
        let mut out = [0; 64];
        let (r, s) = out.split_at_mut(32);
        // SAFETY: the key lives; digest and halves go with their lengths; the signature is ours
        // until it is freed here.
        routed(|| unsafe {
            let key = self.key.as_ptr();
            let signature = aws_lc_sys::ECDSA_do_sign(digest.as_ptr(), digest.len(), key);
            if signature.is_null() {
                return done(0, ErrorCode::Internal);
            }
            let r_number = aws_lc_sys::ECDSA_SIG_get0_r(signature);
            let s_number = aws_lc_sys::ECDSA_SIG_get0_s(signature);
            let answer = aws_lc_sys::BN_bn2bin_padded(r.as_mut_ptr(), r.len(), r_number)
                & aws_lc_sys::BN_bn2bin_padded(s.as_mut_ptr(), s.len(), s_number);
            aws_lc_sys::ECDSA_SIG_free(signature);
            done(answer, ErrorCode::Internal)
        })?;
        Ok(out)
    }
}

/// A public key.
pub(crate) struct P256Public(NonNull<EC_KEY>);

// SAFETY: the key does not change once it is built.
unsafe impl Send for P256Public {}
// SAFETY: as above.
unsafe impl Sync for P256Public {}

impl Drop for P256Public {
    fn drop(&mut self) {
        // SAFETY: the one reference that this value owns.
        unsafe { aws_lc_sys::EC_KEY_free(self.0.as_ptr()) };
    }
}

impl P256Public {
    /// The point x | y; [`ErrorCode::InvalidKeyMaterial`] if it is not on the curve.
    pub(crate) fn new(point: &[u8; 64]) -> Result<Self> {
        // AWS-LC makes its groups under a lock that a child could find held for good.
        let _pass = Pass::enter();
        let mut sec1 = [4; 65];
        sec1.iter_mut().skip(1).zip(point).for_each(|(out, byte)| *out = *byte);
        let point = Point::read(&sec1)?;
        let key = Self(empty_key()?);
        // SAFETY: key and point live; the key takes a copy.
        let answer = unsafe { aws_lc_sys::EC_KEY_set_public_key(key.0.as_ptr(), point.0.as_ptr()) };
        done(answer, ErrorCode::InvalidKeyMaterial)?;
        Ok(key)
    }

    /// Whether r | s is this key's signature of the digest.
    pub(crate) fn verify(&self, digest: &[u8; 32], signature: &[u8; 64]) -> bool {
        let (r, s) = signature.split_at(32);
        // SAFETY: the key lives; digest and halves go with their lengths; the numbers are ours until
        // the signature takes them over, and the signature until it is freed here.
        let answer = unsafe {
            let signature = aws_lc_sys::ECDSA_SIG_new();
            let r = aws_lc_sys::BN_bin2bn(r.as_ptr(), r.len(), ptr::null_mut());
            let s = aws_lc_sys::BN_bin2bn(s.as_ptr(), s.len(), ptr::null_mut());
            let mut answer = 0;
            if !signature.is_null() && aws_lc_sys::ECDSA_SIG_set0(signature, r, s) == 1 {
                let key = self.0.as_ptr();
                answer = aws_lc_sys::ECDSA_do_verify(digest.as_ptr(), 32, signature, key);
            } else {
                aws_lc_sys::BN_free(r);
                aws_lc_sys::BN_free(s);
            }
            aws_lc_sys::ECDSA_SIG_free(signature);
            answer
        };
        done(answer, ErrorCode::Internal).is_ok()
    }
}

/// The point x | y in SEC 1, 2.3.3, compressed or not; [`ErrorCode::InvalidKeyMaterial`] if it is not
/// on the curve.
pub(crate) fn p256_point(sec1: &[u8]) -> Result<[u8; 64]> {
    let _pass = Pass::enter();
    Point::read(sec1)?.coordinates()
}

struct Point(NonNull<EC_POINT>);

impl Drop for Point {
    fn drop(&mut self) {
        // SAFETY: the one reference that this value owns.
        unsafe { aws_lc_sys::EC_POINT_free(self.0.as_ptr()) };
    }
}

impl Point {
    fn new() -> Result<Self> {
        // SAFETY: the group is a static; the answer is ours.
        let point = unsafe { aws_lc_sys::EC_POINT_new(group()) };
        made(point, ErrorCode::Internal).map(Self)
    }

    fn read(sec1: &[u8]) -> Result<Self> {
        let (point, context) = (Self::new()?, ptr::null_mut());
        // SAFETY: the point lives; the bytes go with their length.
        let answer = unsafe {
            let (bytes, len) = (sec1.as_ptr(), sec1.len());
            aws_lc_sys::EC_POINT_oct2point(group(), point.0.as_ptr(), bytes, len, context)
        };
        done(answer, ErrorCode::InvalidKeyMaterial)?;
        Ok(point)
    }

    /// x | y.
    fn coordinates(&self) -> Result<[u8; 64]> {
        let mut sec1 = [0; 65];
        // SAFETY: the point lives; the buffer goes with its length.
        let len = unsafe {
            aws_lc_sys::EC_POINT_point2oct(
                group(),
                self.0.as_ptr(),
                aws_lc_sys::point_conversion_form_t::POINT_CONVERSION_UNCOMPRESSED,
                sec1.as_mut_ptr(),
                sec1.len(),
                ptr::null_mut(),
            )
        };
        let [_, coordinates @ ..] = sec1;
        // Infinity has one byte.
        if len == sec1.len() { Ok(coordinates) } else { Err(ErrorCode::InvalidKeyMaterial.into()) }
    }
}
