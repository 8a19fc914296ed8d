//! The gRPC shell: streams become events, commands become messages. It decides nothing.

mod connection;
mod control;
mod fetch;

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

pub use connection::Connection;
use connection::Shears;
use control::control_server;
pub use control::{ControlError, Counter, Desk, desk, give, serve_control};
pub(crate) use control::{order_from_wire, order_to_wire};
use muster_agent::planted::planted;
use muster_proto::convert::{
    AssignmentMessage, allotments_to_wire, assignment_to_wire, change_to_wire, closing_from_wire, delta_from_wire,
    perform_to_wire, performed_from_wire, wanting_from_wire,
};
use muster_proto::id::{Incarnation, RunId};
use muster_proto::measurement::Shape;
use muster_proto::plan::Plan;
use muster_proto::wire::cluster_server::{Cluster, ClusterServer};
use muster_proto::wire::{self, from_agent, from_coordinator};
use muster_proto::{BUILD_VERSION, PROTOCOL_VERSION};
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{Notify, mpsc};
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Response, Status, Streaming};
use uuid::Uuid;

use crate::data::Data;
use crate::journal::Happened;
use crate::run::event::{ClockReading, Command, Event, Link, Manner, Newcomer, Pulse};
use crate::run::life::Run;

/// Events waiting for the run. When it is behind, streams are read no further, and agents keep their deltas.
const EVENTS_MAX: usize = 1_024;
/// Messages waiting to be written to one agent. One that reads none of them is cut off.
const OUTGOING_MAX: usize = 256;
/// How long an agent may take to say who it is.
const HELLO_TIMEOUT: Duration = Duration::from_secs(10);
/// The largest message from an agent: one delta.
const MESSAGE_BYTES_MAX: usize = 4 << 20;
/// How much may be on its way unread on one stream.
const STREAM_WINDOW_BYTES: u32 = 4 << 20;
/// The most streams of one connection; an agent needs one, and another while it fetches data.
const STREAMS_MAX: u32 = 8;
/// The longest name or label of an agent, in bytes.
const NAME_BYTES_MAX: usize = 256;
/// The longest reason that an agent gives, in characters; the rest is left out.
const REASON_CHARS_MAX: usize = 1_000;
/// The most workers of an agent whose progress is looked at.
const WORKERS_MAX: usize = 1_024;
/// The most labels of an agent.
const LABELS_MAX: usize = 64;

type Outgoing = Result<wire::FromCoordinator, Status>;

/// The way to one agent.
struct Line {
    outgoing: mpsc::Sender<Outgoing>,
    /// Told when the agent reads nothing, so that nobody listens to it any longer either.
    cut_off: Arc<Notify>,
}

/// What the service and whoever carries out commands have in common.
struct Shared {
    run_id: RunId,
    plan: Plan,
    data: Data,
    shape: Shape,
    lease_ns: u64,
    epoch: u64,
    /// The run's clock, in nanoseconds.
    clock: Box<dyn Fn() -> u64 + Send + Sync>,
    links: Mutex<HashMap<Link, Line>>,
    next_link: AtomicU64,
    happenings: mpsc::Sender<Happened>,
}

/// The side on which agents call.
#[derive(Clone)]
struct ClusterService(Arc<Shared>);

/// The side on which the run's commands are carried out.
pub struct Switchboard(Arc<Shared>);

/// Something that agents of a run can call, and whoever gives orders if there is a counter for them, with the other two ends
/// of it. `data` is what agents may fetch, `clock` the run's, in nanoseconds.
pub fn service(
    run: &Run,
    data: Data,
    orders: Option<Counter>,
    clock: impl Fn() -> u64 + Send + Sync + 'static,
) -> (tonic::transport::server::Router, Switchboard, mpsc::Receiver<Happened>) {
    let (happenings, receiver) = mpsc::channel(EVENTS_MAX);
    let shared = Arc::new(Shared {
        run_id: run.id(),
        shape: Shape::of(run.plan()),
        plan: run.plan().clone(),
        data,
        lease_ns: run.lease_ns(),
        epoch: run.epoch(),
        clock: Box::new(clock),
        links: Mutex::default(),
        next_link: AtomicU64::new(run.next_link()),
        happenings,
    });
    let server = ClusterServer::new(ClusterService(Arc::clone(&shared))).max_decoding_message_size(MESSAGE_BYTES_MAX);
    let router = tonic::transport::Server::builder()
        .tcp_nodelay(true)
        .initial_stream_window_size(STREAM_WINDOW_BYTES)
        .initial_connection_window_size(STREAM_WINDOW_BYTES)
        .max_concurrent_streams(STREAMS_MAX)
        .add_service(server)
        .add_optional_service(orders.map(|counter| control_server(run.id(), counter)));
    (router, Switchboard(shared), receiver)
}

#[tonic::async_trait]
impl Cluster for ClusterService {
    type JoinStream = ReceiverStream<Outgoing>;

