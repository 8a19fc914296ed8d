//! Redirects: what is asked for next, and what becomes of those that lead nowhere.

use muster_proto::outcome::ErrorKind;
use muster_proto::plan::{Redirects, Step};

use super::server::{OK, Server};
use super::support::{changed, generate, get, per_user, plan, post, scenario, target};

fn following(step: Step) -> Step {
    changed(step, |request| request.redirects = Redirects(5))
}

#[test]
fn a_post_is_redirected_as_its_status_says() {
    for (status, wanted) in [(301, "GET"), (302, "GET"), (303, "GET"), (307, "POST"), (308, "POST")] {
        let server = Server::start(move |heard| match heard.nth {
            0 => Some(format!("HTTP/1.1 {status} Moved\r\nlocation: there?x=1\r\ncontent-length: 0\r\n\r\n")),
            _ => Some(OK.to_owned()),
        });
        let step = following(post(server.address, "/here", b"a=1"));
        let generated = generate(plan(vec![scenario(per_user(1, 1), vec![step])]), 1);
        generated.assert_books_balance();
        assert_eq!((generated.iterations().completed, generated.requests().sent), (1, 2), "{status}");
        let (first, next) = (&server.heard()[0], &server.heard()[1]);
        assert_eq!((first.line.as_str(), first.body.as_slice()), ("POST /here HTTP/1.1", &b"a=1"[..]));
        assert_eq!(next.line, format!("{wanted} /there?x=1 HTTP/1.1"), "{status}");
        let keeps_body = wanted == "POST";
        assert_eq!(next.body, if keeps_body { b"a=1".to_vec() } else { Vec::new() }, "{status}");
        assert_eq!(next.header("content-type").is_empty(), !keeps_body, "{status}");
    }
}

#[test]
fn a_redirect_that_leads_nowhere_is_a_failed_request() {
    let target = target("");
    let step = following(get(target.addr(), "/redirect?to=ftp://127.0.0.1/"));
    let generated = generate(plan(vec![scenario(per_user(1, 2), vec![step])]), 1);
    generated.assert_books_balance();
    assert_eq!((generated.requests().sent, generated.failed(ErrorKind::Protocol)), (2, 2));
    assert_eq!((generated.requests().expected, generated.iterations().failed), (0, 2));
    assert!(generated.total.samples[0].text.contains("no usable URL"), "{:?}", generated.total.samples);
}
