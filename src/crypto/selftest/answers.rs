//! The known answers: published vectors, or answers of other implementations. The files named are
//! those of `tests/vectors`, whose SOURCES.md says where each comes from.
#![allow(missing_docs)]

pub mod ec;

/// Reads hexadecimal while compiling.
const fn bytes<const N: usize>(text: &str) -> [u8; N] {
    let mut out = [0; N];
    let (mut rest, mut room) = (text.as_bytes(), out.as_mut_slice());
    while let ([high, low, after @ ..], [byte, free @ ..]) = (rest, room) {
        *byte = digit(*high) << 4 | digit(*low);
        (rest, room) = (after, free);
    }
    assert!(rest.is_empty() && text.len() == 2 * N, "as many digits as bytes need");
    out
}

const fn digit(text: u8) -> u8 {
    match text {
        b'0'..=b'9' => text - b'0',
        _ => {
            assert!(matches!(text, b'a'..=b'f'), "a digit");
            text - b'a' + 10
        }
    }
}

/// FIPS 197, appendix C: one block under the first bytes of one key.
pub mod aes {
    use super::bytes;

    pub const KEY: [u8; 32] =
        bytes("000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f");
    pub const BLOCK: [u8; 16] = bytes("00112233445566778899aabbccddeeff");
    pub const AES_128: [u8; 16] = bytes("69c4e0d86a7b0430d8cdb78070b4c55a");
    pub const AES_192: [u8; 16] = bytes("dda97ca4864cdfe06eaf70a0ec0d7191");
    pub const AES_256: [u8; 16] = bytes("8ea2b7ca516745bfeafc49904b496089");
}

/// draft-ribose-cfrg-sm4-10, its second ECB example (sm4.json, `draft-ribose-cfrg-sm4-10-ecb.txt#1`).
pub mod sm4 {
    use super::bytes;

    pub const KEY: [u8; 16] = bytes("fedcba98765432100123456789abcdef");
    pub const BLOCK: [u8; 16] = bytes("000102030405060708090a0b0c0d0e0f");
    pub const ANSWER: [u8; 16] = bytes("f766678f13f01adeac1b3ea955adb594");
}

/// CAVP (aes_gcm_cavp.json, `gcmDecrypt128.rsp#iv96-pt256-aad128-tag128-11`).
pub mod gcm_128 {
    use super::bytes;

    pub const KEY: [u8; 16] = bytes("d13e90072180031aba421d64d474448c");
    pub const IV: [u8; 12] = bytes("87cc23d00512a61933d435d9");
    pub const AAD: [u8; 16] = bytes("b9ac2c45232f7305fcc6f2424c30b606");
    pub const MESSAGE: [u8; 32] =
        bytes("f1eedc99565378b3ded6190bbb1c6ca325e9e0dd57fae6a8190ce57ccaa302e3");
    pub const CIPHERTEXT: [u8; 32] =
        bytes("cd1653f01d8e468e08131d263a10cd83a5e7ea68ed84225bceb4e0b57320cf83");
    pub const TAG: [u8; 16] = bytes("7b02db1e0dc0c2010080992ad01a9a6b");
}

/// CAVP (aes_gcm_cavp.json, `gcmDecrypt192.rsp#iv96-pt256-aad128-tag128-5`).
pub mod gcm_192 {
    use super::bytes;

    pub const KEY: [u8; 24] = bytes("d2eb9f84a77a01a4893ad7ec9a3e109fc53f31dcbd1a377a");
    pub const IV: [u8; 12] = bytes("b2877ea63a9c304399f9bf01");
    pub const AAD: [u8; 16] = bytes("7f2785765296d8b7c0219af1b4878e9c");
    pub const MESSAGE: [u8; 32] =
        bytes("697359916f725f907b7d9a631710ef62803cb11cc161251d8d7a2ecee6702577");
    pub const CIPHERTEXT: [u8; 32] =
        bytes("64868d4c16c305c238cbb5c20d3174b91ffff4031486e3756ca739c243bc2cb1");
    pub const TAG: [u8; 16] = bytes("776a0f9d1c25fa989346af528dc59bd8");
}

