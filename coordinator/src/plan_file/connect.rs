//! `connect`: addresses, look-ups, the proxy and TLS.

use std::net::IpAddr;

use muster_proto::plan::{Connect, Connections, DnsPolicy, Tls, Url};

use super::keys::{CONNECT, DNS, TLS};
use super::reader::{Field, Reader};
use super::tree::{Value, quoted};
use super::url;
use super::{certificates, files};

/// Reads the section, and who shares connections where a scenario does not say; what is wrong keeps its default.
pub(super) fn read(reader: &mut Reader, field: &Field<'_>) -> (Connect, Option<Connections>) {
    let Some(fields) = reader.open(field, &CONNECT) else { return (Connect::default(), None) };
    let hosts = fields.get("hosts").map(|field| hosts(reader, &field));
    let sources = fields.get("source").map(|field| addresses(reader, &field));
    let shared = fields.get("connections").and_then(|field| connections(reader, &field));
    let proxy = fields.get("proxy").and_then(|field| proxy(reader, &field));
    let dns = fields.get("dns").and_then(|field| dns(reader, &field));
    let tls = fields.get("tls").map(|field| tls(reader, &field));
    let connect = Connect {
        hosts: hosts.unwrap_or_default(),
        dns: dns.unwrap_or_default(),
        sources: sources.unwrap_or_default(),
        proxy,
        tls: tls.unwrap_or_default(),
    };
    reader.plan_bytes += wire_bytes(&connect);
    (connect, shared)
}

/// What all this takes on the wire.
fn wire_bytes(connect: &Connect) -> usize {
    let hosts: usize = connect.hosts.iter().map(|(name, addresses)| name.len() + 8 + addresses.len() * 20).sum();
    let users: usize = connect.tls.users.iter().map(|user| 16 + user.cert_pem.len() + user.key_pem.len()).sum();
    let tls = connect.tls.ca_pem.len() + connect.tls.cert_pem.len() + connect.tls.key_pem.len() + users;
    hosts + connect.sources.len() * 20 + tls
}

/// Reads who shares connections.
pub(super) fn connections(reader: &mut Reader, field: &Field<'_>) -> Option<Connections> {
    Some(match reader.choice(field)? {
        "per-user" => Connections::PerUser,
        "new" => Connections::New,
        _ => Connections::Pool,
    })
}

fn hosts(reader: &mut Reader, field: &Field<'_>) -> Vec<(String, Vec<IpAddr>)> {
    let mut hosts: Vec<(String, Vec<IpAddr>)> = Vec::new();
    let mut names = std::collections::HashSet::new();
    for (name, field) in reader.named(field) {
        let Ok(::url::Host::Domain(host)) = ::url::Host::parse(name) else {
            reader.at_key(&field, "wanted a host name such as `shop.test`, without port");
            continue;
        };
        if !names.insert(host.clone()) {
            reader.at_key(&field, format!("the host {} stands here twice", quoted(&host)));
        }
        hosts.push((host, addresses(reader, &field)));
    }
    hosts
}

fn addresses(reader: &mut Reader, field: &Field<'_>) -> Vec<IpAddr> {
    let items = reader.one_or_more(field);
    items.iter().filter_map(|item| address(reader, item)).collect()
}

fn address(reader: &mut Reader, field: &Field<'_>) -> Option<IpAddr> {
    let address = field.node.scalar().and_then(|text| text.parse().ok());
    if address.is_none() {
        reader.wanted(field, "an IP address such as `127.0.0.1` or `::1`");
    }
    address
}

fn proxy(reader: &mut Reader, field: &Field<'_>) -> Option<Url> {
    match field.node.scalar() {
        Some("none") => None,
        _ => url::proxy(reader, field),
    }
}

fn dns(reader: &mut Reader, field: &Field<'_>) -> Option<DnsPolicy> {
    if !matches!(field.node.value, Value::Map(_)) {
        if field.node.scalar() != Some("once") {
            reader.wanted(field, "`once`, or a map such as `{every: 30s}`");
        }
        return None;
    }
    let every = reader.open(field, &DNS)?.get("every")?;
    reader.duration(&every).map(DnsPolicy::Every)
}

fn tls(reader: &mut Reader, field: &Field<'_>) -> Tls {
    let Some(fields) = reader.open(field, &TLS) else { return Tls::default() };
    let mut pem = |name: &str, section: &str| {
        fields.get(name).and_then(|field| files::pem(reader, &field, section)).unwrap_or_default()
    };
    let ca_pem = pem("ca", "CERTIFICATE");
    let cert_pem = pem("cert", "CERTIFICATE");
    let key_pem = pem("key", "PRIVATE KEY");
    for (one, other) in [("cert", "key"), ("key", "cert")] {
        if fields.get(one).is_some() && fields.get(other).is_none() {
            reader.at_key(field, format!("`{other}` is missing")).help(format!("`{one}` alone proves nothing"));
        }
    }
    let users = fields.get("users").and_then(|field| {
        if fields.get("cert").is_some() || fields.get("key").is_some() {
            reader.wrong(&field, "each user has one certificate, found `cert` and `key` beside `users`");
        }
        certificates::of_users(reader, &field)
    });
    let insecure = fields.get("insecure").and_then(|field| reader.flag(&field)).unwrap_or_default();
    Tls { ca_pem, cert_pem, key_pem, users: users.unwrap_or_default(), insecure }
}
