//! Takes in the events of a run and shows them, as asked.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use super::eta::{Eta, Outset, eta};
use super::page::page;
use super::painter::Painter;
use super::row::Row;
use super::told::{self, Beside, Line, Told};
use super::tracked::Tracked;
use super::words;
use crate::cli::args::ProgressMode;
use crate::cli::term::{can_draw, colors_err, say, say_json};
use crate::fetch::Notice;
use crate::plan::{Learned, Work};
use crate::provider::Provider;
use crate::quota::{Meter, Moment, Snapshot};
use crate::run::{Event, EventKind, Prepared};

/// How often bars are drawn.
const DRAWN: Duration = Duration::from_millis(200);

/// How often is looked whether a line is due.
const LOOKED: Duration = Duration::from_secs(1);

/// A forecast walks through all days that are left: it is made anew after this long.
const FORECAST: Duration = Duration::from_secs(5);

/// A job whose progress is shown.
pub(in crate::cli) struct Subject {
    name: String,
    provider: Arc<Provider>,
    account: String,
    work: Work,
}

impl Subject {
    /// Of a job, with what earlier runs learned of its cells.
    pub(in crate::cli) fn new(prepared: &Prepared, learned: Learned) -> Self {
        let Prepared { job, provider, credential } = prepared;
        Self {
            name: job.name.as_str().to_owned(),
            provider: Arc::clone(provider),
            account: credential.fingerprint(),
            work: Work { cells: 0, learned, ceilings: job.ceilings },
        }
    }
}

/// Shows the events of a run.
pub(in crate::cli) struct Progress {
    style: Style,
    jobs: Vec<Shown>,
    places: HashMap<String, usize>,
    accounts: Vec<Account>,
}

enum Style {
    Bars(Painter),
    Lines,
    Json,
    Silent,
}

#[derive(Default)]
struct Shown {
    job: Tracked,
    told: Told,
    eta: Option<(Duration, Eta)>,
}

/// The limits that jobs share.
struct Account {
    fingerprint: String,
    provider: Arc<Provider>,
    meter: Option<Meter>,
    snapshot: Option<Snapshot>,
}

impl Progress {
    /// As asked; bars where stderr is a terminal that can show them.
    pub(in crate::cli) fn new(mode: ProgressMode, subjects: Vec<Subject>) -> Self {
        let style = match mode {
            ProgressMode::Auto | ProgressMode::Bar if can_draw() => Style::Bars(Painter::new()),
            ProgressMode::Auto | ProgressMode::Bar | ProgressMode::Lines => Style::Lines,
            ProgressMode::Json => Style::Json,
            ProgressMode::None => Style::Silent,
        };
        let mut accounts: Vec<Account> = Vec::new();
        let (mut jobs, mut places) = (Vec::new(), HashMap::new());
        for Subject { name, provider, account, work } in subjects {
            let known = accounts.iter().position(|known| known.fingerprint == account);
            let index = known.unwrap_or(accounts.len());
            if known.is_none() {
                accounts.push(Account { fingerprint: account, provider, meter: None, snapshot: None });
            }
            places.insert(name.clone(), jobs.len());
            let job = Tracked::new(name, index, work.learned, work.ceilings);
            jobs.push(Shown { job, ..Shown::default() });
        }
        Self { style, jobs, places, accounts }
    }

    /// How long after a tick the next one is due.
    pub(super) fn pause(&self) -> Duration {
        if let Style::Bars(_) = self.style { DRAWN } else { LOOKED }
    }

