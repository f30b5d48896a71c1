//! The file of a backup: written beside its place under another name, and there only once it is complete.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use crate::crypto::digest::Hasher;
use crate::error::{Error, ErrorCode, Result};

/// How many unfinished backups of one name may lie about.
const MOST_ATTEMPTS: u32 = 1000;

/// A backup in the making, for its owner alone. Deleted unless it is finished.
pub(super) struct Draft {
    place: PathBuf,
    path: PathBuf,
    file: BufWriter<File>,
    hasher: Hasher,
    is_finished: bool,
}

impl Draft {
    /// Begins a file `.NAME.new-...` beside `place`, where nothing may be yet.
    pub(super) fn begin(place: &Path) -> Result<Self> {
        check_vacant(place)?;
        let Some(name) = place.file_name() else {
            return Err(Error::invalid("path", "It names no file."));
        };
        for attempt in 0..MOST_ATTEMPTS {
            let mut own = OsString::from(".");
            own.push(name);
            own.push(format!(".new-{}-{attempt}", std::process::id()));
            let path = directory(place).join(own);
            match OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path) {
                Ok(file) => {
                    let (place, file) = (place.to_path_buf(), BufWriter::new(file));
                    return Ok(Self {
                        place,
                        path,
                        file,
                        hasher: Hasher::sha256(),
                        is_finished: false,
                    });
                }
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(strange(&path, &error)),
            }
        }
        Err(Error::invalid(
            "path",
            "Too many unfinished backups (\".NAME.new-...\") are beside it.",
        ))
    }

    /// Appends bytes.
    pub(super) fn write(&mut self, bytes: &[u8]) -> Result<()> {
        self.hasher.update(bytes);
        self.file.write_all(bytes).map_err(|error| unwritable(&error))
    }

    /// SHA-256 of what has been written.
    pub(super) fn digest(&self) -> [u8; 32] {
        self.hasher.clone().finish()
    }

    /// Has it all on disk, and then under its name.
    pub(super) fn finish(mut self) -> Result<()> {
        let on_disk = self.file.flush().and_then(|()| self.file.get_ref().sync_all());
        on_disk.map_err(|error| unwritable(&error))?;
        // A link takes no place that somebody else has taken meanwhile. Not every file system has them.
        match fs::hard_link(&self.path, &self.place) {
            Ok(()) => drop(fs::remove_file(&self.path)),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Err(taken()),
            Err(_) => {
                check_vacant(&self.place)?;
                fs::rename(&self.path, &self.place).map_err(|error| unwritable(&error))?;
            }
        }
        self.is_finished = true;
        let synced = File::open(directory(&self.place)).and_then(|directory| directory.sync_all());
        synced.map_err(|error| unwritable(&error))
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        if !self.is_finished {
            let _ = fs::remove_file(&self.path);
        }
    }
}

fn directory(place: &Path) -> &Path {
    place.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

fn check_vacant(place: &Path) -> Result<()> {
    match fs::symlink_metadata(place) {
        Ok(_) => Err(taken()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(strange(place, &error)),
    }
}

fn taken() -> Error {
    Error::invalid("path", "There is something already, and a backup overwrites nothing.")
}

/// [`ErrorCode::InvalidParameter`] with what the system said.
pub(super) fn strange(path: &Path, error: &io::Error) -> Error {
    Error::invalid("path", format!("{}: {error}.", path.display()))
}

fn unwritable(error: &io::Error) -> Error {
    Error::new(ErrorCode::StoreFailed).because(format!("The backup cannot be written: {error}."))
}
