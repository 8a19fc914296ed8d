//! Messages inside of messages, packed by zstd.
//!
//! What is large is packed by itself, so that what is small and frequent costs nothing, and that it can be kept and sent
//! on as it came. A context of zstd takes about a hundred kilobytes and longer to make than to use: each thread has one
//! for either direction, however many streams it serves.

use std::cell::RefCell;

use bytes::Bytes;
use prost::Message;
use zstd::bulk::{Compressor, Decompressor};

use super::ConvertError;

/// The most bytes of a message that was packed, before that.
pub const UNPACKED_BYTES_MAX: usize = 4 << 20;
/// How hard zstd tries. More of it makes deltas hardly smaller.
const LEVEL: i32 = 1;

thread_local! {
    static COMPRESSOR: RefCell<Option<Compressor<'static>>> = const { RefCell::new(None) };
    static DECOMPRESSOR: RefCell<Decompressor<'static>> = RefCell::default();
}

/// A message as one frame; none at all for an empty one.
#[must_use]
pub fn pack(message: &impl Message) -> Bytes {
    let plain = message.encode_to_vec();
    if plain.is_empty() {
        return Bytes::new();
    }
    let packed = COMPRESSOR.with_borrow_mut(|compressor| {
        let compressor = match compressor {
            Some(compressor) => compressor,
            None => compressor.insert(Compressor::new(LEVEL)?),
        };
        compressor.compress(&plain)
    });
    // Memory is all that it can lack, and it asks for no more of it than a vector, which does not say so.
    packed.expect("what fits into memory can be packed").into()
}

/// The message that was packed in a field of this name. Bytes within it share one allocation.
///
/// # Errors
/// [`ConvertError::Packed`] if the bytes are not one frame that tells its length, or if that is more than
/// [`UNPACKED_BYTES_MAX`], or not what comes out, or if what comes out is no such message.
pub fn unpack<M: Message + Default>(field: &'static str, packed: &[u8]) -> Result<M, ConvertError> {
    let wrong = |reason: String| ConvertError::Packed { field, reason };
    if packed.is_empty() {
        return Ok(M::default());
    }
    let told = zstd::decompressed_size(packed).ok_or_else(|| wrong("it is not packed as agreed".to_owned()))?;
    let length = usize::try_from(told).ok().filter(|length| *length <= UNPACKED_BYTES_MAX);
    let length = length.ok_or_else(|| wrong(format!("{told} bytes, wanted at most {UNPACKED_BYTES_MAX}")))?;
    let mut plain = Vec::with_capacity(length);
    // Nothing is written beyond the vector's capacity, whatever the frame goes on to say.
    DECOMPRESSOR
        .with_borrow_mut(|decompressor| decompressor.decompress_to_buffer(packed, &mut plain))
        .map_err(|error| wrong(error.to_string()))?;
    if plain.len() != length {
        return Err(wrong(format!("{} bytes, though it says {length}", plain.len())));
    }
    M::decode(Bytes::from(plain)).map_err(|error| wrong(error.to_string()))
}
