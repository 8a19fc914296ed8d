//! One stream to a coordinator: join, obey, report.

use std::time::Duration;

use hyper_util::rt::TokioIo;
use muster_proto::convert::{
    allotments_from_wire, assignment_from_wire, change_from_wire, closing_to_wire, delta_to_wire, perform_from_wire,
    performed_to_wire, wanting_to_wire,
};
use muster_proto::id::Incarnation;
use muster_proto::wire::cluster_client::ClusterClient;
use muster_proto::wire::{self, from_agent, from_coordinator};
use muster_proto::{BUILD_VERSION, PROTOCOL_VERSION};
use tokio::sync::mpsc;
use tokio::time::{Instant, MissedTickBehavior};
use tokio_stream::wrappers::ReceiverStream;
use tonic::Streaming;
use tonic::transport::{Channel, Endpoint, Uri};

use super::fetch::Fetcher;
use super::leave::Leave;
use super::part::{ChangeFault, Changed, Part, Prepared, Progress};
use super::surroundings::{Notice, Surroundings};
use super::{AgentConfig, SessionError};
use crate::duty::{Duty, News};
use crate::generator::{Generator, PrepareError};
use crate::planted::planted;

/// How many probes the clocks are compared with before anything else is done.
const PROBES_AT_FIRST: usize = 32;
/// How often the clocks are compared later, at least, which also shows either side that the other lives and extends the
/// lease.
const PROBE_PERIOD_MAX: Duration = Duration::from_millis(500);
/// How many probes have the time to be answered before a lease ends, so that one that is late does no harm.
const PROBES_PER_LEASE: u32 = 5;
/// The shortest lease that can be kept alive, and the longest that an agent takes, whatever its coordinator says: for so
/// long it would go on alone.
const LEASE_MIN: Duration = Duration::from_millis(100);
const LEASE_MAX: Duration = Duration::from_secs(60);
/// A coordinator that is silent for so long is looked for on another stream, however long the lease is.
const SILENCE_MAX: Duration = Duration::from_secs(3);
/// Silence that is noticed by so much too late was our own: this process stood still, and what it was told meanwhile is yet
/// to be read.
const STALL: Duration = Duration::from_millis(250);
/// How long a coordinator may take to take back what an agent holds that leaves, before it leaves all the same.
const HAND_BACK_MAX: Duration = Duration::from_secs(2);
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

/// One stream to a coordinator that has let this agent in.
pub(super) struct Stream<S> {
    surroundings: S,
    address: String,
    outgoing: mpsc::Sender<wire::FromAgent>,
    incoming: Streaming<wire::FromCoordinator>,
    /// Another way along the same connection, for rows of data.
    client: ClusterClient<Channel>,
    lease: Duration,
    /// Which start of the run's coordinator it leads to.
    epoch: u64,
    /// Everything up to this delta is in the result.
    applied_seq: u64,
    /// What the agent may not have heard yet of what it holds.
    changes: Vec<wire::Change>,
    /// When the agent stops starting anything because it leaves.
    drain_at: Option<Instant>,
}

