//! Idle connections.

use super::transport::Connection;

/// Idle connections by origin, the last one used first, so that few stay warm rather than many lukewarm.
///
/// It holds no more connections than there are users, since a user returns at most the one it took.
#[derive(Default)]
pub(super) struct Pool(Vec<Vec<Connection>>);

impl Pool {
    /// An idle connection to this origin that its peer has not closed as far as is known.
    pub(super) fn take(&mut self, origin: usize) -> Option<Connection> {
        let idle = self.0.get_mut(origin)?;
        while let Some(mut connection) = idle.pop() {
            if !connection.is_stale() {
                return Some(connection);
            }
        }
        None
    }

    /// Keeps a connection for the next request to this origin.
    pub(super) fn give(&mut self, origin: usize, connection: Connection) {
        if self.0.len() <= origin {
            self.0.resize_with(origin + 1, Vec::new);
        }
        self.0[origin].push(connection);
    }
}
