//! What a job tells those who listen: its plan, what was published, what is rejected.

use crate::decode::DatasetSchema;
use crate::ledger::Totals;

use super::error::RunError;
use super::event::{Event, EventKind};
use super::job::JobRun;
use super::outlook::Outlook;
use super::publish::{Published, Settled};
use super::store::blocking;

/// Rejections that are listed; all of them are counted.
const LISTED: usize = 20;

impl JobRun {
    /// What earlier runs rejected stands until it is asked for again, and is listed.
    pub(super) async fn tell_rejections(&self, totals: &Totals) -> Result<(), RunError> {
        if totals.rejected + totals.rejected_records > 0 {
            let name = self.job.name.as_str().to_owned();
            let rejections = self.store.call(move |ledger| ledger.rejections(&name, LISTED)).await?;
            let samples = rejections.iter().map(|one| format!("{}: {}", one.cell, one.message)).collect();
            self.tell(EventKind::RejectedRecords { count: totals.rejected_records, samples });
        }
        Ok(())
    }

    pub(super) async fn totals(&self) -> Result<Totals, RunError> {
        let name = self.job.name.as_str().to_owned();
        self.store.call(move |ledger| ledger.totals(&name)).await
    }

    /// Columns that the job declares or adds now, and the published files do not have so: only a replay or a refetch
    /// makes them anew, and nobody would know.
    pub(super) async fn tell_other_columns(&self) -> Result<(), RunError> {
        let name = self.job.name.as_str().to_owned();
        let recorded = self.store.call(move |ledger| ledger.schema(&name)).await?;
        let Some(schema) = recorded.and_then(|text| DatasetSchema::from_text(&text).ok()) else { return Ok(()) };
        let declared = self.job.columns.iter().filter_map(|(column, kind)| match schema.get(column) {
            Some(found) if found != kind => Some(format!("`{column}` is declared as {kind}, they have {found}")),
            Some(_) | None => None,
        });
        let added = self.job.records.add.iter().filter(|(column, _)| schema.get(column).is_none());
        let differs: Vec<String> =
            declared.chain(added.map(|(column, _)| format!("they have no `{column}`"))).collect();
        if let [first, others @ ..] = differs.as_slice() {
            let more = if others.is_empty() { String::new() } else { format!(" (and {} more)", others.len()) };
            self.warn(format!(
                "the published files were made with other columns: {first}{more}; `tidemill replay` makes them anew from the pages \
                 that are kept, at no cost"
            ));
        }
        Ok(())
    }

    pub(super) fn tell_plan(&self, partitions: &[Settled], totals: &Totals) {
        let cells = partitions.iter().map(|settled| settled.row.cells).sum();
        let settled = totals.records + totals.empty + totals.unconfirmed + totals.rejected + totals.accepted;
        self.tell(EventKind::Planned { cells, settled, partitions: partitions.len() as u64 });
        self.tell(EventKind::Limited(self.quota.meter()));
    }

    /// What was found out about the limits that a person should know.
    pub(super) async fn tell_limits(&self) {
        let Some(snapshot) = self.quota.meter().read().await else { return };
        let notes = snapshot.notes.clone();
        self.tell(EventKind::Quota(snapshot));
        notes.into_iter().for_each(|note| self.warn(format!("{}: {note}", self.provider.name)));
    }

    /// How full the limits are.
    pub(super) async fn tell_quota(&self) {
        if let Some(snapshot) = self.quota.meter().read().await {
            self.tell(EventKind::Quota(snapshot));
        }
    }

    pub(super) fn tell_published(&self, published: Published, outlook: &mut Outlook) {
        published.schema_notes.into_iter().for_each(|note| self.warn(note));
        if let Some(reason) = published.refused {
            self.tell_refused(reason, outlook);
        }
        if published.rejected > 0 {
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

    /// The first reason is that of the job, the others are listed.
    pub(super) fn tell_refused(&self, reason: String, outlook: &mut Outlook) {
        if outlook.refused() {
            self.warn(reason.clone());
        }
        outlook.partition_refused(reason);
    }

    pub(super) fn tell(&self, kind: EventKind) {
        let event = Event { job: self.job.name.clone(), at: self.clock.now().wall, kind };
        // Nobody listens any more only when the run itself is being torn down.
        drop(self.events.send(event));
    }
}

impl JobRun {
    /// Tells of published files that are gone or of another length: what a run cannot vouch for it does not call done.
    pub(super) async fn check_visible(&self, committed: Vec<Settled>, outlook: &mut Outlook) -> Result<(), RunError> {
        let (output, layout) = (self.options.folders.output.clone(), self.publisher().layout());
        let found = blocking(move || {
            let mut wrong: Vec<String> = Vec::new();
            let mut elsewhere = 0_u64;
            for Settled { row, .. } in &committed {
                let Some(file) = row.file.as_deref().filter(|file| !file.is_empty()) else { continue };
                let path = output.join(file);
                elsewhere += u64::from(path != layout.target(&row.folders, &row.hash));
                if std::fs::metadata(&path).map(|found| found.len()).ok() != Some(row.bytes) {
                    wrong.push(path.display().to_string());
                }
            }
            Ok((wrong, elsewhere))
        });
        let (wrong, elsewhere) = found.await?;
        if let Some(first) = wrong.first() {
            outlook.files_missing(format!(
                "{} published files are gone or altered, `{first}` is the first: put them back from a copy; without one, \
                 `tidemill replay` rebuilds them as long as their pages are kept, and `tidemill run --refetch` fetches all again",
                wrong.len()
            ));
        }
        if elsewhere > 0 {
            self.warn(format!(
                "{elsewhere} files of this job were published in another folder than `[output] path` names now; new files go to \
                 `{}`, so the dataset lies in two places",
                self.job.output.path
            ));
        }
        Ok(())
    }
}
