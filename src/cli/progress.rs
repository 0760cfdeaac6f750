//! What a person sees while a run goes on: a bar per job on a terminal, a few lines for cron, always on stderr.
//!
//! The only file that knows indicatif.

use std::collections::HashMap;
use std::io::IsTerminal;
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use jiff::Timestamp;

use crate::fetch::Notice;
use crate::quota::{Meter, Snapshot};
use crate::run::{Event, EventKind};

use super::args::ProgressMode;
use super::render::heading;
use super::term::say;

/// Off a terminal a line is due after this long without one.
const QUIET: Duration = Duration::from_secs(300);

/// Shows the events of a run.
pub(super) struct Progress {
    style: Style,
    jobs: HashMap<String, Shown>,
}

enum Style {
    Bars(MultiProgress),
    Lines,
    Silent,
}

struct Shown {
    bar: Option<ProgressBar>,
    total: u64,
    settled: u64,
    records: u64,
    requests: u64,
    retries: u64,
    tenth: u64,
    last_line: Timestamp,
    delayed: String,
    meter: Option<Meter>,
}

impl Progress {
    /// As asked; `auto` looks whether stderr is a terminal.
    pub(super) fn new(mode: ProgressMode) -> Self {
        let style = match mode {
            ProgressMode::Bar => Style::Bars(MultiProgress::with_draw_target(ProgressDrawTarget::stderr())),
            ProgressMode::Auto if std::io::stderr().is_terminal() => {
                Style::Bars(MultiProgress::with_draw_target(ProgressDrawTarget::stderr()))
            }
            ProgressMode::Auto | ProgressMode::Lines => Style::Lines,
            ProgressMode::None => Style::Silent,
        };
        Self { style, jobs: HashMap::new() }
    }

    /// Takes in one event.
    pub(super) fn show(&mut self, event: &Event) {
        let name = event.job.as_str();
        match &event.kind {
            EventKind::Planned { cells, settled, partitions } => {
                self.begin(name, event.at, *cells, *settled);
                self.line(name, event.at, &format!("{} of {cells} cells left, {partitions} files", cells - settled));
            }
            EventKind::Limited(meter) => {
                if let Some(shown) = self.jobs.get_mut(name) {
                    shown.meter = Some(meter.clone());
                }
            }
            EventKind::Fetching { notice, .. } => self.notice(name, notice),
            EventKind::CellEnded { end, .. } => {
                if let (Some(shown), crate::fetch::CellEnd::Settled(_)) = (self.jobs.get_mut(name), end) {
                    shown.settled += 1;
                }
                self.advance(name, event.at);
            }
            EventKind::Quota(_) | EventKind::Published(_) | EventKind::RejectedRecords { .. } => {}
            EventKind::Ended { exit, reason, .. } => {
                if let Some(Shown { bar: Some(bar), .. }) = self.jobs.get(name) {
                    bar.finish();
                }
                let reason = reason.as_ref().map(|reason| format!(": {reason}")).unwrap_or_default();
                self.line(name, event.at, &format!("{}{reason}", heading(*exit)));
            }
        }
    }

    fn begin(&mut self, name: &str, at: Timestamp, total: u64, settled: u64) {
        let bar = match &self.style {
            Style::Bars(bars) => {
                let bar = bars.add(ProgressBar::new(total));
                if let Ok(style) = ProgressStyle::with_template("{prefix} {bar:24} {pos}/{len} cells  {msg}") {
                    bar.set_style(style.progress_chars("█▌░"));
                }
                bar.set_prefix(format!("{name:<24}"));
                bar.set_position(settled);
                bar.enable_steady_tick(Duration::from_millis(250));
                Some(bar)
            }
            Style::Lines | Style::Silent => None,
        };
        let tenth = (settled * 10).checked_div(total).unwrap_or(10);
        let shown = Shown {
            bar,
            total,
            settled,
            records: 0,
            requests: 0,
            retries: 0,
            tenth,
            last_line: at,
            delayed: String::new(),
            meter: None,
        };
        self.jobs.insert(name.to_owned(), shown);
    }

    fn notice(&mut self, name: &str, notice: &Notice) {
        let Some(shown) = self.jobs.get_mut(name) else { return };
        match notice {
            Notice::Attempt { .. } => {
                shown.requests += 1;
                shown.delayed.clear();
            }
            Notice::Page { records, .. } => shown.records += records,
            Notice::Delay { reason, .. } => {
                shown.retries += 1;
                shown.delayed = format!("  waiting: {reason}");
            }
            Notice::Warning(text) => {
                let text = format!("{name}: {text}");
                match &self.style {
                    Style::Bars(bars) => bars.suspend(|| say(&text)),
                    Style::Lines => say(&text),
                    Style::Silent => {}
                }
            }
        }
    }

    fn advance(&mut self, name: &str, at: Timestamp) {
        let Some(shown) = self.jobs.get_mut(name) else { return };
        if let Some(bar) = &shown.bar {
            bar.set_position(shown.settled);
            bar.set_message(shown.message());
        }
        let tenth = (shown.settled * 10).checked_div(shown.total).unwrap_or(10);
        let quiet = Duration::try_from(at.duration_since(shown.last_line)).unwrap_or_default();
        if tenth > shown.tenth || quiet >= QUIET {
            shown.tenth = tenth;
            shown.last_line = at;
            let percent = (shown.settled * 100).checked_div(shown.total).unwrap_or(100);
            let text = format!("{percent} %, {}/{} cells, {}", shown.settled, shown.total, shown.message());
            self.line(name, at, &text);
        }
    }

    /// Shows how long the jobs wait for their limits; to be called about twice a second.
    pub(super) async fn refresh(&mut self, now: Timestamp) {
        for shown in self.jobs.values_mut() {
            let (Some(bar), Some(meter)) = (&shown.bar, &shown.meter) else { continue };
            if bar.is_finished() {
                continue;
            }
            if let Some(snapshot) = meter.read().await {
                bar.set_message(format!("{}{}", shown.message(), waiting(&snapshot, now)));
            }
        }
    }

    fn line(&self, name: &str, at: Timestamp, text: &str) {
        if let Style::Lines = self.style {
            say(&format!("{} {name} {text}", at.strftime("%H:%M:%SZ")));
        }
    }
}

impl Shown {
    fn message(&self) -> String {
        let retries = if self.retries > 0 { format!(", {} retries", self.retries) } else { String::new() };
        format!("{} requests, {} records{retries}{}", self.requests, self.records, self.delayed)
    }
}

/// What keeps the next request, when that is for longer than the eye notices.
fn waiting(snapshot: &Snapshot, now: Timestamp) -> String {
    match (snapshot.next_permit_at, &snapshot.waits_for) {
        (Some(at), Some(limit)) if at.duration_since(now).as_secs() >= 3 => {
            format!("  waiting {} s: {limit}", at.duration_since(now).as_secs())
        }
        (Some(_) | None, _) => String::new(),
    }
}
