//! What went over the wire, held against what was charged for it and what the provider counted.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::{Date, Time};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use tidemill::provider::WindowKind;
use tidemill::quota::{History, Journal};

use super::super::run::scene::Scene;
use super::jobs::{CONCURRENCY, DAYS, MOST_PAGES};
use super::trouble::{VENDORS, Vendor};

/// One credential that has a day.
struct Account {
    provider: &'static str,
    zone: TimeZone,
    resets: Time,
    max: u64,
    fingerprint: String,
    /// Requests the provider has logged and we have booked.
    booked: usize,
    /// Requests of our own by day of the provider.
    wire: BTreeMap<Date, u64>,
    /// What the provider counted, whoever sent it.
    counted: BTreeMap<Date, u64>,
    /// Refusals of a used-up day that nobody could foresee, and those that came.
    unforeseen: BTreeMap<Date, u64>,
    refused: BTreeMap<Date, u64>,
    /// All refusals of a used-up day so far.
    refusals: u64,
    /// Days on which more may be charged than was sent: a permit died with its run, or a call was under way when the
    /// day began.
    uneven: BTreeSet<Date>,
    /// The day is used up until then.
    reopens: Option<Timestamp>,
}

/// A run that is over.
pub(crate) struct Ran<'a> {
    pub(crate) started: Timestamp,
    /// It was killed, or could not keep what it was sent.
    pub(crate) lossy: bool,
    /// Providers that had a bad night.
    pub(crate) troubled: &'a [&'a str],
}

/// Requests a killed run left under way.
struct Busy {
    until: Timestamp,
    /// Refusals for too many at once.
    refused: u64,
}

/// The longest the provider works on a request.
const GATEWAY: SignedDuration = SignedDuration::from_secs(60);

pub(crate) struct Books {
    accounts: Vec<Account>,
    /// Pages that may have been bought again, by provider: the kills so far, times what can be under way.
    again: BTreeMap<&'static str, u64>,
    busy: BTreeMap<&'static str, Busy>,
}

impl Books {
    pub(crate) fn open(scene: &Scene) -> Self {
        let account = |(provider, zone, resets): (&'static str, &str, &str)| {
            let (served, credential) = scene.served(provider);
            let windows = &served.limits.windows;
            let day = windows.iter().find(|window| matches!(window.kind, WindowKind::Day { .. })).unwrap();
            Account {
                provider,
                zone: TimeZone::get(zone).unwrap(),
                resets: resets.parse().unwrap(),
                max: day.max.into(),
                fingerprint: credential.fingerprint(),
                booked: 0,
                wire: BTreeMap::new(),
                counted: BTreeMap::new(),
                unforeseen: BTreeMap::new(),
                refused: BTreeMap::new(),
                refusals: 0,
                uneven: BTreeSet::new(),
                reopens: None,
            }
        };
        let idle = |vendor: &Vendor| (vendor.name, Busy { until: Timestamp::MIN, refused: 0 });
        Self {
            accounts: DAYS.map(account).into(),
            again: VENDORS.iter().map(|vendor| (vendor.name, 0)).collect(),
            busy: VENDORS.iter().map(idle).collect(),
        }
    }

    /// Calls left of the day of `provider`, and who else may use it: nobody tells us.
    pub(crate) fn left(&self, provider: &str, now: Timestamp) -> u64 {
        let account = self.accounts.iter().find(|account| account.provider == provider).unwrap();
        account.max - account.counted.get(&account.day(now)).copied().unwrap_or_default()
    }

    /// Books what somebody else sent until now.
    pub(crate) fn somebody_else(&mut self, scene: &Scene, provider: &str) {
        let now = scene.clock.now().wall;
        let account = self.accounts.iter_mut().find(|account| account.provider == provider).unwrap();
        account.book(scene, false);
        // One call finds out.
        account.unforeseen.insert(account.day(now), 1);
    }

    /// So many pages of `provider` may be bought again.
    pub(crate) fn excuse(&mut self, provider: &str, pages: u64) {
        *self.again.get_mut(provider).unwrap() += pages;
    }

    /// Books a run, and says what does not add up.
    pub(crate) fn close(&mut self, scene: &Scene, ran: &Ran<'_>) -> Result<(), String> {
        for vendor in &VENDORS {
            let stats = scene.stats(vendor.name);
            let again = self.again.get_mut(vendor.name).unwrap();
            *again += if ran.lossy { CONCURRENCY } else { 0 };
            // A cell whose cursor is refused begins anew, and one that is refused in whole begins anew some day.
            let refused: u64 = vendor.refusing.iter().filter_map(|code| stats.refusals.get(*code)).sum();
            let excused = *again + refused * (MOST_PAGES - 1);
            if stats.duplicates > excused {
                return Err(format!("{}: {} pages bought again, {excused} excused", vendor.name, stats.duplicates));
            }
            let busy = self.busy.get_mut(vendor.name).unwrap();
            for window in stats.windows.iter().filter(|window| window.label != "calendar day") {
                if window.label == "at once" && ran.started < busy.until {
                    // What hung when its run was killed still hangs when the next one begins.
                    busy.refused = window.refused;
                }
                let known = if window.label == "at once" { busy.refused } else { 0 };
                if window.refused > known {
                    return Err(format!("{}: the limit of {} was passed: {window:?}", vendor.name, window.label));
                }
            }
            if ran.lossy && ran.troubled.contains(&vendor.name) {
                busy.until = scene.clock.now().wall + GATEWAY;
            }
        }
        self.accounts.iter_mut().try_for_each(|account| account.close(scene, ran))
    }

