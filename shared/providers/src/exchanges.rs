//! What was asked of a provider and what it answered, for whoever keeps it: no call knows of it, and none waits for it.

use bytes::Bytes;
use reqwest::Request;
use serde_json::Value;
use std::{future::Future, sync::Arc, time::Instant};

/// One request and what came back.
#[derive(Clone, Debug)]
pub struct Exchange {
    pub provider: &'static str,
    /// What was asked for: `text`, `picture`, `speech`, `moderation` and so on.
    pub kind: &'static str,
    /// Path and query of the address.
    pub path: String,
    /// The body as JSON, without files; null where there was none.
    pub asked: Value,
    pub answered: Answered,
    pub milliseconds: u64,
}

/// The end of an exchange.
#[derive(Clone, Debug)]
pub enum Answered {
    /// Whether or not it says that something was done.
    Whole(RawAnswer),
    /// The connection broke in the middle, or the time was up.
    BrokenOff(RawAnswer),
    /// Nobody answered.
    Nothing,
}

/// An answer as it came over the wire, with the headers that it is read by.
#[derive(Clone, Debug)]
pub struct RawAnswer {
    pub status: u16,
    pub headers: Vec<(&'static str, String)>,
    pub body: Bytes,
}

/// Keeps exchanges. Told of one as soon as it ended; it must not block.
pub trait KeepsExchanges: Send + Sync {
    fn keep(&self, exchange: Exchange);
}

tokio::task_local! {
    static KEEPER: Arc<dyn KeepsExchanges>;
}

/// Runs `calls`; what they ask of providers, in this task, is told to `keeper`.
pub async fn kept_by<K: KeepsExchanges + 'static, F: Future>(
    keeper: Option<Arc<K>>,
    calls: F,
) -> F::Output {
    match keeper {
        Some(keeper) => KEEPER.scope(keeper, calls).await,
        None => calls.await,
    }
}

/// What is read of an answer beside its body.
const HEADERS: [&str; 4] = [
    "content-type",
    "retry-after",
    "retry-after-ms",
    "character-cost",
];

/// An exchange that has begun.
pub(crate) struct Begun {
    keeper: Arc<dyn KeepsExchanges>,
    exchange: Exchange,
    at: Instant,
}

impl Begun {
    /// `fields` are those of a body that is no JSON. Nothing where nobody keeps what is asked here.
    pub(crate) fn of(
        provider: &'static str,
        kind: &'static str,
        request: &Request,
        fields: Option<&Value>,
    ) -> Option<Self> {
        let keeper = KEEPER.try_with(Arc::clone).ok()?;
        let body = request.body().and_then(reqwest::Body::as_bytes);
        let asked = match (fields, body) {
            (Some(fields), _) => fields.clone(),
            (None, Some(body)) => serde_json::from_slice(body).unwrap_or_default(),
            (None, None) => Value::Null,
        };
        let url = request.url();
        let query = url.query().map(|query| format!("?{query}"));
        Some(Self {
            keeper,
            exchange: Exchange {
                provider,
                kind,
                path: format!("{}{}", url.path(), query.unwrap_or_default()),
                asked,
                answered: Answered::Nothing,
                milliseconds: 0,
            },
            at: Instant::now(),
        })
    }

    pub(crate) fn end(mut self, answered: Answered) {
        self.exchange.answered = answered;
        self.exchange.milliseconds = self.at.elapsed().as_millis() as u64;
        self.keeper.keep(self.exchange);
    }
}

/// What came, with the headers that are read.
pub(crate) fn raw(status: u16, headers: &http::HeaderMap, body: Bytes) -> RawAnswer {
    let read = HEADERS.into_iter().filter_map(|name| {
        let value = headers.get(name)?.to_str().ok()?;
        Some((name, value.to_owned()))
    });
    RawAnswer {
        status,
        headers: read.collect(),
        body,
    }
}
