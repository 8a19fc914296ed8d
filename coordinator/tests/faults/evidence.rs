//! What is known of a run once it is over, from the target, the coordinator and the clock.

use jiff::Timestamp;
use muster::begun::Begun;
use muster::report::Report;
use muster_proto::share::Share;

use super::cluster::{Cluster, RATE, Remains};
use super::fault::{AGENTS, Kind, Schedule};
use super::folder::Folder;
use super::process::Ended;
use super::{act, cluster};

/// The requests with one number, as the target saw them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Served {
    pub(crate) id: u64,
    pub(crate) count: u64,
    /// When the first one came.
    pub(crate) at_ns: u64,
}

/// A run that is over.
#[derive(Clone)]
pub(crate) struct Evidence {
    pub(crate) schedule: Schedule,
    /// When each fault had begun, if it had.
    pub(crate) begun: Vec<Option<u64>>,
    /// What became of the coordinator.
    pub(crate) ended: Ended,
    /// How many coordinators were killed before.
    pub(crate) killed: u64,
    pub(crate) report: Report,
    /// What the target saw, in the order in which it came.
    pub(crate) served: Vec<Served>,
    /// The run's start, on the clock of everything here.
    pub(crate) start_ns: u64,
}

/// Lets a run with these faults happen. Its files are gone with the folder.
pub(crate) fn gather(schedule: Schedule, world: u8) -> (Evidence, Folder) {
    let mut cluster = Cluster::start(&schedule, world);
    let begun = act::perform(&schedule, &mut cluster);
    let Remains { ended, killed, ids, document, folder } = cluster.end();
    let report: Report = serde_json::from_str(&document).unwrap_or_else(|error| panic!("{error}: {ended:?}"));
    let start_ns = clock_at(&report.run.started_at);
    (Evidence { schedule, begun, ended, killed, report, served: served(&ids), start_ns }, folder)
}

/// What the clock since boot said at a moment of the wall clock.
fn clock_at(date: &str) -> u64 {
    let date: Timestamp = date.parse().unwrap();
    let now = Begun::now();
    now.clock_ns - u64::try_from(now.wall.duration_since(date).as_nanos()).unwrap()
}

fn served(lines: &str) -> Vec<Served> {
    let served = lines.lines().map(|line| {
        let numbers: Vec<u64> = line.split(' ').map(|number| number.parse().unwrap()).collect();
        Served { id: numbers[0], count: numbers[1], at_ns: numbers[2] }
    });
    let mut served: Vec<Served> = served.collect();
    served.sort_by_key(|served| served.at_ns);
    served
}

impl Evidence {
    /// How many arrivals the plan has.
    pub(crate) fn planned(&self) -> u64 {
        self.schedule.seconds * RATE
    }

    /// When an arrival is due.
    pub(crate) fn due_ns(&self, id: u64) -> u64 {
        self.start_ns + id * (1_000_000_000 / RATE)
    }

    /// How many requests the target has served.
    pub(crate) fn served_count(&self) -> u64 {
        self.served.iter().map(|served| served.count).sum()
    }

    /// How far off any clock may have been, as the report has it.
    pub(crate) fn clock_bound_ns(&self) -> u64 {
        let bounds_us = self.report.agents.iter().map(|agent| agent.clock_uncertainty_us);
        (bounds_us.fold(0.0, f64::max) * 1_000.0) as u64
    }

    /// What an agent that was there from the start held then.
    pub(crate) fn first_share(&self, agent: usize) -> Share {
        let name = cluster::name(agent);
        let first = self.report.agents.iter().take(AGENTS).position(|agent| agent.name == name);
        Share::full().deal(&[1; AGENTS])[first.unwrap()].clone()
    }

    /// Whether nothing ended the run before its time.
    pub(crate) fn went_to_its_end(&self) -> bool {
        self.schedule.faults.iter().all(|fault| fault.kind != Kind::Stop && !fault.kind.is_of_disk())
    }

    /// Whether the coordinator has given an agent up for its silence.
    pub(crate) fn was_lost(&self, agent: usize) -> bool {
        self.ended.err.contains(&format!("lost agent {}: silent", cluster::name(agent)))
    }
}
