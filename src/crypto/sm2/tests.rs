use super::*;
use crate::crypto::drbg::reproducible as random;

fn fresh() -> (Sm2PrivateKey, Sm2PublicKey) {
    let mut pair = [0; PAIR_LEN];
    ec::generate(Curve::Sm2, random, &mut pair).unwrap();
    let point = pair.last_chunk().unwrap();
    (Sm2PrivateKey::new(&pair).unwrap(), Sm2PublicKey::new(point).unwrap())
}

#[test]
fn encrypted_and_decrypted() {
    let (private, public) = fresh();
    for len in [1, 2, 31, 32, 33, 64, 1000] {
        let (message, mut sealed, mut opened) = (vec![7; len], vec![0; len + 97], vec![0; len]);
        public.encrypt(&message, random, &mut sealed).unwrap();
        let ciphertext = Sm2Ciphertext::parse(&sealed).unwrap();
        assert_eq!(ciphertext.plaintext_len(), len);
        private.decrypt(&ciphertext, &mut opened).unwrap();
        assert_eq!(opened, message);
    }
}