    /// Takes in one event.
    pub(super) async fn show(&mut self, event: &Event, now: Moment) {
        let Some(place) = self.places.get(event.job.as_str()).copied() else { return };
        let Some(shown) = self.jobs.get_mut(place) else { return };
        shown.job.take(&event.kind, now.elapsed);
        match &event.kind {
            EventKind::Limited(meter) => {
                if let Some(account) = self.accounts.get_mut(shown.job.account) {
                    account.meter.get_or_insert_with(|| meter.clone());
                    account.look().await;
                }
                self.begin(place, now);
            }
            EventKind::Fetching { notice: Notice::Warning(text), .. } => {
                self.begin(place, now);
                self.warn(place, text, now);
            }
            EventKind::Ended { .. } => {
                self.begin(place, now);
                self.tell(Line::End, place, now);
            }
            EventKind::Replayed { .. } => {
                self.begin(place, now);
                self.tell_due(Some(place), now).await;
            }
            EventKind::CellEnded { .. } => self.tell_due(Some(place), now).await,
            EventKind::Planned { .. }
            | EventKind::Quota(_)
            | EventKind::Fetching { .. }
            | EventKind::Published(_)
            | EventKind::RejectedRecords { .. } => {}
        }
    }

    /// Draws, or tells what is due.
    pub(super) async fn tick(&mut self, now: Moment) {
        if let Style::Bars(_) = self.style {
            self.look().await;
            self.draw(now);
        } else {
            self.tell_due(None, now).await;
        }
    }

    /// Tells how far jobs are of which a line is due: of the one at `place`, or of all.
    async fn tell_due(&mut self, place: Option<usize>, now: Moment) {
        if !matches!(self.style, Style::Lines | Style::Json) {
            return;
        }
        let places = place.map_or(0..self.jobs.len(), |place| place..place + 1);
        let is_due =
            |place: &usize| self.jobs.get(*place).is_some_and(|Shown { told, job, .. }| told.is_due(job, now.elapsed));
        let due: Vec<usize> = places.filter(is_due).collect();
        if !due.is_empty() {
            self.look().await;
        }
        due.into_iter().for_each(|place| self.tell(Line::Progress, place, now));
    }

    async fn look(&mut self) {
        for account in &mut self.accounts {
            account.look().await;
        }
    }

    /// Leaves the bars as they ended, unless the summary that follows on the same terminal says more.
    pub(super) fn end(mut self, now: Moment) {
        let followed = std::io::IsTerminal::is_terminal(&std::io::stdout());
        let rows = self.rows(now);
        if let (Style::Bars(painter), false) = (self.style, followed) {
            let (width, _) = painter.size();
            painter.leave(&page(&rows, &[], width.saturating_sub(1), usize::MAX, colors_err()));
        }
    }

    /// The first line of a job comes before all others.
    fn begin(&mut self, place: usize, now: Moment) {
        if self.jobs.get(place).is_some_and(|shown| !shown.told.begin && shown.job.total.is_some()) {
            self.tell(Line::Begin, place, now);
        }
    }

    fn warn(&self, place: usize, text: &str, now: Moment) {
        let Some(Shown { job, .. }) = self.jobs.get(place) else { return };
        match self.style {
            Style::Bars(_) | Style::Lines => say(&told::warning(job, text)),
            Style::Json => say_json(&told::warning_json(job, text, now.wall)),
            Style::Silent => {}
        }
    }

    fn tell(&mut self, line: Line, place: usize, now: Moment) {
        let json = match self.style {
            Style::Bars(_) | Style::Silent => return,
            Style::Lines => false,
            Style::Json => true,
        };
        if self.is_stale(place, now) {
            self.forecast(place, now);
        }
        let Some(shown) = self.jobs.get_mut(place) else { return };
        let Some(Account { provider, snapshot, .. }) = self.accounts.get(shown.job.account) else { return };
        shown.told.note(&shown.job, now.elapsed);
        let snapshot = snapshot.as_ref();
        let beside = Beside {
            rate: shown.job.rate.per_second(now.elapsed).map(|(rate, _)| rate),
            eta: shown.eta.map(|(_, eta)| eta).filter(|_| shown.job.is_running()),
            waiting: shown.waiting(snapshot, provider, now),
            quota: snapshot.and_then(|snapshot| words::left_today(snapshot, provider)),
        };
        match json {
            true => say_json(&told::json(line, &shown.job, provider, &beside, now.wall)),
            false => say(&told::text(line, &shown.job, provider, &beside, now.wall)),
        }
    }

