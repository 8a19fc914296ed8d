//! The target's side: every request that any agent sent, as seen from outside of every host. The truth that reports are
//! held against.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, Weak};

use muster::run::timeline::Counts;
use muster_agent::session::Notice;
use muster_proto::change::What;
use muster_proto::convert::delta_to_wire;
use muster_proto::measurement::{Delta, SkipReason};
use prost::Message;

use super::clock::true_ns;
use super::hands::Hands;
use super::history::fnv;

/// A start of an agent's process, by its place among all of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct ProcessId(pub(crate) usize);

/// The target, and whatever else is seen from outside. Copies are of the same target.
#[derive(Clone, Default)]
pub(crate) struct Target(Arc<Mutex<Seen>>);

/// What was seen.
#[derive(Default)]
pub(crate) struct Seen {
    /// Every request, in the order in which they came.
    pub(crate) requests: Vec<Request>,
    /// What was made once, or more often.
    pub(crate) chores: Vec<ChoreSeen>,
    /// Every start of an agent's process.
    pub(crate) processes: Vec<Process>,
    /// What each generator that may still be at work holds.
    hands: Vec<(ProcessId, Weak<Hands>)>,
    /// How often shares were given to an agent, and taken away from one.
    pub(crate) granted: u64,
    pub(crate) revoked: u64,
    /// How often an agent went on by another profile.
    pub(crate) reshaped: u64,
    /// What did not go as it must, found at once.
    pub(crate) wrong: Vec<String>,
}

/// A request as the target saw it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Request {
    /// Which iteration it is of: the scenario, and the number in it.
    pub(crate) iteration: (usize, u64),
    pub(crate) process: ProcessId,
    pub(crate) at_ns: u64,
}

/// Something that is made once per run.
#[derive(Clone, Debug)]
pub(crate) struct ChoreSeen {
    pub(crate) name: String,
    pub(crate) begun_ns: u64,
    pub(crate) ended_ns: Option<u64>,
}

/// A start of an agent's process, with what it says of its measurements.
pub(crate) struct Process {
    pub(crate) name: String,
    pub(crate) host: usize,
    /// When it began, in true time.
    pub(crate) began_ns: u64,
    /// The true moment for which its start was ordered, by its own estimate.
    pub(crate) start_ns: Option<i64>,
    /// When that was first ordered.
    pub(crate) ordered_ns: Option<u64>,
    pub(crate) skipped_for_lease: u64,
    /// What each numbered delta counts.
    pub(crate) deltas: BTreeMap<u64, (Counts, u64)>,
    pub(crate) sent_again: u64,
    /// Deltas of more than one window.
    pub(crate) coarse: u64,
    pub(crate) acknowledged: u64,
}

impl Target {
    /// Looks at, or adds to, what was seen.
    pub(crate) fn with<T>(&self, work: impl FnOnce(&mut Seen) -> T) -> T {
        work(&mut self.0.lock().expect("nobody panics with the truth in his hands"))
    }

    /// An agent's process begins on a host, as the `boot`-th one.
    pub(crate) fn begins(&self, host: usize) -> (ProcessId, String) {
        self.with(|seen| {
            let boot = seen.processes.iter().filter(|process| process.host == host).count();
            let name = format!("agent-{host}.{boot}");
            seen.processes.push(Process {
                name: name.clone(),
                host,
                began_ns: 0,
                start_ns: None,
                ordered_ns: None,
                skipped_for_lease: 0,
                deltas: BTreeMap::new(),
                sent_again: 0,
                coarse: 0,
                acknowledged: 0,
            });
            (ProcessId(seen.processes.len() - 1), name)
        })
    }

    /// A process begins anew on its host: whoever has lost his part, or never got it, may get another.
    pub(crate) fn begins_anew(&self, process: ProcessId) -> (ProcessId, String) {
        self.begins(self.with(|seen| seen.processes[process.0].host))
    }

    /// The process that began last on a host.
    pub(crate) fn latest_on(&self, host: usize) -> Option<ProcessId> {
        self.with(|seen| seen.processes.iter().rposition(|process| process.host == host).map(ProcessId))
    }

    /// An agent's generator is prepared.
    pub(crate) fn holds(&self, process: ProcessId, hands: &Arc<Hands>) {
        self.with(|seen| seen.hands.push((process, Arc::downgrade(hands))));
    }

    /// A chore begins, or has ended.
    pub(crate) fn chore(&self, name: &str, has_ended: bool) {
        let now_ns = true_ns();
        self.with(|seen| match seen.chores.iter_mut().rfind(|chore| has_ended && chore.name == name) {
            Some(chore) => chore.ended_ns = Some(now_ns),
            None => seen.chores.push(ChoreSeen { name: name.to_owned(), begun_ns: now_ns, ended_ns: None }),
        });
    }

    /// Shares were given to an agent, or taken away.
    pub(crate) fn changes(&self, what: &What) {
        self.with(|seen| match what {
            What::Granted(_) => seen.granted += 1,
            What::Revoked(_) => seen.revoked += 1,
            What::Reshaped(_) => seen.reshaped += 1,
        });
    }

    /// Takes a request of an iteration that is due at this moment of run time. Nobody else could have sent it now. `key` is
    /// what its shard follows from.
    pub(crate) fn serve(&self, process: ProcessId, iteration: (usize, u64), key: u64, due_ns: u64) {
        let at_ns = true_ns();
        self.with(|seen| {
            seen.requests.push(Request { iteration, process, at_ns });
            // Where profiles went on in another way, each agent has moments of its own for what it holds.
            let others = seen.hands.iter().filter(|(other, _)| *other != process && seen.reshaped == 0);
            let another = others.filter_map(|(other, hands)| Some((other, hands.upgrade()?)));
            let another = { another }.find(|(_, hands)| hands.could_start(iteration.0, key, due_ns));
            if let Some((ProcessId(other), _)) = another {
                let (mine, other) = (&seen.processes[process.0].name, &seen.processes[*other].name);
                seen.wrong.push(format!(
                    "{mine} served iteration {iteration:?} at {at_ns} ns, which {other} could start too"
                ));
            }
        });
    }

    pub(crate) fn starts(&self, process: ProcessId, at_ns: i64) {
        let ordered_ns = true_ns();
        self.with(|seen| {
            let process = &mut seen.processes[process.0];
            process.start_ns = Some(at_ns);
            process.ordered_ns.get_or_insert(ordered_ns);
        });
    }

    pub(crate) fn skipped(&self, process: ProcessId, reason: SkipReason) {
        let for_lease = u64::from(reason == SkipReason::Lease);
        self.with(|seen| seen.processes[process.0].skipped_for_lease += for_lease);
    }

    /// Hears what becomes of a process's measurements.
    pub(crate) fn notice(&self, process: ProcessId, notice: Notice<'_>) {
        self.with(|seen| {
            let known = &mut seen.processes[process.0];
            match notice {
                Notice::Acknowledged(seq) => known.acknowledged = known.acknowledged.max(seq),
                Notice::Sent(delta) => {
                    let told = (Counts::of(&delta.measurement), fingerprint(delta));
                    let before = known.deltas.insert(delta.seq, told);
                    known.sent_again += u64::from(before.is_some());
                    known.coarse += u64::from(before.is_none() && delta.last_window > delta.first_window);
                    if before.is_some_and(|before| before != told) {
                        seen.wrong.push(format!("{}: delta {} is not what it was", known.name, delta.seq));
                    }
                }
            }
        });
    }
}

/// Tells deltas apart by their bytes.
fn fingerprint(delta: &Delta) -> u64 {
    fnv(&delta_to_wire(delta).encode_to_vec())
}
