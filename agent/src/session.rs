//! An agent's conversation with its coordinator: join, obey, report, join again. The only file here that knows gRPC.

use std::collections::BTreeMap;
use std::time::Duration;

use muster_proto::convert::{assignment_from_wire, closing_to_wire, delta_to_wire};
use muster_proto::id::Incarnation;
use muster_proto::wire::cluster_client::ClusterClient;
use muster_proto::wire::{self, from_agent, from_coordinator};
use muster_proto::{BUILD_VERSION, PROTOCOL_VERSION};
use tokio::sync::mpsc;
use tokio::task::{JoinError, JoinHandle};
use tokio_stream::wrappers::ReceiverStream;
use tonic::Streaming;
use tonic::codec::CompressionEncoding;
use tonic::transport::{Channel, Endpoint};

use crate::clock_offset::ClockOffset;
use crate::duty::{Duty, DutyError, News};
use crate::engine::clock;
use crate::engine::start::EngineConfig;

/// How many probes the clocks are compared with before anything else is done.
const PROBES_AT_FIRST: usize = 32;
/// How often the clocks are compared later, which also shows either side that the other lives.
const PROBE_PERIOD: Duration = Duration::from_millis(500);
/// Messages waiting to be written to the stream. Deltas are bounded by the outbox; the rest is small and rare.
const OUTGOING_MAX: usize = 64;
/// How long the coordinator may take to answer the first message.
const WELCOME_TIMEOUT: Duration = Duration::from_secs(10);
/// How long connecting may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// The largest message from the coordinator: a plan and its shares.
const MESSAGE_BYTES_MAX: usize = 16 << 20;
/// How much may be on its way unread, so that a long round trip does not throttle the stream.
const STREAM_WINDOW_BYTES: u32 = 4 << 20;

/// Who this agent is and what it may do.
#[derive(Clone, Debug)]
pub struct AgentConfig {
    /// Its name in reports.
    pub name: String,
    /// Labels for placement and reports.
    pub labels: BTreeMap<String, String>,
    /// Its part of the load, relative to the other agents'.
    pub weight: u32,
    /// Usable cores.
    pub cores: u32,
    /// How it generates load.
    pub engine: EngineConfig,
}

/// Why a session ended other than by its coordinator's release.
#[derive(Debug, thiserror::Error)]
pub enum SessionError {
    /// There is nobody at that address.
    #[error("cannot reach the coordinator at {address}: {reason}")]
    Unreachable {
        /// Where.
        address: String,
        /// What the system said.
        reason: String,
    },
    /// The coordinator does not want this agent.
    #[error("the coordinator at {address} refused this agent: {reason}")]
    Refused {
        /// Where.
        address: String,
        /// What it said.
        reason: String,
    },
    /// The stream broke, or the coordinator fell silent.
    #[error("lost the coordinator at {address}: {reason}")]
    Lost {
        /// Where.
        address: String,
        /// What happened.
        reason: String,
    },
    /// The coordinator does not keep to the protocol.
    #[error("the coordinator at {address} broke the protocol: {reason}")]
    Protocol {
        /// Where.
        address: String,
        /// What it did.
        reason: String,
    },
}

/// Takes part in one run of the coordinator at `address` (`host:port`): until it releases the agent.
///
/// # Errors
/// [`SessionError`] says what ended it instead; the load has stopped then.
pub async fn take_part(address: &str, config: &AgentConfig, incarnation: Incarnation) -> Result<(), SessionError> {
    let unreachable = |reason: String| SessionError::Unreachable { address: address.to_owned(), reason };
    let endpoint =
        Endpoint::from_shared(format!("http://{address}")).map_err(|error| unreachable(error.to_string()))?;
    let endpoint = endpoint
        .connect_timeout(CONNECT_TIMEOUT)
        .tcp_nodelay(true)
        .initial_stream_window_size(STREAM_WINDOW_BYTES)
        .initial_connection_window_size(STREAM_WINDOW_BYTES);
    let channel = endpoint.connect().await.map_err(|error| unreachable(innermost(&error)))?;
    Session::join(address, channel, config, incarnation).await?.serve(config).await
}

struct Session {
    address: String,
    outgoing: mpsc::Sender<wire::FromAgent>,
    incoming: Streaming<wire::FromCoordinator>,
    silence_max: Duration,
    offset: ClockOffset,
    /// An assignment being prepared, apart from the conversation, which must go on meanwhile.
    preparing: Option<JoinHandle<Result<Duty, DutyError>>>,
    duty: Option<Duty>,
}

