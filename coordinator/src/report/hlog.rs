//! The histograms as HdrHistogram's log, which tools in many languages read.
//!
//! The format is that of HdrHistogram's `HistogramLogWriter`, version 1.3: a line for each histogram, with its tag, when it
//! begins and how long it lasts in seconds, its maximum, and itself, compressed. Values are nanoseconds, as the header says;
//! maxima are in milliseconds.

use std::io::{self, Write};

use super::Report;

/// The metrics whose histograms are written.
const NAMES: [&str; 2] = ["http_req_duration", "service_time"];

/// Writes a line for each request and kind of time, over the whole run but for its warm-up.
///
/// # Errors
/// When the writer fails.
pub fn write(report: &Report, mut out: impl Write) -> io::Result<()> {
    writeln!(out, "#[Histogram log format version 1.3]")?;
    writeln!(out, "#[Muster run {}, begun at {}; values in nanoseconds]", report.run.id, report.run.started_at)?;
    writeln!(out, "\"StartTimestamp\",\"Interval_Length\",\"Interval_Max\",\"Interval_Compressed_Histogram\"")?;
    let from_s = f64::from(report.run.judged_from_s);
    let length_s = (report.run.duration_s - from_s).max(0.0);
    for metric in report.metrics.iter().filter(|metric| NAMES.contains(&metric.name.as_str())) {
        let Some(times) = &metric.times else { continue };
        let Some(hdr) = &times.hdr else { continue };
        let of = [&metric.scenario, &metric.request].map(|name| name.as_deref().map(tag).unwrap_or_default());
        writeln!(out, "Tag={}/{}/{},{from_s:.3},{length_s:.3},{:.3},{hdr}", metric.name, of[0], of[1], times.max_ms)?;
    }
    Ok(())
}

/// A name without what ends a tag: commas and white space.
fn tag(name: &str) -> String {
    name.chars().map(|c| if c == ',' || c.is_whitespace() || c.is_control() { '_' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use hdrhistogram::serialization::Deserializer;
    use hdrhistogram::serialization::interval_log::{IntervalLogIterator, LogEntry};

    use super::*;
    use crate::report::tests::passed;

    #[test]
    fn another_reader_finds_each_histogram_under_its_tag() {
        use base64::Engine as _;
        let report = Report::of(&passed());
        let mut out = Vec::new();
        write(&report, &mut out).unwrap();
        let mut found = 0;
        for entry in IntervalLogIterator::new(&out) {
            let LogEntry::Interval(histogram) = entry.unwrap() else { continue };
            let tag = histogram.tag().unwrap().as_str().to_owned();
            let of = |metric: &&crate::report::Metric| {
                let name = |name: &Option<String>| name.as_deref().map(super::tag).unwrap_or_default();
                tag == format!("{}/{}/{}", metric.name, name(&metric.scenario), name(&metric.request))
            };
            let metric = report.metrics.iter().find(of).unwrap();
            let bytes = base64::prelude::BASE64_STANDARD.decode(histogram.encoded_histogram()).unwrap();
            let read: hdrhistogram::Histogram<u64> = Deserializer::new().deserialize(&mut bytes.as_slice()).unwrap();
            assert_eq!(read.len(), metric.count);
            found += 1;
        }
        assert_eq!(found, 4, "response and service time of two requests");
    }
}
