//! The command line: each sub-command parses, calls and prints; what it calls stands elsewhere.

mod compare;
mod doctor;
mod exports;
mod import;
mod keep;
mod live;
mod once;
mod orders;
mod outputs;
mod report;
mod resume;
mod run;
mod runs;
mod schema;
mod show;
mod stops;
mod target;
mod trend;
mod validate;
mod watch;

use std::io::IsTerminal;

use clap::{Parser, Subcommand};

use crate::exit::ExitCode;
use crate::run::order::Order;

/// Distributed load generation that tells the truth.
#[derive(Debug, Parser)]
#[command(name = "muster", version, about, propagate_version = true, after_help = EXIT_CODES)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run a load test: a plan file, or a URL for a quick one
    Run(Box<run::RunArgs>),
    /// Show the report of a run again, also of one whose coordinator did not live to give it
    #[command(visible_alias = "show")]
    Report(report::ReportArgs),
    /// Compare two kept runs, with how sure each difference is
    Compare(compare::CompareArgs),
    /// List the runs that are kept
    Runs(runs::RunsArgs),
    /// Show how one number went on over the runs of a plan
    Trend(trend::TrendArgs),
    /// Let a scenario of a run that goes on have another rate, or other users, until its end
    Set(orders::SetArgs),
    /// Pause a run that goes on: nothing falls due, nobody iterates, time goes by
    Pause(orders::WhichArgs),
    /// Let a paused run go on with what its plan has by then
    Resume(orders::WhichArgs),
    /// Bring a run to its end, with a report of what ran
    Stop(orders::StopArgs),
    /// Note something at this moment of a run, for its report
    Annotate(orders::AnnotateArgs),
    /// Check a plan and show what it would do, without sending anything
    Validate(validate::ValidateArgs),
    /// Make a plan of a browser's recording, curl commands, an OpenAPI description or a Postman collection
    Import(import::ImportArgs),
    /// Print the plan file's JSON Schema, for completion in editors, or the result document's
    Schema(schema::SchemaArgs),
    /// Look at what this machine allows a load test: descriptors, ports, clock, cores
    Doctor,
    /// Serve HTTP with scripted latency, errors and stalls, as a target to try things on
    Target(target::TargetArgs),
}

const EXIT_CODES: &str = "Exit codes:
    0  passed, and the result can be trusted
   99  a threshold failed
   98  the run is invalid: the generators were the limit, not the target
   97  measurements are missing, the books do not balance, or the coordinator ended before the run
  104  the plan or the arguments are wrong
  105  stopped by the user; the report covers what ran
  106  refused by an agent's policy
  107  the run could not be stored: its folder, journal or result
    1  anything else";

/// Parses the arguments, does what they say, and returns the exit code.
#[must_use]
pub fn main() -> std::process::ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            let _ = error.print();
            return if error.use_stderr() { ExitCode::BadPlan } else { ExitCode::Passed }.into();
        }
    };
    let result = match cli.command {
        Command::Run(args) => run::main(*args),
        Command::Report(args) => report::main(&args),
        Command::Compare(args) => compare::main(&args),
        Command::Runs(args) => runs::main(&args),
        Command::Trend(args) => trend::main(&args),
        Command::Set(args) => orders::set(args),
        Command::Pause(which) => orders::order(&which, &Order::Pause),
        Command::Resume(which) => orders::order(&which, &Order::Resume),
        Command::Stop(args) => orders::stop(&args),
        Command::Annotate(args) => orders::annotate(args),
        Command::Validate(args) => validate::main(&args),
        Command::Import(args) => import::main(args),
        Command::Schema(args) => schema::main(&args),
        Command::Doctor => doctor::main(),
        Command::Target(args) => target::main(args),
    };
    let code = result.unwrap_or_else(|problem| {
        eprintln!("{}", problem.text.trim_end());
        problem.exit_code
    });
    code.into()
}

/// What keeps a sub-command from doing its work.
struct Problem {
    exit_code: ExitCode,
    text: String,
}

impl Problem {
    fn new(exit_code: ExitCode, text: impl Into<String>) -> Self {
        Self { exit_code, text: text.into() }
    }

    /// A problem that is neither the plan's nor the target's fault.
    fn other(text: impl Into<String>) -> Self {
        Self::new(ExitCode::Failure, format!("error: {}", text.into()))
    }
}

type Outcome = Result<ExitCode, Problem>;

/// Whether what goes to standard error may be coloured.
fn colour_on_stderr() -> bool {
    std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}

/// Whether what goes to standard output may be coloured.
fn colour_on_stdout() -> bool {
    std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}

/// Writes to standard output. A reader that has gone away, such as `head`, is no problem.
fn print(text: &str) {
    use std::io::Write;
    let _ = std::io::stdout().lock().write_all(text.as_bytes());
}
