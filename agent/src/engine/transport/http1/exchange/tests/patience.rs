use super::*;

#[tokio::test]
async fn a_target_that_never_answers_runs_into_a_deadline() {
    let silence = Limits { silence_max_ns: SHORT_NS, ..LIMITS };
    for (limits, total_ns, kind) in [
        (LIMITS, SHORT_NS, ErrorKind::TotalTimeout),
        (silence, LONG_NS, ErrorKind::ReadTimeout),
        (silence, SHORT_NS / 2, ErrorKind::TotalTimeout),
    ] {
        let (near, _far) = duplex(1 << 16);
        let mut http = Http1::new(near);
        let started_ns = clock::now_ns();
        let broken = send(&mut http, &request(Vec::new()), &limits, total_ns).await.unwrap_err();
        assert_eq!((broken.failure.kind, broken.closed_early), (kind, false));
        assert!(broken.at_ns >= started_ns + total_ns.min(limits.silence_max_ns));
        assert!(http.is_stale());
    }
}

#[tokio::test]
async fn a_target_that_stops_reading_runs_into_a_deadline() {
    let silence = Limits { silence_max_ns: SHORT_NS, ..LIMITS };
    for (limits, total_ns, kind) in
        [(silence, LONG_NS, ErrorKind::WriteTimeout), (LIMITS, SHORT_NS, ErrorKind::TotalTimeout)]
    {
        let (near, _far) = duplex(64);
        let mut http = Http1::new(near);
        let broken = send(&mut http, &request(Vec::new()), &limits, total_ns).await.unwrap_err();
        assert_eq!((broken.failure.kind, broken.written_ns, broken.bytes_sent), (kind, None, 64));
    }
}

#[tokio::test]
async fn a_target_that_stops_within_a_response_runs_into_a_deadline() {
    let (near, mut far) = duplex(1 << 16);
    let mut http = Http1::new(near);
    far.write_all(&OK[..20]).await.unwrap();
    let limits = Limits { silence_max_ns: SHORT_NS, ..LIMITS };
    let broken = send(&mut http, &request(Vec::new()), &limits, LONG_NS).await.unwrap_err();
    assert_eq!(broken.failure.kind, ErrorKind::ReadTimeout);
    assert!(broken.at_ns >= broken.first_byte_ns.unwrap() + SHORT_NS);
}

#[tokio::test]
async fn silence_is_counted_from_the_last_byte() {
    let (near, mut far) = duplex(1 << 16);
    let mut http = Http1::new(near);
    let limits = Limits { silence_max_ns: 5 * SHORT_NS, ..LIMITS };
    let get = request(Vec::new());
    let (result, last_ns) = tokio::join!(send(&mut http, &get, &limits, LONG_NS), async {
        far.write_all(&OK[..20]).await.unwrap();
        tokio::time::sleep(Duration::from_nanos(SHORT_NS)).await;
        let last_ns = clock::now_ns();
        far.write_all(&OK[20..30]).await.unwrap();
        last_ns
    });
    let broken = result.unwrap_err();
    assert_eq!(broken.failure.kind, ErrorKind::ReadTimeout);
    // On a machine that stalls here, patience may end before the second piece came.
    assert!(broken.bytes_received < 30 || broken.at_ns >= last_ns + limits.silence_max_ns);
}

#[tokio::test]
async fn a_target_that_drips_runs_into_the_total_deadline() {
    let (near, mut far) = duplex(1 << 16);
    let mut http = Http1::new(near);
    let get = request(Vec::new());
    let drip = async {
        far.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await.unwrap();
        loop {
            far.write_all(b"x").await.unwrap();
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    let broken = tokio::select! {
        result = send(&mut http, &get, &LIMITS, SHORT_NS) => result.unwrap_err(),
        () = drip => unreachable!("drips for ever"),
    };
    assert_eq!(broken.failure.kind, ErrorKind::TotalTimeout);
    assert!(broken.bytes_received >= 19);
}
