//! One example of each thing that went wrong.

use std::collections::BTreeMap;

use muster_proto::measurement::{Sample, Sampled, TraceId};
use serde::{Deserialize, Serialize};

/// The earliest example of each thing; bounded by their number, and the same whatever the order in which agents tell of
/// them.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Samples {
    first: BTreeMap<Sampled, Sample>,
    /// The trace of the earliest that has one.
    traces: BTreeMap<Sampled, (u64, TraceId)>,
}

impl Samples {
    pub(super) fn add(&mut self, samples: &[Sample]) {
        for sample in samples {
            let kept = self.first.entry(sample.of).or_insert_with(|| sample.clone());
            if (sample.at_ns, &sample.text) < (kept.at_ns, &kept.text) {
                *kept = sample.clone();
            }
            if let Some(trace) = sample.trace.map(|trace| (sample.at_ns, trace)) {
                let kept = self.traces.entry(sample.of).or_insert(trace);
                *kept = trace.min(*kept);
            }
        }
    }

    pub(super) fn of(&self, of: Sampled) -> Option<&Sample> {
        self.first.get(&of)
    }

    pub(super) fn trace(&self, of: Sampled) -> Option<TraceId> {
        self.traces.get(&of).map(|(_, trace)| *trace)
    }
}
