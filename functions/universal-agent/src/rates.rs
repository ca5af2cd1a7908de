//! How often one user, or one address, may ask: within the minute, all processes of the API together.
//!
//! A process takes shares of a limit from the database and counts them by itself, so that most requests cost no round trip
//! more, and one that does costs one. While the database does not answer nobody is refused for that.

use crate::error::{ApiError, Code};
use domain::UserId;
use std::{
    collections::HashMap,
    fmt::Write,
    net::IpAddr,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};
use store::{RequestShare, Store, sha256_hex};

/// Longest a request waits to be counted.
const PATIENCE: Duration = Duration::from_millis(500);
/// How long nobody is counted after that.
const PAUSE: Duration = Duration::from_secs(10);
/// Users and addresses that are remembered before those of earlier minutes are forgotten.
const SHARES_MAX: usize = 10_000;

/// Who is counted.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Payer {
    User(UserId),
    /// By a digest: addresses are written nowhere.
    Address(String),
}

/// What a process has of a minute; `None` where nothing limits.
#[derive(Clone, Copy, Debug)]
struct Minute {
    share: Option<RequestShare>,
    ends: Instant,
}

/// How much is left, for the headers of the answer.
#[derive(Clone, Copy, Debug)]
struct Left {
    limit: u32,
    left: u32,
    seconds: u64,
}

/// What the answer to a request says of its limits; filled in while the request is looked at.
#[derive(Clone, Debug, Default)]
pub(crate) struct Told(Arc<Mutex<Vec<(&'static str, Left)>>>);

impl Told {
    /// `RateLimit-Policy` and `RateLimit`, as draft-ietf-httpapi-ratelimit-headers writes them; nothing where nothing limits.
    pub(crate) fn headers(&self) -> Option<(String, String)> {
        let told = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (mut policies, mut lefts) = (String::new(), String::new());
        for (name, left) in told.iter() {
            let comma = if policies.is_empty() { "" } else { ", " };
            let _ = write!(policies, "{comma}\"{name}\";q={};w=60", left.limit);
            let _ = write!(
                lefts,
                "{comma}\"{name}\";r={};t={}",
                left.left, left.seconds
            );
        }
        (!policies.is_empty()).then_some((policies, lefts))
    }
}

/// The shares of this process.
#[derive(Debug, Default)]
pub(crate) struct Rates {
    minutes: Mutex<HashMap<Payer, Minute>>,
    /// Nobody is counted before this.
    paused_until: Mutex<Option<Instant>>,
}

impl Rates {
    #[cfg(test)]
    pub(crate) fn off() -> Self {
        let rates = Self::default();
        rates.pause(Duration::from_secs(3600));
        rates
    }

    /// Counts a request, of a user where one is signed in.
    ///
    /// # Errors
    /// `RATE_LIMITED` when the minute's requests are used up.
    pub(crate) async fn count(
        &self,
        store: &Store,
        user: Option<UserId>,
        address: Option<IpAddr>,
        told: &Told,
    ) -> Result<(), ApiError> {
        if self.is_paused() {
            return Ok(());
        }
        let address = address.filter(|address| !address.is_loopback());
        let digest = address.map(|address| sha256_hex(network(address)));
        let payers = [user.map(Payer::User), digest.clone().map(Payer::Address)];
        let [wants_user, wants_address] = payers
            .each_ref()
            .map(|payer| payer.as_ref().is_some_and(|payer| self.needs_share(payer)));
        if wants_user || wants_address {
            let digest = digest.as_deref().filter(|_| wants_address);
            let taken = store.once(PATIENCE);
            let taken = taken
                .take_requests(user.filter(|_| wants_user), digest)
                .await;
            match taken {
                Ok(taken) => {
                    let ends = Instant::now()
                        + Duration::from_secs_f64(taken.reset_seconds.clamp(0.0, 60.0));
                    for (payer, wants, share) in [
                        (&payers[0], wants_user, taken.user),
                        (&payers[1], wants_address, taken.address),
                    ] {
                        if let (Some(payer), true) = (payer, wants) {
                            self.keep(payer.clone(), Minute { share, ends });
                        }
                    }
                }
                Err(error) => {
                    tracing::warn!(
                        error = runtime::chain(&error),
                        "Counting no requests for a while"
                    );
                    self.pause(PAUSE);
                    return Ok(());
                }
            }
        }
        for (name, payer) in ["user", "address"].into_iter().zip(&payers) {
            if let Some(payer) = payer {
                self.spend(name, payer, told)?;
            }
        }
        Ok(())
    }

    /// Whether the database is to be asked: where the limit is reached it is not before the minute ends.
    fn needs_share(&self, payer: &Payer) -> bool {
        let minutes = self.minutes.lock().unwrap_or_else(PoisonError::into_inner);
        match minutes.get(payer) {
            Some(minute) if Instant::now() < minute.ends => minute
                .share
                .is_some_and(|share| share.granted == 0 && share.left > 0),
            _ => true,
        }
    }

    fn keep(&self, payer: Payer, minute: Minute) {
        let mut minutes = self.minutes.lock().unwrap_or_else(PoisonError::into_inner);
        if minutes.len() >= SHARES_MAX {
            let now = Instant::now();
            minutes.retain(|_, minute| now < minute.ends);
        }
        minutes.insert(payer, minute);
    }

    fn spend(&self, name: &'static str, payer: &Payer, told: &Told) -> Result<(), ApiError> {
        let mut minutes = self.minutes.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(Minute {
            share: Some(share),
            ends,
        }) = minutes.get_mut(payer)
        else {
            return Ok(());
        };
        let seconds = ends.saturating_duration_since(Instant::now()).as_secs() + 1;
        let is_over = share.granted == 0;
        share.granted = share.granted.saturating_sub(1);
        let left = Left {
            limit: share.limit,
            left: share.left + share.granted,
            seconds,
        };
        let mut told = told.0.lock().unwrap_or_else(PoisonError::into_inner);
        told.push((name, left));
        if is_over {
            let message =
                format!("Too many requests within a minute. Try again in {seconds} seconds.");
            return Err(ApiError::new(Code::RateLimited, message).with_retry_after(seconds));
        }
        Ok(())
    }

    fn is_paused(&self) -> bool {
        let until = self
            .paused_until
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        until.is_some_and(|until| Instant::now() < until)
    }

    fn pause(&self, pause: Duration) {
        let mut until = self
            .paused_until
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        *until = Some(Instant::now() + pause);
    }
}

/// Whoever has an IPv6 address has a network of them.
fn network(address: IpAddr) -> String {
    match address {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => match address.to_ipv4_mapped() {
            Some(address) => address.to_string(),
            None => format!("{:x?}", &address.segments()[..4]),
        },
    }
}
