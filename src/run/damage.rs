//! A partition whose pages are damaged or lost: left as it is, or mended where a person takes the price.
//!
//! Invariant: it holds up no other partition of its job, and nothing of it is changed before a person asks for that.

use std::sync::Arc;

use crate::ledger::{CellRow, PartitionRow, PartitionState};
use crate::plan::{CellId, CellKey};
use crate::spool::{CellProgress, Head, Price, SpoolError, Survey};

use super::advice::REFETCH_DAMAGED;
use super::error::RunError;
use super::event::EventKind;
use super::generation::Begun;
use super::job::JobRun;
use super::outlook::Outlook;
use super::publish::{Publisher, Settled};
use super::runner::chain;
use super::store::blocking;

impl JobRun {
    /// Opens the spool of a partition as [`JobRun::begin`] does; `None` also when it is damaged, and left alone.
    pub(super) async fn begin_whole(
        &self,
        publisher: &Arc<Publisher>,
        settled: &Settled,
        outlook: &mut Outlook,
    ) -> Result<Option<Begun>, RunError> {
        let mut begun = self.begin(publisher, settled, outlook).await;
        if let Err(error @ RunError::Damaged { .. }) = &begun
            && self.options.refetch_damaged
        {
            let note = self.mend(publisher, settled, error).await?;
            self.warn(note);
            begun = self.begin(publisher, settled, outlook).await;
        }
        match begun {
            Err(error @ RunError::Damaged { .. }) => {
                self.leave(&error, outlook);
                Ok(None)
            }
            begun => begun,
        }
    }

    /// Goes on where an earlier run stopped between sealing and committing.
    pub(super) async fn recover(
        &self,
        publisher: &Arc<Publisher>,
        settled: Settled,
        outlook: &mut Outlook,
    ) -> Result<(), RunError> {
        let publisher = Arc::clone(publisher);
        match blocking(move || publisher.recover(&settled)).await {
            Ok(published) => self.tell_published(published, outlook),
            Err(error @ (RunError::Damaged { .. } | RunError::LostPages { .. })) => self.leave(&error, outlook),
            Err(error) => return Err(error),
        }
        Ok(())
    }

    /// Takes sealed partitions back whose pages are damaged or lost, if a person asks for that; gives what to tell.
    pub(super) async fn take_back(
        &self,
        publisher: &Arc<Publisher>,
        partitions: &mut [Settled],
    ) -> Result<Vec<String>, RunError> {
        let mut notes = Vec::new();
        if !self.options.refetch_damaged {
            return Ok(notes);
        }
        for settled in partitions.iter_mut().filter(|settled| can_go_back(&settled.row)) {
            let (looking, of) = (Arc::clone(publisher), settled.clone());
            if let Some(error) = blocking(move || looking.lost(&of)).await? {
                notes.push(self.mend(publisher, settled, &error).await?);
                let (publisher, id) = (Arc::clone(publisher), settled.row.id);
                settled.row = blocking(move || publisher.unseal(id)).await?.unwrap_or_else(|| settled.row.clone());
            }
        }
        Ok(notes)
    }

    /// Leaves a partition as it is, and says so.
    pub(super) fn leave(&self, error: &RunError, outlook: &mut Outlook) {
        if let RunError::Damaged { price, .. } | RunError::LostPages { price, .. } = error {
            outlook.partition_damaged(*price);
        }
        self.warn(format!("{}; it was left as it is: {REFETCH_DAMAGED}", chain(error)));
    }

    pub(super) fn warn(&self, note: String) {
        self.tell(EventKind::warning(note));
    }

    async fn mend(&self, publisher: &Arc<Publisher>, settled: &Settled, error: &RunError) -> Result<String, RunError> {
        let what = chain(error);
        if !matches!(error, RunError::Damaged { .. }) {
            return Ok(format!("{what}; they are fetched again now"));
        }
        let (publisher, settled) = (Arc::clone(publisher), settled.clone());
        let done = blocking(move || publisher.mend(&settled)).await?;
        Ok(format!("{what}; {done}"))
    }
}

/// Whether a sealed partition can be fetched once more. Once the file of a later generation is decided, nothing is known
/// any more of the one that stands.
fn can_go_back(row: &PartitionRow) -> bool {
    match row.state {
        PartitionState::Sealed => true,
        PartitionState::Publishing => row.cause.is_none(),
        PartitionState::Fetching | PartitionState::Committed => false,
    }
}

