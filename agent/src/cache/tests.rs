//! Rows come whole, are kept, and are found again; what is wrong is told, and never used.

use std::fs;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use muster_proto::plan::{OnEnd, Order, Sharing};
use tempfile::TempDir;

use super::*;

/// Something that has rows, and counts how many bytes are asked of it.
#[derive(Clone)]
struct Source {
    rows: Vec<Arc<Rows>>,
    asked: Arc<AtomicU64>,
    /// What becomes of a piece on its way.
    way: fn(u64, Bytes) -> Result<Bytes, String>,
}

impl Source {
    fn of(rows: &[Arc<Rows>]) -> Self {
        Self { rows: rows.to_vec(), asked: Arc::default(), way: |_, piece| Ok(piece) }
    }

    fn bent(rows: &[Arc<Rows>], way: fn(u64, Bytes) -> Result<Bytes, String>) -> Self {
        Self { way, ..Self::of(rows) }
    }

    fn asked(&self) -> u64 {
        self.asked.load(Ordering::Relaxed)
    }
}

impl Pieces for Source {
    async fn piece(&mut self, id: RowsId, offset: u64) -> Result<Bytes, String> {
        tokio::task::yield_now().await;
        let rows = self.rows.iter().find(|rows| rows.id() == id).ok_or("no such rows")?;
        let piece = (self.way)(offset, rows.content().piece(offset, PIECE_BYTES_MAX).unwrap())?;
        self.asked.fetch_add(piece.len() as u64, Ordering::Relaxed);
        Ok(piece)
    }
}

/// Rows that do not fit into memory, others for each number.
fn large(number: u32) -> Arc<Rows> {
    let line = format!("[{number},\"{}\"]\n", "x".repeat(1_000));
    let lines = line.repeat(HELD_BYTES_MAX as usize / line.len() + 1);
    Arc::new(Rows::of_text(&lines).unwrap())
}

fn small() -> Arc<Rows> {
    Arc::new(Rows::of_text("1\n2\n3\n").unwrap())
}

fn plan(rows: &[Arc<Rows>]) -> Plan {
    let feeder = |(number, rows): (usize, &Arc<Rows>)| Feeder {
        name: format!("rows_{number}"),
        file: String::new(),
        rows: rows.id(),
        order: Order::Sequential,
        share: Sharing::Unique,
        on_end: OnEnd::Stop,
    };
    Plan { data: rows.iter().enumerate().map(feeder).collect(), ..Plan::default() }
}

/// The names of what is in a folder.
fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).into_iter().flatten();
    let mut names: Vec<String> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

fn name_of(rows: &Rows) -> String {
    format!("{}.rows", rows.id().hash)
}

fn cache(folder: &TempDir) -> Cache {
    Cache::at(&folder.path().join("rows"), 64 << 20)
}

fn assert_same(found: &[Arc<Rows>], wanted: &[Arc<Rows>]) {
    assert_eq!(found.len(), wanted.len());
    let mut buffers = (Vec::new(), Vec::new());
    for (found, wanted) in found.iter().zip(wanted) {
        assert_eq!(found.id(), wanted.id());
        for number in [0, wanted.id().count - 1] {
            assert_eq!(found.row(number, &mut buffers.0).unwrap(), wanted.row(number, &mut buffers.1).unwrap());
        }
    }
}

#[tokio::test]
async fn what_is_large_is_asked_for_once_and_what_is_small_each_time() {
    let folder = TempDir::new().unwrap();
    let rows = [large(1), small(), large(1)];
    let source = Source::of(&rows);
    let bytes = [rows[0].id().bytes, rows[1].id().bytes];
    assert_same(&cache(&folder).rows(&plan(&rows), source.clone()).await.unwrap(), &rows);
    assert_eq!(source.asked(), bytes[0] + bytes[1], "what two feeders have is asked for once");
    assert_same(&cache(&folder).rows(&plan(&rows), source.clone()).await.unwrap(), &rows);
    assert_eq!(source.asked(), bytes[0] + 2 * bytes[1]);
    assert_eq!(names(&folder.path().join("rows")), [name_of(&rows[0])]);
}

#[tokio::test]
async fn what_is_damaged_is_asked_for_again() {
    let folder = TempDir::new().unwrap();
    let rows = [large(1)];
    let source = Source::of(&rows);
    cache(&folder).rows(&plan(&rows), source.clone()).await.unwrap();
    let path = folder.path().join("rows").join(name_of(&rows[0]));
    let whole = fs::read(&path).unwrap();
    let mut bent = whole.clone();
    bent[whole.len() / 2] ^= 1;
    for damaged in [bent, whole[..whole.len() - 1].to_vec(), [&whole[..], b"1\n"].concat(), Vec::new()] {
        let before = source.asked();
        fs::write(&path, damaged).unwrap();
        assert_same(&cache(&folder).rows(&plan(&rows), source.clone()).await.unwrap(), &rows);
        assert_eq!(source.asked() - before, rows[0].id().bytes);
        assert_eq!(fs::read(&path).unwrap(), whole);
    }
}

