//! A schedule in words, so that a failing seed explains itself.

use std::fmt;

use jiff::tz::TimeZone;

use super::schedule::{End, Night, Quarter, Run, When};

impl Quarter {
    /// The nights up to number `last`, from 0, one a line; beyond the last one come quiet nights.
    pub(crate) fn told(&self, last: usize) -> String {
        let mut text = format!(
            "seed {}: cron at {} in {}; {} calls a day for the ranks, {} for symbols and backfill\n",
            self.seed, self.time, self.zone, self.ranks_a_day, self.backfill_a_day
        );
        let zone = TimeZone::get(self.zone).unwrap();
        for (number, night) in self.nights.iter().enumerate().take(last + 1) {
            let at = night.at.to_zoned(zone.clone()).strftime("%Y-%m-%d %H:%M");
            text.push_str(&format!("  night {number:2} {at}  {night}\n"));
        }
        if last >= self.nights.len() {
            text.push_str("  quiet nights\n");
        }
        text
    }
}

impl fmt::Display for Night {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "symbols {:?}", self.symbols)?;
        if self.weekly {
            write!(f, "; weekly, {} prompts", self.prompts)?;
        }
        if self.lost {
            f.write_str("; the ledger is gone")?;
        }
        if let Some((provider, left)) = self.spent {
            write!(f, "; somebody else leaves {left} calls of {provider}")?;
        }
        for (provider, script) in &self.trouble {
            write!(f, "; {provider}: {script}")?;
        }
        if self.runs.is_empty() {
            return f.write_str("; missed");
        }
        self.runs.iter().try_for_each(|run| write!(f, "; {run}"))
    }
}

impl fmt::Display for Run {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.when {
            When::Cron => f.write_str("run")?,
            When::After(wait) => write!(f, "again after {wait:?}")?,
            When::Resume => f.write_str("again when it can go on")?,
            When::Beside => f.write_str("another beside it")?,
        }
        match self.end {
            End::Own => Ok(()),
            End::Kill(event) => write!(f, ", killed after event {event}"),
            End::Death(call, after) => {
                write!(f, ", the ledger dies {} call {call}", if after { "after" } else { "at" })
            }
            End::Full(steps) => write!(f, ", the disk is full after {steps} steps"),
            End::Signal(event, exit) => write!(f, ", {exit:?} at event {event}"),
        }
    }
}
