//! One example of each kind of failure in each series.

use std::collections::BTreeMap;

use muster_proto::measurement::ErrorSample;
use muster_proto::outcome::ErrorKind;
use serde::{Deserialize, Serialize};

/// The earliest failure of each kind in each series; bounded by their numbers, and the same whatever the order in
/// which agents tell of them.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Samples(BTreeMap<(u32, ErrorKind), ErrorSample>);

impl Samples {
    pub(super) fn add(&mut self, samples: &[ErrorSample], series: usize) {
        for sample in samples.iter().filter(|sample| (sample.series as usize) < series) {
            let kept = self.0.entry((sample.series, sample.kind)).or_insert_with(|| sample.clone());
            if (sample.at_ns, &sample.text) < (kept.at_ns, &kept.text) {
                *kept = sample.clone();
            }
        }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &ErrorSample> {
        self.0.values()
    }
}
