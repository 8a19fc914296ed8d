//! From names to addresses, without ever blocking the worker's thread as `getaddrinfo` would.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::net::IpAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::{LocalBoxFuture, Shared};
use hickory_resolver::TokioResolver;
use hickory_resolver::config::{LookupIpStrategy, ResolveHosts, ResolverConfig, ResolverOpts};
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::system_conf::read_system_conf;
use muster_proto::outcome::ErrorKind;
use muster_proto::plan::{Connect, DnsPolicy};
use tokio::task::JoinHandle;

use super::super::clock;
use super::Failure;
use super::hosts::Hosts;

/// The most looked-up names that are remembered; beyond it the oldest goes.
const NAMES_MAX: usize = 1_024;
/// The most look-ups under way at once, counting those for which nobody waits any more: each may hold a socket.
const LOOK_UPS_MAX: usize = 256;
/// The most addresses of one name that are used.
const ADDRESSES_MAX: usize = 64;
/// How long a failed look-up stands, so that a thousand requests a second do not become as many questions.
const FAILURE_KEPT: Duration = Duration::from_secs(1);

/// A worker's names. A name is looked up once for all who wait for it, and the look-up goes on if they give up.
pub(super) struct Resolver {
    by_plan: HashMap<String, Rc<Addresses>>,
    hosts: Hosts,
    policy: DnsPolicy,
    /// Asks the system's name servers, or why it cannot.
    dns: Result<TokioResolver, String>,
    asked: RefCell<HashMap<String, Asked>>,
    /// Held by each look-up under way, and so counts them.
    under_way: Arc<()>,
}

type Answer = Result<Rc<Addresses>, Failure>;

struct Asked {
    at_ns: u64,
    answer: Shared<LocalBoxFuture<'static, Answer>>,
}

/// A name's addresses: the first `rotating` ones are used in turn, the others when those fail.
#[derive(Debug)]
struct Addresses {
    list: Vec<IpAddr>,
    rotating: usize,
    next: Cell<usize>,
}

/// The addresses of a name, for one connection.
#[derive(Debug)]
pub(super) struct Found {
    addresses: Rc<Addresses>,
    turn: usize,
    /// Whether the plan gave them, rather than this machine's own look-up.
    pub(super) by_plan: bool,
}

impl Resolver {
    /// Resolves as the plan says, and otherwise as this machine is set up.
    pub(super) fn new(connect: &Connect) -> Self {
        let system = read_system_conf().map_err(|error| format!("/etc/resolv.conf: {error}"));
        Self::with(connect, Hosts::of_this_machine(), system)
    }

    fn with(connect: &Connect, hosts: Hosts, system: Result<(ResolverConfig, ResolverOpts), String>) -> Self {
        let by_plan = connect.hosts.iter();
        let by_plan = by_plan.map(|(name, list)| (name.to_ascii_lowercase(), Addresses::all_rotating(list.clone())));
        Self {
            by_plan: by_plan.collect(),
            hosts,
            policy: connect.dns,
            dns: system.and_then(|(config, options)| client(config, options)),
            asked: RefCell::default(),
            under_way: Arc::default(),
        }
    }

    /// The addresses of this host, beginning with the one whose turn it is.
    ///
    /// # Errors
    /// A failure of kind DNS or overload. It may take as long as the system's name servers are given; bound it by a deadline.
    pub(super) async fn resolve(&self, host: &str) -> Result<Found, Failure> {
        if let Ok(literal) = host.parse() {
            return Ok(Found::new(Addresses::all_rotating(vec![literal]), false));
        }
        if let Some(addresses) = self.by_plan.get(host) {
            if addresses.list.is_empty() {
                return Err(dns_failure(format!("`connect.hosts` names no address for {host}")));
            }
            return Ok(Found::new(Rc::clone(addresses), true));
        }
        let answer = self.answer_for(host);
        Ok(Found::new(answer.await?, false))
    }

