//! When a person must act nothing more leaves; what a clock or a token explains mends itself.

use tidemill::run::Exit;

use super::jobs::{PLAN, chat, three};
use super::scene::Night;

/// Every code that says "stop", by provider.
const STOPS: [(&str, &str); 9] = [
    ("foxdata", "401"),
    ("foxdata", "403"),
    ("foxdata", "60005"),
    ("agushuju", "401"),
    ("agushuju", "402"),
    ("sensenova", "1100"),
    ("sensenova", "1101"),
    ("sensenova", "1102"),
    ("sensenova", "1304"),
];

#[tokio::test(start_paused = true)]
async fn one_refusal_is_the_last_request() {
    let jobs = three();
    let jobs: Vec<&str> = jobs.iter().map(String::as_str).collect();
    for (provider, code) in STOPS {
        let scene = Night { jobs: &jobs, faults: &[(provider, &format!("{code}@1"))], ..Night::default() }.begin();
        let ended = scene.run().await;
        ended.assert(Exit::NeedsPerson);
        assert_eq!(scene.stats(provider).requests, 1, "{provider} {code}");
        assert!(ended.reason().contains(code), "{provider} {code}: {:?}", ended.reason());
        for job in &ended.report.jobs {
            let expected = if job.provider == provider { Exit::NeedsPerson } else { Exit::Done };
            assert_eq!(job.exit, expected, "{provider} {code}: job {}", job.job);
        }
        scene.assert_part();
        // The person has acted.
        scene.run().await.assert(Exit::Done);
        scene.assert_exact();
        assert_eq!((scene.duplicates(), scene.too_fast()), (0, 0));
    }
}

#[tokio::test(start_paused = true)]
async fn in_the_middle_what_is_under_way_finishes_and_nothing_new_leaves() {
    let jobs = three();
    for (provider, code) in STOPS {
        let jobs: Vec<&str> = jobs.iter().map(String::as_str).filter(|job| job.contains(provider)).collect();
        let scene =
            Night { jobs: &jobs, faults: &[(provider, &format!("{code}@8,slow@7"))], ..Night::default() }.begin();
        scene.run().await.assert(Exit::NeedsPerson);
        assert_eq!(scene.stats(provider).after_fatal, 0, "{provider} {code}");
        scene.assert_part();
        scene.run().await.assert(Exit::Done);
        scene.assert_exact();
        assert_eq!(scene.duplicates(), 0, "{provider} {code}: a page under way was not kept");
    }
}

#[tokio::test(start_paused = true)]
async fn a_wrong_key_costs_one_request_a_wrong_secret_two() {
    let table = [
        ("FOXDATA_API_KEY", 1, "foxdata"),
        ("AGUSHUJU_API_KEY", 1, "agushuju"),
        ("SENSENOVA_SECRET_KEY", 2, "sensenova"),
        ("SENSENOVA_ACCESS_KEY", 2, "sensenova"),
    ];
    let jobs = three();
    for (variable, requests, provider) in table {
        let own: Vec<&str> = jobs.iter().map(String::as_str).filter(|job| job.contains(provider)).collect();
        let mut scene = Night { jobs: &own, ..Night::default() }.begin();
        scene.forge(variable);
        let ended = scene.run().await;
        ended.assert(Exit::NeedsPerson);
        assert_eq!(ended.requests, requests, "{variable}");
        assert!(!format!("{:?}", ended.report).contains("a-key-nobody-ever-issued"));
        assert!(ended.reason().contains(variable.rsplit_once('_').unwrap().0), "{:?}", ended.reason());
    }
}

#[tokio::test(start_paused = true)]
async fn skewed_clocks_are_learned_from_the_date() {
    for skew in ["skew=600s", "skew=-600s", "skew=3h", "skew=-3h", "skew=-2000s"] {
        let job = chat(20);
        let scene = Night { jobs: &[&job], faults: &[("sensenova", skew)], ..Night::default() }.begin();
        let ended = scene.run().await;
        ended.assert(Exit::Done);
        let refused: u64 = scene.stats("sensenova").refusals.values().sum();
        assert!(refused <= 1, "{skew}: {refused} refusals");
        scene.assert_exact();
        assert_eq!(scene.duplicates(), 0);
    }
}

#[tokio::test(start_paused = true)]
async fn a_token_that_expires_is_renewed() {
    let job = chat(20);
    let scene = Night { jobs: &[&job], faults: &[("sensenova", "expire@7")], ..Night::default() }.begin();
    let ended = scene.run().await;
    ended.assert(Exit::Done);
    assert_eq!(ended.job(0).refused, 1);
    scene.assert_exact();

    // An hour and a half of work: tokens are renewed before they expire.
    let job = chat(90);
    let slow = PLAN.replace("per_minute = 300, concurrency", "per_minute = 1, concurrency");
    let scene = Night { jobs: &[&job], settings: &slow, ..Night::default() }.begin();
    let ended = scene.run().await;
    assert_eq!(ended.job(0).refused, 0);
    assert!(scene.clock.now().elapsed.as_secs() > 89 * 60);
    scene.assert_clean(&ended).await;
}

/// A refusal of the content says that the token is good: the next expiry is a first one again.
#[tokio::test(start_paused = true)]
async fn a_rejected_cell_shows_that_the_token_is_good() {
    let job = chat(20);
    let alone = PLAN.replace("per_minute = 300, concurrency = 4", "per_minute = 300, concurrency = 1");
    let faults = [("sensenova", "expire@7,1301@8,expire@9")];
    let scene = Night { jobs: &[&job], settings: &alone, faults: &faults, ..Night::default() }.begin();
    let ended = scene.run().await;
    ended.assert(Exit::Rejected);
    assert_eq!((ended.job(0).cells.rejected, ended.job(0).cells.records), (1, 19));
    assert_eq!(scene.stats("sensenova").requests, 22);
}
