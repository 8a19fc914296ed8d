//! Deltas and closing totals.

use bytes::Bytes;

use super::{ConvertError, at_most, invalid, missing, pack, unpack};
use crate::histogram::Histogram;
use crate::measurement::{
    Delta, Gauge, Health, IterationStats, Measurement, RequestStats, SAMPLE_BYTES_MAX, SAMPLES_MAX, Sample, Sampled,
    Shape, SkipReason, Tally, Totals, TraceId,
};
use crate::outcome::ErrorKind;
use crate::wire;

/// A delta as a message: only what happened travels.
#[must_use]
pub fn delta_to_wire(delta: &Delta) -> wire::Delta {
    wire::Delta {
        seq: delta.seq,
        first_window: delta.first_window,
        last_window: delta.last_window,
        measurement: pack(&measurement_to_wire(&delta.measurement, &delta.health)),
    }
}

/// A message as a delta of a plan whose measurements have this shape.
///
/// # Errors
/// [`ConvertError`] names the first field that is not as agreed.
pub fn delta_from_wire(message: &wire::Delta, shape: Shape) -> Result<Delta, ConvertError> {
    let wire::Delta { seq, first_window, last_window, .. } = *message;
    if seq == 0 {
        return Err(invalid("seq", "1 or more", 0));
    }
    if last_window < first_window {
        return Err(invalid("last_window", format!("{first_window} or more"), last_window));
    }
    let (measurement, health) = measurement_from_wire(&unpack("measurement", &message.measurement)?, shape)?;
    Ok(Delta { seq, first_window, last_window, measurement, health })
}

fn measurement_to_wire(measurement: &Measurement, health: &Health) -> wire::Measurement {
    let scenarios = measurement.scenarios.iter().enumerate().filter(|(_, stats)| !stats.is_empty());
    let series = measurement.series.iter().enumerate().filter(|(_, stats)| !stats.is_empty());
    let tallies = measurement.tallies.iter().enumerate().filter(|(_, tally)| !tally.is_empty());
    wire::Measurement {
        scenarios: scenarios.map(|(index, stats)| iterations_to_wire(index, stats)).collect(),
        series: series.map(|(index, stats)| requests_to_wire(index, stats)).collect(),
        tallies: tallies.map(|(index, tally)| tally_to_wire(index, tally)).collect(),
        samples: measurement.samples.iter().map(sample_to_wire).collect(),
        health: Some(health_to_wire(health)),
    }
}

fn measurement_from_wire(message: &wire::Measurement, shape: Shape) -> Result<(Measurement, Health), ConvertError> {
    let Shape { scenarios, series, tallies } = shape;
    at_most("scenarios", message.scenarios.len(), scenarios)?;
    at_most("series", message.series.len(), series)?;
    at_most("tallies", message.tallies.len(), tallies)?;
    at_most("samples", message.samples.len(), SAMPLES_MAX)?;
    let mut measurement = Measurement::new(shape);
    for stats in &message.scenarios {
        let slot = measurement.scenarios.get_mut(stats.scenario as usize);
        let slot = slot.ok_or_else(|| invalid("scenario", format!("less than {scenarios}"), stats.scenario))?;
        iterations_from_wire(stats, slot)?;
    }
    for stats in &message.series {
        let slot = measurement.series.get_mut(stats.series as usize);
        let slot = slot.ok_or_else(|| invalid("series", format!("less than {series}"), stats.series))?;
        requests_from_wire(stats, slot)?;
    }
    for tally in &message.tallies {
        let slot = measurement.tallies.get_mut(tally.tally as usize);
        let slot = slot.ok_or_else(|| invalid("tally", format!("less than {tallies}"), tally.tally))?;
        tally_from_wire(tally, slot)?;
    }
    for sample in &message.samples {
        measurement.samples.push(sample_from_wire(sample, shape)?);
    }
    let health = message.health.as_ref().map(health_from_wire).transpose()?.unwrap_or_default();
    Ok((measurement, health))
}

fn iterations_to_wire(index: usize, stats: &IterationStats) -> wire::IterationStats {
    wire::IterationStats {
        scenario: index as u32,
        due: stats.due,
        started: stats.started,
        skipped: without_trailing_zeros(&stats.skipped),
        completed: stats.completed,
        failed: stats.failed,
        cut_off: stats.cut_off,
        unleased: stats.unleased,
        very_late: stats.very_late,
        duration: encoded(&stats.duration),
        arrival_lag: encoded(&stats.arrival_lag),
        think_lag: encoded(&stats.think_lag),
    }
}