    async fn join(&self, request: Request<Streaming<wire::FromAgent>>) -> Result<Response<Self::JoinStream>, Status> {
        let shears = request.extensions().get::<Shears>().cloned().unwrap_or_default();
        let mut incoming = request.into_inner();
        let first = tokio::time::timeout(HELLO_TIMEOUT, incoming.message()).await;
        let first = first.map_err(|_| Status::deadline_exceeded("no hello in time"))??;
        let hello = first.filter(|message| matches!(message.message, Some(from_agent::Message::Hello(_))));
        let hello = hello.ok_or_else(|| Status::invalid_argument("the first message must be a hello"))?;
        let link = Link(self.0.next_link.fetch_add(1, Ordering::Relaxed));
        let joined = Happened::said(link, hello, self.0.shape).map_err(Status::invalid_argument)?;
        let (outgoing, outgoing_receiver) = mpsc::channel(OUTGOING_MAX);
        let cut_off = Arc::new(Notify::new());
        lock(&self.0.links).insert(link, Line { outgoing, cut_off: Arc::clone(&cut_off) });
        tokio::spawn(listen(Arc::clone(&self.0), link, joined, incoming, (cut_off, shears)));
        Ok(Response::new(ReceiverStream::new(outgoing_receiver)))
    }

    async fn fetch(&self, request: Request<wire::Wanted>) -> Result<Response<wire::Piece>, Status> {
        fetch::fetch(&self.0.data, request.get_ref()).await.map(Response::new)
    }
}

/// Turns everything an agent says into events, until its stream ends or it is cut off.
async fn listen(
    shared: Arc<Shared>,
    link: Link,
    joined: Happened,
    mut incoming: Streaming<wire::FromAgent>,
    (cut_off, shears): (Arc<Notify>, Shears),
) {
    let mut delivered = shared.happenings.send(joined).await.is_ok();
    let last = loop {
        if !delivered {
            break Happened::gone(link, "the run is over".to_owned());
        }
        let received = tokio::select! {
            biased;
            () = cut_off.notified() => {
                // What waits for a reader who never comes would keep the stream for ever.
                shears.cut();
                break Happened::expelled(link, format!("it left {OUTGOING_MAX} messages unread"));
            }
            received = incoming.message() => received,
        };
        let happened = match received {
            // Whoever was turned away or released has nothing more to say that others should wait for.
            Ok(Some(_)) if !shared.is_linked(link) => continue,
            Ok(Some(message)) => match shared.hear(link, message) {
                Ok(happened) => happened,
                Err(reason) => {
                    shared.send(link, from_coordinator::Message::Refusal(wire::Refusal { reason: reason.clone() }));
                    break Happened::expelled(link, reason);
                }
            },
            Ok(None) => break Happened::gone(link, "it closed its stream".to_owned()),
            Err(status) => break Happened::gone(link, format!("its stream broke: {}", status.message())),
        };
        delivered = shared.happenings.send(happened).await.is_ok();
    };
    lock(&shared.links).remove(&link);
    let _ = shared.happenings.send(last).await;
}

impl Shared {
    /// Takes what an agent says, and answers at once what wants no decision.
    fn hear(&self, link: Link, message: wire::FromAgent) -> Result<Happened, String> {
        match &message.message {
            Some(from_agent::Message::Hello(_)) => return Err("it said hello twice".to_owned()),
            Some(from_agent::Message::Probe(probe)) => {
                let reply = wire::ProbeReply { sent_at_ns: probe.sent_at_ns, coordinator_ns: (self.clock)() };
                self.send(link, from_coordinator::Message::ProbeReply(reply));
                if planted("renewed-without-the-run") {
                    let renewal = wire::Renewal { sent_at_ns: probe.sent_at_ns };
                    self.send(link, from_coordinator::Message::Renewal(renewal));
                }
            }
            _ => {}
        }
        Happened::said(link, message, self.shape)
    }

    fn is_linked(&self, link: Link) -> bool {
        lock(&self.links).contains_key(&link)
    }

    /// Sends without waiting. An agent that has left so many messages unread is cut off, which the run will hear of.
    fn send(&self, link: Link, content: from_coordinator::Message) {
        let mut links = lock(&self.links);
        let Some(line) = links.get(&link) else { return };
        if let Err(TrySendError::Full(_)) = line.outgoing.try_send(Ok(wire::FromCoordinator { message: Some(content) }))
        {
            line.cut_off.notify_one();
            links.remove(&link);
        }
    }
}

