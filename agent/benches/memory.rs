//! Memory of users who wait, beyond their kernel sockets, and whether it grows.

mod support;

use std::io::Read;
use std::net::{SocketAddr, TcpListener};
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use muster_agent::engine::rows::Rows;
use muster_proto::plan::{Connections, Executor, Feeder, OnEnd, Order, Plan, Request, Shape, Sharing, Step, UserStage};
use support::{Server, generate_fed, plan, row, serve_if_asked};

/// How long the targets take.
const WAIT: Duration = Duration::from_secs(2);
/// What a site sets when somebody comes.
const COOKIES: &str =
    "set-cookie: sid=5d41402abc4b2a76b9719d911017c592; Path=/; HttpOnly\r\nset-cookie: lang=en; Path=/\r\n";
/// How many variables a user has.
const VARIABLES: usize = 10;

fn main() {
    serve_site_if_asked();
    serve_if_asked();
    let descriptors = muster_agent::health::raise_descriptor_limit();
    let most = 10_000.min(descriptors.saturating_sub(200));
    if std::env::var_os(SESSIONS).is_some() {
        return sessions(most);
    }
    let server = Server::start("latency=2s");
    row("users who wait for a response of 2 s", "goal", "measured");
    per_user(most, "<= 8 KiB", |executor| (plan(server.address, "/", executor, Connections::PerUser), Vec::new()));
    drop(server);
    // In a process of its own, which has no memory left over from before.
    let program = std::env::current_exe().expect("this program");
    Command::new(program).env(SESSIONS, "").status().expect("a process of its own");
}

/// Says that the second half is to be measured, and nothing else.
const SESSIONS: &str = "MUSTER_BENCH_SESSIONS";

fn sessions(most: u32) {
    let site = Server::start(SITE);
    row("the same with two cookies, ten variables and a row of data each", "goal", "measured");
    per_user(most, "<= 16 KiB", |executor| session(site.address, executor));
}

/// A plan with the rows of its feeders.
type Fed = (Plan, Vec<Arc<Rows>>);

/// Tells what a user takes, and whether that grows.
fn per_user(most: u32, goal: &str, plan: impl Fn(Executor) -> Fed) {
    let few = resident_bytes_of(&plan, 1_000, &[3]);
    let many = resident_bytes_of(&plan, most, &[3, 9]);
    let per_user = many[0].saturating_sub(few[0]) as f64 / f64::from(most - 1_000) / 1_024.0;
    row(&format!("memory per user, 1 000 to {most} users"), goal, &format!("{per_user:.1} KiB"));
    let growth = many[1] as f64 / many[0] as f64 - 1.0;
    row("growth from second 3 to second 9", "none", &format!("{:+.1} %", 100.0 * growth));
}

/// Users who come, are given cookies, find things out, and wait.
fn session(address: SocketAddr, executor: Executor) -> Fed {
    let mut plan = plan(address, "/", executor, Connections::PerUser);
    let person = |number: u32| {
        format!(
            "{{\"name\":\"user{number}\",\"mail\":\"user{number}@example.com\",\"city\":\"Paris\",\"age\":{number}}}\n"
        )
    };
    let rows = Rows::of_text(&(0..1_000).map(person).collect::<String>()).expect("rows");
    plan.data = vec![Feeder {
        name: "person".to_owned(),
        file: String::new(),
        rows: rows.id(),
        order: Order::Sequential,
        share: Sharing::Unique,
        on_end: OnEnd::Recycle,
    }];
    let scenario = &mut plan.scenarios[0];
    scenario.feeders = vec![0];
    let Some(Step::Request(wait)) = scenario.steps.pop() else { return (plan, Vec::new()) };
    let mut come = Request { name: "come".to_owned(), ..(*wait).clone() };
    "/come".clone_into(&mut come.url.path);
    let variable = |number: usize| (format!("variable{number}"), "{{ text(16) ~ person.name }}".to_owned());
    scenario.steps =
        vec![Step::Request(Box::new(come)), Step::Set((0..VARIABLES).map(variable).collect()), Step::Request(wait)];
    (plan, vec![Arc::new(rows)])
}

/// What stands where a script would, for the site.
const SITE: &str = "site";

/// Makes this program the site instead, when it was started to be one: it sets cookies at once at `/come`, and lets whoever
/// asks for anything else wait. Ends when its standard input does.
fn serve_site_if_asked() {
    if std::env::var("MUSTER_BENCH_TARGET").as_deref() != Ok(SITE) {
        return;
    }
    muster_agent::health::raise_descriptor_limit();
    let listener = TcpListener::bind("127.0.0.1:0").expect("a socket");
    println!("{}", listener.local_addr().expect("its address"));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    std::thread::spawn(move || runtime.block_on(serve_site(listener)));
    let _ = std::io::stdin().read(&mut [0]);
    std::process::exit(0);
}

async fn serve_site(listener: TcpListener) {
    listener.set_nonblocking(true).expect("a socket that does not wait");
    let listener = tokio::net::TcpListener::from_std(listener).expect("a socket");
    while let Ok((stream, _)) = listener.accept().await {
        tokio::spawn(answer(stream));
    }
}

/// Answers whoever has such a connection, whose requests have no bodies and come one by one.
async fn answer(mut stream: tokio::net::TcpStream) {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let mut head = Vec::new();
    while stream.read_buf(&mut head).await.is_ok_and(|read| read > 0) {
        if !head.ends_with(b"\r\n\r\n") {
            continue;
        }
        let comes = head.starts_with(b"GET /come ");
        head.clear();
        if !comes {
            tokio::time::sleep(WAIT).await;
        }
        let response = format!("HTTP/1.1 200 OK\r\n{}content-length: 2\r\n\r\nok", if comes { COOKIES } else { "" });
        if stream.write_all(response.as_bytes()).await.is_err() {
            return;
        }
    }
}

/// The process's resident memory at these seconds of a run with so many users.
fn resident_bytes_of(plan: &impl Fn(Executor) -> Fed, users: u32, at_s: &[u64]) -> Vec<u64> {
    let duration = Duration::from_secs(at_s.last().copied().unwrap_or(1) + 1);
    let executor =
        Executor::Users { stages: vec![UserStage { duration, from: users, to: users }], shape: Shape::Constant };
    let mut seen = Vec::new();
    let (plan, rows) = plan(executor);
    generate_fed(plan, rows, |engine| {
        let mut passed_s = 0;
        for at in at_s {
            std::thread::sleep(Duration::from_secs(at - passed_s));
            passed_s = *at;
            seen.push(resident_bytes());
        }
        engine.abort();
    });
    seen
}

fn resident_bytes() -> u64 {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages: u64 = statm.split_whitespace().nth(1).and_then(|pages| pages.parse().ok()).unwrap_or(0);
    pages * rustix::param::page_size() as u64
}
