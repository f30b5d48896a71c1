//! Where the store is, how it is created and opened.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::ArgMatches;
use kmshsm::error::{Error, ErrorCode, Result};
use kmshsm::kms::{Audit, DataPlane, Kms, Options, Place, Quotas};
use kmshsm::model::IdentitySpec;

use crate::secrets::Secret;
use crate::{command, output, secrets};

/// Creates the store.
pub fn init(flags: &ArgMatches) -> Result<()> {
    let place = &place(flags)?;
    if let Some(parent) = place.parent().filter(|parent| !parent.as_os_str().is_empty()) {
        std::fs::create_dir_all(parent)
            .map_err(|error| Error::invalid("--store", format!("{}: {error}", parent.display())))?;
    }
    let identity = IdentitySpec::parse(command::text(flags, "identity"))
        .map_err(|detail| Error::invalid("--identity", detail))?;
    let secret = secrets::choose(flags)?;
    Kms::create_with(place, &secret.unlock(), identity).inspect_err(|_| secret.forget())?;
    output::print(&secret.made().map_or(String::new(), |path| {
        format!("Made the key file {}: without it nothing opens the store.\n", path.display())
    }))?;
    output::print(&format!("Created a store in {}.\n", place.display()))
}

/// Opens the store. Whoever lets go of it last closes it, which writes down what waits.
pub fn open(flags: &ArgMatches) -> Result<Arc<Kms>> {
    let place = place(flags)?;
    if !place.exists() {
        let detail = format!("Create one with: kmshsm init --store {}", place.display());
        return Err(Error::new(ErrorCode::StoreNotFound).because(detail));
    }
    open_at(flags, &place, &secrets::ask(flags)?)
}

/// Opens the store at a place with a secret.
pub fn open_at(flags: &ArgMatches, place: &Path, secret: &Secret) -> Result<Arc<Kms>> {
    let options = Options {
        allow_unprotected_memory: flags.get_flag("allow-unprotected-memory"),
        // A command is over before its first second is: rates would only refuse what they set to 0.
        quotas: Quotas { requests_per_second: None, ..quotas(flags)? },
        audit: audit(flags)?,
        anchor: flags.get_one::<PathBuf>("anchor").cloned(),
        min_generation: flags.get_one::<u64>("min-generation").copied(),
        accept_rollback: flags.get_flag("accept-rollback"),
        ..Options::default()
    };
    Place::Directory(place).open(Some(&secret.unlock()), options)
}

/// The quotas of an action: `service`, a JSON object, or the file of one.
fn quotas(flags: &ArgMatches) -> Result<Quotas> {
    match command::given(flags, "quotas") {
        Some(given) => Quotas::parse(&secrets::parameter("quotas", given)?),
        None => Ok(Quotas::default()),
    }
}

fn audit(flags: &ArgMatches) -> Result<Audit> {
    let data_plane = command::given(flags, "audit").map(DataPlane::parse).transpose()?;
    let is_strict = flags.try_get_one::<bool>("strict-audit").ok().flatten();
    Ok(Audit {
        data_plane: data_plane.unwrap_or_default(),
        is_strict: is_strict.copied().unwrap_or_default(),
    })
}

/// The store's directory: `--store`, or `kmshsm` among the user's data.
pub fn place(flags: &ArgMatches) -> Result<PathBuf> {
    if let Some(place) = flags.get_one::<PathBuf>("store") {
        if place.to_string_lossy().starts_with("memory:") {
            let detail = "A store in memory is gone with the command: give a directory.";
            return Err(Error::invalid("--store", detail));
        }
        return Ok(place.clone());
    }
    let data = std::env::var_os("XDG_DATA_HOME").filter(|dir| !dir.is_empty()).map(PathBuf::from);
    let home = std::env::var_os("HOME").filter(|dir| !dir.is_empty());
    let home = || home.map(|home| PathBuf::from(home).join(".local/share"));
    match data.or_else(home) {
        Some(data) => Ok(data.join("kmshsm")),
        None => Err(Error::missing("--store")),
    }
}