/// CAVP (aes_gcm_cavp.json, `gcmDecrypt256.rsp#iv96-pt256-aad128-tag128-7`).
pub mod gcm_256 {
    use super::bytes;

    pub const KEY: [u8; 32] =
        bytes("1d1c9437fe5bf33b570f9695cd4abc8d32620c9f9a64e594288df64f123c4a10");
    pub const IV: [u8; 12] = bytes("b32781b3a7fc18871f50d954");
    pub const AAD: [u8; 16] = bytes("c1a43164c5f773593e01b09ccd9b347c");
    pub const MESSAGE: [u8; 32] =
        bytes("7e873d0c41dfe32e80c8d9d62895b8b0787e575f7f718928f6113aae41290592");
    pub const CIPHERTEXT: [u8; 32] =
        bytes("b9332c5bf1e09339532e0020b28335b02b99d78f51f4b0f6a51e58baee24d319");
    pub const TAG: [u8; 16] = bytes("53a5ea9a2abe5aa0a7df15c0d492d7f8");
}

/// RFC 8998, appendix A.1.
pub mod gcm_sm4 {
    use super::bytes;

    pub const KEY: [u8; 16] = bytes("0123456789abcdeffedcba9876543210");
    pub const IV: [u8; 12] = bytes("00001234567800000000abcd");
    pub const AAD: [u8; 20] = bytes("feedfacedeadbeeffeedfacedeadbeefabaddad2");
    pub const MESSAGE: [u8; 64] = bytes(concat!(
        "aaaaaaaaaaaaaaaabbbbbbbbbbbbbbbbccccccccccccccccddddddddddddddddeeeeeeee",
        "eeeeeeeeffffffffffffffffeeeeeeeeeeeeeeeeaaaaaaaaaaaaaaaa",
    ));
    pub const CIPHERTEXT: [u8; 64] = bytes(concat!(
        "17f399f08c67d5ee19d0dc9969c4bb7d5fd46fd3756489069157b282bb200735d82710ca",
        "5c22f0ccfa7cbf93d496ac15a56834cbcf98c397b4024a2691233b8d",
    ));
    pub const TAG: [u8; 16] = bytes("83de3541e4c2b58177e065a9bf7b62ec");
}

/// CAVP (sha_short_cavp.json, `SHA1ShortMsg.rsp#512`).
pub mod sha_1 {
    use super::bytes;

    pub const MESSAGE: [u8; 64] = bytes(concat!(
        "45927e32ddf801caf35e18e7b5078b7f5435278212ec6bb99df884f49b327c6486feae46",
        "ba187dc1cc9145121e1492e6b06e9007394dc33b7748f86ac3207cfe",
    ));
    pub const DIGEST: [u8; 20] = bytes("a70cfbfe7563dd0e665c7c6715a96a8d756950c0");
}

/// CAVP (sha_short_cavp.json, `SHA256ShortMsg.rsp#464`).
pub mod sha_256 {
    use super::bytes;

    pub const MESSAGE: [u8; 58] = bytes(concat!(
        "8620b86fbcaace4ff3c2921b8466ddd7bacae07eefef693cf17762dcabb89a84010fc9a0",
        "fb76ce1c26593ad637a61253f224d1b14a05addccabe",
    ));
    pub const DIGEST: [u8; 32] =
        bytes("dba490256c9720c54c612a5bd1ef573cd51dc12b3e7bd8c6db2eabe0aacb846b");
}

/// GB/T 32905, annex A.2 (sm3.json, `oscca#512`).
pub mod sm3 {
    use super::bytes;

