//! What kind of place an address is, and which address is really reached through it.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Addresses that need more than an ordinary entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Special {
    /// This machine.
    Loopback,
    /// A place that only an entry for this very address allows, and what it is.
    Forbidden(&'static str),
}

/// The names under which clouds serve their machines' credentials.
const METADATA_NAMES: [&str; 2] = ["metadata.google.internal", "metadata.goog"];
const METADATA_V4: [Ipv4Addr; 2] = [Ipv4Addr::new(169, 254, 169, 254), Ipv4Addr::new(100, 100, 100, 200)];
const METADATA_V6: Ipv6Addr = Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254);

/// Whether this name belongs to a cloud's metadata service.
pub(super) fn is_metadata_name(host: &str) -> bool {
    METADATA_NAMES.contains(&host.trim_end_matches('.').to_ascii_lowercase().as_str())
}

/// Whether this name means this machine on every machine (RFC 6761, section 6.3).
pub(super) fn is_loopback_name(host: &str) -> bool {
    host == "localhost" || host.ends_with(".localhost")
}

/// What is special about an address that carries no other.
pub(super) fn special(ip: IpAddr) -> Option<Special> {
    match ip {
        IpAddr::V4(ip) if METADATA_V4.contains(&ip) => Some(Special::Forbidden("the cloud's metadata service")),
        IpAddr::V4(ip) if ip.is_link_local() => Some(Special::Forbidden("link-local")),
        IpAddr::V4(ip) if ip.is_multicast() => Some(Special::Forbidden("multicast")),
        IpAddr::V4(ip) if ip.is_broadcast() => Some(Special::Forbidden("broadcast")),
        // All of 0.0.0.0/8 means "this network"; Linux connects 0.0.0.0 to itself.
        IpAddr::V4(ip) if ip.octets()[0] == 0 => Some(Special::Forbidden("unspecified")),
        IpAddr::V4(ip) => ip.is_loopback().then_some(Special::Loopback),
        IpAddr::V6(METADATA_V6) => Some(Special::Forbidden("the cloud's metadata service")),
        IpAddr::V6(ip) if ip.is_unicast_link_local() => Some(Special::Forbidden("link-local")),
        IpAddr::V6(ip) if ip.is_multicast() => Some(Special::Forbidden("multicast")),
        IpAddr::V6(ip) if ip.is_unspecified() => Some(Special::Forbidden("unspecified")),
        IpAddr::V6(ip) => ip.is_loopback().then_some(Special::Loopback),
    }
}

/// The addresses that a connection to this one may really reach, at least one: an IPv6 address that carries an IPv4
/// address stands for what it carries.
pub(super) fn reached(ip: IpAddr) -> Vec<IpAddr> {
    let IpAddr::V6(v6) = ip else { return vec![ip] };
    if v6.is_unspecified() || v6.is_loopback() {
        return vec![ip];
    }
    let bytes = v6.octets();
    let carried = |at: [usize; 4]| IpAddr::V4(Ipv4Addr::from(at.map(|index| bytes[index])));
    match v6.segments() {
        // Compatible (::/96), mapped (::ffff:0:0/96), translated (::ffff:0:0:0/96), NAT64 (64:ff9b::/96).
        [0, 0, 0, 0, 0, 0 | 0xffff, _, _] | [0, 0, 0, 0, 0xffff, 0, _, _] | [0x64, 0xff9b, 0, 0, 0, 0, _, _] => {
            vec![carried([12, 13, 14, 15])]
        }
        // 6to4.
        [0x2002, ..] => vec![carried([2, 3, 4, 5])],
        [0x64, 0xff9b, 1, ..] => local_nat64(carried),
        _ => vec![ip],
    }
}

/// In 64:ff9b:1::/48 the network's operator chooses where the IPv4 address stands (RFC 6052, section 2.2: after 48,
/// 56, 64 or 96 bits, without the ninth byte). We cannot know the choice, so each reading counts, except those that
/// find the padding of another (0.0.0.0/8, where nobody can be).
fn local_nat64(carried: impl Fn([usize; 4]) -> IpAddr) -> Vec<IpAddr> {
    let readings = [[6, 7, 9, 10], [7, 9, 10, 11], [9, 10, 11, 12], [12, 13, 14, 15]].map(carried);
    let is_padding = |ip: &IpAddr| matches!(ip, IpAddr::V4(ip) if ip.octets()[0] == 0);
    let real: Vec<IpAddr> = readings.into_iter().filter(|ip| !is_padding(ip)).collect();
    if real.is_empty() { vec![IpAddr::V4(Ipv4Addr::UNSPECIFIED)] } else { real }
}
