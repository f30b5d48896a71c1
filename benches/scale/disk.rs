//! What the disk does by itself, and how much of it a store takes.

use std::fs::{self, File};
use std::io::Write;
use std::path::Path;
use std::time::Instant;

/// The bytes of a store's files.
pub fn used(place: &Path) -> u64 {
    fs::read_dir(place).unwrap().map(|file| file.unwrap().metadata().unwrap().len()).sum()
}

/// A file that grows by a page at a time, each of them durable: the least that a change can cost.
pub struct Appending(File);

impl Appending {
    pub fn beside(place: &Path) -> Self {
        Self(File::create(place.with_extension("appended")).unwrap())
    }

    /// Seconds for one page.
    pub fn page(&mut self) -> f64 {
        let begun = Instant::now();
        self.0.write_all(&[7; 4096]).unwrap();
        self.0.sync_data().unwrap();
        begun.elapsed().as_secs_f64()
    }
}
