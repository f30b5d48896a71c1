//! The exported audit trail as a file.
#![forbid(unsafe_code)]

use std::fs::{File, OpenOptions, remove_file};
use std::io::{BufReader, BufWriter};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use serde::Serialize;

use crate::api::verify_trail;
use crate::audit::{Head, PublicKey, Verified};
use crate::error::{Error, ErrorCode, Result};
use crate::kms::Kms;

/// What has been exported.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Exported {
    /// The last event: whoever keeps it sees later whether a trail still has it.
    pub head: Head,
    /// How many events there are.
    pub events: u64,
}

/// Writes the whole trail of a store, of all accounts, to a new file that only its owner may read.
///
/// [`InvalidParameter`](ErrorCode::InvalidParameter) (`path`) if there is such a file already, or none can be
/// made there; what [`Kms::export_trail`] answers.
pub fn export_trail(kms: &Kms, path: &Path) -> Result<Exported> {
    kms.check()?;
    let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
    let file = file.map_err(|error| strange(path, &error))?;
    let written = kms.export_trail(&mut BufWriter::new(&file)).and_then(|head| {
        file.sync_all().map_err(|error| {
            let detail = format!("The trail cannot be written out: {error}.");
            Error::new(ErrorCode::StoreFailed).because(detail)
        })?;
        Ok(Exported { head, events: head.sequence })
    });
    // A part of a trail helps nobody.
    written.inspect_err(|_| {
        let _ = remove_file(path);
    })
}

/// Verifies such a file, as [`verify_trail`] does.
/// [`InvalidParameter`](ErrorCode::InvalidParameter) (`path`) if it cannot be read.
pub fn verify_exported(
    path: &Path,
    public_key: Option<&PublicKey>,
    head: Option<&Head>,
) -> Result<Verified> {
    let file = File::open(path).map_err(|error| strange(path, &error))?;
    verify_trail(BufReader::new(file), public_key, head)
}

fn strange(path: &Path, error: &std::io::Error) -> Error {
    Error::invalid("path", format!("{}: {error}.", path.display()))
}
