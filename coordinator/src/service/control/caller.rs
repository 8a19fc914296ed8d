//! Whoever gives an order, on the other side of the socket.

use std::time::Duration;

use muster_proto::wire::control_client::ControlClient;
use muster_proto::wire::{OrderRequest, order_reply};
use tonic::Code;
use tonic::transport::Endpoint;

use super::order_to_wire;
use crate::run::order::{Done, Order};

/// How long connecting may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// How long an answer may take.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(10);

/// Why an order was not carried out.
#[derive(Debug, thiserror::Error)]
pub enum ControlError {
    /// There is nobody to give it to.
    #[error("nobody takes orders at {at}: {reason}")]
    Unreachable {
        /// Where somebody was looked for.
        at: String,
        /// What happened instead.
        reason: String,
    },
    /// The run does not do it, or is another.
    #[error("{0}")]
    Refused(String),
}

/// Gives an order to the run whose identity begins so, at the address of its coordinator: `http://HOST:PORT`, or `unix:` and
/// the path of a socket. Returns which run it was, and what became of the order.
///
/// # Errors
/// [`ControlError`] says why nothing became of it.
pub async fn give(at: &str, run: &str, order: &Order) -> Result<(String, Done), ControlError> {
    let unreachable = |reason: String| ControlError::Unreachable { at: at.to_owned(), reason };
    let endpoint = Endpoint::from_shared(at.to_owned()).map_err(|error| unreachable(error.to_string()))?;
    let endpoint = endpoint.connect_timeout(CONNECT_TIMEOUT).timeout(ANSWER_TIMEOUT);
    let channel = endpoint.connect().await.map_err(|error| unreachable(innermost(&error)))?;
    let request = OrderRequest { run: run.to_owned(), order: Some(order_to_wire(order)) };
    let reply = ControlClient::new(channel).give(request).await.map_err(|status| match status.code() {
        Code::NotFound | Code::InvalidArgument => ControlError::Refused(status.message().to_owned()),
        Code::Unimplemented => unreachable("it takes no orders there; start it with --remote-control".to_owned()),
        _ => unreachable(status.message().to_owned()),
    })?;
    let reply = reply.into_inner();
    match reply.outcome {
        Some(order_reply::Outcome::Obeyed(obeyed)) => Ok((reply.run, Done { at_ns: obeyed.at_ns, text: obeyed.text })),
        Some(order_reply::Outcome::Refusal(refusal)) => Err(ControlError::Refused(refusal)),
        None => Err(unreachable("an answer without any word".to_owned())),
    }
}

/// The innermost cause of an error, which says what really happened.
fn innermost(error: &dyn std::error::Error) -> String {
    let mut error = error;
    while let Some(source) = error.source() {
        error = source;
    }
    error.to_string()
}
