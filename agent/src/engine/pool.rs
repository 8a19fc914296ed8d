//! Idle connections.

use super::transport::Connection;

/// Idle connections by origin, the last one used first, so that few stay warm rather than many lukewarm.
///
/// It holds no more connections than there are users, since a user returns at most the one it took.
#[derive(Default)]
pub(super) struct Pool {
    /// The last one that was given back, at hand for whoever goes on with it: most users talk to one origin.
    last: Option<(usize, Connection)>,
    /// All others, by origin.
    idle: Vec<Vec<Connection>>,
}

impl Pool {
    /// An idle connection to this origin that its peer has not closed as far as is known.
    pub(super) fn take(&mut self, origin: usize) -> Option<Connection> {
        if let Some((_, mut connection)) = self.last.take_if(|(to, _)| *to == origin)
            && !connection.is_stale()
        {
            return Some(connection);
        }
        let idle = self.idle.get_mut(origin)?;
        while let Some(mut connection) = idle.pop() {
            if !connection.is_stale() {
                return Some(connection);
            }
        }
        None
    }

    /// Keeps a connection for the next request to this origin.
    pub(super) fn give(&mut self, origin: usize, connection: Connection) {
        let Some((origin, connection)) = self.last.replace((origin, connection)) else { return };
        if self.idle.len() <= origin {
            self.idle.resize_with(origin + 1, Vec::new);
        }
        self.idle[origin].push(connection);
    }
}
