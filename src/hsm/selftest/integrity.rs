//! Whether the file that this code was loaded from is the one that was installed: its HMAC-SHA-256
//! stands, in hexadecimal, in a file beside it (`scripts/hmacify`). The key is public, so this finds
//! damage; whoever can replace the one file can replace the other.
#![forbid(unsafe_code)]

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::crypto::mac::hmac_sha256;
use crate::health;

/// The key, which is no secret.
const KEY: &[u8] = b"kmshsm/v1/integrity";

/// What was found.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub struct Integrity {
    /// `passed`, `failed`, or `not available`: nothing stands beside the file.
    pub result: &'static str,
    /// The file, if it is known.
    pub file: Option<String>,
}

impl Integrity {
    /// Compares. A file that has been replaced since it was loaded is not the one to ask.
    pub fn of_this_library() -> Self {
        let file = loaded_from();
        let result = match file.as_deref().and_then(is_intact) {
            Some(true) => "passed",
            Some(false) => "failed",
            None => "not available",
        };
        Self { result, file: file.map(|file| file.to_string_lossy().into_owned()) }
    }
}

/// Whether the file is what stands beside it, if anything does.
fn is_intact(file: &Path) -> Option<bool> {
    let mut beside = OsString::from(".");
    beside.push(file.file_name()?);
    beside.push(".hmac");
    let expected = match std::fs::read_to_string(file.with_file_name(beside)) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return None,
        read => read.unwrap_or_default(),
    };
    let content = std::fs::read(file).unwrap_or_default();
    let mut tag = hmac_sha256(KEY, &[&content]);
    tag.iter_mut().take(1).for_each(|first| *first ^= health::flaw("integrity"));
    let tag: String = tag.iter().map(|byte| format!("{byte:02x}")).collect();
    Some(tag == expected.trim_end())
}

/// The file that the code of this function is mapped from, as the kernel names it.
fn loaded_from() -> Option<PathBuf> {
    let here = loaded_from as fn() -> Option<PathBuf> as usize as u64;
    let maps = std::fs::read("/proc/self/maps").ok()?;
    maps.split(|byte| *byte == b'\n').find_map(|line| path_at(line, here))
}

/// The path in a line of `/proc/self/maps` whose range the address is in:
/// `start-end protection offset device inode   path`.
fn path_at(line: &[u8], address: u64) -> Option<PathBuf> {
    let (numbers, path) = line.split_at(line.iter().position(|byte| *byte == b'/')?);
    let (start, rest) = std::str::from_utf8(numbers).ok()?.split_once('-')?;
    let bound = |text| u64::from_str_radix(text, 16).ok();
    let inside = (bound(start)?..bound(rest.split_once(' ')?.0)?).contains(&address);
    inside.then(|| OsString::from_vec(path.to_vec()).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_file() {
        let file = loaded_from().unwrap();
        assert_eq!(file, std::env::current_exe().unwrap());
    }

    #[test]
    fn lines_of_maps() {
        let line = b"7f10-7f20 r-xp 00001000 08:01 42                  /usr/lib/a b.so (deleted)";
        let path = || Some(PathBuf::from("/usr/lib/a b.so (deleted)"));
        for (address, expected) in
            [(0x7f0f, None), (0x7f10, path()), (0x7f1f, path()), (0x7f20, None)]
        {
            assert_eq!(path_at(line, address), expected);
        }
        assert_eq!(path_at(b"7f10-7f20 rw-p 00000000 00:00 0 ", 0x7f10), None);
        assert_eq!(path_at(b"7f10-7f20 rw-p 00000000 00:00 0 [heap]", 0x7f10), None);
        assert_eq!(path_at(b"", 0), None);
    }

    #[test]
    fn what_stands_beside() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("library.so");
        let beside = folder.path().join(".library.so.hmac");
        std::fs::write(&file, "what was loaded").unwrap();
        assert_eq!(is_intact(&file), None);
        // Computed by Python.
        let right = "0eb1c0c1ef5214113838c7911257f089d00ad2e8c321458946622377a79a337d\n";
        for (text, expected) in
            [(right, true), (&right[1..], false), ("", false), ("\u{ff}", false)]
        {
            std::fs::write(&beside, text).unwrap();
            assert_eq!(is_intact(&file), Some(expected), "{text}");
        }
        std::fs::write(&beside, right).unwrap();
        std::fs::write(&file, "what was loadee").unwrap();
        assert_eq!(is_intact(&file), Some(false));
    }
}
