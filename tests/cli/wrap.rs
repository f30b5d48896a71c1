//! `kmshsm wrap`: what a customer does on a machine without a store.

use std::fs::{self, File};
use std::io::Read;
use std::os::fd::FromRawFd;
use std::ptr;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use crate::home::*;

const OAEP: &str = "RSAES_OAEP_SHA_256";

/// A key that waits for its material, and what GetParametersForImport answers for it.
fn parameters(home: &Home, algorithm: &str) -> (String, Value) {
    let key = home.key(&["--Origin", "EXTERNAL"]);
    let how = ["--WrappingKeySpec", "RSA_2048", "--WrappingAlgorithm", algorithm];
    let answer = home.ok("GetParametersForImport", &[&["--KeyId", &key], &how[..]].concat());
    (key, answer)
}

/// The key takes the value and is Enabled.
fn imports(home: &Home, key: &str, parameters: &Value, value: &str) {
    let token = text(&parameters["ImportToken"]);
    let import = ["--KeyId", key, "--EncryptedKeyMaterial", value, "--ImportToken", token];
    home.ok("ImportKeyMaterial", &import);
    assert_eq!(home.ok("DescribeKey", &["--KeyId", key])["KeyMetadata"]["KeyState"], "Enabled");
}

/// Every way to give the public key and to take the answer, where there is nothing else.
#[test]
fn what_is_wrapped_is_imported() {
    let home = Home::with_store();
    let owner = Home::empty();
    owner.write("material", &[7; 32]);
    for algorithm in ["RSAES_PKCS1_V1_5", "RSAES_OAEP_SHA_1", OAEP] {
        let (key, parameters) = parameters(&home, algorithm);
        let public = text(&parameters["PublicKey"]);
        let der = STANDARD.decode(public).unwrap();
        let lines: Vec<_> = public.as_bytes().chunks(64).map(String::from_utf8_lossy).collect();
        let lines = lines.join("\n");
        owner.write("public.der", &der);
        owner.write("public.txt", format!("{lines}\n").as_bytes());
        let pem = format!("-----BEGIN PUBLIC KEY-----\n{lines}\n-----END PUBLIC KEY-----\n");
        owner.write("public.pem", pem.as_bytes());

        let wrap = ["wrap", "--algorithm", algorithm, "--material", "material"];
        for public in ["public.der", "public.txt", "public.pem"] {
            let args = [&wrap[..], &["--public-key", public, "--out", "wrapped"]].concat();
            assert_eq!(owner.run(&args), Run::says(""));
            let wrapped = owner.read("wrapped");
            assert_eq!(wrapped.len(), 256);
            home.write("wrapped", &wrapped);
            imports(&home, &key, &parameters, "fileb://wrapped");
        }
        let args = [&wrap[..], &["--public-key", "-", "--base64"]].concat();
        let run = Run::of(owner.with_input(&args, &der));
        assert_eq!((run.code, run.err.as_str()), (0, ""));
        imports(&home, &key, &parameters, run.out.strip_suffix('\n').unwrap());
    }
    let there = ["material", "public.der", "public.pem", "public.txt", "wrapped"];
    assert_eq!(owner.everything(), there.map(|name| owner.path(name)).into());
}

#[test]
fn standard_streams() {
    let home = Home::with_store();
    let (key, parameters) = parameters(&home, OAEP);
    home.write("public", text(&parameters["PublicKey"]).as_bytes());
    let args = ["wrap", "--algorithm", OAEP, "--public-key", "public", "--material", "-"];
    for out in [&[][..], &["--out", "-"]] {
        let output = home.with_input(&[&args[..], out].concat(), &[7; 32]);
        assert_eq!((output.status.code(), output.stdout.len()), (Some(0), 256));
        imports(&home, &key, &parameters, &STANDARD.encode(&output.stdout));
    }
    let both = ["wrap", "--algorithm", OAEP, "--public-key", "-", "--material", "-"];
    let refused = home.run(&both).refusal(1, "InvalidParameter");
    assert!(message(&refused).contains("\"--material\""), "{refused}");
}

