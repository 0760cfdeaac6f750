//! Pages of one cell side by side: in order whatever arrives first, nothing bought twice, nothing lost when records move.

use std::sync::Mutex;
use std::time::Duration;

use proptest::prelude::*;
use serde_json::{Value, json};
use tidemill::fetch::{CellEnd, Reach};
use tidemill::ledger::Outcome;

use super::table::{OFFSET, PAGE, Said, Table, Twist, fetch, fetch_all, fetch_of, provider, records, ten, wide};

type Break = fn() -> Said;

#[tokio::test(start_paused = true)]
async fn pages_stand_in_order_although_they_arrive_in_reverse() {
    for paging in [OFFSET, PAGE, &format!("{PAGE}\nhas_more = \"/more\"")] {
        let reverse = |_, offset| 2000 - offset * 10;
        let serial = fetch_all(&provider(paging), &Table::new(|_, offset| ten(offset, 95)).slow(reverse)).await;
        serial.assert_whole(95);
        let table = Table::new(|_, offset| ten(offset, 95)).slow(reverse);
        let ended = fetch_all(&wide(paging, 3), &table).await;
        ended.assert_whole(95);
        assert_eq!(ended.bodies, serial.bodies);
        assert!(ended.warnings.is_empty());
        assert_eq!(table.asked(), (0..10).map(|page| page * 10).collect::<Vec<_>>(), "each once, in order");
        assert_eq!(table.most_at_once(), 3);
        assert!(ended.took * 2 < serial.took, "{:?} against {:?}", ended.took, serial.took);
    }
}

#[tokio::test(start_paused = true)]
async fn limits_hold_and_the_first_page_goes_alone() {
    let first_is_alone = |ordinal, _| if ordinal == 0 { 5000 } else { 100 };
    let table = Table::new(|_, offset| ten(offset, 400)).slow(first_is_alone);
    let ended = fetch_all(&wide(OFFSET, 100), &table).await;
    ended.assert_whole(400);
    assert_eq!(table.most_at_once(), 4, "`concurrency` is four");
    assert!(ended.took < Duration::from_secs(8), "{:?}", ended.took);
}

/// What fits on a page or two, and pages that are not full, are asked for one after another.
#[tokio::test(start_paused = true)]
async fn small_cells_and_other_page_sizes_are_fetched_as_ever() {
    for total in [0, 1, 9, 10, 11, 20] {
        let table = Table::new(move |_, offset| ten(offset, total));
        let ended = fetch_all(&wide(OFFSET, 8), &table).await;
        assert_eq!(ended.ids.len() as u64, total);
        assert_eq!(table.most_at_once(), 1);
    }
    // The provider gives at most seven a page.
    let table = Table::new(|_, offset| records(offset, (offset + 7).min(50), 50));
    let ended = fetch_all(&wide(OFFSET, 8), &table).await;
    ended.assert_whole(50);
    assert_eq!(table.most_at_once(), 1);
}

/// Only the first page tells the total: that is enough.
#[tokio::test(start_paused = true)]
async fn a_total_that_is_told_once_holds() {
    let table = Table::new(|ordinal, offset| {
        let (status, mut body) = ten(offset, 60);
        if ordinal > 0 {
            body["total"] = Value::Null;
        }
        (status, body)
    });
    let ended = fetch_all(&wide(OFFSET, 8), &table).await;
    ended.assert_whole(60);
    assert_eq!(table.asked().len(), 6, "nothing beyond the last page");
}

#[tokio::test(start_paused = true)]
async fn a_run_that_is_killed_goes_on_with_the_pages_that_are_missing() {
    let spread = wide(OFFSET, 4);
    for after in 1..12 {
        for again in [&spread, &wide(OFFSET, 2), &provider(OFFSET)] {
            let folder = tempfile::tempdir().unwrap();
            // Every third page takes long, so that there are gaps.
            let gaps = |_, offset| if offset / 10 % 3 == 1 { 3000 } else { 100 + offset };
            let table = Table::new(|_, offset| ten(offset, 115)).slow(gaps);
            let killed = fetch(&spread, &table, folder.path(), Twist::Kill(after), None).await;
            assert_eq!(killed.end, None);
            let kept: Vec<u64> = killed.ids.iter().copied().filter(|id| id % 10 == 0).collect();
            assert_eq!(kept.len(), after);
            let before = table.asked().len();
            let ended = fetch(again, &table, folder.path(), Twist::None, None).await;
            ended.assert_whole(115);
            assert!(ended.warnings.is_empty(), "{ended:?}");
            let bought = table.asked().split_off(before);
            assert!(!bought.iter().any(|offset| kept.contains(offset)), "{kept:?} were kept, {bought:?} was bought");
            assert_eq!(bought.len(), 12 - after, "{kept:?} {bought:?}");
        }
    }
}

