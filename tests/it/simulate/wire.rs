//! The loopback server over real sockets, and the in-memory form on a paused clock.

#![expect(clippy::unwrap_used, reason = "a helper of tests fails the test")]

use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};
use tidemill::provider::Limits;
use tidemill::quota::Clock;
use tidemill::simulate::{CountAt, Kind, Latency, Options, Rules, Simulator, WireFault, answer, serve};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::help::{WALL, fox, foxdata, open_limits, play, quick, rank, rolling, with_faults};

const BODY: &str = r#"{"appId":"1","date":"2026-01-02"}"#;

/// Runs `client` against `simulator` on a free port.
async fn served<T>(simulator: Simulator, client: impl AsyncFnOnce(TcpStream) -> T) -> T {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let simulator = Arc::new(Mutex::new(simulator));
    let server = serve(listener, simulator, Clock::starting_at(WALL.parse().unwrap()), async move {
        stopped.await.unwrap_or_default();
    });
    let client = async move {
        let result = client(TcpStream::connect(address).await.unwrap()).await;
        stop.send(()).unwrap();
        result
    };
    let (ended, result) = tokio::join!(server, client);
    ended.unwrap();
    result
}

fn request() -> String {
    format!(
        "POST /apiv1/open-api/app/rank HTTP/1.1\r\nhost: localhost\r\nx-openapi-key: sk-simulated-foxdata\r\n\
         content-type: application/json\r\ncontent-length: {}\r\n\r\n{BODY}",
        BODY.len()
    )
}

/// Reads one answer: its head, and as much of its body as arrives.
async fn read(stream: &mut TcpStream) -> (String, Vec<u8>, usize) {
    let mut bytes = Vec::new();
    let head = loop {
        if let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            break end + 4;
        }
        if stream.read_buf(&mut bytes).await.unwrap_or(0) == 0 {
            return (String::new(), bytes, 0);
        }
    };
    let text = String::from_utf8(bytes[..head].to_vec()).unwrap();
    let length: usize =
        text.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap().trim().parse().unwrap();
    while bytes.len() < head + length && stream.read_buf(&mut bytes).await.unwrap_or(0) > 0 {}
    (text, bytes[head..].to_vec(), length)
}

#[tokio::test]
async fn a_connection_is_kept_alive() {
    let answers = served(play(&foxdata(), quick()), async |mut stream| {
        let mut answers = Vec::new();
        for _ in 0..3 {
            stream.write_all(request().as_bytes()).await.unwrap();
            answers.push(read(&mut stream).await);
        }
        answers
    })
    .await;
    for (head, body, _) in answers {
        assert!(head.starts_with("HTTP/1.1 200 OK\r\n"), "{head}");
        assert!(head.contains("date: Sun, 01 Mar 2026 00:00:0"), "{head}");
        assert_eq!(serde_json::from_slice::<Value>(&body).unwrap()["code"], 200);
    }
}

#[tokio::test]
async fn the_second_of_two_quick_requests_is_refused() {
    let options = Options {
        limits: Some(Limits { windows: vec![rolling(2, 60)], ..open_limits() }),
        rules: Rules { kind: Kind::Gcra { burst: 0 }, ..Rules::default() },
        latency: Latency::J0,
        count_at: CountAt::End,
        ..quick()
    };
    let codes = served(play(&foxdata(), options), async |mut stream| {
        let mut codes = Vec::new();
        for _ in 0..2 {
            stream.write_all(request().as_bytes()).await.unwrap();
            let (_, body, _) = read(&mut stream).await;
            codes.push(serde_json::from_slice::<Value>(&body).unwrap()["code"].clone());
        }
        codes
    })
    .await;
    assert_eq!(codes, [200, 60004]);
}

#[tokio::test]
async fn a_client_that_hangs_up_is_counted() {
    let options = Options { latency: Latency::J0, count_at: CountAt::End, ..quick() };
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let simulator = Arc::new(Mutex::new(play(&foxdata(), options)));
    let clock = Clock::starting_at(WALL.parse().unwrap());
    let counted = async {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(request().as_bytes()).await.unwrap();
        drop(stream);
        let noticed = async {
            while simulator.lock().unwrap().stats().requests == 0 {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(20), noticed).await.unwrap();
    };
    serve(listener, Arc::clone(&simulator), clock, counted).await.unwrap();
    assert_eq!(simulator.lock().unwrap().stats().windows[0].accepted, 1);
}

#[tokio::test]
async fn a_reset_leaves_no_answer() {
    let received = served(with_faults(&foxdata(), "reset@2"), async |mut stream| {
        stream.write_all(request().as_bytes()).await.unwrap();
        assert!(read(&mut stream).await.0.starts_with("HTTP/1.1 200"));
        stream.write_all(request().as_bytes()).await.unwrap();
        read(&mut stream).await
    })
    .await;
    assert_eq!(received, (String::new(), Vec::new(), 0));
}

#[tokio::test]
async fn a_cut_body_ends_in_the_middle() {
    let (head, body, length) = served(with_faults(&foxdata(), "cut@1"), async |mut stream| {
        stream.write_all(request().as_bytes()).await.unwrap();
        read(&mut stream).await
    })
    .await;
    assert!(head.starts_with("HTTP/1.1 200"), "{head}");
    assert_eq!(body.len(), length / 2);
    assert!(length > 1000);
}

#[tokio::test(start_paused = true)]
async fn a_month_of_a_request_a_minute_in_memory() {
    let clock = Clock::starting_at(WALL.parse().unwrap());
    let limits = Limits { windows: vec![rolling(1, 60), rolling(1440, 86_400)], ..open_limits() };
    let simulator = Mutex::new(play(&foxdata(), Options { limits: Some(limits), ..quick() }));
    let minutes = 31 * 24 * 60;
    for minute in 0..minutes {
        clock.sleep_until(Duration::from_secs(minute * 60)).await;
        let response = answer(&simulator, &clock, &fox("/app/app-info", json!({ "appId": minute }))).await.unwrap();
        assert_eq!(response.status(), 200);
    }
    let simulator = simulator.into_inner().unwrap();
    let stats = simulator.stats();
    assert_eq!((stats.successes, stats.duplicates, stats.refusals.len()), (minutes, 0, 0));
    assert_eq!(stats.windows[1].most_counted, 1440);
    assert_eq!(simulator.log().len() as u64, minutes);
    assert_eq!(clock.now().elapsed, Duration::from_millis((minutes - 1) * 60_000 + 1));
}

#[tokio::test(start_paused = true)]
async fn wire_faults_take_their_time_in_memory() {
    let clock = Clock::starting_at(WALL.parse().unwrap());
    for (script, fault, took) in
        [("hang@1", WireFault::Hang, 600_000), ("reset@1", WireFault::Reset, 1), ("cut@1", WireFault::CutBody, 1)]
    {
        let before = clock.now().elapsed;
        let simulator = Mutex::new(with_faults(&foxdata(), script));
        assert_eq!(answer(&simulator, &clock, &rank("1")).await.unwrap_err(), fault);
        assert_eq!(clock.now().elapsed - before, Duration::from_millis(took));
    }
}
