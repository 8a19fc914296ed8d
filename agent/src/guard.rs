//! What this agent's own operator allows: which targets it may ever load, and how hard. A plan can only narrow it.

mod address;
mod allow;
mod plan;

use std::net::IpAddr;

use address::{Special, reached, special};
pub use allow::{Allow, AllowError};

/// The most entries of an allow list that a refusal recites.
const RECITED_MAX: usize = 8;

/// The operator's policy. Every connection asks it twice: for the name, before any look-up, and for the very address
/// that is connected to.
///
/// Link-local, cloud metadata, multicast and unspecified addresses need an entry that is this very address: neither
/// `*`, nor a network, nor a name that leads there includes them. An IPv6 address that carries an IPv4 address is
/// judged by what it carries.
#[derive(Clone, Debug, PartialEq)]
pub struct Guard {
    allow: Vec<Allow>,
    /// The most iterations or requests per second that a plan may ask of this agent; `None` for any.
    pub max_rate: Option<f64>,
    /// The most connections that a plan may ask of this agent; `None` for any.
    pub max_connections: Option<u64>,
}

/// What the operator's policy forbids, in words: what was asked, what is allowed, which flag would allow it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Refusal(String);

impl Default for Guard {
    fn default() -> Self {
        Self::loopback_only()
    }
}

impl Guard {
    /// Allows these targets and nothing else, at any rate and with any number of connections.
    #[must_use]
    pub fn new(allow: Vec<Allow>) -> Self {
        Self { allow, max_rate: None, max_connections: None }
    }

    /// Allows 127.0.0.0/8 and `::1`: what an agent may load whose operator said nothing.
    #[must_use]
    pub fn loopback_only() -> Self {
        Self::new(Allow::loopback())
    }

    /// Checks what can be known before a look-up, so that forbidden names are not even asked for.
    ///
    /// # Errors
    /// When no address that `host` may have could be allowed.
    pub fn check_host(&self, host: &str, port: u16) -> Result<(), Refusal> {
        if let Ok(ip) = host.parse() {
            return self.check_addr(host, ip, port);
        }
        if address::is_metadata_name(host) && !self.allow.iter().any(|entry| entry.is_name(host, port)) {
            return Err(self.special(host, &host, port, "the cloud's metadata service"));
        }
        if self.allow.iter().any(|entry| entry.is_name(host, port) || entry.may_include_names(port)) {
            return Ok(());
        }
        Err(self.refuse(host, &host, port))
    }

    /// Checks a target whose address somebody else looks up, such as a proxy: only an entry for its name, or `*`,
    /// allows it, because there is no address to judge.
    ///
    /// # Errors
    /// When the name is not allowed whatever its address.
    pub fn check_unresolved(&self, host: &str, port: u16) -> Result<(), Refusal> {
        self.check_host(host, port)?;
        let known = host.parse::<IpAddr>().is_ok();
        if known || self.allow.iter().any(|entry| entry.is_name(host, port) || entry.is_any(port)) {
            return Ok(());
        }
        Err(Refusal(format!(
            "{host}:{port} would be looked up by the proxy, so this agent cannot check its address: \
             it needs `--allow {host}` on this agent"
        )))
    }

    /// Checks the very address that is about to be connected to. `host` is the name that this agent looked up to find
    /// it, or the address itself when it comes from a plan: a plan must not lend an allowed name to another address.
    ///
    /// # Errors
    /// When neither the address nor, for an ordinary address, the name is allowed.
    pub fn check_addr(&self, host: &str, ip: IpAddr, port: u16) -> Result<(), Refusal> {
        for ip in reached(ip) {
            let kind = special(ip);
            if let Some(Special::Forbidden(what)) = kind {
                if !self.allow.iter().any(|entry| entry.is_address(ip, port)) {
                    return Err(self.special(host, &ip, port, what));
                }
                continue;
            }
            // Whoever controls the DNS of an allowed name must not reach what listens on this machine alone.
            let name_counts = kind != Some(Special::Loopback) || address::is_loopback_name(host);
            let allowed = |entry: &Allow| entry.includes(ip, port) || (name_counts && entry.is_name(host, port));
            if !self.allow.iter().any(allowed) {
                return Err(self.refuse(host, &ip, port));
            }
        }
        Ok(())
    }

    /// Checks a plan's share for this agent, in iterations or requests per second.
    ///
    /// # Errors
    /// When it is more than `max_rate`, or not a number.
    pub fn check_rate(&self, planned_per_s: f64) -> Result<(), Refusal> {
        match self.max_rate {
            Some(max) if planned_per_s.is_nan() || planned_per_s > max => Err(Refusal(format!(
                "the plan asks this agent for {planned_per_s}/s, its operator allows {max}/s: \
                 lower the rate, add agents, or raise `--max-rate` on this agent"
            ))),
            _ => Ok(()),
        }
    }

    /// Checks the most connections that a plan may open on this agent.
    ///
    /// # Errors
    /// When it is more than `max_connections`.
    pub fn check_connections(&self, planned: u64) -> Result<(), Refusal> {
        match self.max_connections {
            Some(max) if planned > max => Err(Refusal(format!(
                "the plan asks this agent for up to {planned} connections, its operator allows {max}: \
                 lower `max_users`, add agents, or raise `--max-connections` on this agent"
            ))),
            _ => Ok(()),
        }
    }

    fn refuse(&self, host: &str, found: &dyn ToString, port: u16) -> Refusal {
        let found = found.to_string();
        let asked = asked(host, &found, port);
        let allowed = self.recite();
        Refusal(format!("{asked} is not allowed by this agent, which allows {allowed}: add `--allow {found}` to it"))
    }

    fn special(&self, host: &str, found: &dyn ToString, port: u16, what: &str) -> Refusal {
        let found = found.to_string();
        let asked = asked(host, &found, port);
        let allowed = self.recite();
        Refusal(format!(
            "{asked} is {what}, which no network, name or `*` includes; this agent allows {allowed}: \
             if it is really meant, add `--allow {found}` to it"
        ))
    }

    fn recite(&self) -> String {
        let mut entries: Vec<String> = self.allow.iter().take(RECITED_MAX).map(ToString::to_string).collect();
        match self.allow.len() {
            0 => return "nothing".to_owned(),
            n if n > RECITED_MAX => entries.push(format!("and {} more", n - RECITED_MAX)),
            _ => {}
        }
        entries.join(", ")
    }
}

fn asked(host: &str, found: &str, port: u16) -> String {
    let address = if found.contains(':') { format!("[{found}]:{port}") } else { format!("{found}:{port}") };
    if host == found { address } else { format!("{address} ({host})") }
}

#[cfg(test)]
mod tests;
