//! Which iterations are traced, and what their requests say of it, as W3C Trace Context has it.
//!
//! An iteration is a trace, and each of its requests, hops and repetitions included, a span of it. Which are traced follows
//! from the seed, so it is the same ones in every run of a plan; their names follow from the run as well, so that no two
//! runs have a trace in common, and nobody has to remember them.

use muster_proto::measurement::TraceId;
use muster_proto::plan::Plan;
use ring::digest::{SHA256, digest};
use uuid::Uuid;

use super::random::Key;

/// The header field. Where a request gives it itself, it has no other.
pub(super) const TRACEPARENT: &str = "traceparent";
/// No step of a plan: numbers drawn for it are drawn for nothing else.
const NO_STEP: usize = usize::MAX / 2;

/// The traces of a run.
#[derive(Clone, Copy, Debug)]
pub(super) struct Traces {
    run: Uuid,
    /// The part of all iterations that is traced.
    part: f64,
}

impl Traces {
    /// Those of a run of this plan, if it traces anything.
    pub(super) fn of(plan: &Plan, run: Uuid) -> Option<Self> {
        let millionths = plan.http.trace_millionths;
        (millionths > 0).then(|| Self { run, part: f64::from(millionths) / 1e6 })
    }

    /// The trace of an iteration, if it is traced.
    pub(super) fn trace(&self, key: Key) -> Option<TraceId> {
        let of_iteration = Key { step: NO_STEP, round: 0, ..key };
        if of_iteration.fraction() >= self.part {
            return None;
        }
        let (scenario, iteration) = (key.stream.scenario.to_le_bytes(), key.iteration.to_le_bytes());
        let hash = digest(&SHA256, &[self.run.as_bytes().as_slice(), &scenario, &iteration].concat());
        let mut id = [0; 16];
        id.copy_from_slice(&hash.as_ref()[..16]);
        Some(TraceId(id))
    }

    /// What a request of a step says, if its iteration is traced: each time it is asked for, of another span.
    pub(super) fn traceparent(&self, key: Key) -> Option<String> {
        let trace = self.trace(key)?;
        let span = Uuid::new_v4().as_u128() as u64;
        Some(format!("00-{trace}-{span:016x}-01"))
    }
}

/// The step of an iteration, for whoever wants to know its trace.
#[derive(Clone, Copy)]
pub(super) struct Traced<'a> {
    pub(super) traces: Option<&'a Traces>,
    pub(super) key: Key,
}

impl Traced<'_> {
    /// The trace, if the iteration is traced.
    pub(super) fn id(&self) -> Option<TraceId> {
        self.traces.and_then(|traces| traces.trace(self.key))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use muster_proto::schedule::Stream;

    use super::*;

    fn traces(millionths: u32, run: u128) -> Option<Traces> {
        let mut plan = Plan::default();
        plan.http.trace_millionths = millionths;
        Traces::of(&plan, Uuid::from_u128(run))
    }

    fn key(iteration: u64, step: usize) -> Key {
        Key { stream: Stream { seed: 7, scenario: 1 }, iteration, step, round: step as u64 }
    }

    #[test]
    fn a_part_of_the_iterations_is_traced_and_always_the_same_one() {
        assert!(traces(0, 1).is_none());
        let [some, other] = [1, 2].map(|run| traces(100_000, run).unwrap());
        let ids: Vec<Option<TraceId>> = (0..10_000).map(|iteration| some.trace(key(iteration, 0))).collect();
        let traced = ids.iter().flatten().collect::<BTreeSet<_>>();
        assert!((800..1_200).contains(&traced.len()), "{} of 10 000", traced.len());
        assert_eq!(traced.len(), ids.iter().flatten().count(), "each has a name of its own");
        for (iteration, id) in ids.iter().enumerate() {
            assert_eq!(some.trace(key(iteration as u64, 9)), *id, "all steps are of one trace");
            let elsewhere = other.trace(key(iteration as u64, 0));
            assert_eq!(elsewhere.is_some(), id.is_some());
            assert!(elsewhere.is_none() || elsewhere != *id, "no run has another's traces");
        }
        let all = traces(1_000_000, 1).unwrap();
        assert!((0..1_000).all(|iteration| all.trace(key(iteration, 0)).is_some()));
    }

    #[test]
    fn each_request_is_a_span_of_its_own() {
        let all = traces(1_000_000, 1).unwrap();
        let [one, other] = [0; 2].map(|_| all.traceparent(key(5, 0)).unwrap());
        let id = all.trace(key(5, 3)).unwrap().to_string();
        for said in [&one, &other] {
            let parts: Vec<&str> = said.split('-').collect();
            assert_eq!((parts[0], parts[1], parts[2].len(), parts[3]), ("00", &*id, 16, "01"));
            assert!(said.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f' | b'-')));
        }
        assert_ne!(one, other);
    }
}
