//! SM2: points, signatures and ciphertexts, made by one and read by the other.

use kmshsm::primitives::{
    Curve, DEFAULT_USER_ID, PAIR_LEN, SIGNATURE_LEN, Sm2Ciphertext, Sm2PrivateKey, Sm2PublicKey,
    from_scalar, random, sm3_parts, za,
};

use crate::cases::{Draw, cases};
use crate::needed;
use crate::pair::Pair;

/// n - 2, the greatest private key: 1 + d must have an inverse.
const GREATEST: [u8; 32] = *b"\
    \xff\xff\xff\xfe\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\
    \x72\x03\xdf\x6b\x21\xc6\x05\x2b\x53\xbb\xf4\x09\x39\xd5\x41\x21";

/// A private key, as both have it.
struct Both {
    d: [u8; 32],
    point: [u8; 64],
    private: Sm2PrivateKey,
    public: Sm2PublicKey,
    theirs: Pair,
}

impl Both {
    /// Their points are the same.
    fn new(d: [u8; 32]) -> Self {
        let mut pair = [0; PAIR_LEN];
        from_scalar(Curve::Sm2, &d, random, &mut pair).unwrap();
        let (point, theirs) = (*pair.last_chunk().unwrap(), needed(Pair::new(&d)));
        assert_eq!(hex::encode(point), hex::encode(theirs.point()), "d {}", hex::encode(d));
        let private = Sm2PrivateKey::new(&pair).unwrap();
        Self { d, point, private, public: Sm2PublicKey::new(&point).unwrap(), theirs }
    }

    /// A random one is below n but once in 2^32.
    fn drawn(draw: &mut Draw) -> Self {
        let mut d = draw.array();
        d[0] &= 0x7f;
        Self::new(d)
    }

    fn digest(&self, user_id: &[u8], message: &[u8]) -> [u8; 32] {
        sm3_parts(&[&za(user_id, &self.point).unwrap(), message])
    }

    fn sign(&self, user_id: &[u8], message: &[u8]) -> Vec<u8> {
        let mut out = [0; SIGNATURE_LEN];
        let digest = self.digest(user_id, message);
        let len = self.private.sign(&digest, random, &mut out).unwrap();
        out[..len].to_vec()
    }

    /// What both say of the signature.
    fn verify(&self, user_id: &[u8], message: &[u8], signature: &[u8]) -> [bool; 2] {
        let ours = self.public.verify(&self.digest(user_id, message), signature);
        [ours, self.theirs.verify(user_id, message, signature)]
    }

    fn decrypt(&self, ciphertext: &[u8]) -> Option<Vec<u8>> {
        let parsed = Sm2Ciphertext::parse(ciphertext).ok()?;
        let mut out = vec![0xaa; parsed.plaintext_len()];
        self.private.decrypt(&parsed, &mut out).ok()?;
        Some(out)
    }
}

/// Those with one bit, and the greatest.
#[test]
fn public_keys() {
    for bit in 0..255 {
        let mut d = [0; 32];
        d[31 - bit / 8] = 1 << (bit % 8);
        Both::new(d);
    }
    for below in 0..=GREATEST[31] {
        let mut d = GREATEST;
        d[31] -= below;
        Both::new(d);
    }
}

#[test]
fn signatures() {
    let mut draw = Draw::new(7);
    for case in 0..cases(100) {
        let both = Both::drawn(&mut draw);
        // Every other one signs as nobody in particular.
        let user_id = if case % 2 == 0 {
            DEFAULT_USER_ID.to_vec()
        } else {
            let len = 1 + draw.below(200);
            draw.bytes(len)
        };
        let len = draw.below(300);
        let message = draw.bytes(len);
        let case = format!(
            "d {}, id {}, message {}",
            hex::encode(both.d),
            hex::encode(&user_id),
            hex::encode(&message)
        );
        let another = Both::drawn(&mut draw);
        for signature in [both.sign(&user_id, &message), both.theirs.sign(&user_id, &message)] {
            let case = format!("{case}, signature {}", hex::encode(&signature));
            assert_eq!(both.verify(&user_id, &message, &signature), [true; 2], "{case}");
            let wrong = draw.changed(&signature);
            let answers = both.verify(&user_id, &message, &wrong);
            assert_eq!(answers, [false; 2], "{case}, changed to {}", hex::encode(&wrong));
            let wrong = draw.changed(&message);
            let answers = both.verify(&user_id, &wrong, &signature);
            assert_eq!(answers, [false; 2], "{case}, of message {}", hex::encode(&wrong));
            let wrong = draw.changed(&user_id);
            let answers = both.verify(&wrong, &message, &signature);
            assert_eq!(answers, [false; 2], "{case}, by {}", hex::encode(&wrong));
            let answers = another.verify(&user_id, &message, &signature);
            assert_eq!(answers, [false; 2], "{case}, by d {}", hex::encode(another.d));
        }
    }
}

#[test]
fn ciphertexts() {
    let mut draw = Draw::new(8);
    for _ in 0..cases(100) {
        let both = Both::drawn(&mut draw);
        let longest = [4, 300][draw.below(2)];
        let len = 1 + draw.below(longest);
        let message = draw.bytes(len);
        let mut raw = vec![0; len + 97];
        both.public.encrypt(&message, random, &mut raw).unwrap();
        let ours = Sm2Ciphertext::parse(&raw).unwrap().to_der().unwrap();
        let theirs = both.theirs.encrypt(&message);
        let another = Both::drawn(&mut draw);
        // Ours are always masked.
        assert!(!ours.ends_with(&message), "ciphertext {}", hex::encode(&ours));
        for ciphertext in [ours, theirs] {
            let case = format!(
                "d {}, message {}, ciphertext {}",
                hex::encode(both.d),
                hex::encode(&message),
                hex::encode(&ciphertext)
            );
            // Older releases of OpenSSL mask one of 256^length messages with zeros (their issue 23209), which
            // the standard forbids (GB/T 32918.4, 6.1, A5) and we refuse.
            let is_masked = !ciphertext.ends_with(&message);
            let opened = is_masked.then_some(&message);
            assert_eq!(both.decrypt(&ciphertext).as_ref(), opened, "{case}");
            if is_masked {
                assert_eq!(both.theirs.decrypt(&ciphertext).as_ref(), opened, "{case}");
            }
            let wrong = draw.changed(&ciphertext);
            let answers = [both.decrypt(&wrong), both.theirs.decrypt(&wrong)];
            assert_eq!(answers, [None, None], "{case}, changed to {}", hex::encode(&wrong));
            let answers = [another.decrypt(&ciphertext), another.theirs.decrypt(&ciphertext)];
            assert_eq!(answers, [None, None], "{case}, by d {}", hex::encode(another.d));
        }
    }
}
