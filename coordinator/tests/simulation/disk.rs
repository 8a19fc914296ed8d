//! A disk that is slow, fails, fills up, and forgets at a crash what was not done, or not synchronised.

use std::collections::BTreeMap;
use std::io::{self, Cursor, Read};
use std::sync::{Arc, Mutex};

use muster::journal::{Medium, Piece, Pieces, Shelf};

use super::dice::Dice;

/// The coordinator's disk, with the pieces of one journal. Copies are of the same disk.
#[derive(Clone)]
pub(crate) struct Disk(Arc<Mutex<State>>);

type Files = BTreeMap<Piece, Vec<u8>>;

struct State {
    /// What whoever reads it finds.
    files: Files,
    /// What is found after a power cut, whatever comes.
    durable: Files,
    /// What was done since then, in order.
    done: Vec<Done>,
    /// Which piece of work is going on.
    work: u64,
    latency_ms: u64,
    latency_max_ms: u64,
    room_bytes: usize,
    fails: bool,
    failed: bool,
    asked_after_failure: bool,
}

/// Something that was done to a file.
#[derive(Clone)]
struct Done {
    piece: Piece,
    what: What,
    /// In which piece of work, unless that has come to its end.
    work: Option<u64>,
    /// In which piece of work it was told to become durable.
    synced_in: Option<u64>,
}

#[derive(Clone)]
enum What {
    Made(Vec<u8>),
    Appended(Vec<u8>),
    Cut(u64),
    Removed,
}

impl Done {
    fn to(&self, files: &mut Files) {
        match &self.what {
            What::Made(content) => _ = files.insert(self.piece, content.clone()),
            What::Appended(bytes) => files.entry(self.piece).or_default().extend(bytes),
            What::Cut(bytes) => files.entry(self.piece).or_default().truncate(*bytes as usize),
            What::Removed => _ = files.remove(&self.piece),
        }
    }

    /// What is left of it if it was only begun.
    fn torn(mut self, fall: Fall, dice: &mut Dice) -> Option<Self> {
        let What::Appended(bytes) = &mut self.what else { return None };
        let length = bytes.len() as u64;
        bytes.truncate(dice.within(0..=length) as usize);
        if fall == Fall::PowerCut && dice.one_in(3) {
            // The file may have grown before its content came.
            bytes.resize(dice.within(bytes.len() as u64..=length) as usize, 0);
        }
        Some(self)
    }
}

/// How a coordinator ends before its run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fall {
    /// Its process is killed: the system keeps what was written.
    Killed,
    /// Its machine loses its power, and forgets what was not synchronised.
    PowerCut,
}

impl Disk {
    /// An empty disk with so much room.
    pub(crate) fn new(room_bytes: usize) -> Self {
        Self(Arc::new(Mutex::new(State {
            files: Files::new(),
            durable: Files::new(),
            done: Vec::new(),
            work: 0,
            latency_ms: 0,
            latency_max_ms: 0,
            room_bytes,
            fails: false,
            failed: false,
            asked_after_failure: false,
        })))
    }

    fn with<T>(&self, work: impl FnOnce(&mut State) -> T) -> T {
        work(&mut self.0.lock().expect("nobody panics with the disk in his hands"))
    }

    /// From now on it takes so long for whatever it does.
    pub(crate) fn becomes_slow(&self, latency_ms: u64) {
        self.with(|state| {
            state.latency_ms = latency_ms;
            state.latency_max_ms = state.latency_max_ms.max(latency_ms);
        });
    }

    /// The next time that it is to make something durable, it fails.
    pub(crate) fn breaks(&self) {
        self.with(|state| state.fails = true);
    }

    /// How long it takes for what it does now.
    pub(crate) fn latency_ms(&self) -> u64 {
        self.with(|state| state.latency_ms)
    }

    /// How long it ever took.
    pub(crate) fn latency_max_ms(&self) -> u64 {
        self.with(|state| state.latency_max_ms)
    }

    /// What is done from now on belongs to another piece of work.
    pub(crate) fn begin_work(&self) -> u64 {
        self.with(|state| {
            state.work += 1;
            state.work
        })
    }

    /// A piece of work has come to its end: what it synchronised has arrived.
    pub(crate) fn settle(&self, work: u64) {
        self.with(|state| {
            let State { done, durable, .. } = state;
            done.iter().filter(|done| done.synced_in == Some(work)).for_each(|done| done.to(durable));
            done.retain(|done| done.synced_in != Some(work));
            done.iter_mut().filter(|done| done.work == Some(work)).for_each(|done| done.work = None);
        });
    }

    /// The coordinator is gone. Of what it was about, some was done; of what was not synchronised, some outlives a power
    /// cut, and all that was done outlives the process, but not the next power cut.
    pub(crate) fn after(&self, fall: Fall, dice: &mut Dice) {
        self.with(|state| {
            let is_done = |done: &Done| fall == Fall::Killed && done.work.is_none();
            let (mut outlives, mut doubtful): (Vec<_>, Vec<_>) = state.done.drain(..).partition(is_done);
            let torn = doubtful.split_off(dice.within(0..=doubtful.len() as u64) as usize).into_iter().next();
            outlives.extend(doubtful);
            outlives.extend(torn.and_then(|done| done.torn(fall, dice)));
            state.files = state.durable.clone();
            for done in &mut outlives {
                (done.work, done.synced_in) = (None, None);
                done.to(&mut state.files);
            }
            match fall {
                Fall::Killed => state.done = outlives,
                Fall::PowerCut => state.durable = state.files.clone(),
            }
        });
    }

