//! An agent that generates nothing: it speaks the protocol, with deltas that were encoded beforehand.

use std::cell::{Cell, OnceCell, RefCell};
use std::collections::VecDeque;
use std::rc::Rc;
use std::time::Duration;

use bytes::{BufMut, Bytes};
use muster_agent::engine::clock;
use muster_proto::convert::{closing_to_wire, delta_to_wire};
use muster_proto::measurement::{Totals, WINDOW_NS};
use muster_proto::plan::Plan;
use muster_proto::wire::{Delta, FromAgent, FromCoordinator, Hello, Probe, Ready, from_agent, from_coordinator};
use muster_proto::{BUILD_VERSION, PROTOCOL_VERSION};
use prost::Message;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::codec::{Codec, EncodeBuf, Encoder};
use tonic::transport::Endpoint;
use tonic::{Request, Status};
use tonic_prost::ProstCodec;

use crate::made::{Values, delta};

/// How many different deltas there are.
const DIFFERENT: usize = 16;
/// As many as a real agent lets wait for their acknowledgement.
const UNACKNOWLEDGED_MAX: usize = 16;
/// How often a real agent probes under a lease of a second.
const PROBE_PERIOD: Duration = Duration::from_millis(200);
/// More than is ever said between two turns of the coordinator.
const OUTGOING_MAX: usize = 64;

/// What agents have measured, all of them alike.
pub(crate) struct Measured {
    /// Deltas that lack their numbers.
    deltas: Vec<Delta>,
    /// What each of them adds to the books.
    of_one: Totals,
    /// When the run starts, once that is known.
    pub(crate) started_ns: OnceCell<u64>,
    /// How many deltas of all agents are acknowledged.
    pub(crate) acknowledged: Cell<u64>,
    /// How long each acknowledgement took, in milliseconds.
    pub(crate) ack_ms: RefCell<Vec<f64>>,
}

impl Measured {
    /// Deltas of windows in which there are so many requests of each series.
    pub(crate) fn of(plan: &Plan, requests: u64) -> Self {
        let mut values = Values(1);
        let deltas: Vec<_> = (0..DIFFERENT).map(|_| delta(plan, 0, requests, &mut values)).collect();
        let of_one = &deltas[0].measurement;
        let of_one = Totals {
            due: of_one.scenarios.iter().map(|stats| stats.due).sum(),
            started: of_one.scenarios.iter().map(|stats| stats.started).sum(),
            completed: of_one.scenarios.iter().map(|stats| stats.completed).sum(),
            sent: of_one.series.iter().map(|stats| stats.sent).sum(),
            outcomes: of_one.series.iter().map(|stats| stats.expected).sum(),
            ..Totals::default()
        };
        Self {
            deltas: deltas.iter().map(delta_to_wire).collect(),
            of_one,
            started_ns: OnceCell::new(),
            acknowledged: Cell::new(0),
            ack_ms: RefCell::default(),
        }
    }

    /// The delta of a window.
    fn delta(&self, agent: u64, window: u32) -> Bytes {
        let like = self.deltas[(agent as usize + window as usize) % DIFFERENT].clone();
        let (seq, first_window, last_window) = (u64::from(window) + 1, window, window);
        encoded(from_agent::Message::Delta(Delta { seq, first_window, last_window, ..like }))
    }

    /// The books of an agent after so many windows.
    fn closing(&self, windows: u32) -> Bytes {
        let (of_one, n) = (&self.of_one, u64::from(windows));
        let totals = Totals {
            last_seq: n,
            due: of_one.due * n,
            started: of_one.started * n,
            completed: of_one.completed * n,
            sent: of_one.sent * n,
            outcomes: of_one.outcomes * n,
            ..Totals::default()
        };
        encoded(from_agent::Message::Closing(closing_to_wire(&totals, Some(0))))
    }
}