    fn answer_for(&self, host: &str) -> Shared<LocalBoxFuture<'static, Answer>> {
        let now_ns = clock::now_ns();
        let mut asked = self.asked.borrow_mut();
        if let Some(known) = asked.get(host).filter(|known| known.holds(self.policy, now_ns)) {
            return known.answer.clone();
        }
        if asked.len() >= NAMES_MAX && !asked.contains_key(host) {
            let oldest = asked.iter().min_by_key(|(_, known)| known.at_ns).map(|(name, _)| name.clone());
            oldest.and_then(|name| asked.remove(&name));
        }
        let answer = self.ask(host).shared();
        asked.insert(host.to_owned(), Asked { at_ns: now_ns, answer: answer.clone() });
        answer
    }

    fn ask(&self, host: &str) -> LocalBoxFuture<'static, Answer> {
        if let Some(list) = self.hosts.get(host) {
            return std::future::ready(Ok(Addresses::first_family_rotating(list))).boxed_local();
        }
        match self.look_up(host) {
            Err(failure) => std::future::ready(Err(failure)).boxed_local(),
            Ok(task) => async move {
                let lost = |error| dns_failure(format!("the look-up did not end: {error}"));
                Ok(Addresses::first_family_rotating(task.await.map_err(lost)??))
            }
            .boxed_local(),
        }
    }

    /// Asks the name servers in a task of its own.
    fn look_up(&self, host: &str) -> Result<JoinHandle<Result<Vec<IpAddr>, Failure>>, Failure> {
        let dns = self.dns.clone().map_err(|why| {
            dns_failure(format!(
                "cannot look up {host}, because no name server is known ({why}): \
                 only addresses, /etc/hosts and `connect.hosts` work on this machine"
            ))
        })?;
        if Arc::strong_count(&self.under_way) > LOOK_UPS_MAX {
            let text = format!("cannot look up {host}: {LOOK_UPS_MAX} look-ups are under way already");
            return Err(Failure::new(ErrorKind::GeneratorOverload, text));
        }
        let host = host.to_owned();
        let one_more = Arc::clone(&self.under_way);
        Ok(tokio::spawn(async move {
            let _one_more = one_more;
            let found = dns.lookup_ip(host.as_str()).await;
            let found = found.map_err(|error| dns_failure(format!("cannot look up {host}: {error}")))?;
            let list: Vec<IpAddr> = found.iter().take(ADDRESSES_MAX).collect();
            if list.is_empty() { Err(dns_failure(format!("{host} has no address"))) } else { Ok(list) }
        }))
    }
}

fn dns_failure(text: String) -> Failure {
    Failure::new(ErrorKind::Dns, text)
}

/// Caching and the hosts file are ours, so that the plan's policy is the only one.
fn client(config: ResolverConfig, options: ResolverOpts) -> Result<TokioResolver, String> {
    let mut builder = TokioResolver::builder_with_config(config, TokioRuntimeProvider::default()).with_options(options);
    let options = builder.options_mut();
    options.cache_size = 0;
    options.positive_max_ttl = Some(Duration::ZERO);
    options.negative_max_ttl = Some(Duration::ZERO);
    options.use_hosts_file = ResolveHosts::Never;
    options.ip_strategy = LookupIpStrategy::Ipv4AndIpv6;
    builder.build().map_err(|error| error.to_string())
}

impl Asked {
    /// Whether the answer, or the question while it is open, still stands.
    fn holds(&self, policy: DnsPolicy, now_ns: u64) -> bool {
        let age = Duration::from_nanos(now_ns.saturating_sub(self.at_ns));
        match (self.answer.peek(), policy) {
            (None, _) | (Some(Ok(_)), DnsPolicy::Once) => true,
            (Some(Ok(_)), DnsPolicy::Every(period)) => age < period,
            (Some(Err(_)), _) => age < FAILURE_KEPT,
        }
    }
}

impl Addresses {
    /// The order that somebody wrote down on purpose.
    fn all_rotating(list: Vec<IpAddr>) -> Rc<Self> {
        let rotating = list.len();
        Rc::new(Self { list, rotating, next: Cell::new(0) })
    }

    /// Where a name has addresses of both families, one of them often leads nowhere: it would spoil every second
    /// connection if both took turns.
    fn first_family_rotating(mut list: Vec<IpAddr>) -> Rc<Self> {
        let first_is_v4 = list.first().is_some_and(IpAddr::is_ipv4);
        list.sort_by_key(|ip| ip.is_ipv4() != first_is_v4);
        let rotating = list.iter().filter(|ip| ip.is_ipv4() == first_is_v4).count();
        Rc::new(Self { list, rotating, next: Cell::new(0) })
    }
}

impl Found {
    fn new(addresses: Rc<Addresses>, by_plan: bool) -> Self {
        let turn = addresses.next.get();
        addresses.next.set(turn.wrapping_add(1));
        Self { addresses, turn, by_plan }
    }

    /// Each address once, in the order in which they should be tried.
    pub(super) fn in_turn(&self) -> impl Iterator<Item = IpAddr> + '_ {
        let (rotating, others) = self.addresses.list.split_at(self.addresses.rotating);
        let start = self.turn.checked_rem(rotating.len()).unwrap_or_default();
        rotating[start..].iter().chain(&rotating[..start]).chain(others).copied()
    }
}

#[cfg(test)]
mod tests;
