//! A disk whose power can be cut: a file system of its own in a file.
//!
//! What is in that file has reached the disk; what was written and not synchronised is, for some seconds at least, in the
//! system's memory alone. So a copy of the file is what a power cut at that moment would have left, if nothing was written
//! while it was copied: it is copied twice, until both copies are the same.

use std::path::{Path, PathBuf};

use super::shell::{run, succeeds};

const SIZE: &str = "16M";
/// How often the file is read until nothing was written meanwhile.
const READS_MAX: usize = 1_000;

/// A file system at its place.
pub(crate) struct Disk {
    image: PathBuf,
    at: String,
}

impl Disk {
    /// Makes one, with its file here, and puts it at this place.
    pub(crate) fn new(image: &Path, at: &str) -> Self {
        let file = image.to_string_lossy();
        run(&["truncate", "-s", SIZE, &file]);
        // Everything is prepared now, so that the system has nothing to write there on its own account.
        let prepared = "lazy_itable_init=0,lazy_journal_init=0";
        run(&["mkfs.ext4", "-q", "-F", "-b", "4096", "-J", "size=4", "-E", prepared, &file]);
        run(&["mount", "-o", "loop", &file, at]);
        Self { image: image.to_owned(), at: at.to_owned() }
    }

    /// What of it would be left if the power were cut now.
    pub(crate) fn what_is_left(&self) -> Vec<u8> {
        let read = || std::fs::read(&self.image).unwrap();
        let mut last = read();
        for _ in 0..READS_MAX {
            let next = read();
            if next == last {
                return next;
            }
            last = next;
        }
        panic!("the disk was written to without a pause");
    }

    /// Puts what was left in its place, once nobody uses it any more.
    pub(crate) fn come_back(&mut self, left: &[u8]) {
        run(&["umount", &self.at]);
        std::fs::write(&self.image, left).unwrap();
        run(&["mount", "-o", "loop", &self.image.to_string_lossy(), &self.at]);
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = succeeds(&["umount", "--lazy", &self.at]);
    }
}
