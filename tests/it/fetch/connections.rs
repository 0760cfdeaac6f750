//! Connections are used again, and which that have died cost an attempt.

use std::sync::Arc;

use tidemill::fetch::TransportError;
use tokio::task::JoinSet;

use super::loopback::{Line, Loopback};

const BODY: &[u8] = br#"{"data":[{"id":1}]}"#;

async fn keeps_alive(mut line: Line, _number: usize) {
    while line.asked().await {
        line.answer("", BODY).await;
    }
}

#[tokio::test]
async fn requests_one_after_the_other_share_one_connection() {
    let loopback = Loopback::new("", keeps_alive).await;
    for _ in 0..200 {
        assert_eq!(loopback.get().await.unwrap().body, BODY);
    }
    assert_eq!((loopback.accepted(), loopback.heads().len()), (1, 200));
}

/// Fifty times eight at once.
async fn by_eights() -> usize {
    let loopback = Loopback::new("limits = { concurrency = 8 }", keeps_alive).await;
    let mut tasks = JoinSet::new();
    for _ in 0..8 {
        let loopback = Arc::clone(&loopback);
        tasks.spawn(async move {
            for _ in 0..50 {
                loopback.get().await.unwrap();
            }
        });
    }
    while let Some(ended) = tasks.join_next().await {
        ended.unwrap();
    }
    assert_eq!(loopback.heads().len(), 400);
    loopback.accepted()
}

#[tokio::test]
async fn requests_at_once_have_a_connection_each_and_no_more() {
    let accepted = by_eights().await;
    assert!(accepted <= 8, "{accepted}");
}

/// The pool of the client gets a connection back a moment after the end of the body has been read. Where another
/// thread asks within that moment it opens one more, which is kept too: now and then nine or ten, never one per request.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_two_threads_a_few_more_may_be_opened() {
    let accepted = by_eights().await;
    assert!(accepted <= 16, "{accepted}");
}

/// The client has seen that its idle connection was closed: it opens another one, and no attempt fails.
#[tokio::test]
async fn a_connection_closed_between_requests_is_replaced() {
    let (tell, mut noticed) = tokio::sync::mpsc::unbounded_channel();
    let loopback = Loopback::new("", move |mut line, _| {
        let tell = tell.clone();
        async move {
            line.asked().await;
            line.answer("", BODY).await;
            line.close().await;
            tell.send(()).unwrap();
        }
    })
    .await;
    for asked in 1..=5 {
        assert_eq!(loopback.get().await.unwrap().body, BODY);
        noticed.recv().await.unwrap();
        assert_eq!((loopback.accepted(), loopback.heads().len()), (asked, asked));
    }
}

/// A server that says it will close is believed.
#[tokio::test]
async fn a_connection_announced_to_close_is_not_used_again() {
    let loopback = Loopback::new("", |mut line, _| async move {
        line.asked().await;
        line.answer("connection: close\r\n", BODY).await;
        line.close().await;
    })
    .await;
    for _ in 0..5 {
        loopback.get().await.unwrap();
    }
    assert_eq!((loopback.accepted(), loopback.heads().len()), (5, 5));
}

/// The server takes a request on a connection it had kept, and closes: it may have served it, so the attempt is lost,
/// counted, and not sent again by itself. The next one has a new connection.
#[tokio::test]
async fn a_request_that_was_sent_is_never_sent_again_by_itself() {
    let loopback = Loopback::new("", |mut line, number| async move {
        line.asked().await;
        line.answer("", BODY).await;
        if number == 1 {
            line.asked().await;
            line.close().await;
        }
    })
    .await;
    loopback.get().await.unwrap();
    let error = loopback.get().await.unwrap_err();
    assert!(matches!(error, TransportError::Broken(_)), "{error:?}");
    assert_eq!((loopback.accepted(), loopback.heads().len()), (1, 2));
    loopback.get().await.unwrap();
    assert_eq!((loopback.accepted(), loopback.heads().len()), (2, 3));
}