#[tokio::test]
async fn what_comes_otherwise_than_the_plan_has_it_is_told_and_not_kept() {
    type Way = fn(u64, Bytes) -> Result<Bytes, String>;
    let ways: [(Way, &str); 5] = [
        (|_, piece| Ok([&piece[..piece.len() - 2], b"y\n"].concat().into()), "with SHA-256"),
        (|offset, piece| Ok(if offset == 0 { vec![b'x'; piece.len()].into() } else { piece }), "with SHA-256"),
        (|_, piece| Ok([&piece[..], b"1\n"].concat().into()), "a piece of"),
        (|_, _| Ok(Bytes::new()), "a piece of 0 bytes where"),
        (|offset, piece| if offset == 0 { Ok(piece) } else { Err("gone".to_owned()) }, "they cannot be fetched: gone"),
    ];
    for (way, told) in ways {
        let folder = TempDir::new().unwrap();
        let rows = [large(1)];
        let error = cache(&folder).rows(&plan(&rows), Source::bent(&rows, way)).await.unwrap_err().to_string();
        assert!(error.starts_with("the rows of feeder rows_0: ") && error.contains(told), "{error}");
        assert_eq!(names(&folder.path().join("rows")), [""; 0], "{error}");
    }
    let rows = [small()];
    let source = Source::bent(&rows, |_, piece| Ok(vec![b'\n'; piece.len()].into()));
    let error = Cache::at(Path::new("/nowhere"), 0).rows(&plan(&rows), source).await.unwrap_err().to_string();
    assert!(error.contains("wanted 3 rows in 6 bytes with SHA-256") && error.contains("got 6 rows in 6"), "{error}");
}

#[tokio::test]
async fn what_was_used_longest_ago_goes_first_and_what_is_open_stays_readable() {
    let folder = TempDir::new().unwrap();
    let all: Vec<Arc<Rows>> = (0..4).map(large).collect();
    let three = all[..3].iter().map(|rows| rows.id().bytes).sum::<u64>();
    let cache = Cache::at(folder.path(), three);
    let source = Source::of(&all);
    let get = async |number: usize| {
        let found = cache.rows(&plan(&all[number..=number]), source.clone()).await.unwrap();
        // Files tell the moments of their use to the tick of the system's clock.
        tokio::time::sleep(std::time::Duration::from_millis(30)).await;
        found
    };
    let first = get(0).await;
    let second = get(1).await;
    get(2).await;
    get(0).await;
    get(3).await;
    let mut kept: Vec<String> = [0, 2, 3].map(|number: usize| name_of(&all[number])).into();
    kept.sort();
    assert_eq!(names(folder.path()), kept);
    assert_same(&[&first[..], &second[..]].concat(), &all[..2]);
    let error = Cache::at(folder.path(), 1 << 20).rows(&plan(&all), source.clone()).await.unwrap_err().to_string();
    assert!(error.contains("bytes, and the cache may hold 1048576 ("), "{error}");
}

#[tokio::test]
async fn what_was_left_behind_is_removed_and_what_is_not_ours_stays() {
    let folder = TempDir::new().unwrap();
    let at_work = fs::File::create(folder.path().join("b.part")).unwrap();
    at_work.lock().unwrap();
    for name in ["a.part", "c.txt"] {
        fs::write(folder.path().join(name), "1\n").unwrap();
    }
    let rows = [large(1)];
    Cache::at(folder.path(), 64 << 20).rows(&plan(&rows), Source::of(&rows)).await.unwrap();
    let mut wanted = vec!["b.part".to_owned(), "c.txt".to_owned(), name_of(&rows[0])];
    wanted.sort();
    assert_eq!(names(folder.path()), wanted);
}

#[tokio::test]
async fn whoever_gives_up_midway_leaves_nothing_behind() {
    let folder = TempDir::new().unwrap();
    let rows = [large(1)];
    let plan = plan(&rows);
    static SEEN: Mutex<u64> = Mutex::new(0);
    let source = Source::bent(&rows, |offset, piece| {
        *SEEN.lock().unwrap() = offset;
        Ok(piece)
    });
    let cache = cache(&folder);
    let mut getting = Box::pin(cache.rows(&plan, source));
    while *SEEN.lock().unwrap() == 0 {
        tokio::select! {
            biased;
            _ = &mut getting => panic!("it has more than one piece"),
            () = tokio::task::yield_now() => {}
        }
    }
    assert_eq!(names(&folder.path().join("rows")).len(), 1);
    drop(getting);
    assert_eq!(names(&folder.path().join("rows")), [""; 0]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn agents_may_share_a_folder() {
    let folder = TempDir::new().unwrap();
    let rows = [large(1)];
    let get = || {
        let (cache, rows) = (cache(&folder), rows.clone());
        tokio::spawn(async move { cache.rows(&plan(&rows), Source::of(&rows)).await.unwrap() })
    };
    for getting in [get(), get(), get()] {
        assert_same(&getting.await.unwrap(), &rows);
    }
    assert_eq!(names(&folder.path().join("rows")), [name_of(&rows[0])]);
}

#[tokio::test]
async fn a_cache_that_cannot_be_written_is_told_with_its_reason() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, "").unwrap();
    let rows = [large(1)];
    let error = Cache::at(&file.join("rows"), 64 << 20).rows(&plan(&rows), Source::of(&rows)).await.unwrap_err();
    assert!(error.to_string().contains("rows_0: they cannot be kept: "), "{error}");
}
