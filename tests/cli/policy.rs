//! What policies decide, in sentences.

use crate::home::*;

#[test]
fn a_decision_is_explained() {
    let home = Home::with_store();
    let simulate = |args: &[&str]| {
        let place = ["policy", "simulate", "--store", "keys", "--key-file", "keys.bin"];
        home.run(&[&place[..], args].concat())
    };
    home.ok("CreateUser", &["--UserName", "alice"]);
    let asked = ["--UserName", "alice", "--Action", "kms:Encrypt", "--Resource", "*"];
    assert_eq!(simulate(&asked), Run::says("Deny: No statement allows it.\n"));
    let document = r#"{"Version":"1","Statement":[
        {"Effect":"Allow","Action":"kms:*","Resource":"*"},
        {"Effect":"Deny","Action":"kms:Decrypt","Resource":"*"}]}"#;
    home.ok("CreatePolicy", &["--PolicyName", "own", "--PolicyDocument", document]);
    for (kind, name) in [("Custom", "own"), ("System", "AliyunRAMReadOnlyAccess")] {
        let attachment = ["--PolicyType", kind, "--PolicyName", name, "--UserName", "alice"];
        home.ok("AttachPolicyToUser", &attachment);
    }
    let allowed = "Allow: A statement allows it, and none denies it.";
    for (action, sentence) in [
        ("kms:Encrypt", format!("{allowed} It is statement 1 of the custom policy own.\n")),
        (
            "kms:Decrypt",
            "Deny: A statement denies it. It is statement 2 of the custom policy own.\n".into(),
        ),
        (
            "ram:GetUser",
            format!("{allowed} It is statement 1 of the system policy AliyunRAMReadOnlyAccess.\n"),
        ),
    ] {
        let asked = ["--UserName", "alice", "--Action", action, "--Resource", "*"];
        assert_eq!(simulate(&asked), Run::says(&sentence));
    }
    let created = home.ok("CreateKey", &[]);
    let arn = text(&created["KeyMetadata"]["Arn"]);
    let policy = r#"{"Version":"1","Statement":[{"Sid":"not-her","Effect":"Deny","Principal":
        {"RAM":"acs:ram::111122223333:user/alice"},"Action":"kms:*","Resource":"*"}]}"#;
    home.ok("SetKeyPolicy", &["--KeyId", arn, "--Policy", policy]);
    let asked = ["--UserName", "alice", "--Action", "kms:Encrypt", "--Resource", arn];
    let sentence =
        "Deny: A statement denies it. It is statement 1 (not-her) of the key's policy default.\n";
    assert_eq!(simulate(&asked), Run::says(sentence));
    let root = ["--Action", "kms:Encrypt", "--Resource", arn];
    let sentence = "Allow: The account has every right on its own resources.\n";
    assert_eq!(simulate(&root), Run::says(sentence));
    assert_eq!(simulate(&["--Action", "kms:Encrypt"]).code, 1);
}