impl Publisher {
    /// An error of opening the spool of `head`, with the price where it is damage.
    pub(super) fn priced(&self, settled: &Settled, head: Head, error: SpoolError) -> RunError {
        if !matches!(error, SpoolError::Damaged { .. }) {
            return error.into();
        }
        let row = &settled.row;
        let price = || {
            let survey = Survey::of(&self.folders.spool(self.job.name.as_str(), &row.hash), head.clone())?;
            let cells = self.store.now(|ledger| ledger.cells(row.id))?;
            Ok(price(&survey, row, head.generation, &cells))
        };
        match price() {
            Ok(price) => RunError::Damaged { partition: row.key.clone(), price, source: Box::new(error) },
            // What stops even a survey is graver.
            Err(graver) => graver,
        }
    }

    /// Why a sealed partition cannot be published as it is, if so.
    fn lost(&self, settled: &Settled) -> Result<Option<RunError>, RunError> {
        if self.stands(settled)? {
            return Ok(None);
        }
        match self.open_spool(settled).and_then(|spool| self.check_pages(settled, &spool)) {
            Ok(()) => Ok(None),
            Err(error @ (RunError::Damaged { .. } | RunError::LostPages { .. })) => Ok(Some(error)),
            Err(error) => Err(error),
        }
    }

    /// Sets what is damaged aside and keeps what can be used; says so.
    fn mend(&self, settled: &Settled) -> Result<String, RunError> {
        let (name, row) = (self.job.name.as_str(), &settled.row);
        let survey = Survey::of(&self.folders.spool(name, &row.hash), self.head(row))?;
        let aside = self.folders.quarantine(name, &row.hash);
        let members: Vec<CellKey> = settled.cells.iter().map(|cell| cell.key.clone()).collect();
        let mended = survey.mend(&members, &aside, self.durability, self.clock.now().wall)?;
        let moved = match mended.aside.len() {
            0 => String::new(),
            1 => format!("the damaged file is kept in `{}`, ", aside.display()),
            many => format!("the {many} damaged files are kept in `{}`, ", aside.display()),
        };
        Ok(format!("{moved}{} pages can still be used, the others are fetched again now", mended.pages))
    }

    fn unseal(&self, id: crate::ledger::PartitionId) -> Result<Option<PartitionRow>, RunError> {
        let rows = self.store.now(|ledger| {
            ledger.unseal(id, self.token)?;
            ledger.partitions(self.job.name.as_str())
        })?;
        Ok(rows.into_iter().find(|row| row.id == id))
    }
}

/// What must be fetched again of a generation of a partition whose cells are `cells`: the ledger knows the pages of a
/// sealed one, of others the frames must tell.
pub(super) fn price(survey: &Survey, row: &PartitionRow, generation: u32, cells: &[CellRow]) -> Price {
    match row.state {
        PartitionState::Sealed | PartitionState::Publishing | PartitionState::Committed
            if row.generation == generation =>
        {
            missing(cells, |id| survey.progress(id))
        }
        _ => survey.price(cells.iter().map(|cell| cell.key.id())),
    }
}

/// What is missing of sealed cells, of which `found` is there.
pub(super) fn missing<'a>(cells: &[CellRow], found: impl Fn(&CellId) -> Option<&'a CellProgress>) -> Price {
    let mut price = Price::default();
    for cell in cells {
        let found = found(&cell.key.id());
        let (pages, credits) = found.map_or((0, 0), |found| (found.pages, found.credits));
        // An end that is lost follows from the last page.
        let ends = found.is_some_and(|found| found.end.is_some() || (pages > 0 && found.next.is_none()));
        price.add_cell(u64::from(cell.pages.saturating_sub(pages)), cell.credits.saturating_sub(credits), ends);
    }
    price
}

/// Whether damaged pages are among the causes of an error.
pub(super) fn damage(error: &RunError) -> Option<&SpoolError> {
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(error) = cause {
        if let Some(found @ SpoolError::Damaged { .. }) = error.downcast_ref::<SpoolError>() {
            return Some(found);
        }
        cause = error.source();
    }
    None
}
