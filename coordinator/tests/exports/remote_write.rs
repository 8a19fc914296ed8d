//! Remote write, to receivers of every kind.

use std::collections::BTreeMap;

use muster::export::prometheus::messages::{TimeSeries, WriteRequest};
use prost::Message;

use super::receiver::{Answer, Post, Receiver};
use super::run::{Done, Run};

const SECRET: &str = "Bearer s3cret+of/mine==";

fn run_to(receiver: &Receiver, seconds: u32) -> Done {
    let url = format!("http://{}/api/v1/write", receiver.address);
    let headers = "authorization=Bearer%20s3cret+of/mine==";
    let done = Run::start(seconds, &["--remote-write", &url], &[("MUSTER_REMOTE_WRITE_HEADERS", headers)]).end();
    assert_eq!(done.code, Some(0), "{}", done.said);
    assert!(!done.tells("s3cret"), "secrets are not told");
    for post in receiver.posts() {
        assert!(post.head.contains(&format!("authorization: {}\r\n", SECRET.to_lowercase())), "{}", post.head);
        assert!(post.head.contains("x-prometheus-remote-write-version: 0.1.0"), "{}", post.head);
        assert!(post.head.contains("content-encoding: snappy"), "{}", post.head);
    }
    done
}

fn read(post: &Post) -> WriteRequest {
    let body = snap::raw::Decoder::new().decompress_vec(&post.body).unwrap();
    WriteRequest::decode(&*body).unwrap()
}

fn name(series: &TimeSeries) -> &str {
    series.labels.iter().find(|label| label.name() == "__name__").unwrap().value()
}

/// The counter of that name, by its moment.
fn counter(posts: &[Post], wanted: &str) -> BTreeMap<i64, f64> {
    let mut values = BTreeMap::new();
    for series in posts.iter().flat_map(|post| read(post).timeseries).filter(|series| name(series) == wanted) {
        for sample in series.samples.iter().filter(|sample| !sample.value.is_nan()) {
            assert_eq!(values.insert(sample.timestamp, sample.value), None, "each second once");
        }
    }
    values
}

/// The last distribution of that name, all its series together, as the number of its values and the sum of its buckets.
fn last_distribution(posts: &[Post], wanted: &str) -> (u64, i64) {
    let mut latest: BTreeMap<Vec<u8>, (u64, i64)> = BTreeMap::new();
    for series in posts.iter().flat_map(|post| read(post).timeseries).filter(|series| name(series) == wanted) {
        let key = series.labels.iter().flat_map(Message::encode_to_vec).collect();
        for histogram in series.histograms.iter().filter(|histogram| !histogram.sum.is_nan()) {
            let mut count = 0;
            let counts = histogram.positive_deltas.iter().map(|delta| {
                count += delta;
                count
            });
            let in_buckets: i64 = counts.sum();
            latest.insert(Vec::clone(&key), (histogram.count(), in_buckets));
        }
    }
    latest.into_values().fold((0, 0), |all, one| (all.0 + one.0, all.1 + one.1))
}

/// Everything arrived, each second once and in order, and its last state is the result.
fn check(posts: &[Post], done: &Done) {
    let requests = counter(posts, "muster_http_reqs_total");
    let steps: Vec<i64> = requests.keys().zip(requests.keys().skip(1)).map(|(a, b)| b - a).collect();
    let [seconds @ .., rest, last] = &steps[..] else { panic!("{steps:?}") };
    assert!(seconds.iter().all(|step| *step == 1_000) && (1..=1_000).contains(rest) && *last == 1, "{steps:?}");
    assert!(requests.values().is_sorted());
    assert_eq!(*requests.values().last().unwrap() as u64, done.count("http_reqs"));
    let due = counter(posts, "muster_iterations_due_total");
    assert_eq!(due.values().take(3).copied().collect::<Vec<_>>(), [100.0, 200.0, 300.0], "exact to the second");
    let failed = counter(posts, "muster_http_req_failed_total");
    assert_eq!(*failed.values().last().unwrap() as u64, done.count("http_req_failed"));
    let n = done.count("http_req_duration");
    assert_eq!(last_distribution(posts, "muster_http_req_duration_seconds"), (n, n as i64));
}

#[test]
fn a_receiver_is_told_each_second_once() {
    let receiver = Receiver::start(|_| Answer::Status(204));
    let done = run_to(&receiver, 3);
    check(&receiver.taken(), &done);
    let meanings = receiver.taken().iter().filter(|post| !read(post).metadata.is_empty()).count();
    assert_eq!(meanings, 1, "what names mean is told once");
    assert!(!done.said.contains("remote write"), "there is nothing to be told: {}", done.said);
}

#[test]
fn what_is_not_taken_at_first_is_sent_again_in_order() {
    let receiver = Receiver::start(|number| match number {
        0 | 2 => Answer::Status(503),
        3 => Answer::Status(429),
        _ => Answer::Status(200),
    });
    let done = run_to(&receiver, 3);
    check(&receiver.taken(), &done);
    assert_eq!(done.said.matches("remote write fails, and the run goes on: 503 hello (trying again)").count(), 1);
}

#[test]
fn what_is_refused_is_not_sent_again() {
    let receiver = Receiver::start(|number| Answer::Status(if number == 1 { 400 } else { 200 }));
    let done = run_to(&receiver, 3);
    let bodies: Vec<Vec<u8>> = receiver.posts().into_iter().map(|post| post.body).collect();
    assert!(!bodies[2..].contains(&bodies[1]));
    let requests = counter(&receiver.taken(), "muster_http_reqs_total");
    assert_eq!(*requests.values().last().unwrap() as u64, done.count("http_reqs"));
    assert!(
        done.said.contains("remote write fails, and the run goes on: 400 hello (not tried again)"),
        "{}",
        done.said
    );
    assert!(done.said.contains("views: 1 refused, 0 left out for want of room, 0 not taken"), "{}", done.said);
}

#[test]
fn a_receiver_that_never_answers_keeps_no_run_from_its_end() {
    let receiver = Receiver::start(|_| Answer::Silence);
    let done = run_to(&receiver, 2);
    assert!(done.count("http_reqs") >= 200);
    assert!(done.said.contains("remote write took 0 of"), "{}", done.said);
}

#[test]
fn a_receiver_that_is_gone_keeps_no_run_from_its_end() {
    let receiver = Receiver::start(|number| if number < 2 { Answer::Status(204) } else { Answer::Gone });
    let done = run_to(&receiver, 4);
    assert!(done.count("http_reqs") >= 400);
    assert_eq!(
        counter(&receiver.taken(), "muster_iterations_due_total").into_values().collect::<Vec<_>>(),
        [100.0, 200.0]
    );
    assert!(done.said.contains("remote write took 2 of"), "{}", done.said);
}
