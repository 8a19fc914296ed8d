//! A wire on which everything is late on its way back.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::mpsc;
use std::time::{Duration, Instant};

const CHUNK_BYTES: usize = 16 << 10;
/// What is on its way back at most, in chunks.
const CHUNKS_MAX: usize = 4_096;

/// Where to connect instead of there, so that whatever comes back from there is so late.
pub(crate) fn to(address: &str, late: Duration) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let (near, far) = (listener.local_addr().expect("an address").to_string(), address.to_owned());
    std::thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            if let Ok(other) = TcpStream::connect(&far) {
                carry(stream, other, late).expect("two ends");
            }
        }
    });
    near
}

fn carry(near: TcpStream, far: TcpStream, late: Duration) -> std::io::Result<()> {
    near.set_nodelay(true)?;
    far.set_nodelay(true)?;
    let (from, to) = (near.try_clone()?, far.try_clone()?);
    std::thread::spawn(move || pass_on(from, to, Duration::ZERO));
    std::thread::spawn(move || pass_on(far, near, late));
    Ok(())
}

/// Passes bytes on, each so much later than it came, until either side closes.
fn pass_on(mut from: TcpStream, mut to: TcpStream, late: Duration) {
    let (sender, chunks) = mpsc::sync_channel::<(Instant, Vec<u8>)>(CHUNKS_MAX);
    let writer = std::thread::spawn(move || {
        for (came, chunk) in chunks {
            std::thread::sleep((came + late).saturating_duration_since(Instant::now()));
            if to.write_all(&chunk).is_err() {
                break;
            }
        }
        let _ = to.shutdown(Shutdown::Both);
    });
    let mut chunk = vec![0; CHUNK_BYTES];
    while let Ok(read @ 1..) = from.read(&mut chunk) {
        if sender.send((Instant::now(), chunk[..read].to_vec())).is_err() {
            break;
        }
    }
    drop(sender);
    let _ = writer.join();
    let _ = from.shutdown(Shutdown::Both);
}
