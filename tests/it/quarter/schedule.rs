//! A seed becomes a quarter: what cron starts each night, how that ends, and what goes wrong meanwhile. Pure.

use std::time::Duration;

use jiff::civil::{Date, Time, date, time};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};
use tidemill::run::Exit;

use super::dice::Dice;
use super::trouble::VENDORS;

pub(crate) const NIGHTS: usize = 90;

/// First days whose quarter holds the end of summer time, its begin, and neither.
const FIRST: [Date; 3] = [date(2026, 9, 9), date(2026, 2, 20), date(2026, 4, 27)];

/// When cron starts the jobs. The provider of the symbols has its reset at 02:30 in Berlin, which one night does not
/// have and another has twice; that of the ranks at midnight in Shanghai.
const CRON: [(&str, Time); 7] = [
    ("Europe/Berlin", time(2, 10, 0, 0)),
    // Three minutes before a reset: the run waits for it.
    ("Europe/Berlin", time(2, 27, 0, 0)),
    ("Europe/Berlin", time(2, 45, 0, 0)),
    ("Europe/Berlin", time(17, 0, 0, 0)),
    ("Asia/Shanghai", time(0, 0, 2, 0)),
    ("Asia/Shanghai", time(0, 10, 0, 0)),
    ("Asia/Shanghai", time(23, 58, 0, 0)),
];

/// Everything that is decided before the first night.
pub(crate) struct Quarter {
    pub(crate) seed: u64,
    pub(crate) zone: &'static str,
    pub(crate) time: Time,
    /// Calls a day of the ranks' provider, which now and then is not enough.
    pub(crate) ranks_a_day: usize,
    /// Calls a day of the provider that the backfill is a month's work for.
    pub(crate) backfill_a_day: usize,
    pub(crate) nights: Vec<Night>,
}

