//! Rows of data.

use std::fs;

use muster_proto::plan::{OnEnd, Order, Plan, Sharing};
use tempfile::TempDir;

use super::super::{Format, Mistakes, from_str};
use super::section;

/// A plan beside a file of rows that names it so.
fn with_file(name: &str, content: &[u8], keys: &str) -> Result<Plan, Mistakes> {
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join(name), content).unwrap();
    let text = section(&format!("data: {{ row: {{ file: {name}{keys} }} }}")).replace("get: /", "get: '/{{ row.a }}'");
    from_str(&text, Format::Yaml, "plan.yaml", folder.path())
}

fn rows(name: &str, content: &str, keys: &str) -> String {
    let plan = with_file(name, content.as_bytes(), keys).unwrap_or_else(|mistakes| panic!("{mistakes}"));
    assert_eq!(plan.scenarios[0].feeders, [0]);
    String::from_utf8(plan.data[0].rows.0.to_vec()).unwrap()
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
    let plan = super::sound(&text);
    let row = &plan.data[0];
    assert_eq!((row.order, row.share, row.on_end), (Order::Shuffle, Sharing::EveryAgent, OnEnd::Stop));
    assert_eq!(row.rows.0, "{\"a\":1}\n{\"a\":\"x\"}");
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
