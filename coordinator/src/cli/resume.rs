//! `muster run --resume`: goes on with a run whose coordinator ended before it did.

use super::report::problem;
use super::run::{RunArgs, conclude, listen, see_through};
use super::{Outcome, Problem, stops};
use crate::begun::Begun;
use crate::exit::ExitCode;
use crate::report::{ResumedInfo, text};
use crate::resume::{Halted, ResumeError};
use crate::run::life::Run;
use crate::store::RunFolder;

pub(super) async fn resume(args: RunArgs) -> Outcome {
    let stops = stops::listen();
    let name = args.resume.as_deref().unwrap_or_default();
    let folder = RunFolder::find(args.keep.runs(), name).map_err(problem)?;
    let halted = Halted::find(&folder).map_err(|error| refused(error, name))?;
    let listener = listen(args.listen.or(Some(halted.listen())), args.insecure_cluster).await?;
    let exports = args.exports.settings().await?;
    let address = listener.local_addr().map_err(|error| Problem::other(format!("the listening socket: {error}")))?;
    if halted.torn() > 0 {
        eprintln!("cut off: the last {} bytes of the journal, of which nothing was ever acknowledged", halted.torn());
    }
    let mut opening = halted.go_on(&Begun::now(), args.keep.journal_max()).map_err(|error| {
        let text = format!("error: cannot go on with the run in {}: {error}", folder.path().display());
        Problem::new(ExitCode::Storage, text)
    })?;
    opening.data = folder.rows(opening.run.plan());
    eprintln!("run {} {}", opening.run.id().short(), text::resumed(&ResumedInfo::of(opening.run.absence())));
    eprintln!("{} at {address}", awaited(&opening.run));
    let (report, page) = see_through(opening, listener, stops, Some(&folder), exports, &args).await;
    let outcome = conclude(&report, &args.outputs, Some(&folder));
    args.keep.let_old_ones_go(&report.run.name);
    args.exports.linger(page).await;
    outcome
}

/// Whom a run waits for that is gone on with.
fn awaited(run: &Run) -> String {
    match run.start_ns() {
        None => format!("it had not begun: waiting for {} agents", run.plan().agents.start_when),
        Some(_) => format!("waiting for {} agents to come back", run.expected()),
    }
}

fn refused(error: ResumeError, name: &str) -> Problem {
    let hint = match error {
        ResumeError::Store(error) => return problem(error),
        ResumeError::Ended | ResumeError::Local => format!("its report: muster report {name}"),
        ResumeError::Unbegun => "nothing was sent; start it again from its plan".to_owned(),
    };
    Problem::new(ExitCode::BadPlan, format!("error: {error}\nhint: {hint}"))
}
