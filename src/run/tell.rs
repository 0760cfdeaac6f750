//! What a job tells those who listen: its plan, what was published, what is rejected.

use crate::fetch::Notice;
use crate::ledger::Totals;

use super::error::RunError;
use super::event::{Event, EventKind};
use super::job::JobRun;
use super::outlook::Outlook;
use super::publish::{Published, Settled};

/// Rejections that are listed; all of them are counted.
const LISTED: usize = 20;

impl JobRun {
    /// What earlier runs rejected stands until it is asked for again: it is listed, and the job ends accordingly.
    pub(super) async fn tell_rejections(&self, outlook: &mut Outlook) -> Result<(), RunError> {
        let totals = self.totals().await?;
        let standing = totals.rejected + totals.rejected_records;
        outlook.rejected_before(standing);
        if standing > 0 {
            let name = self.job.name.as_str().to_owned();
            let rejections = self.store.call(move |ledger| ledger.rejections(&name, LISTED)).await?;
            let samples = rejections.iter().map(|one| format!("{} {}", one.cell, one.message)).collect();
            self.tell(EventKind::RejectedRecords { count: totals.rejected_records, samples });
        }
        Ok(())
    }

    async fn totals(&self) -> Result<Totals, RunError> {
        let name = self.job.name.as_str().to_owned();
        self.store.call(move |ledger| ledger.totals(&name)).await
    }

    pub(super) async fn tell_plan(&self, partitions: &[Settled]) -> Result<(), RunError> {
        let totals = self.totals().await?;
        let cells = partitions.iter().map(|settled| settled.row.cells).sum();
        let settled = totals.records + totals.empty + totals.unconfirmed + totals.rejected + totals.accepted;
        self.tell(EventKind::Planned { cells, settled, partitions: partitions.len() as u64 });
        self.tell(EventKind::Limited(self.quota.meter()));
        Ok(())
    }

    pub(super) fn tell_published(&self, published: Published, outlook: &mut Outlook) {
        for note in published.schema_notes {
            let notice = Notice::Warning(note);
            self.tell(EventKind::Fetching { cell: String::new(), notice });
        }
        if let Some(reason) = published.refused {
            outlook.partition_refused(reason);
        }
        if published.rejected > 0 {
            outlook.records_rejected(published.rejected);
            let samples = published
                .samples
                .iter()
                .map(|reject| {
                    format!(
                        "{} page {} record {}{}: {}",
                        reject.cell, reject.page, reject.index, reject.path, reject.reason
                    )
                })
                .collect();
            self.tell(EventKind::RejectedRecords { count: published.rejected, samples });
        }
        if let Some(file) = published.file {
            self.tell(EventKind::Published(file));
        }
    }

    pub(super) fn tell(&self, kind: EventKind) {
        let event = Event { job: self.job.name.clone(), at: self.clock.now().wall, kind };
        // Nobody listens any more only when the run itself is being torn down.
        drop(self.events.send(event));
    }
}
