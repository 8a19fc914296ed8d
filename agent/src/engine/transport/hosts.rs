//! Names that need no look-up over the network: this machine's `/etc/hosts`, and `localhost`.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Where the system keeps addresses of names.
const PATH: &str = "/etc/hosts";
/// The largest file that is read, in bytes; what lies beyond is ignored.
const FILE_BYTES_MAX: u64 = 1 << 20;

/// The names of a hosts file.
#[derive(Debug, Default)]
pub(super) struct Hosts(HashMap<String, Vec<IpAddr>>);

impl Hosts {
    /// Reads this machine's file; one that is missing names nothing.
    pub(super) fn of_this_machine() -> Self {
        let mut text = Vec::new();
        if let Ok(file) = std::fs::File::open(PATH) {
            // What was read before an error is still true.
            let _ = std::io::Read::read_to_end(&mut std::io::Read::take(file, FILE_BYTES_MAX), &mut text);
        }
        Self::parse(&String::from_utf8_lossy(&text))
    }

    /// Reads lines of an address and its names; a `#` begins a comment, and what is no address is passed over.
    fn parse(text: &str) -> Self {
        let mut names: HashMap<String, Vec<IpAddr>> = HashMap::new();
        for line in text.lines() {
            let mut words = line.split('#').next().unwrap_or_default().split_whitespace();
            let Some(address) = words.next().and_then(|word| word.parse::<IpAddr>().ok()) else { continue };
            for name in words {
                let addresses = names.entry(name.to_ascii_lowercase()).or_default();
                if !addresses.contains(&address) {
                    addresses.push(address);
                }
            }
        }
        Self(names)
    }

    /// The addresses of this name, if it is known here. `localhost` and what ends in it always is (RFC 6761).
    pub(super) fn get(&self, name: &str) -> Option<Vec<IpAddr>> {
        let name = name.strip_suffix('.').unwrap_or(name);
        let local = name == "localhost" || name.ends_with(".localhost");
        let known = self.0.get(name).cloned();
        known.or_else(|| local.then(|| vec![Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_the_file_go_before_the_rule_for_localhost() {
        let hosts = Hosts::parse("# a\n::1 localhost\n127.0.0.1\tlocalhost\n10.0.0.1 A.test b.test # c.test\nx y\n");
        let get = |name| hosts.get(name).map(|found| found.iter().map(ToString::to_string).collect::<Vec<_>>());
        assert_eq!(get("localhost").unwrap(), ["::1", "127.0.0.1"]);
        assert_eq!(get("app.localhost").unwrap(), ["127.0.0.1", "::1"]);
        assert_eq!(get("a.test").unwrap(), ["10.0.0.1"]);
        assert_eq!(get("b.test.").unwrap(), ["10.0.0.1"]);
        assert_eq!(get("c.test"), None);
        assert_eq!(get("y"), None);
    }
}