impl Session {
    async fn join(
        address: &str,
        channel: Channel,
        config: &AgentConfig,
        incarnation: Incarnation,
    ) -> Result<Self, SessionError> {
        let lost = |reason: String| SessionError::Lost { address: address.to_owned(), reason };
        let (outgoing, outgoing_receiver) = mpsc::channel(OUTGOING_MAX);
        let _ = outgoing.try_send(message(from_agent::Message::Hello(hello(config, incarnation))));
        let mut client = ClusterClient::new(channel)
            .max_decoding_message_size(MESSAGE_BYTES_MAX)
            .send_compressed(CompressionEncoding::Zstd);
        let greeting = async {
            let mut incoming = client.join(ReceiverStream::new(outgoing_receiver)).await?.into_inner();
            let first = incoming.message().await?;
            Ok::<_, tonic::Status>((incoming, first))
        };
        let greeting = tokio::time::timeout(WELCOME_TIMEOUT, greeting).await;
        let (incoming, first) = greeting
            .map_err(|_| lost(format!("no welcome within {} s", WELCOME_TIMEOUT.as_secs())))?
            .map_err(|status| lost(status.message().to_owned()))?;
        match first.and_then(|message| message.message) {
            Some(from_coordinator::Message::Welcome(welcome)) => Ok(Self {
                address: address.to_owned(),
                outgoing,
                incoming,
                silence_max: Duration::from_nanos(welcome.silence_max_ns).max(Duration::from_secs(1)),
                offset: ClockOffset::default(),
                preparing: None,
                duty: None,
            }),
            Some(from_coordinator::Message::Refusal(refusal)) => {
                Err(SessionError::Refused { address: address.to_owned(), reason: refusal.reason })
            }
            _ => Err(SessionError::Protocol {
                address: address.to_owned(),
                reason: "its first message was neither a welcome nor a refusal".to_owned(),
            }),
        }
    }

    async fn serve(mut self, config: &AgentConfig) -> Result<(), SessionError> {
        tracing::info!(coordinator = self.address, "joined");
        let mut probe = tokio::time::interval(PROBE_PERIOD);
        let mut heard = tokio::time::Instant::now();
        self.probe().await?;
        loop {
            tokio::select! {
                received = self.incoming.message() => {
                    heard = tokio::time::Instant::now();
                    let received = received.map_err(|status| self.lost(status.message()))?;
                    let received = received.ok_or_else(|| self.lost("it closed the stream"))?;
                    match received.message {
                        Some(from_coordinator::Message::Release(_)) => return Ok(()),
                        Some(message) => self.obey(message, config).await?,
                        None => return Err(self.protocol("an empty or unknown message")),
                    }
                }
                prepared = next_prepared(&mut self.preparing) => self.prepared(prepared).await?,
                news = next_news(&mut self.duty) => self.report(news).await?,
                _ = probe.tick() => self.probe().await?,
                () = tokio::time::sleep_until(heard + self.silence_max) => {
                    return Err(self.lost(&format!("silent for {:.1} s", self.silence_max.as_secs_f64())));
                }
            }
        }
    }

    async fn obey(&mut self, message: from_coordinator::Message, config: &AgentConfig) -> Result<(), SessionError> {
        use from_coordinator::Message;
        match message {
            Message::ProbeReply(reply) => {
                self.offset.add(reply.sent_at_ns, reply.coordinator_ns, clock::now_ns());
                if self.offset.probes() < PROBES_AT_FIRST {
                    self.probe().await?;
                }
                Ok(())
            }
            Message::Assign(assign) => self.prepare(assign, config),
            Message::Start(start) => {
                let duty = self.duty.as_ref().ok_or_else(|| self.protocol("a start without an assignment"))?;
                duty.engine().start(self.offset.estimate().to_ours_ns(start.at_ns));
                Ok(())
            }
            Message::Ack(ack) => {
                let Some(duty) = self.duty.as_mut() else { return Ok(()) };
                match duty.acknowledge(ack.seq) {
                    Ok(Some(delta)) => self.report(News::Delta(Box::new(delta))).await,
                    Ok(None) => Ok(()),
                    Err(error) => Err(self.protocol(&error.to_string())),
                }
            }
            Message::Stop(stop) => {
                if let Some(duty) = &self.duty {
                    match stop.manner() {
                        wire::stop::Manner::Abort => duty.engine().abort(),
                        _ => duty.engine().drain(),
                    }
                }
                Ok(())
            }
            Message::Refusal(refusal) => {
                Err(SessionError::Refused { address: self.address.clone(), reason: refusal.reason })
            }
            Message::Welcome(_) | Message::Release(_) => Err(self.protocol("a greeting in the middle of the stream")),
        }
    }

