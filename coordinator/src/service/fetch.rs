//! Gives agents the rows of the run's feeders, piece by piece, and nothing else.

use muster_proto::convert::{Wanted, wanted_from_wire};
use muster_proto::wire;
use tonic::Status;

use crate::data::Data;

/// A piece that is asked for. Waits for the disk apart from everything else.
pub(super) async fn fetch(data: &Data, wanted: &wire::Wanted) -> Result<wire::Piece, Status> {
    let wanted = wanted_from_wire(wanted).map_err(|error| Status::invalid_argument(error.to_string()))?;
    let Wanted { hash, offset, bytes } = wanted;
    let data = data.clone();
    let piece = tokio::task::spawn_blocking(move || data.piece(hash, offset, bytes)).await;
    match piece.map_err(|error| Status::internal(error.to_string()))? {
        Some(Ok(content)) => Ok(wire::Piece { content }),
        Some(Err(error)) => Err(Status::internal(format!("the coordinator cannot read them: {error}"))),
        None => Err(Status::not_found(format!("the coordinator has no rows with SHA-256 {hash} for this run"))),
    }
}
