//! A file that is made while its pages still come is the one that is made of all its pages at the end.

use std::collections::HashSet;

use tidemill::fetch::{CellEnd, Notice};
use tidemill::run::{EventKind, Exit};

use super::again::rejected;
use super::jobs::{APPS, CODES, ranks, stocks};
use super::parallel::small_pages;
use super::replay::content;
use super::scene::{Ended, Night, Scene, Twist};

/// A replay reads the pages of every file back from the disk, and follows none.
async fn assert_as_read_back(scene: &Scene, exit: Exit, what: &str) {
    let found = content(scene);
    assert!(!found.is_empty(), "{what}");
    scene.replay().await.assert(exit);
    let wanted = content(scene);
    assert_eq!(found.keys().collect::<Vec<_>>(), wanted.keys().collect::<Vec<_>>(), "{what}");
    for (path, (schema, rows, bytes)) in &found {
        assert_eq!((schema, rows), (&wanted[path].0, &wanted[path].1), "{what}: {}", path.display());
        assert!(*bytes == wanted[path].2, "{what}: {} has other bytes", path.display());
    }
}

/// How often a page became durable of a cell while one before it in the plan had not ended.
fn out_of_turn(scene: &Scene, ended: &Ended) -> usize {
    let planned: Vec<String> = scene.planned(0).iter().map(|(cell, _)| cell.clone()).collect();
    let (mut done, mut count) = (HashSet::new(), 0);
    for event in &ended.events {
        match &event.kind {
            EventKind::CellEnded { cell, end: CellEnd::Settled(_) } => drop(done.insert(cell.to_string())),
            EventKind::Fetching { cell, notice: Notice::Page { .. } } => {
                let before = planned.iter().take_while(|planned| ***planned != **cell);
                count += usize::from(before.into_iter().any(|before| !done.contains(before)));
            }
            _ => {}
        }
    }
    count
}

/// Pages that were durable of cells that were rejected later.
fn pages_of_rejected(ended: &Ended) -> usize {
    let cells: HashSet<String> = rejected(ended).into_iter().collect();
    let of_them = |kind: &EventKind| matches!(kind, EventKind::Fetching { cell, notice: Notice::Page { .. } } if cells.contains(&**cell));
    ended.events.iter().filter(|event| of_them(&event.kind)).count()
}

fn jobs() -> [(&'static str, String); 3] {
    [
        ("agushuju", stocks(&CODES)),
        ("foxdata", ranks(&APPS, "2026-01-01", "2026-01-02")),
        ("agushuju", small_pages("parallel_pages = 6")),
    ]
}

fn scene(job: &str, seed: u64, faults: &[(&str, &str)]) -> Scene {
    Night { jobs: &[job], seed, faults, ..Night::default() }.begin()
}

#[tokio::test(start_paused = true)]
async fn cells_in_any_order() {
    let mut early = 0;
    for (provider, job) in jobs() {
        for (seed, fault) in [(1, ""), (3, "slow@1"), (4, "slow@2,slow@3"), (6, "slow=60%,reset=10%")] {
            let scene = scene(&job, seed, &[(provider, fault)]);
            let ended = scene.run().await;
            ended.assert(Exit::Done);
            scene.assert_exact();
            early += out_of_turn(&scene, &ended);
            assert_as_read_back(&scene, Exit::Done, &format!("{provider} {seed} {fault}")).await;
        }
    }
    assert!(early > 50, "only {early} pages came before their turn");
}

/// A cell that is refused in the midst of others, before or behind its first page.
#[tokio::test(start_paused = true)]
async fn a_rejected_cell_among_others() {
    let mut void = 0;
    for (provider, job, code) in
        [("agushuju", stocks(&CODES[..4]), "400"), ("foxdata", ranks(&APPS, "2026-01-01", "2026-01-01"), "100x9")]
    {
        for at in 1..=12 {
            let what = format!("{provider} {code}@{at}");
            let scene = scene(&job, at, &[(provider, &format!("slow=30%,{code}@{at}"))]);
            let ended = scene.run().await;
            let cells = rejected(&ended);
            let exit = if cells.is_empty() { Exit::Done } else { Exit::Rejected };
            ended.assert(exit);
            void += pages_of_rejected(&ended);
            scene.assert_exact_but(|cell| cells.iter().any(|rejected| cell == rejected));
            if !scene.output().is_empty() {
                assert_as_read_back(&scene, exit, &what).await;
            }
        }
    }
    assert!(void > 0, "no cell was refused behind a page");
}

/// A cursor that dies makes its cell begin anew: what was taken of it is void.
#[tokio::test(start_paused = true)]
async fn a_cell_that_begins_anew() {
    let job = ranks(&APPS, "2026-01-01", "2026-01-02");
    let mut anew = 0;
    for at in (2..=16).step_by(2) {
        let scene = scene(&job, at, &[("foxdata", &format!("slow=30%,100@{at}"))]);
        let ended = scene.run().await;
        let cells = rejected(&ended);
        let exit = if cells.is_empty() { Exit::Done } else { Exit::Rejected };
        ended.assert(exit);
        anew += ended.job(0).warnings.iter().filter(|warning| warning.contains("begins anew")).count();
        scene.assert_exact_but(|cell| cells.iter().any(|rejected| cell == rejected));
        assert_as_read_back(&scene, exit, &format!("100@{at}")).await;
    }
    assert!(anew > 2, "only {anew} cells began anew");
}

/// What earlier runs left is read back, what comes now is taken as it comes.
#[tokio::test(start_paused = true)]
async fn a_run_that_goes_on() {
    for (provider, job) in jobs() {
        let whole = scene(&job, 1, &[(provider, "slow=30%")]).run().await.events.len();
        for after in (2..whole).step_by(whole / 6) {
            let what = format!("{provider} killed after {after}");
            let scene = scene(&job, 1, &[(provider, "slow=30%")]);
            assert!(scene.run_twisted(Twist::Kill(after)).await.is_none());
            // The second time it is asked to end, which leaves other pages under way.
            let _ended = scene.run_twisted(Twist::Signal(after / 2 + 1, Exit::Paused)).await;
            scene.run().await.assert(Exit::Done);
            scene.assert_exact();
            assert_as_read_back(&scene, Exit::Done, &what).await;
        }
    }
}
