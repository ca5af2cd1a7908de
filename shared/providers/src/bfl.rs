//! Black Forest Labs: FLUX pictures. A call places an order, asks until it is done, and fetches the picture from where it lies.
//! An order whose picture could not be had in time is open: the next call for the same picture asks after it first.
//! Wire facts: the provider's pages on errors and on polling, and the inputs of its OpenAPI document.

mod errors;
mod models;
mod order;
#[cfg(test)]
mod wire_tests;

use crate::{
    CallTimeouts, CallUsage, ErrorKind, OpenOrder, OpenOrders, PictureBytes, PictureCall,
    PictureModel, ProviderError,
    answer::{Answer, Endpoint, Sending},
    breaker::Breaker,
    chain::Chain,
    error::DRAWING as ATTEMPTED,
};
use domain::price::BFL;
use http::header::CONTENT_TYPE;
use order::Order;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::Value;
use std::{
    fmt,
    sync::Arc,
    time::{Duration, Instant},
};
use url::Url;

const PROVIDER: &str = "Black Forest Labs";
/// Placing an order, and asking after one, is answered at once.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(15);
/// Between two questions whether an order is done.
const POLL_PAUSE: Duration = Duration::from_millis(700);
const TEXT_BYTES_MAX: usize = 1 << 20;
const PICTURE_BYTES_MAX: usize = 32 << 20;

/// Account and models, tried in order.
#[derive(Clone, Debug)]
pub struct BflConfig {
    pub base_url: Url,
    pub api_key: SecretString,
    pub image_models: Vec<String>,
    /// Longest one try at a picture may take, from the order to the picture.
    pub picture_try: Duration,
    pub timeouts: CallTimeouts,
}

/// The account, ready to call.
#[derive(Clone)]
pub struct Bfl {
    config: BflConfig,
    http: reqwest::Client,
    breaker: Breaker,
    models: Arc<Chain>,
}

impl fmt::Debug for Bfl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Bfl")
    }
}

/// What is answered to an order.
#[derive(Deserialize)]
struct Placed {
    id: String,
    /// Where to ask after it.
    polling_url: Url,
    /// Megapixels of the references, and of the picture.
    #[serde(default)]
    input_mp: Option<f64>,
    #[serde(default)]
    output_mp: Option<f64>,
}

/// How an order stands.
#[derive(Deserialize)]
struct Standing {
    status: String,
    #[serde(default)]
    result: Value,
}

impl Bfl {
    /// Each reference is paid for: so many show who a story is about.
    pub const REFERENCES_MAX: usize = 4;

    pub fn new(config: BflConfig, http: reqwest::Client) -> Self {
        Self {
            breaker: Breaker::new(PROVIDER, config.timeouts),
            models: Arc::new(Chain::new("image", &config.image_models)),
            config,
            http,
        }
    }

    fn endpoint(&self, kind: &'static str, model: &str) -> Endpoint {
        Endpoint {
            provider: PROVIDER,
            kind,
            model: Some(model.to_owned()),
            attempted: ATTEMPTED,
            timeout: ANSWER_TIMEOUT.min(self.config.timeouts.try_max),
            breaker: self.breaker.clone(),
            bytes_max: TEXT_BYTES_MAX,
            classify: errors::classify,
        }
    }

    async fn draw_with(
        &self,
        model: &str,
        call: &PictureCall,
        has_stand_in: bool,
        usage: &mut Vec<CallUsage>,
    ) -> Result<PictureBytes, ProviderError> {
        let until = Instant::now() + self.config.picture_try.min(self.config.timeouts.try_max);
        let until = until.min(call.deadline);
        let order = Order::of(model, call);
        let request = order.digest();
        let known = call.orders.find(BFL, model, &request);
        let known = known.filter(|open| self.may_be_shown_the_key(&open.polling_url));
        if let Some(open) = known {
            tracing::info!(
                model,
                "Order of an earlier try is asked after, not placed again"
            );
            let collected = self.collect(&open, &call.orders, until).await;
            let came_to_nothing = call.orders.find(BFL, model, &request).is_none();
            match collected {
                Err(ProviderError {
                    kind: ErrorKind::Unavailable | ErrorKind::ModelGone,
                    ..
                }) if came_to_nothing => {}
                collected => return collected,
            }
        }
        let placed = self.place(&order, call, until, has_stand_in, usage).await?;
        let open = OpenOrder {
            provider: BFL.to_owned(),
            model: model.to_owned(),
            request,
            polling_url: placed.polling_url,
        };
        if !self.may_be_shown_the_key(&open.polling_url) {
            return Err(self
                .endpoint("picture_status", model)
                .error(ErrorKind::Malformed));
        }
        call.orders.add(open.clone());
        self.collect(&open, &call.orders, until).await
    }

