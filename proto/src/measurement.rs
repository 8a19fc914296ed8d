//! What workers record, agents send and the coordinator merges.
//!
//! Everything here merges: adding two measurements is adding their counts. So it never matters in which order, or
//! in how many steps, parts of a run come together.

use serde::{Deserialize, Serialize};

use crate::histogram::Histogram;
use crate::outcome::{ErrorKind, Outcome};
use crate::plan::{Plan, Step};

/// Recorders are emptied at every multiple of this much run time, in nanoseconds.
pub const WINDOW_NS: u64 = 200_000_000;
/// One interval of the run's timeline, in nanoseconds.
pub const INTERVAL_NS: u64 = 1_000_000_000;
/// The windows of one interval.
pub const WINDOWS_PER_INTERVAL: u32 = (INTERVAL_NS / WINDOW_NS) as u32;
/// The longest text of an error sample, in bytes.
pub const SAMPLE_BYTES_MAX: usize = 200;
/// The most error samples in one measurement; further ones are left out.
pub const SAMPLES_MAX: usize = 64;

/// The parts into which a request's service time falls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Phase {
    /// Waiting for a connection to become available.
    Blocked,
    /// Looking the target's name up.
    Dns,
    /// Establishing the TCP connection.
    Connecting,
    /// The TLS handshake.
    TlsHandshaking,
    /// Writing the request.
    Sending,
    /// From the request's last byte to the response's first.
    Waiting,
    /// From the response's first byte to its last.
    Receiving,
}

impl Phase {
    /// Every phase, in the order of their numbers.
    pub const ALL: [Self; 7] = [
        Self::Blocked,
        Self::Dns,
        Self::Connecting,
        Self::TlsHandshaking,
        Self::Sending,
        Self::Waiting,
        Self::Receiving,
    ];
}

/// Why an arrival was never started.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum SkipReason {
    /// `max_users` users were busy until the scenario's end.
    Users,
    /// The agent's right to generate load had ended.
    Lease,
    /// Its agent was lost, and the slot was not handed on in time.
    AgentLost,
    /// The generator could not keep up until the scenario's end.
    Overload,
    /// The run was stopped first.
    Stopped,
}

impl SkipReason {
    /// Every reason, in the order of their numbers.
    pub const ALL: [Self; 5] = [Self::Users, Self::Lease, Self::AgentLost, Self::Overload, Self::Stopped];

    /// The name that reports use.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Users => "users",
            Self::Lease => "lease",
            Self::AgentLost => "agent_lost",
            Self::Overload => "overload",
            Self::Stopped => "stopped",
        }
    }
}

/// What a scenario's iterations did in some stretch of time.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct IterationStats {
    /// Iterations that fell due, counted in the second in which they did.
    pub due: u64,
    /// Iterations whose first step began.
    pub started: u64,
    /// Arrivals that were never started, by [`SkipReason`], counted in their due second.
    pub skipped: [u64; SkipReason::ALL.len()],
    /// Iterations that went through all their steps, each request as expected.
    pub completed: u64,
    /// Iterations that ended with at least one failed request.
    pub failed: u64,
    /// Iterations that were ended by the run's end, or by that of the lease.
    pub cut_off: u64,
    /// Those of them that the lease's end ended.
    pub unleased: u64,
    /// Arrivals that started more than one second late through the generator's own lag, counted in their due second.
    pub very_late: u64,
    /// From due to the end of the last step, in nanoseconds, of completed and failed iterations.
    pub duration: Histogram,
    /// From the moment at which an arrival was due and a user free to its start, in nanoseconds (open models).
    pub arrival_lag: Histogram,
    /// From the planned end of a pause to its real end, in nanoseconds.
    pub think_lag: Histogram,
}

