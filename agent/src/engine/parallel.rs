//! Requests that a user makes at the same time, as a browser loads a page.

use std::rc::Rc;

use futures_util::StreamExt;
use futures_util::stream;
use muster_proto::plan::Connections;

use super::clock;
use super::compiled::RequestStep;
use super::random::Key;
use super::request::{Ended, Errand, Turn};
use super::user::User;
use super::worker::Worker;

/// What is to be made at the same time.
pub(super) struct Errands<'a> {
    pub(super) worker: &'a Worker,
    pub(super) requests: &'a [RequestStep],
    pub(super) connections: Connections,
    pub(super) key: Key,
}

impl Errands<'_> {
    /// Makes them, so many at once, and tells how they ended together: when the last had, and as the worst. `None` when
    /// the lease ended first.
    ///
    /// Each begins with what the iteration has found out before; what they find out is known once all have ended.
    pub(super) async fn perform(self, user: &mut User, turn: Turn, at_once: usize) -> Option<Ended> {
        let Self { worker, requests, connections, key } = self;
        let branch = |_| User { own: Rc::clone(&user.own), variables: user.variables.clone(), ..User::default() };
        let mut branches: Vec<User> = (0..requests.len()).map(branch).collect();
        let each = requests.iter().zip(&mut branches).enumerate().map(|(place, (step, user))| async move {
            // A request that had to wait for others is due when it is its turn.
            let turn = match place {
                0 => turn,
                _ if place < at_once => Turn { arrival: false, ..turn },
                _ => Turn::at(clock::now_ns()),
            };
            let key = Key { step: key.step | (place + 1) << 32, ..key };
            Errand { worker, user, step, connections, key }.perform(turn).await
        });
        let ended: Vec<Option<Ended>> = stream::iter(each).buffer_unordered(at_once).collect().await;
        for (step, branch) in requests.iter().zip(&branches) {
            step.captured.iter().for_each(|slot| user.variables.take_over(*slot, &branch.variables));
        }
        ended.into_iter().collect::<Option<Vec<_>>>()?.into_iter().reduce(Ended::and)
    }
}
