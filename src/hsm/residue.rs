//! What work with keys leaves behind: right after each primitive a second thread reads all writable
//! memory of the process, and the first thread's registers, which a signal has stored on its stack.
//! Nothing of a key may be there. With the secret stacks switched off the same search must find
//! something: that is its proof.
//!
//! A process of its own, started for one scene, so that no other test disturbs it. What is searched
//! for is kept under a mask, or the search would find itself.
#![allow(unsafe_code)]

mod search;

use search::{Wanted, hold_still, search_after};

use super::arena::{SecretBytes, arena, on_this_stack};
use super::material::{ec_pair, imported};
use super::pair::curve_of;
use super::*;
use crate::crypto::block::Cipher;
use crate::crypto::kdf::{Argon2Params, argon2id};
use crate::crypto::{aead, ec, ecb, mac};
use crate::model::{
    EncryptionAlgorithm, EncryptionContext, IdentitySpec, KeyId, KeySpec, KeyVersionId, Making,
    Sealing, SigningAlgorithm, Timestamp, WrappingAlgorithm,
};

const SCENE: &str = "KMSHSM_RESIDUE_SCENE";

/// A secret of `len` bytes that no ordinary memory ever held.
fn secret(len: usize) -> SecretBytes {
    let mut bytes = arena().alloc(len).unwrap();
    bytes.write(rng::fill).unwrap();
    bytes
}

/// Each primitive in turn. Answers what was found, by primitive.
fn all() -> Vec<(&'static str, Vec<&'static str>)> {
    let keyring = Keyring::generate([7; 16]).unwrap();
    // Its domain key comes with it.
    Header::new(&keyring, Timestamp(1), IdentitySpec::default(), [0; 32]).unwrap();
    let (key, passphrase) = (secret(32), secret(48));
    let mut wanted = Wanted::default();
    key.read(|key| {
        wanted.add("key", key);
        // The other provider shows its schedules to nobody.
        #[cfg(feature = "awslc")]
        crate::crypto::block::BlockKey::new(Cipher::Aes256, key)
            .unwrap()
            .with_bytes(|bytes| wanted.add("round keys", bytes));
        #[cfg(feature = "awslc")]
        crate::crypto::block::BlockKey::new(Cipher::Sm4, &key[..16])
            .unwrap()
            .with_bytes(|bytes| wanted.add("round keys of SM4", bytes));
        Ok(())
    })
    .unwrap();
    passphrase.read(|passphrase| Ok(wanted.add("passphrase", passphrase))).unwrap();
    let mut body = arena().alloc(1 + 8 + 4 + 32).unwrap();
    body.write(|body| {
        body[0] = 1;
        body[12] = 32;
        key.read(|key| Ok(body[13..].copy_from_slice(key)))
    })
    .unwrap();
    let wrapping = permitted(KeySpec::Aes256, WrappingAlgorithm::OaepSha256).unwrap();
    let making = permitted(KeySpec::Rsa2048, Making).unwrap();
    let pair = KeyId::from_bytes([1; 16]);
    let pair = WrappingPair::generate(making, wrapping, pair, Timestamp(1 << 40)).unwrap();
    // The last numbers of the DER are the primes, their exponents and the coefficient.
    pair.body().unwrap().read(|body| Ok(wanted.add("RSA", &body[body.len() - 640..]))).unwrap();
    let context = EncryptionContext::default();
    let version = KeyVersionId::from_bytes([2; 16]);
    let material = KeyMaterial::from_version_body(KeySpec::Aes256, &body).unwrap();
    let sealing = permitted(KeySpec::Aes256, Sealing).unwrap();
    let mut blob = vec![0; 32 + OVERHEAD];
    let place =
        || Place { kind: RecordKind::Version, id: &[3; 16], storage_key: b"k", immutables: b"i" };
    let record = keyring.seal_secret(&place(), (1, 1), &body).unwrap();

    let mut found = Vec::new();
    let mut after = |name, work: &mut dyn FnMut()| {
        found.push((name, search_after(&wanted, work)));
    };
    after("expanding a key", &mut || {
        drop(KeyMaterial::from_version_body(KeySpec::Aes256, &body).unwrap());
    });
    after("encrypting", &mut || {
        Envelope::seal(
            material.symmetric(sealing).unwrap(),
            &version,
            &[5; 32],
            false,
            &context,
            &mut blob,
        )
        .unwrap();
    });
    after("decrypting", &mut || {
        let envelope = Envelope::parse(&blob).unwrap();
        envelope.open(material.symmetric(sealing).unwrap(), &context, &mut [0; 32]).unwrap();
    });
    after("GCM under the key itself", &mut || {
        let (mut out, mut tag) = ([0; 64], [0; 16]);
        key.read(|key| {
            aead::seal(Cipher::Aes256, key, &[0; 12], &[], &[1; 64], &mut out, &mut tag)
        })
        .unwrap();
    });
    after("blocks and GCM under SM4", &mut || {
        let (mut blocks, mut tag) = ([1; 64], [0; 16]);
        key.read(|key| {
            let key = key.first_chunk().unwrap();
            ecb::sm4_encrypt(key, &mut blocks)?;
            ecb::sm4_decrypt(key, &mut blocks)?;
            aead::seal(Cipher::Sm4, key, &[0; 12], &[], &[1; 64], &mut blocks, &mut tag)
        })
        .unwrap();
    });
    after("HMAC", &mut || {
        key.read(|key| Ok(mac::hmac_sha256(key, &[b"message"]))).unwrap();
    });
    after("sealing and opening a record", &mut || {
        keyring.seal_secret(&place(), (1, 1), &body).unwrap();
        drop(keyring.open_secret(&place(), &record).unwrap());
    });
    after("a fingerprint", &mut || {
        let raw = RawMaterial::unwrapped(secret(32));
        raw.fingerprint(&keyring, &KeyId::from_bytes([1; 16]), KeySpec::Aes256).unwrap();
    });
    after("Argon2id", &mut || {
        let (params, mut out) = (Argon2Params::FLOOR, arena().alloc(32).unwrap());
        passphrase
            .read(|passphrase| {
                out.write(|out| argon2id(passphrase, &[1; 16], params, out.try_into().unwrap()))
            })
            .unwrap();
    });
    after("shares", &mut || {
        let split = shares::split(&key, 2, 3).unwrap();
        drop(shares::combine(&split[1..]).unwrap());
    });
    let making = permitted(KeySpec::Aes256, Making).unwrap();
    after("taking a key from a token", &mut || {
        let write = |out: &mut [u8]| {
            key.read(|key| {
                out[..32].copy_from_slice(key);
                Ok(32)
            })
        };
        drop(RawMaterial::taken(making, write).unwrap());
    });
    after("RSA", &mut || {
        assert!(pair.unwrap(wrapping, &[3; 256]).is_err());
    });
    found.extend(pairs());
    found
}