impl IterationStats {
    /// Adds what `other` counted.
    pub fn merge(&mut self, other: &Self) {
        self.due += other.due;
        self.started += other.started;
        for (mine, theirs) in self.skipped.iter_mut().zip(other.skipped) {
            *mine += theirs;
        }
        self.completed += other.completed;
        self.failed += other.failed;
        self.cut_off += other.cut_off;
        self.unleased += other.unleased;
        self.very_late += other.very_late;
        self.duration.merge(&other.duration);
        self.arrival_lag.merge(&other.arrival_lag);
        self.think_lag.merge(&other.think_lag);
    }

    /// All skipped arrivals, whatever the reason.
    #[must_use]
    pub fn skipped_total(&self) -> u64 {
        self.skipped.iter().sum()
    }

    /// Whether nothing was counted.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.due == 0
            && self.started == 0
            && self.skipped_total() == 0
            && self.completed == 0
            && self.failed == 0
            && self.cut_off == 0
            && self.very_late == 0
            && self.think_lag.is_empty()
    }

    fn volume(&self) -> u64 {
        let counts = [self.due, self.started, self.completed, self.failed, self.cut_off, self.unleased, self.very_late];
        let times = [&self.duration, &self.arrival_lag, &self.think_lag].map(Histogram::count);
        sum(counts.into_iter().chain(self.skipped).chain(times))
    }

    /// Forgets everything, keeping the memory for the next window.
    pub fn clear(&mut self) {
        let Self {
            due,
            started,
            skipped,
            completed,
            failed,
            cut_off,
            unleased,
            very_late,
            duration,
            arrival_lag,
            think_lag,
        } = self;
        for count in [due, started, completed, failed, cut_off, unleased, very_late] {
            *count = 0;
        }
        *skipped = Default::default();
        duration.clear();
        arrival_lag.clear();
        think_lag.clear();
    }
}

/// What the requests of one series did in some stretch of time.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct RequestStats {
    /// Requests begun, counted in the second in which they were.
    pub sent: u64,
    /// Requests that ended as expected.
    pub expected: u64,
    /// Requests that failed, by [`ErrorKind`].
    pub failed: [u64; ErrorKind::ALL.len()],
    /// Repetitions on a fresh connection because a reused one was found closed.
    pub reconnects: u64,
    /// Connections opened.
    pub connections: u64,
    /// Bytes written to sockets, before encryption.
    pub bytes_sent: u64,
    /// Bytes read from sockets, after decryption.
    pub bytes_received: u64,
    /// Response time (from due) of requests that ended as expected, in nanoseconds.
    pub response_expected: Histogram,
    /// Response time (from due) of requests that failed, in nanoseconds.
    pub response_failed: Histogram,
    /// Service time (from sent) of all requests, in nanoseconds.
    pub service: Histogram,
    /// From due until a user was free, in nanoseconds.
    pub queued: Histogram,
    /// From a free user to the beginning of the attempt, in nanoseconds.
    pub lag: Histogram,
    /// The phases of the service time, by [`Phase`], in nanoseconds.
    pub phases: [Histogram; Phase::ALL.len()],
}

impl RequestStats {
    /// Counts how a request ended.
    pub fn count_outcome(&mut self, outcome: Outcome) {
        match outcome {
            Outcome::Expected => self.expected += 1,
            Outcome::Failed(kind) => self.failed[kind as usize] += 1,
        }
    }

    /// Requests that failed, whatever the reason.
    #[must_use]
    pub fn failed_total(&self) -> u64 {
        self.failed.iter().sum()
    }

    /// Requests that ended.
    #[must_use]
    pub fn outcomes(&self) -> u64 {
        self.expected + self.failed_total()
    }

    /// The histograms, in an order that both ends of the wire keep.
    pub fn histograms(&self) -> impl Iterator<Item = &Histogram> {
        [&self.response_expected, &self.response_failed, &self.service, &self.queued, &self.lag]
            .into_iter()
            .chain(&self.phases)
    }

    /// The histograms, in the order of [`RequestStats::histograms`].
    pub fn histograms_mut(&mut self) -> impl Iterator<Item = &mut Histogram> {
        [&mut self.response_expected, &mut self.response_failed, &mut self.service, &mut self.queued, &mut self.lag]
            .into_iter()
            .chain(&mut self.phases)
    }

