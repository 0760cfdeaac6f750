//! Tidemill as a library: a job built in code, run, its events heard. It runs against the simulator, so no key is needed:
//! `cargo run --example embed`.

use serde_json::json;
use tidemill::{EventKind, Exit, Job, Mill};

#[allow(clippy::print_stdout, reason = "a program of its own")]
#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = std::env::temp_dir().join(format!("tidemill-embed-{}", std::process::id()));

    // The keys are those of a job file; a wrong one is an error that names it.
    let job = Job::of(
        &folder,
        json!({
            "name": "ranks",
            "provider": "foxdata",
            "grid": { "app": ["389801252"], "day": { "from": "2026-01-01", "to": "2026-01-02" } },
            "request": { "method": "POST", "path": "/app/rank", "json": { "appId": "{app}", "date": "{day}" } },
            "records": { "path": "ranks", "add": { "app_id": "{app}" } },
            "output": { "partition_by": ["day"] },
        }),
    )?;

    // Without `rehearsal` it asks the provider itself, with the key in FOXDATA_API_KEY.
    let mill = Mill::open(&folder)?.rehearsal();
    let report = mill
        .run(vec![job], |event| {
            if let EventKind::Published(file) = &event.kind {
                println!("{} rows in {}", file.rows, file.path);
            }
        })
        .await?;

    // The same words and codes as on the command line.
    assert_eq!(report.exit, Exit::Done);
    for job in &report.jobs {
        println!("{}: {} requests, {} records", job.job, job.requests, job.records);
    }
    std::fs::remove_dir_all(&folder)?;
    Ok(())
}
