//! Sends views to a receiver, in order, from a task of its own: again where that helps, and never in the run's way.

use std::collections::VecDeque;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use super::belt::Belt;
use super::notes::Notes;
use super::view::View;

/// Views that wait for a receiver; of more, the oldest are left out. Counts go on from the run's start, so what is lost is
/// resolution in time.
const VIEWS_MAX: usize = 64;
/// The numbers in them together; one view waits whatever its size.
const WEIGHT_MAX: usize = 4 << 20;
/// How long a receiver may take to answer.
const ANSWER_MAX: Duration = Duration::from_secs(10);
/// After the first failure it is tried again so soon,
const BACK_OFF_MIN: Duration = Duration::from_millis(100);
/// ... after each further one in twice the time, up to this,
const BACK_OFF_MAX: Duration = Duration::from_secs(5);
/// ... or when the receiver says, but no later than this.
const RETRY_AFTER_MAX: Duration = Duration::from_secs(30);

/// A way to tell a receiver of views.
pub(super) trait Protocol: Send + 'static {
    /// What is sent at once.
    type Message: Send + Sync;

    /// What people call it.
    const NAME: &'static str;

    /// A view, in as many messages as it takes.
    fn messages(&self, view: &View) -> Vec<Self::Message>;

    /// Sends a message once.
    fn post(&mut self, message: &Self::Message) -> impl Future<Output = Result<(), Failure>> + Send;

    /// All messages of this view were taken.
    fn delivered(&mut self, view: Arc<View>);
}

/// Why a receiver did not take a message.
#[derive(Debug, PartialEq)]
pub(super) enum Failure {
    /// It may take it later; it may say when.
    Again(String, Option<Duration>),
    /// It will never take it.
    Never(String),
}

/// Views for one receiver.
pub(super) struct Outbox {
    views: Belt<(usize, Arc<View>)>,
    notes: Notes,
    receiver: usize,
}

impl Outbox {
    pub(super) fn new(notes: Notes, name: &'static str) -> Arc<Self> {
        let receiver = notes.receiver(name);
        Arc::new(Self { views: Belt::new(), notes, receiver })
    }

    pub(super) fn put(&self, view: &Arc<View>) {
        self.notes.shown(self.receiver);
        let left_out = self.views.put(|waiting| {
            waiting.push_back((view.weight(), Arc::clone(view)));
            make_room(waiting)
        });
        (0..left_out).for_each(|_| self.notes.left_out(self.receiver));
    }

    pub(super) fn close(&self) {
        self.views.close();
    }
}

/// Leaves the oldest of what waits with its weight out, and says how many.
fn make_room<T>(waiting: &mut VecDeque<(usize, T)>) -> usize {
    let mut total: usize = waiting.iter().map(|(weight, _)| weight).sum();
    let mut left_out = 0;
    while waiting.len() > VIEWS_MAX || (total > WEIGHT_MAX && waiting.len() > 1) {
        total -= waiting.pop_front().map_or(0, |(weight, _)| weight);
        left_out += 1;
    }
    left_out
}

/// Sends all views until there are no more.
pub(super) async fn send<P: Protocol>(mut protocol: P, outbox: Arc<Outbox>) {
    let (notes, receiver) = (&outbox.notes, outbox.receiver);
    while let Some((_, view)) = outbox.views.next().await {
        let mut taken = true;
        for message in protocol.messages(&view) {
            taken &= insist(&mut protocol, &message, notes, receiver).await;
        }
        match taken {
            true => {
                protocol.delivered(view);
                notes.delivered(receiver);
            }
            false => notes.refused(receiver),
        }
    }
}

/// Sends a message until it is taken, or never will be; whether it was.
async fn insist<P: Protocol>(protocol: &mut P, message: &P::Message, notes: &Notes, receiver: usize) -> bool {
    let mut back_off = BACK_OFF_MIN;
    loop {
        let answer = tokio::time::timeout(ANSWER_MAX, protocol.post(message)).await;
        let silent = || Err(Failure::Again(format!("no answer within {} s", ANSWER_MAX.as_secs()), None));
        match answer.unwrap_or_else(|_| silent()) {
            Ok(()) => return true,
            Err(Failure::Never(why)) => {
                notes.failed(receiver, &why, false);
                return false;
            }
            Err(Failure::Again(why, when)) => {
                notes.failed(receiver, &why, true);
                tokio::time::sleep(when.unwrap_or(back_off).min(RETRY_AFTER_MAX)).await;
                back_off = (back_off * 2).min(BACK_OFF_MAX);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What waits after so many came of the same weight, and how many were left out.
    fn left_after(came: u64, weight: usize) -> (Vec<u64>, usize) {
        let (mut waiting, mut left_out) = (VecDeque::new(), 0);
        for number in 0..came {
            waiting.push_back((weight, number));
            left_out += make_room(&mut waiting);
        }
        (waiting.into_iter().map(|(_, number)| number).collect(), left_out)
    }

    #[test]
    fn of_more_than_there_is_room_for_the_latest_wait() {
        let (waiting, left_out) = left_after(100, 1);
        assert_eq!((waiting.len(), waiting[0], left_out), (VIEWS_MAX, 36, 36));
        assert_eq!(left_after(5, WEIGHT_MAX + 1), (vec![4], 4), "one waits whatever its weight");
        assert_eq!(left_after(5, WEIGHT_MAX / 3), (vec![2, 3, 4], 2));
    }
}