impl<S: Surroundings> Stream<S> {
    /// Opens a stream and says hello. No coordinator counts of an earlier epoch than the one that was heard last.
    pub(super) async fn join(
        surroundings: &S,
        address: &str,
        hello: wire::Hello,
        epoch: u64,
    ) -> Result<Self, SessionError> {
        let lost = |reason: String| SessionError::Lost { address: address.to_owned(), reason };
        let channel = connect(surroundings, address).await?;
        let (outgoing, outgoing_receiver) = mpsc::channel(OUTGOING_MAX);
        let _ = outgoing.try_send(message(from_agent::Message::Hello(hello)));
        let mut client = ClusterClient::new(channel).max_decoding_message_size(MESSAGE_BYTES_MAX);
        let beside = client.clone();
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
            Some(from_coordinator::Message::Welcome(welcome)) if welcome.epoch < epoch => {
                Err(lost(format!("another coordinator has replaced this one (epoch {} < {epoch})", welcome.epoch)))
            }
            Some(from_coordinator::Message::Welcome(welcome)) => Ok(Self {
                surroundings: surroundings.clone(),
                address: address.to_owned(),
                outgoing,
                incoming,
                client: beside,
                lease: Duration::from_nanos(welcome.lease_ns).clamp(LEASE_MIN, LEASE_MAX),
                epoch: welcome.epoch,
                applied_seq: welcome.applied_seq,
                changes: welcome.changes,
                drain_at: None,
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

    /// Goes on with the agent's part, until the coordinator releases it.
    pub(super) async fn serve(
        mut self,
        config: &AgentConfig,
        part: &mut Part<S>,
        leave: &mut Leave,
    ) -> Result<(), SessionError> {
        tracing::info!(coordinator = self.address, "joined");
        part.epoch = self.epoch;
        part.give_up_performing();
        // Whoever waits to hear that we are prepared assigned that on this stream; another has yet to ask for it.
        part.owes_ready &= planted("ready-owed-to-another");
        if let Some(duty) = &mut part.duty {
            self.surroundings.notice(Notice::Acknowledged(self.applied_seq));
            duty.resume(self.applied_seq).map_err(|error| self.protocol(&error.to_string()))?;
            if part.started_at_ns.is_some() || planted("changes-before-the-start") {
                self.catch_up(part).await?;
            }
        }
        let mut probe = tokio::time::interval(PROBE_PERIOD_MAX.min(self.lease / PROBES_PER_LEASE));
        probe.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut heard = Instant::now();
        self.send(self.pulse(part)).await?;
        let mut drained = false;
        let silence_max = self.lease.min(SILENCE_MAX);
        loop {
            tokio::select! {
                // Whatever else there is to do, the lease comes first.
                biased;
                _ = probe.tick() => self.send(self.pulse(part)).await?,
                () = leave.wanted(), if self.drain_at.is_none() => {
                    if part.started_at_ns.is_none() {
                        return Ok(());
                    }
                    self.drain_at = Some(Instant::now() + HAND_BACK_MAX);
                    self.send(from_agent::Message::Leaving(wire::Leaving {})).await?;
                }
                () = sleep_until(self.drain_at), if !drained => {
                    drained = true;
                    part.duty.iter().for_each(|duty| duty.generator().drain());
                }
                received = self.incoming.message() => {
                    heard = Instant::now();
                    let received = received.map_err(|status| self.lost(status.message()))?;
                    let received = received.ok_or_else(|| self.lost("it closed the stream"))?;
                    match received.message {
                        Some(from_coordinator::Message::Release(_)) => return Ok(()),
                        Some(message) => self.obey(message, config, part).await?,
                        None => return Err(self.protocol("an empty or unknown message")),
                    }
                }
                progress = part.progress() => match progress {
                    Progress::Prepared(prepared) => self.prepared(prepared, part).await?,
                    Progress::Performed(performed) => {
                        self.send(from_agent::Message::Performed(performed_to_wire(&performed))).await?;
                    }
                    Progress::News(news) => self.report(news, part).await?,
                },
                () = tokio::time::sleep_until(heard + silence_max) => {
                    if (heard + silence_max).elapsed() > STALL {
                        heard = Instant::now();
                        continue;
                    }
                    return Err(self.lost(&format!("silent for {:.1} s", silence_max.as_secs_f64())));
                }
            }
        }
    }

    async fn obey(
        &mut self,
        message: from_coordinator::Message,
        config: &AgentConfig,
        part: &mut Part<S>,
    ) -> Result<(), SessionError> {
        use from_coordinator::Message;
        match message {
            Message::ProbeReply(reply) => {
                let now_ns = self.surroundings.now_ns();
                part.offset.add(reply.sent_at_ns, reply.coordinator_ns, now_ns);
                if part.offset.probes() < PROBES_AT_FIRST {
                    self.send(self.pulse(part)).await?;
                }
                self.tell_ready(part).await
            }
            Message::Renewal(renewal) => {
                // Counted from when we asked, so that the lease has always ended here before the coordinator, who counts
                // from when it heard us, takes it for ended.
                let now_ns = self.surroundings.now_ns();
                let from_ns = if planted("lease-from-receive-time") { now_ns } else { renewal.sent_at_ns.min(now_ns) };
                let lease_ns = if planted("lease-without-end") { u64::MAX } else { self.lease.as_nanos() as u64 };
                part.lease.extend(from_ns.saturating_add(lease_ns));
                Ok(())
            }
            Message::Change(change) => self.change(&change, part).await,
            Message::Assign(assign) => {
                if part.started_at_ns.is_some() {
                    return Err(self.protocol("an assignment in the middle of a run"));
                }
                let assignment = assignment_from_wire(assign).map_err(|error| self.protocol(&error.to_string()))?;
                tracing::info!(run = %assignment.run_id, plan = assignment.plan.name, "assigned");
                part.prepare(assignment, Fetcher::new(self.client.clone()), &config.engine, &self.surroundings);
                Ok(())
            }
            Message::Perform(perform) => {
                let plan = perform_from_wire(perform).map_err(|error| self.protocol(&error.to_string()))?;
                tracing::info!(chore = plan.scenarios[0].name, "performing");
                part.perform(plan, &config.engine, &self.surroundings);
                Ok(())
            }
            Message::Start(start) => {
                part.start(start.at_ns).ok_or_else(|| self.protocol("a start without an assignment"))?;
                self.catch_up(part).await
            }
            Message::Ack(ack) => {
                let Some(duty) = part.duty.as_mut() else { return Ok(()) };
                self.surroundings.notice(Notice::Acknowledged(ack.seq));
                duty.acknowledge(ack.seq).map_err(|error| self.protocol(&error.to_string()))
            }
            Message::Allotments(allotments) => {
                let allotted = allotments_from_wire(&allotments, part.scenarios);
                let allotted = allotted.map_err(|error| self.protocol(&error.to_string()))?;
                let Some(duty) = part.duty.as_ref() else { return Ok(()) };
                let taken = allotted.iter().try_for_each(|allotted| duty.allot(allotted));
                taken.ok_or_else(|| self.protocol("iterations for a scenario that has users of its own"))
            }
            Message::Stop(stop) => {
                if let Some(duty) = &part.duty {
                    match stop.manner() {
                        wire::stop::Manner::Abort => duty.generator().abort(),
                        _ => duty.generator().drain(),
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

    /// Makes the changes that were told with the welcome. An agent that never heard of the start hears of it next, and
    /// before anything can renew its lease.
    async fn catch_up(&mut self, part: &mut Part<S>) -> Result<(), SessionError> {
        for change in std::mem::take(&mut self.changes) {
            self.change(&change, part).await?;
        }
        Ok(())
    }

    /// Holds more or less from a moment on, and says so.
    async fn change(&mut self, change: &wire::Change, part: &mut Part<S>) -> Result<(), SessionError> {
        let change = change_from_wire(change, part.scenarios).map_err(|error| self.protocol(&error.to_string()))?;
        match part.change(&change) {
            Ok(changed) => {
                if change.is_revocation() && self.drain_at.is_some() {
                    self.drain_at = Some(self.moment_of(changed.at_ns, part));
                }
                let Changed { number, at_ns, refusal } = changed;
                let refusal = refusal.unwrap_or_default();
                self.send(from_agent::Message::Changed(wire::Changed { number, at_ns, refusal })).await
            }
            Err(fault @ (ChangeFault::OutOfTurn | ChangeFault::Senseless(_))) => Err(self.protocol(&fault.to_string())),
            Err(ChangeFault::Stuck(stuck)) => {
                let reason = stuck.to_string();
                self.send(from_agent::Message::Unable(wire::Unable { reason, by_policy: false })).await
            }
        }
    }

    /// A moment of run time by the runtime's clock.
    fn moment_of(&self, run_ns: u64, part: &Part<S>) -> Instant {
        let at_ns = part.started_at_ns.unwrap_or_default().saturating_add(run_ns);
        Instant::now() + Duration::from_nanos(at_ns.saturating_sub(self.surroundings.now_ns())).min(HAND_BACK_MAX)
    }

    async fn prepared(&mut self, prepared: Prepared<S::Generator>, part: &mut Part<S>) -> Result<(), SessionError> {
        match prepared {
            Ok(generator) => {
                part.duty = Some(Box::new(Duty::new(generator)));
                part.owes_ready = true;
                self.tell_ready(part).await
            }
            Err(error) => {
                tracing::error!(%error, "cannot carry the plan out");
                let by_policy = matches!(error, PrepareError::Refused(_));
                self.send(from_agent::Message::Unable(wire::Unable { reason: error.to_string(), by_policy })).await
            }
        }
    }

    /// Tells that the agent is prepared, once it is and knows how far the clocks are apart.
    async fn tell_ready(&self, part: &mut Part<S>) -> Result<(), SessionError> {
        let compared = part.offset.probes() >= PROBES_AT_FIRST || planted("ready-before-clocks-agree");
        if !part.owes_ready || !compared {
            return Ok(());
        }
        part.owes_ready = false;
        let estimate = part.offset.estimate();
        let ready = wire::Ready {
            clock_offset_ns: estimate.offset_ns,
            clock_uncertainty_ns: estimate.uncertainty_ns,
            round_trip_ns: estimate.round_trip_ns,
        };
        self.send(from_agent::Message::Ready(ready)).await
    }

    async fn report(&mut self, news: News, part: &mut Part<S>) -> Result<(), SessionError> {
        match news {
            News::Measured => {
                while let Some(delta) = part.duty.as_mut().and_then(|duty| duty.next_unsent()) {
                    self.surroundings.notice(Notice::Sent(delta));
                    let delta = delta_to_wire(delta);
                    self.send(from_agent::Message::Delta(delta)).await?;
                }
                Ok(())
            }
            News::Enough => self.send(from_agent::Message::Enough(wire::Enough {})).await,
            News::Wanting(wanting) => self.send(from_agent::Message::Wanting(wanting_to_wire(&wanting))).await,
            News::Closing { totals, start_error_ns } => {
                self.send(from_agent::Message::Closing(closing_to_wire(&totals, start_error_ns))).await
            }
            News::Broken(reason) => {
                tracing::error!(reason, "the run cannot go on here");
                part.duty = None;
                let reason = reason.to_owned();
                self.send(from_agent::Message::Unable(wire::Unable { reason, by_policy: false })).await
            }
        }
    }

    /// Shows that the agent lives, and its workers, once they know when to begin.
    fn pulse(&self, part: &Part<S>) -> from_agent::Message {
        let duty = part.duty.as_ref().filter(|_| part.started_at_ns.is_some());
        let progress = duty.map(|duty| duty.generator().progress()).unwrap_or_default();
        from_agent::Message::Probe(wire::Probe { sent_at_ns: self.surroundings.now_ns(), progress })
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

/// Sleeps until a moment; without one, for ever.
async fn sleep_until(moment: Option<Instant>) {
    match moment {
        Some(moment) => tokio::time::sleep_until(moment).await,
        None => std::future::pending().await,
    }
}

async fn connect<S: Surroundings>(surroundings: &S, address: &str) -> Result<Channel, SessionError> {
    let unreachable = |reason: String| SessionError::Unreachable { address: address.to_owned(), reason };
    let endpoint =
        Endpoint::from_shared(format!("http://{address}")).map_err(|error| unreachable(error.to_string()))?;
    let endpoint = endpoint
        .connect_timeout(CONNECT_TIMEOUT)
        .initial_stream_window_size(STREAM_WINDOW_BYTES)
        .initial_connection_window_size(STREAM_WINDOW_BYTES);
    let (surroundings, to) = (surroundings.clone(), address.to_owned());
    let connector = tower::service_fn(move |_: Uri| {
        let (surroundings, to) = (surroundings.clone(), to.clone());
        async move { surroundings.connect(to).await.map(TokioIo::new) }
    });
    endpoint.connect_with_connector(connector).await.map_err(|error| unreachable(innermost(&error)))
}

/// Who an agent is that has this part in a run.
pub(super) fn hello<S: Surroundings>(config: &AgentConfig, incarnation: Incarnation, part: &Part<S>) -> wire::Hello {
    wire::Hello {
        protocol_version: PROTOCOL_VERSION,
        build_version: BUILD_VERSION.to_owned(),
        name: config.name.clone(),
        incarnation: incarnation.0,
        labels: config.labels.clone().into_iter().collect(),
        cores: config.cores,
        workers: config.engine.workers as u32,
        weight: config.weight,
        run_id: part.run.map(|run| run.0.as_bytes().to_vec().into()).unwrap_or_default(),
        has_ended: part.has_ended,
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