    /// Adds what `other` counted.
    pub fn merge(&mut self, other: &Self) {
        self.sent += other.sent;
        self.expected += other.expected;
        for (mine, theirs) in self.failed.iter_mut().zip(other.failed) {
            *mine += theirs;
        }
        self.reconnects += other.reconnects;
        self.connections += other.connections;
        self.bytes_sent = self.bytes_sent.saturating_add(other.bytes_sent);
        self.bytes_received = self.bytes_received.saturating_add(other.bytes_received);
        for (mine, theirs) in self.histograms_mut().zip(other.histograms()) {
            mine.merge(theirs);
        }
    }

    /// Whether nothing was counted.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.sent == 0 && self.outcomes() == 0
    }

    fn volume(&self) -> u64 {
        let counts = [self.sent, self.expected, self.reconnects, self.connections];
        sum(counts.into_iter().chain(self.failed).chain(self.histograms().map(Histogram::count)))
    }

    /// Forgets everything, keeping the memory for the next window.
    pub fn clear(&mut self) {
        let Self { sent, expected, reconnects, connections, bytes_sent, bytes_received, .. } = self;
        for count in [sent, expected, reconnects, connections, bytes_sent, bytes_received] {
            *count = 0;
        }
        self.failed = Default::default();
        self.histograms_mut().for_each(Histogram::clear);
    }
}

/// The first failure of its kind in its series that an agent saw.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErrorSample {
    /// The series, by its number in the [`SeriesTable`].
    pub series: u32,
    /// Its kind.
    pub kind: ErrorKind,
    /// When it happened, in nanoseconds of run time.
    pub at_ns: u64,
    /// What was found, for a person to read; at most [`SAMPLE_BYTES_MAX`] bytes.
    pub text: String,
}

/// What was measured in some stretch of time, by one worker, one agent or the whole cluster.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Measurement {
    /// By the scenario's place in the plan.
    pub scenarios: Vec<IterationStats>,
    /// By the series' number in the [`SeriesTable`].
    pub series: Vec<RequestStats>,
    /// At most [`SAMPLES_MAX`].
    pub samples: Vec<ErrorSample>,
}

impl Measurement {
    /// An empty measurement for a plan with so many scenarios and series.
    #[must_use]
    pub fn new(scenarios: usize, series: usize) -> Self {
        Self {
            scenarios: vec![IterationStats::default(); scenarios],
            series: vec![RequestStats::default(); series],
            samples: Vec::new(),
        }
    }

    /// Adds what `other` counted. Both must be of the same plan.
    pub fn merge(&mut self, other: &Self) {
        debug_assert_eq!(self.scenarios.len(), other.scenarios.len(), "measurements of one plan");
        debug_assert_eq!(self.series.len(), other.series.len(), "measurements of one plan");
        for (mine, theirs) in self.scenarios.iter_mut().zip(&other.scenarios) {
            if !theirs.is_empty() {
                mine.merge(theirs);
            }
        }
        for (mine, theirs) in self.series.iter_mut().zip(&other.series) {
            if !theirs.is_empty() {
                mine.merge(theirs);
            }
        }
        let room = SAMPLES_MAX.saturating_sub(self.samples.len());
        self.samples.extend(other.samples.iter().take(room).cloned());
    }

    /// Whether nothing was counted.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.scenarios.iter().all(IterationStats::is_empty) && self.series.iter().all(RequestStats::is_empty)
    }

    /// All its counts together, but for bytes, or `u64::MAX` if they are more: no sum of some of them is larger.
    #[must_use]
    pub fn volume(&self) -> u64 {
        let scenarios = self.scenarios.iter().map(IterationStats::volume);
        sum(scenarios.chain(self.series.iter().map(RequestStats::volume)))
    }

    /// Forgets everything, keeping the memory for the next window.
    pub fn clear(&mut self) {
        self.scenarios.iter_mut().filter(|s| !s.is_empty()).for_each(IterationStats::clear);
        self.series.iter_mut().filter(|s| !s.is_empty()).for_each(RequestStats::clear);
        self.samples.clear();
    }
}