/// The file is its owner's alone, even if it was not; a failure leaves it as it was.
#[test]
fn the_file_that_is_written() {
    let home = Home::with_store();
    let (_, parameters) = parameters(&home, OAEP);
    home.write("public", text(&parameters["PublicKey"]).as_bytes());
    home.write("material", &[7; 32]);
    home.write("long", &[7; 191]);
    home.write("none", b"");
    let wrap = |algorithm: &str, material: &str, out: &str| {
        let args = ["wrap", "--algorithm", algorithm, "--public-key", "public"];
        home.run(&[&args[..], &["--material", material, "--out", out]].concat())
    };
    assert_eq!(wrap(OAEP, "material", "new"), Run::says(""));
    assert_eq!(home.mode("new"), 0o600);
    home.write("old", &[7; 1000]);
    let open = std::os::unix::fs::PermissionsExt::from_mode(0o644);
    fs::set_permissions(home.path("old"), open).unwrap();

    let before = home.everything();
    for (about, algorithm, material, out) in [
        ("--algorithm", "RSAES", "material", "old"),
        ("--material", OAEP, "absent", "old"),
        ("--material", OAEP, ".", "old"),
        ("KeyMaterial", OAEP, "long", "old"),
        ("KeyMaterial", OAEP, "none", "old"),
        ("KeyMaterial", "RSAES_OAEP_SHA_256_AES_256_ECB_PKCS7_PAD", "material", "old"),
        ("PublicKey", "SM2PKE", "material", "old"),
        ("--out", OAEP, "material", "nowhere/new"),
    ] {
        let refused = wrap(algorithm, material, out).refusal(1, "InvalidParameter");
        assert!(message(&refused).contains(&format!("\"{about}\"")), "{refused}");
    }
    assert_eq!((home.everything(), home.read("old")), (before, vec![7; 1000]));
    assert_eq!(wrap(OAEP, "material", "old"), Run::says(""));
    assert_eq!((home.mode("old"), home.read("old").len()), (0o600, 256));

    home.run(&["wrap", "--algorithm", OAEP, "--public-key", "public"]).usage("--material");
}

/// What somebody sees who has not said where the bytes go: a hint, and no bytes.
#[test]
fn terminals_take_no_bytes() {
    let home = Home::with_store();
    let (_, parameters) = parameters(&home, OAEP);
    home.write("public", text(&parameters["PublicKey"]).as_bytes());
    home.write("material", &[7; 32]);
    let args = ["wrap", "--algorithm", OAEP, "--public-key", "public", "--material", "material"];
    for (more, is_written) in [(&[][..], false), (&["--base64"], true), (&["--out", "-"], true)] {
        let (mut terminal, theirs) = terminal();
        let run = run(home.command(&[&args[..], more].concat()).stdout(theirs));
        if is_written {
            assert_eq!((run.code, run.err.as_str()), (0, ""));
        } else {
            let refused = run.refusal(1, "MissingParameter");
            assert!(message(&refused).contains("--out FILE, or --base64"), "{refused}");
        }
        let mut shown = Vec::new();
        // The end of a terminal that nobody has open is an error.
        terminal.read_to_end(&mut shown).unwrap_err();
        assert_eq!(shown.is_empty(), !is_written, "{more:?}");
    }
}

/// The two ends of a terminal.
fn terminal() -> (File, File) {
    let (mut ours, mut theirs) = (-1, -1);
    let none = ptr::null_mut();
    // SAFETY: it writes two descriptors, which nobody else has.
    unsafe {
        assert_eq!(
            libc::openpty(&raw mut ours, &raw mut theirs, none, ptr::null(), ptr::null()),
            0
        );
        (File::from_raw_fd(ours), File::from_raw_fd(theirs))
    }
}

/// What was broken off of a key, or is none, is refused as such, whatever it looks like.
#[test]
fn public_keys_that_are_none() {
    let home = Home::empty();
    home.write("material", &[7; 32]);
    for public in [
        &b""[..],
        b"{\"PublicKey\":\"MIIB\"}",
        b"MIIB",
        b"no key",
        b"-----BEGIN PUBLIC KEY-----\n",
        &[0x30, 0x82],
    ] {
        home.write("public", public);
        let args = ["wrap", "--algorithm", OAEP, "--public-key", "public"];
        let refused = home.run(&[&args[..], &["--material", "material"]].concat());
        let refused = refused.refusal(1, "InvalidParameter");
        assert!(message(&refused).contains("\"PublicKey\""), "{refused}");
    }
}
