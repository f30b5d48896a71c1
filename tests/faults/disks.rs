//! Disks of the tests' own: small ones, read-only ones, and such that lose power. Not every machine lets
//! its tests mount; then they say so.

use std::path::{Path, PathBuf};
use std::process::Command;

/// A mounted file system; unmounted when dropped.
pub struct Disk {
    _folder: tempfile::TempDir,
    pub path: PathBuf,
}

impl Disk {
    /// Mounts with these words before the place; `None`, with the reason on standard output, if that is
    /// refused.
    pub fn mount(words: &[&str]) -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().to_path_buf();
        mount(words, &path).then_some(Self { _folder: folder, path })
    }

    /// What is in a directory, read-only.
    pub fn read_only(directory: &Path) -> Option<Self> {
        let disk = Self::mount(&["--bind", directory.to_str().unwrap()])?;
        assert!(disk.remount("bind,ro"));
        Some(disk)
    }

    pub fn remount(&self, options: &str) -> bool {
        mount(&["-o", &format!("remount,{options}")], &self.path)
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        // It is in use for a moment by what another thread has just forked to run a command.
        let unmounted = (0..1000).any(|_| {
            Command::new("umount").arg(&self.path).status().unwrap().success() || {
                std::thread::sleep(std::time::Duration::from_millis(10));
                false
            }
        });
        assert!(unmounted || std::thread::panicking());
    }
}

fn mount(words: &[&str], place: &Path) -> bool {
    match Command::new("mount").args(words).arg(place).output() {
        Ok(done) if done.status.success() => true,
        Ok(done) => {
            println!("skipped: mount: {}", String::from_utf8_lossy(&done.stderr).trim());
            false
        }
        Err(error) => {
            println!("skipped: mount: {error}");
            false
        }
    }
}
