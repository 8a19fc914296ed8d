//! Files that a finished report is written to.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use clap::Args;

use super::Problem;
use crate::exit::ExitCode;
use crate::report::{Report, csv, hlog, html, json, junit, markdown};

/// Where a report goes beside the summary; each may be `-` for standard output, in place of the summary.
#[derive(Debug, Default, Args)]
#[command(next_help_heading = "Files, or - for standard output in place of the summary")]
pub(super) struct Outputs {
    /// The result document
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// The report as one page that needs nothing else
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    /// A row for each request, as comma-separated values
    #[arg(long, value_name = "FILE")]
    csv: Option<PathBuf>,
    /// A row for each second and request, as comma-separated values
    #[arg(long, value_name = "FILE")]
    csv_timeline: Option<PathBuf>,
    /// A test case for each threshold, as JUnit's XML
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,
    /// The verdict and tables as Markdown, such as a build server shows: "$GITHUB_STEP_SUMMARY"
    #[arg(long, value_name = "FILE")]
    markdown: Option<PathBuf>,
    /// The histograms of all requests, as HdrHistogram's log
    #[arg(long, value_name = "FILE")]
    hlog: Option<PathBuf>,
}

type Render = fn(&Report, &mut dyn Write) -> io::Result<()>;

impl Outputs {
    fn wanted(&self) -> impl Iterator<Item = (&Path, Render)> {
        let all: [(&Option<PathBuf>, Render); 7] = [
            (&self.json, |report, out| json::write(report, out)),
            (&self.html, |report, out| html::write(report, out)),
            (&self.csv, |report, out| csv::summary(report, out)),
            (&self.csv_timeline, |report, out| csv::timeline(report, out)),
            (&self.junit, |report, out| junit::write(report, out)),
            (&self.markdown, |report, out| markdown::write(report, out)),
            (&self.hlog, |report, out| hlog::write(report, out)),
        ];
        all.into_iter().filter_map(|(file, render)| Some((file.as_deref()?, render)))
    }

    /// Whether one of them takes the summary's place.
    pub(super) fn take_standard_output(&self) -> bool {
        self.wanted().any(|(file, _)| file == Path::new("-"))
    }

    /// Where the document of a stretch of a run goes, if anywhere; nothing else is made of one.
    pub(super) fn of_a_window(&self) -> Result<Option<&Path>, Problem> {
        if self.wanted().count() > usize::from(self.json.is_some()) {
            let text = "error: --from and --to go with --json alone; the other files are of whole runs";
            return Err(Problem::new(ExitCode::BadPlan, text));
        }
        Ok(self.json.as_deref())
    }

    /// Writes all of them, and tells the first that could not be.
    pub(super) fn write(&self, report: &Report) -> Result<(), Problem> {
        // What can be written is, whatever cannot.
        let each: Vec<Result<(), Problem>> =
            self.wanted().map(|(file, render)| put(file, |out| render(report, out))).collect();
        each.into_iter().collect()
    }
}

/// Writes a file, or standard output if that is what it is called.
pub(super) fn put(file: &Path, render: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> Result<(), Problem> {
    let written = if file == Path::new("-") {
        render(&mut io::stdout().lock())
    } else {
        File::create(file).and_then(|file| {
            let mut out = BufWriter::new(file);
            render(&mut out)?;
            out.flush()
        })
    };
    written.map_err(|error| {
        let text = format!("error: cannot write the result to {}: {error}", file.display());
        Problem::new(ExitCode::Storage, text)
    })
}
