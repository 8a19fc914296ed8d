//! What comes to lie beside a run's result after its end: its tags as they are now, and what it was compared with.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Read as _, Write as _};
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::RunFolder;
use crate::compare::{Comparison, Limit};
use crate::report::{Report, html};

/// The run's tags, once they were changed after its beginning.
const TAGS: &str = "tags.json";
/// The version of that file.
const TAGS_SCHEMA: &str = "muster.tags/1";
/// The longest file of tags, in bytes. A longer one is none of ours.
const TAGS_BYTES_MAX: u64 = 1 << 20;
/// The comparison with the run before it, for programs.
const COMPARISON: &str = "comparison.json";
/// The same as a page.
const COMPARISON_PAGE: &str = "comparison.html";

/// The file of tags: all of them, in the place of those that the run began with.
#[derive(Serialize, Deserialize)]
struct Tags {
    schema: String,
    tags: BTreeMap<String, String>,
}

/// What is read of a comparison to know which run it is with.
#[derive(Deserialize)]
struct Compared {
    runs: Vec<ComparedRun>,
}

#[derive(Deserialize)]
struct ComparedRun {
    id: String,
}

impl RunFolder {
    /// The tags that the run has now, if they are others than those that it began with.
    ///
    /// # Errors
    /// When there is a file of them that cannot be read.
    pub fn tags(&self) -> io::Result<Option<BTreeMap<String, String>>> {
        let file = match File::open(self.path.join(TAGS)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            file => file?,
        };
        let mut bytes = Vec::new();
        file.take(TAGS_BYTES_MAX).read_to_end(&mut bytes)?;
        let Tags { schema, tags } = serde_json::from_slice(&bytes)?;
        if schema == TAGS_SCHEMA { Ok(Some(tags)) } else { Err(io::ErrorKind::InvalidData.into()) }
    }

    /// Keeps these as the tags that the run has from now on.
    ///
    /// # Errors
    /// When they cannot be written, or take more room than anybody would read.
    pub fn keep_tags(&self, tags: BTreeMap<String, String>) -> io::Result<()> {
        let json = serde_json::to_vec_pretty(&Tags { schema: TAGS_SCHEMA.to_owned(), tags })?;
        if json.len() as u64 >= TAGS_BYTES_MAX {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        self.write(TAGS, |out| out.write_all(&json))
    }

    /// Keeps a comparison with the run before it, and says where its page is.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn keep_comparison(
        &self,
        comparison: &Comparison,
        limits: &[Limit],
        runs: [&Report; 2],
    ) -> io::Result<PathBuf> {
        self.write(COMPARISON, |out| Ok(serde_json::to_writer_pretty(out, comparison)?))?;
        self.write(COMPARISON_PAGE, |out| html::write_comparison(comparison, limits, runs, out))?;
        Ok(self.path.join(COMPARISON_PAGE))
    }

    /// The identity of the run that this one was compared with at its end, if it was.
    #[must_use]
    pub fn baseline(&self) -> Option<String> {
        let Compared { runs } = serde_json::from_slice(&fs::read(self.path.join(COMPARISON)).ok()?).ok()?;
        runs.into_iter().next().map(|run| run.id)
    }
}