    fn prepare(&mut self, assign: wire::Assign, config: &AgentConfig) -> Result<(), SessionError> {
        let assignment = assignment_from_wire(assign).map_err(|error| self.protocol(&error.to_string()))?;
        tracing::info!(run = %assignment.run_id, plan = assignment.plan.name, "assigned");
        let engine = config.engine.clone();
        self.preparing = Some(tokio::task::spawn_blocking(move || Duty::prepare(assignment, &engine)));
        Ok(())
    }

    async fn prepared(&mut self, prepared: Prepared) -> Result<(), SessionError> {
        self.preparing = None;
        let prepared = prepared.map_err(|error| self.lost(&format!("preparing the plan failed: {error}")))?;
        let answer = match prepared {
            Ok(duty) => {
                self.duty = Some(duty);
                let estimate = self.offset.estimate();
                from_agent::Message::Ready(wire::Ready {
                    clock_offset_ns: estimate.offset_ns,
                    clock_uncertainty_ns: estimate.uncertainty_ns,
                    round_trip_ns: estimate.round_trip_ns,
                })
            }
            Err(error) => {
                tracing::error!(%error, "cannot carry the plan out");
                let by_policy = matches!(error, DutyError::Refused(_));
                from_agent::Message::Unable(wire::Unable { reason: error.to_string(), by_policy })
            }
        };
        self.send(answer).await
    }

    async fn report(&mut self, news: News) -> Result<(), SessionError> {
        let message = match news {
            News::Delta(delta) => from_agent::Message::Delta(delta_to_wire(&delta)),
            News::Closing { totals, start_error_ns } => {
                from_agent::Message::Closing(closing_to_wire(&totals, start_error_ns))
            }
            News::Broken => {
                tracing::error!("a worker panicked, so the run cannot go on here");
                self.duty = None;
                from_agent::Message::Unable(wire::Unable { reason: "a worker panicked".to_owned(), by_policy: false })
            }
        };
        self.send(message).await
    }

    async fn probe(&mut self) -> Result<(), SessionError> {
        self.send(from_agent::Message::Probe(wire::Probe { sent_at_ns: clock::now_ns() })).await
    }

    async fn send(&self, content: from_agent::Message) -> Result<(), SessionError> {
        self.outgoing.send(message(content)).await.map_err(|_| self.lost("the stream is closed"))
    }

    fn lost(&self, reason: &str) -> SessionError {
        SessionError::Lost { address: self.address.clone(), reason: reason.to_owned() }
    }

    fn protocol(&self, reason: &str) -> SessionError {
        SessionError::Protocol { address: self.address.clone(), reason: reason.to_owned() }
    }
}

type Prepared = Result<Result<Duty, DutyError>, JoinError>;

async fn next_prepared(preparing: &mut Option<JoinHandle<Result<Duty, DutyError>>>) -> Prepared {
    match preparing {
        Some(preparing) => preparing.await,
        None => std::future::pending().await,
    }
}

async fn next_news(duty: &mut Option<Duty>) -> News {
    match duty {
        Some(duty) => duty.next().await,
        None => std::future::pending().await,
    }
}

fn hello(config: &AgentConfig, incarnation: Incarnation) -> wire::Hello {
    wire::Hello {
        protocol_version: PROTOCOL_VERSION,
        build_version: BUILD_VERSION.to_owned(),
        name: config.name.clone(),
        incarnation: incarnation.0,
        labels: config.labels.clone().into_iter().collect(),
        cores: config.cores,
        workers: config.engine.workers as u32,
        weight: config.weight,
    }
}

fn message(content: from_agent::Message) -> wire::FromAgent {
    wire::FromAgent { message: Some(content) }
}

/// The innermost cause of an error, which says what really happened.
fn innermost(error: &dyn std::error::Error) -> String {
    let mut error = error;
    while let Some(source) = error.source() {
        error = source;
    }
    error.to_string()
}
