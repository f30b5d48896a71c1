//! Gathers the facts on the store: from outside, and from inside if there is a secret.
#![forbid(unsafe_code)]

use std::fs;
use std::io::Read;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use clap::ArgMatches;
use kmshsm::error::Result;

use super::facts::{Inside, Outside, Store};
use super::gather;
use crate::{secrets, store, system};

/// The store that the options name, or the default one.
pub fn store(flags: &ArgMatches) -> Result<Store> {
    let is_named = flags.get_one::<PathBuf>("store").is_some();
    let place = match store::place(flags) {
        Ok(place) => place,
        Err(error) if is_named => return Err(error),
        Err(_) => return Ok(Store::Nowhere),
    };
    // What cannot be looked at may be there.
    if matches!(place.try_exists(), Ok(false)) {
        return Ok(Store::Missing { place, is_named });
    }
    let outside = outside(flags, &place);
    let inside = match outside.mode & 0o077 {
        0 => inside(flags, &place)?,
        _ => Inside::NotTried,
    };
    Ok(Store::There { outside, inside })
}

fn outside(flags: &ArgMatches, place: &Path) -> Outside {
    let directory = fs::metadata(place).ok();
    let size = |name: &str| fs::metadata(place.join(name)).ok().map(|file| file.len());
    let written = ["store.db", "store.db-wal"].map(|name| fs::metadata(place.join(name)));
    let written = written.into_iter().flatten().filter_map(|file| file.modified().ok()).max();
    // The directory of a process belongs to its effective user.
    let own = fs::metadata("/proc/self").ok().map(|process| process.uid());
    let device = |path: &Path| fs::metadata(path).ok().map(|file| file.dev());
    let anchor = flags.get_one::<PathBuf>("anchor");
    Outside {
        place: place.to_owned(),
        mode: directory.as_ref().map_or(0, |directory| directory.mode() & 0o7777),
        is_own: directory.map(|directory| directory.uid()) == own,
        file_system: file_system(place),
        free: system::free_bytes(place),
        database: size("store.db"),
        log: size("store.db-wal"),
        format: format(place),
        written: written.map(gather::seconds),
        secrets: secrets_of(flags, place),
        anchor_is_beside: anchor.is_some_and(|file| {
            let dir = file.parent().filter(|dir| !dir.as_os_str().is_empty());
            device(dir.unwrap_or(Path::new("."))) == device(place)
        }),
    }
}

/// Files of secrets that the options name.
fn secrets_of(flags: &ArgMatches, place: &Path) -> Vec<(PathBuf, u32, bool)> {
    let one = ["key-file", "passphrase-file"].map(|name| flags.get_one::<PathBuf>(name));
    let shares = flags.get_many::<PathBuf>("share").into_iter().flatten();
    let named = one.into_iter().flatten().chain(shares);
    let place = fs::canonicalize(place).ok();
    let look = |path: &PathBuf| {
        let file = fs::metadata(path).ok().filter(fs::Metadata::is_file)?;
        let is_inside = fs::canonicalize(path).ok()?.parent() == place.as_deref();
        Some((path.clone(), file.mode() & 0o777, is_inside))
    };
    named.filter_map(look).collect()
}

/// The user_version of a database of this library's (https://sqlite.org/fileformat2.html, 1.3).
fn format(place: &Path) -> Option<u32> {
    let mut header = [0; 72];
    // The directory may be anybody's, and what bears the name a pipe, or a link to a device.
    let mut options = fs::OpenOptions::new();
    options.read(true).custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK | libc::O_CLOEXEC);
    let mut file = options.open(place.join("store.db")).ok()?;
    file.metadata().ok().filter(fs::Metadata::is_file)?;
    file.read_exact(&mut header).ok()?;
    let number = |at: usize| header.get(at..at + 4)?.try_into().ok().map(u32::from_be_bytes);
    let is_ours = header.starts_with(b"SQLite format 3\0") && header.ends_with(b"KMSH");
    number(60).filter(|_| is_ours)
}

/// The type of the file system that holds it: of the longest mount point above it, the last one.
fn file_system(place: &Path) -> Option<String> {
    let place = fs::canonicalize(place).ok()?;
    type_at(&fs::read_to_string("/proc/self/mountinfo").ok()?, &place)
}

/// Lines of proc_pid_mountinfo(5): six fields, of which the fifth is the mount point, any number of others,
/// a dash, the type.
fn type_at(mounts: &str, place: &Path) -> Option<String> {
    let above = mounts.lines().filter_map(|line| {
        let (mount, kind) = line.split_once(" - ")?;
        let point = mount.split(' ').nth(4)?.replace(r"\040", " ");
        let kind = kind.split(' ').next()?;
        place.starts_with(&point).then_some((point.len(), kind))
    });
    above.max_by_key(|(length, _)| *length).map(|(_, kind)| kind.to_owned())
}

fn inside(flags: &ArgMatches, place: &Path) -> Result<Inside> {
    let Some(secret) = secrets::ask_unless_left(flags)? else { return Ok(Inside::Closed) };
    let opened = store::open_at(flags, place, &secret)
        .and_then(|kms| kms.unlock_slots().map(|slots| (gather::status(&kms), slots.len())));
    Ok(match opened {
        Ok((Some(status), slots)) => Inside::Open { status: Box::new(status), slots },
        Ok((None, _)) => {
            Inside::Failed { code: String::new(), why: "its status cannot be read".to_owned() }
        }
        Err(error) => {
            Inside::Failed { code: error.code().wire_code().to_owned(), why: error.to_string() }
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const MOUNTS: &str = "\
22 27 0:21 / / rw,relatime - ext4 /dev/vda rw
23 22 0:22 / /media rw - tmpfs tmpfs rw
24 23 0:23 / /media/my\\040disk rw master:1 - nfs4 server:/ rw
25 22 0:24 / /med rw - xfs /dev/vdb rw";

    #[test]
    fn the_nearest_mount_counts() {
        for (place, expected) in [
            ("/home", "ext4"),
            ("/media/x", "tmpfs"),
            ("/media/my disk/keys", "nfs4"),
            ("/medium", "ext4"),
            ("/med/x", "xfs"),
        ] {
            assert_eq!(type_at(MOUNTS, Path::new(place)).as_deref(), Some(expected), "{place}");
        }
        assert_eq!(type_at("", Path::new("/")), None);
        assert!(file_system(Path::new("/proc/self")).is_some_and(|name| name == "proc"));
        assert!(system::free_bytes(Path::new(".")).is_some_and(|bytes| bytes > 0));
    }
}
