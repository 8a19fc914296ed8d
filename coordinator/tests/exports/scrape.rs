//! The page for Prometheus, as a reader sees it while a run goes on.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::TcpStream;

use muster::export::prometheus::messages::MetricFamily;
use prost::Message;

use super::run::Run;

const MESSAGES: &str = "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited";

/// The address of a run's page.
pub(crate) fn page_of(run: &mut Run) -> String {
    let line = run.says("metrics at http://");
    line.split("http://").nth(1).unwrap().trim_end_matches("/metrics").to_owned()
}

/// What is answered to this head: head and body.
fn ask(address: &str, head: &str) -> (String, Vec<u8>) {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.write_all(head.as_bytes()).unwrap();
    let mut answer = Vec::new();
    // Who asks too much may be cut off.
    let _ = stream.read_to_end(&mut answer);
    let end = answer.windows(4).position(|end| end == b"\r\n\r\n").map_or(answer.len(), |at| at + 4);
    let body = answer.split_off(end);
    (String::from_utf8(answer).unwrap().to_ascii_lowercase(), body)
}

fn get(address: &str, path: &str, accept: &str) -> (String, Vec<u8>) {
    ask(address, &format!("GET {path} HTTP/1.1\r\nhost: x\r\naccept: {accept}\r\nconnection: close\r\n\r\n"))
}

/// Asks until a second was told of.
fn first_page(address: &str) -> String {
    loop {
        let (head, body) = get(address, "/metrics", "*/*");
        assert!(head.starts_with("http/1.1 200") && head.contains("content-type: text/plain; version=0.0.4"), "{head}");
        if !body.is_empty() {
            return String::from_utf8(body).unwrap();
        }
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
}

/// All values of a name in a page, together.
fn sum(page: &str, name: &str) -> f64 {
    let lines = page.lines().filter(|line| line.starts_with(&format!("{name}{{")));
    lines.map(|line| line.rsplit(' ').next().unwrap().parse::<f64>().unwrap()).sum()
}

#[test]
fn a_page_shows_a_run_under_way_and_lingers() {
    let mut run = Run::start(3, &["--prometheus", "0", "--prometheus-linger", "60s", "--tag", "a=b"], &[]);
    let address = page_of(&mut run);
    assert!(address.starts_with("127.0.0.1:"), "{address}");
    let early = first_page(&address);
    assert!(early.contains("# TYPE muster_http_req_duration_seconds histogram"), "{early}");
    assert!(sum(&early, "muster_iterations_due_total") % 100.0 == 0.0, "whole seconds");
    run.says("metrics stay at");

    let late = first_page(&address);
    let (head, body) = get(&address, "/metrics", MESSAGES);
    assert!(head.contains("content-type: application/vnd.google.protobuf"), "{head}");
    let mut families = BTreeMap::new();
    let mut rest = &body[..];
    while !rest.is_empty() {
        let family = MetricFamily::decode_length_delimited(&mut rest).unwrap();
        families.insert(family.name().to_owned(), family);
    }
    let response = &families["muster_http_req_duration_seconds"].metrics;
    let count: u64 = response.iter().map(|metric| metric.histogram.as_ref().unwrap().count()).sum();
    assert_eq!(count as f64, sum(&late, "muster_http_req_duration_seconds_count"));
    for metric in response {
        let all = metric.histogram.as_ref().unwrap();
        let counts = all.positive_deltas.iter().scan(0, |n, delta| {
            *n += delta;
            Some(*n)
        });
        assert_eq!(counts.sum::<i64>() as u64 + all.zero_count(), all.count());
        assert_eq!(
            all.positive_spans.iter().map(|span| span.length as usize).sum::<usize>(),
            all.positive_deltas.len()
        );
    }
    let sent: f64 =
        families["muster_http_reqs_total"].metrics.iter().map(|m| m.counter.as_ref().unwrap().value()).sum();
    assert_eq!(sent, sum(&late, "muster_http_reqs_total"));

    run.interrupt();
    let done = run.end();
    assert_eq!((done.code, sent as u64), (Some(0), done.count("http_reqs")), "{}", done.said);
    let sum_s = done.metric("http_req_duration")["mean_ms"].as_f64().unwrap() * sent / 1e3;
    assert!((sum(&late, "muster_http_req_duration_seconds_sum") - sum_s).abs() < 0.001 * sum_s);
}

#[test]
fn a_page_asks_little_of_whoever_reads_it_and_bounds_what_it_is_asked() {
    let mut run = Run::start(5, &["--prometheus", "127.0.0.1:0"], &[]);
    let address = page_of(&mut run);
    assert!(get(&address, "/", "*/*").0.starts_with("http/1.1 404"));
    let post = "POST /metrics HTTP/1.1\r\nhost: x\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
    assert!(ask(&address, post).0.starts_with("http/1.1 405"));
    let long = format!("GET /metrics HTTP/1.1\r\nhost: x\r\nx: {}\r\n\r\n", "a".repeat(20_000));
    assert!(!ask(&address, &long).0.starts_with("http/1.1 200"));
    let many = format!("GET /metrics HTTP/1.1\r\nhost: x\r\n{}\r\n", "x: a\r\n".repeat(100));
    assert!(!ask(&address, &many).0.starts_with("http/1.1 200"));
    assert!(!ask(&address, "nonsense\r\n\r\n").0.starts_with("http/1.1 200"));
    // More readers than there are seats: those behind get theirs when the others have gone.
    let waiting: Vec<TcpStream> = (0..20).map(|_| TcpStream::connect(&address).unwrap()).collect();
    drop(waiting);
    assert!(get(&address, "/metrics", "*/*").0.starts_with("http/1.1 200"));
    assert_eq!(run.end().code, Some(0));
}
