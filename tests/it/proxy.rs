//! A proxy between the functions and the stand-ins of the providers: it keeps every exchange, and spoils those that a test
//! names. Neither function nor stand-in knows of it.

mod exchange;
mod spoil;

pub(crate) use exchange::{Exchange, kind_of};
pub(crate) use spoil::{Rule, Spoil};

use crate::stack::{Shared, own};
use axum::{
    Router,
    body::{Body, to_bytes},
    extract::{Request, State},
    http::{HeaderMap, StatusCode, header, request::Parts},
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use futures::StreamExt;
use serde_json::Value;
use stack::{ports::Ports, stack::StackOptions};
use std::{
    collections::HashMap,
    net::TcpListener,
    sync::{Arc, Mutex, MutexGuard},
};

const BODY_BYTES_MAX: usize = 96 << 20;

/// Clones share what was kept.
#[derive(Clone)]
pub(crate) struct Proxy(Arc<Inner>);

struct Inner {
    http: reqwest::Client,
    ports: Ports,
    kept: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    exchanges: Vec<Exchange>,
    rules: Vec<Rule>,
    /// Whom requests are about, by a name that stands in them.
    names: Vec<String>,
    /// The same of orders, by their ids: what asks after one names nobody.
    orders: HashMap<String, String>,
}

/// A stack of a test's own whose functions know the providers by the proxy.
pub(crate) fn own_with_proxy(
    name: &str,
    change: impl FnOnce(&mut StackOptions),
) -> (Shared, Proxy) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
    let address = format!("http://{}", listener.local_addr().expect("an address"));
    let mut ports = None;
    let shared = own(name, |options| {
        let urls = [
            ("OPENAI_BASE_URL", format!("{address}/v1")),
            ("BFL_BASE_URL", address.clone()),
            ("ELEVENLABS_BASE_URL", address),
        ];
        let urls = urls.map(|(name, url)| (name.to_owned(), url));
        options.overrides.extend(urls);
        change(options);
        ports = Some(options.ports);
    });
    let http = reqwest::Client::builder().no_proxy().build();
    let proxy = Proxy(Arc::new(Inner {
        http: http.expect("a client"),
        ports: ports.expect("a stack has ports"),
        kept: Mutex::default(),
    }));
    let routes = Router::new().fallback(pass).with_state(proxy.clone());
    shared.run(async {
        listener.set_nonblocking(true).expect("a socket");
        let listener = tokio::net::TcpListener::from_std(listener).expect("a socket");
        tokio::spawn(async { axum::serve(listener, routes).await });
    });
    (shared, proxy)
}

