//! Sends what is due: notices to the mail service, each once, webhooks to their endpoints, at least once, and books to shops, one
//! product each. All are claimed under a lease, sent side by side, and noted in one call.
//!
//! The mail service takes no key by which it could tell that it has a mail already. Whoever dies between its answer and the
//! note leaves a notice that is sent again when its lease is over, unless the service's own report is noted before.

mod letter;
mod shop;
mod webhooks;
mod words;

use crate::Deps;
use futures::future::{join_all, join3};
use letter::Letter;
use runtime::{Deadline, chain};
use std::time::{Duration, Instant};
use store::{
    DeliveryResult, DueNotice, Mail, Mailer, NoticeResult, ProductResult, SettledNotices,
    StoreError,
};

/// Of each kind; claimed, sent and noted together.
const BATCH: usize = 10;
/// A process that rescues others is not kept busy with mail for longer; what is left is found by the next wake or sweep.
const AT_IT_MAX: Duration = Duration::from_secs(25);
/// What is due again so soon is waited for: the second and the third try of a webhook, and of a product. For later ones the
/// asset worker wakes a sender.
const WAIT_MAX: Duration = Duration::from_secs(10);

/// Sends until nothing is due, or the time is up. A mail that is refused stops none of the others, and no failure here is the
/// invocation's: the notices are there for the next sweep.
pub(crate) async fn send_due(deps: &Deps, deadline: Deadline) {
    let began = Instant::now();
    let mut total = SettledNotices::default();
    while began.elapsed() < AT_IT_MAX && !deadline.left().is_zero() {
        match send_batch(deps).await {
            Ok(batch) => {
                total.sent += batch.settled.sent;
                total.delivered += batch.settled.delivered;
                total.dead += batch.settled.dead;
                total.products += batch.settled.products;
                total.refused += batch.settled.refused;
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
    if total.sent > 0 {
        tracing::info!(notices = total.sent, "Notices sent");
    }
    if total.delivered > 0 {
        tracing::info!(webhooks = total.delivered, "Webhooks delivered");
    }
    if total.dead > 0 {
        // Mostly an endpoint that is gone, which is its user's to mend.
        tracing::warn!(webhooks = total.dead, "Webhooks given up");
    }
    if total.products + total.refused > 0 {
        let (products, refused) = (total.products, total.refused);
        tracing::info!(products, refused, "Products of shops settled");
    }
}

struct Batch {
    settled: SettledNotices,
    is_full: bool,
    next: Option<Duration>,
}

async fn send_batch(deps: &Deps) -> Result<Batch, StoreError> {
    let (mailer, shop_keys) = (deps.mailer.is_some(), deps.shop_keys.is_some());
    let claimed = deps.store.claim_notices(BATCH, mailer, shop_keys).await?;
    if claimed.dead > 0 {
        tracing::error!(
            notices = claimed.dead,
            "Notices could not be sent for a day"
        );
    }
    let next = claimed.next_in_seconds.map(|seconds| seconds.max(0.0));
    let mut batch = Batch {
        settled: SettledNotices::default(),
        is_full: claimed.counts().contains(&BATCH),
        next: next.map(Duration::from_secs_f64),
    };
    if claimed.counts() == [0; 3] {
        return Ok(batch);
    }
    let app = deps.config.app_url.as_ref();
    let mails = deps.mailer.iter().flat_map(|mailer| {
        let notices = claimed.notices.iter();
        notices.map(move |notice| send(deps, mailer, notice))
    });
    let delivering = claimed.deliveries.iter();
    let delivering = delivering.map(|due| webhooks::deliver(&deps.web, app, due));
    let publishing = deps.shop_keys.iter().flat_map(|keys| {
        let products = claimed.products.iter();
        products.map(move |due| shop::publish(&deps.shops, keys, due))
    });
    let sending = join3(join_all(mails), join_all(delivering), join_all(publishing));
    let (results, deliveries, products) = sending.await;
    let settled = deps
        .store
        .settle_notices(claimed.lease_token, &results, &deliveries, &products);
    batch.settled = settled.await?;
    let mail_failed = |result| matches!(result, &NoticeResult::Failed { .. });
    let was_accepted = |result: &DeliveryResult| matches!(result.status, Some(200..300));
    let was_made = |result: &ProductResult| matches!(result, ProductResult::Created { .. });
    if results.iter().any(mail_failed)
        || !deliveries.iter().all(was_accepted)
        || !products.iter().all(was_made)
    {
        // Its pause is a few seconds the first times: the next claim tells.
        batch.next = Some(Duration::ZERO);
    }
    Ok(batch)
}

/// Where a mail program has mails switched off, in one click and without a sign-in (RFC 8058).
fn unsubscribe_headers(deps: &Deps, notice: &DueNotice) -> Vec<(&'static str, String)> {
    let token = deps.unsubscribing.token(&notice.user_id.to_string());
    let path = format!("/api/v1/notices/unsubscribe/{token}");
    let url = deps.config.api_url.as_ref();
    let url = url.and_then(|api| api.join(&path).ok());
    url.map_or_else(Vec::new, |url| {
        vec![
            ("List-Unsubscribe", format!("<{url}>")),
            (
                "List-Unsubscribe-Post",
                "List-Unsubscribe=One-Click".to_owned(),
            ),
        ]
    })
}

async fn send(deps: &Deps, mailer: &Mailer, notice: &DueNotice) -> NoticeResult {
    let id = notice.id;
    let app = deps.config.app_url.as_ref();
    let Letter {
        subject,
        html,
        text,
    } = Letter::about(notice, app);
    let mut headers = vec![
        ("X-Story-Id", notice.story_id.to_string()),
        ("X-Notice-Kind", notice.kind.name().to_owned()),
    ];
    headers.extend(unsubscribe_headers(deps, notice));
    let mail = Mail {
        to: notice.email.clone(),
        subject,
        html,
        text,
        headers,
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
