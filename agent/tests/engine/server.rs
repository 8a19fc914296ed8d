//! A server that answers as a test says and remembers what it was asked, byte for byte.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{IpAddr, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use rustls::{ServerConfig, ServerConnection, StreamOwned};

/// A response as short as can be.
pub(crate) const OK: &str = "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n";

/// A request as it came.
#[derive(Clone, Debug)]
pub(crate) struct Heard {
    /// The number of its connection, from 0.
    pub(crate) connection: usize,
    /// Its number on that connection, from 0.
    pub(crate) nth: usize,
    /// Where it came from.
    pub(crate) from: IpAddr,
    /// Its first line.
    pub(crate) line: String,
    /// Its header lines, names in lower case.
    pub(crate) headers: Vec<(String, String)>,
    /// Its body.
    pub(crate) body: Vec<u8>,
    /// The bytes of all of it.
    pub(crate) bytes: u64,
}

impl Heard {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.iter().find(|(found, _)| found == name).map_or("", |(_, value)| value)
    }
}

/// What to answer; without a word, the connection is closed.
type Answer = dyn Fn(&Heard) -> Option<String> + Send + Sync;

/// A running server. It serves, a thread for each connection, until the process ends.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    heard: Arc<Mutex<Vec<Heard>>>,
}

impl Server {
    /// Serves HTTP.
    pub(crate) fn start(answer: impl Fn(&Heard) -> Option<String> + Send + Sync + 'static) -> Self {
        Self::serve(Arc::new(answer), Ok)
    }

    /// Serves HTTPS and answers every request with [`OK`].
    pub(crate) fn tls(config: ServerConfig) -> Self {
        let config = Arc::new(config);
        let answer: Arc<Answer> = Arc::new(|_| Some(OK.to_owned()));
        Self::serve(answer, move |tcp| {
            let session = ServerConnection::new(Arc::clone(&config)).map_err(std::io::Error::other)?;
            Ok(StreamOwned::new(session, tcp))
        })
    }

    fn serve<IO: Read + Write + 'static>(
        answer: Arc<Answer>,
        open: impl Fn(TcpStream) -> std::io::Result<IO> + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let heard = Arc::new(Mutex::new(Vec::new()));
        let (memory, open) = (Arc::clone(&heard), Arc::new(open));
        thread::spawn(move || {
            for (connection, tcp) in listener.incoming().enumerate() {
                let (tcp, memory, answer, open) =
                    (tcp.unwrap(), Arc::clone(&memory), Arc::clone(&answer), Arc::clone(&open));
                thread::spawn(move || {
                    let from = tcp.peer_addr()?.ip();
                    converse(open(tcp)?, connection, from, &memory, &*answer)
                });
            }
        });
        Self { address, heard }
    }

    /// Everything asked so far, in the order in which it was understood.
    pub(crate) fn heard(&self) -> Vec<Heard> {
        self.heard.lock().unwrap().clone()
    }

    /// Waits until so many requests have come.
    pub(crate) fn wait_for(&self, requests: usize) {
        while self.heard.lock().unwrap().len() < requests {
            thread::sleep(Duration::from_millis(5));
        }
    }
}

/// Reads and answers requests until one is not to be answered or the client is gone.
fn converse(
    io: impl Read + Write,
    connection: usize,
    from: IpAddr,
    memory: &Mutex<Vec<Heard>>,
    answer: &Answer,
) -> std::io::Result<()> {
    let mut io = BufReader::new(io);
    for nth in 0.. {
        let mut heard =
            Heard { connection, nth, from, line: String::new(), headers: Vec::new(), body: Vec::new(), bytes: 0 };
        heard.bytes += io.read_line(&mut heard.line)? as u64;
        if heard.bytes == 0 {
            break;
        }
        loop {
            let mut line = String::new();
            heard.bytes += io.read_line(&mut line)? as u64;
            let Some((name, value)) = line.trim_end().split_once(':') else { break };
            heard.headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
        }
        heard.line.truncate(heard.line.trim_end().len());
        heard.body.resize(heard.header("content-length").parse().unwrap_or(0), 0);
        io.read_exact(&mut heard.body)?;
        heard.bytes += heard.body.len() as u64;
        memory.lock().unwrap().push(heard.clone());
        let Some(answer) = answer(&heard) else { break };
        io.get_mut().write_all(answer.as_bytes())?;
        io.get_mut().flush()?;
    }
    Ok(())
}
