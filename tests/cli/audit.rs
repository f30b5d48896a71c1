//! `kmshsm audit verify`: what an auditor does on a machine without a store.

use serde_json::{Value, json};

use crate::home::*;

const TRAIL: &[u8] = include_bytes!("../vectors/trail_p256.jsonl");
const OTHER: &[u8] = include_bytes!("../vectors/trail_sm2.jsonl");

/// A directory with a trail, and its public key in PEM.
fn home() -> (Home, String) {
    let home = Home::empty();
    home.write("trail", TRAIL);
    let pem = public_key(TRAIL);
    home.write("public.pem", pem.as_bytes());
    (home, pem)
}

fn public_key(trail: &[u8]) -> String {
    let first = trail.split(|byte| *byte == b'\n').next().unwrap();
    let first: Value = serde_json::from_slice(first).unwrap();
    text(&first["Trail"]["PublicKey"]).to_owned()
}

#[test]
fn a_trail_verifies() {
    let (home, pem) = home();
    let (_, der) = der::pem::decode_vec(pem.as_bytes()).unwrap();
    home.write("public.der", &der);
    home.write("blanks.pem", format!("\n{pem}\n \n").as_bytes());
    let answer = home.run(&["audit", "verify", "trail"]).answer();
    let head = text(&answer["Head"]).to_owned();
    let expected = json!({
        "Store": "73746f72-6520-7374-6f72-652075756964",
        "Events": 6,
        "First": 1,
        "Head": head,
        "Checkpoints": 3,
        "SignedAt": "2026-11-06T21:20:06Z",
        "Algorithm": "ECDSA_SHA_256",
        "KeyFingerprint": answer["KeyFingerprint"],
        "IsKeyTrusted": false,
    });
    assert_eq!(answer, expected);
    assert_eq!((head.len(), text(&answer["KeyFingerprint"]).len()), (2 + 64, 64));
    for key in ["public.pem", "public.der", "blanks.pem"] {
        let args = ["audit", "verify", "trail", "--public-key", key, "--head", &head];
        let trusted = home.run(&args).answer();
        assert_eq!(trusted["IsKeyTrusted"], true);
    }
    let given = Run::of(home.with_input(&["audit", "verify", "-"], TRAIL));
    assert_eq!(given.answer(), answer);
    let table = home.run(&["audit", "verify", "trail", "--output", "table"]);
    assert!(table.out.contains("Checkpoints     3\n"), "{}", table.out);
}

#[test]
fn what_has_been_done_to_a_trail_is_said() {
    let (home, _) = home();
    home.write("other.pem", public_key(OTHER).as_bytes());
    let refuses = |args: &[&str]| {
        let refusal = home.run(&[&["audit", "verify"], args].concat()).refusal(6, "Audit.Damaged");
        text(&refusal["Message"]).to_owned()
    };
    let text = std::str::from_utf8(TRAIL).unwrap();
    home.write("edited", text.replacen("\"count\":3", "\"count\":2", 1).as_bytes());
    assert!(refuses(&["edited"]).contains("Event 3: "));
    let answer = home.run(&["audit", "verify", "trail"]).answer();
    let lines: Vec<_> = text.split_inclusive('\n').collect();
    home.write("cut", lines[..7].concat().as_bytes());
    assert_eq!(home.run(&["audit", "verify", "cut"]).answer()["Events"], 4);
    assert!(refuses(&["cut", "--head", answer["Head"].as_str().unwrap()]).contains("Event 5: "));
    assert!(refuses(&["trail", "--public-key", "other.pem"]).contains("First line: "));
}

#[test]
fn arguments() {
    let (home, _) = home();
    for (args, parameter) in [
        (&["verify", "nothing"][..], "FILE"),
        (&["verify", "trail", "--public-key", "nothing"], "--public-key"),
        (&["verify", "trail", "--public-key", "trail"], "PublicKey"),
        (&["verify", "trail", "--head", "6"], "Head"),
        (&["verify", "-", "--public-key", "-"], "--public-key"),
        (&["verify", "."], "Trail"),
    ] {
        let refusal = home.run(&[&["audit"], args].concat()).refusal(1, "InvalidParameter");
        assert!(text(&refusal["Message"]).contains(&format!("\"{parameter}\"")), "{refusal}");
    }
    assert_eq!(home.run(&["audit"]).code, 1);
    // Without a file it is the trail of a store, and there is none.
    home.run(&["audit", "verify"]).refusal(3, "Store.NotFound");
}