fn iterations_from_wire(message: &wire::IterationStats, stats: &mut IterationStats) -> Result<(), ConvertError> {
    add(&mut stats.due, message.due, "due")?;
    add(&mut stats.started, message.started, "started")?;
    at_most("skipped", message.skipped.len(), SkipReason::ALL.len())?;
    for (count, more) in stats.skipped.iter_mut().zip(&message.skipped) {
        add(count, *more, "skipped")?;
    }
    add(&mut stats.completed, message.completed, "completed")?;
    add(&mut stats.failed, message.failed, "failed")?;
    add(&mut stats.cut_off, message.cut_off, "cut_off")?;
    add(&mut stats.unleased, message.unleased, "unleased")?;
    add(&mut stats.very_late, message.very_late, "very_late")?;
    merge(&mut stats.duration, &message.duration, "duration")?;
    merge(&mut stats.arrival_lag, &message.arrival_lag, "arrival_lag")?;
    merge(&mut stats.think_lag, &message.think_lag, "think_lag")
}

fn requests_to_wire(index: usize, stats: &RequestStats) -> wire::RequestStats {
    let mut histograms: Vec<Bytes> = stats.histograms().map(encoded).collect();
    while histograms.last().is_some_and(Bytes::is_empty) {
        histograms.pop();
    }
    wire::RequestStats {
        series: index as u32,
        sent: stats.sent,
        expected: stats.expected,
        failed: without_trailing_zeros(&stats.failed),
        reconnects: stats.reconnects,
        connections: stats.connections,
        bytes_sent: stats.bytes_sent,
        bytes_received: stats.bytes_received,
        histograms,
    }
}

fn requests_from_wire(message: &wire::RequestStats, stats: &mut RequestStats) -> Result<(), ConvertError> {
    add(&mut stats.sent, message.sent, "sent")?;
    add(&mut stats.expected, message.expected, "expected")?;
    at_most("failed", message.failed.len(), ErrorKind::ALL.len())?;
    for (count, more) in stats.failed.iter_mut().zip(&message.failed) {
        add(count, *more, "failed")?;
    }
    add(&mut stats.reconnects, message.reconnects, "reconnects")?;
    add(&mut stats.connections, message.connections, "connections")?;
    add(&mut stats.bytes_sent, message.bytes_sent, "bytes_sent")?;
    add(&mut stats.bytes_received, message.bytes_received, "bytes_received")?;
    at_most("histograms", message.histograms.len(), stats.histograms().count())?;
    for (histogram, bytes) in stats.histograms_mut().zip(&message.histograms) {
        merge(histogram, bytes, "histograms")?;
    }
    let responses = stats.response_expected.count().checked_add(stats.response_failed.count());
    let outcomes = stats.failed.iter().try_fold(stats.expected, |sum, n| sum.checked_add(*n));
    if responses.is_none() || responses != outcomes {
        return Err(invalid("histograms", "as many response times as outcomes", format!("{responses:?}")));
    }
    Ok(())
}

fn tally_to_wire(index: usize, tally: &Tally) -> wire::Tally {
    let gauge = |&Gauge { at_ns, last, min, max }: &Gauge| wire::Gauge { at_ns, last, min, max };
    wire::Tally {
        tally: index as u32,
        count: tally.count,
        hits: tally.hits,
        sum: tally.sum,
        gauge: tally.gauge.as_ref().map(gauge),
        trend: encoded(&tally.trend),
    }
}

fn tally_from_wire(message: &wire::Tally, tally: &mut Tally) -> Result<(), ConvertError> {
    if message.hits > message.count {
        return Err(invalid("tally.hits", format!("at most {}", message.count), message.hits));
    }
    let mut more = Tally { count: message.count, hits: message.hits, sum: message.sum, ..Tally::default() };
    if tally.count.checked_add(more.count).is_none() {
        return Err(invalid("tally.count", "a sum below 2^64", more.count));
    }
    if let Some(wire::Gauge { at_ns, last, min, max }) = message.gauge {
        if !(min..=max).contains(&last) {
            return Err(invalid("tally.gauge", format!("a value from {min} to {max}"), last));
        }
        more.gauge = Some(Gauge { at_ns, last, min, max });
    }
    merge(&mut more.trend, &message.trend, "tally.trend")?;
    tally.merge(&more);
    Ok(())
}

fn sample_to_wire(sample: &Sample) -> wire::Sample {
    let of = match sample.of {
        Sampled::Failure(series, kind) => wire::sample::Of::Failure(wire::Failure { series, kind: kind as u32 }),
        Sampled::Miss(tally) => wire::sample::Of::Miss(tally),
    };
    let trace_id = sample.trace.map_or_else(Bytes::new, |TraceId(bytes)| Bytes::copy_from_slice(&bytes));
    wire::Sample { of: Some(of), at_ns: sample.at_ns, text: sample.text.clone(), trace_id }
}

