//! How a run's user gives orders while it goes on: at a socket in its folder, or where agents join if that is wanted.

mod caller;
mod convert;

use std::collections::HashMap;
use std::io;

pub use caller::{ControlError, give};
pub(crate) use convert::{order_from_wire, order_to_wire};
use muster_proto::id::RunId;
use muster_proto::wire::control_server::{Control, ControlServer};
use muster_proto::wire::{self, order_reply};
use tokio::net::UnixListener;
use tokio::sync::{mpsc, oneshot};
use tokio_stream::wrappers::UnixListenerStream;
use tonic::{Request, Response, Status};

use crate::run::order::{Done, Order, Ticket};

/// Orders waiting for the run. Whoever gives another waits for room.
const ORDERS_MAX: usize = 64;
/// The largest order, in bytes.
const ORDER_BYTES_MAX: usize = 64 << 10;
/// The most orders that somebody gives at the same time over one connection.
const STREAMS_MAX: u32 = 64;

type Outcome = Result<Done, String>;
type Asked = (Order, oneshot::Sender<Outcome>);

/// Where orders are given: any number of these lead to one desk.
#[derive(Clone)]
pub struct Counter(mpsc::Sender<Asked>);

/// Where orders come in, and answers go out, of whoever conducts the run.
pub struct Desk {
    orders: mpsc::Receiver<Asked>,
    /// Who waits for an answer; as many as fit into the queue and what the run is told of at once.
    waiting: HashMap<Ticket, oneshot::Sender<Outcome>>,
    next: u64,
}

/// A way for orders, with both of its ends.
#[must_use]
pub fn desk() -> (Counter, Desk) {
    let (sender, orders) = mpsc::channel(ORDERS_MAX);
    (Counter(sender), Desk { orders, waiting: HashMap::new(), next: 0 })
}

impl Default for Desk {
    /// A desk that no order ever comes to.
    fn default() -> Self {
        desk().1
    }
}

impl Desk {
    /// The next order. `None` once nobody can give any more. May be given up and called again.
    pub async fn next(&mut self) -> Option<(Ticket, Order)> {
        let (order, answer) = self.orders.recv().await?;
        let ticket = Ticket(self.next);
        self.next += 1;
        self.waiting.insert(ticket, answer);
        Some((ticket, order))
    }

    /// Says what became of an order, to whoever still waits for that.
    pub fn answer(&mut self, ticket: Ticket, outcome: Outcome) {
        if let Some(waiting) = self.waiting.remove(&ticket) {
            let _ = waiting.send(outcome);
        }
    }
}

impl Counter {
    /// Gives an order, and waits for what becomes of it.
    ///
    /// # Errors
    /// Why nothing is done.
    pub async fn give(&self, order: Order) -> Outcome {
        let (answer, outcome) = oneshot::channel();
        let over = |_| "the run has ended".to_owned();
        self.0.send((order, answer)).await.map_err(|_| over(()))?;
        outcome.await.map_err(|_| over(()))?
    }
}

struct ControlService {
    run: RunId,
    counter: Counter,
}

#[tonic::async_trait]
impl Control for ControlService {
    async fn give(&self, request: Request<wire::OrderRequest>) -> Result<Response<wire::OrderReply>, Status> {
        let wire::OrderRequest { run, order } = request.into_inner();
        let id = self.run.to_string();
        if !id.starts_with(&run) && !id.replace('-', "").starts_with(&run) {
            return Err(Status::not_found(format!("the run here is {id}")));
        }
        let order = order.ok_or_else(|| Status::invalid_argument("an order to do nothing"))?;
        let order = order_from_wire(order).map_err(Status::invalid_argument)?;
        let outcome = match self.counter.give(order).await {
            Ok(Done { at_ns, text }) => order_reply::Outcome::Obeyed(wire::Obeyed { at_ns, text }),
            Err(refusal) => order_reply::Outcome::Refusal(refusal),
        };
        Ok(Response::new(wire::OrderReply { run: id, outcome: Some(outcome) }))
    }
}

/// What takes orders for a run, for a server.
pub(super) fn control_server(run: RunId, counter: Counter) -> ControlServer<impl Control> {
    ControlServer::new(ControlService { run, counter }).max_decoding_message_size(ORDER_BYTES_MAX)
}

/// Takes orders for a run at a socket, for ever.
///
/// # Errors
/// When the socket fails.
pub async fn serve_control(listener: UnixListener, run: RunId, counter: Counter) -> io::Result<()> {
    let mut server = tonic::transport::Server::builder().max_concurrent_streams(STREAMS_MAX);
    let router = server.add_service(control_server(run, counter));
    router.serve_with_incoming(UnixListenerStream::new(listener)).await.map_err(io::Error::other)
}
