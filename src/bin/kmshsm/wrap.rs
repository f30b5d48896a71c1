//! `kmshsm wrap`: what the owner of key material does before it is imported. No store is opened.

use std::ffi::OsStr;
use std::fs::{File, OpenOptions, Permissions};
use std::io::{IsTerminal, Write};
use std::os::fd::AsFd;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use clap::ArgMatches;
use clap::parser::ValueSource;
use kmshsm::api::wrap_key_material;
use kmshsm::error::{Error, Result};
use kmshsm::model::WrappingAlgorithm;
use zeroize::Zeroizing;

use crate::{command, output, secrets};

/// Reads both files, wraps, and writes.
pub fn run(flags: &ArgMatches) -> Result<()> {
    let algorithm = WrappingAlgorithm::parse(command::text(flags, "algorithm"))
        .map_err(|detail| Error::invalid("--algorithm", detail))?;
    let [public_key, material, out] = ["public-key", "material", "out"]
        .map(|name| flags.get_one::<PathBuf>(name).map_or(Path::new(""), PathBuf::as_path));
    if is_dash(public_key) && is_dash(material) {
        return Err(Error::invalid("--material", "Standard input is the public key already."));
    }
    let is_chosen = flags.value_source("out") != Some(ValueSource::DefaultValue);
    if !is_chosen && !flags.get_flag("base64") && std::io::stdout().is_terminal() {
        let detail = "Bytes are not for a terminal: give --out FILE, or --base64.";
        return Err(Error::missing("--out").because(detail));
    }
    let public_key = der(&read("--public-key", public_key)?);
    let wrapped = wrap_key_material(&public_key, algorithm, &read("--material", material)?)?;
    let text = format!("{}\n", STANDARD.encode(&wrapped));
    let answer = if flags.get_flag("base64") { text.as_bytes() } else { &wrapped };
    if is_dash(out) {
        return output::write(answer);
    }
    write(out, answer)
        .map_err(|error| Error::invalid("--out", format!("{}: {error}", out.display())))
}

/// Whether the path stands for a standard stream.
pub fn is_dash(path: &Path) -> bool {
    path.as_os_str() == OsStr::new("-")
}

/// The bytes of a file, or of standard input without a buffer that would keep them.
pub fn read(option: &'static str, path: &Path) -> Result<Zeroizing<Vec<u8>>> {
    if !is_dash(path) {
        return secrets::contents(option, path);
    }
    let file = std::io::stdin().as_fd().try_clone_to_owned().map(File::from);
    file.and_then(secrets::read).map_err(|error| Error::invalid(option, error.to_string()))
}

/// The bytes of a public key that may be in Base64, as answers have it, or in PEM. What is neither
/// is left to the engine to refuse.
pub fn der(given: &[u8]) -> Vec<u8> {
    let text: Vec<_> = given.iter().copied().filter(|byte| !byte.is_ascii_whitespace()).collect();
    match der::pem::decode_vec(given.trim_ascii()) {
        Ok((_, der)) => der,
        Err(_) => STANDARD.decode(text).unwrap_or_else(|_| given.to_vec()),
    }
}

/// For its owner alone, also if it was there.
fn write(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path);
    let mut file = file?;
    if file.metadata()?.is_file() {
        file.set_permissions(Permissions::from_mode(0o600))?;
    }
    file.write_all(bytes)
}