fn sample_from_wire(message: &wire::Sample, shape: Shape) -> Result<Sample, ConvertError> {
    let of = match message.of.ok_or_else(|| missing("sample.of"))? {
        wire::sample::Of::Failure(wire::Failure { series, kind }) => {
            if series as usize >= shape.series {
                return Err(invalid("sample.series", format!("less than {}", shape.series), series));
            }
            let known = ErrorKind::from_index(kind as usize);
            Sampled::Failure(series, known.ok_or_else(|| invalid("sample.kind", "a known kind of error", kind))?)
        }
        wire::sample::Of::Miss(tally) if tally as usize >= shape.tallies => {
            return Err(invalid("sample.tally", format!("less than {}", shape.tallies), tally));
        }
        wire::sample::Of::Miss(tally) => Sampled::Miss(tally),
    };
    at_most("sample.text", message.text.len(), SAMPLE_BYTES_MAX)?;
    let trace = match <[u8; 16]>::try_from(&*message.trace_id) {
        Ok(bytes) => Some(TraceId(bytes)),
        Err(_) if message.trace_id.is_empty() => None,
        Err(_) => return Err(invalid("sample.trace_id", "16 bytes or none", message.trace_id.len())),
    };
    Ok(Sample { of, at_ns: message.at_ns, text: message.text.clone(), trace })
}

fn health_to_wire(health: &Health) -> wire::Health {
    let Health { worker_cpu_max, process_cpu, memory_bytes, descriptors, descriptors_max, .. } = *health;
    let Health { exhausted, users, starved, in_flight, .. } = *health;
    wire::Health {
        worker_cpu_max,
        process_cpu,
        memory_bytes,
        descriptors,
        descriptors_max,
        exhausted,
        users,
        starved,
        in_flight,
    }
}

fn health_from_wire(message: &wire::Health) -> Result<Health, ConvertError> {
    let wire::Health { worker_cpu_max, process_cpu, memory_bytes, descriptors, descriptors_max, .. } = *message;
    let wire::Health { exhausted, users, starved, in_flight, .. } = *message;
    for (field, cpu) in [("worker_cpu_max", worker_cpu_max), ("process_cpu", process_cpu)] {
        if !cpu.is_finite() || cpu < 0.0 {
            return Err(invalid(field, "a number of cores, 0 or more", cpu));
        }
    }
    Ok(Health {
        worker_cpu_max,
        process_cpu,
        memory_bytes,
        descriptors,
        descriptors_max,
        exhausted,
        users,
        starved,
        in_flight,
    })
}

/// Closing totals as a message, with the first arrival's lateness in nanoseconds if there was an arrival.
#[must_use]
pub fn closing_to_wire(totals: &Totals, start_error_ns: Option<i64>) -> wire::Closing {
    let Totals { last_seq, due, started, skipped, completed, failed, cut_off, sent, outcomes } = *totals;
    wire::Closing { last_seq, due, started, skipped, completed, failed, cut_off, sent, outcomes, start_error_ns }
}

/// A message as closing totals and the first arrival's lateness in nanoseconds.
#[must_use]
pub fn closing_from_wire(message: &wire::Closing) -> (Totals, Option<i64>) {
    let wire::Closing { last_seq, due, started, skipped, completed, failed, cut_off, sent, outcomes, start_error_ns } =
        *message;
    (Totals { last_seq, due, started, skipped, completed, failed, cut_off, sent, outcomes }, start_error_ns)
}

fn encoded(histogram: &Histogram) -> Bytes {
    let mut out = Vec::new();
    if !histogram.is_empty() {
        histogram.encode(&mut out);
    }
    out.into()
}

fn merge(histogram: &mut Histogram, bytes: &[u8], field: &'static str) -> Result<(), ConvertError> {
    if bytes.is_empty() {
        return Ok(());
    }
    histogram.merge_encoded(bytes).map_err(|source| ConvertError::Histogram { field, source })
}

fn add(count: &mut u64, more: u64, field: &'static str) -> Result<(), ConvertError> {
    *count = count.checked_add(more).ok_or_else(|| invalid(field, "a sum below 2^64", more))?;
    Ok(())
}

fn without_trailing_zeros(counts: &[u64]) -> Vec<u64> {
    let used = counts.iter().rposition(|n| *n != 0).map_or(0, |last| last + 1);
    counts[..used].to_vec()
}
