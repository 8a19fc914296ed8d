//! That a run told again is the same run, whatever happened to it, and that a failing disk is never trusted again.

mod resumed;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::Timestamp;
use muster_proto::convert::{closing_to_wire, delta_to_wire};
use muster_proto::id::RunId;
use muster_proto::measurement::Totals;
use muster_proto::plan::{OnLoss, Plan, Rate};
use muster_proto::wire::{FromAgent, Hello, Probe, Ready, Unable, from_agent};
use muster_proto::{BUILD_VERSION, PROTOCOL_VERSION};
use proptest::prelude::*;

use super::*;
use crate::begun::Begun;
use crate::report::Report;
use crate::run::event::{Event, Link};
use crate::run::life::{Run, RunSettings};
use crate::run::order::{Level, Order, Ticket};
use crate::run::record::Ending;
use crate::run::synthetic::{delta, healthy, open_plan, p99_below};

const MS: u64 = 1_000_000;

/// A disk that can be looked at from outside, and is full after so many bytes.
#[derive(Clone)]
struct Memory {
    bytes: Arc<Mutex<Vec<u8>>>,
    room: usize,
    syncs: bool,
}

impl Memory {
    fn new() -> Self {
        Self { bytes: Arc::default(), room: usize::MAX, syncs: true }
    }

    fn bytes(&self) -> Vec<u8> {
        self.bytes.lock().unwrap().clone()
    }
}

impl Medium for Memory {
    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        let mut kept = self.bytes.lock().unwrap();
        let fits = bytes.len().min(self.room - kept.len());
        kept.extend(&bytes[..fits]);
        if fits == bytes.len() { Ok(()) } else { Err(io::ErrorKind::StorageFull.into()) }
    }

    fn sync(&mut self) -> io::Result<()> {
        if self.syncs { Ok(()) } else { Err(io::Error::other("the disk is on fire")) }
    }
}

fn plan() -> Plan {
    let mut plan = open_plan(5);
    plan.thresholds = vec![p99_below(50)];
    plan.agents.start_when = 2;
    plan.agents.on_loss = OnLoss::Degrade;
    plan
}

pub(crate) fn head() -> Head {
    let settings = RunSettings {
        id: RunId(uuid::Uuid::from_u128(7)),
        plan: plan(),
        tags: BTreeMap::from([("build".to_owned(), "17".to_owned())]),
        strict: true,
        lease_ns: 2_500 * MS,
        gather_max_ns: 20_000 * MS,
    };
    Head::new(settings, shown(5_000), Some("127.0.0.1:7117".parse().unwrap()))
}

/// What the coordinator's machine shows, so many milliseconds after its start.
fn shown(clock_ms: u64) -> Begun {
    let wall = Timestamp::from_millisecond(1_000_000_000_000 + clock_ms as i64 - 5_000).unwrap();
    Begun { clock_ns: clock_ms * MS, wall, boot: uuid::Uuid::from_u128(1) }
}

fn said(link: u64, message: from_agent::Message) -> Happened {
    Happened::said(Link(link), FromAgent { message: Some(message) }, muster_proto::measurement::Shape::of(&plan()))
        .unwrap()
}

pub(crate) fn hello(link: u64) -> Happened {
    let hello = Hello { incarnation: link, name: format!("pod-{link}"), ..anybody() };
    said(link, from_agent::Message::Hello(hello))
}

/// The agent that joined first on `link` says hello on another.
fn hello_again(link: u64, on: u64) -> Happened {
    let run_id = head().settings.id.0.as_bytes().to_vec().into();
    let hello = Hello { incarnation: link, name: format!("pod-{link}"), run_id, ..anybody() };
    said(on, from_agent::Message::Hello(hello))
}

fn anybody() -> Hello {
    Hello {
        protocol_version: PROTOCOL_VERSION,
        build_version: BUILD_VERSION.to_owned(),
        labels: [("zone".to_owned(), "eu".to_owned())].into(),
        workers: 1,
        weight: 1,
        ..Hello::default()
    }
}

pub(crate) fn ready(link: u64) -> Happened {
    said(link, from_agent::Message::Ready(Ready { clock_offset_ns: -7, round_trip_ns: 300, ..Ready::default() }))
}

pub(crate) fn measured(link: u64, seq: u64) -> Happened {
    let mut delta = delta(&plan(), seq.saturating_sub(1) as u32);
    healthy(&mut delta);
    said(link, from_agent::Message::Delta(delta_to_wire(&delta)))
}

pub(crate) fn closing(link: u64, last_seq: u64) -> Happened {
    let totals = Totals { last_seq, ..Totals::default() };
    said(link, from_agent::Message::Closing(closing_to_wire(&totals, Some(9))))
}