    fn draw(&mut self, now: Moment) {
        let Style::Bars(painter) = &self.style else { return };
        let (width, height) = painter.size();
        let rows = self.rows(now);
        let used = |index| self.jobs.iter().any(|shown| shown.job.account == index && shown.job.end.is_none());
        let quotas = self.accounts.iter().enumerate().filter(|(index, _)| used(*index));
        let quotas: Vec<String> = quotas
            .filter_map(|(_, Account { provider, snapshot, .. })| Some(words::quota(snapshot.as_ref()?, provider)))
            .collect();
        // A line as wide as the terminal would wrap.
        let page = page(&rows, &quotas, width.saturating_sub(1), height, colors_err());
        if let Style::Bars(painter) = &self.style {
            painter.draw(&page);
        }
    }

    fn rows(&mut self, now: Moment) -> Vec<Row> {
        // A walk through years of days takes its time: one a tick, whatever the number of jobs.
        let made = |place: &usize| self.jobs.get(*place).and_then(|shown| shown.eta.map(|(made, _)| made));
        if let Some(oldest) = (0..self.jobs.len()).filter(|place| self.is_stale(*place, now)).min_by_key(made) {
            self.forecast(oldest, now);
        }
        let accounts = &self.accounts;
        let row = |shown: &mut Shown| {
            let account = accounts.get(shown.job.account)?;
            Some(shown.row(account.snapshot.as_ref(), &account.provider, now))
        };
        self.jobs.iter_mut().filter_map(row).collect()
    }

    /// Whether a forecast of the job is due. Without limits nothing is forecast.
    fn is_stale(&self, place: usize, now: Moment) -> bool {
        let Some(Shown { job, eta, .. }) = self.jobs.get(place) else { return false };
        let fresh =
            eta.is_some_and(|(made, eta)| now.elapsed < made + FORECAST && eta.done.is_none_or(|done| done > now.wall));
        !fresh && job.is_running() && self.accounts.get(job.account).is_some_and(|account| account.meter.is_some())
    }

    /// Says anew when the job at `place` is done.
    fn forecast(&mut self, place: usize, now: Moment) {
        let Some(shown) = self.jobs.get(place) else { return };
        let Some(account) = self.accounts.get(shown.job.account) else { return };
        let others = self.jobs.iter().enumerate().filter(|(index, other)| {
            *index != place && other.job.account == shown.job.account && other.job.is_running()
        });
        let others: Vec<Work> = others.map(|(_, other)| other.job.work()).collect();
        let (own, mut rate) = (shown.job.work(), shown.job.rate.clone());
        let rate = rate.per_second(now.elapsed);
        let snapshot = account.snapshot.as_ref();
        let outset = Outset { provider: &account.provider, snapshot, own, others: &others, rate };
        let eta = eta(&outset, now.wall);
        if let Some(shown) = self.jobs.get_mut(place) {
            shown.eta = Some((now.elapsed, eta));
        }
    }
}

impl Account {
    /// Asks how full the limits are; once nobody keeps them any more, the last answer stands.
    async fn look(&mut self) {
        if let Some(meter) = &self.meter
            && let Some(snapshot) = meter.read().await
        {
            self.snapshot = Some(snapshot);
        }
    }
}

impl Shown {
    fn waiting(&self, snapshot: Option<&Snapshot>, provider: &Provider, now: Moment) -> Option<String> {
        if !self.job.is_running() {
            return None;
        }
        snapshot.and_then(|snapshot| words::waiting(snapshot, provider, now.wall)).or_else(|| self.job.delay(now))
    }

    fn row(&mut self, snapshot: Option<&Snapshot>, provider: &Provider, now: Moment) -> Row {
        let waiting = self.waiting(snapshot, provider, now);
        let resumes = self.job.end.as_ref().and_then(|end| end.resume_at).map(|at| words::clock(at, provider));
        Row {
            name: self.job.name.clone(),
            done: self.job.done,
            total: self.job.total,
            rate: self.job.rate.per_second(now.elapsed).map(|(rate, _)| rate),
            retries: self.job.retries,
            eta: self.eta.map(|(_, eta)| words::eta(eta, now.wall)),
            waiting: waiting.or_else(|| self.job.total.is_none().then(|| "its plan".to_owned())),
            end: self.job.ended(resumes),
        }
    }
}