    /// Waits for an order and fetches its picture. It stays open as long as nobody knows what became of it.
    async fn collect(
        &self,
        open: &OpenOrder,
        orders: &OpenOrders,
        until: Instant,
    ) -> Result<PictureBytes, ProviderError> {
        let sample = self.wait(open, orders, until).await?;
        let picture = self.fetch(&open.model, &sample, until).await;
        let has_come = match &picture {
            Ok(_) => true,
            Err(error) => error.kind == ErrorKind::Malformed,
        };
        if has_come {
            orders.close(open);
        }
        picture
    }

    /// Adds to `usage` every order that was taken: it is paid for, whatever becomes of it and of its answer.
    async fn place(
        &self,
        order: &Order<'_>,
        call: &PictureCall,
        until: Instant,
        has_stand_in: bool,
        usage: &mut Vec<CallUsage>,
    ) -> Result<Placed, ProviderError> {
        let &Order {
            model, references, ..
        } = order;
        let base = self.config.base_url.as_str().trim_end_matches('/');
        let url = format!("{base}/v1/{model}");
        let key = self.config.api_key.expose_secret();
        let endpoint = self.endpoint("picture", model);
        let mut lost = Vec::new();
        let sending = Sending {
            deadline: until,
            has_stand_in,
            listening: None,
            lost: &mut lost,
            sent: call.sent.clone(),
            fields: None,
        };
        let request = || {
            let sent = self.http.post(&url).header("x-key", key);
            let sent = sent.header(CONTENT_TYPE, "application/json");
            sent.body(order.body.clone())
        };
        let sent = endpoint.send_to_model(request, sending).await;
        let unheard = || taken(model, references, None);
        usage.extend(lost.iter().map(|_| unheard()));
        let answer = sent.map_err(|error| match (&error.kind, references) {
            // Nothing was sent that could be at fault.
            (ErrorKind::ReferenceUnreadable { .. }, 0) => ProviderError {
                kind: ErrorKind::Invalid,
                ..error
            },
            _ => error,
        })?;
        let placed = serde_json::from_slice::<Placed>(&answer.body);
        usage.push(taken(model, references, placed.as_ref().ok()));
        endpoint.finish(answer, placed.map_err(|_| ErrorKind::Malformed))
    }

    /// Asks until the order is done; answers where its picture lies. A question that is lost loses nothing: it is asked again.
    async fn wait(
        &self,
        open: &OpenOrder,
        orders: &OpenOrders,
        until: Instant,
    ) -> Result<Url, ProviderError> {
        let endpoint = self.endpoint("picture_status", &open.model);
        let key = self.config.api_key.expose_secret();
        loop {
            tokio::time::sleep(POLL_PAUSE).await;
            if Instant::now() >= until {
                return Err(endpoint.error(ErrorKind::TimedOut));
            }
            let request = || {
                let asked = self.http.get(open.polling_url.clone());
                asked.header("x-key", key)
            };
            let answer = match endpoint.send(until, request).await {
                Ok(answer) => answer,
                Err(error) if error.is_retryable() => continue,
                Err(error) => {
                    // Nothing is there to be asked after (404).
                    if error.kind == ErrorKind::ModelGone {
                        orders.close(open);
                    }
                    return Err(error);
                }
            };
            let found = standing(&answer);
            if found.is_err() {
                orders.close(open);
            }
            if let Some(found) = endpoint.finish(answer, found)? {
                return Ok(found);
            }
        }
    }

