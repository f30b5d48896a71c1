//! Key pairs and what they do.

use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_SHA256, RSA_PSS_2048_8192_SHA256, RSA_PSS_SHA256,
};

use crate::asymmetric::{self, Pair};
use crate::figures::{AWS_LC, C_SIGN, P256_SIGN, RAW, SM2};
use crate::openssl::{self, Kind};
use crate::race::Contestant;
use crate::results::Run;
use crate::softhsm::SoftHsm;
use crate::store::Session;
use crate::{aws_lc, raw, rustcrypto};

const SIGNS: &str = "SIGN/VERIFY";
const ENCRYPTS: &str = "ENCRYPT/DECRYPT";

pub fn sm2(run: &mut Run, session: Session) {
    let pair = Pair::new(session, "EC_SM2", SIGNS, "SM2DSA");
    let openssl = openssl::Pair::new(Kind::Sm2);
    run.group("SM2 sign", None, || {
        let [peer, _] = rustcrypto::sm2_signatures([SM2; 2]);
        let [p256, _] = aws_lc::p256([P256_SIGN; 2]);
        let (raw, ours) = (raw::sm2_sign(RAW), pair.sign("kmshsm_sign"));
        vec![peer, raw.in_pairs(true), ours.in_pairs(true), openssl.sign("OpenSSL"), p256]
    });
    run.group("SM2 verify", None, || {
        let [_, peer] = rustcrypto::sm2_signatures([SM2; 2]);
        let (raw, ours) = (raw::sm2_verify(RAW), pair.verify("kmshsm_verify"));
        vec![peer, raw.in_pairs(true), ours.in_pairs(true), openssl.verify("OpenSSL")]
    });
    let pair = Pair::new(session, "EC_SM2", ENCRYPTS, "SM2PKE");
    run.group("SM2 encrypt", None, || {
        let [peer, _] = rustcrypto::sm2_encryption([SM2; 2]);
        let (raw, ours) = (raw::sm2_encrypt(RAW), pair.encrypt("kmshsm_asymmetric_encrypt"));
        vec![peer, raw.in_pairs(true), ours.in_pairs(true), openssl.encrypt("OpenSSL")]
    });
    run.group("SM2 decrypt", None, || {
        let [_, peer] = rustcrypto::sm2_encryption([SM2; 2]);
        let (raw, ours) = (raw::sm2_decrypt(RAW), pair.decrypt("kmshsm_asymmetric_decrypt"));
        vec![peer, raw.in_pairs(true), ours.in_pairs(true), openssl.decrypt("OpenSSL")]
    });
    run.group("SM2 key pair", None, || {
        vec![
            rustcrypto::sm2_pair(SM2),
            raw::sm2_pair(RAW).in_pairs(true),
            raw::sm2_tested_pair("libkmshsm raw, the pair tried"),
            asymmetric::create("kmshsm_call CreateKey", session, "EC_SM2"),
            openssl::generate("OpenSSL", Kind::Sm2),
        ]
    });
}

pub fn rsa(run: &mut Run, session: Session, softhsm: &SoftHsm) {
    for (bits, spec, size) in
        [(2048, "RSA_2048", KeySize::Rsa2048), (3072, "RSA_3072", KeySize::Rsa3072)]
    {
        let has_token = bits == 2048;
        let pkcs1 = Signing {
            names: ["sign", "verify"].map(|what| format!("RSA-{bits} {what} PKCS#1")),
            ours: [spec, "RSA_PKCS1_SHA_256"],
            openssl: Kind::RsaPkcs1(bits),
        };
        let peer =
            || aws_lc::rsa([AWS_LC; 2], size, &RSA_PKCS1_SHA256, &RSA_PKCS1_2048_8192_SHA256);
        let token = || has_token.then(|| softhsm.sign_rsa(C_SIGN));
        pkcs1.groups(run, session, peer, token);
        let pss = Signing {
            names: ["sign", "verify"].map(|what| format!("RSA-{bits} {what} PSS")),
            ours: [spec, "RSA_PSS_SHA_256"],
            openssl: Kind::RsaPss(bits),
        };
        let peer = || aws_lc::rsa([AWS_LC; 2], size, &RSA_PSS_SHA256, &RSA_PSS_2048_8192_SHA256);
        pss.groups(run, session, peer, || None);
        run.group(&format!("RSA-{bits} decrypt OAEP"), None, || {
            let pair = Pair::new(session, spec, ENCRYPTS, "RSAES_OAEP_SHA_256");
            vec![
                aws_lc::oaep(AWS_LC, size),
                pair.decrypt("kmshsm_asymmetric_decrypt").in_pairs(true),
                openssl::Pair::new(Kind::RsaOaep(bits)).decrypt("OpenSSL"),
            ]
        });
    }
}

pub fn curves(run: &mut Run, session: Session, softhsm: &SoftHsm) {
    let p256 = Signing {
        names: ["P-256 sign", "P-256 verify"].map(str::to_owned),
        ours: ["EC_P256", "ECDSA_SHA_256"],
        openssl: Kind::Ec(c"P-256"),
    };
    let token = || Some(softhsm.sign_p256(C_SIGN));
    p256.groups(run, session, || aws_lc::p256([AWS_LC; 2]), token);
    let p256k = Signing {
        names: ["P-256K sign", "P-256K verify"].map(str::to_owned),
        ours: ["EC_P256K", "ECDSA_SHA_256"],
        openssl: Kind::Ec(c"secp256k1"),
    };
    p256k.groups(run, session, || rustcrypto::k256(["RustCrypto k256"; 2]), || None);
}

/// Signing and verifying, by a peer that is the first of both groups.
struct Signing {
    names: [String; 2],
    /// The key's specification, and the algorithm.
    ours: [&'static str; 2],
    openssl: Kind,
}

impl Signing {
    fn groups(
        self,
        run: &mut Run,
        session: Session,
        peer: impl Fn() -> [Contestant; 2],
        token: impl Fn() -> Option<Contestant>,
    ) {
        let [sign, verify] = &self.names;
        let [spec, algorithm] = self.ours;
        let ours = || Pair::new(session, spec, SIGNS, algorithm);
        let openssl = || openssl::Pair::new(self.openssl);
        run.group(sign, None, || {
            let [peer, _] = peer();
            let ours = ours().sign("kmshsm_sign").in_pairs(true);
            let mut all = vec![peer, ours, openssl().sign("OpenSSL")];
            all.extend(token());
            all
        });
        run.group(verify, None, || {
            let [_, peer] = peer();
            let ours = ours().verify("kmshsm_verify").in_pairs(true);
            vec![peer, ours, openssl().verify("OpenSSL")]
        });
    }
}
