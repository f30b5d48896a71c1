//! Lines that are worth copying, by command.
#![forbid(unsafe_code)]

/// Commands, and lines that use them.
pub const EXAMPLES: &[(&str, &str)] = &[
    ("init", "kmshsm init --store ./keys --key-file ./keys.bin"),
    ("status", "kmshsm status --output json | jq -r .hsm_keys"),
    ("status", "kmshsm status --anchor /media/usb/kms.anchor"),
    ("tick", "kmshsm tick --passphrase-file /etc/kmshsm/passphrase"),
    ("verify", "kmshsm verify --resume walk.state"),
    ("doctor", "kmshsm doctor"),
    ("doctor", "kmshsm doctor --key-file ./keys.bin | jq '.Findings[] | select(.Level != \"ok\")'"),
    ("slot", "kmshsm slot add --new-key-file spare.bin"),
    ("slot", "kmshsm slot add --new-shares 2/3"),
    ("slot", "kmshsm slot rekey --new-passphrase-file new.txt"),
    ("domain-key", "kmshsm domain-key rotate"),
    ("bill", "kmshsm bill --month 2026-11 --currency usd"),
    ("compliance", "kmshsm compliance --region cn-hangzhou --output table"),
    ("wrap", "kmshsm wrap --algorithm RSAES_OAEP_SHA_256 --public-key wrapping.txt \\"),
    ("wrap", "    --material material.bin --out wrapped.bin"),
    ("audit", "kmshsm audit list --user alice --since 2026-11-01T00:00:00Z"),
    ("audit", "kmshsm audit key > store.pem"),
    ("audit", "kmshsm audit export trail.jsonl"),
    ("audit", "kmshsm audit verify trail.jsonl --public-key store.pem"),
    ("backup", "kmshsm backup create monday.backup --recipient recovery.pub"),
    ("backup", "kmshsm backup verify monday.backup --private-key recovery.pem"),
    ("backup", "kmshsm backup restore monday.backup --into ./restored \\"),
    ("backup", "    --private-key recovery.pem --new-key-file ./restored.bin"),
    ("import", "kmshsm import softhsm /var/lib/softhsm/tokens/ID --pin-file pin.txt --dry-run"),
    ("policy", "kmshsm policy simulate --Action kms:Decrypt --UserName alice --Resource '*'"),
    ("completions", "source <(kmshsm completions bash)"),
    ("man", "kmshsm man --out ./man && man -l ./man/kmshsm.1"),
];
