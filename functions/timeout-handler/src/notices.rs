//! Sends the notices that are due, each once: claimed under a lease, handed to the mail service, and noted.
//!
//! The mail service takes no key by which it could tell that it has a mail already. Whoever dies between its answer and the
//! note leaves a notice that is sent again when its lease is over, unless the service's own report is noted before.

mod letter;
mod words;

use crate::Deps;
use futures::future::join_all;
use letter::Letter;
use runtime::{Deadline, chain};
use std::time::{Duration, Instant};
use store::{DueNotice, Mail, Mailer, NoticeResult, StoreError};
use url::Url;

/// Claimed, sent and noted together.
const BATCH: usize = 10;
/// A process that rescues others is not kept busy with mail for longer; what is left is found by the next wake or sweep.
const AT_IT_MAX: Duration = Duration::from_secs(25);
/// What is due again so soon is waited for.
const WAIT_MAX: Duration = Duration::from_secs(5);

/// Sends until nothing is due, or the time is up. A mail that is refused stops none of the others, and no failure here is the
/// invocation's: the notices are there for the next sweep.
pub(crate) async fn send_due(deps: &Deps, deadline: Deadline) {
    let Some(mailer) = &deps.mailer else {
        return;
    };
    let began = Instant::now();
    let mut sent = 0;
    while began.elapsed() < AT_IT_MAX && !deadline.left().is_zero() {
        match send_batch(deps, mailer).await {
            Ok(batch) => {
                sent += batch.sent;
                let wait = match batch.next {
                    _ if batch.is_full => Duration::ZERO,
                    Some(wait) if wait <= WAIT_MAX => wait + Duration::from_millis(5),
                    _ => break,
                };
                if wait >= deadline.left() {
                    break;
                }
                tokio::time::sleep(wait).await;
            }
            Err(error) => {
                tracing::warn!(
                    error = chain(&error),
                    "Could not claim or note notices; the next sweep finds them"
                );
                break;
            }
        }
    }
    if sent > 0 {
        tracing::info!(notices = sent, "Notices sent");
    }
}

struct Batch {
    sent: u64,
    is_full: bool,
    next: Option<Duration>,
}

async fn send_batch(deps: &Deps, mailer: &Mailer) -> Result<Batch, StoreError> {
    let claimed = deps.store.claim_notices(BATCH).await?;
    if claimed.dead > 0 {
        tracing::error!(
            notices = claimed.dead,
            "Notices could not be sent for a day"
        );
    }
    let next = claimed.next_in_seconds.map(|seconds| seconds.max(0.0));
    let mut batch = Batch {
        sent: 0,
        is_full: claimed.notices.len() == BATCH,
        next: next.map(Duration::from_secs_f64),
    };
    if claimed.notices.is_empty() {
        return Ok(batch);
    }
    let app = deps.config.app_url.as_ref();
    let sending = claimed
        .notices
        .iter()
        .map(|notice| send(mailer, app, notice));
    let results = join_all(sending).await;
    batch.sent = deps
        .store
        .settle_notices(claimed.lease_token, &results)
        .await?;
    if results
        .iter()
        .any(|result| matches!(result, NoticeResult::Failed { .. }))
    {
        // Its pause is a few seconds the first times: the next claim tells.
        batch.next = Some(Duration::ZERO);
    }
    Ok(batch)
}

async fn send(mailer: &Mailer, app: Option<&Url>, notice: &DueNotice) -> NoticeResult {
    let id = notice.id;
    let Letter {
        subject,
        html,
        text,
    } = Letter::about(notice, app);
    let mail = Mail {
        to: notice.email.clone(),
        subject,
        html,
        text,
        headers: vec![
            ("X-Story-Id", notice.story_id.to_string()),
            ("X-Notice-Kind", notice.kind.name().to_owned()),
        ],
        notice: id,
    };
    match mailer.send(&mail).await {
        Ok(message_id) => NoticeResult::Sent { id, message_id },
        Err(error) => {
            let error = chain(&error);
            tracing::warn!(storyId = %notice.story_id, error, "A notice was not taken, trying again later");
            NoticeResult::Failed { id, error }
        }
    }
}
