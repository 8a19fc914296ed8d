//! One line for each response, to be laid beside a load generator's report.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;
use std::sync::{Mutex, PoisonError};

/// Bytes held back before the file is written.
const BUFFER_BYTES: usize = 1 << 18;

/// The log. It is written when its buffer is full, when asked to, and at the end.
pub(crate) struct AccessLog {
    inner: Mutex<Inner>,
}

struct Inner {
    file: BufWriter<File>,
    since_flush: u64,
    lost: u64,
}

impl AccessLog {
    pub(crate) fn create(path: &Path) -> io::Result<Self> {
        let file = BufWriter::with_capacity(BUFFER_BYTES, File::create(path)?);
        Ok(Self { inner: Mutex::new(Inner { file, since_flush: 0, lost: 0 }) })
    }

    /// Adds a line. Without a status (a fault left none) the line has `-`.
    pub(crate) fn line(&self, method: &str, target: &str, status: Option<u16>, bytes: u64) {
        let inner = &mut *self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        let written = match status {
            Some(status) => writeln!(inner.file, "{method} {target} {status} {bytes}"),
            None => writeln!(inner.file, "{method} {target} - {bytes}"),
        };
        match written {
            Ok(()) => inner.since_flush += 1,
            Err(_) => inner.lost += 1,
        }
    }

    /// Writes out what is held back. If that fails, every line since the last time is taken for lost.
    pub(crate) fn flush(&self) -> io::Result<()> {
        let inner = &mut *self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        let flushed = inner.file.flush();
        let lines = std::mem::take(&mut inner.since_flush);
        if flushed.is_err() {
            inner.lost += lines;
        }
        flushed
    }

    pub(crate) fn lost(&self) -> u64 {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner).lost
    }
}