/// A run as it was lived, with its journal.
pub(crate) struct Lived {
    pub(crate) run: Run,
    begun: Begun,
    pub(crate) now_ns: u64,
    disk: Memory,
    pub(crate) journal: Option<Journal>,
}

impl Lived {
    fn new() -> Self {
        Self::of(head())
    }

    fn of(head: Head) -> Self {
        let disk = Memory::new();
        let journal = Journal::begin(disk.clone(), &head, BYTES_MAX_DEFAULT).unwrap();
        Self { disk, ..Self::written_to(journal, head) }
    }

    /// A run that begins with this journal.
    pub(crate) fn written_to(journal: Journal, head: Head) -> Self {
        let disk = Memory::new();
        let run = Run::new(head.settings, head.begun.clock_ns);
        Self { run, begun: head.begun, now_ns: head.begun.clock_ns, disk, journal: Some(journal) }
    }

    /// These things happen at once. A snapshot that is due is kept.
    pub(crate) fn group(&mut self, happened: Vec<Happened>) {
        let (events, entries): (Vec<Event>, Vec<Entry>) =
            happened.into_iter().map(|happened| happened.at(self.now_ns)).unzip();
        let mut journal = self.journal.take().unwrap();
        let snapshot = journal.snapshot_if_due(&self.run);
        if snapshot.is_some() {
            journal = journal.turn().unwrap();
        }
        journal = journal.commit(&entries).unwrap();
        if let Some(snapshot) = snapshot {
            journal.note_saved(Some(snapshot.save().unwrap()));
        }
        self.journal = Some(journal);
        events.into_iter().for_each(|event| drop(self.run.apply(event, self.now_ns)));
    }

    /// The document of the run, ended where it stands.
    pub(crate) fn document(&self) -> serde_json::Value {
        let mut run = self.run.clone();
        run.apply(Event::Interrupted, self.now_ns);
        let started_at = self.begun.date(run.start_ns());
        serde_json::to_value(Report::of(&run.into_record(started_at))).unwrap()
    }
}

fn document_of(journal: &[u8]) -> serde_json::Value {
    serde_json::to_value(Report::of(&replay(journal).unwrap().record)).unwrap()
}

/// A whole run of two agents, of which one dies.
fn whole_run() -> Lived {
    let mut lived = Lived::new();
    lived.group(vec![hello(0), hello(1)]);
    lived.group(vec![ready(0), ready(1)]);
    lived.now_ns = lived.run.start_ns().unwrap();
    for seq in 1..=12 {
        lived.now_ns += 200 * MS;
        let second = if seq < 7 { measured(1, seq) } else { Happened::tick() };
        lived.group(vec![measured(0, seq), second]);
    }
    let (gone, expelled) = (Happened::gone(Link(1), "cable".to_owned()), Happened::expelled(Link(1), "no".to_owned()));
    lived.group(vec![gone, expelled, closing(0, 12)]);
    lived
}

#[test]
fn a_run_told_again_is_the_same_run() {
    let lived = whole_run();
    assert!(lived.run.has_ended());
    let told = replay(lived.disk.bytes().as_slice()).unwrap();
    assert_eq!((told.record.ending.clone(), told.torn), (Ending::Completed, 0));
    assert_eq!(document_of(&lived.disk.bytes()), lived.document());
    assert_eq!(lived.document()["run"]["started_at"], "2001-09-09T01:46:40.05Z");
    assert_eq!(lived.document()["accounting"]["requests"]["sent"], 18 * 40);
}

#[test]
fn nothing_secret_is_written_down() {
    let bytes = whole_run().disk.bytes();
    let find = |words: &[u8]| bytes.windows(words.len()).any(|window| window == words);
    assert!(find(b"shop.test") && find(b"x-api-key"));
    assert!(!find(b"s3cret"));
}

#[test]
fn a_journal_cut_anywhere_tells_a_beginning_of_the_run() {
    let lived = whole_run();
    let bytes = lived.disk.bytes();
    let mut sent = 0;
    for end in (0..bytes.len()).step_by(97) {
        match replay(&bytes[..end]) {
            Err(ReplayError::Empty) => assert_eq!(sent, 0),
            told => {
                let told = told.unwrap();
                let counts = told.record.timeline.counts();
                assert!(sent <= counts.sent, "what is written later only adds");
                assert_eq!(told.record.ending, Ending::Interrupted);
                sent = counts.sent;
            }
        }
    }
    assert!(sent > 0);
}

#[test]
fn a_journal_of_another_build_is_refused() {
    use prost::Message;
    let other = muster_proto::wire::JournalHead { format: 99, build_version: "9.9".to_owned(), ..Default::default() };
    let journal = frame::frame(0, &other.encode_to_vec());
    let error = replay(journal.as_slice()).unwrap_err().to_string();
    assert!(error.starts_with("it is of format 99 of build 9.9"), "{error}");
}

