//! What goes wrong in a run, and when.

use std::time::Duration;

use super::draw::Draw;

/// How many agents a run begins with.
pub(crate) const AGENTS: usize = 5;

/// A way for things to go wrong, or to change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    /// An agent's process is killed.
    Kill,
    /// An agent's process is killed, and another is started in its place.
    Restart,
    /// An agent's process stands still.
    Freeze,
    /// Nothing passes between an agent and the coordinator, either way.
    CutOff,
    /// Nothing passes from the coordinator to an agent.
    Deaf,
    /// Nothing passes from an agent to the coordinator.
    Mute,
    /// An agent's stream is reset.
    Reset,
    /// An agent's link is slow.
    Slow,
    /// An agent's operator ends it.
    Leave,
    /// One more agent joins.
    Join,
    /// The coordinator's process stands still.
    FreezeCoordinator,
    /// The coordinator's process is killed, and another one goes on with the run.
    KillCoordinator,
    /// The same, and the disk has kept only what had reached it.
    CutPower,
    /// The user stops the run.
    Stop,
    /// The journal's disk is full after a while.
    FullDisk,
    /// The journal's disk fails to synchronise after a while.
    FailingSync,
}

impl Kind {
    /// All but the one that takes a disk of its own.
    const ALL: [Self; 15] = [
        Self::Kill,
        Self::CutOff,
        Self::Freeze,
        Self::Deaf,
        Self::Restart,
        Self::Mute,
        Self::Leave,
        Self::Stop,
        Self::Join,
        Self::FreezeCoordinator,
        Self::Slow,
        Self::FullDisk,
        Self::Reset,
        Self::FailingSync,
        Self::KillCoordinator,
    ];
    /// Those that go together with others.
    const COMPANIONS: [Self; 12] = [
        Self::Kill,
        Self::Restart,
        Self::Freeze,
        Self::CutOff,
        Self::Deaf,
        Self::Mute,
        Self::Reset,
        Self::Slow,
        Self::Leave,
        Self::Join,
        Self::FreezeCoordinator,
        Self::KillCoordinator,
    ];

    /// The kind with this name.
    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| format!("{kind:?}") == name)
    }

    /// Whether it is about the journal's disk.
    pub(crate) fn is_of_disk(self) -> bool {
        matches!(self, Self::FullDisk | Self::FailingSync)
    }

    /// Whether another coordinator goes on with the run.
    pub(crate) fn ends_coordinator(self) -> bool {
        matches!(self, Self::KillCoordinator | Self::CutPower)
    }

    /// Whether it befalls the coordinator's process.
    fn is_of_coordinator(self) -> bool {
        self.ends_coordinator() || matches!(self, Self::FreezeCoordinator | Self::Stop)
    }

    /// Whether it may silence an agent until it is given up.
    pub(crate) fn silences(self) -> bool {
        self.severs() || matches!(self, Self::Kill | Self::Restart | Self::Freeze)
    }

    /// Whether it leaves every agent alive and able to tell all that it knows.
    pub(crate) fn spares_agents(self) -> bool {
        self.ends_coordinator() || matches!(self, Self::FreezeCoordinator | Self::Reset | Self::Leave | Self::Join)
    }

    /// Whether it parts an agent that goes on from its coordinator.
    pub(crate) fn severs(self) -> bool {
        matches!(self, Self::CutOff | Self::Deaf | Self::Mute)
    }
}

/// A fault of a run.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fault {
    pub(crate) kind: Kind,
    /// The agent it befalls, from 0; where it befalls none, it says nothing.
    pub(crate) agent: usize,
    /// When it begins, from the run's start.
    pub(crate) at: Duration,
    /// How long it lasts, where it ends.
    pub(crate) lasts: Duration,
}

