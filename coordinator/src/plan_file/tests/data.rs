//! Rows of data.

use std::fs;
use std::io::{self, Read};
use std::path::Path;

use muster_agent::engine::rows::{Content, HELD_BYTES_MAX, Rows};
use muster_proto::plan::{OnEnd, Order, ROW_BYTES_MAX, Sharing};
use proptest::prelude::*;
use serde_json::{Value as Json, json};
use tempfile::TempDir;

use super::super::rows::{self, Kind};
use super::super::{Format, Mistakes, PlanFile, from_str};
use super::section;

/// A plan beside a file of rows that names it so.
fn with_file(name: &str, content: &[u8], keys: &str) -> Result<PlanFile, Mistakes> {
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join(name), content).unwrap();
    let text = section(&format!("data: {{ row: {{ file: {name}{keys} }} }}")).replace("get: /", "get: '/{{ row.a }}'");
    from_str(&text, Format::Yaml, "plan.yaml", folder.path())
}

fn rows(name: &str, content: &str, keys: &str) -> String {
    let plan = with_file(name, content.as_bytes(), keys).unwrap_or_else(|mistakes| panic!("{mistakes}"));
    assert_eq!(plan.plan.scenarios[0].feeders, [0]);
    assert_eq!(plan.plan.data[0].file, name);
    text(&plan, 0)
}

/// All rows of a feeder.
fn text(plan: &PlanFile, place: usize) -> String {
    assert_eq!((plan.rows.len(), plan.rows[place].id()), (plan.plan.data.len(), plan.plan.data[place].rows));
    let all = all(&plan.rows[place]).into_iter().map(|row| String::from_utf8(row).unwrap());
    all.collect::<Vec<_>>().join("\n")
}

fn all(rows: &Rows) -> Vec<Vec<u8>> {
    let mut buffer = Vec::new();
    (0..rows.id().count).map(|number| rows.row(number, &mut buffer).unwrap().to_vec()).collect()
}

#[test]
fn rows_are_read_by_the_ending_of_their_file() {
    assert_eq!(
        rows("r.csv", "a,b\n1,\"x, \"\"y\"\"\"\n2,ü\n", ""),
        "{\"a\":\"1\",\"b\":\"x, \\\"y\\\"\"}\n{\"a\":\"2\",\"b\":\"ü\"}"
    );
    assert_eq!(rows("r.csv", "\u{feff}a;b\r\n1;2\r\n", ", delimiter: ';'"), "{\"a\":\"1\",\"b\":\"2\"}");
    assert_eq!(rows("r.tsv", "a\tb\n1\t2\n", ""), "{\"a\":\"1\",\"b\":\"2\"}");
    assert_eq!(
        rows("r.csv", "1,2\n3,4\n", ", columns: [a, b]"),
        "{\"a\":\"1\",\"b\":\"2\"}\n{\"a\":\"3\",\"b\":\"4\"}"
    );
    assert_eq!(rows("r.jsonl", "{\"a\": 1}\n\n{\"a\": [2]}\n", ""), "{\"a\":1}\n{\"a\":[2]}");
    assert_eq!(rows("r.JSON", "[{\"a\": 1}, {\"a\": null}]", ""), "{\"a\":1}\n{\"a\":null}");
}

#[test]
fn rows_may_stand_in_the_plan_and_say_how_they_are_used() {
    let text = "data:\n  row: { rows: [ { a: 1 }, { a: x } ], order: shuffle, share: every-agent, on_end: stop }\n  other: { rows: [ 1 ] }";
    let text = section(text).replace("get: /", "get: '/{{ row.a }}'");
    let read = from_str(&text, Format::Yaml, "plan.yaml", Path::new("")).unwrap();
    assert_eq!(self::text(&read, 0), "{\"a\":1}\n{\"a\":\"x\"}");
    let plan = read.plan;
    let row = &plan.data[0];
    assert_eq!((row.order, row.share, row.on_end), (Order::Shuffle, Sharing::EveryAgent, OnEnd::Stop));
    assert_eq!((row.file.as_str(), row.rows.count), ("", 2));
    let other = &plan.data[1];
    assert_eq!((other.order, other.share, other.on_end), (Order::Sequential, Sharing::Unique, OnEnd::Recycle));
    assert_eq!(plan.scenarios[0].feeders, [0], "nobody names the other");
}

#[test]
fn what_is_wrong_with_rows_is_told() {
    let in_file = |name: &str, content: &[u8], keys: &str| {
        let mistakes = with_file(name, content, keys).unwrap_err();
        super::lines(&mistakes)
    };
    let in_plan = |row: &str| super::mistakes(&section(&format!("vars: {{ v: 1 }}\ndata: {{ {row} }}")));
    let told = [
        in_file("r.csv", b"a,b\n1\n", ""),
        in_file("r.csv", b"a\n\xff\n", ""),
        in_file("r.csv", b"a,b\n", ""),
        in_file("r.csv", b"a;b\n1;2\n", ", delimiter: ';;'"),
        in_file("r.jsonl", b"{}\n{x}\n", ""),
        in_file("r.json", b"{\"a\": 1}", ""),
        in_file("r.txt", b"a", ""),
        in_file("r.csv", b"b\n1\n", ", rows: [1]"),
        in_plan("row: { file: ../r.csv }"),
        in_plan("row: { file: none.csv }"),
        in_plan("row: {}"),
        in_plan("row: { rows: [] }"),
        in_plan("row: { rows: ['{{ v }}'] }"),
        in_plan("row: { rows: [1], order: random, share: all, on_end: loop }"),
        in_plan("v: { rows: [1] }"),
        in_plan("choice: { rows: [1] }"),
    ];
    insta::assert_snapshot!(told.join("\n"));
}

