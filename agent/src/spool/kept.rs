//! The file of what is not acknowledged: the deltas, and up to which event of each worker they go.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use muster_proto::BUILD_VERSION;
use muster_proto::id::Incarnation;
use muster_proto::measurement::{Health, Measurement, Shape};
use muster_proto::plan::{SCENARIOS_MAX, STEPS_MAX, TALLIES_MAX};
use serde::{Deserialize, Serialize};

use crate::engine::part::Mark;
use crate::outbox::Outbox;

/// The file's name, and that of the one that takes its place next.
const NAMES: (&str, &str) = ("deltas", "deltas.new");
/// What the file begins with, before the version of the build that wrote it.
const MAGIC: &str = "muster-spool-1";
/// The largest file that is read, in bytes.
const BYTES_MAX: u64 = 1 << 30;

/// Whose it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct About {
    /// The run's identity.
    pub run: [u8; 16],
    /// Which start of the agent had a part in it.
    pub incarnation: Incarnation,
    /// How many scenarios and series its plan has.
    pub shape: Shape,
}

/// What was not acknowledged, and what was counted until now.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Kept {
    /// Whose it is.
    pub about: About,
    /// The deltas.
    pub outbox: Outbox,
    /// By worker: up to which event everything is in a delta.
    pub marks: Vec<Mark>,
    /// By scenario: what fell due, started and was skipped in all deltas until now.
    pub begun: Vec<Begun>,
    /// The first window of which no delta tells.
    pub next_window: u32,
    /// How the agent was doing last.
    pub health: Health,
}

/// What fell due of a scenario, and what became of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Begun {
    /// Iterations that fell due.
    pub due: u64,
    /// Those of them that started, or never will.
    pub settled: u64,
}

impl Begun {
    /// Adds what was measured, scenario by scenario.
    pub fn add(all: &mut [Self], measurement: &Measurement) {
        for (begun, stats) in all.iter_mut().zip(&measurement.scenarios) {
            begun.due += stats.due;
            begun.settled += stats.started + stats.skipped_total();
        }
    }
}

impl Kept {
    /// Nothing, of so many workers.
    #[must_use]
    pub fn nothing(about: About, workers: usize) -> Self {
        Self {
            outbox: Outbox::default(),
            marks: vec![Mark::default(); workers],
            begun: vec![Begun::default(); about.shape.scenarios],
            next_window: 0,
            health: Health::default(),
            about,
        }
    }

    /// Writes it to a folder in the place of what was there before, all of it or nothing.
    ///
    /// # Errors
    /// What the system says.
    pub fn write(&self, folder: &Path, boot_id: &str) -> io::Result<()> {
        let content = postcard::to_allocvec(self).map_err(io::Error::other)?;
        let (name, new) = (folder.join(NAMES.0), folder.join(NAMES.1));
        let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&new)?;
        file.write_all(head(boot_id).as_bytes())?;
        file.write_all(&crc32c::crc32c(&content).to_le_bytes())?;
        file.write_all(&content)?;
        fs::rename(new, name)
    }

    /// Reads it from a folder.
    ///
    /// # Errors
    /// Why it is of no use, for a person to read.
    pub fn read(folder: &Path, boot_id: &str) -> Result<Self, String> {
        let path = folder.join(NAMES.0);
        let length = fs::metadata(&path).map_err(|error| format!("nothing was kept yet ({error})"))?.len();
        if length > BYTES_MAX {
            return Err(format!("{length} bytes are more than any agent keeps"));
        }
        let bytes = fs::read(&path).map_err(|error| error.to_string())?;
        let rest = bytes.strip_prefix(head(boot_id).as_bytes());
        let rest = rest.ok_or("it is of another build, or of before the machine was started")?;
        let (sum, content) = rest.split_first_chunk().ok_or("it is cut short")?;
        if crc32c::crc32c(content) != u32::from_le_bytes(*sum) {
            return Err("it is damaged".to_owned());
        }
        let kept: Self = postcard::from_bytes(content).map_err(|error| format!("it cannot be read: {error}"))?;
        if kept.is_sound() { Ok(kept) } else { Err("it does not fit together".to_owned()) }
    }

    /// Whether everything is of the shape that it says.
    fn is_sound(&self) -> bool {
        let Shape { scenarios, series, tallies } = self.about.shape;
        scenarios <= SCENARIOS_MAX
            && series <= STEPS_MAX
            && tallies <= TALLIES_MAX
            && self.begun.len() == scenarios
            && self.outbox.measurements().all(|measurement| measurement.shape() == self.about.shape)
    }
}

/// What a file of this build and this start of the machine begins with.
fn head(boot_id: &str) -> String {
    format!("{MAGIC} {BUILD_VERSION} {boot_id}\n")
}
