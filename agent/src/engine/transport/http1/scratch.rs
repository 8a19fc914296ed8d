//! What all connections of a worker share while one of them reads.

use std::cell::{RefCell, RefMut};
use std::rc::Rc;

use super::KnownHeads;

/// The size of the shared buffer. Most responses fit, so that one read takes them whole.
const SCRATCH_BYTES: usize = 64 << 10;

/// A worker's buffer, which numbered requests are written from as well, and the response heads it knows. Clones share both.
///
/// It is borrowed only while one connection is polled, never across a wait, so a worker needs one however many
/// connections it has.
#[derive(Clone)]
pub struct Scratch(Rc<RefCell<Shared>>);

pub(super) struct Shared {
    pub(super) bytes: Box<[u8]>,
    pub(super) known: KnownHeads,
}

impl Scratch {
    pub(super) fn borrow(&self) -> RefMut<'_, Shared> {
        self.0.borrow_mut()
    }
}

impl Default for Scratch {
    fn default() -> Self {
        let bytes = vec![0; SCRATCH_BYTES].into_boxed_slice();
        Self(Rc::new(RefCell::new(Shared { bytes, known: KnownHeads::default() })))
    }
}
