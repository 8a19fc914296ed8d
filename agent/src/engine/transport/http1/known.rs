//! Heads that were parsed before are recognised by comparison, which costs a tenth of parsing them.

use super::head::Head;

/// How many heads are remembered: those of the steps and targets that a worker typically alternates between.
const HEADS_MAX: usize = 4;
/// The longest head worth remembering, in bytes. Longer ones hold what differs each time.
const HEAD_BYTES_MAX: usize = 1_024;

/// The last few distinct heads, byte by byte, with what they mean.
///
/// A head ends itself, and what it means depends on its bytes alone. So input that begins with the very bytes of a
/// known head, terminator included, begins with that head. A head whose date has moved on is parsed again.
#[derive(Default)]
pub struct KnownHeads {
    heads: [(Vec<u8>, Option<Head>); HEADS_MAX],
    oldest: usize,
}

impl KnownHeads {
    /// The head that `input` begins with, and its length in bytes, if it is known.
    pub(super) fn find(&self, input: &[u8]) -> Option<(usize, Head)> {
        self.heads.iter().find_map(|(bytes, head)| match head {
            Some(head) if input.starts_with(bytes) => Some((bytes.len(), *head)),
            _ => None,
        })
    }

    /// Remembers a complete head in place of the one that was learnt first.
    pub(super) fn learn(&mut self, bytes: &[u8], head: Head) {
        if bytes.len() > HEAD_BYTES_MAX {
            return;
        }
        let (known, meaning) = &mut self.heads[self.oldest];
        known.clear();
        known.extend_from_slice(bytes);
        *meaning = Some(head);
        self.oldest = (self.oldest + 1) % HEADS_MAX;
    }
}
