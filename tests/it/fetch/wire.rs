//! Cells against a scripted wire: what a key may not leak into, and which faults end a cell and not the run.

use std::collections::VecDeque;
use std::sync::Mutex;
use std::time::Duration;

use http::{HeaderMap, StatusCode};
use tidemill::fetch::{
    Answer, CellEnd, CellTask, Ending, Exchange, HttpTransport, Signer, Source, Spending, Transport, TransportError,
    WireRequest, depth, fetch_cell,
};
use tidemill::job::{Ceilings, JobName};
use tidemill::ledger::Outcome;
use tidemill::plan::CellId;
use tidemill::provider::Provider;
use tidemill::quota::{Clock, History, Permit, Quota, open};
use tidemill::spool::{Durability, Head, PartitionSpool, SpoolWriter};
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::given::{credential, job, own, values};

const KEY: &str = "CANARY-0123456789";

/// Gives its answers in turn and keeps the addresses asked.
struct Script {
    answers: Mutex<VecDeque<(u16, String)>>,
    asked: Mutex<Vec<String>>,
}

impl Transport for Script {
    fn send(&self, request: WireRequest, permit: Permit) -> Exchange<'_> {
        Box::pin(async move {
            let departed = permit.depart();
            self.asked.lock().unwrap().push(request.url.to_string());
            let (status, body) = self.answers.lock().unwrap().pop_front().unwrap();
            let status = StatusCode::from_u16(status).unwrap();
            (departed, Ok(Answer { status, headers: HeaderMap::new(), body: body.into() }))
        })
    }
}

fn clock() -> Clock {
    Clock::starting_at("2026-11-22T12:00:00Z".parse().unwrap())
}

fn quota(provider: &Provider, tasks: &mut JoinSet<()>) -> Quota {
    let (quota, dispatcher) = open(&provider.limits, provider.max_wait, None, History::default(), clock());
    tasks.spawn(dispatcher.run());
    quota
}

