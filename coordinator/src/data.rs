//! The rows of a run's feeders, for agents that ask for them.

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;

use bytes::Bytes;
use muster_agent::engine::rows::{Content, Rows};
use muster_proto::plan::ContentHash;

/// The rows of a run's feeders, by their hashes. Copies are of the same.
#[derive(Clone, Debug, Default)]
pub struct Data(Arc<BTreeMap<ContentHash, Content>>);

impl Data {
    /// The rows of a plan that was read.
    #[must_use]
    pub fn of(rows: &[Arc<Rows>]) -> Self {
        rows.iter().map(|rows| (rows.id().hash, rows.content().clone())).collect()
    }

    /// So many bytes of the rows that have this hash, from a place on, or as many as there are. Waits for the disk. Nothing if
    /// the run has no such rows.
    #[must_use]
    pub fn piece(&self, hash: ContentHash, offset: u64, bytes: u32) -> Option<io::Result<Bytes>> {
        self.0.get(&hash).map(|content| content.piece(offset, bytes))
    }

    /// All of them.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (ContentHash, &Content)> {
        self.0.iter().map(|(hash, content)| (*hash, content))
    }
}

impl FromIterator<(ContentHash, Content)> for Data {
    fn from_iter<T: IntoIterator<Item = (ContentHash, Content)>>(contents: T) -> Self {
        Self(Arc::new(contents.into_iter().collect()))
    }
}