/// Importing, loading, signing and decrypting with a pair of each kind.
fn pairs() -> Vec<(&'static str, Vec<&'static str>)> {
    use SigningAlgorithm::{EcdsaSha256, RsaPssSha256, Sm2Dsa};
    let mut found = Vec::new();
    for (name, spec, algorithm) in [
        ("RSA key pairs", KeySpec::Rsa2048, RsaPssSha256),
        ("key pairs on P-256", KeySpec::EcP256, EcdsaSha256),
        ("key pairs on secp256k1", KeySpec::EcP256k, EcdsaSha256),
        ("key pairs of SM2", KeySpec::EcSm2, Sm2Dsa),
    ] {
        let mut wanted = Wanted::default();
        let raw = RawMaterial::generate(permitted(spec, Making).unwrap()).unwrap();
        let body = raw.version_body(Timestamp(1)).unwrap();
        body.read(|body| {
            let material = &body[13..];
            // Of RSA the last numbers, of the curves d: the point is no secret.
            let secret =
                if spec.is_rsa() { &material[material.len() - 640..] } else { &material[..32] };
            Ok(wanted.add("as it is stored", secret))
        })
        .unwrap();
        let material = KeyMaterial::from_version_body(spec, &body).unwrap();
        // SM2 keeps 1 / (1 + d) beside d, both as limbs.
        material.asymmetric().unwrap().look(|key| {
            assert_eq!(size_of_val(key), 64);
            let start = std::ptr::from_ref(key).cast::<u8>();
            // SAFETY: the key is two numbers of 32 bytes that live as long as the borrow.
            wanted.add("as it is used", unsafe { std::slice::from_raw_parts(start, 64) });
        });
        let work = &mut || {
            body.read(|body| match spec.is_rsa() {
                true => imported(spec, &body[13..]).map(drop),
                false => ec_pair(|pair| {
                    let d = body[13..].first_chunk().unwrap();
                    ec::from_scalar(curve_of(spec)?, d, rng::fill, pair)
                })
                .map(drop),
            })
            .unwrap();
            let fresh = KeyMaterial::from_version_body(spec, &body).unwrap();
            let (pair, mut out) =
                (fresh.pair(permitted(spec, algorithm).unwrap()).unwrap(), [0; 512]);
            let len = pair.sign(&[5; 32], &mut out).unwrap();
            assert!(pair.verify(&[5; 32], &out[..len]).unwrap());
            if spec == KeySpec::EcSm2 {
                let (mut sealed, mut opened) = ([0; 40 + 97], [0; 40]);
                let permit = permitted(spec, EncryptionAlgorithm::Sm2Pke).unwrap();
                let pair = fresh.pair(permit).unwrap();
                pair.encrypt(&[6; 40], &mut sealed).unwrap();
                let sealed = Ciphertext::parse(EncryptionAlgorithm::Sm2Pke, &sealed).unwrap();
                pair.decrypt(&sealed, &mut opened).unwrap();
            }
        };
        found.push((name, search_after(&wanted, work)));
    }
    found
}

