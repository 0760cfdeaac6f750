//! The ready-made files for schedulers hold the contract of the exit codes.

use std::fs;
use std::path::Path;

use tidemill::Exit;

fn file(name: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/scheduling").join(name)).unwrap()
}

/// Numbers after `key`, up to the end of its line.
fn numbers(text: &str, key: &str) -> Vec<u8> {
    let line = text.lines().find_map(|line| line.split_once(key)).unwrap_or_else(|| panic!("no `{key}`")).1;
    line.split(|letter: char| !letter.is_ascii_digit()).filter_map(|number| number.parse().ok()).collect()
}

#[test]
fn what_nobody_should_try_again_is_not() {
    let [usage, person, rejected] = [Exit::Usage, Exit::NeedsPerson, Exit::Rejected].map(Exit::code);
    assert_eq!(numbers(&file("cronjob.yaml"), "values:"), [usage, person]);
    assert_eq!(numbers(&file("tidemill.service"), "RestartPreventExitStatus="), [usage, rejected, person]);
}

#[test]
fn a_pause_is_no_failure() {
    let (paused, terminated) = (Exit::Paused.code(), Exit::Terminated.code());
    assert_eq!(numbers(&file("airflow_dag.py"), "skip_on_exit_code="), [paused]);
    // TEMPFAIL is systemd's name for 75 (EX_TEMPFAIL of sysexits.h).
    assert_eq!((paused, numbers(&file("tidemill.service"), "SuccessExitStatus=")), (75, vec![terminated]));
    for name in ["crontab", "cronjob.yaml", "github-actions.yml"] {
        assert!(file(name).contains("--paused-exit-code"), "{name} lets a pause look like a failure");
    }
}

#[test]
fn who_ends_a_run_waits_for_longer_than_its_grace() {
    assert!(numbers(&file("tidemill.service"), "TimeoutStopSec=")[0] > 25);
    assert!(numbers(&file("cronjob.yaml"), "terminationGracePeriodSeconds:")[0] > 25);
}

#[test]
fn every_code_is_explained() {
    let (page, readme) = (file("README.md"), fs::read_to_string("README.md").unwrap());
    for exit in Exit::ALL {
        let code = exit.code();
        let row = |text: &str| text.lines().any(|line| line.starts_with("| ") && line.contains(&code.to_string()));
        assert!(row(&page) && row(&readme), "{code} is missing in a table");
    }
}
