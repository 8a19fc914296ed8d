//! Plans that are meant to harm their reader.

use std::path::Path;

use proptest::prelude::*;

use super::super::{FILE_BYTES_MAX, Format, MISTAKES_MAX, from_str};
use super::{mistakes, step, yaml};

/// How many random texts are tried after those that fuzzing has kept.
const RANDOM_TEXTS: usize = 1_000;

fn toml(text: &str) -> String {
    from_str(text, Format::Toml, "plan.toml", Path::new("")).unwrap_err().to_string()
}

#[test]
fn aliases_of_aliases_run_out_of_budget() {
    let mut bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..30 {
        let aliases = vec![format!("*a{}", level - 1); 10].join(", ");
        bomb.push_str(&format!("a{level}: &a{level} [{aliases}]\n"));
    }
    let found = mistakes(&bomb);
    assert!(found.contains("wanted at most 250000 values once aliases are expanded, found more"), "{found}");
    let mut chain = "a0: &a0 [x]\n".to_owned();
    for level in 1..5_000 {
        chain.push_str(&format!("a{level}: &a{level} [*a{}]\n", level - 1));
    }
    assert!(mistakes(&chain).contains("wanted at most 250000 values"));
}

#[test]
fn copies_of_a_long_text_run_out_of_budget() {
    let long = "x".repeat(500_000);
    let copies = format!("a: &a {long}\nb: [{}]\n", "*a, ".repeat(100_000));
    assert!(mistakes(&copies).contains("wanted at most 250000 values"));
    let copies = format!("a: &a {{? {long} : 1}}\nb: [{}]\n", "*a, ".repeat(100_000));
    assert!(mistakes(&copies).contains("wanted at most 250000 values"));
}

#[test]
fn headers_of_all_requests_together_are_bounded() {
    let headers: String = (0..100).map(|number| format!("h{number}: {}, ", "x".repeat(8_000))).collect();
    let steps = "- get: /\n".repeat(9_000);
    let scenario = super::scenario(&format!("executor: constant-users\nusers: 1\nduration: 1s\nsteps:\n{steps}"));
    let found = mistakes(&format!("http: {{headers: {{{headers}}}}}\n{scenario}"));
    assert!(found.starts_with("14:7 scenarios.a.steps[5]: wanted bodies, headers and URLs of at most"), "{found}");
}

#[test]
fn requests_that_carry_numbers_are_bounded() {
    let plan = |requests: usize| {
        let steps = "- get: /\n".repeat(requests);
        let scenario = super::scenario(&format!("executor: constant-users\nusers: 1\nduration: 1s\nsteps:\n{steps}"));
        format!("http: {{request_ids: true}}\n{scenario}")
    };
    assert!(super::yaml(&plan(256)).is_ok());
    let found = mistakes(&plan(257));
    assert_eq!(found, "3:1 scenarios: wanted at most 256 requests with `request_ids`, found 257");
}

#[test]
fn a_long_text_does_not_make_a_long_message() {
    let long = "9".repeat(300_000);
    for plan in [
        format!("http: {{timeout: {long}, {long}: 1, max_head: {long}}}"),
        format!("scenarios: {{{long}: {{{long}: {{}}, steps: [{{get: {long}}}, {{get: 'x{long}://h'}}]}}}}"),
        format!("thresholds: ['{long}: avg < 1', 'lag: p{long} < 1', 'lag: avg < {long}d', 'lag: avg < 1 {long}']"),
        format!("scenarios: {{a: {{executor: constant-arrival-rate, rate: {long}, duration: {long}}}}}"),
    ] {
        for mistake in yaml(&plan).unwrap_err().iter() {
            let help = mistake.help.as_ref().map_or(0, String::len);
            assert!(mistake.path.len() + mistake.message.len() + help < 1_000, "{}", &mistake.message[..200]);
        }
    }
}