    /// The picture itself, from a signed address that needs no key.
    async fn fetch(
        &self,
        model: &str,
        sample: &Url,
        until: Instant,
    ) -> Result<PictureBytes, ProviderError> {
        let endpoint = Endpoint {
            bytes_max: PICTURE_BYTES_MAX,
            // Not the account is refused but an address that is no longer good.
            classify: |_, _| (ErrorKind::Unavailable, None),
            ..self.endpoint("picture_file", model)
        };
        if sample.scheme() != "https" && sample.scheme() != self.config.base_url.scheme() {
            return Err(endpoint.error(ErrorKind::Malformed));
        }
        let answer = endpoint
            .send(until, || self.http.get(sample.clone()))
            .await?;
        let picture = PictureBytes::parse(answer.body.clone()).map_err(|_| ErrorKind::Malformed);
        endpoint.finish(answer, picture)
    }

    /// Where to ask comes from an answer: the key goes to the provider's own hosts and to no other.
    fn may_be_shown_the_key(&self, url: &Url) -> bool {
        let base = &self.config.base_url;
        let (Some(host), Some(own)) = (url.host_str(), base.host_str()) else {
            return false;
        };
        let is_own = host == own && url.port_or_known_default() == base.port_or_known_default();
        let is_sibling = url.scheme() == "https"
            && url.port().is_none()
            && own.ends_with(DOMAIN)
            && host.ends_with(DOMAIN);
        url.scheme() == base.scheme() && (is_own || is_sibling)
    }
}

/// What an order costs: by its answer, as far as that could be read.
fn taken(model: &str, references: usize, placed: Option<&Placed>) -> CallUsage {
    let counted = |told: Option<f64>, known: usize| {
        let told = told.filter(|told| told.is_finite() && *told >= 0.0);
        told.map_or(known as u64, |told| told.ceil() as u64)
    };
    CallUsage {
        provider: BFL,
        model: model.to_owned(),
        input_units: counted(placed.and_then(|placed| placed.input_mp), references),
        output_units: counted(placed.and_then(|placed| placed.output_mp), 1),
        request_id: placed.map_or_else(String::new, |placed| placed.id.clone()),
    }
}

/// The end of every host of the provider.
const DOMAIN: &str = ".bfl.ai";

/// Where the picture of an order lies; nothing while it is being drawn, and where an answer says nothing of it: another
/// question costs less than another picture.
fn standing(answer: &Answer) -> Result<Option<Url>, ErrorKind> {
    let Ok(standing) = serde_json::from_slice::<Standing>(&answer.body) else {
        return Ok(None);
    };
    match standing.status.as_str() {
        "Ready" => {
            let sample = standing.result["sample"].as_str();
            let sample = sample.and_then(|sample| sample.parse().ok());
            sample.ok_or(ErrorKind::Malformed).map(Some)
        }
        "Request Moderated" | "Content Moderated" => Err(ErrorKind::Refused),
        "Error" | "Failed" | "Task not found" => Err(ErrorKind::Unavailable),
        // Pending, Queued, Processing, and whatever it may say tomorrow: time ends it.
        _ => Ok(None),
    }
}

#[async_trait::async_trait]
impl PictureModel for Bfl {
    async fn draw(
        &self,
        call: &PictureCall,
        usage: &mut Vec<CallUsage>,
    ) -> Result<PictureBytes, ProviderError> {
        let mut walk = self.models.walk(PROVIDER, ATTEMPTED, call.deadline);
        while let Some(model) = walk.next() {
            let has_stand_in = walk.has_stand_in() || call.has_stand_in;
            let drawn = self.draw_with(model, call, has_stand_in, usage);
            match drawn.await {
                Ok(picture) => {
                    walk.delivered(model);
                    return Ok(picture);
                }
                Err(error) => walk.failed(model, error)?,
            }
        }
        Err(walk.into_error())
    }
}
