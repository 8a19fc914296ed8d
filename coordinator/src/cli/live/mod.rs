//! The live view of `muster run`: drawn, and its keys read, by a thread of its own, so that the run never waits for it.

mod charts;
mod draw;
mod keys;
mod shown;
mod tables;
mod terminal;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use keys::{Wish, press};
use ratatui::crossterm::event::Event;
use shown::Shown;
use terminal::Terminal;
use tokio::sync::mpsc;

use crate::conduct::Watcher;
use crate::report::live::{Follower, Live};
use crate::run::life::Run;
use crate::run::order::Order;
use crate::service::Counter;

/// How often the run is looked at, in nanoseconds of its clock.
const LOOK_PERIOD_NS: u64 = 250_000_000;
/// How long the view waits for a key before it looks for something new to show.
const KEY_WAIT: Duration = Duration::from_millis(100);
/// Orders that wait to be given; whoever presses keys faster is told so.
const ORDERS_MAX: usize = 16;
/// The lines that are kept to be printed when the view is over; of more, the oldest are left out.
const TOLD_MAX: usize = 1_000;

/// What the run and the view tell each other.
#[derive(Default)]
struct Slot {
    /// The latest look at the run, unless it was taken already.
    live: Option<Live>,
    /// What happened since it was shown last.
    told: Vec<String>,
    /// Orders answered since then.
    answered: usize,
    /// Whether the run has no more to tell.
    is_over: bool,
}

/// The view, as the run tells it how things go.
pub(super) struct View {
    slot: Arc<Mutex<Slot>>,
    follower: Follower,
    looked_ns: Option<u64>,
    told: VecDeque<String>,
    left_out: usize,
    thread: Option<JoinHandle<()>>,
}

/// Whether a terminal is there, and large enough.
pub(super) fn is_possible() -> bool {
    let (columns, lines) = terminal::size();
    columns >= draw::LEAST.0 && lines >= draw::LEAST.1 && terminal::is_there()
}

impl View {
    /// Takes the terminal. Keys give orders at the counter; Ctrl-C, which is a key here, is told to `stops`.
    ///
    /// # Errors
    /// When the terminal does not let itself be taken, or no thread can be had.
    pub(super) fn open(counter: Counter, stops: mpsc::Sender<()>) -> io::Result<Self> {
        let terminal = Terminal::take()?;
        let slot = Arc::new(Mutex::new(Slot::default()));
        let orders = give_orders(counter, Arc::clone(&slot));
        let hands = Hands { slot: Arc::clone(&slot), orders, stops };
        let thread = std::thread::Builder::new().name("view".to_owned());
        let thread = thread.spawn(move || {
            // What keeps the view from going on is no reason for the run not to.
            let _ = hands.show(terminal);
        })?;
        let (looked_ns, told) = (None, VecDeque::new());
        Ok(Self { slot, follower: Follower::default(), looked_ns, told, left_out: 0, thread: Some(thread) })
    }

    /// Shows a line that stands before the view already.
    pub(super) fn repeat(&self, text: String) {
        lock(&self.slot).told.push(text);
    }

    /// Whether its user has left it, or it could not go on.
    pub(super) fn is_left(&self) -> bool {
        self.thread.as_ref().is_none_or(JoinHandle::is_finished)
    }

    /// Gives the terminal back, and returns what was told meanwhile.
    pub(super) fn close(&mut self) -> Vec<String> {
        lock(&self.slot).is_over = true;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
        let left_out = std::mem::take(&mut self.left_out);
        let note = (left_out > 0).then(|| format!("{left_out} older lines are left out"));
        note.into_iter().chain(self.told.drain(..)).collect()
    }
}

impl Drop for View {
    fn drop(&mut self) {
        self.close();
    }
}

impl Watcher for View {
    fn tell(&mut self, text: &str) {
        if self.told.len() == TOLD_MAX {
            self.told.pop_front();
            self.left_out += 1;
        }
        self.told.push_back(text.to_owned());
        let mut slot = lock(&self.slot);
        if slot.told.len() < TOLD_MAX {
            slot.told.push(text.to_owned());
        }
    }

    fn tick(&mut self, run: &Run, now_ns: u64) {
        if self.looked_ns.is_some_and(|looked_ns| now_ns.saturating_sub(looked_ns) < LOOK_PERIOD_NS) {
            return;
        }
        self.looked_ns = Some(now_ns);
        let live = self.follower.look(run, now_ns);
        lock(&self.slot).live = Some(live);
    }
}

fn lock(slot: &Mutex<Slot>) -> MutexGuard<'_, Slot> {
    slot.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Gives orders one after the other, as `muster set` and its like do.
fn give_orders(counter: Counter, slot: Arc<Mutex<Slot>>) -> mpsc::Sender<Order> {
    let (sender, mut orders) = mpsc::channel(ORDERS_MAX);
    tokio::spawn(async move {
        while let Some(order) = orders.recv().await {
            let outcome = counter.give(order).await;
            let mut slot = lock(&slot);
            slot.answered += 1;
            // What is done, the run tells.
            slot.told.extend(outcome.err().map(|refusal| format!("not done: {refusal}")));
        }
    });
    sender
}

/// What the view's thread works with.
struct Hands {
    slot: Arc<Mutex<Slot>>,
    orders: mpsc::Sender<Order>,
    stops: mpsc::Sender<()>,
}

impl Hands {
    /// Shows the run until it is over, or its user has seen enough.
    fn show(&self, mut terminal: Terminal) -> io::Result<()> {
        let mut shown = Shown::default();
        let mut stale = true;
        while !terminal.is_gone() {
            let Some(new) = self.take_in(&mut shown) else { break };
            if terminal.resize()? | new | stale {
                terminal.draw(|frame| draw::draw(frame, &shown))?;
            }
            let mut wait = KEY_WAIT;
            stale = false;
            while let Some(event) = terminal.next(wait)? {
                (stale, wait) = (true, Duration::ZERO);
                let Event::Key(key) = event else { continue };
                match press(&mut shown, key) {
                    None => {}
                    Some(Wish::Leave) => return Ok(()),
                    // As the handler of the signal does it.
                    Some(Wish::Interrupt) => drop(self.stops.blocking_send(())),
                    Some(Wish::Order(order)) => self.order(&mut shown, order),
                }
            }
        }
        Ok(())
    }

    /// Whether there is something new; nothing once the run is over.
    fn take_in(&self, shown: &mut Shown) -> Option<bool> {
        let Slot { live, told, answered, is_over } = &mut *lock(&self.slot);
        let new = live.is_some() || !told.is_empty();
        // In this order: a look that was taken before an answer does not show what was ordered.
        live.take().into_iter().for_each(|live| shown.see(live));
        (0..std::mem::take(answered)).for_each(|_| shown.answered());
        told.drain(..).for_each(|text| shown.note(text));
        (!*is_over).then_some(new)
    }

    fn order(&self, shown: &mut Shown, order: Order) {
        if self.orders.try_send(order).is_err() {
            shown.answered();
            shown.note_once("not done: too many orders at once".to_owned());
        }
    }
}
