//! What is generated and committed is fresh. `KMSHSM_BLESS=1 cargo test --test generated` rewrites
//! it.

use std::path::Path;

/// What the header is made from, in the order of a reader.
const HEADER_SOURCES: [&str; 14] = [
    "error/code.rs",
    "ffi/store.rs",
    "ffi/bytes.rs",
    "ffi/asymmetric.rs",
    "ffi/message.rs",
    "ffi/transfer.rs",
    "ffi/import.rs",
    "ffi/wrap.rs",
    "ffi/operator.rs",
    "ffi/audit.rs",
    "ffi/module.rs",
    "ffi/guard.rs",
    "ffi/memory.rs",
    "ffi/handle.rs",
];

#[test]
fn the_header_is_fresh() {
    compare("include/kmshsm.h", &header());
}

fn header() -> String {
    let root = root();
    let config = cbindgen::Config::from_file(root.join("include/cbindgen.toml")).unwrap();
    let mut builder = cbindgen::Builder::new().with_config(config);
    for file in HEADER_SOURCES {
        builder = builder.with_src(root.join("src").join(file));
    }
    let mut text = Vec::new();
    builder.generate().unwrap().write(&mut text);
    String::from_utf8(text).unwrap()
}

fn compare(file: &str, fresh: &str) {
    let path = root().join(file);
    if std::env::var_os("KMSHSM_BLESS").is_some() {
        std::fs::write(&path, fresh).unwrap();
    }
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(committed == fresh, "{file} is stale: KMSHSM_BLESS=1 cargo test --test generated");
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}
