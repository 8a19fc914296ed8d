//! Faults as they happen to a cluster.

use std::time::Duration;

use muster_target::now_ns;

use super::cluster::Cluster;
use super::fault::{Fault, Kind, Schedule};
use super::process::Signal;

/// How long a reset stream meets resets.
const RESETTING: Duration = Duration::from_millis(100);

/// What there is to do at a moment.
#[derive(Clone, Copy)]
struct Turn {
    at: Duration,
    fault: usize,
    begins: bool,
}

/// Lets the faults happen, each when it is due, until the run has ended. Returns the moments at which they had begun, on
/// this process's clock since boot.
pub(crate) fn perform(schedule: &Schedule, cluster: &mut Cluster) -> Vec<Option<u64>> {
    let started_ns = now_ns();
    let mut begun = vec![None; schedule.faults.len()];
    for turn in turns(schedule) {
        while Duration::from_nanos(now_ns() - started_ns) < turn.at {
            if cluster.coordinator.has_ended() {
                return begun;
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        let fault = &schedule.faults[turn.fault];
        if turn.begins {
            // A signal is sent in no time, a rule has to be set first.
            let before_ns = now_ns();
            begin(fault, cluster);
            begun[turn.fault] = Some(if fault.kind.severs() { now_ns() } else { before_ns });
        } else {
            end(fault, cluster);
        }
    }
    begun
}

fn turns(schedule: &Schedule) -> Vec<Turn> {
    let mut turns = Vec::new();
    for (fault, Fault { kind, at, lasts, .. }) in schedule.faults.iter().enumerate() {
        if kind.is_of_disk() {
            continue;
        }
        turns.push(Turn { at: *at, fault, begins: true });
        let lasts = if *kind == Kind::Reset { RESETTING } else { *lasts };
        turns.push(Turn { at: *at + lasts, fault, begins: false });
    }
    turns.sort_by_key(|turn| turn.at);
    turns
}

fn begin(fault: &Fault, cluster: &mut Cluster) {
    let (coordinator, host) = (&cluster.coordinator_host, &cluster.agent_hosts[fault.agent]);
    match fault.kind {
        Kind::Kill | Kind::Restart => cluster.agent(fault.agent).signal(Signal::KILL),
        Kind::Freeze => cluster.agent(fault.agent).signal(Signal::STOP),
        Kind::Leave => cluster.agent(fault.agent).signal(Signal::TERM),
        Kind::Join => cluster.join(fault.agent),
        Kind::CutOff => {
            coordinator.ignore(host, true);
            host.ignore(coordinator, true);
        }
        Kind::Deaf => host.ignore(coordinator, true),
        Kind::Mute => coordinator.ignore(host, true),
        Kind::Reset => coordinator.reset(host, true),
        Kind::Slow => host.slow_down(true),
        Kind::FreezeCoordinator => cluster.coordinator.signal(Signal::STOP),
        Kind::KillCoordinator => cluster.coordinator.kill(|| ()),
        Kind::CutPower => cluster.cut_power(),
        Kind::Stop => cluster.coordinator.signal(Signal::INT),
        Kind::FullDisk | Kind::FailingSync => {}
    }
}

fn end(fault: &Fault, cluster: &mut Cluster) {
    let (coordinator, host) = (&cluster.coordinator_host, &cluster.agent_hosts[fault.agent]);
    match fault.kind {
        Kind::Restart => cluster.join(fault.agent),
        Kind::Freeze => cluster.agent(fault.agent).signal(Signal::CONT),
        Kind::CutOff => {
            coordinator.ignore(host, false);
            host.ignore(coordinator, false);
        }
        Kind::Deaf => host.ignore(coordinator, false),
        Kind::Mute => coordinator.ignore(host, false),
        Kind::Reset => coordinator.reset(host, false),
        Kind::Slow => host.slow_down(false),
        Kind::FreezeCoordinator => cluster.coordinator.signal(Signal::CONT),
        Kind::KillCoordinator | Kind::CutPower => cluster.resume(),
        Kind::Kill | Kind::Leave | Kind::Join | Kind::Stop | Kind::FullDisk | Kind::FailingSync => {}
    }
}
