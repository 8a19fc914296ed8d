//! What is acknowledged is durable, on disks that are slow and on disks that fail.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

use muster::exit::ExitCode;
use muster::journal::Medium;
use muster::run::record::Ending;
use muster_agent::guard::Guard;
use muster_proto::wire::from_agent::Message;
use muster_proto::wire::{self, from_coordinator};
use muster_target::{Config, Target};

use super::stranger::Stranger;
use super::support::{Coordinator, plan};

/// How a disk takes what it is given.
const WELL: u8 = 0;
const NOT_YET: u8 = 1;
const NEVER: u8 = 2;

/// How long nothing may come that must never come.
const QUIET: Duration = Duration::from_millis(500);

/// A disk that does as the test says.
#[derive(Clone, Default)]
struct Moody {
    mood: Arc<AtomicU8>,
    syncs_after_failure: Arc<AtomicU8>,
}

impl Moody {
    fn becomes(&self, mood: u8) {
        self.mood.store(mood, Ordering::SeqCst);
    }
}

impl Medium for Moody {
    fn append(&mut self, _: &[u8]) -> io::Result<()> {
        Ok(())
    }

    fn sync(&mut self) -> io::Result<()> {
        while self.mood.load(Ordering::SeqCst) == NOT_YET {
            std::thread::sleep(Duration::from_millis(5));
        }
        match self.mood.load(Ordering::SeqCst) {
            // A disk that lost something may well say the next time that all is durable.
            NEVER if self.syncs_after_failure.fetch_add(1, Ordering::SeqCst) == 0 => Err(io::Error::other("worn out")),
            _ => Ok(()),
        }
    }
}

async fn next_ack(agent: &mut Stranger) -> u64 {
    loop {
        if let from_coordinator::Message::Ack(ack) = agent.hear().await.expect("an acknowledgement") {
            return ack.seq;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_acknowledged_before_it_is_durable() {
    let (target, disk) = (Target::start(Config::default()).unwrap(), Moody::default());
    let coordinator = Coordinator::writing(&plan(&target, 1, "fail", "10/s", "60s"), disk.clone()).await;
    let mut agent = Stranger::join(&coordinator.address, "agent").await;
    agent.say(Message::Ready(wire::Ready::default())).await;
    while !matches!(agent.hear().await.expect("a start"), from_coordinator::Message::Start(_)) {}
    agent.say(Message::Delta(wire::Delta { seq: 1, ..Default::default() })).await;
    assert_eq!(next_ack(&mut agent).await, 1);
    disk.becomes(NOT_YET);
    agent.say(Message::Delta(wire::Delta { seq: 2, ..Default::default() })).await;
    let early = tokio::time::timeout(QUIET, next_ack(&mut agent)).await;
    assert!(early.is_err(), "acknowledged while the disk had not answered: {early:?}");
    disk.becomes(WELL);
    assert_eq!(next_ack(&mut agent).await, 2);
    drop(agent);
    coordinator.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_disk_that_fails_once_ends_the_run_and_is_never_asked_again() {
    let (target, disk) = (Target::start(Config::default()).unwrap(), Moody::default());
    let coordinator = Coordinator::writing(&plan(&target, 1, "fail", "100/s", "300s"), disk.clone()).await;
    let agent = coordinator.join("one", 1, Guard::loopback_only());
    while target.counts().responses < 50 {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    disk.becomes(NEVER);
    let (record, _) = coordinator.end().await;
    agent.await.unwrap().expect("released");
    let Ending::Failed { exit_code, reason } = record.ending else { panic!("{:?}", record.ending) };
    assert_eq!((exit_code, reason.as_str()), (ExitCode::Storage, "the journal cannot be written: worn out"));
    assert_eq!(disk.syncs_after_failure.load(Ordering::SeqCst), 1);
    let counts = record.timeline.counts();
    assert!(counts.sent >= 50 && counts.completed <= target.stop().responses, "what was measured is reported");
}