#[test]
fn deep_nesting_is_refused() {
    for deep in ["[".repeat(100_000), "{a: ".repeat(100_000), "- ".repeat(100_000)] {
        let found = mistakes(&deep);
        assert!(found.contains("this is not YAML"), "{found}");
    }
    let steps = (0..10_000).fold(String::new(), |text, level| text + &" ".repeat(level.min(90)) + "a:\n");
    assert!(yaml(&steps).is_err());
    assert!(toml(&format!("a = {}", "[".repeat(100_000))).contains("this is not TOML"));
}

#[test]
fn deeply_dotted_keys_are_refused() {
    let found = toml(&format!("{}a = 1", "a.".repeat(200_000)));
    assert!(found.contains("TOML"), "{found}");
    assert!(toml(&format!("[{}a]\nb = 1", "a.".repeat(200_000))).contains("TOML"));
}

#[test]
fn aliases_that_stand_for_nothing_are_refused() {
    assert!(mistakes("a: *nowhere").contains("this is not YAML"));
    assert!(mistakes("a: &a [*a]").contains("this alias contains itself"));
}

#[test]
fn a_large_text_is_refused_before_it_is_parsed() {
    let text = "a".repeat(FILE_BYTES_MAX as usize + 1);
    assert_eq!(mistakes(&text), ": wanted a plan of at most 1048576 bytes, found 1048577");
}

