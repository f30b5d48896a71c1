//! The known answers of the curves.
#![allow(missing_docs)]

use super::bytes;

/// CAVP (ecdsa_p256_siggen_cavp.json, `SigGen.txt#1062541d`): d | x | y, and the
/// signature of a SHA-256 digest.
pub mod p256 {
    use super::bytes;

    pub const PAIR: [u8; 96] = bytes(concat!(
        "e283871239837e13b95f789e6e1af63bf61c918c992e62bca040d64cad1fc2ef74ccd8a6",
        "2fba0e667c50929a53f78c21b8ff0c3c737b0b40b1750b2302b0bde829074e21f3a0ef88",
        "b9efdf10d06aa4c295cc1671f758ca0e4cd108803d0f2614",
    ));
    pub const DIGEST: [u8; 32] =
        bytes("b804cf88af0c2eff8bbbfb3660ebb3294138e9d3ebd458884e19818061dacff0");
    pub const SIGNATURE: [u8; 71] = bytes(concat!(
        "3045022035fb60f5ca0f3ca08542fb3cc641c8263a2cab7a90ee6a5e1583fac2bb6f6bd1",
        "022100ee59d81bc9db1055cc0ed97b159d8784af04e98511d0a9a407b99bb292572e96",
    ));
}

/// pyca/cryptography (ecdsa_secp256k1_siggen.json, `secp256k1-SigGen#de27fbcd`): d | x | y, and the
/// signature of a SHA-256 digest.
pub mod secp256k1 {
    use super::bytes;

    pub const PAIR: [u8; 96] = bytes(concat!(
        "f8ee18e0e12e0c9352d7904ac2e946a622ea017fbf781d4eea5c4cc32393ed2444b8fb4d",
        "303cd3faca335ec8bb564039b9017429cef7152ef373bd462e63d55f041acdd2367cffcd",
        "fdd89214d35081c25e2ba7151b0472af6a7044d617bdf080",
    ));
    pub const DIGEST: [u8; 32] =
        bytes("c36d0ecf4bfd178835c97aae7585f6a87de7dfa23cc927944f99a8d60feff68b");
    pub const SIGNATURE: [u8; 71] = bytes(concat!(
        "3045022100d002d116bce62a4f928fb9b5794518c28fb619023e9954d96272628d160fdf",
        "d2022006e2d2303f0b6edbabae1bacc6c22b1ada579fc88285aa7f7b52a716791f56f7",
    ));
}

/// GB/T 32918.5, annexes A and C: d | x | y, e and its signature, a message and its ciphertext.
pub mod sm2 {
    use super::bytes;

    pub const PAIR: [u8; 96] = bytes(concat!(
        "3945208f7b2144b13f36e38ac6d39f95889393692860b51a42fb81ef4df7c5b809f9df31",
        "1e5421a150dd7d161e4bc5c672179fad1833fc076bb08ff356f35020ccea490ce26775a5",
        "2dc6ea718cc1aa600aed05fbf35e084a6632f6072da9ad13",
    ));
    pub const DIGEST: [u8; 32] =
        bytes("f0b43e94ba45accaace692ed534382eb17e6ab5a19ce7b31f4486fdfc0d28640");
    pub const SIGNATURE: [u8; 72] = bytes(concat!(
        "3046022100f5a03b0648d2c4630eeac513e1bb81a15944da3827d5b74143ac7eaceee720",
        "b3022100b1b6aa29df212fd8763182bc0d421ca1bb9038fd1f7f42d4840b69c485bbc1aa",
    ));
    pub const MESSAGE: [u8; 19] = bytes("656e6372797074696f6e207374616e64617264");
    pub const CIPHERTEXT: [u8; 116] = bytes(concat!(
        "0404ebfc718e8d1798620432268e77feb6415e2ede0e073c0f4f640ecd2e149a73e858f9",
        "d81e5430a57b36daab8f950a3c64e6ee6a63094d99283aff767e124df059983c18f809e2",
        "62923c53aec295d30383b54e39d609d160afcb1908d0bd876621886ca989ca9c7d580873",
        "07ca93092d651efa",
    ));
}
