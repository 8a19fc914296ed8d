//! Bugs that tests plant on purpose, to prove that they would be found.
//!
//! Only with the feature `planted`, which nothing but tests asks for, can there be any. Without it [`planted`] is the
//! constant `false`, and nothing of a bug is compiled.

#[cfg(feature = "planted")]
mod selection {
    use std::cell::Cell;

    thread_local! {
        static SELECTED: Cell<&'static [&'static str]> = const { Cell::new(&[]) };
    }

    /// From now on these bugs are planted, for whatever runs in this thread, and no others.
    pub fn plant(bugs: &'static [&'static str]) {
        SELECTED.set(bugs);
    }

    /// Whether this bug is planted.
    #[must_use]
    pub fn planted(bug: &str) -> bool {
        SELECTED.get().contains(&bug)
    }
}

#[cfg(feature = "planted")]
pub use selection::{plant, planted};

/// Whether this bug is planted: never.
#[cfg(not(feature = "planted"))]
#[inline(always)]
#[must_use]
pub const fn planted(_: &str) -> bool {
    false
}
