//! The rescuer: settles jobs whose worker is gone, in bounded batches, one verdict per job.
//!
//! It is told of every invocation of the worker and the content agent that died or never ran (they name it as their
//! on-failure destination), and ends what that one held at once. What nobody told it of, its schedule finds by the end
//! of the lease; a claim does the same in passing. It also sends mails and webhooks about stories that ended, and books to
//! shops: woken by whoever ended one or asked for it, and with each sweep.

mod config;
mod notices;
mod trigger;

pub use config::Config;
pub use trigger::{BadTrigger, Trigger};

use events::{FailedInvocation, MailFate, MailReport, Tick};
use runtime::{
    Aws, Deadline, Invoke, LambdaInvoker, PublicWeb, SealingKeys, Variables, chain, env,
    http_client, signing::UnsubscribeKey,
};
use serde::Serialize;
use std::{sync::Arc, time::Duration};
use store::{Expired, MailOutcome, Mailer, RestConfig, Store, StoreError};

/// What the handler may touch. Built once per process.
pub struct Deps {
    pub store: Store,
    pub invoker: Arc<dyn Invoke>,
    /// None where nobody is to get mail.
    pub mailer: Option<Mailer>,
    /// By which mails are switched off.
    pub unsubscribing: UnsubscribeKey,
    /// Where webhooks go.
    pub web: PublicWeb,
    /// Where shops are.
    pub shops: PublicWeb,
    /// What opens the keys of users to their shops. None where nobody sells.
    pub shop_keys: Option<SealingKeys>,
    pub config: Config,
}

impl Deps {
    /// Builds every client once; none of them connects before it is used.
    pub fn from_variables(
        variables: &Variables,
        aws: Arc<Aws>,
    ) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        let (supabase_url, service_role_key) = variables.supabase()?;
        let unsubscribing = UnsubscribeKey::of(&service_role_key);
        let rest = RestConfig {
            supabase_url,
            service_role_key,
        };
        let (http, config) = (http_client(), Config::from_variables(variables)?);
        let mailer = config.email_from.clone().map(|from| {
            let (lazy, set) = (Arc::clone(&aws), config.email_configuration_set.clone());
            Mailer::new(
                async move { lazy.config().clone() },
                http.clone(),
                from,
                set,
            )
        });
        let web = PublicWeb::new(config.webhook_detour.clone());
        Ok(Self {
            store: Store::new(&rest, http)?,
            invoker: Arc::new(LambdaInvoker::new(aws)),
            mailer,
            unsubscribing,
            shops: web.by_way_of(config.shop_detour.clone()),
            web,
            shop_keys: SealingKeys::new(env::SHOP_KEY, &variables.list_or(env::SHOP_KEY, ""))?,
            config,
        })
    }
}

/// Jobs failed for good, and jobs that got another attempt.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Report {
    pub expired: u64,
    pub requeued: u64,
}

