//! One example of each thing that went wrong.

use std::collections::BTreeMap;

use muster_proto::measurement::{Sample, Sampled};
use serde::{Deserialize, Serialize};

/// The earliest example of each thing; bounded by their number, and the same whatever the order in which agents tell of
/// them.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Samples(BTreeMap<Sampled, Sample>);

impl Samples {
    pub(super) fn add(&mut self, samples: &[Sample]) {
        for sample in samples {
            let kept = self.0.entry(sample.of).or_insert_with(|| sample.clone());
            if (sample.at_ns, &sample.text) < (kept.at_ns, &kept.text) {
                *kept = sample.clone();
            }
        }
    }

    pub(super) fn of(&self, of: Sampled) -> Option<&Sample> {
        self.0.get(&of)
    }
}
