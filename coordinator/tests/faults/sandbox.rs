//! A place in which a test may do as it likes: namespaces around this very test, in which anyone may be root.

use std::process::Command;

use super::shell::{run, succeeds};

/// Set where the test runs inside of its namespaces.
const INSIDE: &str = "MUSTER_FAULTS_INSIDE";

/// Who may try it.
pub(crate) struct Rights {
    unshare: &'static [&'static str],
    /// What there is to be done in there.
    probe: &'static str,
}

/// Everything that hosts and most faults are made of, which anybody may have.
pub(crate) const ANYBODY: Rights = Rights {
    unshare: &["unshare", "--user", "--map-root-user", "--net", "--mount"],
    probe: "mount -t tmpfs tmpfs /run && ip netns add host && ip link add bridge0 type bridge && \
            ip link add link0 type veth peer name eth0 netns host && iptables -w -A INPUT -s 10.0.0.1 -j DROP && \
            iptables -w -A INPUT -p tcp -s 10.0.0.1 -j REJECT --reject-with tcp-reset && \
            tc qdisc add dev link0 root tbf rate 1mbit burst 4kb latency 1s",
};

/// Hosts, and disks of their own, which only root may have.
pub(crate) const ROOT: Rights = Rights {
    unshare: &["unshare", "--net", "--mount"],
    probe: "mount -t tmpfs tmpfs /run && ip netns add host && truncate -s 16M /run/disk && \
            mkfs.ext4 -q -F /run/disk && mkdir /run/at && mount -o loop /run/disk /run/at",
};

/// Whether this is the inside. If not, the test with this name has been run there by now, or the machine does not
/// permit it, which is said.
pub(crate) fn enter(test: &str, rights: &Rights) -> bool {
    if std::env::var_os(INSIDE).is_some() {
        run(&["mount", "-t", "tmpfs", "tmpfs", "/run"]);
        run(&["ip", "link", "set", "lo", "up"]);
        return true;
    }
    if let Err(reason) = is_permitted(rights) {
        eprintln!("\nSKIPPED: no real faults on this machine, for they take rights that are not given: {reason}\n");
        return false;
    }
    let mut command = Command::new(rights.unshare[0]);
    command.args(&rights.unshare[1..]).arg(std::env::current_exe().unwrap());
    command.args([test, "--exact", "--nocapture", "--include-ignored"]).env(INSIDE, "1");
    assert!(command.status().unwrap().success(), "the test in its namespaces has failed");
    false
}

/// Whether it can be had.
fn is_permitted(rights: &Rights) -> Result<(), String> {
    succeeds(&[rights.unshare, &["sh", "-c", rights.probe]].concat())
}

/// Whether clocks since boot can differ between hosts of this machine.
pub(crate) fn has_clocks_of_its_own() -> bool {
    succeeds(&["unshare", "--time", "--boottime", "1000", "true"]).is_ok()
}

/// Whether system calls can be made to fail.
pub(crate) fn can_break_system_calls() -> bool {
    succeeds(&["strace", "-o", "/dev/null", "-e", "inject=fdatasync:error=EIO", "true"]).is_ok()
}
