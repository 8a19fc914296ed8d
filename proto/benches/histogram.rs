//! What recording, encoding and merging histograms cost: `cargo bench -p muster-proto --bench histogram`.
//!
//! Every figure is the median of several rounds of one thread.

use std::hint::black_box;
use std::time::Instant;

use muster_proto::histogram::Histogram;

const ROUNDS: usize = 21;
/// As many as a request's response, service, queue, lag and phases.
const PER_REQUEST: usize = 12;
const REQUESTS: usize = 1 << 16;
const PAYLOADS: usize = 256;
/// How many requests of one series an agent makes in one window, in this benchmark.
const PER_PAYLOAD: usize = 60;

fn main() {
    let mut values = Values(1);
    let samples: Vec<u64> = (0..REQUESTS).map(|_| values.next(1e6, 0.3)).collect();
    record(&samples);
    record_requests(&samples);

    let windows: Vec<Histogram> = (0..PAYLOADS).map(|_| window(&mut values)).collect();
    let payloads: Vec<Vec<u8>> = windows.iter().map(encoded).collect();
    let mean = |total: usize| total / PAYLOADS;
    println!("typical payload      {:>9} buckets", mean(windows.iter().map(|window| window.buckets().count()).sum()));
    println!("typical payload      {:>9} bytes", mean(payloads.iter().map(Vec::len).sum()));
    encode(&windows);
    merge(&windows);
    merge_encoded(&payloads);
    decode(&payloads);
}

fn record(samples: &[u64]) {
    let mut histogram = Histogram::default();
    let ns = median_ns(|| samples.iter().for_each(|value_ns| histogram.record(black_box(*value_ns))));
    println!("record, alone        {:>9.2} ns", ns / samples.len() as f64);
}

/// Twelve histograms of different ranges in turn, emptied as at a window's edge.
fn record_requests(samples: &[u64]) {
    let mut histograms: [Histogram; PER_REQUEST] = Default::default();
    let ns = median_ns(|| {
        for value_ns in samples {
            for (place, histogram) in histograms.iter_mut().enumerate() {
                histogram.record(black_box(*value_ns >> place));
            }
        }
        histograms.iter_mut().for_each(Histogram::clear);
    });
    println!("record, in turn      {:>9.2} ns", ns / (samples.len() * PER_REQUEST) as f64);
}

fn encode(windows: &[Histogram]) {
    let mut bytes = Vec::new();
    let ns = median_ns(|| {
        for window in windows {
            bytes.clear();
            window.encode(black_box(&mut bytes));
        }
    });
    print_rate("encode", ns);
}

fn merge(windows: &[Histogram]) {
    let mut whole = Histogram::default();
    let ns = median_ns(|| windows.iter().for_each(|window| whole.merge(black_box(window))));
    print_rate("merge", ns);
}

fn merge_encoded(payloads: &[Vec<u8>]) {
    let mut whole = Histogram::default();
    let ns = median_ns(|| {
        for payload in payloads {
            whole.merge_encoded(black_box(payload)).expect("the payload is valid");
        }
    });
    print_rate("merge_encoded", ns);
}

fn decode(payloads: &[Vec<u8>]) {
    let ns = median_ns(|| {
        for payload in payloads {
            black_box(Histogram::decode(black_box(payload)).expect("the payload is valid"));
        }
    });
    print_rate("decode", ns);
}

fn print_rate(name: &str, round_ns: f64) {
    println!("{name:<21}{:>9.0} /s", 1e9 * PAYLOADS as f64 / round_ns);
}

fn window(values: &mut Values) -> Histogram {
    let mut histogram = Histogram::default();
    (0..PER_PAYLOAD).for_each(|_| histogram.record(values.next(5e6, 0.05)));
    histogram
}

fn encoded(histogram: &Histogram) -> Vec<u8> {
    let mut bytes = Vec::new();
    histogram.encode(&mut bytes);
    bytes
}

fn median_ns(mut round: impl FnMut()) -> f64 {
    let mut rounds = [0.0; ROUNDS];
    for round_ns in &mut rounds {
        let begin = Instant::now();
        round();
        *round_ns = begin.elapsed().as_nanos() as f64;
    }
    rounds.sort_by(f64::total_cmp);
    rounds[ROUNDS / 2]
}

/// Repeatable log-normal durations, from a 64-bit linear congruential generator (Knuth, MMIX).
struct Values(u64);

impl Values {
    fn next(&mut self, median_ns: f64, sigma: f64) -> u64 {
        // The sum of twelve uniform numbers is nearly normal, with a variance of one.
        let normal: f64 = (0..12).map(|_| self.uniform()).sum::<f64>() - 6.0;
        (median_ns * (sigma * normal).exp()) as u64
    }

    fn uniform(&mut self) -> f64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 11) as f64 / (1u64 << 53) as f64
    }
}
