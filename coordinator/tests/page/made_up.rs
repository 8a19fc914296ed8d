//! Runs of two requests in virtual time, whose plan and requests bear hostile names.

use std::collections::BTreeMap;
use std::path::Path;

use muster::plan_file::{self, Format};
use muster::run::event::Event;
use muster::run::life::{Run, RunSettings};
use muster::run::record::RunRecord;
use muster_proto::id::RunId;
use muster_proto::measurement::{Delta, Health, Measurement, RequestStats, Sample, Sampled, Shape};
use muster_proto::outcome::{ErrorKind, Outcome};
use muster_proto::plan::Plan;

use super::whole::{LINK, Whole};

const SECONDS: u32 = 60;
const HOSTILE: &str = "<b>hostile</b>";

/// What becomes of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tale {
    /// It goes as it should.
    Good,
    /// A threshold does not hold, and requests fail.
    Failed,
    /// Its only agent is lost.
    Lost,
    /// Nobody joins it.
    Empty,
}

impl Tale {
    /// The run, whose first request takes so many milliseconds and more.
    pub(crate) fn told(self, ms: u64) -> RunRecord {
        let plan = self.plan();
        let settings = RunSettings {
            id: RunId::generate(),
            plan: plan.clone(),
            tags: BTreeMap::from([(HOSTILE.to_owned(), HOSTILE.to_owned())]),
            strict: false,
            lease_ns: 3_000_000_000,
            gather_max_ns: 60_000_000_000,
        };
        if self == Self::Empty {
            let mut run = Run::new(settings, 0);
            run.apply(Event::Stop, 1);
            return run.into_record("2027-01-01T00:00:00Z".to_owned());
        }
        let mut whole = Whole::begun(settings);
        whole.go_on(SECONDS, |window| self.delta(&plan, window, ms));
        if self == Self::Lost {
            whole.tell(Event::Expelled(LINK, HOSTILE.to_owned()));
            return whole.record();
        }
        whole.ended()
    }

    fn plan(self) -> Plan {
        let threshold = if self == Self::Failed { "p(50) < 1ms" } else { "p(50) < 10s" };
        let text = format!(
            "name: '{HOSTILE}'\ntarget: http://127.0.0.1:9\nthresholds: [ 'http_req_duration: {threshold}' ]\nscenarios:\n  s:\n    \
             executor: constant-arrival-rate\n    rate: 100/s\n    duration: {SECONDS}s\n    steps: [ {{ name: '<i>a</i>', get: /a, \
             expect: {{ status: 200 }} }}, {{ name: b, get: /b }} ]\n"
        );
        plan_file::from_str(&text, Format::Yaml, "plan", Path::new(".")).expect("a plan").plan
    }

    /// What is measured in a window.
    fn delta(self, plan: &Plan, window: u32, ms: u64) -> Delta {
        let mut measurement = Measurement::new(Shape::of(plan));
        for stats in &mut measurement.scenarios {
            stats.due += 20;
            stats.started += 20;
            stats.completed += 20;
        }
        for (number, stats) in measurement.series.iter_mut().enumerate() {
            // Only the first request is slower than it was, and each second is another.
            let slow_ms = if number == 0 { ms } else { 10 } + u64::from(window / 5 * 7 % 5);
            (0..20).for_each(|n| stats.response_expected.record((slow_ms * (10 + n)) * 100_000));
            stats.sent += 20;
            stats.expected += 20;
            if self == Self::Failed {
                fail(stats);
            }
        }
        if self == Self::Failed {
            let of = Sampled::Failure(0, ErrorKind::Protocol);
            measurement.samples.push(Sample { of, at_ns: 1, text: HOSTILE.to_owned(), trace: None });
        }
        let health = Health { worker_cpu_max: 0.5, process_cpu: 0.6, ..Health::default() };
        Delta { seq: 0, first_window: window, last_window: window, measurement, health }
    }
}

fn fail(stats: &mut RequestStats) {
    stats.sent += 1;
    stats.count_outcome(Outcome::Failed(ErrorKind::Protocol));
    stats.response_failed.record(1_000_000);
}
