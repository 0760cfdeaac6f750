//! The disk says no: exit 1, the path and the next step in the message, nothing partial visible, and once the cause is
//! gone the next run completes without buying anything twice.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Stdio};

use super::place::{Ended, Place, Simulating, read_parquet};
use super::wire::{Wire, foxdata_page};

const KEY: &str = "sk-simulated-foxdata";

/// Two files of two cells each.
fn place() -> Place {
    let place = Place::new().with("FOXDATA_API_KEY", KEY);
    place.ranks("ranks", 2, 2);
    place
}

#[expect(clippy::print_stderr, reason = "a test that proves nothing must not pass in silence")]
pub(super) fn skip(why: &str) {
    eprintln!("SKIPPED: {why}");
}

/// Root may write where nobody may; without its capabilities it is like anybody else.
fn like_anybody(place: &Place, arguments: &[&str]) -> Option<Ended> {
    let known = place.command(arguments);
    let folder = tempfile::tempdir().unwrap();
    fs::set_permissions(folder.path(), Permissions::from_mode(0o555)).unwrap();
    let bare = fs::write(folder.path().join("probe"), "").is_err();
    let mut command = if bare { Command::new("env") } else { Command::new("setpriv") };
    if !bare {
        command.args(["--bounding-set", "-all", "--inh-caps", "-all", "--"]);
        let mut probe = Command::new("setpriv");
        probe.args(["--bounding-set", "-all", "--inh-caps", "-all", "--", "true"]).stderr(Stdio::null());
        if !probe.status().is_ok_and(|status| status.success()) {
            skip("root without setpriv can write everywhere");
            return None;
        }
    }
    command.arg(known.get_program()).args(known.get_args()).current_dir(place.path()).env_clear();
    command.envs(known.get_envs().filter_map(|(name, value)| Some((name, value?)))).stdin(Stdio::null());
    command.env("PATH", std::env::var_os("PATH").unwrap_or_default());
    Some(Ended::of(command.output().unwrap()))
}

fn writable(place: &Place, folder: &str, writable: bool) {
    let folder = place.path().join(folder);
    fs::create_dir_all(&folder).unwrap();
    fs::set_permissions(folder, Permissions::from_mode(if writable { 0o755 } else { 0o555 })).unwrap();
}

/// The run failed, said `path` and what to do, and shows no file that is not whole.
fn refused(place: &Place, ended: Ended, path: &str, next_step: &str) {
    let ended = ended.expect(1);
    let said = format!("{}{}", ended.out, ended.err);
    assert!(said.contains(path), "`{path}` is not named in\n{said}");
    assert!(said.contains(next_step), "`{next_step}` is not said in\n{said}");
    for file in place.parquet("data") {
        assert!(!read_parquet(&file).is_empty());
    }
}

/// Runs to the end; no more than `again` pages were asked for twice.
fn completes(place: &Place, simulating: Simulating, again: u64) {
    place.tidemill(&["run", "ranks.toml", &simulating.set("foxdata")]).expect(0);
    place.tidemill(&["verify", "ranks.toml", "--read-data"]).expect(0);
    let (_, stats) = simulating.end();
    assert!(stats["duplicates"].as_u64().unwrap() <= again, "{stats:#}");
    assert!(stats["records"].as_u64().unwrap() >= place.rows("data").len() as u64);
    place.tidemill(&["run", "ranks.toml", "--simulate"]).expect(0);
    assert_eq!(place.rows("data"), place.rows("rehearsal/data"));
}

#[test]
fn folders_that_cannot_be_written() {
    let next_step = "writable and run again";
    for (folder, named, next_step) in [
        (".tidemill", ".tidemill", next_step),
        ("data", "data", "make the output folder writable"),
        ("xdg/tidemill/quota", "xdg/tidemill/quota", next_step),
        ("xdg", "xdg/tidemill/quota", next_step),
    ] {
        let place = place();
        let simulating = place.simulate("foxdata", &[]);
        writable(&place, folder, false);
        if let Some(ended) = like_anybody(&place, &["run", "ranks.toml", &simulating.set("foxdata")]) {
            refused(&place, ended, named, next_step);
        }
        writable(&place, folder, true);
        completes(&place, simulating, 0);
    }
}

#[test]
fn folders_within_folders_that_cannot_be_written() {
    // Pages that come in and find no place are lost: one for each cell.
    for (folder, again) in [(".tidemill/spool", 4), (".tidemill/locks", 0), ("data/_staging", 0)] {
        let place = place();
        let simulating = place.simulate("foxdata", &[]);
        writable(&place, folder, false);
        if let Some(ended) = like_anybody(&place, &["run", "ranks.toml", &simulating.set("foxdata")]) {
            refused(&place, ended, folder, "writable");
        }
        writable(&place, folder, true);
        completes(&place, simulating, again);
    }
}

#[test]
fn files_where_folders_belong() {
    for (blocked, named) in [
        (".tidemill", ".tidemill"),
        ("data", "data"),
        ("data/_staging", "data/_staging"),
        ("data/ranks", "data/ranks"),
        ("data/ranks/day=2026-01-02", "day=2026-01-02"),
        ("xdg/tidemill", "xdg/tidemill"),
        (".tidemill/locks", ".tidemill/locks"),
    ] {
        let place = place();
        let simulating = place.simulate("foxdata", &[]);
        place.write(blocked, "a file");
        let ended = place.tidemill(&["run", "ranks.toml", &simulating.set("foxdata")]);
        refused(&place, ended, named, "run again");
        fs::remove_file(place.path().join(blocked)).unwrap();
        completes(&place, simulating, 0);
    }
}