/// The end of one cell, what was asked, and every byte the spool kept.
async fn run(provider: &Provider, answers: &[(u16, &str)]) -> (CellEnd, Vec<String>, String) {
    let answers = answers.iter().map(|(status, body)| (*status, (*body).to_owned())).collect();
    let script = Script { answers: Mutex::new(answers), asked: Mutex::default() };
    let (job, values) = (job("path = \"/items\""), values(r#"{"a":1}"#));
    let mut tasks = JoinSet::new();
    let quota = quota(provider, &mut tasks);
    let folder = tempfile::tempdir().unwrap();
    let head = Head { job: "j".into(), partition: "p".into(), generation: 1, token: 1, replaces: None };
    let (writer, spool) = SpoolWriter::new(8);
    tasks.spawn(async move {
        writer.run().await;
    });
    spool.open("p", PartitionSpool::open(folder.path(), head, Durability::Process).unwrap()).await.unwrap();
    let (_keep, ending) = watch::channel(Ending::NotYet);
    let signer = Signer::new(provider, credential(provider, &[("K", KEY)]));
    let end = {
        let source = Source {
            job: &job,
            provider,
            paging: &provider.paging,
            depth: depth(provider, &job, &provider.paging),
            feed: None,
            transport: &script,
            quota: &quota,
            signer: &signer,
            retries: &Mutex::default(),
            spending: &Spending::new(Ceilings::default()),
            clock: quota.clock(),
            random: &|| 1.0,
            notify: &|notice| assert!(!format!("{notice:?}").contains(KEY), "{notice:?}"),
            ending,
            down: watch::channel(false).1,
        };
        let id = CellId([1; 16]);
        let task = CellTask { id, values: &values, spool: &spool, partition: "p", progress: None };
        fetch_cell(&source, &task).await.unwrap()
    };
    let kept = spool.close("p").await.unwrap();
    let mut text = String::new();
    for (cell, progress) in kept.cells() {
        text.push_str(&format!("{progress:?}"));
        for page in kept.pages(cell) {
            let page = kept.read(page).unwrap();
            text.push_str(&format!("{:?} {}", page.head, String::from_utf8_lossy(&page.body)));
        }
    }
    (end, script.asked.into_inner().unwrap(), text)
}

fn linked() -> Provider {
    own(r#"
[provider.own.auth]
kind = "query"
name = "token"
value = { env = "K" }
[provider.own.envelope]
code = "/code"
message = "/msg"
ok = [0]
records = "/data"
[[provider.own.rules]]
code = 1101
http = 429
verdict = "stop"
[provider.own.paging]
kind = "next_url"
url = "/next"
"#)
}

fn rejected(end: &CellEnd) -> &str {
    match end {
        CellEnd::Settled(Outcome::Rejected { message, .. }) => message,
        other => panic!("{other:?}"),
    }
}

/// Some providers put the caller's key into the link to the next page.
#[tokio::test(start_paused = true)]
async fn a_key_in_a_link_is_not_kept() {
    let page = format!(r#"{{"code":0,"data":[{{"id":1}}],"next":"/v1/items?token={KEY}&page=2"}}"#);
    let (end, asked, kept) = run(&linked(), &[(200, &page), (200, r#"{"code":0,"data":[{"id":2}]}"#)]).await;
    assert_eq!(end, CellEnd::Settled(Outcome::Records));
    let url = "https://api.own.test/v1/items";
    assert_eq!(asked, [format!("{url}?token={KEY}"), format!("{url}?page=2&token={KEY}")]);
    assert!(kept.contains("token=***&page=2"), "{kept}");
    assert!(!kept.contains("CANARY"), "{kept}");
}

/// A link elsewhere fails its cell, not the run, today and when it is taken up again.
#[tokio::test(start_paused = true)]
async fn a_link_elsewhere_fails_its_cell() {
    let page = format!(r#"{{"code":0,"data":[{{"id":1}}],"next":"https://evil.test/?token={KEY}"}}"#);
    let (end, asked, kept) = run(&linked(), &[(200, &page)]).await;
    let expected = "the link to the next page leads to `https://evil.test/?token=***`, away from the provider";
    assert_eq!(rejected(&end), expected);
    assert_eq!(asked.len(), 1);
    assert!(!kept.contains("CANARY"), "{kept}");
}

#[tokio::test(start_paused = true)]
async fn what_a_page_is_refused_for_hides_the_key() {
    for page in [
        format!(r#"{{"code":0,"data":[{{"id":1}}],"next":["?token={KEY}"]}}"#),
        format!(r#"{{"code":0,"other":"{KEY}","{KEY}":1}}"#),
        format!(r#"{{"code":9,"msg":"bad key {KEY}"}}"#),
        format!(r#"{{"code":"{KEY}","msg":"m"}}"#),
    ] {
        let (end, _, kept) = run(&linked(), &[(200, &page)]).await;
        assert!(!rejected(&end).contains("CANARY"), "{end:?}");
        assert!(!format!("{end:?}{kept}").contains("CANARY"), "{end:?}");
    }
}

/// HTTP 429 that means "pay" gets exactly one request.
#[tokio::test(start_paused = true)]
async fn arrears_are_asked_once() {
    let (end, asked, _) = run(&linked(), &[(429, r#"{"code":"1101","msg":"arrears"}"#)]).await;
    assert_eq!(end, CellEnd::Stopped { reason: "HTTP 429 with code 1101: arrears".into() });
    assert_eq!(asked.len(), 1);
}

/// Nobody listens: the error names the fault and not the address, which holds the key.
#[tokio::test]
async fn an_error_of_the_network_hides_the_key() {
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let mut provider = linked();
    provider.base_url = format!("http://127.0.0.1:{port}").parse().unwrap();
    provider.timeout = Duration::from_secs(5);
    let mut tasks = JoinSet::new();
    let quota = quota(&provider, &mut tasks);
    let permit = quota.permit(&JobName::parse("j").unwrap()).await.unwrap();
    let signer = Signer::new(&provider, credential(&provider, &[("K", KEY)]));
    let signed = signer.sign(&super::given::get("/items"), quota.clock().now().wall).unwrap();
    let (_departed, answer) = HttpTransport::new(&provider).unwrap().send(signed.request, permit).await;
    let error = answer.unwrap_err();
    assert!(matches!(error, TransportError::Connect(_)), "{error:?}");
    assert!(!format!("{error} {error:?}").contains("CANARY"), "{error:?}");
}
