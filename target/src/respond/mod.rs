//! The scripted path: from a request to what its client gets to see.

mod documents;
mod encode;
mod fault;
mod reply;
mod route;

use std::io;
use std::sync::atomic::Ordering::Relaxed;

use tokio::net::TcpStream;

use crate::clock::{after, now_ns};
use crate::counts::{Counters, Exchange};
use crate::lane::Lane;
use crate::request::{Refusal, Request};
use crate::script::{Act, Fault, Framing, Script};

pub(crate) use encode::{Content, Encoder};
pub(crate) use fault::After;
use fault::Scene;
pub(crate) use reply::Reply;
pub use route::REDIRECTS_MAX;
pub(crate) use route::is_special;
use route::{Order, Route, is_uncounted, order};

/// The least content of a response that breaks in the middle.
const BREAKABLE_BYTES: u64 = 1_000;

/// A request that has come whole.
pub(crate) struct Received<'a> {
    pub(crate) request: &'a Request,
    pub(crate) body_bytes: u64,
    /// How many responses its connection has had before.
    pub(crate) responses: u32,
}

/// Answers a request as its script wants it.
pub(crate) async fn respond(lane: &Lane, stream: &mut TcpStream, received: &Received<'_>) -> io::Result<After> {
    let request = received.request;
    let received_ns = now_ns();
    // Questions about the target are booked in a place of their own, which nobody reads.
    let unread = is_uncounted(&request.target).then(Box::<Counters>::default);
    let bytes = request.head.len() as u64 + received.body_bytes;
    let exchange = Exchange::begin(unread.as_deref().unwrap_or(lane.counters()), 1, bytes);
    if let (Some(ids), Some(id), None) = (&lane.shared.ids, request.id, &unread) {
        ids.note(id);
    }
    let mut reply = Reply::new(lane, stream, exchange);
    let result = match order(request, &lane.shared) {
        Ok(order) => answer(&mut reply, received, &order, received_ns).await,
        Err(error) => {
            let text = format!("{error}\n");
            send(&mut reply, encoder(received, 400, &Script::default(), Content::Text(text), &[]), 400, received).await
        }
    };
    if let Some(log) = lane.shared.log.as_ref().filter(|_| unread.is_none()) {
        let (status, bytes) = reply.outcome();
        log.line(&request.method, &request.target, status, bytes);
    }
    result
}

/// Answers what cannot be understood or is too large, after which the connection has no future.
pub(crate) async fn refuse(lane: &Lane, stream: &mut TcpStream, refusal: Refusal) -> io::Result<()> {
    lane.counters().bad_requests.fetch_add(1, Relaxed);
    let mut reply = Reply::new(lane, stream, Exchange::begin(lane.counters(), 1, 0));
    let content = Content::Text(format!("{}\n", refusal.reason));
    let mut bytes = Vec::new();
    Encoder::new(refusal.status, Framing::Length, content, &[("connection", "close")], false).next(&mut bytes);
    reply.finish(&bytes, refusal.status).await
}

async fn answer(reply: &mut Reply<'_>, received: &Received<'_>, order: &Order, received_ns: u64) -> io::Result<After> {
    let shared = &reply.lane.shared;
    let (script, is_redirect) = (&order.script, matches!(order.route, Route::Redirect { .. }));
    let act = script.draw(&mut shared.next_random(), shared.elapsed(received_ns));
    let fault = script.fault.filter(|_| act.struck);
    let mut status = if act.struck || is_redirect { script.status } else { 200 };
    let mut location = None;
    let content = match &order.route {
        Route::Scripted => Content::Pattern(content_size(script, fault)),
        Route::Json => documents::json(),
        Route::Echo => documents::echo(received.request, received.body_bytes),
        Route::Redirect { location: to } => {
            location = Some(("location", to.as_str()));
            Content::Pattern(content_size(script, fault))
        }
        Route::Counts => documents::counts(shared),
        Route::Ids(asked) => documents::ids(shared, *asked).unwrap_or_else(|| {
            status = 404;
            Content::Text("no such id; ids are remembered only where the target tracks them\n".to_owned())
        }),
    };
    let script = &Script { body: framing(script, fault, received.request), ..*script };
    let encoder = encoder(received, status, script, content, location.as_slice());
    wait(reply, act, received_ns).await;
    let then = if stays(script, received) { After::Stay } else { After::Close };
    match fault {
        Some(fault) => Scene { reply, encoder, status, interval: script.interval, then }.perform(fault).await,
        None if script.pause.is_zero() => send(reply, encoder, status, received).await.map(|_| then),
        None => send_with_pause(reply, encoder, status, script).await.map(|()| then),
    }
}

async fn wait(reply: &Reply<'_>, act: Act, received_ns: u64) {
    if !act.latency.is_zero() {
        reply.lane.timer.wait_until(after(received_ns, act.latency)).await;
    }
}

async fn send(reply: &mut Reply<'_>, mut encoder: Encoder, status: u16, received: &Received<'_>) -> io::Result<After> {
    let mut piece = Vec::new();
    while !encoder.next(&mut piece) {
        reply.send(&piece).await?;
        piece.clear();
    }
    reply.finish(&piece, status).await?;
    Ok(if received.request.keep_alive { After::Stay } else { After::Close })
}

async fn send_with_pause(reply: &mut Reply<'_>, mut encoder: Encoder, status: u16, script: &Script) -> io::Result<()> {
    let head = encoder.take_head();
    if encoder.is_only_head() {
        return reply.finish(&head, status).await;
    }
    reply.send(&head).await?;
    reply.lane.timer.wait_until(after(now_ns(), script.pause)).await;
    let mut piece = Vec::new();
    while !encoder.next(&mut piece) {
        reply.send(&piece).await?;
        piece.clear();
    }
    reply.finish(&piece, status).await
}

fn encoder(
    received: &Received<'_>,
    status: u16,
    script: &Script,
    content: Content,
    location: &[(&str, &str)],
) -> Encoder {
    let mut headers = location.to_vec();
    if !stays(script, received) {
        headers.push(("connection", "close"));
    } else if received.request.is_http_10 {
        headers.push(("connection", "keep-alive"));
    }
    Encoder::new(status, script.body, content, &headers, received.request.method == "HEAD")
}

fn stays(script: &Script, received: &Received<'_>) -> bool {
    let had_enough = script.close.is_some_and(|close| received.responses + 1 >= close);
    received.request.keep_alive && script.body != Framing::Close && !had_enough
}

fn framing(script: &Script, fault: Option<Fault>, request: &Request) -> Framing {
    let wanted = if fault == Some(Fault::TruncatedChunk) { Framing::Chunked } else { script.body };
    if wanted == Framing::Chunked && request.is_http_10 { Framing::Close } else { wanted }
}

fn content_size(script: &Script, fault: Option<Fault>) -> u64 {
    let breaks =
        matches!(fault, Some(Fault::CloseMidBody | Fault::ResetMidBody | Fault::SilentMidBody | Fault::TruncatedChunk));
    if breaks { script.size.max(BREAKABLE_BYTES) } else { script.size }
}