#[test]
fn output_folders_that_vanish_while_a_run_goes_on() {
    for vanishes in ["data/_staging", "data"] {
        let place = Place::new().with("FOXDATA_API_KEY", KEY);
        place.ranks("ranks", 1, 2);
        let wire = Wire::new();
        let running = place.start(&["run", "ranks.toml", &wire.set("foxdata")]);
        let page = foxdata_page(r#"[{"rank": 1}]"#);
        wire.accept().answer("200 OK", "", &page);
        let second = wire.accept();
        while place.parquet("data").is_empty() {
            std::thread::yield_now();
        }
        // The first file may be between its rename and its commit.
        fs::rename(place.path().join(vanishes), place.path().join("elsewhere")).unwrap();
        second.answer("200 OK", "", &page);
        let ended = running.end();
        if ended.code == Some(0) {
            assert_eq!(place.rows("data").len(), if vanishes == "data" { 1 } else { 2 });
        } else {
            refused(&place, ended, vanishes, "run again");
            let ended = place.tidemill(&["run", "ranks.toml", &wire.set("foxdata"), "--json"]).expect(0);
            assert_eq!(ended.json()["jobs"][0]["requests"], 0);
            assert_eq!(place.rows("data").len(), 2, "it is published anew");
        }
    }
}

#[test]
fn a_journal_that_can_no_longer_be_kept_is_no_fault_of_the_credential() {
    let place = Place::new().with("FOXDATA_API_KEY", KEY);
    place.ranks("ranks", 2, 1);
    let wire = Wire::new();
    let running = place.start(&["run", "ranks.toml", &wire.set("foxdata")]);
    let asked = wire.accept();
    let journal = place.files("xdg").into_iter().find(|file| file.extension().is_some_and(|name| name == "journal"));
    fs::File::options().write(true).open(journal.unwrap()).unwrap().set_len(0).unwrap();
    let page = foxdata_page(r#"[{"rank": 1}]"#);
    asked.answer("200 OK", "", &page);
    refused(&place, running.end(), "xdg/tidemill/quota", "delete it");
    assert!(!wire.is_asked_again(), "an attempt left that nobody counted");
    let running = place.start(&["run", "ranks.toml", &wire.set("foxdata")]);
    wire.accept().answer("200 OK", "", &page);
    running.end().expect(0);
    assert_eq!(place.rows("data").len(), 2);
}

/// Runs on file systems of more and more room until one is large enough; each that was full is enlarged, and the same
/// workspace completed. In a mount namespace of its own, so nothing is left mounted.
#[test]
fn a_full_disk_of_any_size() {
    const SCRIPT: &str = r#"
        set -u
        mkdir -p full
        for size in 16 32 48 64 96 112 128 160 192 224 256 4096; do
            mount -t tmpfs -o size=${size}k none full
            echo "== $size"
            "$@"; echo "== ended $?"
            [ -d full/data ] && mkdir -p seen/$size && cp -r full/data seen/$size
            mount -o remount,size=16m full
            "$@" > /dev/null; echo "== mended $?"
            "$0" verify ranks.toml --read-data --set=state=full/state --set=output=full/data > /dev/null; echo "== verified $?"
            mkdir -p done/$size && cp -r full/data done/$size && umount full
        done
    "#;
    let place = Place::new().with("FOXDATA_API_KEY", KEY);
    place.ranks("ranks", 2, 3);
    let simulating = place.simulate("foxdata", &[]);
    let can =
        Command::new("unshare").args(["-rm", "mount", "-t", "tmpfs", "none", "/mnt"]).stderr(Stdio::null()).status();
    if !can.is_ok_and(|status| status.success()) {
        skip("this system lets no tmpfs be mounted");
        return;
    }
    let set = simulating.set("foxdata");
    let call = ["run", "ranks.toml", "--set=state=full/state", "--set=output=full/data", &set, "--progress=none"];
    let known = place.command(&call);
    let mut command = Command::new("unshare");
    command.args(["-rm", "sh", "-c", SCRIPT]).arg(known.get_program()).arg(known.get_program()).args(known.get_args());
    command.envs(known.get_envs().filter_map(|(name, value)| Some((name, value?)))).current_dir(place.path());
    let ended = Ended::of(command.stdin(Stdio::null()).output().unwrap());
    let said = format!("{}\n{}", ended.out, ended.err);
    let count = |text: &str| ended.out.matches(text).count();
    assert!(count("== ended 1\n") >= 4, "no disk was full:\n{said}");
    assert_eq!(count("== ended 1\n") + count("== ended 0\n"), 12, "{said}");
    assert_eq!((count("== mended 0\n"), count("== verified 0\n")), (12, 12), "{said}");
    assert!(said.contains("free space and run again"), "{said}");
    place.tidemill(&["run", "ranks.toml", "--simulate"]).expect(0);
    let whole = place.rows("rehearsal/data");
    for size in fs::read_dir(place.path().join("done")).unwrap() {
        let size = size.unwrap().file_name().into_string().unwrap();
        assert_eq!(place.rows(&format!("done/{size}/data")), whole, "{size} kB");
        for row in place.rows(&format!("seen/{size}/data")) {
            assert!(whole.contains(&row), "{size} kB: {row}");
        }
    }
}
