//! A wire between an agent and its coordinator that a test can cut and block.

use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// How the wire is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Bytes go through.
    Whole,
    /// Bytes stay where they are, and nobody is told.
    Blocked,
    /// Whatever is connected breaks.
    Cut,
}

/// A wire to one address.
pub(crate) struct Wire {
    /// Where to connect instead.
    pub(crate) address: String,
    state: Arc<watch::Sender<State>>,
    task: JoinHandle<()>,
}

impl Wire {
    pub(crate) async fn to(address: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (near, far) = (listener.local_addr().unwrap().to_string(), address.to_owned());
        let state = Arc::new(watch::channel(State::Whole).0);
        let states = Arc::clone(&state);
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (far, states) = (far.clone(), states.subscribe());
                tokio::spawn(async move {
                    if let Ok(other) = TcpStream::connect(far).await {
                        carry(stream, other, states).await;
                    }
                });
            }
        });
        Self { address: near, state, task }
    }

    /// Breaks what is connected; whoever connects anew gets through.
    pub(crate) fn cut(&self) {
        self.state.send_replace(State::Cut);
        self.state.send_replace(State::Whole);
    }

    /// Lets nothing through for so long.
    pub(crate) async fn block(&self, lasts: Duration) {
        self.state.send_replace(State::Blocked);
        tokio::time::sleep(lasts).await;
        self.state.send_replace(State::Whole);
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Carries bytes to and fro until one side closes or the wire changes in a way that breaks it.
async fn carry(mut near: TcpStream, mut far: TcpStream, mut states: watch::Receiver<State>) {
    loop {
        let state = *states.borrow_and_update();
        tokio::select! {
            biased;
            changed = states.changed() => {
                // A cut shows as a change from whole to whole.
                let now = *states.borrow();
                if changed.is_err() || (state, now) == (State::Whole, State::Whole) {
                    return;
                }
            }
            _ = tokio::io::copy_bidirectional(&mut near, &mut far), if state == State::Whole => return,
        }
    }
}
