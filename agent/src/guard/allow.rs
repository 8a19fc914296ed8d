//! One entry of the operator's allow list.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use super::address::reached;

/// Targets that an agent may load: a network, an address, a name, or all (`*`), on one port or on all of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Allow {
    what: What,
    port: Option<u16>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum What {
    Any,
    Network { base: IpAddr, prefix: u8 },
    Name(String),
}

/// An entry that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{entry}` is not a target to allow: {why}")]
pub struct AllowError {
    entry: String,
    why: String,
}

impl Allow {
    /// The networks of the loopback interface.
    #[must_use]
    pub fn loopback() -> Vec<Self> {
        let network = |base, prefix| Self { what: What::Network { base, prefix }, port: None };
        vec![network(IpAddr::V4(Ipv4Addr::new(127, 0, 0, 0)), 8), network(IpAddr::V6(Ipv6Addr::LOCALHOST), 128)]
    }

    /// Whether this entry is `*`.
    pub(super) fn is_any(&self, port: u16) -> bool {
        self.on(port) && self.what == What::Any
    }

    /// Whether a name that is looked up may turn out to lead to an address of this entry.
    pub(super) fn may_include_names(&self, port: u16) -> bool {
        self.on(port) && !matches!(self.what, What::Name(_))
    }

    /// Whether this entry is this very name.
    pub(super) fn is_name(&self, host: &str, port: u16) -> bool {
        let host = host.trim_end_matches('.');
        self.on(port) && matches!(&self.what, What::Name(name) if name.eq_ignore_ascii_case(host))
    }

    /// Whether this entry is this very address.
    pub(super) fn is_address(&self, ip: IpAddr, port: u16) -> bool {
        self.on(port) && matches!(self.what, What::Network { base, prefix } if base == ip && prefix == bits(ip))
    }

    /// Whether this address lies in this entry's network.
    pub(super) fn includes(&self, ip: IpAddr, port: u16) -> bool {
        self.on(port)
            && match self.what {
                What::Any => true,
                What::Network { base, prefix } => base.is_ipv4() == ip.is_ipv4() && mask(ip, prefix) == base,
                What::Name(_) => false,
            }
    }

    fn on(&self, port: u16) -> bool {
        self.port.is_none_or(|only| only == port)
    }
}

impl FromStr for Allow {
    type Err = AllowError;

    fn from_str(entry: &str) -> Result<Self, AllowError> {
        parse(entry).map_err(|why| AllowError { entry: entry.chars().take(100).collect(), why })
    }
}

fn parse(entry: &str) -> Result<Allow, String> {
    if entry == "*" {
        return Ok(Allow { what: What::Any, port: None });
    }
    if let Some((base, prefix)) = entry.split_once('/') {
        return Ok(Allow { what: network(base, prefix)?, port: None });
    }
    let bare = entry.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(entry);
    if let Ok(ip) = bare.parse::<IpAddr>() {
        return Ok(Allow { what: address(ip)?, port: None });
    }
    let (host, port) = match entry.rsplit_once(':') {
        Some((host, port)) => (host, Some(port.parse().map_err(|_| format!("`{port}` is not a port"))?)),
        None => (entry, None),
    };
    let bare = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(host);
    let what = match bare.parse::<IpAddr>() {
        Ok(IpAddr::V6(_)) if bare == host => return Err("an IPv6 address with a port needs brackets".to_owned()),
        Ok(ip) => address(ip)?,
        Err(_) => name(host)?,
    };
    Ok(Allow { what, port })
}

fn network(base: &str, prefix: &str) -> Result<What, String> {
    let base: IpAddr = base.parse().map_err(|_| format!("`{base}` is not an IP address"))?;
    let prefix = prefix.parse().ok().filter(|prefix| *prefix <= bits(base));
    let prefix = prefix.ok_or_else(|| format!("the prefix must be a number from 0 to {}", bits(base)))?;
    let masked = mask(base, prefix);
    if masked != base {
        return Err(format!("it has bits beyond its prefix; write {masked}/{prefix}"));
    }
    // What an IPv4 address is carried in counts for nothing, so such a network would silently allow nothing.
    if prefix > 0 && reached(base) != [base] {
        return Err("it stands for IPv4 addresses; write the IPv4 network".to_owned());
    }
    Ok(What::Network { base, prefix })
}

fn address(ip: IpAddr) -> Result<What, String> {
    match reached(ip)[..] {
        [ip] => Ok(What::Network { base: ip, prefix: bits(ip) }),
        _ => Err("it may stand for several IPv4 addresses; write the IPv4 address that is meant".to_owned()),
    }
}

fn name(host: &str) -> Result<What, String> {
    let host = host.strip_suffix('.').unwrap_or(host).to_ascii_lowercase();
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    if host.is_empty() || host.len() > 253 || !host.bytes().all(fits) {
        return Err("wanted CIDR, IP, HOST, HOST:PORT or `*`".to_owned());
    }
    if host.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.') {
        return Err("it looks like an IPv4 address, which has four numbers from 0 to 255".to_owned());
    }
    Ok(What::Name(host))
}

fn bits(ip: IpAddr) -> u8 {
    if ip.is_ipv4() { 32 } else { 128 }
}

fn mask(ip: IpAddr, prefix: u8) -> IpAddr {
    match ip {
        IpAddr::V4(ip) => {
            let mask = u32::MAX.checked_shl(32_u32.saturating_sub(prefix.into())).unwrap_or(0);
            IpAddr::V4(Ipv4Addr::from_bits(ip.to_bits() & mask))
        }
        IpAddr::V6(ip) => {
            let mask = u128::MAX.checked_shl(128_u32.saturating_sub(prefix.into())).unwrap_or(0);
            IpAddr::V6(Ipv6Addr::from_bits(ip.to_bits() & mask))
        }
    }
}

impl fmt::Display for Allow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.what, self.port) {
            (What::Any, _) => f.write_str("*"),
            (What::Network { base: IpAddr::V6(ip), prefix: 128 }, Some(port)) => write!(f, "[{ip}]:{port}"),
            (What::Network { base, prefix }, port) => {
                write!(f, "{base}")?;
                if *prefix < bits(*base) {
                    write!(f, "/{prefix}")?;
                }
                port.map_or(Ok(()), |port| write!(f, ":{port}"))
            }
            (What::Name(name), None) => f.write_str(name),
            (What::Name(name), Some(port)) => write!(f, "{name}:{port}"),
        }
    }
}
