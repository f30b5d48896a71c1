//! The functions whose implementation a build chooses, behind one face: AES, AES-GCM, SHA-1,
//! SHA-256, HMAC, RSA and ECDSA over P-256. Tests compile both and hold them against each other.

#[cfg(feature = "awslc")]
mod awslc;
#[cfg(any(test, feature = "portable", not(feature = "awslc")))]
#[cfg_attr(feature = "awslc", allow(dead_code))]
pub(crate) mod rustcrypto;

#[cfg(feature = "awslc")]
use awslc as chosen;
#[cfg(not(feature = "awslc"))]
use rustcrypto as chosen;

pub(crate) use chosen::{
    AesKey, P256Private, P256Public, RsaKey, RsaPublic, Sha256, aes_decrypt_blocks, gcm_open,
    gcm_seal, hmac_sha256, openly, p256_point, route_heap, sha1, sha256,
};

/// A heap for the work with private keys; the provider in pure Rust takes none.
#[derive(Clone, Copy)]
#[cfg_attr(not(feature = "awslc"), allow(dead_code))]
pub struct HeapRoutes {
    /// So many bytes, or null if it is full; None where there is no heap.
    pub allocate: fn(usize) -> Option<*mut u8>,
    /// The same for what a forked child needs, too; None also if it is full.
    pub allocate_lasting: fn(usize) -> Option<*mut u8>,
    /// How many bytes an allocation has; 0 if it is none of this heap's.
    pub size_of: fn(*mut u8) -> usize,
    /// Wipes and frees an allocation of this heap; false if it is none.
    pub release: fn(*mut u8) -> bool,
}

#[cfg(not(any(feature = "awslc", feature = "portable")))]
compile_error!("choose a provider: feature `awslc` (default) or `portable`");

#[cfg(all(test, feature = "awslc"))]
mod agreement;
