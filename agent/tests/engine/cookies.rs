//! Cookies of users.

use muster_proto::plan::{Http, Parallel, Plan, Redirects, Scenario, Step, Templates};

use super::server::{Heard, Server};
use super::support::{arrivals, changed, generate, get, per_user, plan, scenario};

/// A server that sets a cookie by which it knows each visitor again, and on `/login` leads elsewhere.
fn shop() -> Server {
    Server::start(|heard| {
        let number = heard.connection * 1_000 + heard.nth;
        let (status, location) = match heard.line.contains("/login") {
            true => ("302 Found", "location: /home\r\n"),
            false => ("200 OK", ""),
        };
        let known = heard.header("cookie").contains("sid=");
        let cookie = if known { String::new() } else { format!("set-cookie: sid={number}; Path=/\r\n") };
        Some(format!("HTTP/1.1 {status}\r\n{location}{cookie}content-length: 2\r\n\r\nok"))
    })
}

fn cookies(server: &Server) -> Vec<(String, String)> {
    let path = |heard: &Heard| heard.line.split(' ').nth(1).unwrap().to_owned();
    server.heard().iter().map(|heard| (path(heard), heard.header("cookie").to_owned())).collect()
}

#[test]
fn what_a_target_sets_comes_back_for_the_rest_of_the_iteration() {
    let server = shop();
    let login = changed(get(server.address, "/login"), |request| request.redirects = Redirects(2));
    let made = changed(get(server.address, "/a/{{ iteration }}"), |request| {
        request.templates = Templates { head: true, body: false };
    });
    let generated = generate(plan(vec![scenario(per_user(2, 2), vec![login, made])]), 1);
    generated.assert_books_balance();
    let heard = cookies(&server);
    assert_eq!(heard.len(), 12);
    for (path, cookie) in &heard {
        match path.as_str() {
            "/login" => assert_eq!(cookie, "", "each iteration begins without"),
            _ => assert!(cookie.starts_with("sid=") && !cookie.contains(';'), "{path}: {cookie}"),
        }
    }
}

#[test]
fn users_of_a_closed_model_may_keep_their_session() {
    let server = shop();
    let kept = Scenario { keep_session: true, ..scenario(per_user(3, 4), vec![get(server.address, "/")]) };
    generate(plan(vec![kept]), 1).assert_books_balance();
    let without = cookies(&server).into_iter().filter(|(_, cookie)| cookie.is_empty()).count();
    assert_eq!(without, 3, "the first of each user");
}

#[test]
fn requests_at_the_same_time_share_what_there_is() {
    let server = shop();
    let part = || match get(server.address, "/part") {
        Step::Request(request) => *request,
        _ => unreachable!("a request"),
    };
    let parts = Step::Parallel(Parallel { requests: vec![part(), part()], at_once: 2 });
    let steps = vec![get(server.address, "/"), parts];
    generate(plan(vec![scenario(arrivals(50, 0.2, 10), steps)]), 1).assert_books_balance();
    let parts = cookies(&server).into_iter().filter(|(path, _)| path == "/part");
    assert!(parts.into_iter().all(|(_, cookie)| cookie.starts_with("sid=")));
}

#[test]
fn a_plan_can_do_without_cookies_and_a_step_can_bring_its_own() {
    let server = shop();
    let own = changed(get(server.address, "/own"), |request| {
        request.headers.push(("cookie".to_owned(), "mine=1".to_owned()));
    });
    let steps = vec![get(server.address, "/"), own, get(server.address, "/")];
    let with = plan(vec![scenario(per_user(1, 1), steps)]);
    generate(with.clone(), 1);
    let sent: Vec<String> = cookies(&server).into_iter().map(|(_, cookie)| cookie).collect();
    assert_eq!((sent[0].as_str(), sent[1].as_str(), sent[2].starts_with("sid=")), ("", "mine=1", true));
    generate(Plan { http: Http { cookies: false, ..Http::default() }, ..with }, 1);
    let sent: Vec<String> = cookies(&server).into_iter().skip(3).map(|(_, cookie)| cookie).collect();
    assert_eq!(sent, ["", "mine=1", ""]);
}