impl Proxy {
    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.0.kept.lock().expect("no holder panics")
    }

    /// Whoever sends this name speaks about it.
    pub(crate) fn listen_for(&self, name: &str) {
        self.kept().names.push(name.to_owned());
    }

    pub(crate) fn spoil(&self, rule: Rule) {
        self.kept().rules.push(rule);
    }

    /// All of them, oldest first.
    pub(crate) fn exchanges(&self) -> Vec<Exchange> {
        self.kept().exchanges.clone()
    }

    /// Those about a name.
    pub(crate) fn about(&self, name: &str) -> Vec<Exchange> {
        let kept = self.kept();
        let about = |one: &&Exchange| one.about.as_deref() == Some(name);
        kept.exchanges.iter().filter(about).cloned().collect()
    }

    /// Notes a request; answers its place and how it is to be spoilt.
    fn note(&self, head: &Parts, sent: &Bytes) -> (usize, Option<Spoil>) {
        let mut kept = self.kept();
        let kind = kind_of(head.uri.path(), sent);
        let path = head.uri.to_string();
        let named = kept.names.iter().find(|name| exchange::has(sent, name));
        let ordered = kept.orders.iter().find(|(id, _)| path.contains(*id));
        let about = named.or(ordered.map(|(_, name)| name)).cloned();
        let rule = kept.rules.iter_mut().find(|rule| {
            let is_about = rule.about.is_none() || rule.about == about;
            rule.times > 0 && rule.kind == kind && is_about
        });
        let spoil = rule.map(|rule| {
            rule.times -= 1;
            rule.spoil.clone()
        });
        kept.exchanges.push(Exchange {
            provider: provider_of(&head.headers),
            kind,
            about,
            method: head.method.to_string(),
            path,
            content_type: text_of(&head.headers, header::CONTENT_TYPE.as_str()),
            sent: sent.clone(),
            status: 0,
            headers: HeaderMap::new(),
            received: Vec::new(),
            is_spoilt: spoil.is_some(),
        });
        (kept.exchanges.len() - 1, spoil)
    }

    fn note_answer(&self, place: usize, status: StatusCode, headers: &HeaderMap) {
        let mut kept = self.kept();
        let exchange = &mut kept.exchanges[place];
        exchange.status = status.as_u16();
        exchange.headers = headers.clone();
    }

    fn note_received(&self, place: usize, more: &[u8]) {
        let mut kept = self.kept();
        let exchange = &mut kept.exchanges[place];
        exchange.received.extend_from_slice(more);
        if exchange.kind == "order"
            && let Some(name) = exchange.about.clone()
            && let Ok(placed) = serde_json::from_slice::<Value>(&exchange.received)
            && let Some(id) = placed["id"].as_str()
        {
            kept.orders.insert(id.to_owned(), name);
        }
    }

    /// What the stand-in answers.
    async fn forward(&self, head: &Parts, sent: Bytes) -> reqwest::Result<reqwest::Response> {
        let ports = self.0.ports;
        let port = match provider_of(&head.headers) {
            "elevenlabs" => ports.elevenlabs,
            _ => ports.openai,
        };
        let url = format!("http://127.0.0.1:{port}{}", head.uri);
        let mut headers = head.headers.clone();
        headers.remove(header::CONTENT_LENGTH);
        let request = self.0.http.request(head.method.clone(), url);
        request.headers(headers).body(sent).send().await
    }
}

fn provider_of(headers: &HeaderMap) -> &'static str {
    if headers.contains_key("xi-api-key") {
        "elevenlabs"
    } else if headers.contains_key("x-key") {
        "bfl"
    } else {
        "openai"
    }
}

fn text_of(headers: &HeaderMap, name: &str) -> String {
    let value = headers.get(name).and_then(|value| value.to_str().ok());
    value.unwrap_or_default().to_owned()
}

async fn pass(State(proxy): State<Proxy>, request: Request) -> Response {
    let (head, body) = request.into_parts();
    let Ok(sent) = to_bytes(body, BODY_BYTES_MAX).await else {
        return StatusCode::PAYLOAD_TOO_LARGE.into_response();
    };
    let (place, spoil) = proxy.note(&head, &sent);
    if let Some(Spoil::Answer {
        status,
        content_type,
        body,
    }) = &spoil
    {
        let status = StatusCode::from_u16(*status).expect("a status");
        let answer = (
            status,
            [(header::CONTENT_TYPE, *content_type)],
            body.clone(),
        );
        let answer = answer.into_response();
        proxy.note_answer(place, status, answer.headers());
        proxy.note_received(place, body.as_bytes());
        return answer;
    }
    let sent = match &spoil {
        Some(Spoil::Ask(change)) => change(&sent),
        _ => sent,
    };
    let Ok(answer) = proxy.forward(&head, sent).await else {
        return StatusCode::BAD_GATEWAY.into_response();
    };
    let (status, mut headers) = (answer.status(), answer.headers().clone());
    proxy.note_answer(place, status, &headers);
    headers.remove(header::CONTENT_LENGTH);
    headers.remove(header::TRANSFER_ENCODING);
    let body = match spoil {
        Some(spoil) => {
            let whole = answer.bytes().await.unwrap_or_default();
            proxy.note_received(place, &whole);
            spoil.body(whole)
        }
        None => Body::from_stream(answer.bytes_stream().inspect(move |piece| {
            if let Ok(piece) = piece {
                proxy.note_received(place, piece);
            }
        })),
    };
    let mut response = Response::new(body);
    (*response.status_mut(), *response.headers_mut()) = (status, headers);
    response
}