    pub const MESSAGE: [u8; 64] = bytes(concat!(
        "616263646162636461626364616263646162636461626364616263646162636461626364",
        "61626364616263646162636461626364616263646162636461626364",
    ));
    pub const DIGEST: [u8; 32] =
        bytes("debe9ff92275b8a138604889c18e5a4d6fdb70e5387e5765293dcba39c0c5732");
}

/// RFC 4231, test case 2.
pub mod hmac {
    use super::bytes;

    pub const KEY: [u8; 4] = bytes("4a656665");
    pub const MESSAGE: [u8; 28] = bytes("7768617420646f2079612077616e7420666f72206e6f7468696e673f");
    pub const TAG: [u8; 32] =
        bytes("5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
}

/// RFC 5869, appendix A.1.
pub mod hkdf {
    use super::bytes;

    pub const MATERIAL: [u8; 22] = bytes("0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b");
    pub const SALT: [u8; 13] = bytes("000102030405060708090a0b0c");
    pub const INFO: [u8; 10] = bytes("f0f1f2f3f4f5f6f7f8f9");
    pub const OUT: [u8; 42] = bytes(concat!(
        "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208",
        "d5b887185865",
    ));
}

/// C2SP XAES-256-GCM, its second test vector.
pub mod xaes {
    use super::bytes;

    pub const KEY: [u8; 32] =
        bytes("0303030303030303030303030303030303030303030303030303030303030303");
    pub const NONCE: [u8; 24] = bytes("4142434445464748494a4b4c4d4e4f505152535455565758");
    pub const AAD: [u8; 21] = bytes("633273702e6f72672f584145532d3235362d47434d");
    pub const MESSAGE: [u8; 12] = bytes("584145532d3235362d47434d");
    pub const SEALED: [u8; 28] = bytes("986ec1832593df5443a179437fd083bf3fdb41abd740a21f71eb769d");
}

/// envelope_v1.json: message key and commitment, computed from the description of the format with
/// pyca/cryptography; the key is the first bytes of one.
pub mod derivation {
    use super::bytes;

    pub const KEY: [u8; 32] =
        bytes("0101010101010101010101010101010101010101010101010101010101010101");
    pub const NONCE: [u8; 12] = bytes("4142434445464748494a4b4c");
    pub const AES_128: [u8; 16] = bytes("a85ac0c04d390be21bf105606ab55fcf");
    pub const AES_128_COMMITMENT: [u8; 32] =
        bytes("628c9c636074b6ffc3b3a3d3a86320066ed6a7a96739484871808b06d26a708f");
    pub const AES_192: [u8; 24] = bytes("0a80b1a9587ff7c8dc031e4824d915f5523f8abb137d3e29");
    pub const AES_192_COMMITMENT: [u8; 32] =
        bytes("bdba056614d9495dec53d8d70ee401a58c7ee1dea9d58eb7fb3b0b34345d9385");
    pub const AES_256: [u8; 32] =
        bytes("c8612c9ed53fe43e8e005b828a1631a0bbcb6ab2f46514ec4f439fcfd0fa969b");
    pub const AES_256_COMMITMENT: [u8; 32] =
        bytes("7a32359cd3aabd70953f9e1267384bce95f1c7b4b6817f261db220e920ca3127");
    pub const SM4: [u8; 16] = bytes("12f69ea9c5f3e51bf70735b40e3973be");
    pub const SM4_COMMITMENT: [u8; 32] =
        bytes("4e45c7ce43df1a3f2e960e5e1b534a41e3ee6a376d4a3474891054ec9c726a05");
}

/// The reference implementation (phc-winner-argon2, src/test.c): version 0x13, 2 passes over 256 KiB,
/// 1 lane, "password" and "somesalt".
pub mod argon2id {
    use super::bytes;

    pub const PASSPHRASE: [u8; 8] = bytes("70617373776f7264");
    pub const SALT: [u8; 8] = bytes("736f6d6573616c74");
    pub const KEY: [u8; 32] =
        bytes("9dfeb910e80bad0311fee20f9c0e2b12c17987b4cac90c2ef54d5b3021c68bfe");
}

/// CAVP (drbg_cavp.json, `evprand-404.2`).
pub mod drbg {
    use super::bytes;

