//! `curl` commands.

use super::{refused, shown};
use crate::import::Source;

#[test]
fn commands_of_all_kinds() {
    let shown = shown(include_str!("inputs/commands.txt"), Source::Curl);
    assert!(!shown.contains("SECRET"), "{shown}");
    insta::assert_snapshot!(shown);
}

#[test]
fn what_is_no_command_is_refused() {
    let all = ["wget http://a/", "", "curl -X", "curl ftp://a/ http://", "curl ^\"http://a/^\""];
    let told: Vec<String> = all.iter().map(|text| refused(text, Source::Curl)).collect();
    insta::assert_snapshot!("refused_commands", told.join("\n\n"));
}

#[test]
fn methods_and_redirects_follow_from_options() {
    let step = |command: &str| {
        let shown = shown(command, Source::Curl);
        shown.split_once("steps:\n").map(|(_, steps)| steps.trim().to_owned()).unwrap_or_default()
    };
    assert_eq!(step("curl a/b"), "- get: /b");
    assert_eq!(step("curl --head a/b"), "- head: /b");
    assert_eq!(step("curl a/b -X purge"), "- method: PURGE\n        url: /b");
    assert_eq!(step("curl a/b -L --max-redirs 3"), "- get: /b\n        redirects: 3");
    assert_eq!(step("curl a/b -L --max-redirs -1"), "- get: /b\n        redirects: 10");
    assert_eq!(step("curl a/b --max-time 0"), "- get: /b");
    assert_eq!(step("curl a/b a/c"), "- get: /b\n      - get: /c");
    assert!(step("curl a -d '' -d x").contains("body: \"&x\""));
}

#[test]
fn the_proxy_has_the_port_that_curl_uses() {
    for (given, proxy) in [
        ("proxy.test", "http://proxy.test:1080"),
        ("http://proxy.test:80", "http://proxy.test:80"),
        ("proxy.test:3128", "http://proxy.test:3128"),
        ("[::1]", "http://[::1]:1080"),
        ("[::1]:3128", "http://[::1]:3128"),
        ("http://me:SECRET@proxy.test:3128/", "http://proxy.test:3128"),
    ] {
        let shown = shown(&format!("curl a -x {given}"), Source::Curl);
        assert!(shown.replace('"', "").contains(&format!("proxy: {proxy}\n")), "{shown}");
    }
    assert!(shown("curl a -x socks5://b", Source::Curl).contains("proxies other than HTTP"));
}
