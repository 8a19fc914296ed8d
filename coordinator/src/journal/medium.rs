//! Where a journal's bytes go.

use std::fs::File;
use std::io::{self, Write};

/// Something that keeps bytes in the order in which they were written.
pub trait Medium: Send + 'static {
    /// Writes behind everything before.
    ///
    /// # Errors
    /// When not all of it was written. What follows can no longer be trusted, so nothing may.
    fn append(&mut self, bytes: &[u8]) -> io::Result<()>;

    /// Makes durable what was written.
    ///
    /// # Errors
    /// When it may be lost. It must not be tried again: a second attempt may succeed though bytes are gone.
    fn sync(&mut self) -> io::Result<()>;
}

impl Medium for Box<dyn Medium> {
    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        (**self).append(bytes)
    }

    fn sync(&mut self) -> io::Result<()> {
        (**self).sync()
    }
}

/// A file whose bytes outlive a power cut once they were synchronised.
pub struct Durable(pub File);

impl Medium for Durable {
    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.0.write_all(bytes)
    }

    fn sync(&mut self) -> io::Result<()> {
        self.0.sync_data()
    }
}

/// A file whose bytes outlive this program, but perhaps not the machine.
pub struct Buffered(pub File);

impl Medium for Buffered {
    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.0.write_all(bytes)
    }

    fn sync(&mut self) -> io::Result<()> {
        Ok(())
    }
}
