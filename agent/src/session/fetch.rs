//! Asks a coordinator for rows of data, beside the stream.

use std::time::Duration;

use bytes::Bytes;
use muster_proto::convert::{Wanted, wanted_to_wire};
use muster_proto::plan::{PIECE_BYTES_MAX, RowsId};
use muster_proto::wire::cluster_client::ClusterClient;
use tokio::time::Instant;
use tonic::Request;
use tonic::transport::Channel;

use crate::cache::Pieces;

/// The shortest piece that is asked for, and the first, while nothing is known of the way.
const PIECE_BYTES_MIN: u32 = 4 << 10;
/// Pieces that come sooner than this may be longer, and those that take longer than that must be shorter: nothing that
/// keeps the lease may wait behind one for long.
const PIECE_TIME: (Duration, Duration) = (Duration::from_millis(50), Duration::from_millis(200));

/// Asks for one piece after the other.
pub(super) struct Fetcher {
    client: ClusterClient<Channel>,
    pace: Pace,
}

impl Fetcher {
    pub(super) fn new(client: ClusterClient<Channel>) -> Self {
        Self { client, pace: Pace(PIECE_BYTES_MIN) }
    }
}

impl Pieces for Fetcher {
    async fn piece(&mut self, rows: RowsId, offset: u64) -> Result<Bytes, String> {
        let left = u32::try_from(rows.bytes.saturating_sub(offset)).unwrap_or(u32::MAX);
        let wanted = Wanted { hash: rows.hash, offset, bytes: self.pace.0.min(left) };
        let asked = Instant::now();
        let piece = self.client.fetch(Request::new(wanted_to_wire(&wanted))).await;
        let content = piece.map_err(|status| status.message().to_owned())?.into_inner().content;
        self.pace.took(asked.elapsed());
        if content.len() > wanted.bytes as usize {
            return Err(format!("{} bytes came where {} were asked for", content.len(), wanted.bytes));
        }
        Ok(content)
    }
}

/// How long a piece may be, in bytes, so that it takes neither too long nor too many of them.
struct Pace(u32);

impl Pace {
    /// A piece took so long.
    fn took(&mut self, time: Duration) {
        if time < PIECE_TIME.0 {
            self.0 = (self.0 * 2).min(PIECE_BYTES_MAX);
        } else if time > PIECE_TIME.1 {
            self.0 = (self.0 / 2).max(PIECE_BYTES_MIN);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_get_longer_on_a_fast_way_and_shorter_on_a_slow_one() {
        let after = |took_ms: &[u64]| {
            let mut pace = Pace(PIECE_BYTES_MIN);
            took_ms.iter().for_each(|ms| pace.took(Duration::from_millis(*ms)));
            pace.0
        };
        assert_eq!(after(&[1]), 8 << 10);
        assert_eq!(after(&[1; 9]), PIECE_BYTES_MAX);
        assert_eq!(after(&[1, 1, 100, 100]), 16 << 10);
        assert_eq!(after(&[1, 1, 1_000]), 8 << 10);
        assert_eq!(after(&[1, 1_000, 1_000, 1_000]), PIECE_BYTES_MIN);
    }
}