impl Fault {
    /// Whether both befall the coordinator, and one would find what the other has left of it.
    fn clashes(&self, other: &Self) -> bool {
        let (first, second) = if self.at <= other.at { (self, other) } else { (other, self) };
        let until = if first.kind == Kind::Stop { Duration::MAX } else { first.at + first.lasts + RECOVERY };
        first.kind.is_of_coordinator() && second.kind.is_of_coordinator() && second.at < until
    }
}

/// How long a coordinator is left in peace after a fault.
const RECOVERY: Duration = Duration::from_millis(300);

/// Everything about a run that is left to chance.
#[derive(Clone, Debug)]
pub(crate) struct Schedule {
    pub(crate) seed: u64,
    /// How long load is generated.
    pub(crate) seconds: u64,
    /// In the order in which they begin.
    pub(crate) faults: Vec<Fault>,
    /// How far each host's clock since boot is ahead of the coordinator's.
    pub(crate) ahead: Vec<Duration>,
    /// Whether agents have a spool.
    pub(crate) spooled: bool,
    /// Whether the journal's disk says that it has synchronised what it has not.
    pub(crate) disk_lies: bool,
}

impl Schedule {
    /// The run with this seed, with faults of one kind only if that is wanted. Neighbouring seeds begin with different
    /// kinds, so that a few runs have seen all.
    pub(crate) fn draw(seed: u64, only: Option<Kind>) -> Self {
        let mut draw = Draw(seed);
        let seconds = 8 + draw.below(4) as u64;
        let first = only.unwrap_or(Kind::ALL[seed as usize % Kind::ALL.len()]);
        let mut victims: Vec<usize> = (0..AGENTS).collect();
        let mut victim = |draw: &mut Draw| victims.swap_remove(draw.below(victims.len()));
        let mut fault = |kind, draw: &mut Draw| Fault {
            kind,
            agent: if kind == Kind::Join { AGENTS } else { victim(draw) },
            at: draw.between_ms(700, seconds * 1_000 - 700),
            lasts: if kind.ends_coordinator() { absence(draw) } else { draw.between_ms(300, 4_000) },
        };
        let mut faults = vec![fault(first, &mut draw)];
        let companions = if first.is_of_disk() { 0 } else { draw.below(4).max(if only.is_some() { 3 } else { 0 }) };
        for _ in 0..companions {
            let next = fault(only.unwrap_or_else(|| draw.one_of(&Kind::COMPANIONS)), &mut draw);
            let joins = |fault: &Fault| fault.kind == Kind::Join;
            if !faults.iter().any(|known| known.clashes(&next) || (joins(known) && joins(&next))) {
                faults.push(next);
            }
        }
        faults.sort_by_key(|fault| fault.at);
        let ahead = (0..=AGENTS).map(|_| Duration::from_secs(draw.below(36_000) as u64)).collect();
        Self { seed, seconds, faults, ahead, spooled: !seed.is_multiple_of(3), disk_lies: false }
    }

    /// A short run in which nothing goes wrong.
    pub(crate) fn quiet() -> Self {
        let ahead = vec![Duration::ZERO; AGENTS + 1];
        Self { seed: 0, seconds: 2, faults: Vec::new(), ahead, spooled: true, disk_lies: false }
    }

    /// The fault of this kind, if there is one, with its place.
    pub(crate) fn find(&self, kind: Kind) -> Option<(usize, &Fault)> {
        self.faults.iter().enumerate().find(|(_, fault)| fault.kind == kind)
    }
}

/// How long a run is without a coordinator: within the lease of its agents, or for longer.
fn absence(draw: &mut Draw) -> Duration {
    if draw.below(2) == 0 { draw.between_ms(0, 800) } else { draw.between_ms(1_500, 6_000) }
}

impl std::fmt::Display for Schedule {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let spooled = if self.spooled { ", with spools" } else { "" };
        write!(f, "seed {}, {} s{spooled}:", self.seed, self.seconds)?;
        for Fault { kind, agent, at, lasts } in &self.faults {
            write!(f, " {kind:?} of {} at {at:?} for {lasts:?};", super::cluster::name(*agent))?;
        }
        Ok(())
    }
}
