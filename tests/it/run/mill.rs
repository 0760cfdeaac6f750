//! The front door of the library: what a program gets without the command line.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};
use tidemill::fetch::Notice;
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

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn that_the_ledger_was_damaged_is_told_once_and_stays_in_the_report() {
    let folder = tempfile::tempdir().unwrap();
    let mill = Mill::open(folder.path()).unwrap().rehearsal();
    let jobs = || {
        let two = Job::of(folder.path(), {
            let mut two = ranks("foxdata");
            two["name"] = "two".into();
            two
        });
        vec![job(folder.path(), "foxdata"), two.unwrap()]
    };
    mill.run(jobs(), |_| {}).await.unwrap();
    fs::write(mill.folders().ledger(), "this is no database, however long it may be ".repeat(9)).unwrap();
    let is_the_note = |text: &str| text.contains("is damaged (") && text.contains("was moved to");
    let mut told = 0;
    let report = mill
        .run(jobs(), |event| {
            if let EventKind::Fetching { notice: Notice::Warning(text), .. } = &event.kind {
                told += usize::from(is_the_note(text));
            }
        })
        .await
        .unwrap();
    assert_eq!((report.exit, report.requests_sent, told), (Exit::Done, 0, 1), "{report:?}");
    assert!(is_the_note(&report.jobs[0].warnings[0]), "{:?}", report.jobs[0].warnings);
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn a_state_folder_that_cannot_be_made_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let mill = Mill::open(folder.path()).unwrap().rehearsal();
    fs::write(folder.path().join("rehearsal"), "a file in its place").unwrap();
    let refused = mill.run(vec![job(folder.path(), "foxdata")], |_| {}).await;
    let told = refused.unwrap_err().to_string();
    assert_eq!(told, format!("the state folder `{}` cannot be made", mill.folders().state.display()));
}
