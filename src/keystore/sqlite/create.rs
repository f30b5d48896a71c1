//! Making a store: complete in a directory beside the place, then moved there in one step. A crash
//! before leaves no store, only a directory `.NAME.new-...` that nothing reads and that may be
//! deleted.
#![forbid(unsafe_code)]

use std::ffi::OsString;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use crate::error::{Error, ErrorCode, Result};

use super::database;
use super::epoch::Epoch;
use super::fork::Pass;
use super::place::{self, failed};

/// Makes a store at `dir`, which must be absent or an empty directory. Before it is there, `complete` has
/// it at another place, and must have closed it when it returns.
pub(super) fn create<R>(dir: &Path, complete: impl FnOnce(&Path) -> Result<R>) -> Result<R> {
    // A symbolic link stays one: the store goes where it points.
    let target = match fs::canonicalize(dir) {
        Ok(existing) => {
            check_vacant(&existing)?;
            existing
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => dir.to_path_buf(),
        Err(error) => return Err(failed("Looking at the place of the store", &error)),
    };
    let Some(name) = target.file_name() else {
        return Err(Error::new(ErrorCode::StoreFailed).because("The path names no directory."));
    };
    let parent = match target.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    place::check_filesystem(parent)?;
    let scaffold = Scaffold::raise(parent, name.to_os_string())?;
    scaffold.fill()?;
    let completed = complete(&scaffold.path)?;
    sync_directory(&scaffold.path)?;
    scaffold.move_to(&target)?;
    sync_directory(parent)?;
    Ok(completed)
}

/// Whether a directory may be replaced by a store.
fn check_vacant(dir: &Path) -> Result<()> {
    if !dir.is_dir() {
        return Err(Error::new(ErrorCode::NotAStore).because("A store is a directory."));
    }
    if dir.join(place::DATABASE).symlink_metadata().is_ok() {
        return Err(ErrorCode::StoreExists.into());
    }
    let mut files = fs::read_dir(dir).map_err(|error| failed("Reading the directory", &error))?;
    match files.next() {
        None => Ok(()),
        Some(_) => Err(Error::new(ErrorCode::StoreFailed)
            .because("The directory is not empty, and what is in it is not a store.")),
    }
}

/// The directory in which a store is put together; deleted unless it was moved.
struct Scaffold {
    path: PathBuf,
}

impl Scaffold {
    fn raise(parent: &Path, name: OsString) -> Result<Self> {
        for attempt in 0..MOST_ATTEMPTS {
            let mut own = OsString::from(".");
            own.push(&name);
            own.push(format!(".new-{}-{attempt}", std::process::id()));
            let path = parent.join(own);
            match DirBuilder::new().mode(0o700).create(&path) {
                Ok(()) => return Ok(Self { path }),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(failed("Making a directory beside the store", &error)),
            }
        }
        Err(Error::new(ErrorCode::StoreFailed)
            .because("Too many unfinished stores (\".NAME.new-...\") are beside it: delete them."))
    }

    fn fill(&self) -> Result<()> {
        write_file(&self.path.join(place::DATABASE), &[])?;
        {
            let _pass = Pass::enter();
            database::initialize(&self.path.join(place::DATABASE))
                .map_err(|error| database::failed(&error))?;
        }
        write_file(&self.path.join(place::EPOCH), &Epoch::initial())?;
        write_file(&self.path.join(place::LOCK), &[])?;
        write_file(&self.path.join(place::GUARD), &[])?;
        sync_directory(&self.path)
    }

    fn move_to(self, target: &Path) -> Result<()> {
        // Replaces an empty directory, and nothing else.
        fs::rename(&self.path, target).map_err(|error| match error.kind() {
            io::ErrorKind::DirectoryNotEmpty
            | io::ErrorKind::AlreadyExists
            | io::ErrorKind::NotADirectory => ErrorCode::StoreExists.into(),
            io::ErrorKind::ResourceBusy => Error::new(ErrorCode::StoreFailed).because(
                "The directory is a mount point: choose a directory inside it for the store.",
            ),
            _ => failed("Moving the new store to its place", &error),
        })
    }
}

impl Drop for Scaffold {
    fn drop(&mut self) {
        // Once moved, there is nothing at the path.
        let _ = fs::remove_dir_all(&self.path);
    }
}

fn write_file(path: &Path, bytes: &[u8]) -> Result<()> {
    let write = || {
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
        file.write_all(bytes)?;
        file.sync_all()
    };
    write().map_err(|error| failed("Writing a file of the new store", &error))
}

fn sync_directory(dir: &Path) -> Result<()> {
    File::open(dir)
        .and_then(|dir| dir.sync_all())
        .map_err(|error| failed("Syncing a directory", &error))
}

const MOST_ATTEMPTS: u32 = 1000;
