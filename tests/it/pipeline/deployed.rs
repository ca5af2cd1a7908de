//! The functions with what a deployed stack gives them and nothing else: the template's variables, parameters asked for by
//! name, a session of their own. Every call to AWS is written down for the proof of the policies (`tests/deployment`).

use super::demo;
use crate::{stack::own, template};
use axum::{
    Router,
    body::{Bytes, to_bytes},
    extract::{Request, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use operate::smoke::{self, Target};
use serde_json::{Value, json};
use stack::ports::Ports;
use std::{
    sync::{Arc, Mutex},
    time::Duration,
};
use supabase::gateway::LOCAL_SECRET_KEY;

const PREFIX: &str = "/storytailor/production";
const DISTRIBUTION: &str = "E2EXAMPLE";

/// What is asked for by name; every other name is unknown to the parameter store.
const PARAMETERS: [(&str, &str); 3] = [
    ("SUPABASE_SERVICE_ROLE_KEY", LOCAL_SECRET_KEY),
    ("OPENAI_API_KEY", "local"),
    ("ELEVENLABS_API_KEY", "local"),
];

/// What a stack has for others than its functions.
const NOT_FOR_FUNCTIONS: [&str; 5] = ["DEMO_", "STANDIN_", "DATABASE_URL", "API_URL", "AWS_"];

/// Everything of AWS at one address: SSM and CloudFront answered here, S3 and Lambda handed on.
#[derive(Clone)]
struct Aws {
    ports: Ports,
    http: reqwest::Client,
    calls: Arc<Mutex<Vec<Value>>>,
}

impl Aws {
    async fn serve(ports: Ports) -> (String, Arc<Mutex<Vec<Value>>>) {
        let aws = Self {
            ports,
            http: reqwest::Client::new(),
            calls: Arc::default(),
        };
        let calls = Arc::clone(&aws.calls);
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await;
        let listener = listener.expect("a free port");
        let address = format!("http://{}", listener.local_addr().expect("an address"));
        let router = Router::new().fallback(answer).with_state(aws);
        tokio::spawn(async move { axum::serve(listener, router).await });
        (address, calls)
    }

    fn note(&self, service: &str, request: &Request, names: &[String]) {
        let header = |name: &str| {
            let value = request.headers().get(name);
            value
                .and_then(|value| value.to_str().ok())
                .unwrap_or_default()
        };
        let call = json!({
            "caller": header("x-amz-security-token"),
            "service": service,
            "method": request.method().as_str(),
            "path": request.uri().path(),
            "query": request.uri().query().unwrap_or_default(),
            "copied": header("x-amz-copy-source"),
            "names": names,
        });
        self.calls.lock().expect("no holder panics").push(call);
    }
}

async fn answer(State(aws): State<Aws>, request: Request) -> Response {
    let path = request.uri().path().to_owned();
    if request.headers().contains_key("x-amz-target") {
        return parameters(&aws, request).await;
    }
    if path.starts_with("/2020-05-31/distribution/") {
        aws.note("cloudfront", &request, &[]);
        return StatusCode::CREATED.into_response();
    }
    let (service, port) = match path.starts_with("/2015-03-31/functions/") {
        true => ("lambda", aws.ports.lambda),
        false => ("s3", aws.ports.files),
    };
    aws.note(service, &request, &[]);
    hand_on(&aws, port, request).await
}

/// With the headers as they were signed, the host among them.
async fn hand_on(aws: &Aws, port: u16, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let body = to_bytes(body, usize::MAX).await.expect("a body");
    let url = format!("http://127.0.0.1:{port}{}", parts.uri);
    let sent = aws.http.request(parts.method, url).headers(parts.headers);
    let answer = sent.body(body).send().await.expect("the stack answers");
    let (status, mut headers) = (answer.status(), answer.headers().clone());
    headers.remove(header::TRANSFER_ENCODING);
    (status, headers, answer.bytes().await.expect("all of it")).into_response()
}

async fn parameters(aws: &Aws, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let body: Bytes = to_bytes(body, usize::MAX).await.expect("a body");
    assert_eq!(parts.headers["x-amz-target"], "AmazonSSM.GetParameters");
    let asked: Value = serde_json::from_slice(&body).expect("JSON");
    let names = asked["Names"].as_array().expect("names").iter();
    let names: Vec<_> = names
        .map(|name| name.as_str().expect("a name").to_owned())
        .collect();
    aws.note("ssm", &Request::from_parts(parts, body.into()), &names);
    let mut found = Vec::new();
    let mut unknown = Vec::new();
    for name in names {
        let own = name.strip_prefix(&format!("{PREFIX}/")).expect("ours");
        match PARAMETERS.iter().find(|(known, _)| *known == own) {
            Some((_, value)) => found.push(json!({"Name": name, "Value": value})),
            None => unknown.push(json!(name)),
        }
    }
    let mut headers = HeaderMap::new();
    let kind = "application/x-amz-json-1.1".parse().expect("a value");
    headers.insert(header::CONTENT_TYPE, kind);
    let answer = json!({"Parameters": found, "InvalidParameters": unknown});
    (headers, answer.to_string()).into_response()
}

/// Of an invocation that died: the rescuer wakes the worker for it.
fn record() -> Value {
    json!({"requestContext": {"requestId": "5a7f0c1e-0000-4000-8000-000000000000", "condition": "RetriesExhausted",
        "functionArn": "arn:aws:lambda:us-east-1:123456789012:function:storytailor-content-agent-production:$LATEST"},
        "requestPayload": {"action": "delete_files"}})
}

#[test]
fn with_nothing_but_what_the_template_and_the_parameter_store_give_a_story_is_made_and_taken_away()
{
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let mut recorded = None;
    let shared = own("deployed", |options| {
        let (address, calls) = runtime.block_on(Aws::serve(options.ports));
        recorded = Some(calls);
        options.schedule = Some(Duration::from_secs(1));
        let services = ["S3", "LAMBDA", "SSM", "CLOUDFRONT"];
        let endpoints = services.map(|name| (format!("AWS_ENDPOINT_URL_{name}"), address.clone()));
        options.overrides.extend(endpoints);
        // An empty one counts as unset.
        for secret in [
            "SUPABASE_SERVICE_ROLE_KEY",
            "SUPABASE_ANON_KEY",
            "SUPABASE_JWT_SECRET",
            "OPENAI_API_KEY",
            "ELEVENLABS_API_KEY",
            // As samconfig.toml has it.
            "EMAIL_FROM",
            // Optional, and of this machine alone.
            "SHOP_KEY",
            "SHOPIFY_ENDPOINT_URL",
        ] {
            options.overrides.insert(secret.to_owned(), String::new());
        }
        for (name, value) in [
            ("SSM_PARAMETER_PREFIX", PREFIX),
            ("ASSETS_DISTRIBUTION_ID", DISTRIBUTION),
            // So few that the content agent leaves some to the worker.
            ("MAX_JOBS_IN_FLIGHT", "3"),
        ] {
            options.overrides.insert(name.to_owned(), value.to_owned());
        }
    });
    let recorded = recorded.expect("calls");
    shared.run(async {
        let stack = shared.stack();
        let deployed = template::plain_settings();
        for (name, value) in stack.variables() {
            let is_other = NOT_FOR_FUNCTIONS
                .iter()
                .any(|others| name.starts_with(others));
            assert!(
                is_other || value.is_empty() || deployed.contains(name),
                "a deployed function has no {name}"
            );
        }
        let grace = "create or replace function private.late_writer_grace() returns interval
            language sql immutable set search_path = '' as $$ select interval '1 second' $$";
        sqlx::raw_sql(grace)
            .execute(stack.pool())
            .await
            .expect("less patience with late writers");

        let target = Target {
            api: format!("{}/", stack.variable("API_URL")),
            supabase_url: stack.variable("SUPABASE_URL").to_owned(),
            anon_key: stack.keys().legacy_api_key("anon"),
            service_role_key: LOCAL_SECRET_KEY.to_owned(),
            commit: None,
        };
        smoke::run(&target, &|_| ()).await.expect("a story");
        let users = "select count(*) from auth.users where email like 'smoke-%'";
        let left: i64 = sqlx::query_scalar(users)
            .fetch_one(stack.pool())
            .await
            .expect("a number");
        assert_eq!(left, 0, "nobody stays behind");
        let refused = Target {
            commit: Some("another".to_owned()),
            ..target
        };
        let refused = smoke::run(&refused, &|_| ()).await.unwrap_err();
        assert!(refused.to_string().contains("and not from another"));

        // The API wakes the worker for whoever asks again.
        let user = demo(&shared);
        let id = user.ask_for_story().await;
        user.settled(&id).await;
        let again = json!({"assetTypes": ["activities"]});
        user.api
            .steer(&id, "regenerate", &again)
            .await
            .expect("a new version");
        user.settled(&id).await;

        let emulator = stack.emulator();
        let record = record().to_string();
        emulator
            .invoke_event("timeout-handler", record.into())
            .expect("accepted");
        let has = |service: &str, caller: &str| {
            let calls = recorded.lock().expect("no holder panics");
            calls
                .iter()
                .any(|call| call["service"] == service && call["caller"] == caller)
        };
        while !has("cloudfront", "content-agent") || !has("lambda", "timeout-handler") {
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
    });
    let calls = recorded.lock().expect("no holder panics").clone();
    let file = stack::home::workspace().join("target/aws-calls.json");
    std::fs::write(file, json!(calls).to_string()).expect("written");
}
