//! What scenes about published files share: other answers on another night, replays, proofs, disks that die.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use tidemill::fetch::{CellEnd, Notice};
use tidemill::ledger::{Ledger, Outcome, PartitionRow};
use tidemill::quota::Clock;
use tidemill::run::{EventKind, JobReport, Report, Scope, Store, Verification, VerifyOptions, apply, replay, verify};
use tidemill::simulate::{self, Faults, SimSecrets, Simulator};
use tokio::sync::mpsc;

use super::scene::{Ended, Scene};

/// All bytes below an output folder.
pub(crate) type Files = BTreeMap<PathBuf, Vec<u8>>;

impl Scene {
    pub(crate) fn rows_of(&self, index: usize) -> Vec<PartitionRow> {
        self.ledger().partitions(self.name(index)).unwrap()
    }

    pub(crate) fn verified(&self, index: usize) -> Verification {
        let (folders, jobs) = (self.folders(), self.parsed());
        let scope = Scope { folders: &folders, job: &jobs[index] };
        verify(&scope, self.ledger().as_ref(), VerifyOptions { read_data: true, planned: None }).unwrap()
    }

    pub(crate) fn assert_sound(&self, what: &str) {
        for index in 0..self.jobs.len() {
            assert_eq!(self.verified(index).findings, [], "{what}");
        }
    }

    /// A run with `--retry-failed`.
    pub(crate) async fn retry(&mut self) -> Ended {
        self.retry_failed = true;
        let ended = self.run().await;
        self.retry_failed = false;
        ended
    }

    /// A run with `--refetch`.
    pub(crate) async fn refetch(&mut self) -> Ended {
        self.refetch = true;
        let ended = self.run().await;
        self.refetch = false;
        ended
    }

    /// A run with `--accept-failed`.
    pub(crate) async fn accept(&mut self) -> Ended {
        self.accept_failed = true;
        let ended = self.run().await;
        self.accept_failed = false;
        ended
    }

    /// Another day: from now on the providers have other rows, other faults, and have sold nothing yet.
    pub(crate) fn other_rows(&mut self, seed: u64, faults: &[(&str, &str)]) {
        self.seed = seed;
        let workspace = self.workspace();
        for (name, simulator) in &mut self.simulators {
            let provider = workspace.provider(name).unwrap();
            let secrets = SimSecrets::resolve(&provider, |_| None);
            let script = faults.iter().find(|(of, _)| of == name).map_or("", |(_, script)| script);
            let faults = Faults::parse(script, &provider).unwrap();
            let options = simulate::Options { seed, faults, ..simulate::Options::default() };
            *simulator = Arc::new(Mutex::new(Simulator::new(&provider, secrets, options)));
        }
    }

    pub(crate) async fn replay(&self) -> Ended {
        self.replay_with(self.ledger()).await
    }

    pub(crate) async fn replay_with(&self, ledger: Box<dyn Ledger>) -> Ended {
        let before = self.requests();
        let prepared = self.prepared();
        let mut reports: Vec<JobReport> = prepared
            .iter()
            .map(|one| JobReport::new(one.job.name.as_str(), &one.provider.name, String::new()))
            .collect();
        let started = self.clock.now().wall;
        let (sender, mut heard) = mpsc::unbounded_channel();
        replay(prepared, Store::new(ledger), self.folders(), Clock::starting_at(started), sender).await;
        let mut events = Vec::new();
        while let Some(event) = heard.recv().await {
            apply(&mut reports, &event);
            events.push(event);
        }
        let report = Report::new(started, self.clock.now().wall, true, reports);
        assert_eq!((report.requests_sent, self.requests()), (0, before), "a replay asked");
        Ended { report, requests: 0, events }
    }

    /// Every visible file is one of `old`, or as the ledger has decided it.
    pub(crate) fn assert_old_or_new(&self, old: &Files, what: &str) {
        let decided: Vec<Option<String>> = self.rows_of(0).into_iter().map(|row| row.digest).collect();
        for (path, bytes) in self.output() {
            let digest = blake3::hash(&bytes).to_hex().to_string();
            let staging = path.extension().is_some_and(|extension| extension == "tmp");
            let stands = staging || decided.contains(&Some(digest)) || old.get(&path) == Some(&bytes);
            assert!(stands, "{what}: {}", path.display());
        }
    }

    /// Everything is as it was: the files, and what the ledger says of them.
    pub(crate) fn assert_unchanged(&self, old: &Files, rows: &[PartitionRow], what: &str) {
        assert!(*old == self.output(), "{what}: a file changed");
        let known = |rows: &[PartitionRow]| {
            rows.iter().map(|row| (row.state, row.generation, row.digest.clone(), row.rows)).collect::<Vec<_>>()
        };
        assert_eq!(known(rows), known(&self.rows_of(0)), "{what}");
        self.assert_sound(what);
    }

    /// From its `nth` step on, counted from 1, the disk takes nothing; what is left of a run is what a killed one leaves.
    #[cfg(debug_assertions)]
    pub(crate) fn disk_dies_at(&self, nth: usize) -> (tidemill::disk::Watch, Arc<Mutex<usize>>) {
        use tidemill::disk::{Watch, What};
        let steps = Arc::new(Mutex::new(0));
        let counted = Arc::clone(&steps);
        let state = self.folders().state;
        let above = move |path: &std::path::Path| state.starts_with(path);
        let watch = Watch::below(self.folders().state.parent().unwrap(), move |op| {
            // Opening the ledger comes before the run; its folder is made sure of then.
            if matches!(op.what, What::Began | What::Committed) || above(&op.path) {
                return Ok(());
            }
            let mut steps = counted.lock().unwrap();
            *steps += 1;
            if *steps < nth { Ok(()) } else { Err(std::io::Error::from_raw_os_error(28)) }
        });
        (watch, steps)
    }
}

/// Keys of the cells that were asked for, in order.
pub(crate) fn asked(ended: &Ended) -> Vec<String> {
    let cell = |kind: &EventKind| match kind {
        EventKind::Fetching { cell, notice: Notice::Attempt { .. } } => Some(cell.to_string()),
        _ => None,
    };
    let mut cells: Vec<String> = ended.events.iter().filter_map(|event| cell(&event.kind)).collect();
    cells.dedup();
    cells
}

/// Keys of the cells that were rejected.
pub(crate) fn rejected(ended: &Ended) -> Vec<String> {
    let cell = |kind: &EventKind| match kind {
        EventKind::CellEnded { cell, end: CellEnd::Settled(Outcome::Rejected { .. }) } => Some(cell.to_string()),
        _ => None,
    };
    ended.events.iter().filter_map(|event| cell(&event.kind)).collect()
}

/// Files that differ between two moments, those that are gone included.
pub(crate) fn changed(before: &Files, after: &Files) -> Vec<PathBuf> {
    let paths: std::collections::BTreeSet<&PathBuf> = before.keys().chain(after.keys()).collect();
    paths.into_iter().filter(|path| before.get(*path) != after.get(*path)).cloned().collect()
}
