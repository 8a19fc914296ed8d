//! A receiver that answers as it is told to.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

/// What a receiver does with a request.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Answer {
    /// It answers with this status.
    Status(u16),
    /// It says nothing.
    Silence,
    /// It is gone, and nobody takes its place.
    Gone,
}

/// What was posted.
#[derive(Clone, Debug)]
pub(crate) struct Post {
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
    pub(crate) taken: bool,
}

/// A receiver at work.
pub(crate) struct Receiver {
    pub(crate) address: SocketAddr,
    posts: Arc<Mutex<Vec<Post>>>,
}

impl Receiver {
    /// One that answers each request, by its number, like this.
    pub(crate) fn start(answers: impl Fn(usize) -> Answer + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let posts = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&posts);
        // One connection at a time is all that a sender opens; a silent one is left open.
        std::thread::spawn(move || {
            let mut silent = Vec::new();
            while let Ok((stream, _)) = listener.accept() {
                match serve(stream, &answers, &kept) {
                    Some((Answer::Silence, stream)) => silent.push(stream),
                    Some((Answer::Gone, _)) => return,
                    _ => {}
                }
            }
        });
        Self { address, posts }
    }

    /// What was posted so far, in order.
    pub(crate) fn posts(&self) -> Vec<Post> {
        self.posts.lock().unwrap().clone()
    }

    /// What was taken of it.
    pub(crate) fn taken(&self) -> Vec<Post> {
        self.posts().into_iter().filter(|post| post.taken).collect()
    }
}

/// Answers until there is nothing more to answer, or no answer.
fn serve(
    stream: TcpStream,
    answers: &impl Fn(usize) -> Answer,
    posts: &Mutex<Vec<Post>>,
) -> Option<(Answer, TcpStream)> {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    loop {
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            if reader.read_line(&mut head).ok()? == 0 {
                return None;
            }
        }
        let head = head.to_ascii_lowercase();
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap_or("0");
        let mut body = vec![0; length.trim().parse().unwrap()];
        reader.read_exact(&mut body).ok()?;
        let mut posts = posts.lock().unwrap();
        let answer = answers(posts.len());
        let taken = matches!(answer, Answer::Status(200..300));
        posts.push(Post { head, body, taken });
        drop(posts);
        let Answer::Status(status) = answer else { return Some((answer, stream)) };
        let answered = write!(&stream, "HTTP/1.1 {status} X\r\ncontent-length: 5\r\n\r\nhello");
        answered.ok()?;
    }
}
