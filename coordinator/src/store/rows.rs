//! The rows of a run's feeders in its folder, for as long as another coordinator may have to go on with the run.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;
use std::sync::Arc;

use muster_agent::engine::rows::Content;
use muster_proto::plan::{ContentHash, PIECE_BYTES_MAX, Plan};

use super::RunFolder;
use crate::data::Data;

/// What the names of files of rows begin with; their hashes follow.
const ROWS: &str = "rows-";

impl RunFolder {
    /// Keeps the rows of a plan, each feeder's in a file of its own that only this user can read.
    ///
    /// # Errors
    /// When they cannot be written.
    pub fn keep_rows(&self, data: &Data) -> io::Result<()> {
        data.iter().try_for_each(|(hash, content)| self.keep_content(hash, content))?;
        self.sync(Some(&self.path))
    }

    fn keep_content(&self, hash: ContentHash, content: &Content) -> io::Result<()> {
        let path = self.rows_path(hash);
        let mut file = File::options().write(true).create_new(true).mode(0o600).open(path)?;
        match content {
            Content::Held(bytes) => io::Write::write_all(&mut file, bytes)?,
            Content::File(_) => {
                let mut written = 0;
                loop {
                    let piece = content.piece(written, PIECE_BYTES_MAX)?;
                    if piece.is_empty() {
                        break;
                    }
                    io::Write::write_all(&mut file, &piece)?;
                    written += piece.len() as u64;
                }
            }
        }
        if self.durable { file.sync_all() } else { Ok(()) }
    }

    /// The rows of a plan, as far as they were kept. Nobody looks at what is in the files before an agent has it, and agents
    /// check what they get.
    #[must_use]
    pub fn rows(&self, plan: &Plan) -> Data {
        let kept = |hash: ContentHash| Some((hash, Content::File(Arc::new(File::open(self.rows_path(hash)).ok()?))));
        plan.data.iter().filter_map(|feeder| kept(feeder.rows.hash)).collect()
    }

    /// Removes the rows, of which nobody needs any when the run has ended.
    pub(super) fn forget_rows(&self) -> io::Result<()> {
        for entry in fs::read_dir(&self.path)? {
            let entry = entry?;
            if entry.file_name().to_str().is_some_and(|name| name.starts_with(ROWS)) {
                fs::remove_file(entry.path())?;
            }
        }
        Ok(())
    }

    fn rows_path(&self, hash: ContentHash) -> PathBuf {
        self.path.join(format!("{ROWS}{hash}.jsonl"))
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::MetadataExt;

    use muster_agent::engine::rows::{Intake, Rows};
    use muster_proto::id::RunId;
    use muster_proto::plan::{Feeder, OnEnd, Order, Sharing};

    use super::*;
    use crate::run::synthetic::open_plan;

    /// A plan with two feeders, one of which has its rows in a file.
    fn plan() -> (Plan, Vec<Arc<Rows>>) {
        let mut intake = Intake::in_file(tempfile::tempfile().unwrap());
        (0..200_000).for_each(|number| intake.push(format!("{number}\n").as_bytes()).unwrap());
        let rows = vec![Arc::new(Rows::of_text("1\n2\n").unwrap()), Arc::new(intake.finish().unwrap())];
        let feeder = |rows: &Arc<Rows>| Feeder {
            name: format!("rows_{}", rows.id().count),
            file: String::new(),
            rows: rows.id(),
            order: Order::Sequential,
            share: Sharing::Unique,
            on_end: OnEnd::Stop,
        };
        (Plan { data: rows.iter().map(feeder).collect(), ..open_plan(1) }, rows)
    }

    #[test]
    fn rows_are_kept_for_their_owner_alone_until_the_run_has_ended() {
        let (plan, rows) = plan();
        let runs = tempfile::tempdir().unwrap();
        let folder = RunFolder::create(runs.path(), RunId::generate(), &plan, true).unwrap();
        folder.keep_rows(&Data::of(&rows)).unwrap();
        let found = folder.rows(&plan);
        for rows in &rows {
            let id = rows.id();
            let Some((_, Content::File(file))) = found.iter().find(|(hash, _)| *hash == id.hash) else {
                panic!("no rows of {id:?}")
            };
            assert_eq!(file.metadata().unwrap().mode() & 0o777, 0o600);
            assert_eq!(Rows::of_file(file.try_clone().unwrap()).unwrap().id(), id);
        }
        folder.forget_rows().unwrap();
        assert_eq!(folder.rows(&plan).iter().count(), 0);
        assert!(folder.path().join("plan.json").exists());
        folder.forget_rows().unwrap();
    }
}
