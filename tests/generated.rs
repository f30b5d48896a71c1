//! What is generated and committed is fresh. `KMSHSM_BLESS=1 cargo test --test generated` rewrites
//! it.

use std::path::Path;

#[path = "generated/abi.rs"]
mod abi;

#[test]
fn the_header_is_fresh() {
    compare("include/kmshsm.h", &header());
}

/// What programs were compiled against stays: lines of `include/abi.txt` are neither changed nor
/// removed. New ones may come, and are kept from then on.
#[test]
fn the_abi_is_kept() {
    let fresh = abi::dump(&header());
    let kept = std::fs::read_to_string(root().join("include/abi.txt")).unwrap_or_default();
    let broken = abi::missing(&kept, &fresh);
    assert!(
        broken.is_empty(),
        "the header has no longer:\n{}\nIf no release had it, take it out of include/abi.txt; \
         otherwise it needs another soname.",
        broken.join("\n")
    );
    compare("include/abi.txt", &fresh);
}

/// `kmshsm.h.in`, in which a line `@ffi/store.rs@` stands for what cbindgen makes of that source.
fn header() -> String {
    let root = root();
    let config = cbindgen::Config::from_file(root.join("include/cbindgen.toml")).unwrap();
    let frame = std::fs::read_to_string(root.join("include/kmshsm.h.in")).unwrap();
    let mut text = String::new();
    for line in frame.lines() {
        match line.strip_prefix('@').and_then(|line| line.strip_suffix('@')) {
            Some(source) => {
                text.push_str(&declarations(&config, &root.join("src").join(source)));
                text.push('\n');
            }
            None => {
                text.push_str(line);
                text.push('\n');
            }
        }
    }
    text
}

/// The declarations alone: the frame makes them C++'s, too, all at once.
fn declarations(config: &cbindgen::Config, source: &Path) -> String {
    let builder = cbindgen::Builder::new().with_config(config.clone()).with_src(source);
    let mut text = Vec::new();
    builder.generate().unwrap().write(&mut text);
    let text = String::from_utf8(text).unwrap();
    let text = text.replace("#ifdef __cplusplus\nextern \"C\" {\n#endif // __cplusplus\n\n", "");
    let text =
        text.replace("\n#ifdef __cplusplus\n}  // extern \"C\"\n#endif  // __cplusplus\n", "");
    format!("{}\n", text.trim())
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
