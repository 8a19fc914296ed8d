//! Hosts: network namespaces on a bridge.

use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::Duration;

use super::process::Process;
use super::shell::{run, succeeds};

/// Namespaces are made one after the other, for `ip netns` prepares its folder when it is first asked.
static MAKING: Mutex<()> = Mutex::new(());

/// A bridge, with this process at one of its ports. One of several has a number of its own.
pub(crate) struct Network {
    number: u8,
}

impl Network {
    pub(crate) fn new(number: u8) -> Self {
        let network = Self { number };
        let bridge = network.bridge();
        run(&["ip", "link", "add", &bridge, "type", "bridge"]);
        run(&["ip", "address", "add", &format!("10.77.{number}.254/24"), "dev", &bridge]);
        run(&["ip", "link", "set", &bridge, "up"]);
        network
    }

    fn bridge(&self) -> String {
        format!("bridge{}", self.number)
    }

    /// A host with this number, whose clock since boot is so far ahead of this process's.
    pub(crate) fn host(&self, number: u8, ahead: Duration) -> Host {
        let _one_by_one = MAKING.lock().unwrap();
        let name = format!("n{}h{number}", self.number);
        let address = Ipv4Addr::new(10, 77, self.number, number);
        let link = format!("link-{name}");
        run(&["ip", "netns", "add", &name]);
        run(&["ip", "link", "add", &link, "type", "veth", "peer", "name", "eth0", "netns", &name]);
        run(&["ip", "link", "set", &link, "master", &self.bridge(), "up"]);
        let clock = (!ahead.is_zero()).then(|| own_clock(&name, ahead));
        let host = Host { name, address, clock };
        host.run(&["ip", "address", "add", &format!("{address}/24"), "dev", "eth0"]);
        host.run(&["ip", "link", "set", "lo", "up"]);
        host.run(&["ip", "link", "set", "eth0", "up"]);
        host
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        let _ = succeeds(&["ip", "link", "delete", &self.bridge()]);
    }
}

/// Keeps a time namespace under a name.
fn own_clock(name: &str, ahead: Duration) -> PathBuf {
    let file = Path::new("/run").join(format!("clock-{name}"));
    std::fs::write(&file, "").unwrap();
    let (kept, ahead) = (format!("--time={}", file.display()), ahead.as_secs().to_string());
    run(&["unshare", &kept, "--boottime", &ahead, "--monotonic", &ahead, "true"]);
    file
}

/// A host of its own for one program.
pub(crate) struct Host {
    name: String,
    pub(crate) address: Ipv4Addr,
    clock: Option<PathBuf>,
}

impl Host {
    /// Starts a program on it. The process that is signalled is the program's own.
    pub(crate) fn start(&self, words: &[impl AsRef<str>]) -> Process {
        let net = format!("--net=/run/netns/{}", self.name);
        let clock = self.clock.iter().map(|file| format!("--time={}", file.display()));
        let entered: Vec<String> = std::iter::once(net).chain(clock).collect();
        let words = entered.iter().map(String::as_str).chain(words.iter().map(AsRef::as_ref));
        Process::start(Path::new("nsenter"), &words.collect::<Vec<_>>())
    }

    fn run(&self, words: &[&str]) {
        let net = format!("--net=/run/netns/{}", self.name);
        run(&[&["nsenter", &net][..], words].concat());
    }

    /// Whether nothing from another host arrives here.
    pub(crate) fn ignore(&self, other: &Self, ignored: bool) {
        self.rule(ignored, &["-s", &other.address.to_string(), "-j", "DROP"]);
    }

    /// Whether whatever comes from another host is answered with a reset.
    pub(crate) fn reset(&self, other: &Self, resets: bool) {
        let other = other.address.to_string();
        self.rule(resets, &["-s", &other, "-p", "tcp", "-j", "REJECT", "--reject-with", "tcp-reset"]);
    }

    fn rule(&self, holds: bool, words: &[&str]) {
        let how = if holds { "-A" } else { "-D" };
        self.run(&[&["iptables", "-w", how, "INPUT"][..], words].concat());
    }

    /// Whether so little leaves it: 128 kbit/s, with half a second's worth in the queue.
    pub(crate) fn slow_down(&self, slow: bool) {
        let queue = ["root", "tbf", "rate", "128kbit", "burst", "4kb", "latency", "500ms"];
        let words: &[&str] = if slow { &queue } else { &["root"] };
        let how = if slow { "add" } else { "delete" };
        self.run(&[&["tc", "qdisc", how, "dev", "eth0"][..], words].concat());
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        // A namespace is cleared away in the background, and would hold the link's name until then.
        let _ = succeeds(&["ip", "link", "delete", &format!("link-{}", self.name)]);
        let _ = succeeds(&["ip", "netns", "delete", &self.name]);
        if let Some(file) = &self.clock {
            let _ = succeeds(&["umount", &file.to_string_lossy()]);
        }
    }
}
