//! `muster import`: a plan of what somebody has already.

use std::fs::OpenOptions;
use std::io::Write;
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};

use super::{Outcome, Problem, print};
use crate::exit::ExitCode;
use crate::import::{self, HarOptions, ImportError, Source};

#[derive(Debug, Args)]
pub(super) struct ImportArgs {
    #[command(subcommand)]
    from: From,
}

#[derive(Debug, Subcommand)]
enum From {
    /// What a browser recorded: the network log of its developer tools, saved as HAR
    Har {
        #[command(flatten)]
        files: Files,
        /// Keep images, fonts, styles and scripts
        #[arg(long)]
        assets: bool,
        /// Keep requests to other sites than the first page's
        #[arg(long)]
        all_origins: bool,
    },
    /// curl commands, one or more, as browsers copy them (as cURL, bash)
    Curl(Files),
    /// A description of an interface: OpenAPI 3.0 or 3.1, in JSON or YAML
    #[command(name = "openapi")]
    OpenApi(Files),
    /// A collection of requests: Postman Collection v2.1
    Postman(Files),
}

#[derive(Debug, Args)]
struct Files {
    /// The file to read, or - for standard input
    file: PathBuf,
    /// Write the plan to a file instead of standard output
    #[arg(short, long, value_name = "PLAN")]
    output: Option<PathBuf>,
    /// Replace the plan if there is one already
    #[arg(long, requires = "output")]
    force: bool,
}

pub(super) fn main(args: ImportArgs) -> Outcome {
    let (files, source) = match args.from {
        From::Curl(files) => (files, Source::Curl),
        From::OpenApi(files) => (files, Source::OpenApi),
        From::Postman(files) => (files, Source::Postman),
        From::Har { files, assets, all_origins } => (files, Source::Har(HarOptions { assets, all_origins })),
    };
    let bad = |error: ImportError| Problem::new(ExitCode::BadPlan, format!("error: {error}"));
    let text = import::read(&files.file).map_err(bad)?;
    let imported = import::import(&text, source).map_err(bad)?;
    match &files.output {
        None => print(&imported.plan),
        Some(path) => write(path, &imported.plan, files.force)?,
    }
    for note in imported.notes {
        eprintln!("note: {note}");
    }
    Ok(ExitCode::Passed)
}

fn write(path: &Path, plan: &str, force: bool) -> Result<(), Problem> {
    let mut options = OpenOptions::new();
    options.write(true).create(force).truncate(force).create_new(!force);
    let written = options.open(path).and_then(|mut file| file.write_all(plan.as_bytes()));
    written.map_err(|error| match error.kind() {
        std::io::ErrorKind::AlreadyExists => {
            let text = format!("error: there is {} already\n  help: --force replaces it", path.display());
            Problem::new(ExitCode::BadPlan, text)
        }
        _ => Problem::other(format!("cannot write the plan to {}: {error}", path.display())),
    })
}
