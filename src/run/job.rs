//! One job from its plan to its last published partition.
//!
//! The loop keeps a bounded number of cells under way, in plan order, and publishes a partition as soon as its last
//! cell is settled. It has no rule of its own: what a cell's end means for the job is [`Outlook`]'s.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex};

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use tokio::sync::{mpsc, watch};

use crate::disk::aside;
use crate::fetch::{
    CellEnd, CellTask, Ending, Fed, Feed, Notice, RetryBudget, Signer, Source, Spending, Transport, depth, fetch_cell,
};
use crate::job::{Job, Paging};
use crate::ledger::{Cause, PartitionState};
use crate::plan::{Cells, Fingerprint};
use crate::provider::Provider;
use crate::quota::{Clock, Quota};
use crate::spool::{self, SpoolHandle};

use super::damage::damage;
use super::error::RunError;
use super::event::{Event, EventKind};
use super::follow::{Followed, Follower};
use super::generation::Begun;
use super::learning::Learning;
use super::outlook::Outlook;
use super::publish::{Publisher, Settled};
use super::runner::Options;
use super::store::{Store, blocking};
use super::underway::{Open, Order, Step, Underway};

/// Partitions that are followed at once; each has a file in the making in memory.
const MOST_FOLLOWED: usize = 2;

/// A partition that has just been opened, and what is left of it.
struct Opened {
    open: Open,
    orders: Vec<Order>,
    follower: Option<(Follower, Fed)>,
}

/// Everything one job needs.
pub(super) struct JobRun {
    /// The job.
    pub(super) job: Arc<Job>,
    /// Its provider.
    pub(super) provider: Arc<Provider>,
    /// Its cells as planned now, in plan order.
    pub(super) cells: Cells,
    /// The wire.
    pub(super) transport: Arc<dyn Transport>,
    /// The limits of its credential.
    pub(super) quota: Quota,
    /// Its credential.
    pub(super) signer: Arc<Signer>,
    /// How often its credential may ask again.
    pub(super) retries: Arc<Mutex<RetryBudget>>,
    /// The time.
    pub(super) clock: Clock,
    /// How the run goes about it.
    pub(super) options: Options,
    /// What it asks, and whether its committed cells were asked something else.
    pub(super) fingerprint: Fingerprint,
    /// Whether it asks something else than when it was adopted last.
    pub(super) changed: bool,
    /// The ledger.
    pub(super) store: Store,
    /// Fencing token of this run.
    pub(super) token: u64,
    /// Writes the pages.
    pub(super) spool: SpoolHandle,
    /// Told of everything.
    pub(super) events: mpsc::UnboundedSender<Event>,
    /// Whether the run is asked to end.
    pub(super) ending: watch::Receiver<Ending>,
}

impl JobRun {
    /// Works through everything that is not committed yet.
    ///
    /// # Errors
    /// For faults on our side; what providers do is in the [`Outlook`].
    pub(super) async fn run(&self) -> Result<Outlook, RunError> {
        let mut outlook = Outlook::default();
        let mut partitions = self.partitions().await?;
        let publisher = Arc::new(self.publisher());
        if self.options.accept_failed {
            self.accept().await?;
        }
        // A generation that was given up must be gone before it is begun again.
        let swept = self.sweep(&publisher).await;
        if swept.is_ok() {
            if self.options.refetch && !self.end_the_old(&publisher, &mut partitions, &mut outlook).await? {
                return Ok(outlook);
            }
            self.reopen(&publisher, &mut partitions).await?;
        }
        let notes = if swept.is_ok() { self.take_back(&publisher, &mut partitions).await? } else { Vec::new() };
        let mut totals = self.totals().await?;
        self.tell_plan(&partitions, &totals);
        self.tell_quota().await;
        notes.into_iter().for_each(|note| self.warn(note));
        self.tell_rejections(&totals).await?;
        swept?;
        let (committed, open): (Vec<_>, Vec<_>) =
            partitions.into_iter().partition(|settled| settled.row.state == PartitionState::Committed);
        let (mut todo, sealed): (Vec<_>, Vec<_>) =
            open.into_iter().partition(|settled| settled.row.state == PartitionState::Fetching);
        // What nobody has yet comes first, or a small quota would be spent on the same files every night.
        todo.sort_by_key(|settled| settled.row.cause == Some(Cause::Refetch));
        let idle = todo.is_empty() && sealed.is_empty();
        if !committed.is_empty() {
            self.tell_other_columns().await?;
        }
        self.check_visible(committed, &mut outlook).await?;
        for settled in sealed {
            if self.is_ending() {
                outlook.interrupt();
                return Ok(outlook);
            }
            self.recover(&publisher, settled, &mut outlook).await?;
        }
        if !todo.is_empty() {
            let (folder, durability) =
                (self.options.folders.spool(self.job.name.as_str(), ""), self.options.durability);
            blocking(move || Ok(spool::probe(&folder, durability)?)).await?;
        }
        self.fetch_all(&publisher, todo, &mut outlook).await?;
        self.tell_limits().await;
        if !idle {
            // What was published now may push older pages out of the archive.
            self.sweep(&publisher).await?;
            totals = self.totals().await?;
        }
        outlook.rejections_stand(totals.rejected + totals.rejected_records);
        Ok(outlook)
    }

