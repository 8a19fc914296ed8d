//! How HTTP is spoken and how connections are made.

use std::net::IpAddr;
use std::time::Duration;

/// Limits and deadlines of HTTP, for all requests of the plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Http {
    /// From the beginning of an attempt to an established connection (name look-up, TCP and TLS), at most.
    pub connect_timeout: Duration,
    /// From the request's last byte to the response's first, and between any two reads after it, at most.
    pub read_timeout: Duration,
    /// The largest response head, in bytes.
    pub head_bytes_max: u32,
    /// The largest response body, in bytes.
    pub body_bytes_max: u64,
    /// Whether each request carries a number by which it can be found in the target's log.
    pub request_ids: bool,
    /// Which part of the iterations is traced, in millionths: their requests carry a `traceparent`.
    pub trace_millionths: u32,
    /// Whether users keep the cookies that targets set.
    pub cookies: bool,
}

impl Default for Http {
    fn default() -> Self {
        Self {
            connect_timeout: Duration::from_secs(10),
            read_timeout: Duration::from_secs(60),
            head_bytes_max: 64 << 10,
            body_bytes_max: 64 << 20,
            request_ids: false,
            trace_millionths: 0,
            cookies: true,
        }
    }
}

/// How connections are made, for all requests of the plan.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Connect {
    /// Addresses for names, which go before any look-up. A name may stand for several addresses, used in turn.
    pub hosts: Vec<(String, Vec<IpAddr>)>,
    /// How long a looked-up address is used.
    pub dns: DnsPolicy,
    /// Local addresses to send from, in turn; empty leaves the choice to the system.
    pub sources: Vec<IpAddr>,
    /// An HTTP proxy as `http://host:port`, through which every request goes.
    pub proxy: Option<Url>,
    /// TLS settings.
    pub tls: Tls,
}

/// How long a looked-up address is used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DnsPolicy {
    /// One look-up per name and run.
    #[default]
    Once,
    /// A new look-up when this much time has passed since the last.
    Every(Duration),
}

/// TLS settings.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Tls {
    /// Certificates in PEM that are trusted beside the public authorities.
    pub ca_pem: Vec<u8>,
    /// A client certificate chain in PEM; empty for none.
    pub cert_pem: Vec<u8>,
    /// The client certificate's private key in PEM; empty for none.
    pub key_pem: Vec<u8>,
    /// Client certificates of users, who have them in turn; empty where all present the one above, or none.
    pub users: Vec<ClientCert>,
    /// Accept any certificate.
    pub insecure: bool,
}

/// The client certificate of a user.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct ClientCert {
    /// The chain in PEM.
    pub cert_pem: Vec<u8>,
    /// The private key in PEM.
    pub key_pem: Vec<u8>,
}

impl std::fmt::Debug for ClientCert {
    /// Leaves the private key out.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ClientCert").field("cert_pem", &self.cert_pem.len()).finish_non_exhaustive()
    }
}

impl std::fmt::Debug for Tls {
    /// Leaves the private key out, so that no log or panic can tell it.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tls")
            .field("ca_pem", &self.ca_pem.len())
            .field("cert_pem", &self.cert_pem.len())
            .field("key_pem", &if self.key_pem.is_empty() { "none" } else { "elided" })
            .field("users", &self.users.len())
            .field("insecure", &self.insecure)
            .finish()
    }
}

/// Who shares connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Connections {
    /// All users of a worker share the idle ones.
    Pool,
    /// Each user keeps its own.
    PerUser,
    /// Every request opens one and closes it.
    New,
}

/// How many redirects a request follows; 0 for none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Redirects(pub u8);

/// Where a request goes, split into the parts that a connection and a request line need.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Url {
    /// Whether TLS is spoken.
    pub tls: bool,
    /// A name, an IPv4 address, or an IPv6 address without brackets; lower case.
    pub host: String,
    /// The port, also where the scheme's default was meant.
    pub port: u16,
    /// Path and query as they stand in the request line; begins with `/`.
    pub path: String,
}

impl Url {
    /// What stands in the `host` header: with the port unless it is the scheme's default.
    #[must_use]
    pub fn authority(&self) -> String {
        let host = if self.host.contains(':') { format!("[{}]", self.host) } else { self.host.clone() };
        let default = if self.tls { 443 } else { 80 };
        if self.port == default { host } else { format!("{host}:{}", self.port) }
    }
}

impl std::fmt::Display for Url {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let scheme = if self.tls { "https" } else { "http" };
        write!(f, "{scheme}://{}{}", self.authority(), self.path)
    }
}

/// What a request carries; a body's `content-type` stands among the request's headers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Body(pub bytes::Bytes);

/// Which statuses are as expected: inclusive ranges.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StatusSet(pub Vec<(u16, u16)>);

impl StatusSet {
    /// Whether this status is as expected.
    #[must_use]
    pub fn contains(&self, status: u16) -> bool {
        self.0.iter().any(|&(low, high)| (low..=high).contains(&status))
    }
}

impl Default for StatusSet {
    /// As k6 counts failures: everything from 200 to 399.
    fn default() -> Self {
        Self(vec![(200, 399)])
    }
}
