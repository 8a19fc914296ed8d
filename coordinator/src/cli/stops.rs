//! The user's wish to stop: Ctrl-C, or a polite signal from whoever supervises the program.

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;

/// A message for each interrupt or termination signal from now on.
pub(super) fn listen() -> mpsc::Receiver<()> {
    let (sender, receiver) = mpsc::channel(4);
    for kind in [SignalKind::interrupt(), SignalKind::terminate()] {
        // Where the system refuses a handler, the signal keeps ending the program, as it would anyway.
        let Ok(mut stream) = signal(kind) else { continue };
        let sender = sender.clone();
        tokio::spawn(async move {
            while stream.recv().await.is_some() {
                if sender.send(()).await.is_err() {
                    return;
                }
            }
        });
    }
    receiver
}