    fn is_ending(&self) -> bool {
        *self.ending.borrow() >= Ending::Asked
    }

    /// Takes what earlier runs rejected as final.
    async fn accept(&self) -> Result<(), RunError> {
        let (name, token) = (self.job.name.as_str().to_owned(), self.token);
        let accepted = self.store.call(move |ledger| ledger.accept(&name, token)).await?;
        if accepted > 0 {
            self.warn(format!(
                "taken as final: {accepted} of the cells and records that were rejected or not confirmed"
            ));
        }
        Ok(())
    }

    /// Keeps cells under way and publishes what they settle, side by side. After a fault nothing new is begun, but what
    /// is in flight is kept: it has been paid for.
    async fn fetch_all(
        &self,
        publisher: &Arc<Publisher>,
        todo: Vec<Settled>,
        outlook: &mut Outlook,
    ) -> Result<(), RunError> {
        let spending = Spending::new(self.job.ceilings);
        let paging = self.job.paging.as_ref().unwrap_or(&self.provider.paging);
        let depth = depth(&self.provider, &self.job, paging);
        let width = (self.provider.limits.concurrency as usize * 2).clamp(2, 512);
        let mut waiting = todo.into_iter();
        let mut underway = Underway::default();
        let mut learning = Learning::default();
        let (down, is_down) = watch::channel(false);
        let mut steps: FuturesUnordered<Pin<Box<dyn Future<Output = Step> + Send + '_>>> = FuturesUnordered::new();
        loop {
            while underway.cells < width && !outlook.ended() && underway.failed.is_none() {
                if let Some(order) = underway.queue.pop_front() {
                    underway.cells += 1;
                    steps.push(Box::pin(self.fetch(order, &spending, (paging, depth), is_down.clone())));
                    continue;
                }
                let Some(settled) = waiting.next() else { break };
                match self.open(publisher, settled, (underway.opened, underway.followers), outlook).await {
                    Ok(Some(Opened { open, orders, follower })) => {
                        if let Some((follower, fed)) = follower {
                            let partition = underway.opened;
                            underway.followers += 1;
                            steps.push(Box::pin(async move {
                                Step::Followed(partition, follower.run(fed).await.map(Box::new))
                            }));
                        }
                        underway.begin(open, orders);
                    }
                    Ok(None) => {}
                    Err(error) => underway.fail(error),
                }
            }
            if underway.cells == 0 {
                underway.end_feeds();
            }
            // Whoever asks a run to end does not wait for its backlog: the next run publishes it without a request.
            if !underway.publishing
                && !self.is_ending()
                && underway.failed.is_none()
                && let Some((settled, followed)) = underway.settled.pop_front()
            {
                underway.publishing = true;
                steps.push(Box::pin(self.publish(Arc::clone(publisher), settled, followed)));
            }
            match steps.next().await {
                None => {
                    if self.is_ending() && underway.is_left() {
                        outlook.interrupt();
                    }
                    discard(underway.settled.into_iter().filter_map(|(_, followed)| followed)).await;
                    if let Some(error) = underway.failed {
                        return Err(error);
                    }
                    return self.learn(&mut learning, &spending).await;
                }
                Some(step) => self.stepped(step, &mut underway, outlook, &mut learning).await,
            }
            down.send_if_modified(|known| std::mem::replace(known, outlook.is_down()) != outlook.is_down());
            if learning.is_due(self.clock.now().elapsed) {
                self.tell_quota().await;
                if let Err(error) = self.learn(&mut learning, &spending).await {
                    underway.fail(error);
                }
            }
        }
    }

    async fn stepped(&self, step: Step, underway: &mut Underway, outlook: &mut Outlook, learning: &mut Learning) {
        match step {
            Step::Cell(partition, key, Ok(end)) => {
                outlook.cell_ended(&end);
                learning.cell_ended(&end);
                underway.cell_ended(partition, matches!(end, CellEnd::Settled(_)));
                self.tell(EventKind::CellEnded { cell: key.0, end });
            }
            Step::Cell(_, _, Err(error)) => {
                underway.cells -= 1;
                underway.fail(error);
            }
            Step::Followed(partition, followed) => {
                discard(underway.followed(partition, followed.map(|followed| *followed)).into_iter()).await;
            }
            Step::Published(Ok(published)) => {
                underway.publishing = false;
                self.tell_published(*published, outlook);
            }
            Step::Published(Err(error @ RunError::Damaged { .. })) => {
                underway.publishing = false;
                self.leave(&error, outlook);
            }
            Step::Published(Err(error)) => underway.fail(error),
        }
    }