impl Switchboard {
    /// Carries a command out that is meant for an agent.
    pub fn carry_out(&self, command: Command) {
        use from_coordinator::Message;
        let shared = &self.0;
        match command {
            Command::Welcome { link, agent, applied_seq, changes } => {
                let (build_version, lease_ns, epoch) = (BUILD_VERSION.to_owned(), shared.lease_ns, shared.epoch);
                let changes = changes.iter().map(change_to_wire).collect();
                let welcome = wire::Welcome { build_version, agent, lease_ns, applied_seq, changes, epoch };
                shared.send(link, Message::Welcome(welcome));
            }
            Command::Renew(link, sent_at_ns) => shared.send(link, Message::Renewal(wire::Renewal { sent_at_ns })),
            Command::Change(link, change) => shared.send(link, Message::Change(change_to_wire(&change))),
            Command::Refuse(link, reason) => {
                shared.send(link, Message::Refusal(wire::Refusal { reason }));
                lock(&shared.links).remove(&link);
            }
            Command::Perform(link, plan) => shared.send(link, Message::Perform(perform_to_wire(&plan))),
            Command::Assign { link, shares, amendments, found } => {
                let (run_id, plan) = (shared.run_id, shared.plan.clone());
                let assignment = AssignmentMessage { run_id, plan, shares, amendments, found };
                shared.send(link, Message::Assign(assignment_to_wire(&assignment)));
            }
            Command::Allot(link, allotted) => {
                shared.send(link, Message::Allotments(allotments_to_wire(&allotted)));
            }
            Command::Start(link, at_ns) => shared.send(link, Message::Start(wire::Start { at_ns })),
            Command::Ack(link, seq) => shared.send(link, Message::Ack(wire::Ack { seq })),
            Command::Stop(link, manner) => {
                let manner = match manner {
                    Manner::Drain => wire::stop::Manner::Drain,
                    Manner::Abort => wire::stop::Manner::Abort,
                };
                shared.send(link, Message::Stop(wire::Stop { manner: manner as i32 }));
            }
            Command::Release(link) => {
                shared.send(link, Message::Release(wire::Release {}));
                lock(&shared.links).remove(&link);
            }
            Command::HangUp(link) => {
                lock(&shared.links).remove(&link);
            }
            Command::Tell(_) | Command::Answer(..) => {}
        }
    }
}

/// What an agent says, as an event; the same now and whenever the run is told again.
pub(crate) fn event_of(link: Link, message: &wire::FromAgent, shape: Shape) -> Result<Event, String> {
    use from_agent::Message;
    Ok(match message.message.as_ref().ok_or("it sent an empty or unknown message")? {
        Message::Hello(hello) => Event::Joined(link, newcomer(hello.clone())?),
        Message::Probe(probe) => {
            let progress = probe.progress.iter().take(WORKERS_MAX).copied().collect();
            Event::Heard(link, Pulse { sent_at_ns: probe.sent_at_ns, progress })
        }
        Message::Ready(ready) => Event::Ready(
            link,
            ClockReading {
                offset_ns: ready.clock_offset_ns,
                uncertainty_ns: ready.clock_uncertainty_ns,
                round_trip_ns: ready.round_trip_ns,
            },
        ),
        Message::Unable(unable) => {
            let reason = unable.reason.chars().take(REASON_CHARS_MAX).collect();
            Event::Unable { link, reason, by_policy: unable.by_policy }
        }
        Message::Changed(changed) => {
            let refusal = Some(&changed.refusal).filter(|refusal| !refusal.is_empty());
            let refusal = refusal.map(|refusal| refusal.chars().take(REASON_CHARS_MAX).collect());
            Event::Changed { link, number: changed.number, at_ns: changed.at_ns, refusal }
        }
        Message::Delta(delta) => {
            let delta = delta_from_wire(delta, shape);
            Event::Delta(link, Box::new(delta.map_err(|error| format!("its delta was refused: {error}"))?))
        }
        Message::Wanting(wanting) => {
            let wanting = wanting_from_wire(wanting, shape.scenarios);
            Event::Wanting(link, wanting.map_err(|error| format!("it wants what it cannot have: {error}"))?)
        }
        Message::Performed(performed) => {
            let performed = performed_from_wire(performed.clone());
            Event::Performed(link, performed.map_err(|error| format!("it performed what cannot be: {error}"))?)
        }
        Message::Enough(_) => Event::Enough(link),
        Message::Leaving(_) => Event::Leaving(link),
        Message::Closing(closing) => {
            let (totals, start_error_ns) = closing_from_wire(closing);
            Event::Closing { link, totals, start_error_ns }
        }
    })
}

fn newcomer(hello: wire::Hello) -> Result<Newcomer, String> {
    let labels_fit = hello.labels.iter().all(|(name, value)| name.len().max(value.len()) <= NAME_BYTES_MAX);
    if hello.name.len() > NAME_BYTES_MAX || hello.labels.len() > LABELS_MAX || !labels_fit {
        return Err(format!("names and labels: at most {LABELS_MAX} labels of {NAME_BYTES_MAX} bytes"));
    }
    let run = match hello.run_id.as_ref() {
        [] => None,
        bytes => Some(RunId(Uuid::from_slice(bytes).map_err(|_| "a run's id has 16 bytes".to_owned())?)),
    };
    // Another version's hello may lack what this one needs, and must still get as far as a refusal in words.
    let known = hello.protocol_version == PROTOCOL_VERSION;
    Ok(Newcomer {
        protocol_version: hello.protocol_version,
        build_version: hello.build_version.chars().take(NAME_BYTES_MAX).collect(),
        name: hello.name,
        incarnation: Incarnation(hello.incarnation),
        run,
        has_ended: hello.has_ended,
        labels: hello.labels.into_iter().collect(),
        cores: hello.cores,
        workers: if known { hello.workers } else { 1 },
        weight: if known { hello.weight } else { 1 },
    })
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
