//! The part of reqwest 0.11 that `postgrest` 1.6 calls, over the reqwest of today: requests are built here, and whoever has
//! a client sends them. So no second HTTP and TLS stack is compiled, linked or kept free of advisories.

pub use reqwest_of_today::{Error, Method, Request, Response, header};

use header::HeaderMap;
use reqwest_of_today::IntoUrl;

/// Begins requests; holds nothing and costs nothing.
#[derive(Clone, Debug, Default)]
pub struct Client;

impl Client {
    /// A client; no connection pool is made before a request is sent by itself.
    pub fn new() -> Self {
        Self
    }

    /// Begins a request; a URL that cannot be read is told by [`RequestBuilder::build`].
    pub fn request(&self, method: Method, url: impl IntoUrl) -> RequestBuilder {
        RequestBuilder {
            request: url.into_url().map(|url| Request::new(method, url)),
        }
    }
}

/// A request that grows.
#[derive(Debug)]
pub struct RequestBuilder {
    request: Result<Request, Error>,
}

impl RequestBuilder {
    fn with(mut self, change: impl FnOnce(&mut Request)) -> Self {
        if let Ok(request) = &mut self.request {
            change(request);
        }
        self
    }

    /// Adds headers; one that is there already is replaced.
    pub fn headers(self, headers: HeaderMap) -> Self {
        self.with(|request| request.headers_mut().extend(headers))
    }

    /// Adds pairs to the query.
    pub fn query(self, pairs: &[(String, String)]) -> Self {
        self.with(|request| {
            if !pairs.is_empty() {
                request.url_mut().query_pairs_mut().extend_pairs(pairs);
            }
        })
    }

    /// Sets the body.
    pub fn body(self, body: String) -> Self {
        self.with(|request| *request.body_mut() = Some(body.into()))
    }

    /// The request, to be sent by a client of today.
    ///
    /// # Errors
    /// When the URL could not be read.
    pub fn build(self) -> Result<Request, Error> {
        self.request
    }

    /// Sends the request through a client of its own; the pipeline never does, for it has one already.
    ///
    /// # Errors
    /// When the URL could not be read, or no answer came.
    pub async fn send(self) -> Result<Response, Error> {
        reqwest_of_today::Client::new().execute(self.request?).await
    }
}
