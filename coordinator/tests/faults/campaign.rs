//! Many runs, some of them at a time.

use std::io::Write;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use super::evidence::gather;
use super::fault::{Kind, Schedule};
use super::record::{Record, summary};
use super::sandbox;

/// How many runs there are unless said: every kind of fault begins one.
const RUNS_DEFAULT: u64 = 15;
/// How many there are of runs whose coordinators' power is cut.
const POWER_CUT_RUNS_DEFAULT: u64 = 2;
/// They sleep most of the time.
const AT_ONCE_DEFAULT: u64 = 4;

/// What is to be done.
pub(crate) struct Campaign {
    first_seed: u64,
    runs: u64,
    at_once: u64,
    only: Option<Kind>,
    file: Option<String>,
}

impl Campaign {
    /// Runs in which whatever happens that `MUSTER_FAULTS_ONLY` permits.
    pub(crate) fn from_environment() -> Self {
        let only = std::env::var("MUSTER_FAULTS_ONLY").ok();
        Self::of(only.map(|name| Kind::named(&name).expect("a kind of fault")), RUNS_DEFAULT)
    }

    /// Runs in which nothing happens but that.
    pub(crate) fn of_power_cuts() -> Self {
        Self::of(Some(Kind::CutPower), POWER_CUT_RUNS_DEFAULT)
    }

    fn of(only: Option<Kind>, runs: u64) -> Self {
        let number = |name: &str, default: u64| {
            std::env::var(name).map_or(default, |text| text.parse().unwrap_or_else(|_| panic!("{name}: {text:?}")))
        };
        Self {
            first_seed: number("MUSTER_FAULTS_SEED", 0),
            runs: number("MUSTER_FAULTS_RUNS", runs),
            at_once: number("MUSTER_FAULTS_AT_ONCE", AT_ONCE_DEFAULT).clamp(1, 16),
            only,
            file: std::env::var("MUSTER_FAULTS_FILE").ok(),
        }
    }

    /// Lets the runs happen and judges them.
    pub(crate) fn run(&self) {
        let records = Mutex::new(Vec::new());
        let next = AtomicU64::new(self.first_seed);
        let limits = Limits::of_this_machine();
        std::thread::scope(|scope| {
            for world in 1..=self.at_once as u8 {
                let (records, next, limits) = (&records, &next, &limits);
                scope.spawn(move || {
                    while let Some(seed) = self.take_seed(next) {
                        let record = try_out(limits.within(Schedule::draw(seed, self.only)), world);
                        eprintln!("{}", record.line());
                        self.write(&record.document());
                        records.lock().unwrap().push(record);
                    }
                });
            }
        });
        let records = records.into_inner().unwrap();
        let summary = summary(&records);
        eprintln!("{summary}");
        self.write(&summary);
        let breached: Vec<u64> = records.iter().filter(|record| !record.breaches.is_empty()).map(|r| r.seed).collect();
        assert!(breached.is_empty(), "laws were broken in the runs with these seeds: {breached:?}");
    }

    fn take_seed(&self, next: &AtomicU64) -> Option<u64> {
        Some(next.fetch_add(1, Relaxed)).filter(|seed| *seed < self.first_seed + self.runs)
    }

    fn write(&self, document: &serde_json::Value) {
        let Some(file) = &self.file else { return };
        let file = std::fs::OpenOptions::new().create(true).append(true).open(file);
        writeln!(file.unwrap(), "{document}").unwrap();
    }
}

/// Lets one run happen and judges it.
pub(crate) fn try_out(schedule: Schedule, world: u8) -> Record {
    let drawn = schedule.clone();
    let tried = catch_unwind(AssertUnwindSafe(|| Record::of(gather(schedule, world))));
    tried.unwrap_or_else(|reason| {
        let text = reason.downcast_ref::<String>().cloned();
        let text = text.or_else(|| reason.downcast_ref::<&str>().map(|text| (*text).to_owned()));
        Record::of_failure(&drawn, text.unwrap_or_default())
    })
}

/// What this machine does not permit.
struct Limits {
    clocks: bool,
    system_calls: bool,
}

impl Limits {
    fn of_this_machine() -> Self {
        let limits = Self { clocks: sandbox::has_clocks_of_its_own(), system_calls: sandbox::can_break_system_calls() };
        if !limits.clocks {
            eprintln!("SKIPPED: clocks hours apart, for this machine permits no time namespaces");
        }
        if !limits.system_calls {
            eprintln!("SKIPPED: a disk that fails to synchronise, for it takes strace");
        }
        limits
    }

    fn within(&self, mut schedule: Schedule) -> Schedule {
        if !self.clocks {
            schedule.ahead.fill(std::time::Duration::ZERO);
        }
        if !self.system_calls {
            schedule.faults.iter_mut().filter(|fault| fault.kind == Kind::FailingSync).for_each(|fault| {
                fault.kind = Kind::FullDisk;
            });
        }
        schedule
    }
}