/// Why an invocation ended before its work was done.
#[derive(Debug, thiserror::Error)]
pub enum TimeoutHandlerError {
    #[error("could not settle stuck jobs")]
    Expire(#[source] StoreError),
    #[error("could not note what became of a mail")]
    NoteMail(#[source] StoreError),
}

/// One invocation: why, and when it has to end.
#[derive(Clone, Debug)]
pub struct Invocation {
    pub trigger: Trigger,
    pub deadline: Deadline,
}

/// Jobs settled in one round trip.
const BATCH: usize = 100;
/// Stories that a sweep moves to the history: some 48,000 a day at a sweep every quarter of an hour.
const STORIES_PUT_AWAY: usize = 500;
/// Kept free at the end, to wake the worker.
const MARGIN: Duration = Duration::from_secs(5);

/// Does what the trigger asks for.
pub async fn handle(deps: &Deps, invocation: Invocation) -> Result<Report, TimeoutHandlerError> {
    let Invocation { trigger, deadline } = invocation;
    match trigger {
        Trigger::Sweep => return rescue(deps, None, deadline).await,
        Trigger::InvocationFailed(failed) => return rescue(deps, Some(failed), deadline).await,
        Trigger::Notices => notices::send_due(deps, deadline.earlier_by(MARGIN)).await,
        Trigger::MailReports(reports) => note_reports(deps, &reports).await?,
    }
    Ok(Report::default())
}

async fn note_reports(deps: &Deps, reports: &[MailReport]) -> Result<(), TimeoutHandlerError> {
    for report in reports {
        let outcome = match report.fate {
            MailFate::Sent => MailOutcome::Sent,
            MailFate::Bounced => MailOutcome::Bounce,
            MailFate::Complained => MailOutcome::Complaint,
        };
        let noted = deps
            .store
            .note_mail_event(outcome, &report.addresses, report.notice)
            .await;
        let stopped = noted.map_err(TimeoutHandlerError::NoteMail)?;
        if stopped > 0 {
            tracing::warn!(users = stopped, "Notices switched off: mail came back");
        }
    }
    Ok(())
}

/// Settles batch after batch until none is stuck, or no time is left; then wakes the worker for what is claimable. What was
/// not told of an invocation that failed is a sweep.
async fn rescue(
    deps: &Deps,
    failed: Option<FailedInvocation>,
    deadline: Deadline,
) -> Result<Report, TimeoutHandlerError> {
    if let Some(failed) = &failed {
        tracing::error!(
            failedRequestId = failed.request_id,
            failedFunction = failed.function,
            condition = failed.condition,
            errorType = failed.error_type,
            "An invocation died or never ran; ending its leases"
        );
    }
    let deadline = deadline.earlier_by(MARGIN);
    let mut report = Report::default();
    let mut has_ended_stories = false;
    let last = loop {
        let batch = settle_batch(deps, failed.as_ref())
            .await
            .map_err(TimeoutHandlerError::Expire)?;
        report.expired += batch.expired;
        report.requeued += batch.requeued;
        has_ended_stories |= batch.has_ended_stories();
        let moved = batch.expired + batch.requeued > 0;
        if !batch.more || !moved || deadline.left().is_zero() {
            break batch;
        }
    };
    if failed.is_none() {
        tracing::info!(spentTodayUsd = last.spent_today_usd, "Swept");
    }
    if report != Report::default() {
        tracing::warn!(
            expired = report.expired,
            requeued = report.requeued,
            "Stuck jobs settled"
        );
    }
    if let Some(wake) = wake_after(deps, failed.as_ref(), report, last.claimable)
        && let Err(error) = deps
            .invoker
            .invoke(&deps.config.asset_worker, wake.into())
            .await
    {
        tracing::error!(
            error = chain(&error),
            "Could not wake the asset worker; its schedule will find the jobs"
        );
    }
    if has_ended_stories || failed.is_none() {
        notices::send_due(deps, deadline).await;
    }
    if last.tidy && failed.is_none() && !deadline.left().is_zero() {
        put_away(deps).await;
    }
    Ok(report)
}

/// Housekeeping comes last and fails nothing: what is left is found by the next sweep.
async fn put_away(deps: &Deps) {
    match deps.store.tidy_history(STORIES_PUT_AWAY).await {
        Ok(tidied) => tracing::info!(
            stories = tidied.stories,
            jobs = tidied.jobs,
            notices = tidied.notices,
            idempotencyKeys = tidied.keys,
            webhooks = tidied.deliveries,
            "Old work put away"
        ),
        Err(error) => tracing::warn!(error = chain(&error), "Could not put old work away"),
    }
}

async fn settle_batch(
    deps: &Deps,
    failed: Option<&FailedInvocation>,
) -> Result<Expired, StoreError> {
    match failed {
        None => deps.store.expire_stuck_jobs(BATCH).await,
        Some(failed) => {
            let (request, tokens) = (&failed.request_id, &failed.lease_tokens);
            deps.store
                .settle_dead_invocation(BATCH, request, tokens, failed.new_story)
                .await
        }
    }
}

/// A failed invocation wakes the worker whatever was settled: the wake it still owed, or its claims, are due in a moment,
/// and the worker waits for them. Only a worker that fails of being woken is not woken again by its own failure.
fn wake_after(
    deps: &Deps,
    failed: Option<&FailedInvocation>,
    settled: Report,
    claimable: bool,
) -> Option<Tick> {
    match failed {
        None => claimable.then_some(Tick::WAKE),
        Some(failed) => {
            let failed_on_rescue_wake =
                failed.is_rescue_wake && failed.function == deps.config.asset_worker;
            (!failed_on_rescue_wake || settled != Report::default()).then_some(Tick::RESCUE_WAKE)
        }
    }
}
