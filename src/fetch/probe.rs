//! One call to see whether the way is open: a permit, one attempt, its verdict; nothing is kept and nothing repeated.

use std::time::Duration;

use serde_json::{Map, Value};

use crate::job::Job;
use crate::json::Document;
use crate::provider::{Provider, Verdict};
use crate::quota::{Clock, Quota, Refusal};

use super::attempt::{judge_broken, mask, report};
use super::cell::CellError;
use super::classify::{Judgement, classify};
use super::headers::{date, retry_after};
use super::locate::depth;
use super::page::{Page, PageError, read_page};
use super::paginator::Paginator;
use super::rate_headers::advice;
use super::request::Request;
use super::sign::Signer;
use super::transport::Transport;

/// What came of it.
#[derive(Debug)]
pub enum Probed {
    /// The call left.
    Asked {
        /// What the answer means; of a broken attempt, the transport's words.
        judgement: Judgement,
        /// The first page, where the answer is one, or why it is none.
        page: Option<Result<Page, PageError>>,
        /// Send to answer.
        latency: Duration,
    },
    /// No call may leave now.
    Held(Refusal),
}

/// Asks `request`, the first of the cell with these `values`, once.
///
/// # Errors
/// Only for faults on our side; whatever a provider does is a verdict.
pub async fn probe(
    (job, provider): (&Job, &Provider),
    (request, values): (&Request, &Map<String, Value>),
    transport: &dyn Transport,
    (quota, signer): (&Quota, &Signer),
    clock: &Clock,
) -> Result<Probed, CellError> {
    let permit = match quota.permit(&job.name).await {
        Ok(permit) => permit,
        Err(broken @ Refusal::Broken { .. }) => return Err(CellError::Quota(broken)),
        Err(refusal) => return Ok(Probed::Held(refusal)),
    };
    let sent = clock.now();
    let signed = signer.sign(request, sent.wall)?;
    let (mut held, result) = transport.send(signed.request, permit).await;
    let now = clock.now();
    let mut wait = None;
    let (judgement, page) = match &result {
        Ok(answer) => {
            if let Some(server) = date(&answer.headers) {
                signer.observe_date(server, now.wall);
            }
            wait = retry_after(&answer.headers, now.wall);
            held.advised(advice(&answer.headers, now.wall));
            let paging = job.paging.as_ref().unwrap_or(&provider.paging);
            let document = Document::read(&answer.body, depth(provider, job, paging)).ok();
            let told = (&*answer.body, document.as_ref());
            let judgement = classify(provider, answer.status.as_u16(), told, &request.path, false);
            let mut seen = Paginator::new(paging, &provider.base_url);
            let page = document
                .filter(|_| judgement.verdict == Verdict::Accept)
                .map(|document| read_page(provider, job, &mut seen, values, &document, None, (0, 0)));
            (judgement, page)
        }
        Err(error) => (judge_broken(error), None),
    };
    report(quota, &mut held, &result, &judgement, wait);
    if let Some(credits) = page.as_ref().and_then(|page| page.as_ref().ok()?.credits) {
        held.cost(credits);
    }
    Ok(Probed::Asked { judgement: mask(signer, judgement), page, latency: now.elapsed - sent.elapsed })
}
