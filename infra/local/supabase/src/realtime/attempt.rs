//! The database subscription that follows a join or a new token: later than the reply, as on the
//! real server, and announced by a `system` message.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use serde_json::{Value, json};

use super::{
    Shared,
    channel::Binding,
    frame::Head,
    outbox::Outbox,
    registry::Subscription,
    resolve::{SubscribeError, Subscriber, resolve},
};
use crate::capture::end_of_log;

const EXTENSION: &str = "postgres_changes";
const RETRY_AFTER: Duration = Duration::from_secs(5);

/// The reply of a join that waits for its subscription.
pub(crate) struct HeldReply {
    pub(crate) join_ref: Option<String>,
    pub(crate) reference: Option<String>,
    pub(crate) response: Value,
}

impl HeldReply {
    fn send(&self, outbox: &Outbox, topic: &str, status: &str, response: &Value) {
        let head = Head {
            join_ref: self.join_ref.as_deref(),
            reference: self.reference.as_deref(),
            topic,
            event: "phx_reply",
        };
        outbox.send(head, &json!({"status": status, "response": response}));
    }
}

/// One try of a channel to subscribe; a later try of the same channel makes it void.
pub(crate) struct Attempt {
    number: u64,
    latest: Arc<AtomicU64>,
}

impl Attempt {
    pub(crate) fn begin(latest: &Arc<AtomicU64>) -> Self {
        Self {
            number: latest.fetch_add(1, Ordering::SeqCst) + 1,
            latest: latest.clone(),
        }
    }

    fn is_latest(&self) -> bool {
        self.latest.load(Ordering::SeqCst) == self.number
    }
}

pub(crate) async fn run(
    server: Arc<Shared>,
    subscriber: Subscriber,
    bindings: Arc<[Binding]>,
    attempt: Attempt,
    mut held: Option<HeldReply>,
) {
    tokio::time::sleep(server.options.subscription_delay).await;
    while attempt.is_latest() {
        let (outbox, topic) = (&subscriber.outbox, &subscriber.topic);
        match prepare(&server, &subscriber, &bindings).await {
            Ok(subscriptions) => {
                let channel = (outbox.socket, topic.clone());
                let all = &server.subscriptions;
                if all.replace(channel, subscriptions, || attempt.is_latest()) {
                    // From here on, committed changes arrive.
                    if let Some(reply) = held.take() {
                        reply.send(outbox, topic, "ok", &reply.response);
                    }
                    outbox.system(topic, EXTENSION, "ok", "Subscribed to PostgreSQL");
                }
                return;
            }
            Err(SubscribeError::Refused(message)) => {
                // A refused refresh must not leave the rows of the former identity flowing.
                server.subscriptions.remove(&(outbox.socket, topic.clone()));
                match held {
                    Some(reply) => reply.send(outbox, topic, "error", &json!({"reason": message})),
                    None => outbox.system(topic, EXTENSION, "error", &message),
                }
                return;
            }
            Err(SubscribeError::Database(error)) => {
                tracing::warn!(%error, "a Realtime subscription could not be checked");
                let message = "Realtime was unable to connect to the project database";
                outbox.system(topic, EXTENSION, "error", message);
                tokio::time::sleep(RETRY_AFTER).await;
            }
        }
    }
}

/// Ready once every change committed until now has been delivered: older ones must not reach a new
/// subscriber, nor a new identity the rows of the former one's time.
async fn prepare(
    server: &Shared,
    subscriber: &Subscriber,
    bindings: &[Binding],
) -> Result<Vec<Subscription>, SubscribeError> {
    let subscriptions = resolve(&server.pool, subscriber, bindings).await?;
    let now = end_of_log(&server.pool).await?;
    let mut delivered_until = server.delivered_until.subscribe();
    server.subscriptions.wanted.notify_one();
    // The sender lives in `server`, so waiting cannot fail.
    let _ = delivered_until.wait_for(|position| *position >= now).await;
    Ok(subscriptions)
}
