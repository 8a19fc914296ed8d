use proptest::prelude::*;

use super::*;

fn guard(entries: &[&str]) -> Guard {
    Guard::new(entries.iter().map(|entry| entry.parse().unwrap()).collect())
}

fn allows(guard: &Guard, host: &str, ip: &str) -> bool {
    guard.check_addr(host, ip.parse().unwrap(), 80).is_ok()
}

/// An IPv4 address in every form in which an IPv6 address can carry it.
fn embeddings(ip: &str) -> Vec<String> {
    let v4: std::net::Ipv4Addr = ip.parse().unwrap();
    let [a, b, c, d] = v4.octets().map(u16::from);
    let (high, low) = (a << 8 | b, c << 8 | d);
    vec![
        format!("::ffff:{ip}"),
        format!("::{ip}"),
        format!("64:ff9b::{ip}"),
        format!("::ffff:0:{ip}"),
        format!("2002:{high:x}:{low:x}::1"),
        format!("64:ff9b:1::{ip}"),
        format!("64:ff9b:1:{high:x}:{c:x}:{:x}::", d << 8),
        format!("64:ff9b:1:0:{a:x}:{:x}:{:x}::", b << 8 | c, d << 8),
    ]
}

#[test]
fn the_default_is_loopback_only() {
    let guard = Guard::default();
    for ip in ["127.0.0.1", "127.255.0.9", "::1", "::ffff:127.0.0.1"] {
        assert!(allows(&guard, ip, ip), "{ip}");
    }
    for ip in ["10.0.0.1", "93.184.216.34", "2001:db8::1", "0.0.0.0", "::", "169.254.169.254"] {
        assert!(!allows(&guard, ip, ip), "{ip}");
    }
    assert!(!allows(&Guard::new(Vec::new()), "127.0.0.1", "127.0.0.1"));
}

#[test]
fn networks_names_addresses_and_ports_are_told_apart() {
    let guard = guard(&["10.1.0.0/16", "shop.test", "api.test:80", "other.test:81", "192.0.2.7", "[2001:db8::5]:80"]);
    for (host, ip, allowed) in [
        ("10.1.2.3", "10.1.2.3", true),
        ("10.2.0.1", "10.2.0.1", false),
        ("anything.test", "10.1.255.255", true),
        ("shop.test", "198.51.100.1", true),
        ("SHOP.test", "198.51.100.1", true),
        ("www.shop.test", "198.51.100.1", false),
        ("shop.test.evil.example", "198.51.100.1", false),
        ("api.test", "198.51.100.1", true),
        ("other.test", "198.51.100.1", false),
        ("192.0.2.7", "192.0.2.7", true),
        ("192.0.2.8", "192.0.2.8", false),
        ("2001:db8::5", "2001:db8::5", true),
        ("2001:db8::6", "2001:db8::6", false),
    ] {
        assert_eq!(allows(&guard, host, ip), allowed, "{host} {ip}");
    }
    assert!(guard.check_addr("2001:db8::5", "2001:db8::5".parse().unwrap(), 443).is_err());
}

#[test]
fn special_addresses_need_their_own_entry() {
    let wide = guard(&["*", "0.0.0.0/0", "::/0", "169.254.0.0/16", "fe80::/10", "ff00::/8", "named.test"]);
    for ip in [
        "169.254.169.254",
        "169.254.1.1",
        "100.100.100.200",
        "fd00:ec2::254",
        "fe80::1",
        "224.0.0.1",
        "239.255.255.250",
        "ff02::1",
        "0.0.0.0",
        "0.1.2.3",
        "::",
        "255.255.255.255",
    ] {
        assert!(!allows(&wide, ip, ip), "{ip}");
        assert!(!allows(&wide, "named.test", ip), "{ip} by name");
        assert!(allows(&guard(&[ip]), ip, ip), "{ip} named literally");
    }
    assert!(wide.check_host("metadata.google.internal", 80).is_err());
    assert!(wide.check_host("metadata.google.internal.", 80).is_err());
    assert!(guard(&["metadata.google.internal"]).check_host("metadata.google.internal", 80).is_ok());
    assert!(!allows(&guard(&["metadata.google.internal"]), "metadata.google.internal", "169.254.169.254"));
}

#[test]
fn an_ipv6_address_is_judged_by_the_ipv4_address_it_carries() {
    for form in embeddings("169.254.169.254") {
        assert!(!allows(&guard(&["*"]), &form, &form), "{form}");
    }
    for form in embeddings("10.0.0.5") {
        assert!(!allows(&guard(&["::/0"]), &form, &form), "{form} slipped through an IPv6 network");
        assert!(!allows(&guard(&["11.0.0.0/8"]), &form, &form), "{form}");
    }
    for form in embeddings("10.0.0.5").iter().take(6) {
        assert!(allows(&guard(&["10.0.0.0/8"]), form, form), "{form}");
    }
    assert!(allows(&guard(&["::ffff:10.0.0.5"]), "10.0.0.5", "10.0.0.5"));
    // A reading for one layout must not hide another: 8.8.8.8 in the last bits, metadata after 48.
    assert!(!allows(&guard(&["*"]), "x", "64:ff9b:1:a9fe:a9:fe00:808:808"));
    assert!(!allows(&guard(&["8.8.8.0/24"]), "x", "64:ff9b:1:a00:0:100:808:808"));
}

#[test]
fn an_allowed_name_does_not_reach_this_machine() {
    let guard = guard(&["shop.test", "localhost"]);
    assert!(!allows(&guard, "shop.test", "127.0.0.1"));
    assert!(!allows(&guard, "shop.test", "::ffff:127.0.0.1"));
    assert!(allows(&guard, "localhost", "127.0.0.1"));
    assert!(allows(&self::guard(&["shop.test", "127.0.0.1"]), "shop.test", "127.0.0.1"));
}