/// A signal: what is in flight comes in and is kept, nothing new leaves.
#[tokio::test(start_paused = true)]
async fn a_run_that_is_asked_to_end_buys_nothing_twice() {
    for after in 1..8 {
        let folder = tempfile::tempdir().unwrap();
        let uneven = |_, offset| 100 + offset * 7 % 40 * 50;
        let table = Table::new(|_, offset| ten(offset, 115)).slow(uneven);
        let ended = fetch(&wide(OFFSET, 4), &table, folder.path(), Twist::Signal(after), None).await;
        assert_eq!(ended.end, Some(CellEnd::Interrupted));
        let kept = table.asked().len();
        assert!(kept <= after + 4, "{kept} asked, {after} kept at the signal");
        assert_eq!(ended.bodies.len(), kept, "all that left was kept");
        fetch(&wide(OFFSET, 4), &table, folder.path(), Twist::None, None).await.assert_whole(115);
        assert_eq!(table.asked().len(), 12);
    }
}

#[tokio::test(start_paused = true)]
async fn a_ceiling_parks_the_cell_with_all_it_paid_for() {
    let folder = tempfile::tempdir().unwrap();
    let table = Table::new(|_, offset| ten(offset, 115)).slow(|_, offset| 3000 - offset * 20);
    for nights in 1..=3 {
        let ended = fetch(&wide(OFFSET, 3), &table, folder.path(), Twist::None, Some(5)).await;
        assert_eq!(table.asked().len().min(12), (nights * 5).min(12));
        match ended.end.clone().unwrap() {
            CellEnd::Parked { reach: Reach::Job, reason, .. } if nights < 3 => {
                assert!(reason.contains("max_requests"), "{reason}");
                assert_eq!(ended.bodies.len(), nights * 5);
            }
            _ => ended.assert_whole(115),
        }
    }
}

/// From request `at` on the table is another: what was kept of it is void, and nothing is lost.
#[tokio::test(start_paused = true)]
async fn a_total_that_changes_begins_the_cell_anew_page_by_page() {
    for (then, at) in [(119, 1), (119, 5), (119, 11), (240, 3), (101, 4), (30, 2), (114, 11)] {
        let table = Table::new(move |ordinal, offset| ten(offset, if ordinal < at { 115 } else { then }))
            .slow(|_, offset| 100 + offset % 30);
        let ended = fetch_all(&wide(OFFSET, 50), &table).await;
        ended.assert_whole(then);
        ended.assert_moved(&format!("the total changed from 115 to {then}"));
        let serial = then.div_ceil(10) as usize;
        // Those that waited for a permit did not leave.
        assert!(table.asked().len() - serial <= at as usize + 4, "{:?}", table.asked());
    }
}

/// It changes again and again: the second time the cell is fetched as it would be without `parallel_pages`.
#[tokio::test(start_paused = true)]
async fn a_total_that_goes_on_growing_is_followed() {
    let table = Table::new(|ordinal, offset| ten(offset, 60 + ordinal.min(20)));
    let ended = fetch_all(&wide(OFFSET, 4), &table).await;
    assert_eq!(ended.end, Some(CellEnd::Settled(Outcome::Records)));
    assert_eq!(ended.progress.epoch, 1);
    let told = ended.ids.len() as u64;
    assert_eq!(ended.ids, (0..told).collect::<Vec<_>>());
    assert!(told > 60, "{told}");
}

#[tokio::test(start_paused = true)]
async fn pages_that_are_not_as_announced_begin_the_cell_anew() {
    let broken: [(&str, Break); 5] = [
        ("page 3 held 4 records where 10 of 80 were due", || records(30, 34, 80)),
        ("page 3 held 0 records where 10 of 80 were due", || records(30, 30, 80)),
        ("page 3 held 12 records where 10 of 80 were due", || records(30, 42, 80)),
        ("page 3 was said to be empty although 80 records were announced", || (200, json!({ "code": 7 }))),
        (
            "page 3 was refused: HTTP 400 with code 9: no (no rule of the provider file names this answer; add one to `rules_first`)",
            || (400, json!({ "code": 9, "msg": "no" })),
        ),
    ];
    for (why, answer) in broken {
        let once = Mutex::new(true);
        let table = Table::new(move |_, offset| match offset == 30 && std::mem::take(&mut *once.lock().unwrap()) {
            true => answer(),
            false => ten(offset, 80),
        });
        let ended = fetch_all(&wide(OFFSET, 3), &table).await;
        ended.assert_whole(80);
        ended.assert_moved(why);
    }
}

/// The run dies right after the page that tells of it: the next one finds that as well.
#[tokio::test(start_paused = true)]
async fn what_moved_before_a_kill_has_moved() {
    let spread = wide(OFFSET, 4);
    for (then, at, after) in [(119, 1, 2), (119, 1, 4), (119, 3, 5), (119, 11, 12), (30, 1, 2)] {
        let folder = tempfile::tempdir().unwrap();
        let table = Table::new(move |ordinal, offset| ten(offset, if ordinal < at { 115 } else { then }));
        let killed = fetch(&spread, &table, folder.path(), Twist::Kill(after), None).await;
        assert_eq!((killed.end.as_ref(), killed.progress.epoch), (None, 0));
        let ended = fetch(&spread, &table, folder.path(), Twist::None, None).await;
        ended.assert_whole(then);
        ended.assert_moved("the total changed");
    }
}