pub(crate) struct Night {
    /// When cron starts.
    pub(crate) at: Timestamp,
    /// The list of symbols that night.
    pub(crate) symbols: Vec<usize>,
    /// How many prompts there are.
    pub(crate) prompts: usize,
    /// The job that runs once a week runs too, and a person has what was rejected asked for again.
    pub(crate) weekly: bool,
    /// Fault script of each provider that has a bad night.
    pub(crate) trouble: Vec<(&'static str, String)>,
    /// The ledger is gone when the night begins.
    pub(crate) lost: bool,
    /// Somebody else used the key of this provider and left so many calls of its day.
    pub(crate) spent: Option<(&'static str, usize)>,
    /// None: the machine was off.
    pub(crate) runs: Vec<Run>,
}

/// One start of the program.
#[derive(Clone, Copy)]
pub(crate) struct Run {
    pub(crate) when: When,
    pub(crate) end: End,
}

#[derive(Clone, Copy, PartialEq)]
pub(crate) enum When {
    /// At the hour of the night.
    Cron,
    /// So long after the run before ended.
    After(Duration),
    /// When the run before said that it can go on; not at all if it said nothing.
    Resume,
    /// While the run before is under way.
    Beside,
}

#[derive(Clone, Copy)]
pub(crate) enum End {
    Own,
    /// Killed after so many events.
    Kill(usize),
    /// The ledger fails at this call, before or after doing it, and at all that follow.
    Death(usize, bool),
    /// A signal comes with this event.
    Signal(usize, Exit),
    /// The disk takes so many changes and is full then.
    Full(usize),
}

impl Quarter {
    pub(crate) fn of(seed: u64) -> Self {
        let mut dice = Dice::of(seed, 0, "quarter");
        let first = dice.one(&FIRST);
        let (zone, time) = dice.one(&CRON);
        let (ranks_a_day, backfill_a_day) = (dice.one(&[14, 24, 40]), dice.within(10..=13));
        let mut quarter = Self { seed, zone, time, ranks_a_day, backfill_a_day, nights: Vec::new() };
        for night in 0..NIGHTS {
            let day = first.checked_add(i64::try_from(night).unwrap().days()).unwrap();
            let before = quarter.nights.last();
            let symbols = symbols(seed, night, before.map_or(&[1, 2, 3, 4], |night| &night.symbols));
            let weekly = night % 7 == 6;
            let grown = if weekly { Dice::of(seed, night, "prompts").within(0..=3) } else { 0 };
            let prompts = before.map_or(3, |night| night.prompts) + grown;
            let night = Night {
                at: quarter.at(day),
                symbols,
                prompts,
                weekly,
                trouble: trouble(seed, night),
                lost: Dice::of(seed, night, "lost").percent(3),
                spent: spent(seed, night),
                runs: runs(seed, night),
            };
            quarter.nights.push(night);
        }
        quarter
    }

    /// The hour of cron on `day`; one that the clocks skip comes as much later, one that comes twice counts once.
    pub(crate) fn at(&self, day: Date) -> Timestamp {
        let zone = TimeZone::get(self.zone).unwrap();
        zone.to_ambiguous_zoned(day.to_datetime(self.time)).compatible().unwrap().timestamp()
    }

    /// The day after that of the last night, and so on.
    pub(crate) fn after(&self, nights: usize) -> Timestamp {
        let last = self.nights.last().unwrap().at.to_zoned(TimeZone::get(self.zone).unwrap()).date();
        self.at(last.checked_add(i64::try_from(nights).unwrap().days()).unwrap())
    }
}

/// Now and then symbols are listed anew, and others are gone.
fn symbols(seed: u64, night: usize, before: &[usize]) -> Vec<usize> {
    let mut dice = Dice::of(seed, night, "symbols");
    let mut now = before.to_vec();
    if dice.percent(8) && now.len() > 1 {
        now.remove(dice.within(0..=now.len() - 1));
    }
    if dice.percent(12) {
        for _ in 0..dice.within(1..=2) {
            // Some that were gone come back.
            let symbol = dice.within(1..=30);
            if !now.contains(&symbol) {
                now.push(symbol);
            }
        }
    }
    now
}

fn trouble(seed: u64, night: usize) -> Vec<(&'static str, String)> {
    let mut dice = Dice::of(seed, night, "trouble");
    let mut bad = Vec::new();
    for vendor in &VENDORS {
        if dice.percent(25) {
            bad.push((vendor.name, vendor.script(&mut dice)));
        }
    }
    bad
}

fn spent(seed: u64, night: usize) -> Option<(&'static str, usize)> {
    let mut dice = Dice::of(seed, night, "spent");
    dice.percent(8).then(|| (dice.one(&["foxdata", "agushuju"]), dice.within(0..=4)))
}

fn runs(seed: u64, night: usize) -> Vec<Run> {
    let mut dice = Dice::of(seed, night, "runs");
    if dice.percent(6) {
        return Vec::new();
    }
    let mut when = When::Cron;
    let mut runs = Vec::new();
    // A run that was killed may be started again and killed again.
    for _ in 0..4 {
        let signals = [Exit::Terminated, Exit::Terminated, Exit::Interrupted];
        let end = match dice.within(0..=99) {
            0..=16 => End::Kill(dice.within(1..=45)),
            17..=26 => End::Death(dice.within(1..=60), dice.percent(50)),
            27..=36 => End::Signal(dice.within(1..=40), dice.one(&signals)),
            37..=44 => End::Full(dice.within(0..=120)),
            _ => End::Own,
        };
        runs.push(Run { when, end });
        let again = if matches!(end, End::Own) { 20 } else { 60 };
        if !dice.percent(again) {
            break;
        }
        when = match dice.within(0..=9) {
            0..=4 => When::After(Duration::from_secs(dice.one(&[2, 10, 90, 3600]))),
            5..=7 => When::Resume,
            _ if matches!(end, End::Own) && runs.len() == 1 => When::Beside,
            _ => When::After(Duration::from_secs(300)),
        };
        if when == When::Beside {
            runs.push(Run { when, end: End::Own });
            break;
        }
    }
    runs
}

#[test]
fn quarters_are_of_their_seed_and_hold_both_changes_of_the_clocks() {
    let quarters: Vec<Quarter> = (1..=60).map(Quarter::of).collect();
    for quarter in &quarters {
        assert_eq!(quarter.told(NIGHTS), Quarter::of(quarter.seed).told(NIGHTS));
        assert_eq!(quarter.nights.len(), NIGHTS);
        assert!(quarter.nights.windows(2).all(|two| two[0].at < two[1].at));
    }
    let starts = |at: &str| {
        let at: Timestamp = at.parse().unwrap();
        quarters.iter().filter(|quarter| quarter.nights.iter().any(|night| night.at == at)).count()
    };
    // 02:10 in Berlin: it does not exist in the one night and comes twice in the other.
    assert!(starts("2026-03-29T01:10:00Z") > 0 && starts("2026-10-25T00:10:00Z") > 0);
}
