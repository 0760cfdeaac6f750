//! kill -9 of the program at every step it takes, and of the run after it: nothing lost, nothing twice, nothing partial
//! ever visible, at most one page per request in flight bought again.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

use tempfile::TempDir;
use tidemill::quota::Clock;
use tidemill::run::Folders;
use tidemill::simulate::{Simulator, serve};
use tokio::net::TcpListener;
use tokio::runtime::Runtime;

use super::case::first;
use super::mill::{IN_FLIGHT, Mill, SETTINGS, STOCKS, files, memory};

/// A workspace for the program, and a provider for it alone.
struct Workspace {
    root: TempDir,
    simulator: Arc<Mutex<Simulator>>,
    base_url: String,
}

impl Workspace {
    fn new(mill: &Mill, runtime: &Runtime) -> Self {
        let root = memory();
        fs::write(root.path().join("tidemill.toml"), SETTINGS).unwrap();
        fs::write(root.path().join("stocks.toml"), STOCKS).unwrap();
        let simulator = mill.simulator("");
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let base_url = format!("http://{}/api", listener.local_addr().unwrap());
        runtime.spawn(serve(listener, Arc::clone(&simulator), Clock::system(), std::future::pending()));
        Self { root, simulator, base_url }
    }

    fn folders(&self) -> Folders {
        let root = self.root.path();
        Folders { state: root.join(".tidemill"), output: root.join("data"), quota: root.join("xdg/tidemill/quota") }
    }

    /// Runs the program, to be killed at a step; its exit code, none if it was killed, and what it said.
    fn run(&self, kill_at: Option<u64>) -> (Option<i32>, String) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tidemill"));
        command.args(["run", "stocks.toml", "--progress", "none"]).current_dir(self.root.path()).env_clear();
        command.arg(format!("--set=provider.agushuju.base_url={}", self.base_url));
        command.env("HOME", self.root.path()).env("XDG_STATE_HOME", self.root.path().join("xdg"));
        command.env("AGUSHUJU_API_KEY", "sk-simulated-agushuju").env("TOKIO_WORKER_THREADS", "1");
        if let Some(step) = kill_at {
            command.env("TIDEMILL_DISK_STEP", format!("kill@{step}"));
        }
        let ended = command.stdin(Stdio::null()).output().unwrap();
        let said = [ended.stdout, ended.stderr].map(|text| String::from_utf8(text).unwrap()).concat();
        (ended.status.code(), said)
    }

    fn visible(&self) -> BTreeMap<PathBuf, Vec<u8>> {
        files(&self.folders().output).into_iter().filter(|(path, _)| !path.starts_with("_staging")).collect()
    }
}

/// Kills a run at `step`, perhaps the next one too, and lets another finish; false if the first ended by itself.
fn point(mill: &Mill, runtime: &Runtime, wanted: &BTreeMap<PathBuf, Vec<u8>>, step: u64) -> bool {
    let workspace = Workspace::new(mill, runtime);
    let mut kills = 0;
    // The run after it has as many steps left at most.
    let again = step.is_multiple_of(3).then_some(1 + step * 7 % 60);
    for kill_at in [Some(step), again].into_iter().flatten() {
        let (code, said) = workspace.run(Some(kill_at));
        assert!(matches!(code, None | Some(0)), "killed at step {step} and {again:?}: {said}");
        if kills == 0 && code == Some(0) {
            return false;
        }
        kills += u64::from(code.is_none());
        for (path, bytes) in workspace.visible() {
            assert!(wanted.get(&path) == Some(&bytes), "killed at step {step} and {again:?}: {path:?} is not whole");
        }
    }
    let (code, said) = workspace.run(None);
    assert_eq!(code, Some(0), "killed at step {step} and {again:?}: {said}");
    assert!(files(&workspace.folders().output) == *wanted, "killed at step {step} and {again:?}");
    mill.assert_sound(&workspace.folders(), &format!("killed at step {step} and {again:?}"));
    let bought_again = workspace.simulator.lock().unwrap().stats().duplicates;
    assert!(bought_again <= kills * IN_FLIGHT, "{bought_again} pages bought again after {kills} kills");
    true
}

#[test]
fn at_every_step() {
    let runtime = Runtime::new().unwrap();
    let wanted = runtime.block_on(first(STOCKS)).proof.after;
    let mill = Mill::new(STOCKS);
    let (next, last) = (AtomicU64::new(1), AtomicU64::new(u64::MAX));
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                loop {
                    let step = next.fetch_add(1, Ordering::Relaxed);
                    if step > last.load(Ordering::Relaxed) {
                        break;
                    }
                    if !point(&mill, &runtime, &wanted, step) {
                        last.fetch_min(step, Ordering::Relaxed);
                    }
                }
            });
        }
    });
    let steps = last.load(Ordering::Relaxed);
    assert!(steps > 80, "only {steps} steps");
}