    /// Publishes a partition whose cells are all settled.
    async fn publish(&self, publisher: Arc<Publisher>, settled: Settled, followed: Option<Followed>) -> Step {
        let published = match self.spool.close(&settled.row.hash).await {
            Ok(spool) => {
                let publish = move || {
                    publisher.publish(&settled, spool, followed).map_err(|error| match damage(&error) {
                        Some(found) => publisher.priced(&settled, publisher.head(&settled.row), found.clone()),
                        None => error,
                    })
                };
                blocking(publish).await
            }
            Err(error) => Err(error.into()),
        };
        Step::Published(published.map(Box::new))
    }

    /// Opens the spool of a partition: what is left of it is ordered, what is settled is not asked again. `None` when
    /// nothing can be asked.
    async fn open(
        &self,
        publisher: &Arc<Publisher>,
        settled: Settled,
        (partition, followers): (usize, usize),
        outlook: &mut Outlook,
    ) -> Result<Option<Opened>, RunError> {
        let Some(Begun { spool, retried }) = self.begin_whole(publisher, &settled, outlook).await? else {
            return Ok(None);
        };
        let hash: Arc<str> = settled.row.hash.as_str().into();
        let mut orders = Vec::new();
        for cell in &settled.cells {
            let id = cell.key.id();
            if retried.as_ref().is_some_and(|retried| !retried.contains(&id)) {
                continue;
            }
            let progress = spool.progress(&id);
            match progress.and_then(|progress| progress.end.clone()) {
                // An earlier run settled it, but did not live to publish it.
                Some(outcome) => {
                    let end = CellEnd::Settled(outcome);
                    match retried {
                        None => outlook.cell_ended(&end),
                        // It was rejected before; that is no sign that the job is wrong.
                        Some(_) => outlook.ended_again(&end),
                    }
                    self.tell(EventKind::CellEnded { cell: cell.key.0.clone(), end });
                }
                None => {
                    let (hash, progress) = (Arc::clone(&hash), progress.cloned().map(Box::new));
                    orders.push(Order { partition, hash, id, cell: cell.clone(), progress, feed: None });
                }
            }
        }
        // Of a later generation most pages are old, and it may be given up.
        let follows = retried.is_none() && !orders.is_empty() && followers < MOST_FOLLOWED;
        let (feed, follower) = if follows {
            let (feed, fed) = Feed::new();
            orders.iter_mut().for_each(|order| order.feed = Some(feed.clone()));
            (Some(feed), Some((Follower::new(publisher, &settled, &spool, self.spool.clone()), fed)))
        } else {
            (None, None)
        };
        self.spool.open(&hash, spool).await?;
        let open = Open { settled, unsettled: orders.len(), feed };
        Ok(Some(Opened { open, orders, follower }))
    }

    /// Fetches one cell.
    async fn fetch(
        &self,
        order: Order,
        spending: &Spending,
        (paging, depth): (&Paging, usize),
        down: watch::Receiver<bool>,
    ) -> Step {
        let Order { partition, hash, id, cell, progress, feed } = order;
        let key = cell.key.clone();
        let notify = |notice: Notice| self.tell(EventKind::Fetching { cell: key.0.clone(), notice });
        let source = Source {
            job: &self.job,
            provider: &self.provider,
            paging,
            depth,
            feed: feed.as_ref(),
            transport: self.transport.as_ref(),
            quota: &self.quota,
            signer: &self.signer,
            retries: &self.retries,
            spending,
            clock: &self.clock,
            random: &|| fastrand::f64(),
            notify: &notify,
            ending: self.ending.clone(),
            down,
        };
        let values = cell.values();
        let progress = progress.map(|progress| *progress);
        let task = CellTask { id, values: &values, spool: &self.spool, partition: &hash, progress };
        let end = fetch_cell(&source, &task).await;
        let end = end.map_err(|error| RunError::Cell { cell: key.to_string(), source: Box::new(error) });
        Step::Cell(partition, cell.key, end)
    }

    pub(super) fn publisher(&self) -> Publisher {
        Publisher {
            job: Arc::clone(&self.job),
            provider: Arc::clone(&self.provider),
            folders: self.options.folders.clone(),
            store: self.store.clone(),
            token: self.token,
            clock: self.clock.clone(),
            durability: self.options.durability,
            accept_empty: self.options.accept_empty,
        }
    }
}

/// Takes away the files of what was followed and is not published now.
async fn discard(followed: impl Iterator<Item = Followed>) {
    for followed in followed {
        // What cannot be removed now is swept by the next run.
        aside(move || drop(followed.encoding.staged.discard())).await;
    }
}
