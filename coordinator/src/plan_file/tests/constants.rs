//! What is made when the plan is read: variables of variables, the environment, names of steps, hosts.

use std::path::Path;

use muster_proto::plan::{Plan, Var};

use super::super::reader::Reader;
use super::super::{Format, Mistakes, Secrets, parse};
use super::{lines, mistakes, request, scenario, sound, step};

/// A plan with these lines before it, and one step.
fn plan(lines: &str, keys: &str) -> String {
    format!("{lines}\n{}", step(keys))
}

/// Reads a plan of whose variables some are given by the command line.
fn given(text: &str, vars: &[(&str, &str)]) -> Result<Plan, Mistakes> {
    let overrides = vars.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let reader = Reader { overrides, ..Reader::new(Path::new(""), Secrets::LookedUp) };
    parse(text, Format::Yaml, "plan.yaml", reader).map(|read| read.plan)
}

fn path() -> String {
    std::env::var("PATH").unwrap()
}

#[test]
fn a_variable_may_name_those_before_it() {
    let plan = sound(&plan("vars: { n: 2, list: ['{{ n * 3 }}', 'a{{ n }}'], all: { l: '{{ list }}' } }", "get: /"));
    assert_eq!(plan.vars.len(), 3);
    let value = |at: usize| serde_json::from_str::<serde_json::Value>(&plan.vars[at].json).unwrap();
    assert_eq!(value(1), serde_json::json!([6, "a2"]));
    assert_eq!(value(2), serde_json::json!({ "l": [6, "a2"] }));
}

#[test]
fn what_templates_name_of_the_environment_and_nothing_else_comes_with_the_plan() {
    let plan = sound(&plan("vars: { p: '{{ env.PATH }}' }", "get: '/{{ env.NO_SUCH_THING | default(1) }}'"));
    let env = serde_json::json!({ "PATH": path() });
    assert_eq!(plan.vars[0].name, "env");
    assert_eq!(serde_json::from_str::<serde_json::Value>(&plan.vars[0].json).unwrap(), env);
    assert!(sound(&step("get: '/{{ 1 }}env.PATH'")).vars.is_empty());
    let formula = sound(&scenario(
        "executor: constant-users\nusers: 1\nduration: 1s\nsteps:\n- { if: env.PATH == '', then: [get: /] }",
    ));
    assert_eq!(formula.vars.len(), 1);
}

#[test]
fn names_hosts_and_the_target_are_made_when_the_plan_is_read() {
    let vars = "vars: { host: 'shop.test:81', what: list }";
    let read = |keys: &str| sound(&plan(vars, keys).replace("http://127.0.0.1", "http://{{ host }}/api"));
    assert_eq!(request(&read("name: 'the {{ what }}', get: /")).name, "the list");
    assert_eq!(request(&read("get: /")).url.to_string(), "http://shop.test:81/api/");
    let absolute = read("get: 'https://a.{{ host }}/x/{{ what }}/{{ iteration }}'");
    assert_eq!(request(&absolute).url.to_string(), "https://a.shop.test:81/x/{{ what }}/{{ iteration }}");
    assert_eq!(request(&absolute).name, "GET /x/{{ what }}/{{ iteration }}");
    let whole = sound(&plan("vars: { base: 'http://h:82/b' }", "get: '{{ base }}/c'"));
    assert_eq!(
        (request(&whole).url.to_string(), request(&whole).name.as_str()),
        ("http://h:82/b/c".into(), "GET /b/c")
    );
}

#[test]
fn a_scenarios_variables_go_before_the_plans_and_no_further() {
    let of = |vars: &str, name: &str| {
        format!(
            "  {name}:\n    executor: constant-users\n    users: 1\n    duration: 1s\n    {vars}\n    steps: [ {{ name: '{{{{ n }}}}', get: / }} ]\n"
        )
    };
    let text = format!(
        "target: http://h\nvars: {{ n: 1, m: 2 }}\nscenarios:\n{}{}",
        of("vars: { n: '{{ m * 4 }}' }", "a"),
        of("", "b")
    );
    let plan = sound(&text);
    assert_eq!(plan.scenarios[0].vars, [Var::new("n", "8")]);
    let names: Vec<_> = plan.scenarios.iter().map(|scenario| scenario.requests()[0].name.as_str()).collect();
    assert_eq!(names, ["8", "1"]);
    let overridden = given(&text, &[("n", "5"), ("m", "3")]).unwrap();
    assert_eq!(overridden.scenarios[0].vars, [Var::new("n", "12")]);
    assert_eq!(overridden.scenarios[1].requests()[0].name, "5");
}

#[test]
fn the_command_line_gives_variables_other_values() {
    let text = plan("vars: { n: 1, who: x, of: '{{ n + 1 }}' }\nsecrets: { token: { env: PATH } }", "get: /");
    let plan = given(&text, &[("n", "[7]"), ("who", "a b"), ("of", "\"1\"")]).unwrap();
    let values: Vec<_> = plan.vars.iter().filter(|var| !var.secret).map(|var| var.json.as_str()).collect();
    assert_eq!(values, ["[7]", "\"a b\"", "\"1\""]);
    let told = lines(&given(&text, &[("m", "1"), ("whom", "x"), ("token", "x")]).unwrap_err());
    insta::assert_snapshot!(told);
}

#[test]
fn users_have_numbers_in_closed_models_alone() {
    let with = |executor: &str, name: &str| scenario(&format!("{executor}\nsteps: [ {{ get: '/{{{{ {name} }}}}' }} ]"));
    let (closed, open) = (
        "executor: constant-users\nusers: 1\nduration: 1s",
        "executor: constant-arrival-rate\nrate: 1/s\nduration: 1s",
    );
    for name in ["user", "turn", "agent", "worker", "user + 1"] {
        assert!(super::yaml(&with(closed, name)).is_ok(), "{name}");
    }
    let told = ["user", "turn + 1"].map(|name| mistakes(&with(open, name)));
    insta::assert_snapshot!(told.join("\n"));
    // A name of the plan's own goes before.
    let own = sound(&format!("vars: {{ user: ada }}\n{}", with(open, "user")));
    assert_eq!(own.vars, [Var::new("user", "\"ada\"")]);
}

#[test]
fn what_cannot_be_made_then_is_told() {
    let wrong = [
        plan("vars: { n: '{{ iteration }}' }", "get: /"),
        plan("vars: { n: '{{ later }}', later: 1 }", "get: /"),
        plan("vars: { env: 1, agent: 2 }", "get: /"),
        plan("", "name: 'a {{ random(1, 2) }}', get: /"),
        plan("", "name: 'a {{ id }}', get: /, capture: { id: body }"),
        plan("secrets: { token: { env: PATH } }", "name: '{{ token }}', get: /"),
        plan("secrets: { token: { env: PATH } }", "get: 'http://{{ token }}/'"),
        plan("", "get: '/{{ env.NO_SUCH_THING }}'"),
        plan("", "get: '/{{ env.NO_SUCH_THING ~ iteration }}{{ env.NO_SUCH_THING | default(2) }}'"),
        plan("", "get: '/{{ env[1] }}'"),
        plan("", "get: 'http://{{ iteration }}.test/'"),
        plan("", "get: /").replace("http://127.0.0.1", "http://{{ nobody }}"),
    ];
    insta::assert_snapshot!(super::mistakes::each(wrong));
}
