//! The user's wish to stop: Ctrl-C, or a polite signal from whoever supervises the program.

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;

/// Each wish to stop, and how those are told that come in another way than by a signal.
pub(super) struct Stops {
    pub(super) wishes: mpsc::Receiver<()>,
    pub(super) sender: mpsc::Sender<()>,
}

/// A message for each interrupt or termination signal from now on.
pub(super) fn listen() -> Stops {
    let (sender, wishes) = mpsc::channel(4);
    for kind in [SignalKind::interrupt(), SignalKind::terminate()] {
        // Where the system refuses a handler, the signal keeps ending the program, as it would anyway.
        let Ok(mut stream) = signal(kind) else { continue };
        let signalled = sender.clone();
        tokio::spawn(async move {
            while stream.recv().await.is_some() {
                if signalled.send(()).await.is_err() {
                    return;
                }
            }
        });
    }
    Stops { wishes, sender }
}
