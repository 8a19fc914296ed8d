//! What a plan's templates become, and what is said of those that are wrong.

use muster_proto::plan::{Templates, Var};

use super::{mistakes, request, section, sound, step};

/// The plan's request, with two variables.
fn made(keys: &str) -> muster_proto::plan::Request {
    let plan = sound(&format!("vars: {{ id: 7, who: \"a b\" }}\n{}", step(keys)));
    assert_eq!(plan.vars, [Var::new("id", "7"), Var::new("who", "\"a b\"")]);
    request(&plan).clone()
}

fn body(keys: &str) -> String {
    let request = made(keys);
    assert_eq!(request.templates, Templates { head: false, body: true });
    String::from_utf8(request.body.0.to_vec()).unwrap()
}

#[test]
fn what_stands_around_an_expression_is_encoded_and_what_it_makes_will_be() {
    assert_eq!(made("get: '/ü/{{ id }}/x'").url.path, "/%C3%BC/{{ id }}/x");
    assert_eq!(made("get: 'http://h/a?b={{ who }}'").url.path, "/a?b={{ who }}");
    assert_eq!(made("get: '/go?to=http://{{ who }}'").url.path, "/go?to=http://{{ who }}");
    let query = made("get: /a, query: {q: 'x y{{ id + 1 }}', r: '{{who}}'}");
    assert_eq!(query.url.path, "/a?q=x%20y{{ (id + 1) | given | urlencode }}&r={{ (who) | given | urlencode }}");
    assert_eq!(query.name, "GET /a");
    assert_eq!(query.templates, Templates { head: true, body: false });
    assert_eq!(body("post: /a, form: {q: 'x y{{ id }}'}"), "q=x+y{{ (id) | given | urlencode }}");
    assert_eq!(body("post: /a, body: 'x {{ id }}'"), "x {{ id }}");
    assert!(made("get: /a, headers: {x: '{{ id }}'}").templates.head);
    assert_eq!(made("post: /a, json: {a: 1}").templates, Templates::default());
}

#[test]
fn a_single_expression_in_json_keeps_its_kind() {
    let json = body(r#"post: /a, json: {n: '{{ id }}', t: 'a"b {{ who }}', l: [1, '{{ [id] }}', true]}"#);
    assert_eq!(
        json,
        r#"{"n":{{ (id) | given | tojson }},"t":"a\"b {{ (who) | given | json_text }}","l":[1,{{ ([id]) | given | tojson }},true]}"#
    );
}

#[test]
fn what_is_wrong_is_told() {
    let wrong = |keys: &str| mistakes(&format!("vars: {{ pages: 7 }}\n{}", step(keys)));
    let all = [
        "get: '/{{ page }}'",
        "get: '/{{ pages'",
        "get: '/{{ pages + }}'",
        "get: '/{{ pages.x.y }}'",
        "get: '/{{ random(2, 1) }}'",
        "get: '/{{ choice([]) }}'",
        "get: 'http://{{ iteration }}/'",
        "get: 'http://h{{ iteration }}'",
        "get: '{{ pages }}'",
        "get: /, query: {a: '{{ x }}'}",
        "get: /, headers: {x: '{{ text(100000) }}'}",
        "post: /, json: {a: [1, '{{ pages | nothing }}'], '{{ b }}': 2, c: '{{ page }}'}",
        "name: '{{ iteration }}', get: /",
        "get: /, timeout: '{{ pages }}s'",
    ];
    let told: Vec<String> = all.iter().map(|keys| wrong(keys)).collect();
    insta::assert_snapshot!(told.join("\n"));
    let vars = ["vars: { 1a: 1 }", "vars: { random: 1 }", "vars: { a: '{{ b }}' }", "vars: [1]"];
    let told: Vec<String> = vars.iter().map(|lines| mistakes(&section(lines))).collect();
    insta::assert_snapshot!("variables", told.join("\n"));
}

#[test]
fn secrets_are_looked_up_where_the_run_is_started_and_shown_nowhere() {
    let path = std::env::var("PATH").unwrap();
    let plan =
        sound(&format!("secrets: {{ token: {{ env: PATH }} }}\n{}", step("get: /, headers: { x: '{{ token }}' }")));
    assert_eq!(plan.vars, [Var::secret("token", serde_json::Value::from(path.as_str()).to_string())]);
    assert!(!super::super::resolved(&plan).to_string().contains(&path));
    assert!(!format!("{:?}", crate::report::elided(&plan)).contains(&path));
    let wrong = [
        "secrets: { a: { env: NO_SUCH_THING } }",
        "secrets: { a: b }",
        "vars: { a: 1 }\nsecrets: { a: { env: PATH } }",
    ];
    let told = wrong.map(|lines| mistakes(&format!("{lines}\n{}", step("get: /"))));
    insta::assert_snapshot!("secrets", told.join("\n"));
}
