//! What a plan will ask of target and agents, told before anything is sent.

use std::fmt::Write;
use std::sync::Arc;
use std::time::Duration;

use muster_agent::engine::preview::{Preview, Shown, preview};
use muster_agent::engine::rows::Rows;
use muster_proto::plan::{ChoreKind, Connections, Executor, Plan, Request, Scenario, Step, Templates};
use muster_proto::schedule::{ArrivalSchedule, Stream};

use crate::plan_file::format_duration;
use crate::steps::{blocks, in_words};

/// The longest beginning of a text that is shown, in characters.
const SHOWN_CHARS_MAX: usize = 120;

/// A plan's load in words, a paragraph per scenario, with the rows of its feeders.
#[must_use]
pub fn forecast(plan: &Plan, rows: &[Arc<Rows>]) -> String {
    let mut text = String::new();
    let longest = plan.scenarios.iter().map(Scenario::end).max().unwrap_or(Duration::ZERO);
    let profiles = plan.scenarios.iter().map(|scenario| scenario.start_delay + scenario.executor.duration()).max();
    let _ = writeln!(
        text,
        "{}: valid; {} with up to {} of grace, {} threshold{}",
        plan.name,
        format_duration(profiles.unwrap_or_default()),
        format_duration(longest.saturating_sub(profiles.unwrap_or_default())),
        plan.thresholds.len(),
        if plan.thresholds.len() == 1 { "" } else { "s" },
    );
    for (index, scenario) in plan.scenarios.iter().enumerate() {
        let _ = writeln!(text, "\n{} ({})", scenario.name, scenario.executor.name());
        describe_load(&mut text, plan.seed, index, scenario);
        describe_steps(&mut text, &scenario.steps, 1);
        describe_iteration(&mut text, plan, rows, index);
    }
    for kind in [ChoreKind::Setup, ChoreKind::Teardown] {
        let chore = plan.chore(kind);
        if !chore.steps.is_empty() {
            let _ = writeln!(text, "\n{} (once, within {})", kind.name(), format_duration(chore.timeout));
            describe_steps(&mut text, &chore.steps, 1);
        }
    }
    text
}

/// The first iteration, where it is made of anything.
fn describe_iteration(text: &mut String, plan: &Plan, rows: &[Arc<Rows>], scenario: usize) {
    if plan.scenarios[scenario].requests().iter().all(|request| request.templates == Templates::default()) {
        return;
    }
    let Preview { rows, requests } = preview(plan, rows, scenario);
    let _ = writeln!(text, "\n  its first iteration, as far as it is known before any response");
    for (name, row) in rows {
        let _ = writeln!(text, "    {name} = {}", beginning(&row));
    }
    for Shown { name, line, body } in requests {
        let _ = writeln!(text, "    {name:<24} {} {}", beginning(&line), beginning(&body));
    }
}

/// As much of a text as fits on a line, without line ends.
fn beginning(text: &str) -> String {
    let line: String = text.chars().take(SHOWN_CHARS_MAX).map(|c| if c.is_control() { ' ' } else { c }).collect();
    if text.chars().nth(SHOWN_CHARS_MAX).is_some() { format!("{line}…") } else { line }
}

/// What an iteration does, block by block.
fn describe_steps(text: &mut String, steps: &[Step], depth: usize) {
    let indent = "  ".repeat(depth);
    let request = |request: &Request| format!("{:<24} {} {}", request.name, request.method, request.url);
    for step in steps {
        let _ = match step {
            Step::Request(of) => writeln!(text, "{indent}{}", request(of)),
            step => writeln!(text, "{indent}{}", in_words(step, true)),
        };
        if let Step::Parallel(parallel) = step {
            parallel.requests.iter().for_each(|of| _ = writeln!(text, "{indent}  {}", request(of)));
        }
        for (words, steps) in blocks(step) {
            let has_words = !words.is_empty();
            if has_words {
                let _ = writeln!(text, "{indent}  {words}");
            }
            describe_steps(text, steps, depth + 1 + usize::from(has_words));
        }
    }
}

fn describe_load(text: &mut String, seed: u64, index: usize, scenario: &Scenario) {
    let (requests, connections) = match &scenario.executor {
        Executor::ArrivalRate { stages, arrivals, max_users, .. } => {
            let peak = stages.iter().map(|stage| stage.from.max(stage.to).as_per_second()).fold(0.0, f64::max);
            let stream = Stream { seed, scenario: index as u32 };
            let total = ArrivalSchedule::new(stages, *arrivals, stream).map_or(0, |schedule| schedule.arrivals_total());
            let _ = writeln!(text, "  {total} iterations, up to {}/s", Trimmed(peak));
            (Some(total), u64::from(*max_users))
        }
        Executor::Users { stages, .. } => {
            let users = stages.iter().map(|stage| stage.from.max(stage.to)).max().unwrap_or(0);
            let _ = writeln!(text, "  up to {users} users, one iteration after the other");
            (None, u64::from(users))
        }
        Executor::PerUserIterations { users, iterations, .. } => {
            let _ = writeln!(text, "  {users} users, {iterations} iterations each");
            (Some(u64::from(*users) * iterations), u64::from(*users))
        }
        Executor::SharedIterations { users, iterations, .. } => {
            let _ = writeln!(text, "  {users} users share {iterations} iterations");
            (Some(*iterations), u64::from(*users))
        }
    };
    let per_iteration = scenario.requests_max(|_| 1);
    let varies =
        scenario.steps.iter().any(|step| matches!(step, Step::If(_) | Step::Loop(_) | Step::Choose(_) | Step::Stop(_)));
    if let Some(iterations) = requests {
        let most = if varies { "at most " } else { "" };
        let _ = writeln!(text, "  {most}{} requests without redirects", iterations.saturating_mul(per_iteration));
    }
    let _ = match scenario.connections {
        Connections::New => writeln!(text, "  a connection per request, at most {connections} at once"),
        _ => writeln!(text, "  at most {connections} connections per origin, and as many descriptors, over all agents"),
    };
}

/// A number without superfluous zeros.
struct Trimmed(f64);

impl std::fmt::Display for Trimmed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let text = format!("{:.3}", self.0);
        f.write_str(text.trim_end_matches('0').trim_end_matches('.'))
    }
}