#[test]
fn what_is_not_a_plan_is_told_apart() {
    insta::assert_snapshot!(mistakes(""), @r#": the plan is empty (a plan has at least `target` and `scenarios`; `muster schema` lists all keys)"#);
    insta::assert_snapshot!(mistakes("# nothing\n---\n"), @r#": the plan is empty (a plan has at least `target` and `scenarios`; `muster schema` lists all keys)"#);
    insta::assert_snapshot!(mistakes("a\0b"), @r#": wanted a text, found binary data"#);
    insta::assert_snapshot!(mistakes("just a text"), @r#"1:1 : wanted a map, found `just a text`"#);
    insta::assert_snapshot!(mistakes("- a\n- b"), @r#"1:1 : wanted a map, found a list"#);
    insta::assert_snapshot!(mistakes("name: [a"), @r#"1:7 : this is not YAML: unclosed bracket '['"#);
    insta::assert_snapshot!(mistakes("name: a\n---\nname: b"), @r#"2:1 : wanted one document, found a second one"#);
    insta::assert_snapshot!(mistakes("? [a, b]\n: c"), @r#"1:3 : wanted a key, found a list (a text that begins with `{` or `[` needs quotes)"#);
    insta::assert_snapshot!(mistakes("name: {{ x }}"), @r#"1:8 : wanted a key, found a map (a text that begins with `{` or `[` needs quotes)"#);
    insta::assert_snapshot!(mistakes("name:\n\t- x"), @r#"2:2 : this is not YAML: tabs disallowed within this context (block indentation)"#);
    insta::assert_snapshot!(mistakes("name: !exec rm"), @r#"1:13 : tags are not supported, found `!exec`"#);
    insta::assert_snapshot!(toml(""), @r#"
    error: the plan is empty
     |
     = note: in plan.toml
     = help: a plan has at least `target` and `scenarios`; `muster schema` lists all keys
    "#);
    insta::assert_snapshot!(toml("name = \nseed == 5\n"), @r#"
    error: this is not TOML: string values must be quoted, expected literal string
     --> plan.toml:1:8
      |
    1 | name = 
      |        ^

    error: this is not TOML: extra `=`, expected nothing
     --> plan.toml:2:7
      |
    2 | seed == 5
      |       ^

    error: this is not TOML: unexpected key or value, expected newline, `#`
     --> plan.toml:2:9
      |
    2 | seed == 5
      |         ^
    "#);
}

#[test]
fn as_many_steps_as_allowed_are_read() {
    let steps = |count: usize| {
        let lines = "- {get: /, headers: {a: b}, query: {c: d}}\n".repeat(count);
        super::scenario(&format!("executor: constant-users\nusers: 1\nduration: 1s\nsteps:\n{lines}"))
    };
    assert_eq!(super::sound(&steps(10_000)).scenarios[0].steps.len(), 10_000);
    assert!(mistakes(&steps(10_001)).contains("wanted a list of 1 to 10000, found one of 10001"));
}

#[test]
fn a_thousand_mistakes_are_counted_and_some_shown() {
    let keys: String = (0..1_000).map(|number| format!("wrong{number}: 1\n")).collect();
    let found = yaml(&format!("{keys}{}", step("get: /"))).unwrap_err();
    assert_eq!((found.count(), found.iter().count()), (1_000, MISTAKES_MAX));
    assert!(found.to_string().ends_with("and 950 more"));
}

#[test]
fn a_terminal_is_not_told_what_to_do() {
    let found = yaml("\"\\e[31mred\\u202E\": 1\nname: \u{202e}x\u{9b}31m\nscenarios: \"\\e]0;x\\a\"").unwrap_err();
    let shown = found.render(false);
    assert!(!shown.contains(|c: char| c.is_control() && c != '\n') && !shown.contains('\u{202e}'), "{shown:?}");
    assert!(found.render(true).contains("\u{1b}["), "colour where it is wanted");
}

#[test]
fn places_count_characters() {
    let found = yaml("# \u{fc}\u{1f600}\r\n\"n\u{fc}\": \u{fc}\n{x: \u{1f600}\u{fc}, y: 1}").unwrap_err();
    assert_eq!(
        found.iter().next().and_then(|mistake| mistake.place).map(|place| (place.line, place.column)),
        Some((3, 1))
    );
    let found = yaml(&format!("http: {{\"\u{1f600}\u{fc}\": 1, timeut: 5s}}\n{}", step("get: /"))).unwrap_err();
    let columns: Vec<_> = found.iter().filter_map(|mistake| mistake.place).map(|place| place.column).collect();
    assert_eq!(columns, [8, 17]);
}

#[test]
fn a_byte_order_mark_moves_nothing() {
    let marked = |text: &str| format!("\u{feff}{text}");
    assert_eq!(super::sound(&marked(&step("get: /"))), super::sound(&step("get: /")));
    let found = yaml(&marked(&format!("nmae: x\n{}", step("get: /, tiemout: 1s")))).unwrap_err();
    let places: Vec<_> = found.iter().filter_map(|mistake| mistake.place).map(|at| (at.line, at.column)).collect();
    assert_eq!(places, [(1, 2), (9, 17)]);
    assert!(toml(&marked("nmae = 1")).contains("unknown key `nmae`"));
}

#[test]
fn a_plan_in_one_long_line_is_shown_in_part() {
    let long = format!("{{\"name\": \"{}\", \"nmae\": 1}}", "x".repeat(500_000));
    let found = yaml(&long).unwrap_err().to_string();
    assert!(found.len() < 5_000, "{}", found.len());
    assert!(found.contains("in plan.yaml, line 1, column 500014"), "{found}");
}

#[test]
fn no_text_does_harm() {
    let nowhere = Path::new("no-such-folder");
    bolero::check!(name = "plan").with_iterations(RANDOM_TEXTS).for_each(|bytes: &[u8]| {
        let text = String::from_utf8_lossy(bytes);
        for format in [Format::Yaml, Format::Toml] {
            if let Err(mistakes) = from_str(&text, format, "plan", nowhere) {
                assert!(mistakes.count() > 0 && !mistakes.render(false).is_empty());
            }
        }
    });
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn no_broken_example_makes_the_reader_panic(at in 0..super::example::EXAMPLE.len(), with in "[a-z{}:\n\\[\\] -]{0,3}") {
        let mut text = super::example::EXAMPLE.to_owned();
        let begin = text.floor_char_boundary(at);
        text.replace_range(begin..text.ceil_char_boundary(at + 1), &with);
        if let Err(mistakes) = yaml(&text) {
            prop_assert!(!mistakes.render(true).is_empty());
        }
    }
}
