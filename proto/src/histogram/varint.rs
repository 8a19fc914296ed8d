//! Numbers of few bytes when they are small: seven bits a byte, the lowest first, the top bit set on all but the last.
//!
//! Each number has one form only, the shortest.

use super::codec::CodecError;

/// The most bytes of one number.
const BYTES_MAX: usize = 128_usize.div_ceil(7);

/// Appends a number.
pub(super) fn put(out: &mut Vec<u8>, value: impl Into<u128>) {
    let mut value = value.into();
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// Numbers that are yet to be read.
#[derive(Clone, Copy)]
pub(super) struct Numbers<'a>(pub(super) &'a [u8]);

impl Numbers<'_> {
    /// The next number, if it is one of 64 bits.
    #[inline]
    pub(super) fn next(&mut self) -> Result<u64, CodecError> {
        if let [byte @ 0..0x80, rest @ ..] = self.0 {
            self.0 = rest;
            return Ok(u64::from(*byte));
        }
        u64::try_from(self.next_wide()?).map_err(|_| CodecError::NumberTooLarge { bits: u64::BITS })
    }

    /// The next number, if it is one of 128 bits.
    pub(super) fn next_wide(&mut self) -> Result<u128, CodecError> {
        let mut value = 0;
        for (place, byte) in self.0.iter().take(BYTES_MAX).enumerate() {
            let (part, shift) = (u128::from(byte & 0x7f), 7 * place);
            if part << shift >> shift != part {
                break;
            }
            value |= part << shift;
            if *byte < 0x80 {
                self.0 = &self.0[place + 1..];
                return if *byte == 0 && place > 0 { Err(CodecError::Padded) } else { Ok(value) };
            }
        }
        let ends = self.0.len() < BYTES_MAX;
        Err(if ends { CodecError::Truncated } else { CodecError::NumberTooLarge { bits: u128::BITS } })
    }

    /// Whether everything was read.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(bytes: &[u8]) -> Result<u128, CodecError> {
        Numbers(bytes).next_wide()
    }

    #[test]
    fn numbers_survive_at_every_length() {
        for shift in 0..u128::BITS {
            for value in [u128::MAX >> shift, 1 << shift] {
                let mut bytes = Vec::new();
                put(&mut bytes, value);
                assert_eq!(read(&bytes), Ok(value));
                assert!(bytes.len() <= BYTES_MAX);
                assert_eq!(read(&bytes[..bytes.len() - 1]), Err(CodecError::Truncated), "{value}");
                assert_eq!(Numbers(&bytes).next().ok(), u64::try_from(value).ok());
            }
        }
    }

    #[test]
    fn only_the_shortest_form_is_read() {
        assert_eq!(read(&[0]), Ok(0));
        assert_eq!(read(&[0x80, 0]), Err(CodecError::Padded));
        assert_eq!(read(&[0xff, 0x80, 0]), Err(CodecError::Padded));
    }

    #[test]
    fn numbers_of_too_many_bits_are_refused() {
        let mut bytes = [0xff; BYTES_MAX];
        assert_eq!(read(&bytes), Err(CodecError::NumberTooLarge { bits: 128 }));
        bytes[BYTES_MAX - 1] = 0x04;
        assert_eq!(read(&bytes), Err(CodecError::NumberTooLarge { bits: 128 }));
        bytes[BYTES_MAX - 1] = 0x03;
        assert_eq!(read(&bytes), Ok(u128::MAX));
        assert_eq!(Numbers(&bytes).next(), Err(CodecError::NumberTooLarge { bits: 64 }));
    }
}
