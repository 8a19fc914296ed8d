//! Large files of rows go through coordinator and agent without being in memory. A program of its own, because all of it is
//! measured.

use std::fs::{self, File};
use std::io::{BufWriter, Write};

use bytes::Bytes;
use muster::data::Data;
use muster::plan_file::{Format, from_str};
use muster_agent::cache::{Cache, Pieces};
use muster_proto::plan::{PIECE_BYTES_MAX, RowsId};

/// How large the file is, and how much more memory all that is done with it may take.
const FILE_BYTES: usize = 64 << 20;
const MEMORY_BYTES_MAX: u64 = 12 << 20;

/// A coordinator without a network.
struct Direct(Data);

impl Pieces for Direct {
    async fn piece(&mut self, rows: RowsId, offset: u64) -> Result<Bytes, String> {
        self.0.piece(rows.hash, offset, PIECE_BYTES_MAX).ok_or("none")?.map_err(|error| error.to_string())
    }
}

/// The most memory that this process has ever had, in bytes.
fn peak() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().strip_suffix(" kB").unwrap().parse::<u64>().unwrap() << 10
}

#[tokio::test]
async fn a_large_file_of_rows_takes_little_memory() {
    let folder = tempfile::tempdir().unwrap();
    let mut file = BufWriter::new(File::create(folder.path().join("rows.csv")).unwrap());
    writeln!(file, "id,padding").unwrap();
    let padding = "x".repeat(300);
    let count = FILE_BYTES / padding.len();
    (0..count).for_each(|number| writeln!(file, "{number},{padding}").unwrap());
    drop(file);
    let text = "target: http://127.0.0.1\ndata: { row: { file: rows.csv } }\nscenarios:\n  a: { executor: constant-users, \
                users: 1, duration: 1s, steps: [ { get: '/{{ row.id }}' } ] }\n";
    let before = peak();
    let read = from_str(text, Format::Yaml, "plan", folder.path()).unwrap();
    let cache = Cache::at(&folder.path().join("cache"), 1 << 30);
    let pieces = || Direct(Data::of(&read.rows));
    for _ in 0..2 {
        let rows = cache.rows(&read.plan, pieces()).await.unwrap();
        let mut buffer = Vec::new();
        let last = rows[0].row(count as u64 - 1, &mut buffer).unwrap();
        assert!(last.starts_with(format!("{{\"id\":\"{}\",", count - 1).as_bytes()));
    }
    let more = peak() - before;
    assert!(more < MEMORY_BYTES_MAX, "{more} bytes");
}
