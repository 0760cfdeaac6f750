//! What must hold after every run, and at the end of the quarter.

use jiff::Timestamp;
use tidemill::job::Job;
use tidemill::ledger::Ledger;
use tidemill::plan::CellKey;
use tidemill::run::{CellTally, Exit, Report, Scope, VerifyOptions, verify};

use super::super::run::parquet::files;
use super::books::Ran;
use super::jobs::{HISTORY, PAGE, RANKS};
use super::judge::{Around, judge};
use super::play::Stage;
use super::schedule::{End, Night, Run, When};
use super::trouble::Vendor;

/// Quiet nights after which nothing may be left to do.
const QUIET: usize = 20;

impl Stage<'_> {
    /// Looks at everything after runs that began at `started`; without a report they were killed.
    pub(crate) fn look(&mut self, night: &Night, end: End, started: Timestamp, reports: Vec<Report>) {
        match end {
            End::Kill(_) if reports.is_empty() => self.count("killed"),
            End::Death(..) if failed(&reports) => self.count("the ledger died"),
            End::Full(_) if failed(&reports) => self.count("the disk was full"),
            _ => {}
        }
        self.close_books(night, end, started, reports.is_empty());
        let ledger = self.scene.ledger();
        for (index, job) in self.scene.parsed().iter().enumerate() {
            let trouble = night.trouble.iter().find(|(name, _)| *name == job.provider);
            let quiet = match &*reports {
                [report] => {
                    let ended = &report.jobs[index];
                    let idle = !self.scene.retry_failed && ended.requests == 0 && ended.files.is_empty();
                    ended.exit == Exit::Done || (idle && matches!(end, End::Own))
                }
                _ => false,
            };
            let unpublished = self.stand(index, job, ledger.as_ref(), started, quiet);
            for report in &reports {
                let ended = &report.jobs[index];
                let around = Around {
                    end,
                    unpublished,
                    troubled: trouble.is_some(),
                    stops: trouble.is_some_and(|(_, script)| Vendor::named(&job.provider).may_stop(script)),
                    beside: reports.len() > 1,
                    reopens: self.books.reopens(&job.provider),
                    now: self.scene.clock.now().wall,
                };
                judge(ended, &self.tallies[index], &around).unwrap_or_else(|wrong| panic!("{wrong}"));
                self.count(format!("{} {}", ended.job, ended.exit.code()));
            }
        }
        for report in &reports {
            self.count(format!("exit {}", report.exit_code));
            // Only a job's own next run sweeps what it left.
            if report.exit == Exit::Done && night.weekly {
                assert_eq!(files(&self.scene.folders().output.join("_staging")).len(), 0, "half a file is left");
            }
        }
        self.reports = reports;
    }

    /// What is visible of a job, and what the library itself says. One that was simply done, or did nothing, is looked at
    /// closely now and then only: most of them are. Answers how many partitions lack their file.
    fn stand(&mut self, index: usize, job: &Job, ledger: &dyn Ledger, started: Timestamp, quiet: bool) -> u64 {
        let folders = self.scene.folders();
        let (name, shelf) = (job.name.as_str(), &mut self.shelves[index]);
        let planned = shelf.plan(job, started);
        shelf.look(&folders.output.join(name)).unwrap_or_else(|wrong| panic!("{wrong}"));
        if ledger.token(name).unwrap().is_none() {
            // Lost, and not found again yet; whatever ends by itself has done that first.
            assert!(!quiet, "{name} is not known");
            return 1;
        }
        let totals = ledger.totals(name).unwrap();
        let (files, rows) = shelf.count();
        let unpublished = totals.fetching + totals.sealed + totals.publishing;
        if unpublished == 0 {
            assert_eq!(totals.rows, rows, "{name}: {totals:?}");
        }
        let was = self.tallies[index].left;
        let mut cells = CellTally {
            total: totals.planned + totals.records + totals.empty + totals.unconfirmed + totals.rejected,
            records: totals.records,
            empty: totals.empty + totals.unconfirmed,
            unconfirmed: totals.unconfirmed,
            rejected: totals.rejected,
            left: totals.planned,
            not_planned: 0,
        };
        if !quiet || self.closely {
            let options = VerifyOptions { read_data: self.read_data, planned: Some(&planned) };
            let found = verify(&Scope { folders: &folders, job }, ledger, options).unwrap();
            assert_eq!(found.findings, [], "verify {name}");
            if unpublished == 0 {
                assert_eq!((found.files, found.rows), (files, rows), "{name}: files and rows");
            }
            self.count("verifications");
            cells = found.cells;
        }
        if index == HISTORY && cells.left == 0 && was > 0 {
            self.counts.entry("days of the backfill".to_owned()).or_insert(self.books.days(&job.provider) as u64);
        }
        self.tallies[index] = cells;
        unpublished
    }

    /// Quiet nights until nothing is left, then one that has a new day and nothing else.
    pub(crate) async fn finish(&mut self) {
        let mut nights = 1;
        loop {
            self.quiet_night(nights).await;
            let settled = |tally: &CellTally| (tally.left, tally.rejected, tally.unconfirmed) == (0, 0, 0);
            if self.tallies.iter().all(settled) {
                break;
            }
            nights += 1;
            assert!(nights < QUIET, "after {nights} quiet nights: {:?}", self.tallies);
        }
        let ledger = self.scene.ledger();
        let mut known: Vec<Vec<CellKey>> = Vec::new();
        for (shelf, job) in self.shelves.iter().zip(self.scene.parsed()) {
            let cells: Vec<CellKey> =
                ledger.known(job.name.as_str()).unwrap().into_iter().flat_map(|partition| partition.cells).collect();
            assert_eq!(shelf.missing(&cells), Vec::<&str>::new(), "cells of {}", job.name.as_str());
            known.push(cells);
        }
        drop(ledger);
        self.quiet_night(nights + 1).await;
        let new = self.pages_of_new(&known[RANKS]);
        let report = &self.reports[0];
        assert_eq!(report.exit, Exit::Done, "{report:#?}");
        for (index, job) in report.jobs.iter().enumerate() {
            let due = if index == RANKS { new } else { 0 };
            assert_eq!(job.requests, due, "job {} asked for what it has", job.job);
        }
        let again = self.scene.run().await;
        assert_eq!((again.requests, again.report.exit), (0, Exit::Done), "{:#?}", again.report);
    }

    fn close_books(&mut self, night: &Night, end: End, started: Timestamp, killed: bool) {
        let troubled: Vec<&str> = night.trouble.iter().map(|(provider, _)| *provider).collect();
        let lossy = killed || matches!(end, End::Full(_));
        let ran = Ran { started, lossy, troubled: &troubled };
        self.books.close(&self.scene, &ran).unwrap_or_else(|wrong| panic!("{wrong}"));
    }

    async fn quiet_night(&mut self, after: usize) {
        let last = self.quarter.nights.last().unwrap();
        let run = Run { when: When::Cron, end: End::Own };
        let night = Night {
            at: self.quarter.after(after),
            symbols: last.symbols.clone(),
            prompts: last.prompts,
            weekly: true,
            trouble: Vec::new(),
            lost: false,
            spent: None,
            runs: vec![run],
        };
        self.night(&night).await;
    }

    /// Pages of the cells of the ranks that are not among `known`.
    fn pages_of_new(&mut self, known: &[CellKey]) -> u64 {
        let job = &self.scene.parsed()[RANKS];
        let now = self.scene.clock.now().wall;
        let planned = self.shelves[RANKS].plan(job, now);
        let pages = |key: &CellKey| self.shelves[RANKS].rows_of(key).div_ceil(PAGE).max(1) as u64;
        planned.iter().filter(|key| !known.contains(key)).map(pages).sum()
    }
}

fn failed(reports: &[Report]) -> bool {
    reports.iter().any(|report| report.exit == Exit::Failed)
}