#[test]
fn child() {
    let Ok(scene) = std::env::var(SCENE) else { return };
    // SAFETY: the handler only touches an atomic; the alarm ends this process, whatever it waits for.
    unsafe {
        libc::signal(libc::SIGUSR1, hold_still as *const () as libc::sighandler_t);
        libc::alarm(300);
    }
    let found = match scene.as_str() {
        "secluded" => all(),
        _ => on_this_stack(all),
    };
    println!(); // behind the name of the test
    for (primitive, found) in found {
        println!("after {primitive}: {found:?}");
    }
    // The search itself: a copy in ordinary memory is seen, and only under its name.
    let (mut wanted, key) = (Wanted::default(), secret(16));
    key.read(|key| Ok(wanted.add("copied", key))).unwrap();
    assert!(wanted.found().is_empty());
    let copy = Box::new(key.read(|key| Ok(<[u8; 16]>::try_from(key).unwrap())).unwrap());
    assert_eq!(wanted.found(), ["copied"]);
    drop(std::hint::black_box(copy));
}

fn play(scene: &str) -> Vec<String> {
    let output = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["hsm::residue::child", "--exact", "--nocapture", "--test-threads=1"])
        .env(SCENE, scene)
        .output()
        .unwrap();
    let stdout = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{stdout}{}", String::from_utf8_lossy(&output.stderr));
    stdout.lines().filter(|line| line.starts_with("after ")).map(str::to_owned).collect()
}

/// Whether there is memory that the search leaves out, for all that works with keys.
fn is_secret_here() -> bool {
    let report = arena().report();
    let is_secret = report.protection == Protection::Secret
        && report.secret_stack == arena::Switch::On
        && (!cfg!(feature = "awslc") || report.provider_heap == arena::Switch::On);
    if !is_secret {
        eprintln!("skipped: not enough secret memory here");
    }
    is_secret
}

#[test]
fn nothing_is_left_behind() {
    if !is_secret_here() {
        return;
    }
    let found = play("secluded");
    assert_eq!(found.len(), 16);
    // The crate `rsa` computes on the program's heap, and frees copies as they are.
    let is_known = |line: &str| {
        !cfg!(feature = "awslc")
            && (line.ends_with(r#": ["RSA"]"#) || line.starts_with("after RSA key pairs"))
    };
    let hits: Vec<_> =
        found.iter().filter(|line| !line.ends_with(": []") && !is_known(line)).collect();
    assert!(hits.is_empty(), "{hits:#?}");
}

#[test]
fn without_secret_stacks_something_is() {
    if !is_secret_here() {
        return;
    }
    let found = play("on the ordinary stack");
    assert_eq!(found.len(), 16);
    let hits = found.iter().filter(|line| !line.ends_with(": []"));
    assert!(hits.count() > 4, "{found:#?}");
}