    /// What is not durable yet is lost, all of it.
    pub(crate) fn forgets(&self) {
        self.with(|state| {
            state.done.clear();
            state.files = state.durable.clone();
        });
    }

    /// One bit of the newest snapshot, if there is one, is not what it was. Returns whether it is so.
    pub(crate) fn damages_newest_snapshot(&self, dice: &mut Dice) -> bool {
        self.with(|state| {
            let Pieces { snapshots, .. } = state.files.keys().copied().collect();
            let Some(newest) = snapshots.last() else { return false };
            for files in [&mut state.files, &mut state.durable] {
                let Some(file) = files.get_mut(&Piece::Snapshot(*newest)) else { continue };
                let at = Dice::within(&mut dice.clone(), 0..=file.len() as u64 - 1) as usize;
                file[at] ^= 1;
            }
            true
        })
    }

    /// Whether nothing was ever kept on it.
    pub(crate) fn is_empty(&self) -> bool {
        self.with(|state| state.files.is_empty())
    }

    /// How many snapshots were kept on it and are still there.
    pub(crate) fn snapshots(&self) -> usize {
        self.with(|state| state.files.keys().copied().collect::<Pieces>().snapshots.len())
    }

    /// Whether it failed, and whether it was asked for anything after that.
    pub(crate) fn failed(&self) -> (bool, bool) {
        self.with(|state| (state.failed, state.asked_after_failure))
    }
}

impl State {
    fn does(&mut self, piece: Piece, what: What, synced: bool) {
        let work = Some(self.work);
        let done = Done { piece, what, work, synced_in: work.filter(|_| synced) };
        done.to(&mut self.files);
        self.done.push(done);
    }

    fn syncs(&mut self, piece: Piece) {
        let mine = |done: &&mut Done| done.piece == piece && done.synced_in.is_none();
        self.done.iter_mut().filter(mine).for_each(|done| done.synced_in = Some(self.work));
    }

    fn room(&self) -> usize {
        self.room_bytes - self.files.values().map(Vec::len).sum::<usize>().min(self.room_bytes)
    }
}

impl Shelf for Disk {
    fn pieces(&self) -> io::Result<Pieces> {
        Ok(self.with(|state| state.files.keys().copied().collect()))
    }

    fn read(&self, piece: Piece) -> io::Result<Box<dyn Read>> {
        let content = self.with(|state| state.files.get(&piece).cloned());
        Ok(Box::new(Cursor::new(content.ok_or(io::ErrorKind::NotFound)?)))
    }

    fn segment(&self, number: u32) -> io::Result<Box<dyn Medium>> {
        let piece = Piece::Segment(number);
        self.with(|state| {
            if state.files.contains_key(&piece) {
                return Err(io::Error::from(io::ErrorKind::AlreadyExists));
            }
            state.does(piece, What::Made(Vec::new()), true);
            Ok(())
        })?;
        Ok(Box::new(Opened { disk: self.clone(), piece }))
    }

    fn reopen(&self, number: u32, bytes: u64) -> io::Result<Box<dyn Medium>> {
        let piece = Piece::Segment(number);
        self.with(|state| {
            state.does(piece, What::Cut(bytes), false);
            state.syncs(piece);
        });
        Ok(Box::new(Opened { disk: self.clone(), piece }))
    }

    fn keep(&self, number: u32, snapshot: &[u8]) -> io::Result<()> {
        self.with(|state| {
            if state.failed || state.fails || state.room() < snapshot.len() {
                return Err(io::ErrorKind::StorageFull.into());
            }
            state.does(Piece::Snapshot(number), What::Made(snapshot.to_vec()), true);
            Ok(())
        })
    }

    /// That they are gone is not synchronised: after a power cut they may be there again.
    fn forget_below(&self, number: u32) -> io::Result<()> {
        self.with(|state| {
            let is_below = |piece: &Piece| match piece {
                Piece::Segment(n) | Piece::Snapshot(n) => *n < number,
            };
            let below: Vec<Piece> = state.files.keys().copied().filter(is_below).collect();
            below.into_iter().for_each(|piece| state.does(piece, What::Removed, false));
        });
        Ok(())
    }

    fn bytes_before(&self, segment: u32) -> io::Result<u64> {
        let counts = |piece: &Piece| !matches!(piece, Piece::Segment(number) if *number >= segment);
        Ok(self.with(|state| state.files.iter().filter(|(piece, _)| counts(piece)).map(|(_, f)| f.len() as u64).sum()))
    }
}

/// A segment that is being written.
struct Opened {
    disk: Disk,
    piece: Piece,
}

impl Medium for Opened {
    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.disk.with(|state| {
            state.asked_after_failure |= state.failed;
            let fits = bytes.len().min(state.room());
            state.does(self.piece, What::Appended(bytes[..fits].to_vec()), false);
            state.failed |= fits < bytes.len();
            if state.failed { Err(io::ErrorKind::StorageFull.into()) } else { Ok(()) }
        })
    }

    fn sync(&mut self) -> io::Result<()> {
        self.disk.with(|state| {
            state.asked_after_failure |= state.failed;
            state.failed |= state.fails;
            if state.failed {
                return Err(io::Error::other("worn out"));
            }
            state.syncs(self.piece);
            Ok(())
        })
    }
}
