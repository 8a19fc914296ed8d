//! A fast HTTP/1.1 server whose behaviour is scripted and which counts what it served: what a load generator is
//! aimed at in examples, tests and benchmarks.
//!
//! ```
//! use muster_target::{Config, Target};
//!
//! let target = Target::start(Config { script: "latency=1ms..5ms&size=10k".parse()?, ..Config::default() })?;
//! println!("http://{}", target.addr());
//! assert_eq!(target.stop().requests, 0);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # What to ask for
//!
//! | path | answer |
//! |---|---|
//! | `/json` | a small JSON document |
//! | `/echo` | method, target, headers and the body's length, as JSON |
//! | `/redirect?to=/x&status=302&n=3` | a chain of `n` redirects that ends at `to` |
//! | `/_counts` | [`Counts`] as JSON; neither scripted nor counted |
//! | `/_ids`, `/_ids?id=7` | [`IdCounts`], or the [`Arrival`]s of one `x-request-id`, as JSON; neither scripted nor counted |
//! | any other | the scripted response |
//!
//! # The script
//!
//! A script is written like a query. The target's own ([`Config::script`]) holds for all requests, and the query of a
//! request changes it key by key, so that one running target serves many tests:
//! `/?latency=5ms&status=503&p=0.01`. A key or value that is not in this table is answered with 400 and the reason.
//!
//! | key | value | default | meaning |
//! |---|---|---|---|
//! | `latency` | `5ms`, `1ms..5ms`, `uniform(1ms,5ms)`, `exponential(mean)`, `normal(p50,p99)`, `lognormal(p50,p99)`, `ramp(from,to,over)` | `0` | the wait from the request's last byte to the response's first; a ramp runs from the target's start |
//! | `pause` | `50ms` | `0` | a wait between head and body |
//! | `size` | `500`, `10k`, `4Ki`, `1M`, `1Mi` | `16` | the body's bytes |
//! | `body` | `length`, `chunked`, `close` | `length` | how the body's end is told |
//! | `status` | 200 to 999 | `200` | the status of those requests that are struck |
//! | `fault` | see below | none | what goes wrong with those requests that are struck |
//! | `p` | 0 to 1 | `1` | the share of requests that are struck by `status` and `fault`; the others get 200 and no fault |
//! | `close` | `1`, `100` | never | closes a connection after so many responses, and announces it in the last |
//! | `interval` | `100ms` | `100ms` | the wait before each byte of `fault=trickle` |
//!
//! Durations are numbers with `ns`, `us`, `ms`, `s`, `m` or `h`, up to one hour.
//!
//! | fault | what the client sees |
//! |---|---|
//! | `close-before`, `close-mid-head`, `close-mid-body` | the connection ends before, within the head of, within the body of the response |
//! | `close-after` | a whole response, and an end that was not announced |
//! | `reset`, `reset-mid-body` | a reset (RST) instead of an end |
//! | `never`, `silent-mid-head`, `silent-mid-body` | silence, on a connection that stays open |
//! | `trickle` | one byte per `interval` |
//! | `garbage`, `wrong-version`, `bad-status` | no HTTP, `HTTP/7.3`, a status that is no number |
//! | `endless-head`, `endless-header` | headers, or a header, of 16 MiB |
//! | `bad-length`, `two-lengths` | a content-length that is no number; two that disagree |
//! | `huge-chunk`, `bad-chunk`, `truncated-chunk` | a chunk of 2^64 - 1 bytes; a size that is no number; an end within a chunk |
//! | `interim-flood` | ten thousand `100 Continue`, and then the response |
//! | `surplus` | a whole response, and bytes that nobody asked for |
//!
//! # Two paths
//!
//! Where the configuration leaves nothing to decide or write down for each request (no latency, no chance, no fault,
//! no ids, no log), requests without a query or body are known again by their bytes and answered with a response
//! that was rendered at the start, pipelined ones with a single write. All others take the scripted path.

mod access_log;
mod body;
mod clock;
mod config;
mod connection;
mod counts;
mod freeze;
mod ids;
mod input;
mod lane;
mod plain;
mod request;
mod respond;
mod script;
mod serve;
mod target;
mod timer;

pub use clock::now_ns;
pub use config::{CONNECTIONS_MAX, Config, StartError, THREADS_MAX};
pub use counts::Counts;
pub use freeze::Stall;
pub use ids::{Arrival, IDS_MAX, IdCounts};
pub use input::HEAD_MAX;
pub use request::HEADERS_MAX;
pub use respond::REDIRECTS_MAX;
pub use script::{Fault, Framing, Latency, Script, ScriptError};
pub use serve::{listen, serve};
pub use target::Target;
