//! Frames: what is written, and made durable, as one.
//!
//! A frame begins with its length, the CRC-32C of its content, and a CRC-32C of both with the frame's place in the file.
//! Whoever writes a frame has made all earlier ones durable, so a crash can tear only the last. What is damaged and not
//! the last frame was durable once, and is never passed over in silence.

use std::io::{self, Read};

use muster_agent::planted::planted;

/// The bytes before a frame's content.
const HEADER_BYTES: usize = 12;
/// The longest content of a frame, in bytes: a group of entries with the largest message at its end, or a plan.
pub(super) const CONTENT_BYTES_MAX: usize = 16 << 20;

/// A frame around this content, for this place in the file.
pub(super) fn frame(offset: u64, content: &[u8]) -> Vec<u8> {
    let mut frame = Vec::with_capacity(HEADER_BYTES + content.len());
    frame.extend_from_slice(&(content.len() as u32).to_le_bytes());
    frame.extend_from_slice(&crc32c::crc32c(content).to_le_bytes());
    frame.extend_from_slice(&header_crc(offset, &frame).to_le_bytes());
    frame.extend_from_slice(content);
    frame
}

/// The place counts too, so that no frame is ever taken for another, nor something inside of one for a frame.
fn header_crc(offset: u64, beginning: &[u8]) -> u32 {
    crc32c::crc32c_append(crc32c::crc32c(&offset.to_le_bytes()), beginning)
}

/// A frame's length and checksum, if these are the bytes of a header for this place.
fn header(offset: u64, bytes: &[u8]) -> Option<(usize, u32)> {
    let word = |at: usize| Some(u32::from_le_bytes(bytes.get(at..at + 4)?.try_into().ok()?));
    let (length, crc) = (word(0)? as usize, word(4)?);
    let sound = word(8)? == header_crc(offset, &bytes[..8]) && length <= CONTENT_BYTES_MAX;
    sound.then_some((length, crc))
}

/// Why a file's frames cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum FrameError {
    /// The file cannot be read.
    #[error("it cannot be read: {0}")]
    Io(#[from] io::Error),
    /// Something that was durable once is no longer what it was.
    #[error("it is damaged at byte {offset}, before its end")]
    Damaged {
        /// Where the damaged frame begins.
        offset: u64,
    },
}

/// Reads a file's frames, one after the other.
pub(super) struct Frames<R> {
    source: R,
    offset: u64,
    torn: u64,
}

impl<R: Read> Frames<R> {
    pub(super) fn new(source: R) -> Self {
        Self { source, offset: 0, torn: 0 }
    }

    /// How many bytes the frames until now have together.
    pub(super) fn offset(&self) -> u64 {
        self.offset
    }

    /// How many bytes at the end are what is left of a frame that was never finished.
    pub(super) fn torn(&self) -> u64 {
        self.torn
    }

    /// The next frame's content; nothing at the end, torn or not.
    pub(super) fn next_content(&mut self) -> Result<Option<Vec<u8>>, FrameError> {
        let begin = self.read(HEADER_BYTES)?;
        let Some((length, crc)) = header(self.offset, &begin) else { return self.end(begin) };
        let content = self.read(length)?;
        let whole = content.len() == length && crc32c::crc32c(&content) == crc;
        if whole || planted("torn-tail-accepted") {
            self.offset += (HEADER_BYTES + length) as u64;
            return Ok(Some(content));
        }
        let more = self.read(1)?;
        if !more.is_empty() {
            return Err(FrameError::Damaged { offset: self.offset });
        }
        self.torn = (HEADER_BYTES + content.len()) as u64;
        Ok(None)
    }

    /// Up to so many bytes: fewer only at the end of the file.
    fn read(&mut self, wanted: usize) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        self.source.by_ref().take(wanted as u64).read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    /// What follows is no frame. It is the torn last one unless there is too much of it, or a sound frame in it.
    fn end(&mut self, mut rest: Vec<u8>) -> Result<Option<Vec<u8>>, FrameError> {
        let frame_max = HEADER_BYTES + CONTENT_BYTES_MAX;
        rest.extend(self.read(frame_max + 1)?);
        let follows = |at: usize| {
            let (length, crc) = header(self.offset + at as u64, &rest[at..])?;
            let content = rest.get(at + HEADER_BYTES..at + HEADER_BYTES + length)?;
            (crc32c::crc32c(content) == crc).then_some(())
        };
        if rest.len() > frame_max || (1..rest.len()).any(|at| follows(at).is_some()) {
            return Err(FrameError::Damaged { offset: self.offset });
        }
        self.torn = rest.len() as u64;
        Ok(None)
    }
}

#[cfg(test)]
mod tests;
