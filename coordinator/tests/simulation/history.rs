//! What happened, in its order: for people who asked for it, and as a number.

/// Tells what happened at a true moment, if `MUSTER_TELL` is set.
pub(crate) fn tell(at_ns: u64, what: &str) {
    if std::env::var_os("MUSTER_TELL").is_some() {
        eprintln!("    {:6} ms  {what}", at_ns / 1_000_000);
    }
}

/// FNV-1a of some bytes.
pub(crate) fn fnv(bytes: &[u8]) -> u64 {
    let mut history = History::default();
    history.add(bytes);
    history.0
}

/// A number for everything that happened, in its order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct History(pub(crate) u64);

impl Default for History {
    fn default() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }
}

impl History {
    /// This happened next.
    pub(crate) fn add(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }

    /// This number came next.
    pub(crate) fn add_number(&mut self, number: u64) {
        self.add(&number.to_le_bytes());
    }
}