    pub const ENTROPY: [u8; 48] = bytes(concat!(
        "e43943df12f899fe7fbe1e657d1b3d22f6371b96e07ac89a82c156c1e28bf33922f8d131",
        "6d524cdcb9af349c14fa2308",
    ));
    pub const PERSONALIZATION: [u8; 48] = bytes(concat!(
        "0e2c55b023d45361c4e7c50aad6b0b97a19fe703661cbce3a74d29f1319f048ddf00e01b",
        "6617a3ab643c1c6e39d7420e",
    ));
    pub const RESEED: [u8; 48] = bytes(concat!(
        "35b7f479071271b61d075b0c0be3e0d10cff77d975492a93a53cac28c5dd6e9ffd390a1e",
        "651f0bb3ee688b77b8203553",
    ));
    pub const RESEED_INPUT: [u8; 48] = bytes(concat!(
        "45045c97d7118f75429c1426a4e16a435988e334e4e066bd8e2fdb8bfcfc783e32f7ce81",
        "972926b3e1b42e5b7dfe8eb9",
    ));
    pub const FIRST_INPUT: [u8; 48] = bytes(concat!(
        "56bfee26285152a11483f7ae951cae3b80eb11a13a1370fd10d6a5e259d84bac37aa2cbb",
        "3c7577f392d31876c3ea1051",
    ));
    pub const SECOND_INPUT: [u8; 48] = bytes(concat!(
        "8ff69acb968b1bc3bebb71fac820b0ed44513022a30af46465dbd0285aabf1c51f9d80ac",
        "ebd3467989dddc9ba3c1c491",
    ));
    pub const OUT: [u8; 64] = bytes(concat!(
        "1e77b4ccd61c11732f2c6f0f060e0fd03c9e1734c1ea1ec980490a1d9f5b003629aaaf05",
        "405207394765ba420994ea694ffb3fb1e5d1194f5e2ceafa3fc4e3bd",
    ));
}

/// Wrapped by OpenSSL (byok_rsa_wrap_generated.json, `byokD-2048-AES_256-18` to `-20`).
pub mod rsa {
    use super::bytes;

