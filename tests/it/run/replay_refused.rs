//! A replay that cannot do all of it does nothing, and says why.

use std::fs;
use std::time::Duration;

use tidemill::run::Exit;

use super::jobs::{APPS, CODES, history, quotes};
use super::parquet::files;
use super::replay::{PURCHASES, assert_as_fetched, declared, infos};
use super::scene::{Ended, Night, Scene};

async fn done(job: &str) -> Scene {
    let scene = Night { jobs: &[job], ..Night::default() }.begin();
    scene.run().await.assert(Exit::Done);
    scene
}

/// A replay under `job` ends as `exit`, says `words` and changes nothing; under the job as it was it still can.
async fn assert_refused(scene: &mut Scene, job: String, exit: Exit, words: &[&str]) -> Ended {
    let (before, rows, schema) = (scene.output(), scene.rows_of(0), scene.ledger().schema(scene.name(0)).unwrap());
    let was = std::mem::replace(&mut scene.jobs, vec![job]);
    let ended = scene.replay().await;
    ended.assert(exit);
    for word in words {
        assert!(ended.reason().contains(word), "`{word}` is not in: {}", ended.reason());
    }
    scene.jobs = was;
    scene.assert_unchanged(&before, &rows, words[0]);
    assert_eq!(scene.ledger().schema(scene.name(0)).unwrap(), schema);
    assert_eq!(scene.verified(0).leftovers, Vec::<String>::new());
    ended
}

#[tokio::test(start_paused = true)]
async fn a_type_that_records_do_not_fit() {
    let mut scene = done(&quotes(&CODES[..3])).await;
    for (columns, column) in
        [("remark = 'date'", "/remark"), ("amount = 'int64'", "/amount"), ("volume = 'int8'", "/volume")]
    {
        let words = ["would shrink from", column, "mend `[schema] columns`", "nothing was changed"];
        assert_refused(&mut scene, declared(columns), Exit::Rejected, &words).await;
    }
    scene.assert_settled(Exit::Done).await;
    scene.jobs = vec![declared("amount = 'decimal(20,4)'")];
    scene.replay().await.assert(Exit::Done);
    assert_as_fetched(&scene, "mended").await;
}

#[tokio::test(start_paused = true)]
async fn a_record_path_that_leads_nowhere() {
    let mut scene = done(&infos("")).await;
    for path in ["purchases", "developer/name", "trackId", "asInAppPurchases/0"] {
        let ended =
            assert_refused(&mut scene, infos(&format!("path = \"{path}\"\n")), Exit::Usage, &["nothing was changed"])
                .await;
        assert!(ended.reason().contains("record path"), "{}", ended.reason());
    }
    // A run under the wrong path is refused as well, and knows a way that costs nothing.
    scene.jobs = vec![infos("path = \"purchases\"\n")];
    let refused = scene.run().await;
    refused.assert(Exit::Usage);
    assert_eq!(refused.requests, 0);
    assert!(refused.reason().contains("tidemill replay"), "{}", refused.reason());
}

#[tokio::test(start_paused = true)]
async fn pages_that_are_no_longer_kept() {
    let mut scene = done(&quotes(&CODES[..3])).await;
    let job = declared("trade_date = 'date'");
    let words = ["raw pages of 1 of 2", "nothing was changed", "--refetch"];
    fs::remove_dir_all(scene.folders().spool("quotes", &scene.rows_of(0)[1].hash)).unwrap();
    assert_refused(&mut scene, job.clone(), Exit::Rejected, &words).await;
    // Part of a partition's pages is not all of them: nothing takes a part away, so this is damage.
    let mut scene = done(&quotes(&CODES[..3])).await;
    let path = files(&scene.folders().spool("quotes", &scene.rows_of(0)[0].hash)).remove(0);
    let bytes = fs::read(&path).unwrap();
    fs::write(&path, &bytes[..bytes.len() - 30]).unwrap();
    let was = std::mem::replace(&mut scene.jobs, vec![job.clone()]);
    let (before, rows) = (scene.output(), scene.rows_of(0));
    let ended = scene.replay().await;
    ended.assert(Exit::Failed);
    assert!(ended.reason().contains("damaged at byte"), "{}", ended.reason());
    scene.jobs = was;
    assert!(before == scene.output() && rows.iter().map(|row| row.generation).eq([1, 1]));
}

#[tokio::test(start_paused = true)]
async fn what_is_too_old_is_used_as_long_as_it_is_there() {
    let mut scene = done(&quotes(&CODES[..3])).await;
    scene.clock.sleep_until(Duration::from_secs(8 * 86_400)).await;
    let was = std::mem::replace(&mut scene.jobs, vec![declared("trade_date = 'date'")]);
    scene.replay().await.assert(Exit::Done);
    assert_as_fetched(&scene, "eight days later").await;
    scene.clock.sleep_until(Duration::from_secs(16 * 86_400)).await;
    scene.run().await.assert(Exit::Done);
    let job = std::mem::replace(&mut scene.jobs, was).remove(0).replace("date'", "string'");
    let words = ["raw pages of 2 of 2", "`[archive] keep`"];
    assert_refused(&mut scene, job, Exit::Rejected, &words).await;
}

