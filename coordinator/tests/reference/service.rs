//! A service that answers whatever the plans of the reference ask for.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// The header field by which a request says what status it wants.
pub(crate) const STATUS_HEADER: &str = "x-status";

/// The longest head of a request.
const HEAD_BYTES_MAX: usize = 64 << 10;

/// Starts it.
pub(crate) async fn start() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(serve(stream));
        }
    });
    address
}

/// Answers the requests of a connection, until it ends or makes no sense.
async fn serve(mut stream: TcpStream) {
    let mut received = Vec::new();
    loop {
        let Some(head_end) = received.windows(4).position(|four| four == b"\r\n\r\n") else {
            if received.len() > HEAD_BYTES_MAX || stream.read_buf(&mut received).await.unwrap_or(0) == 0 {
                return;
            }
            continue;
        };
        let head = String::from_utf8_lossy(&received[..head_end]).into_owned();
        let whole = head_end + 4 + field(&head, "content-length").and_then(|text| text.parse().ok()).unwrap_or(0);
        while received.len() < whole {
            if stream.read_buf(&mut received).await.unwrap_or(0) == 0 {
                return;
            }
        }
        received.drain(..whole);
        if stream.write_all(answer(&head).as_bytes()).await.is_err() {
            return;
        }
    }
}

fn field<'h>(head: &'h str, name: &str) -> Option<&'h str> {
    let mut fields = head.lines().filter_map(|line| line.split_once(':'));
    fields.find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim())
}

/// JSON in which there is something of everything, with more items from one answer to the next, and then one again.
fn answer(head: &str) -> String {
    static ANSWERS: AtomicUsize = AtomicUsize::new(0);
    const ITEMS_MAX: usize = 6;
    let items = 1 + ANSWERS.fetch_add(1, Ordering::Relaxed) % ITEMS_MAX;
    let body = json!({
        "id": 7,
        "token": "t0k3n",
        "items": (1..=items).map(|id| json!({ "id": id, "price": 5 })).collect::<Vec<_>>(),
        "limit": 20,
        "state": "done",
        "total": 120,
        "stock": 3,
        "page": "<a rel=next href=/products>next</a>",
    })
    .to_string();
    let status = field(head, STATUS_HEADER).unwrap_or("200");
    format!(
        "HTTP/1.1 {status} Made\r\ncontent-type: application/json\r\nset-cookie: sid=s3ss10n; Path=/\r\n\
         content-length: {}\r\n\r\n{body}",
        body.len()
    )
}
