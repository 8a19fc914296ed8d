//! What a plan file means, and what is said about one that is wrong.

mod constants;
mod data;
mod example;
mod files;
mod findings;
mod flow;
mod hostile;
mod mistakes;
mod presets;
mod quick;
mod resolved;
mod schema;
mod templates;
mod urls;

use std::path::Path;

use muster_proto::plan::{Plan, Request};

use super::{Format, Mistakes, from_str};

/// Reads a plan from YAML.
fn yaml(text: &str) -> Result<Plan, Mistakes> {
    from_str(text, Format::Yaml, "plan.yaml", Path::new("")).map(|read| read.plan)
}

/// Reads a sound plan from YAML.
fn sound(text: &str) -> Plan {
    yaml(text).unwrap_or_else(|mistakes| panic!("{mistakes}"))
}

/// All mistakes of a wrong plan, a line each: `line:column path: message (help)`.
fn mistakes(text: &str) -> String {
    lines(&yaml(text).expect_err(text))
}

/// Mistakes, a line each.
fn lines(mistakes: &Mistakes) -> String {
    let line = |mistake: &super::Mistake| {
        let place = mistake.place.map(|place| format!("{}:{} ", place.line, place.column)).unwrap_or_default();
        let help = mistake.help.as_ref().map(|help| format!(" ({help})")).unwrap_or_default();
        format!("{place}{}: {}{help}", mistake.path, mistake.message)
    };
    mistakes.iter().map(line).collect::<Vec<_>>().join("\n")
}

/// A plan whose one scenario has these lines, each without indentation.
fn scenario(lines: &str) -> String {
    let indented: Vec<String> = lines.trim().lines().map(|line| format!("    {line}\n")).collect();
    format!("target: http://127.0.0.1\nscenarios:\n  a:\n{}", indented.concat())
}

/// A plan with one request step, given as a flow map without braces.
fn step(keys: &str) -> String {
    scenario(&format!("executor: constant-users\nusers: 1\nduration: 1s\nsteps:\n- {{ {keys} }}"))
}

/// A sound plan with these lines before it.
fn section(lines: &str) -> String {
    format!("{}\n{}", lines.trim(), step("get: /"))
}

/// The first request of a plan.
fn request(plan: &Plan) -> &Request {
    plan.scenarios[0].requests().first().copied().expect("the plan has a request")
}
