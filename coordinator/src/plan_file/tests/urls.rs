//! Where requests go.

use super::{mistakes, request, sound, step};

/// The URL of a step with the target `http://127.0.0.1`.
fn url(text: &str) -> String {
    request(&sound(&step(&format!("get: {text:?}")))).url.to_string()
}

#[test]
fn paths_are_put_behind_the_target() {
    let with_target = |target: &str| {
        let plan = step("get: /x?y=1").replace("http://127.0.0.1", target);
        request(&sound(&plan)).url.to_string()
    };
    assert_eq!(with_target("http://h"), "http://h/x?y=1");
    assert_eq!(with_target("http://h/"), "http://h/x?y=1");
    assert_eq!(with_target("https://h:443/api/"), "https://h/api/x?y=1");
    assert_eq!(with_target("http://[::1]:8080/api"), "http://[::1]:8080/api/x?y=1");
}

#[test]
fn urls_are_written_as_they_are_sent() {
    assert_eq!(url("/a b/ü?q=ö \"x\""), "http://127.0.0.1/a%20b/%C3%BC?q=%C3%B6%20%22x%22");
    assert_eq!(url("/a%20b?c=%7B"), "http://127.0.0.1/a%20b?c=%7B");
    assert_eq!(url("https://BÜCHER.example:8443"), "https://xn--bcher-kva.example:8443/");
    assert_eq!(url("http://h:80/x"), "http://h/x");
    assert_eq!(url("http://h:443/x"), "http://h:443/x");
}

#[test]
fn requests_are_named_after_method_and_path() {
    let name = |keys: &str| request(&sound(&step(keys))).name.clone();
    assert_eq!(name("get: /x?y=1"), "GET /x");
    assert_eq!(name("post: 'https://h/a/b?c'"), "POST /a/b");
    assert_eq!(name("get: 'https://h'"), "GET /");
    assert_eq!(name("method: report, url: /r"), "REPORT /r");
    assert_eq!(name("get: /x, name: mine"), "mine");
    assert_eq!(name(&format!("get: /{}", "é".repeat(300))).len(), 255, "cut between characters");
}

#[test]
fn what_is_not_a_url_is_refused() {
    let wrong = [
        "ftp://h/x",
        "http://user:secret@h/x",
        "http://h/x#part",
        "/x#part",
        "http://h:0/",
        "http://h:99999/",
        "http:///",
        "http://h h/",
        "x/y",
        "?q",
        "",
        "/x\ny",
        "/{{ id }}",
    ];
    let found: Vec<String> = wrong.iter().map(|url| mistakes(&step(&format!("get: {url:?}")))).collect();
    insta::assert_snapshot!(found.join("\n"), @r#"
    8:14 scenarios.a.steps[0].get: `ftp:` is not supported by this version (use `http://` or `https://`)
    8:14 scenarios.a.steps[0].get: wanted a URL without user and password (send an `authorization` header)
    8:14 scenarios.a.steps[0].get: wanted a URL without `#`, because fragments are never sent (write `%23` for a literal `#`)
    8:14 scenarios.a.steps[0].get: wanted a URL without `#`, because fragments are never sent (write `%23` for a literal `#`)
    8:14 scenarios.a.steps[0].get: wanted a port from 1 to 65535, found 0 (leave the port out for the default)
    8:14 scenarios.a.steps[0].get: wanted a URL, found `http://h:99999/`: invalid port number (write `http://host:port/path`)
    8:14 scenarios.a.steps[0].get: wanted a URL, found `http:///`: empty host (write `http://host:port/path`)
    8:14 scenarios.a.steps[0].get: wanted a URL, found `http://h h/`: invalid international domain name (write `http://host:port/path`)
    8:14 scenarios.a.steps[0].get: wanted a path that begins with `/`, or a URL, found `x/y` (write `/x/y`)
    8:14 scenarios.a.steps[0].get: wanted a path that begins with `/`, or a URL, found `?q` (write `/?q`)
    8:14 scenarios.a.steps[0].get: wanted a path that begins with `/`, or a URL, found nothing (write `/`)
    8:14 scenarios.a.steps[0].get: wanted a URL without line breaks, and without space around it, found `/x\ny`
    8:14 scenarios.a.steps[0].get: wanted a template, found `/{{ id }}`: `id` is not known (there are `choice`, `email`, `name`, `now`, `random`, `random_float`, `range`, `text`, `timestamp`, `uuid`, `agent`, `counter`, `env`, `iteration`, `turn`, `user`, `worker`; the plan's `vars`, and what steps `capture`, add more)
    "#);
    assert!(mistakes(&step(&format!("get: /{}", "x".repeat(9_000)))).contains("at most 8192 bytes"));
}
