//! Requests to addresses that users name, and files from there. Only public ones are connected to: each name is looked up for the connection that
//! is made, and whatever leads to a machine of ours, of a cloud's own or of nobody is refused before.

use bytes::Bytes;
use reqwest::{
    Client, Response, StatusCode,
    dns::{Addrs, Name, Resolve, Resolving},
    header::{CONTENT_TYPE, HeaderValue, LOCATION, RETRY_AFTER},
    redirect::Policy,
};
use std::{
    error::Error,
    future::Future,
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    pin::Pin,
    sync::Arc,
    time::Duration,
};
use url::{Host, Url};

/// A client that reaches the public web and nothing else. It follows no redirect and asks no proxy.
#[derive(Clone, Debug)]
pub struct PublicWeb {
    http: Client,
    detour: Option<Url>,
}

/// What somebody answered, as far as it is read.
#[derive(Clone, Debug, PartialEq)]
pub struct PublicAnswer {
    pub status: u16,
    /// As `Retry-After` tells it in seconds.
    pub retry_after_seconds: Option<f64>,
    /// Empty where it is too long, or no text.
    pub body: String,
}

/// Of an answer that is longer nothing is read.
const BODY_BYTES_MAX: usize = 256 << 10;
/// So often a file may have moved.
const MOVES_MAX: u32 = 3;

/// Why a request had no answer. The words are for whoever named the address, and name none.
#[derive(Debug, thiserror::Error)]
pub enum PublicWebError {
    #[error("the address is not on the public web")]
    NotPublic,
    #[error("no answer within {} s", .0.as_secs())]
    TooLate(Duration),
    #[error("a header cannot be sent")]
    NotSent,
    #[error("the address cannot be reached")]
    Unreachable(#[source] reqwest::Error),
    #[error("the address answers with status {0}")]
    Status(u16),
    #[error("the file has more than {0} bytes")]
    TooLong(usize),
}

impl PublicWebError {
    /// Whether it may be over in a while.
    pub fn is_passing(&self) -> bool {
        match self {
            Self::TooLate(_) | Self::Unreachable(_) => true,
            Self::Status(status) => matches!(status, 408 | 425 | 429 | 500..),
            Self::NotPublic | Self::NotSent | Self::TooLong(_) => false,
        }
    }
}

impl PublicWeb {
    /// With a `detour` every request goes there, host and path of its address behind the detour's own: for whoever tries this
    /// on one machine. No other address is opened by that.
    pub fn new(detour: Option<Url>) -> Self {
        Self {
            http: client(lookup),
            detour,
        }
    }

    /// The same client on another way, or on none.
    pub fn by_way_of(&self, detour: Option<Url>) -> Self {
        Self {
            http: self.http.clone(),
            detour,
        }
    }