#[tokio::test(start_paused = true)]
async fn a_provider_that_ignores_the_parameter_is_noticed() {
    for total in [30, 500] {
        let table = Table::new(move |_, _| records(0, 10, total));
        let ended = fetch_all(&wide(OFFSET, 4), &table).await;
        match &ended.end {
            Some(CellEnd::Settled(Outcome::Rejected { message, .. })) => {
                assert!(message.contains("seems to ignore the paging parameters"), "{message}");
            }
            other => panic!("{total}: {other:?}"),
        }
        assert!(table.asked().len() <= 5, "{:?}", table.asked());
    }
}

/// Its pages are void: half a cell would pass for a whole one.
#[tokio::test(start_paused = true)]
async fn a_page_that_is_rejected_rejects_its_cell() {
    let no_record =
        |_, offset| if offset == 30 { (200, json!({ "code": 0, "total": 80, "data": [5] })) } else { ten(offset, 80) };
    let ended = fetch_all(&wide(OFFSET, 3), &Table::new(no_record).slow(|_, offset| 500 - offset)).await;
    assert!(matches!(ended.end, Some(CellEnd::Settled(Outcome::Rejected { .. }))), "{ended:?}");
    assert_eq!((ended.progress.epoch, ended.progress.pages), (1, 0));
}

/// The row of the axis file is gone, and with it a value: what was kept beyond a gap is void.
#[tokio::test(start_paused = true)]
async fn a_cell_that_can_no_longer_be_asked_for_is_rejected_with_a_gap() {
    let folder = tempfile::tempdir().unwrap();
    let table = Table::new(|_, offset| ten(offset, 80)).slow(|_, offset| if offset == 10 { 5000 } else { 100 });
    let killed = fetch(&wide(OFFSET, 3), &table, folder.path(), Twist::Kill(4), None).await;
    assert_eq!((killed.progress.pages, killed.progress.ahead.len()), (1, 3));
    let ended = fetch_of("{}", &wide(OFFSET, 3), &table, folder.path(), Twist::None, None).await;
    assert!(matches!(ended.end, Some(CellEnd::Settled(Outcome::Rejected { .. }))), "{ended:?}");
    assert_eq!((ended.progress.epoch, ended.progress.pages), (1, 0));
}

/// What stops the provider counts before anything else; those in flight come in and are kept.
#[tokio::test(start_paused = true)]
async fn the_most_serious_end_counts() {
    let folder = tempfile::tempdir().unwrap();
    let table = Table::new(|_, offset| match offset {
        20 => ten(offset, 81),
        40 => (403, json!({ "code": 8, "msg": "pay" })),
        _ => ten(offset, 80),
    });
    let ended = fetch(&wide(OFFSET, 4), &table, folder.path(), Twist::None, None).await;
    assert!(matches!(ended.end, Some(CellEnd::Stopped { .. })), "{ended:?}");
    assert_eq!(ended.bodies.len() + 1, table.asked().len(), "{:?}", table.asked());
    assert!(table.asked().len() <= 6, "{:?}", table.asked());
    let well = Table::new(|_, offset| ten(offset, 80));
    fetch(&wide(OFFSET, 4), &well, folder.path(), Twist::None, None).await.assert_whole(80);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// Any order of arrival leaves in the spool what asking page by page leaves, and the file is made of that.
    #[test]
    fn any_order_of_arrival_is_the_same_cell(
        total in 0u64..150,
        width in 2u32..12,
        by_page: bool,
        delays in proptest::collection::vec(0u64..2000, 16),
        killed_after in 0usize..16,
    ) {
        let paging = if by_page { PAGE } else { OFFSET };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
        runtime.block_on(async {
            let serial = fetch_all(&provider(paging), &Table::new(move |_, offset| ten(offset, total))).await;
            let table = Table::new(move |_, offset| ten(offset, total)).slow(move |_, offset| delays[(offset / 10) as usize]);
            let folder = tempfile::tempdir().unwrap();
            let spread = wide(paging, width);
            if killed_after > 0 {
                fetch(&spread, &table, folder.path(), Twist::Kill(killed_after), None).await;
            }
            let ended = fetch(&spread, &table, folder.path(), Twist::None, None).await;
            assert_eq!(ended.end, serial.end);
            assert_eq!(ended.bodies, serial.bodies);
            let (one, other) = (&ended.progress, &serial.progress);
            assert_eq!((one.pages, one.records, one.epoch, &one.request), (other.pages, other.records, other.epoch, &other.request));
        });
    }
}