#[test]
fn a_disk_that_fails_ends_the_journal_and_what_was_committed_is_told() {
    let mut full = Memory::new();
    full.room = 5_000;
    let mut journal = Journal::begin(full.clone(), &head(), BYTES_MAX_DEFAULT).unwrap();
    let group = [Happened::tick().at(1).1, hello(0).at(1).1];
    let mut committed = 0;
    let error = loop {
        match journal.commit(&group) {
            Ok(going_on) => journal = going_on,
            Err(error) => break error,
        }
        committed += 2;
    };
    assert!(error.to_string().starts_with("the journal cannot be written: "), "{error}");
    let told = replay(full.bytes().as_slice()).unwrap();
    assert_eq!(told.entries, committed);
    assert!(told.torn > 0);

    let mut burning = Memory::new();
    burning.syncs = false;
    let error = Journal::begin(burning, &head(), BYTES_MAX_DEFAULT).err().unwrap();
    assert_eq!(error.to_string(), "the journal cannot be written: the disk is on fire");
}

#[test]
fn a_journal_never_grows_beyond_its_bound() {
    let disk = Memory::new();
    let mut journal = Some(Journal::begin(disk.clone(), &head(), 4_000).unwrap());
    while let Some(open) = journal.take() {
        journal = match open.commit(&[hello(0).at(1).1]) {
            Ok(open) => Some(open),
            Err(error) => {
                assert!(matches!(error, JournalError::Full(4_000)), "{error}");
                None
            }
        };
    }
    assert!(disk.bytes().len() <= 4_000);
    assert_eq!(replay(disk.bytes().as_slice()).unwrap().torn, 0);
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Act {
    Hello,
    Ready,
    /// So many deltas further than the last: 0 for the same again, 2 for a gap.
    Measured(u64),
    Closing,
    Probe,
    Unable,
    Gone,
    Stop,
    Ordered(u8),
    Tick,
}

/// Things that happen at once, on which streams, and how long it then is quiet, in milliseconds.
pub(crate) fn groups() -> impl Strategy<Value = Vec<(Vec<(Act, u64)>, u64)>> {
    let act = prop_oneof![
        2 => Just(Act::Hello),
        2 => Just(Act::Ready),
        24 => Just(Act::Measured(1)),
        3 => Just(Act::Measured(0)),
        1 => Just(Act::Measured(2)),
        2 => Just(Act::Closing),
        4 => Just(Act::Probe),
        1 => Just(Act::Unable),
        1 => Just(Act::Gone),
        1 => Just(Act::Stop),
        3 => (0..5_u8).prop_map(Act::Ordered),
        6 => Just(Act::Tick),
    ];
    let pause_ms = prop_oneof![20 => 0_u64..400, 1 => 2_000_u64..30_000];
    prop::collection::vec((prop::collection::vec((act, 0..3_u64), 1..4), pause_ms), 0..60)
}

pub(crate) fn happened(act: Act, link: u64, last_seq: &mut u64) -> Happened {
    match act {
        Act::Hello => hello(link),
        Act::Ready => ready(link),
        Act::Measured(further) => {
            *last_seq = (*last_seq + further).max(1);
            measured(link, *last_seq)
        }
        Act::Closing => closing(link, *last_seq),
        Act::Probe => said(link, from_agent::Message::Probe(Probe::default())),
        Act::Unable => said(link, from_agent::Message::Unable(Unable::default())),
        Act::Gone => Happened::gone(Link(link), "cable".to_owned()),
        Act::Stop => Happened::stop(),
        Act::Ordered(which) => Happened::ordered(Ticket(link), order(which)),
        Act::Tick => Happened::tick(),
    }
}

fn order(which: u8) -> Order {
    let set = |rate, over_ms| Order::Set {
        scenario: "browse".to_owned(),
        level: Level::Rate(Rate::per_second(rate)),
        over: Duration::from_millis(over_ms),
    };
    match which {
        0 => set(400, 0),
        1 => set(7, 300),
        2 => Order::Pause,
        3 => Order::Resume,
        _ => Order::Annotate("deployed".to_owned()),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_run_told_again_is_the_same_run(started in prop::bool::weighted(0.8), groups in groups()) {
        let mut lived = Lived::new();
        if started {
            lived.group(vec![hello(0), hello(1), ready(0), ready(1)]);
            lived.now_ns += 100 * MS;
        }
        let mut last_seq = [0; 3];
        for (group, pause_ms) in groups {
            let group = group.into_iter().map(|(act, link)| happened(act, link, &mut last_seq[link as usize]));
            lived.group(group.collect());
            lived.now_ns += pause_ms * MS;
        }
        lived.group(vec![Happened::tick()]);
        prop_assert_eq!(document_of(&lived.disk.bytes()), lived.document());
    }
}