/// Takes part in a run of so many windows until it is released.
pub(crate) async fn take_part(number: u64, address: String, measured: Rc<Measured>, windows: u32) {
    let (outgoing, receiver) = mpsc::channel(OUTGOING_MAX);
    let say = |message: Bytes| outgoing.try_send(message).expect("the coordinator reads");
    say(encoded(hello(number)));
    let endpoint = Endpoint::from_shared(format!("http://{address}")).expect("an address").tcp_nodelay(true);
    let channel = endpoint.connect().await.expect("a coordinator");
    let mut client = tonic::client::Grpc::new(channel);
    client.ready().await.expect("a connection");
    let path = "/muster.v1.Cluster/Join".parse().expect("a path");
    let response = client.streaming(Request::new(ReceiverStream::new(receiver)), path, Encoded).await;
    let mut incoming = response.expect("a stream").into_inner();
    let (mut next, mut unacknowledged) = (0, VecDeque::<(u32, u64)>::new());
    let mut probe = tokio::time::interval(PROBE_PERIOD);
    let mut start_ns = None;
    loop {
        let due_ns = start_ns.map(|start_ns: u64| start_ns + u64::from(next + 1) * WINDOW_NS);
        tokio::select! {
            biased;
            _ = probe.tick() => say(encoded(pulse())),
            () = clock::sleep_until(due_ns.unwrap_or_default()),
                if due_ns.is_some() && next < windows && unacknowledged.len() < UNACKNOWLEDGED_MAX =>
            {
                say(measured.delta(number, next));
                unacknowledged.push_back((next, clock::now_ns()));
                next += 1;
                if next == windows {
                    say(measured.closing(windows));
                }
            }
            message = incoming.message() => match message.expect("a message").and_then(|message| message.message) {
                Some(from_coordinator::Message::Assign(_)) => say(encoded(from_agent::Message::Ready(Ready::default()))),
                Some(from_coordinator::Message::Start(start)) => {
                    start_ns = Some(start.at_ns);
                    measured.started_ns.get_or_init(|| start.at_ns);
                }
                Some(from_coordinator::Message::Ack(ack)) => {
                    let is_told = |(window, _): &mut (u32, u64)| u64::from(*window) < ack.seq;
                    while let Some((_, sent_ns)) = unacknowledged.pop_front_if(is_told) {
                        measured.acknowledged.set(measured.acknowledged.get() + 1);
                        measured.ack_ms.borrow_mut().push((clock::now_ns() - sent_ns) as f64 / 1e6);
                    }
                }
                Some(from_coordinator::Message::Refusal(refusal)) => panic!("refused: {}", refusal.reason),
                Some(from_coordinator::Message::Release(_)) => return,
                Some(_) => {}
                None => panic!("the coordinator closed the stream"),
            },
        }
    }
}

fn hello(number: u64) -> from_agent::Message {
    from_agent::Message::Hello(Hello {
        protocol_version: PROTOCOL_VERSION,
        build_version: BUILD_VERSION.to_owned(),
        name: format!("agent-{number}"),
        incarnation: number,
        cores: 1,
        workers: 1,
        weight: 1,
        ..Hello::default()
    })
}

/// A sign of life, and of work.
fn pulse() -> from_agent::Message {
    let now_ns = clock::now_ns();
    from_agent::Message::Probe(Probe { sent_at_ns: now_ns, progress: vec![now_ns] })
}

fn encoded(message: from_agent::Message) -> Bytes {
    FromAgent { message: Some(message) }.encode_to_vec().into()
}

/// Sends what is encoded already.
#[derive(Clone, Copy, Default)]
struct Encoded;

impl Codec for Encoded {
    type Encode = Bytes;
    type Decode = FromCoordinator;
    type Encoder = Self;
    type Decoder = <ProstCodec<FromAgent, FromCoordinator> as Codec>::Decoder;

    fn encoder(&mut self) -> Self {
        *self
    }

    fn decoder(&mut self) -> Self::Decoder {
        ProstCodec::<FromAgent, FromCoordinator>::default().decoder()
    }
}

impl Encoder for Encoded {
    type Item = Bytes;
    type Error = Status;

    fn encode(&mut self, message: Bytes, buffer: &mut EncodeBuf<'_>) -> Result<(), Status> {
        buffer.put(message);
        Ok(())
    }
}
