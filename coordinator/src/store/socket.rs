//! The socket in a run's folder at which its user gives orders.

use std::fs::{self, File, Permissions};
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use tokio::net::UnixListener;

use super::RunFolder;

const SOCKET: &str = "control.sock";

/// Where a run's socket is found, by a path that is short enough for the system as long as this is kept.
pub struct SocketPath {
    _folder: File,
    path: PathBuf,
}

impl SocketPath {
    /// As an address.
    #[must_use]
    pub fn address(&self) -> String {
        format!("unix:{}", self.path.display())
    }
}

impl RunFolder {
    /// Takes orders at the run's socket, from nobody but the user whose run it is. Whoever conducts the run does this.
    ///
    /// # Errors
    /// When there can be no socket in the folder.
    pub fn listen_for_orders(&self) -> io::Result<UnixListener> {
        let SocketPath { _folder, path } = self.socket()?;
        // One that is there was left behind by a coordinator that was killed.
        let _ = fs::remove_file(&path);
        let listener = UnixListener::bind(&path)?;
        fs::set_permissions(&path, Permissions::from_mode(0o600))?;
        Ok(listener)
    }

    /// Where orders for the run are given.
    ///
    /// # Errors
    /// When its folder cannot be opened.
    pub fn socket(&self) -> io::Result<SocketPath> {
        let folder = File::open(&self.path)?;
        // A socket's path has room for about a hundred bytes, and a folder may lie deeper than that.
        let path = PathBuf::from(format!("/proc/self/fd/{}/{SOCKET}", folder.as_raw_fd()));
        Ok(SocketPath { _folder: folder, path })
    }

    /// Nobody takes orders any more.
    pub fn stop_listening(&self) {
        let _ = fs::remove_file(self.path.join(SOCKET));
    }
}