/// A source that gives only so many bytes at a time.
struct Dribble<'b>(&'b [u8], Vec<usize>);

impl Read for Dribble<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.1.rotate_left(1);
        let most = self.1[0].min(buffer.len());
        self.0.read(&mut buffer[..most])
    }
}

/// The rows of a file as JSON, however it comes.
fn streamed(text: &str, kind: Kind, lengths: &[usize]) -> Vec<Json> {
    let rows = rows::read(Dribble(text.as_bytes(), lengths.to_vec()), kind).unwrap();
    all(&rows).iter().map(|row| serde_json::from_slice(row).unwrap()).collect()
}

fn as_csv(columns: &[String], rows: &[Vec<String>]) -> String {
    let mut csv = csv::WriterBuilder::new().quote_style(csv::QuoteStyle::Always).from_writer(Vec::new());
    csv.write_record(columns).unwrap();
    rows.iter().for_each(|row| csv.write_record(row).unwrap());
    String::from_utf8(csv.into_inner().unwrap()).unwrap()
}

proptest! {
    #[test]
    fn a_file_that_is_streamed_has_the_rows_of_one_that_is_read_whole(
        cells in proptest::collection::vec(proptest::collection::vec("\\PC{0,6}|[\r\n\",;{\\[]{0,3}", 3), 1..40),
        names in proptest::collection::vec("[ab]|\\PC{1,3}", 3),
        lengths in proptest::collection::vec(1..40_usize, 1..6),
    ) {
        let object = |row: &Vec<String>| Json::Object(names.iter().cloned().zip(row.iter().map(|cell| json!(cell))).collect());
        let wanted: Vec<Json> = cells.iter().map(object).collect();
        let csv = as_csv(&names, &cells);
        prop_assert_eq!(&streamed(&csv, Kind::Csv(b',', None), &lengths), &wanted);
        let lines: String = wanted.iter().map(|row| format!(" {row}\r\n \n")).collect();
        prop_assert_eq!(&streamed(&lines, Kind::Lines, &lengths), &wanted);
        let list = format!("\n {:#}\n", json!(wanted));
        prop_assert_eq!(&streamed(&list, Kind::List, &lengths), &wanted);
        // The same rows are the same content, in whichever way they were written.
        let hash = |text: &str, kind| rows::read(text.as_bytes(), kind).unwrap().id();
        prop_assert_eq!(hash(&csv, Kind::Csv(b',', None)), hash(&list, Kind::List));
    }
}

#[test]
fn many_rows_lie_in_a_file_and_few_in_memory() {
    let line = "[1,2,3,4,5,6,7,8,9]\n";
    let fits = HELD_BYTES_MAX as usize / line.len();
    for (rows, held) in [(fits, true), (fits + 1, false)] {
        let rows = rows::read(line.repeat(rows).as_bytes(), Kind::Lines).unwrap();
        assert_eq!(matches!(rows.content(), Content::Held(_)), held);
        assert!(all(&rows).iter().all(|row| row == line.trim_end().as_bytes()));
    }
}

#[test]
fn a_row_that_never_ends_is_refused_before_it_fills_memory() {
    let endless = |beginning: &'static str| beginning.as_bytes().chain(io::repeat(b'x'));
    let told = |kind, beginning| rows::read(endless(beginning), kind).unwrap_err();
    let wanted = format!("a row is longer than {ROW_BYTES_MAX} bytes");
    assert_eq!(told(Kind::Lines, "1\n2\n"), format!("line 3: {wanted}"));
    assert_eq!(told(Kind::Csv(b',', None), "a\n1\n\""), wanted);
    assert!(told(Kind::List, "[1,\n \"").starts_with(&wanted));
    let long = format!("1\n\"{}\"\n", "x".repeat(ROW_BYTES_MAX - 1));
    let told = rows::read(long.as_bytes(), Kind::Lines).unwrap_err();
    assert_eq!(told, format!("row 2 is longer than {ROW_BYTES_MAX} bytes"));
}

#[test]
fn what_is_wrong_deep_in_a_file_is_told_with_its_line() {
    let lines = "1\n".repeat(100_000);
    let told = |text: String, kind| rows::read(text.as_bytes(), kind).unwrap_err();
    assert_eq!(told(format!("{lines}{{x\n"), Kind::Lines), "line 100001, column 2: key must be a string");
    assert_eq!(told(format!("{lines}1,2\n"), Kind::Csv(b',', None)), "line 100001 has 2 values, wanted 1");
    let list = format!("[\n{}", "1,\n".repeat(100_000));
    assert_eq!(told(format!("{list}x"), Kind::List), "expected value at line 100002 column 1");
    assert!(told(format!("{list}1"), Kind::List).contains("EOF while parsing a list at line 100002"));
    assert_eq!(told("[1] 2".to_owned(), Kind::List), "trailing characters at line 1 column 5");
    assert_eq!(told("\n".to_owned(), Kind::List), "EOF while parsing a value at line 2 column 0");
}
