//! Settings as they are read: from the environment, from the parameter store, under other names.

use super::*;
use axum::http::{StatusCode, header};
use std::{
    sync::{Arc, Mutex, OnceLock},
    time::Instant,
};

#[test]
fn no_debug_form_shows_a_key() {
    let variables = Variables::from_pairs([
        (env::SUPABASE_URL, "https://x.supabase.co"),
        (env::SUPABASE_SERVICE_ROLE_KEY, "sb_secret_1"),
        (env::SUPABASE_JWT_SECRET, "sb_secret_2"),
    ]);
    let printed = format!(
        "{:?} {:?}",
        variables.supabase().unwrap(),
        variables.optional_secret(env::SUPABASE_JWT_SECRET).unwrap()
    );
    assert!(printed.contains("x.supabase.co"), "{printed}");
    assert!(!printed.contains("sb_secret_"), "{printed}");
}

#[test]
fn a_missing_variable_is_named_and_a_bad_one_says_what_is_wrong() {
    let variables = Variables::from_pairs([(env::MAX_JOBS_IN_FLIGHT, "many")]);
    let missing = variables
        .required(env::SUPABASE_URL)
        .unwrap_err()
        .to_string();
    assert!(missing.starts_with("SUPABASE_URL is not set"));
    let bad = variables
        .parsed::<u32>(env::MAX_JOBS_IN_FLIGHT)
        .unwrap_err()
        .to_string();
    assert_eq!(
        bad,
        "MAX_JOBS_IN_FLIGHT is not usable: invalid digit found in string"
    );
}

#[test]
fn a_setting_is_known_by_each_of_its_names_and_its_own_wins() {
    let variables = Variables::from_pairs([
        ("NEXT_PUBLIC_SUPABASE_URL", "https://a.supabase.co"),
        ("NEXT_PUBLIC_SUPABASE_ANON_KEY", "anon"),
        ("ELEVENLABS_KEY", "other"),
        (env::ELEVENLABS_API_KEY, "own"),
    ]);
    assert_eq!(
        variables.optional(env::SUPABASE_URL),
        Some("https://a.supabase.co")
    );
    assert_eq!(variables.optional(env::SUPABASE_ANON_KEY), Some("anon"));
    assert_eq!(variables.optional(env::ELEVENLABS_API_KEY), Some("own"));
    let empty = Variables::from_pairs([("ELEVENLABS_KEY", "k"), (env::ELEVENLABS_API_KEY, " ")]);
    assert_eq!(empty.optional(env::ELEVENLABS_API_KEY), Some("k"));
}

#[test]
fn what_was_copied_along_is_no_part_of_a_setting() {
    let variables = Variables::from_pairs([
        (env::OPENAI_TEXT_MODEL, "\u{a0}gpt-5.2\u{a0}\n"),
        (env::OPENAI_API_KEY, "\u{feff}sk-1\u{200b}23\r\n"),
        (
            env::OPENAI_IMAGE_MODELS,
            "gpt-image-2.5-sunburst,\u{a0}gpt-\u{ad}image-2\u{202f},",
        ),
        (env::ELEVENLABS_MODEL, "\u{200b} \u{3000}"),
        (env::MAX_JOBS_IN_FLIGHT, " 7 "),
    ]);
    assert_eq!(variables.optional(env::OPENAI_TEXT_MODEL), Some("gpt-5.2"));
    assert_eq!(variables.optional(env::OPENAI_API_KEY), Some("sk-123"));
    assert_eq!(
        variables.list_or(env::OPENAI_IMAGE_MODELS, ""),
        ["gpt-image-2.5-sunburst", "gpt-image-2"]
    );
    assert_eq!(variables.optional(env::ELEVENLABS_MODEL), None);
    assert_eq!(variables.max_jobs_in_flight().unwrap(), 7);
}

/// A parameter store that serves so many calls a second, evenly, and throttles the others.
async fn throttling(served_per_second: f64) -> SdkConfig {
    let first = Arc::new(OnceLock::new());
    let served = Arc::new(Mutex::new(0.0));
    let answer = async move |body: String| {
        let since = first.get_or_init(Instant::now).elapsed().as_secs_f64();
        let is_served = {
            let mut served = served.lock().unwrap();
            let is_served = *served < since * served_per_second;
            *served += if is_served { 1.0 } else { 0.0 };
            is_served
        };
        let kind = [(header::CONTENT_TYPE, "application/x-amz-json-1.1")];
        if !is_served {
            let problem = r#"{"__type":"ThrottlingException","message":"Rate exceeded"}"#;
            return (StatusCode::BAD_REQUEST, kind, problem);
        }
        assert!(body.contains(r#""/storytailor/test/OPENAI_API_KEY""#));
        let found = r#"{"Parameters":[{"Name":"/storytailor/test/OPENAI_API_KEY","Value":"sk-1"}],
            "InvalidParameters":["/storytailor/test/MODEL_PRICES"]}"#;
        (StatusCode::OK, kind, found)
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let router = axum::Router::new().fallback(answer);
    tokio::spawn(async move { axum::serve(listener, router).await });
    SdkConfig::builder()
        .behavior_version(
            aws_smithy_runtime_api::client::behavior_version::BehaviorVersion::latest(),
        )
        .http_client(crate::SdkHttp::default())
        .sleep_impl(aws_smithy_async::rt::sleep::TokioSleep::new())
        .endpoint_url(url)
        .region(aws_sdk_ssm::config::Region::new("us-east-1"))
        .credentials_provider(
            aws_credential_types::provider::SharedCredentialsProvider::new(
                aws_sdk_ssm::config::Credentials::new("local", "local", None, None, "test"),
            ),
        )
        .build()
}

async fn read(config: &SdkConfig) -> Result<Vec<(String, String)>, SettingError> {
    let names = [env::OPENAI_API_KEY, env::MODEL_PRICES];
    parameters_named(config, "/storytailor/test", &names).await
}

/// The quota of an account that nobody raised. A start that gave up is begun once again by Lambda, with the invocation
/// ("suppressed init").
#[tokio::test(flavor = "multi_thread")]
async fn four_hundred_starts_at_once_find_their_settings_though_the_store_serves_forty_a_second() {
    let config = throttling(40.0).await;
    let starts: Vec<_> = (0..400)
        .map(|_| {
            let config = config.clone();
            tokio::spawn(async move {
                match read(&config).await {
                    Ok(found) => Ok(found),
                    Err(_) => read(&config).await,
                }
            })
        })
        .collect();
    for start in starts {
        let found = start.await.unwrap();
        let found = found.expect("a start that waits long enough");
        assert_eq!(found, [("OPENAI_API_KEY".to_owned(), "sk-1".to_owned())]);
    }
}

#[tokio::test]
async fn a_store_that_always_throttles_is_given_up_before_the_start_is() {
    let config = throttling(0.0).await;
    let since = Instant::now();
    assert!(read(&config).await.is_err());
    assert!((7..10).contains(&since.elapsed().as_secs()));
}