    /// When the day of `provider` opens again, if it is used up.
    pub(crate) fn reopens(&self, provider: &str) -> Option<Timestamp> {
        self.accounts.iter().find(|account| account.provider == provider)?.reopens
    }

    /// Days on which `provider` was asked.
    pub(crate) fn days(&self, provider: &str) -> usize {
        self.accounts.iter().find(|account| account.provider == provider).map_or(0, |account| account.wire.len())
    }
}

impl Account {
    fn resets_on(&self, day: Date) -> Timestamp {
        self.zone.to_ambiguous_zoned(day.to_datetime(self.resets)).compatible().unwrap().timestamp()
    }

    /// The provider's day at `now`, by the date it began on.
    fn day(&self, now: Timestamp) -> Date {
        let date = now.to_zoned(self.zone.clone()).date();
        if now < self.resets_on(date) { date.yesterday().unwrap() } else { date }
    }

    /// Takes in what the provider logged since the last time.
    fn book(&mut self, scene: &Scene, own: bool) {
        let simulator = scene.simulator(self.provider);
        let log = &simulator.log()[self.booked..];
        let entries: Vec<(Date, bool)> = log.iter().map(|entry| (self.day(entry.at.wall), entry.counted)).collect();
        self.booked += entries.len();
        for (day, counted) in entries {
            *self.wire.entry(day).or_default() += u64::from(own);
            *self.counted.entry(day).or_default() += u64::from(counted);
        }
    }

    fn close(&mut self, scene: &Scene, ran: &Ran<'_>) -> Result<(), String> {
        self.book(scene, true);
        let now = scene.clock.now();
        let days = BTreeSet::from([self.day(ran.started), self.day(now.wall)]);
        if ran.lossy {
            self.uneven.extend(&days);
            // It may have died before it could write down that the day is used up.
            for (_, excused) in self.unforeseen.iter_mut().filter(|(day, _)| days.contains(day)) {
                *excused += 1;
            }
        }
        if days.len() > 1 {
            self.uneven.extend(days.last());
        }
        let stats = scene.stats(self.provider);
        let refused = stats.windows.iter().find(|window| window.label == "calendar day").unwrap().refused;
        let new = refused - std::mem::replace(&mut self.refusals, refused);
        // In a bad night the answer that says so may be lost, or be another one.
        let heard = if ran.troubled.contains(&self.provider) { 0 } else { new };
        for _ in 0..heard {
            let left = |day: &&Date| self.unforeseen.get(day) > self.refused.get(day).or(Some(&0));
            let Some(day) = days.iter().find(left) else {
                return Err(format!("{}: a call was refused on a used-up day we knew of: {days:?}", self.provider));
            };
            *self.refused.entry(*day).or_default() += 1;
        }
        let history =
            Journal::read(&scene.folders().quota, &self.fingerprint, &scene.clock).map_err(|one| one.to_string())?;
        self.compare(&history, now.wall)?;
        let today = self.day(now.wall);
        let spent = self.charged(&history, today) == self.max
            || history.spent_until().is_some_and(|until| until > now.wall)
            || new > 0;
        self.reopens = spent.then(|| self.resets_on(today.tomorrow().unwrap()));
        Ok(())
    }

    fn charged(&self, history: &History, day: Date) -> u64 {
        history.sends().iter().filter(|sends| self.day(sends.at) == day).map(|sends| u64::from(sends.count)).sum()
    }

    /// Requests on the wire <= charges <= limit; without a kill, no call is charged that was not sent.
    fn compare(&self, history: &History, now: Timestamp) -> Result<(), String> {
        let today = self.day(now);
        let (wire, charged) = (self.wire.get(&today).copied().unwrap_or_default(), self.charged(history, today));
        let idle = !self.uneven.contains(&today) && charged > wire;
        if wire > charged || charged > self.max || idle {
            return Err(format!(
                "{}: {wire} requests on {today}, {charged} charged, {} allowed; uneven days {:?}",
                self.provider, self.max, self.uneven
            ));
        }
        Ok(())
    }
}

/// Whether `at` is when a day that ends at `reset` may be used again: a few seconds later, for no two clocks agree.
pub(crate) fn reopens_at(at: Timestamp, reset: Timestamp) -> bool {
    // Five seconds, and a 5,000th of the time since the provider told its own, which is a day at the most.
    (SignedDuration::ZERO..=SignedDuration::from_secs(23)).contains(&at.duration_since(reset))
}
