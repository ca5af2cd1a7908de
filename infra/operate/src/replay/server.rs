//! Stands where the providers are, and gives the answers that were kept; what was not kept is asked of who answers anew.

use super::{
    answers::{Answers, Match, Question},
    kept::{Exchange, Kept},
};
use axum::{
    Router,
    body::{Body, Bytes, to_bytes},
    extract::{DefaultBodyLimit, FromRequest, Multipart, Request, State},
    http::{HeaderName, StatusCode, header, request::Parts},
    response::{IntoResponse, Response},
};
use futures::{StreamExt, stream};
use serde_json::{Map, Value};
use std::{
    collections::BTreeMap,
    io,
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::{net::TcpListener, task::JoinSet};

/// Sixteen references of four megabytes as Base64.
const BODY_BYTES_MAX: usize = 96 << 20;
/// Until a connection breaks, so that what was sent leaves before.
const BREAK_AFTER: Duration = Duration::from_millis(20);

/// Who is asked what was not kept: the base address of each provider, by its name here.
#[derive(Clone, Debug, Default)]
pub struct AnswersAnew {
    /// `openai`, `bfl`, `elevenlabs`: scheme, host and port.
    pub hosts: BTreeMap<String, String>,
    /// Questions in other words are asked anew too, for whoever wants to see what a changed prompt brings.
    pub other_words: bool,
}

/// One question and how it was answered.
#[derive(Clone, Debug)]
pub struct Replayed {
    /// `text story`, `picture`, `speech`.
    pub what: String,
    pub how: Match,
    /// The prompt of the answer that was kept, `story-1`.
    pub prompt: Option<String>,
    /// What was asked then and what now, where it differs.
    pub words: Option<(String, String)>,
}

/// The server of one story.
pub struct ReplayServer {
    shared: Arc<Shared>,
    address: SocketAddr,
    _serving: JoinSet<()>,
}

struct Shared {
    answers: Mutex<Answers>,
    anew: Mutex<AnswersAnew>,
    replayed: Mutex<Vec<Replayed>>,
    http: reqwest::Client,
    own: String,
}

impl ReplayServer {
    /// Begins to listen on a free port.
    ///
    /// # Errors
    /// When there is none.
    pub async fn start(kept: &Kept) -> io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared {
            answers: Mutex::new(Answers::of(kept)),
            anew: Mutex::default(),
            replayed: Mutex::default(),
            http: reqwest::Client::new(),
            own: format!("http://{address}"),
        });
        let router = Router::new()
            .fallback(answer_request)
            .layer(DefaultBodyLimit::disable())
            .with_state(Arc::clone(&shared));
        let mut serving = JoinSet::new();
        serving.spawn(async move {
            // It ends with the server.
            let _ = axum::serve(listener, router).await;
        });
        Ok(Self {
            shared,
            address,
            _serving: serving,
        })
    }

    /// The settings that have functions ask here.
    pub fn variables(&self) -> BTreeMap<String, String> {
        let at = |path: &str| format!("http://{}{path}", self.address);
        let variables = [
            ("OPENAI_BASE_URL", at("/openai/v1")),
            ("BFL_BASE_URL", at("/bfl")),
            ("ELEVENLABS_BASE_URL", at("/elevenlabs")),
            // It would be another story's to keep.
            ("KEEP_EXCHANGES", "false".to_owned()),
        ];
        variables
            .map(|(name, value)| (name.to_owned(), value))
            .into()
    }

    /// From now on these are asked what was not kept; nobody before.
    pub fn ask_anew(&self, anew: AnswersAnew) {
        *lock(&self.shared.anew) = anew;
    }

    /// Every question so far.
    pub fn replayed(&self) -> Vec<Replayed> {
        lock(&self.shared.replayed).clone()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn answer_request(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    let (head, body) = request.into_parts();
    let Ok(body) = to_bytes(body, BODY_BYTES_MAX).await else {
        return StatusCode::PAYLOAD_TOO_LARGE.into_response();
    };
    let address = head.uri.to_string();
    let (provider, path) = split(&address);
    let asked = read(&head, &body).await;
    if path.ends_with("/moderations") {
        let verdicts = lock(&shared.answers).verdicts(&asked);
        return axum::Json(verdicts).into_response();
    }
    let question = Question::read(path, &asked);
    let found = lock(&shared.answers).find(&question);
    let anew = lock(&shared.anew).clone();
    let (how, kept) = match found {
        Some((how, exchange, words)) => (how, Some((exchange, words))),
        None => (Match::New, None),
    };
    let is_question = !question.words.is_empty();
    if is_question {
        let differ = kept.as_ref().filter(|_| how == Match::OtherWords);
        let replayed = Replayed {
            what: question.what,
            how,
            prompt: kept
                .as_ref()
                .and_then(|(exchange, _)| exchange.told.prompt.clone()),
            words: differ.map(|(_, words)| (words.clone(), question.words)),
        };
        lock(&shared.replayed).push(replayed);
    }
    match kept {
        Some((exchange, _)) if how == Match::Same || !anew.other_words => {
            answer(&exchange, provider, &shared.own)
        }
        _ => match anew.hosts.get(provider) {
            Some(host) => pass_on(&shared.http, &format!("{host}{path}"), head, body).await,
            None => StatusCode::BAD_GATEWAY.into_response(),
        },
    }
}

/// `/openai/v1/models` is `/v1/models` of `openai`.
fn split(address: &str) -> (&str, &str) {
    let address = address.strip_prefix('/').unwrap_or(address);
    match address.find('/') {
        Some(at) => address.split_at(at),
        None => (address, ""),
    }
}

/// The body as JSON; of a form its fields that are no files.
async fn read(head: &Parts, body: &Bytes) -> Value {
    let request = Request::from_parts(head.clone(), Body::from(body.clone()));
    let Ok(mut form) = Multipart::from_request(request, &()).await else {
        return serde_json::from_slice(body).unwrap_or_default();
    };
    let mut fields = Map::new();
    while let Ok(Some(field)) = form.next_field().await {
        let is_file = field.file_name().is_some();
        let name = field.name().unwrap_or_default().to_owned();
        let text = field.text().await.unwrap_or_default();
        if !is_file {
            fields.insert(name, text.into());
        }
    }
    fields.into()
}

/// The answer as it came, under an id of its own: a call is billed by it.
fn answer(exchange: &Exchange, provider: &str, own: &str) -> Response {
    let told = &exchange.told;
    let status = told
        .status
        .and_then(|status| StatusCode::from_u16(status).ok());
    let Some(status) = status else {
        return broken(Bytes::new());
    };
    let body = match provider {
        "bfl" => Bytes::from(led_here(&exchange.body, &format!("{own}/bfl"))),
        _ => Bytes::from(exchange.body.clone()),
    };
    let mut response = match told.end.as_str() {
        "whole" => Response::new(Body::from(body)),
        _ => broken(body),
    };
    *response.status_mut() = status;
    let id = uuid::Uuid::new_v4().to_string();
    let ids = [("x-request-id", id.as_str()), ("request-id", &id)];
    let headers = told.headers.iter();
    let headers = headers.map(|(name, value)| (name.as_str(), value.as_str()));
    for (name, value) in headers.chain(ids) {
        if let (Ok(name), Ok(value)) = (name.parse::<HeaderName>(), value.parse()) {
            response.headers_mut().insert(name, value);
        }
    }
    response
}

/// What came of an answer, and then the end of its connection.
fn broken(body: Bytes) -> Response {
    let end = stream::once(async {
        tokio::time::sleep(BREAK_AFTER).await;
        Err(io::Error::from(io::ErrorKind::ConnectionReset))
    });
    let begun = stream::iter([Ok(body)]);
    Response::new(Body::from_stream(begun.chain(end)))
}

/// Addresses in an answer that tell where to ask further.
fn led_here(body: &[u8], own: &str) -> Vec<u8> {
    let Ok(mut answer) = serde_json::from_slice::<Value>(body) else {
        return body.to_vec();
    };
    for place in ["/polling_url", "/result/sample"] {
        if let Some(Value::String(address)) = answer.pointer_mut(place)
            && let Ok(url) = address.parse::<reqwest::Url>()
        {
            let query = url.query().map(|query| format!("?{query}"));
            *address = format!("{own}{}{}", url.path(), query.unwrap_or_default());
        }
    }
    answer.to_string().into_bytes()
}

async fn pass_on(http: &reqwest::Client, url: &str, head: Parts, body: Bytes) -> Response {
    let mut request = http.request(head.method, url).body(body);
    for name in ["authorization", "xi-api-key", "x-key", "content-type"] {
        if let Some(value) = head.headers.get(name) {
            request = request.header(name, value);
        }
    }
    let Ok(answered) = request.send().await else {
        return StatusCode::BAD_GATEWAY.into_response();
    };
    let (status, headers) = (answered.status(), answered.headers().clone());
    let mut response = Response::new(Body::from_stream(answered.bytes_stream()));
    *response.status_mut() = status;
    for (name, value) in &headers {
        let is_of_the_connection = [
            header::TRANSFER_ENCODING,
            header::CONNECTION,
            header::CONTENT_LENGTH,
        ];
        if !is_of_the_connection.contains(name) {
            response.headers_mut().insert(name.clone(), value.clone());
        }
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[tokio::test]
    async fn the_fields_of_a_form_are_read_without_its_files() {
        let body = "--b\r\nContent-Disposition: form-data; name=\"image[]\"; filename=\"a.png\"\r\n\r\n\u{1}\u{2}\r\n\
            --b\r\nContent-Disposition: form-data; name=\"prompt\"\r\n\r\nA fox\r\nruns\r\n--b--\r\n";
        let request = Request::post("/").header("content-type", "multipart/form-data; boundary=b");
        let (head, ()) = request.body(()).expect("a request").into_parts();
        assert_eq!(
            read(&head, &body.into()).await,
            json!({"prompt": "A fox\r\nruns"})
        );
        let (head, ()) = Request::post("/").body(()).expect("a request").into_parts();
        assert_eq!(read(&head, &"{\"a\":1}".into()).await, json!({"a": 1}));
    }

    #[tokio::test]
    async fn a_question_in_other_words_is_asked_anew_only_where_that_is_wished_for() {
        let asked = |words: &str| json!({"messages": [{"content": words}], "response_format": {"json_schema": {"name": "story"}}});
        let told = json!({"kind": "text", "path": "/v1/chat/completions", "asked": asked("Tell of a fox"), "end": "whole",
            "status": 200});
        let kept = Kept {
            exchanges: vec![Exchange {
                told: serde_json::from_value(told).expect("an exchange"),
                body: b"as kept".to_vec(),
            }],
            ..Kept::default()
        };
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let host = format!("http://{}", listener.local_addr().expect("an address"));
        let anew = Router::new().fallback(|| async { "anew" });
        tokio::spawn(async { axum::serve(listener, anew).await });
        for (other_words, words, expected) in [
            (false, "Tell of a brave fox", "as kept"),
            (true, "Tell of a brave fox", "anew"),
            (true, "Tell of a fox", "as kept"),
        ] {
            let server = ReplayServer::start(&kept).await.expect("a port");
            server.ask_anew(AnswersAnew {
                hosts: BTreeMap::from([("openai".to_owned(), host.clone())]),
                other_words,
            });
            let url = format!("{}/chat/completions", server.variables()["OPENAI_BASE_URL"]);
            let request = reqwest::Client::new().post(url).json(&asked(words));
            let answer = request.send().await.expect("an answer");
            assert_eq!(answer.text().await.expect("words"), expected, "{words}");
            let how = server.replayed()[0].how;
            assert_eq!(how == Match::Same, words == "Tell of a fox");
        }
    }

    #[test]
    fn an_order_is_asked_after_where_it_was_answered() {
        let body = json!({"id": "1", "polling_url": "https://api.eu.bfl.ai/v1/get_result?id=1"});
        let led = led_here(body.to_string().as_bytes(), "http://127.0.0.1:9/bfl");
        let led: Value = serde_json::from_slice(&led).expect("JSON");
        assert_eq!(
            led["polling_url"],
            "http://127.0.0.1:9/bfl/v1/get_result?id=1"
        );
        assert_eq!(
            split("/bfl/v1/get_result?id=1"),
            ("bfl", "/v1/get_result?id=1")
        );
    }
}