#[test]
fn forbidden_names_are_refused_before_a_look_up() {
    let named = guard(&["shop.test", "api.test:443"]);
    assert!(named.check_host("shop.test", 80).is_ok());
    assert!(named.check_host("api.test", 80).is_err());
    assert!(named.check_host("other.test", 80).is_err());
    assert!(named.check_host("10.0.0.1", 80).is_err());
    assert!(guard(&["10.0.0.0/8"]).check_host("other.test", 80).is_ok(), "its address may be allowed");
}

#[test]
fn behind_a_proxy_only_names_and_literal_addresses_are_allowed() {
    let guard = guard(&["10.0.0.0/8", "shop.test"]);
    assert!(guard.check_unresolved("shop.test", 443).is_ok());
    assert!(guard.check_unresolved("10.1.1.1", 443).is_ok());
    assert!(guard.check_unresolved("11.1.1.1", 443).is_err());
    let refusal = guard.check_unresolved("other.test", 443).unwrap_err().to_string();
    assert!(refusal.contains("`--allow other.test`"), "{refusal}");
    assert!(self::guard(&["*"]).check_unresolved("other.test", 443).is_ok());
    assert!(self::guard(&["*"]).check_unresolved("metadata.google.internal", 80).is_err());
}

#[test]
fn a_refusal_says_what_was_asked_what_is_allowed_and_what_to_do() {
    let guard = guard(&["10.0.0.0/8", "shop.test:443"]);
    let refusal = guard.check_addr("www.test", "192.0.2.1".parse().unwrap(), 8080).unwrap_err().to_string();
    assert_eq!(
        refusal,
        "192.0.2.1:8080 (www.test) is not allowed by this agent, which allows 10.0.0.0/8, shop.test:443: \
         add `--allow 192.0.2.1` to it"
    );
    let many: Vec<Allow> = (0..1000).map(|n| format!("h{n}.test").parse().unwrap()).collect();
    let refusal = Guard::new(many).check_host("10.0.0.1", 80).unwrap_err().to_string();
    assert!(refusal.len() < 300 && refusal.contains("and 992 more"), "{refusal}");
}

#[test]
fn entries_that_would_not_do_what_they_seem_to_are_refused() {
    for (entry, why) in [
        ("10.0.0.1/8", "write 10.0.0.0/8"),
        ("10.0.0.0/33", "0 to 32"),
        ("10.0.0.0/-1", "0 to 32"),
        ("10.0.0/8", "not an IP address"),
        ("10.0.0", "four numbers"),
        ("::ffff:10.0.0.0/104", "write the IPv4 network"),
        ("64:ff9b:1:a0a:a:a0a:a0a:a0a", "write the IPv4 address"),
        ("shop.test:http", "not a port"),
        ("shop test", "wanted CIDR"),
        ("http://shop.test/", "not an IP address"),
        ("*.shop.test", "wanted CIDR"),
        ("", "wanted CIDR"),
    ] {
        let error = entry.parse::<Allow>().unwrap_err().to_string();
        assert!(error.contains(why), "{entry}: {error}");
    }
}

#[test]
fn caps_are_checked_at_assignment() {
    let mut guard = Guard::default();
    assert!(guard.check_rate(1e9).is_ok() && guard.check_connections(u64::MAX).is_ok());
    guard.max_rate = Some(100.0);
    guard.max_connections = Some(10);
    assert!(guard.check_rate(100.0).is_ok() && guard.check_connections(10).is_ok());
    assert!(guard.check_rate(100.1).unwrap_err().to_string().contains("--max-rate"));
    assert!(guard.check_rate(f64::NAN).is_err());
    assert!(guard.check_connections(11).unwrap_err().to_string().contains("--max-connections"));
}

proptest! {
    #[test]
    fn reading_an_entry_never_panics(entry in "\\PC{0,40}|[0-9a-f:./\\[\\]*]{0,40}") {
        let _ = entry.parse::<Allow>();
    }

    #[test]
    fn an_entry_reads_back_as_it_is_shown(ip: u32, prefix in 0_u8..=32, port: Option<u16>) {
        let masked = if prefix == 0 { 0 } else { ip >> (32 - prefix) << (32 - prefix) };
        let network = format!("{}/{prefix}", std::net::Ipv4Addr::from_bits(masked)).parse::<Allow>().unwrap();
        prop_assert_eq!(network.to_string().parse::<Allow>().unwrap(), network);
        let host = std::net::Ipv4Addr::from_bits(ip).to_string();
        let single = port.map_or(host.clone(), |port| format!("{host}:{port}")).parse::<Allow>().unwrap();
        prop_assert_eq!(single.to_string().parse::<Allow>().unwrap(), single);
    }

    #[test]
    fn carrying_an_address_changes_nothing(ip: u32, base: u32, prefix in 0_u8..=32) {
        let base = if prefix == 0 { 0 } else { base >> (32 - prefix) << (32 - prefix) };
        let guard = guard(&[&format!("{}/{prefix}", std::net::Ipv4Addr::from_bits(base))]);
        let ip = std::net::Ipv4Addr::from_bits(ip);
        let plain = allows(&guard, "x", &ip.to_string());
        // Under the locally chosen prefix other layouts are read too, which may only refuse more; but 0.0.0.0/8, where
        // nobody can be, looks like the padding of another layout.
        for (index, form) in embeddings(&ip.to_string()).iter().enumerate() {
            let carried = allows(&guard, "x", form);
            let only_stricter = plain || !carried || ip.octets()[0] == 0;
            prop_assert!(if index < 5 { carried == plain } else { only_stricter }, "{form}");
        }
    }
}
