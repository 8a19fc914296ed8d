use muster_proto::schedule::Stream;
use proptest::prelude::*;

use super::*;

/// How many random texts are tried after those that fuzzing has kept.
const RANDOM_TEXTS: usize = 1_000;

fn names() -> Names {
    let list = "[1, \"two\", {\"x\": 3}]";
    let vars = Vars::new([("pages", "50"), ("who", "\"a b\""), ("list", list), ("none", "null")], 0);
    Names::new(vars, ["id", "token"].map(str::to_owned))
}

/// What an iteration has found out: one of the two.
fn kept() -> Variables {
    let names = names();
    let mut variables = Variables::default();
    variables.begin(&names);
    variables.set(names.slot("id").unwrap(), Value::from(17));
    variables
}

fn key(iteration: u64) -> Key {
    Key { stream: Stream { seed: 42, scenario: 1 }, iteration, step: 2, round: 0 }
}

fn made(text: &str, iteration: u64) -> Result<String, TemplateError> {
    let template = Template::compile(text, &names())?;
    within(key(iteration), &mut kept(), |scope| template.render(scope))
}

fn text(text: &str) -> String {
    made(text, 7).unwrap()
}

#[test]
fn expressions_are_those_of_jinja() {
    assert_eq!(text("/p/{{ pages }}?n={{ who | urlencode }}"), "/p/50?n=a%20b");
    assert_eq!(text("{{ iteration }} {{ iteration % 4 + 1 }} {{ list[2].x * 2 }} {{ list | length }}"), "7 4 6 3");
    assert_eq!(text("{{ who | upper }} {{ who | base64 }} {{ 'y' if pages > 49 else 'n' }}"), "A B YSBi y");
    assert_eq!(text("{{ list | tojson }}"), r#"[1, "two", {"x": 3}]"#);
    assert_eq!(text("\"{{ '\"\\n' | json_text }}\""), r#""\"\n""#);
    assert_eq!(text("no { braces } here, {% nor %} there"), "no { braces } here, {% nor %} there");
}

#[test]
fn what_does_not_vary_is_made_once() {
    let parts = |text| Template::compile(text, &names()).unwrap().parts.len();
    assert_eq!(parts("/p/{{ pages }}?n={{ who | urlencode }}&x={{ [1, 2] | length }}"), 1);
    assert_eq!(parts("/p/{{ pages }}/{{ iteration }}/{{ random(1, pages) }}"), 4);
}

#[test]
fn what_is_drawn_depends_on_the_step_of_the_iteration_alone() {
    let all = "{{ random(1, 1000000) }} {{ random(1, 1000000) }} {{ choice(list) }} {{ uuid() }} {{ text(12) }}";
    assert_eq!(made(all, 7), made(all, 7));
    assert_ne!(made(all, 7), made(all, 8));
    let drawn = text(all);
    let words: Vec<&str> = drawn.split(' ').collect();
    assert_ne!(words[0], words[1], "each draw is another");
    let uuid: ::uuid::Uuid = text("{{ uuid() }}").parse().unwrap();
    assert_eq!(uuid.get_version_num(), 4);
    assert_eq!(text("{{ text(12) }}").len(), 12);
    assert!(text("{{ timestamp() }}").parse::<u64>().unwrap() > 1_600_000_000_000);
}

#[test]
fn what_is_called_at_once_is_what_evaluation_gives() {
    for call in ["iteration", "user", "turn", "random(-5, 1000000)", "uuid()", "text(12)", "name()", "email()"] {
        for (at_once, evaluated) in [
            (call.to_owned(), format!("{call} | string")),
            (format!("({call}) | given | tojson"), format!("{call} | tojson")),
            (format!("({call}) | given | json_text"), format!("{call} | json_text")),
            (format!("({call}) | given | urlencode"), format!("{call} | urlencode")),
        ] {
            for iteration in 0..20 {
                let made = |expression: &str| made(&format!("{{{{ {expression} }}}}"), iteration).unwrap();
                assert_eq!(made(&at_once), made(&evaluated), "{at_once}");
            }
        }
    }
}

#[test]
fn people_are_made_up() {
    let is_word = |word: &str| word.len() > 1 && word.bytes().all(|byte| byte.is_ascii_alphabetic());
    let mut addresses = std::collections::HashSet::new();
    for iteration in 0..1_000 {
        let name = made("{{ name() }}", iteration).unwrap();
        assert!(name.split_once(' ').is_some_and(|(given, family)| is_word(given) && is_word(family)), "{name}");
        let address = made("{{ email() }}", iteration).unwrap();
        let (person, domain) = address.split_once('@').unwrap();
        assert!(person.split('.').count() == 3 && address == address.to_lowercase(), "{address}");
        assert!(["example.com", "example.net", "example.org"].contains(&domain), "{address}");
        assert!(addresses.insert(address), "another each time");
    }
    assert_eq!(made("{{ name() }} {{ email() }}", 7), made("{{ name() }} {{ email() }}", 7));
}

/// RFC 1321, A.5; FIPS 180-4's examples of "abc"; RFC 4231, 4.3 and 4.4, and RFC 2202, 3.
#[test]
fn digests_and_signatures_are_those_of_their_standards() {
    assert_eq!(text("{{ 'abc' | md5 }}"), "900150983cd24fb0d6963f7d28e17f72");
    assert_eq!(text("{{ 'abc' | sha1 }}"), "a9993e364706816aba3e25717850c26c9cd0d89d");
    let sha256 = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    assert_eq!(text("{{ 'abc' | sha256 }}"), sha256);
    let sha512 = "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a\
                  2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f";
    assert_eq!(text("{{ 'abc' | sha512 }}"), sha512);
    let signed = |hash: &str| text(&format!("{{{{ 'what do ya want for nothing?' | hmac('Jefe', '{hash}') }}}}"));
    assert_eq!(signed("sha1"), "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79");
    assert_eq!(signed("sha256"), "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    let sha512 = "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea250554\
                  9758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737";
    assert_eq!(signed("sha512"), sha512);
    // Fifty bytes of 0xdd under a key of twenty bytes of 0xaa.
    let (key, data) = ("q".repeat(26) + "o=", "3d3d".repeat(16) + "3d0=");
    let bytes = format!("{{{{ '{data}' | base64decode | hmac('{key}' | base64decode, 'sha256') }}}}");
    assert_eq!(text(&bytes), "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe");
}

#[test]
fn texts_and_bytes_are_encoded_and_decoded() {
    assert_eq!(text("{{ 'é' | hex }} {{ 17 | hex }} {{ '/+8=' | base64decode | hex }}"), "c3a9 3137 ffef");
    assert_eq!(text("{{ 'YSBi' | base64decode }} {{ '/+8=' | base64decode | base64 }}"), "a b /+8=");
    assert_eq!(text("{{ 'c3A9' | unhex }} {{ 'ffef' | unhex | base64 }} {{ '' | unhex }}"), "é /+8= ");
    let shopify = text("{{ 'what do ya want for nothing?' | hmac('Jefe', 'sha256') | unhex | base64 }}");
    assert_eq!(shopify, "W9zBRr9gdU5qBCQmCJV1x1oAPwidJzmDnexYuWTsOEM=");
    let wrong = |text| made(text, 7).unwrap_err().to_string();
    assert!(wrong("{{ 'abc' | unhex }}").contains("pairs of hexadecimal digits"));
    assert!(wrong("{{ 'zz' | unhex }}").contains("pairs of hexadecimal digits"));
    assert!(wrong("{{ 'a' | base64decode }}").contains("base64decode: "), "{}", wrong("{{ 'a' | base64decode }}"));
    assert!(wrong("{{ 'a' | hmac('k', 'sha3') }}").contains("found `sha3`, wanted `sha1`, `sha256` or `sha512`"));
}

#[test]
fn users_are_numbered_and_so_are_their_iterations() {
    let third_of_user_5 = 5 << 32 | 2;
    assert_eq!(made("{{ user }} {{ turn }} {{ user + 1 }}-{{ turn * 2 }}", third_of_user_5).unwrap(), "5 2 6-4");
    let seven = names().of_users(7);
    let counted = |key: Key| {
        let template = Template::compile("{{ counter }}", &seven).unwrap();
        within(key, &mut Variables::default(), |scope| template.render(scope)).unwrap()
    };
    assert_eq!(counted(key(third_of_user_5)), "19", "after two rounds of seven users, and five users");
    let open = names().of_open_model();
    let template = Template::compile("{{ counter }}", &open).unwrap();
    assert_eq!(within(key(41), &mut Variables::default(), |scope| template.render(scope)).unwrap(), "41");
    let unknown = |text| Template::compile(text, &open).err().map(|error| error.to_string());
    assert_eq!(unknown("{{ user }}").unwrap(), "`user` is not known");
    assert_eq!(unknown("{{ turn + 1 }}").unwrap(), "`turn` is not known");
    assert_eq!(unknown("{{ iteration }}"), None);
}

#[test]
fn a_plans_own_name_goes_before_those_that_are_there_anyway() {
    let vars = Vars::new([("user", "\"ada\""), ("worker", "7")], 3).of_agent("one".into());
    let made = |names: &Names, text: &str| {
        let template = Template::compile(text, names).unwrap();
        within(key(5 << 32), &mut Variables::default(), |scope| template.render(scope)).unwrap()
    };
    let own = Names::new(vars, ["agent".to_owned()]);
    assert_eq!(made(&own, "{{ user }} {{ user ~ '!' }} {{ worker }} {{ turn }}"), "ada ada! 7 0");
    assert!(Template::compile("{{ agent }}", &own).unwrap().needs_iteration());
    let plain = Names::new(Vars::new([], 3).of_agent("one".into()), []);
    assert_eq!(made(&plain, "{{ agent }} {{ worker }}"), "one 3");
    assert!(Template::compile("{{ agent }}", &plain).unwrap().constant().is_none(), "it varies");
}

#[test]
fn members_are_those_that_an_expression_reaches_for() {
    assert_eq!(members_of("env", "env.B ~ env.A.x | default(env.B) ~ other.C"), ["A", "B"]);
    assert_eq!(members_of("env", "env ~ environment.X"), [""; 0]);
    assert_eq!(members_of("env", "env.A +"), [""; 0]);
}

#[test]
fn fractions_are_drawn_evenly_below_the_upper_bound() {
    let mut seen = [0; 4];
    for iteration in 0..4_000 {
        let drawn: f64 = made("{{ random_float(-1.5, 0.5) }}", iteration).unwrap().parse().unwrap();
        assert!((-1.5..0.5).contains(&drawn), "{drawn}");
        seen[((drawn + 1.5) * 2.0) as usize] += 1;
    }
    assert!(seen.iter().all(|count| (850..1_150).contains(count)), "{seen:?}");
    assert_eq!(text("{{ random_float(2, 2) }} {{ random_float(1, 2) | round(2) | string | length < 5 }}"), "2.0 True");
    for wrong in ["2, 1", "-1.7e308, 1.7e308"] {
        assert!(made(&format!("{{{{ random_float({wrong}) }}}}"), 7).is_err(), "{wrong}");
    }
}

#[test]
fn moments_and_numbers_are_written_as_is_asked() {
    let year: u32 = text("{{ now('%Y') }}").parse().unwrap();
    assert!((2024..10_000).contains(&year));
    assert_eq!(text("{{ now() | length }} {{ (now('%s', 86400) | int - now('%s') | int) // 100 }}"), "24 864");
    assert_eq!(text("{{ '%06d' | format(iteration) }} {{ '%.2f' | format(1.005) }}").split(' ').next(), Some("000007"));
}

#[test]
fn whole_numbers_are_drawn_evenly_with_both_bounds() {
    let mut seen = [0; 4];
    for iteration in 0..4_000 {
        let drawn: usize = made("{{ random(0, 3) }}", iteration).unwrap().parse().unwrap();
        seen[drawn] += 1;
    }
    assert!(seen.iter().all(|count| (850..1_150).contains(count)), "{seen:?}");
    assert_eq!(text("{{ random(-5, -5) }}"), "-5");
}

#[test]
fn mistakes_are_told() {
    let wrong = |text| made(text, 7).unwrap_err().to_string();
    assert_eq!(wrong("/{{ page }}"), "`page` is not known");
    assert_eq!(wrong("/{{ pages"), "`{{ pages` has no end: wanted `}}` after it");
    assert!(wrong("{{ pages + }}").starts_with("`pages +` is no expression: "), "{}", wrong("{{ pages + }}"));
    assert!(wrong("{{ random(5, 1) }}").contains("wanted the lower bound first"));
    assert!(wrong("{{ choice([]) }}").contains("a list that is not empty"));
    assert!(wrong("{{ pages.x }}").starts_with("`pages.x` has no value: "));
    assert!(wrong("{{ text(1000000000) }}").contains("at most 65536 characters"));
    assert!(wrong("{{ pages | nothing }}").contains("nothing"));
}

#[test]
fn no_expression_takes_long_or_makes_much() {
    let bomb = "{{ range(0, 100000) | map('string') | list | join(text(60000)) }}";
    assert!(made(bomb, 7).is_err());
    assert!(made(&format!("{{{{ text(65536){} }}}}", " | hex".repeat(40)), 7).is_err());
    let nested = format!("{{{{ {}1{} }}}}", "(".repeat(5_000), ")".repeat(5_000));
    assert!(made(&nested, 7).is_err());
}

#[test]
fn what_is_not_there_has_no_value_in_a_filter_either() {
    let filters = ["unhex", "md5", "sha256", "hmac('k', 'sha256')", "hex", "base64", "base64decode", "json_text"];
    let made = filters.map(|filter| (filter, made(&format!("{{{{ token | {filter} }}}}"), 7)));
    assert!(made.iter().all(|(_, made)| made.is_err()), "{made:?}");
}

#[test]
fn no_text_does_harm() {
    bolero::check!(name = "template").with_iterations(RANDOM_TEXTS).for_each(|bytes: &[u8]| {
        let text = String::from_utf8_lossy(bytes);
        for template in [Template::compile(&text, &names()), Template::compile_value(&text, &names())] {
            _ = template.map(|template| within(key(1), &mut kept(), |scope| template.value(scope)));
        }
    });
}

proptest! {
    #[test]
    fn a_text_without_expressions_stays_as_it_is(text in "[^{]{0,60}") {
        prop_assert_eq!(made(&text, 1), Ok(text));
    }
}

#[test]
fn what_an_iteration_found_out_stands_in_its_slot() {
    assert_eq!(text("/{{ id }}/{{ id + 1 }}/{{ id * pages }}"), "/17/18/850");
    assert_eq!(text("{{ token | default('none') }}"), "none");
    let missing = made("{{ token }}", 7).unwrap_err();
    assert_eq!(missing.to_string(), "`token` has no value: there is no such thing");
    let needs = |text| Template::compile(text, &names()).unwrap().needs_iteration();
    assert!(needs("{{ id }}") && needs("{{ pages + id }}") && !needs("{{ pages }} {{ random(1, 2) }}"));
}

#[test]
fn what_one_iteration_found_out_no_other_sees() {
    let template = Template::compile("{{ id }}", &names()).unwrap();
    let (mut mine, mut other) = (kept(), Variables::default());
    assert_eq!(within(key(1), &mut mine, |scope| template.render(scope)).unwrap(), "17");
    assert!(within(key(2), &mut other, |scope| template.render(scope)).is_err());
    assert_eq!(within(key(1), &mut mine, |scope| template.render(scope)).unwrap(), "17");
    mine.begin(&names());
    assert!(within(key(3), &mut mine, |scope| template.render(scope)).is_err());
}

#[test]
fn no_filter_makes_something_of_nothing() {
    for filter in ["tojson", "urlencode", "json_text"] {
        let missing = made(&format!("{{{{ (token) | given | {filter} }}}}"), 7).unwrap_err();
        assert!(missing.to_string().ends_with("has no value: there is no such thing"), "{missing}");
        assert!(made(&format!("{{{{ (id) | given | {filter} }}}}"), 7).is_ok());
    }
    assert_eq!(text("{{ (token | default('x')) | given | tojson }}"), "\"x\"");
}
