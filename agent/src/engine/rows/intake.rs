//! Takes rows in as they come: hashes them, finds out where they begin, and keeps them.

use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read, Write};
use std::sync::Arc;

use muster_proto::plan::{ContentHash, RowsId};
use ring::digest::{Context, SHA256};

use super::{Content, Index, Rows};

/// How much is read or written at once.
const BUFFER_BYTES: usize = 64 << 10;

/// Rows of which more may come, in pieces that end anywhere.
pub struct Intake {
    digest: Context,
    index: Index,
    kept: Kept,
}

/// Where rows are kept.
enum Kept {
    Held(Vec<u8>),
    File(BufWriter<File>),
}

impl Intake {
    /// Rows that are held in memory.
    #[must_use]
    pub fn held() -> Self {
        Self::keeping(Kept::Held(Vec::new()))
    }

    /// Rows that are written to this file, which is empty.
    #[must_use]
    pub fn in_file(file: File) -> Self {
        Self::keeping(Kept::File(BufWriter::with_capacity(BUFFER_BYTES, file)))
    }

    fn keeping(kept: Kept) -> Self {
        Self { digest: Context::new(&SHA256), index: Index::default(), kept }
    }

    /// How many bytes came.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.index.seen()
    }

    /// How many rows came whole.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.index.whole().0
    }

    /// Whether they are in memory.
    #[must_use]
    pub fn is_held(&self) -> bool {
        matches!(self.kept, Kept::Held(_))
    }

    /// Takes in what comes next.
    ///
    /// # Errors
    /// When the file cannot be written; nothing more may come then.
    pub fn push(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.digest.update(bytes);
        self.index.add(bytes);
        match &mut self.kept {
            Kept::Held(held) => held.extend_from_slice(bytes),
            Kept::File(file) => file.write_all(bytes)?,
        }
        Ok(())
    }

    /// Goes on in this file, which is empty, with what was held.
    ///
    /// # Errors
    /// When the file cannot be written; nothing more may come then.
    pub fn move_to(&mut self, file: File) -> io::Result<()> {
        let mut file = BufWriter::with_capacity(BUFFER_BYTES, file);
        if let Kept::Held(held) = &self.kept {
            file.write_all(held)?;
        }
        self.kept = Kept::File(file);
        Ok(())
    }

    /// All rows have come.
    ///
    /// # Errors
    /// When the file cannot be written, or the last row has no end.
    pub fn finish(self) -> io::Result<Rows> {
        let content = match self.kept {
            Kept::Held(held) => Content::Held(held.into()),
            Kept::File(file) => Content::File(Arc::new(file.into_inner().map_err(io::IntoInnerError::into_error)?)),
        };
        rows(self.digest, self.index, content)
    }
}

impl Rows {
    /// The rows that a file has. Reads it once.
    ///
    /// # Errors
    /// When it cannot be read, or the last row has no end.
    pub fn of_file(file: File) -> io::Result<Self> {
        let (mut digest, mut index) = (Context::new(&SHA256), Index::default());
        let mut source = BufReader::with_capacity(BUFFER_BYTES, &file);
        let mut piece = vec![0; BUFFER_BYTES];
        loop {
            match source.read(&mut piece) {
                Ok(0) => break,
                Ok(read) => {
                    digest.update(&piece[..read]);
                    index.add(&piece[..read]);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        drop(source);
        rows(digest, index, Content::File(Arc::new(file)))
    }

    /// Rows that are held, of a text in which each has its line feed.
    ///
    /// # Errors
    /// When the last row has no end.
    pub fn of_text(text: &str) -> io::Result<Self> {
        let mut intake = Intake::held();
        intake.push(text.as_bytes())?;
        intake.finish()
    }
}

fn rows(digest: Context, index: Index, content: Content) -> io::Result<Rows> {
    let (count, bytes) = index.whole();
    if bytes != index.seen() {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "the last row has no end"));
    }
    let mut hash = [0; 32];
    hash.copy_from_slice(digest.finish().as_ref());
    Ok(Rows { id: RowsId { hash: ContentHash(hash), bytes, count }, content, index })
}