    /// Posts JSON and answers the status. The body of the answer is left unread.
    ///
    /// # Errors
    /// [`PublicWebError::NotPublic`] before anything is sent; the others where it may have been.
    pub async fn post_json(
        &self,
        url: &Url,
        headers: &[(&'static str, String)],
        body: String,
        within: Duration,
    ) -> Result<u16, PublicWebError> {
        let answer = self.send(url, headers, body, within).await?;
        Ok(answer.status().as_u16())
    }

    /// Posts JSON and reads what comes back, all within the same time.
    ///
    /// # Errors
    /// As [`Self::post_json`].
    pub async fn ask_json(
        &self,
        url: &Url,
        headers: &[(&'static str, String)],
        body: String,
        within: Duration,
    ) -> Result<PublicAnswer, PublicWebError> {
        let mut answer = self.send(url, headers, body, within).await?;
        let retry_after = answer.headers().get(RETRY_AFTER);
        let retry_after = retry_after.and_then(|value| value.to_str().ok()?.parse().ok());
        let mut read = Vec::new();
        while let Some(part) = answer
            .chunk()
            .await
            .map_err(|error| failure(error, within))?
        {
            read.extend_from_slice(&part);
            if read.len() > BODY_BYTES_MAX {
                read.clear();
                break;
            }
        }
        Ok(PublicAnswer {
            status: answer.status().as_u16(),
            retry_after_seconds: retry_after,
            body: String::from_utf8(read).unwrap_or_default(),
        })
    }

    /// Fetches a file of at most `bytes_max` bytes, all within the same time. Where it moved to is an address like the first:
    /// https, and looked up before it is connected to.
    ///
    /// # Errors
    /// [`PublicWebError::NotPublic`] before anything is sent there; [`PublicWebError::Status`] for every other answer than 200.
    pub async fn fetch(
        &self,
        url: &Url,
        bytes_max: usize,
        within: Duration,
    ) -> Result<Bytes, PublicWebError> {
        let fetching = self.fetch_to_the_end(url.clone(), bytes_max, within);
        let late = |_| PublicWebError::TooLate(within);
        tokio::time::timeout(within, fetching).await.map_err(late)?
    }

    async fn fetch_to_the_end(
        &self,
        mut url: Url,
        bytes_max: usize,
        within: Duration,
    ) -> Result<Bytes, PublicWebError> {
        let mut moves = 0;
        let mut answer = loop {
            if url.scheme() != "https" || url.port().is_some() {
                return Err(PublicWebError::NotPublic);
            }
            let request = self.http.get(self.way_to(&url)?).timeout(within);
            let answer = request
                .send()
                .await
                .map_err(|error| failure(error, within))?;
            let status = answer.status();
            let location = answer.headers().get(LOCATION);
            let next = location.and_then(|to| url.join(to.to_str().ok()?).ok());
            match next {
                Some(next) if status.is_redirection() && moves < MOVES_MAX => {
                    moves += 1;
                    url = next;
                }
                _ if status == StatusCode::OK => break answer,
                _ => return Err(PublicWebError::Status(status.as_u16())),
            }
        };
        let is_too_long = |length: u64| length > bytes_max as u64;
        if answer.content_length().is_some_and(is_too_long) {
            return Err(PublicWebError::TooLong(bytes_max));
        }
        let mut read = Vec::new();
        while let Some(part) = answer
            .chunk()
            .await
            .map_err(|error| failure(error, within))?
        {
            if read.len() + part.len() > bytes_max {
                return Err(PublicWebError::TooLong(bytes_max));
            }
            read.extend_from_slice(&part);
        }
        Ok(read.into())
    }

    async fn send(
        &self,
        url: &Url,
        headers: &[(&'static str, String)],
        body: String,
        within: Duration,
    ) -> Result<Response, PublicWebError> {
        let mut request = self.http.post(self.way_to(url)?).timeout(within);
        for (name, value) in headers {
            // A header may be a key, which no log line of a library is to show.
            let mut value = HeaderValue::from_str(value).map_err(|_| PublicWebError::NotSent)?;
            value.set_sensitive(true);
            request = request.header(*name, value);
        }
        let request = request.header(CONTENT_TYPE, "application/json").body(body);
        request.send().await.map_err(|error| failure(error, within))
    }

    fn way_to(&self, url: &Url) -> Result<Url, PublicWebError> {
        // An address in place of a name passes no look-up.
        let Some(Host::Domain(host)) = url.host() else {
            return Err(PublicWebError::NotPublic);
        };
        Ok(match &self.detour {
            None => url.clone(),
            Some(detour) => behind(detour, host, url),
        })
    }
}

fn failure(error: reqwest::Error, within: Duration) -> PublicWebError {
    if is_not_public(&error) {
        PublicWebError::NotPublic
    } else if error.is_timeout() {
        PublicWebError::TooLate(within)
    } else {
        PublicWebError::Unreachable(error.without_url())
    }
}

fn behind(detour: &Url, host: &str, url: &Url) -> Url {
    let mut address = detour.clone();
    address.set_path(&format!("/{host}{}", url.path()));
    address.set_query(url.query());
    address
}

fn client<F>(look_up: fn(String) -> F) -> Client
where
    F: Future<Output = io::Result<Vec<SocketAddr>>> + Send + 'static,
{
    let look_up = move |name: String| -> LookingUp { Box::pin(look_up(name)) };
    crate::aws::client_builder()
        .redirect(Policy::none())
        .no_proxy()
        .dns_resolver(Arc::new(PublicOnly(Arc::new(look_up))))
        .build()
        .expect("reqwest is built with this version of rustls")
}

async fn lookup(name: String) -> io::Result<Vec<SocketAddr>> {
    Ok(tokio::net::lookup_host((name, 0)).await?.collect())
}

type LookingUp = Pin<Box<dyn Future<Output = io::Result<Vec<SocketAddr>>> + Send>>;

/// Looks names up for the connection that is about to be made, so that what was checked is what is connected to.
struct PublicOnly(Arc<dyn Fn(String) -> LookingUp + Send + Sync>);

/// A name leads to an address that is none of the public web; or to none.
#[derive(Debug, thiserror::Error)]
#[error("the name leads to an address that is not public")]
struct NotPublic;

impl Resolve for PublicOnly {
    fn resolve(&self, name: Name) -> Resolving {
        let found = (self.0)(name.as_str().to_owned());
        Box::pin(async move {
            let found = found.await?;
            if found.is_empty() || !found.iter().all(|address| is_public(address.ip())) {
                return Err(NotPublic.into());
            }
            let found: Addrs = Box::new(found.into_iter());
            Ok(found)
        })
    }
}

fn is_not_public(error: &reqwest::Error) -> bool {
    let mut cause: Option<&(dyn Error + 'static)> = Some(error);
    while let Some(error) = cause {
        if error.is::<NotPublic>() {
            return true;
        }
        cause = error.source();
    }
    false
}

/// Of the registries of special-purpose addresses (RFC 6890 and what followed it) everything is left out, also what some of
/// it might be reached by.
fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => match address.to_ipv4_mapped() {
            Some(mapped) => is_public_v4(mapped),
            None => is_public_v6(address),
        },
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    !(matches!(a, 0 | 10 | 127 | 224..)
        || (a == 100 && (64..128).contains(&b))
        || (a == 169 && b == 254)
        || (a == 172 && (16..32).contains(&b))
        || (a == 192 && (b == 168 || (b == 0 && matches!(c, 0 | 2)) || (b == 88 && c == 99)))
        || (a == 198 && (matches!(b, 18 | 19) || (b == 51 && c == 100)))
        || (a == 203 && b == 0 && c == 113))
}

/// Global unicast, without protocol assignments, documentation, and addresses that hold one of the old kind.
fn is_public_v6(address: Ipv6Addr) -> bool {
    let [first, second, ..] = address.segments();
    let is_special = match first {
        0x2001 => second < 0x0200 || second == 0x0db8,
        0x2002 => true,
        0x3fff => second < 0x1000,
        _ => false,
    };
    first >> 13 == 1 && !is_special
}

#[cfg(test)]
mod tests;