#[tokio::test(start_paused = true)]
async fn another_question() {
    let mut scene = done(&quotes(&CODES[..3])).await;
    let job = quotes(&CODES[..3]).replace("2025-01-10", "2025-01-11");
    assert_refused(&mut scene, job, Exit::Usage, &["request.query", "another question", "--refetch"]).await;
}

#[tokio::test(start_paused = true)]
async fn what_is_fetched_again_half_way() {
    let job = history(&APPS[..2], "2026-01-01", "2026-01-02");
    let mut scene = done(&job).await;
    scene.other_rows(2, &[]);
    scene.jobs = vec![format!("max_requests = 3\n{job}")];
    scene.refetch().await.assert(Exit::Paused);
    let other = job.replace("app_id", "app");
    assert_refused(&mut scene, other.clone(), Exit::Rejected, &["1 of 2", "are being fetched again"]).await;
    scene.jobs = vec![other];
    scene.run().await.assert(Exit::Done);
    assert_eq!(scene.duplicates(), 0);
    scene.replay().await.assert(Exit::Done);
    assert_as_fetched(&scene, "finished").await;
    scene.assert_sound("finished");
}

#[tokio::test(start_paused = true)]
async fn pages_that_are_damaged() {
    let mut scene = done(&quotes(&CODES[..3])).await;
    let path = files(&scene.folders().spool("quotes", &scene.rows_of(0)[1].hash)).remove(0);
    let whole = fs::read(&path).unwrap();
    let mut bytes = whole.clone();
    bytes[70] ^= 1;
    fs::write(&path, bytes).unwrap();
    let (before, rows) = (scene.output(), scene.rows_of(0));
    scene.jobs = vec![declared("trade_date = 'date'")];
    let ended = scene.replay().await;
    ended.assert(Exit::Failed);
    assert!(ended.reason().contains("damaged at byte"), "{}", ended.reason());
    fs::write(&path, whole).unwrap();
    scene.assert_unchanged(&before, &rows, "damaged");
    scene.replay().await.assert(Exit::Done);
}

#[tokio::test(start_paused = true)]
async fn an_echo_that_is_not_what_the_job_expects_now() {
    let mut scene = done(&quotes(&CODES[..3])).await;
    let expecting = |code: &str| {
        quotes(&CODES[..3]).replace("[output]", &format!("[records]\nexpect = {{ stock_code = \"{code}\" }}\n[output]"))
    };
    let words = ["stock_code", "000002.SZ", "nothing was changed"];
    assert_refused(&mut scene, expecting("000001.SZ"), Exit::Rejected, &words).await;
    scene.jobs = vec![expecting("{stock_code}")];
    scene.replay().await.assert(Exit::Done);
    scene.assert_settled(Exit::Done).await;
    assert_as_fetched(&scene, "echoed").await;
}

#[tokio::test(start_paused = true)]
async fn pages_without_a_file_count_when_they_are_read_otherwise() {
    // The second day has an object, and no purchase in it.
    let read = |records: &str| infos(records).replace(&format!("{:?}", &APPS[..3]), &format!("{:?}", &APPS[1..2]));
    let mut scene = Night { jobs: &[&read(PURCHASES)], seed: 2, ..Night::default() }.begin();
    scene.run().await.assert(Exit::Done);
    assert_eq!((scene.output().len(), scene.rows_of(0).len()), (1, 2));
    let folder = scene.folders().spool("history", &scene.rows_of(0)[1].hash);
    let aside = scene.folders().state.join("aside");
    fs::rename(&folder, &aside).unwrap();
    let job = read("").replace("app_id = ", "app = ");
    assert_refused(&mut scene, job.clone(), Exit::Rejected, &["raw pages of 1 of 2"]).await;
    // Read as before, there is nothing in them.
    scene.jobs = vec![read(PURCHASES).replace("app_id = ", "app = ")];
    scene.replay().await.assert(Exit::Done);
    assert_as_fetched(&scene, "as before").await;
    fs::rename(&aside, &folder).unwrap();
    scene.jobs = vec![job];
    scene.replay().await.assert(Exit::Done);
    // The first file has the columns that only the second one fills, which a fetch learns too late for it.
    let fresh = Night { jobs: &[&scene.jobs[0]], seed: 2, ..Night::default() }.begin();
    fresh.run().await.assert(Exit::Done);
    assert_eq!(scene.visible(0), fresh.visible(0));
    assert_eq!(scene.output().len(), 2);
    scene.assert_sound("otherwise");
}