    /// The key W0 of that file, in PKCS #8. It is public.
    pub const KEY: &[u8] = include_bytes!("rsa_2048.der");
    pub const MESSAGE: [u8; 32] =
        bytes("866baded697f7cc0006ebfb85311ce06b174e4e2baaea2c7f06163f2d40e077f");
    pub const OAEP_SHA_256: [u8; 256] = bytes(concat!(
        "837b4acf3eba9ed2fc8d5d0f295ff529984bfea2894980110bb926168b7846b899cb8acb",
        "6014e51859e1e255a98a61eb2e1ecadaa92f486ba8273c5800a3569a6db4046b95b3d285",
        "2f4a68b15c5ccf118529e1bde52b835a680de4bc98857475c73a44bd7e165d878e3a5950",
        "79582d6ba946be90283c45f1cf9f5ea05cfa6d6283dbacfe3b0c155327720f6b9c0807c6",
        "12b6f3a3f9df40004d611dc7414323d3c14b54877ad7255a3841513313add45a4df296ae",
        "0ad49a7d8768b6075cc7a4e0971a4bac0cfe7088618a2f1a49e816809ea3a4599fad2827",
        "f8f728796ddc4717af0b7202fd75fb0a27874d076f1d3866f7a55e7c1eee89150d20d4b8",
        "969c659f",
    ));
    pub const OAEP_SHA_1: [u8; 256] = bytes(concat!(
        "ac5b4e02e8ce05fab2967c5c351f279fadcf64d57de3f84a1dc2faad086673ddedf196d1",
        "db10cb7b6a1c7c13d474cf9771b540b8f25b9d342d6faafe6dbf1ae0d7333bfc83295d4f",
        "61962c797cf79d03371cc704844468a1f1e743e2372b68d62cbc869efccabe9605358815",
        "f3998e7b0d6302fa3b2782660d6ca22eb8bbce1d366d4fad865355a915e6958d3d901cca",
        "7c53a1014c67104baccfa2c31ef6a7c0163b01e7ed20501addae08d80dce98b866d3af4b",
        "fc3ab78b890f8ace9a6c5692502a1e2b135718fbca496e9f4994823996f108d60191ec2b",
        "c79e3b6c7d95f7e1367d2922c8a162a3a60b6603c83b32e33ae29e29d84d8bffbc92bb06",
        "f2b7796b",
    ));
    pub const PKCS1_V15: [u8; 256] = bytes(concat!(
        "a4ca2793be4e35daf18ded5e3b3aa3f868724afe90e6892e00e4c0d315f0da78faea26ed",
        "8319fcba1fa7d250812fe80343e71692125cef3b8a6297249e790142ede34c36a36bfde9",
        "dc11d4d778e35c47892696f742ad69b0cb7119553a870f9bdb5125a03ee7b1a5fc46cbd9",
        "313d6cbee2e96153b3828dc754325595f7a93e357d65a48757548f0c1e6a01f5f7577f65",
        "9b02ae44e17a93233d54944e4727b50b4b2cfafa12ed19c84f420b7654aac5977a2a503e",
        "6e3c44d633470b15a5ad0176272a189365f3673aaa8949666c063ebb22c01f1cc60be75e",
        "a35d2a5cc700bfbcb3aa1ebc1916d15c33d568c0a278cd00d71accc0d4559530b20dc7c1",
        "1a0e05ee",
    ));
    /// The message taken for a digest and signed by OpenSSL 3.0 (pkeyutl).
    pub const PKCS1_SHA_256: [u8; 256] = bytes(concat!(
        "2c1165b0d5dbb3cf52640dbb65520ab26de04fd5ca762658e98cd41ed6a6f520ffc1e83c",
        "93d9ca3dfecb8b1f41cd5d170f061d5f31ed89716787ac6c0e0b89040600accbeea1a490",
        "d6d2364904a5e26932c00ba7dfcae7e350347316dbfbb482daecc5ab2b98a117dd58a54f",
        "fdf2e65b62dda1af035118986f11ae205afe222e7ef5efe5d5ede281885aae5c53c4f8d1",
        "385d169297d9bdb327d7445704a7f13a83709709d3c7c9ecfdbc264543421d35afac9240",
        "af631477ee0420bf1c32b25a42985acb5e4b1019e5533471d953146b61d0f061ec0b8114",
        "c30eaa320136d16724fae0cc26e705016627c8ad8c5a3f8a5959e5fd0e4d21182dc35ac7",
        "e0fc5ed3",
    ));
    /// The same signed with a salt of bytes 5a: computed from RFC 8017, accepted by OpenSSL.
    pub const PSS_SHA_256: [u8; 256] = bytes(concat!(
        "bdb27351785ce460b6f4d0cd6197eec16bde676f5f6c19d2551d186f4aec67f9cba131ae",
        "e910f2cebabdd45208757b4afa6256adb522a4c011f20ddcb8132f9a85e8432c32e5e049",
        "8f0fb220f85bf76277845026e6692985a337dfe2786f81caa239de9fe91e454b0ccbbca3",
        "8820cd009d0e12ff43de20b13f10af7dcdcd9953936a6048ee67ea370003271e6c4a9a0b",
        "648b025d6b9b63b4865fdfdccf46094f6b4e352842658ee72f6235858d4996da810d5a1f",
        "cac7c66b1bd43e366c3ceb6c9b617cc90fbeef5cbf66920803a5136b270b1dc6613c3e4d",
        "1293971733536f9c645281738b804e0565c0144eaa2fa76ece8a4b0b6db0d3de9e42784e",
        "db7c71c7",
    ));
}
