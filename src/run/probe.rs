//! One call with each credential, to see whether it is taken; what it fetches is thrown away.
//!
//! Invariant: the call takes a permit of the limits that runs keep, and counts in their journal like any other.

use std::collections::HashMap;

use serde_json::{Map, Value};
use tokio::task::JoinSet;

use crate::fetch::{Probed, probe, render};
use crate::job::Problems;
use crate::ledger::{Ledger, ModelLedger, SqliteLedger};
use crate::plan;
use crate::quota::Clock;

use super::error::RunError;
use super::folders::Folders;
use super::prepare::Prepared;
use super::runner::{Account, Assigned, account, lost};
use super::store::{Store, blocking};

/// What came of the call with one credential.
#[derive(Debug)]
pub struct Probe {
    /// Which of the jobs asked; it is the first with this credential.
    pub job: usize,
    /// Key of the cell that was asked for, its first; none when it has no cell.
    pub cell: Option<String>,
    /// What came of it; none without a cell.
    pub probed: Option<Probed>,
}

/// Asks for the first page of the first cell of the first job of each credential.
///
/// # Errors
/// Faults of this machine; whatever a provider does is a [`Probed`].
pub async fn probe_each(jobs: &[Assigned], folders: &Folders, clock: &Clock) -> Result<Vec<Probe>, RunError> {
    let lost = lost(jobs, &known(folders).await?, folders).await;
    let mut services: JoinSet<()> = JoinSet::new();
    let mut accounts = HashMap::new();
    let mut probes = Vec::new();
    for (index, assigned) in jobs.iter().enumerate() {
        let fingerprint = assigned.prepared.credential.fingerprint();
        if accounts.contains_key(&fingerprint) {
            continue;
        }
        let is_lost = lost.contains(&fingerprint);
        let account = account(&assigned.prepared, is_lost, &folders.quota, clock, &mut accounts, &mut services).await;
        let probed = match account {
            Ok(account) => one(index, assigned, &account, clock).await,
            Err(error) => Err(error),
        };
        let is_broken = probed.is_err();
        probes.push(probed);
        if is_broken {
            break;
        }
    }
    drop(accounts);
    // Each ends once nobody holds its limits, and has written down by then what it was told.
    while services.join_next().await.is_some() {}
    probes.into_iter().collect()
}

async fn one(index: usize, assigned: &Assigned, account: &Account, clock: &Clock) -> Result<Probe, RunError> {
    let Prepared { job, provider, .. } = &assigned.prepared;
    let Some((cell, values)) = first_cell(&assigned.prepared, clock).await? else {
        return Ok(Probe { job: index, cell: None, probed: None });
    };
    let request = render(job, &values)
        .map_err(|error| RunError::Plan(Problems(vec![job.problem("/request", error.to_string())])))?;
    let way = (&account.quota, account.signer.as_ref());
    let probed = probe((job, provider), (&request, &values), assigned.transport.as_ref(), way, clock).await;
    let probed = probed.map_err(|source| RunError::Cell { cell: cell.clone(), source: Box::new(source) })?;
    Ok(Probe { job: index, cell: Some(cell), probed: Some(probed) })
}

/// What is known of earlier runs, without leaving a trace where there were none.
async fn known(folders: &Folders) -> Result<Store, RunError> {
    let path = folders.ledger();
    blocking(move || {
        let ledger: Box<dyn Ledger> = match path.is_file().then(|| SqliteLedger::open(&path)) {
            Some(Ok(ledger)) => Box::new(ledger),
            // A run would begin a new one, which knows nothing either.
            Some(Err(_)) | None => Box::new(ModelLedger::new()),
        };
        Ok(Store::new(ledger))
    })
    .await
}

async fn first_cell(prepared: &Prepared, clock: &Clock) -> Result<Option<(String, Map<String, Value>)>, RunError> {
    let (job, zone, now) = (prepared.job.clone(), prepared.provider.zone.clone(), clock.now().wall);
    let cells = blocking(move || plan::cells(&job, now, &zone).map_err(RunError::Plan)).await?;
    Ok(cells.get(0).map(|cell| (cell.key.0.clone(), cell.values())))
}