fn sum(counts: impl Iterator<Item = u64>) -> u64 {
    counts.fold(0, u64::saturating_add)
}

/// How an agent itself was doing in some stretch of time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Health {
    /// The busiest worker's CPU use, as a fraction of one core.
    pub worker_cpu_max: f32,
    /// The whole process's CPU use, in cores.
    pub process_cpu: f32,
    /// The process's resident memory, in bytes.
    pub memory_bytes: u64,
    /// Open descriptors of the process.
    pub descriptors: u32,
    /// The most descriptors that the process may open.
    pub descriptors_max: u32,
    /// Attempts that failed for want of local ports or descriptors.
    pub exhausted: u64,
    /// Users at work at the end of the stretch.
    pub users: u32,
    /// How often an arrival found every user busy.
    pub starved: u64,
    /// Requests in flight at the end of the stretch.
    pub in_flight: u64,
}

/// What an agent saw since its last delta. Frozen once it was sent: the same number always means the same bytes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Delta {
    /// 1, 2, 3, ... per run and incarnation.
    pub seq: u64,
    /// The first window of [`WINDOW_NS`] that it covers, counted from the run's start.
    pub first_window: u32,
    /// The last window that it covers. A second's windows unless an absent coordinator made deltas coarser.
    pub last_window: u32,
    /// What was measured.
    pub measurement: Measurement,
    /// How the agent was doing.
    pub health: Health,
}

/// One agent's closing totals: cumulative over all its deltas, counted apart from them, so that both must agree.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Totals {
    /// The number of the last delta.
    pub last_seq: u64,
    /// Iterations that fell due.
    pub due: u64,
    /// Iterations started.
    pub started: u64,
    /// Arrivals skipped.
    pub skipped: u64,
    /// Iterations completed.
    pub completed: u64,
    /// Iterations failed.
    pub failed: u64,
    /// Iterations cut off.
    pub cut_off: u64,
    /// Requests begun.
    pub sent: u64,
    /// Requests ended.
    pub outcomes: u64,
}

impl Totals {
    /// Adds what `other` counted; deltas are numbered apart, so their numbers are not added.
    pub fn add(&mut self, other: &Self) {
        self.due += other.due;
        self.started += other.started;
        self.skipped += other.skipped;
        self.completed += other.completed;
        self.failed += other.failed;
        self.cut_off += other.cut_off;
        self.sent += other.sent;
        self.outcomes += other.outcomes;
    }
}

/// A series: what is measured together.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SeriesKey {
    /// The scenario's place in the plan.
    pub scenario: usize,
    /// The requests' name.
    pub request: String,
}

/// The series of a plan, numbered alike on every machine: requests of one name in one scenario are one series.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SeriesTable(Vec<SeriesKey>);

impl SeriesTable {
    /// The series of this plan, in the order in which the plan first names them.
    #[must_use]
    pub fn of(plan: &Plan) -> Self {
        let mut table = Self(Vec::new());
        for (index, scenario) in plan.scenarios.iter().enumerate() {
            for step in &scenario.steps {
                if let Step::Request(request) = step
                    && table.find(index, &request.name).is_none()
                {
                    table.0.push(SeriesKey { scenario: index, request: request.name.clone() });
                }
            }
        }
        table
    }

    /// The number of a series.
    #[must_use]
    pub fn find(&self, scenario: usize, request: &str) -> Option<u32> {
        let position = self.0.iter().position(|key| key.scenario == scenario && key.request == request);
        position.map(|index| index as u32)
    }

    /// All series, in the order of their numbers.
    #[must_use]
    pub fn keys(&self) -> &[SeriesKey] {
        &self.0
    }

    /// How many series there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether the plan makes no request.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}
