//! The front door of the library: what a program gets without the command line.

use std::path::Path;

use serde_json::{Value, json};
use tidemill::{EventKind, Exit, Job, Mill, MillError};

fn ranks(provider: &str) -> Value {
    json!({
        "name": "ranks",
        "provider": provider,
        "grid": { "app": ["389801252"] },
        "request": { "method": "POST", "path": "/app/rank", "json": { "appId": "{app}" } },
        "records": { "path": "ranks" },
    })
}

fn job(folder: &Path, provider: &str) -> Job {
    Job::of(folder, ranks(provider)).unwrap()
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn a_job_of_a_program_is_run_once_and_its_events_are_heard() {
    let folder = tempfile::tempdir().unwrap();
    let mill = Mill::open(folder.path()).unwrap().rehearsal();
    let mut rows = 0;
    let report = mill
        .run(vec![job(folder.path(), "foxdata")], |event| {
            if let EventKind::Published(file) = &event.kind {
                rows += file.rows;
            }
        })
        .await
        .unwrap();
    assert_eq!((report.exit, report.simulated), (Exit::Done, true));
    assert_eq!(report.jobs[0].zone, "Asia/Shanghai", "what is kept is told as that of the command line");
    assert!(rows > 0 && rows == report.jobs[0].records, "{rows} rows: {report:?}");

    let again = mill.run(vec![job(folder.path(), "foxdata")], |_| {}).await.unwrap();
    assert_eq!((again.exit, again.requests_sent), (Exit::Done, 0), "the ledger remembers the first run");
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn what_is_wrong_with_a_job_is_told_and_nothing_is_made() {
    let folder = tempfile::tempdir().unwrap();
    let mill = Mill::open(folder.path()).unwrap().rehearsal();
    let refused = mill.run(vec![job(folder.path(), "foxdta")], |_| {}).await;
    let Err(MillError::Input(problems)) = refused else { panic!("a provider of no name was taken") };
    let text = problems.to_string();
    assert!(text.contains("did you mean `foxdata`?") && text.contains("job ranks provider"), "{text}");
    assert!(!mill.folders().state.exists());
}
