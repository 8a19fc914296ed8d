//! Tokens that requests carry (OAuth 2.0, client credentials: RFC 6749, 4.4). An agent fetches them before it is ready, and
//! renews them before they end, on a thread of its own: workers find the present ones at hand.

mod answer;
mod grant;

use std::io;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::mpsc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use futures_util::future::join_all;
use muster_proto::plan::Plan;
use tokio::runtime::{Builder, LocalOptions};
use tokio::sync::watch;

use super::made::MakeError;
use super::transport::{Connector, ConnectorError};
use crate::guard::Guard;
use answer::Token;
use grant::Grant;

/// How soon a token is renewed at the earliest, however short its life.
const RENEWAL_MIN: Duration = Duration::from_millis(500);
/// How long it is waited before a renewal that failed is tried again, at first and at most. Each wait is twice the last.
const PAUSE_FIRST: Duration = Duration::from_secs(1);
const PAUSE_MAX: Duration = Duration::from_secs(60);

/// Why there is no token.
#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    /// It was not given.
    #[error("no token from {from}: {reason}")]
    NotGiven {
        /// Where it was asked for.
        from: String,
        /// What came of it.
        reason: String,
    },
    /// It cannot be asked for.
    #[error("the request for a token: {0}")]
    Request(#[from] MakeError),
    /// Connections cannot be made as the plan wants them.
    #[error(transparent)]
    Connector(#[from] ConnectorError),
    /// The system gave no thread or no runtime.
    #[error("the thread that keeps tokens: {0}")]
    Thread(#[from] io::Error),
}

/// What an `authorization` is at present, for each place from which the plan's tokens come.
pub(super) type Heard = Vec<watch::Receiver<Arc<str>>>;

/// The tokens of an agent. They are renewed until this is dropped.
#[derive(Default)]
pub struct Tokens {
    heard: Heard,
    keeping: Option<(watch::Sender<()>, JoinHandle<()>)>,
}

impl Tokens {
    /// Fetches those of a plan. Blocks until all are there.
    ///
    /// # Errors
    /// [`TokenError`] when one is not given.
    pub(super) fn fetch(plan: &Arc<Plan>, guard: &Arc<Guard>) -> Result<Self, TokenError> {
        if plan.tokens.is_empty() {
            return Ok(Self::default());
        }
        let (sender, fetched) = mpsc::channel();
        let (end, ended) = watch::channel(());
        let (plan, guard) = (Arc::clone(plan), Arc::clone(guard));
        let thread =
            thread::Builder::new().name("tokens".to_owned()).spawn(move || run(&plan, guard, &sender, ended))?;
        let mut tokens = Self { heard: Vec::new(), keeping: Some((end, thread)) };
        let gone = || Err(io::Error::other("it ended").into());
        tokens.heard = fetched.recv().unwrap_or_else(|_| gone())?;
        Ok(tokens)
    }

    /// Where a worker hears of them.
    pub(super) fn heard(&self) -> Heard {
        self.heard.clone()
    }
}

impl Drop for Tokens {
    fn drop(&mut self) {
        if let Some((end, thread)) = self.keeping.take() {
            drop(end);
            let _ = thread.join();
        }
    }
}

/// Fetches the tokens, tells how that went, and renews them until the end.
fn run(plan: &Plan, guard: Arc<Guard>, told: &mpsc::Sender<Result<Heard, TokenError>>, mut ended: watch::Receiver<()>) {
    let keep = || -> Result<(), TokenError> {
        let runtime = Builder::new_current_thread().enable_all().build_local(LocalOptions::default())?;
        let connector = {
            let _inside = runtime.enter();
            Rc::new(Connector::new(&plan.connect, guard)?)
        };
        let grants = plan.tokens.iter().map(|source| Grant::new(source, plan, Rc::clone(&connector)));
        let grants: Vec<Grant> = grants.collect::<Result<_, _>>()?;
        runtime.block_on(async {
            tokio::select! {
                biased;
                _ = ended.changed() => Ok(()),
                kept = keep(&grants, told) => kept,
            }
        })
    };
    if let Err(error) = keep() {
        let _ = told.send(Err(error));
    }
}

async fn keep(grants: &[Grant], told: &mpsc::Sender<Result<Heard, TokenError>>) -> Result<(), TokenError> {
    let first = join_all(grants.iter().map(Grant::first)).await;
    let first = first.into_iter().collect::<Result<Vec<_>, _>>()?;
    let (senders, heard): (Vec<_>, Vec<_>) =
        first.iter().map(|token| watch::channel(Arc::from(token.authorization.as_str()))).unzip();
    let _ = told.send(Ok(heard));
    join_all(grants.iter().zip(first).zip(senders).map(|((grant, first), sender)| renew(grant, first, sender))).await;
    Ok(())
}

/// Replaces a token whenever it is about to end.
async fn renew(grant: &Grant, first: Token, sender: watch::Sender<Arc<str>>) {
    let mut life = first.life;
    loop {
        // A quarter of its life is left to renew it in.
        tokio::time::sleep((life / 4 * 3).max(RENEWAL_MIN)).await;
        let mut pause = PAUSE_FIRST;
        let token = loop {
            match grant.fetch().await {
                Ok(token) => break token,
                Err(refused) => tracing::warn!(from = grant.from, reason = refused.reason, "no new token"),
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(PAUSE_MAX);
        };
        life = token.life;
        sender.send_replace(Arc::from(token.authorization));
    }
}
