//! Where settings come from: the environment first, then SSM, decrypted, once per process.

use crate::env;
use aws_sdk_ssm::config::retry::{RetryPartition, TokenBucket};
use aws_smithy_types::{retry::RetryConfig, timeout::TimeoutConfig};
use aws_types::SdkConfig;
use secrecy::SecretString;
use std::{collections::HashMap, str::FromStr, time::Duration};
use url::Url;

/// A setting that is missing or unusable; the message is the one sentence an operator needs.
#[derive(Debug, thiserror::Error)]
pub enum SettingError {
    #[error(
        "{name} is not set: put it into the environment, or into SSM below SSM_PARAMETER_PREFIX"
    )]
    Missing { name: &'static str },
    #[error("{name} is not usable: {problem}")]
    Invalid { name: &'static str, problem: String },
    #[error("could not read the parameters below {prefix} from SSM")]
    Ssm {
        prefix: String,
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

/// The variables of this process.
#[derive(Clone)]
pub struct Variables(HashMap<String, String>);

impl Variables {
    /// Reads the environment and, where `SSM_PARAMETER_PREFIX` is set, the parameters below it.
    pub async fn load(aws: &crate::Aws) -> Result<Self, SettingError> {
        #[expect(
            clippy::disallowed_methods,
            reason = "the one place that reads the environment"
        )]
        let mut all = Self::of(std::env::vars());
        if let Some(prefix) = all.optional(env::SSM_PARAMETER_PREFIX).map(str::to_owned) {
            let found = parameters_below(aws.config(), &prefix).await?;
            for (name, value) in Self::of(found).0 {
                all.0.entry(name).or_insert(value);
            }
        }
        Ok(all)
    }

    /// For tests and the local stack.
    pub fn from_pairs<const N: usize>(pairs: [(&str, &str); N]) -> Self {
        Self::of(pairs.map(|(name, value)| (name.to_owned(), value.to_owned())))
    }

    /// Settings as they are meant: under their own names, without what was copied along, and none that is empty.
    fn of(pairs: impl IntoIterator<Item = (String, String)>) -> Self {
        let mut all: HashMap<String, String> = pairs
            .into_iter()
            .map(|(name, value)| (name, without_strays(&value)))
            .filter(|(_, value)| !value.is_empty())
            .collect();
        for (alias, name) in env::ALIASES {
            if let Some(value) = all.get(alias).cloned() {
                all.entry(name.to_owned()).or_insert(value);
            }
        }
        Self(all)
    }

    pub fn optional(&self, name: &'static str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    pub fn required(&self, name: &'static str) -> Result<&str, SettingError> {
        self.optional(name).ok_or(SettingError::Missing { name })
    }

    /// A key: in a type that no log line can print.
    pub fn secret(&self, name: &'static str) -> Result<SecretString, SettingError> {
        Ok(self.required(name)?.into())
    }

    /// A key that may be absent.
    pub fn optional_secret(&self, name: &'static str) -> Option<SecretString> {
        self.optional(name).map(SecretString::from)
    }

    /// Where the Supabase project is, and the key that passes its row-level security.
    pub fn supabase(&self) -> Result<(Url, SecretString), SettingError> {
        let url = self.parsed(env::SUPABASE_URL)?;
        Ok((url, self.secret(env::SUPABASE_SERVICE_ROLE_KEY)?))
    }

    pub fn parsed<T: FromStr<Err: std::fmt::Display>>(
        &self,
        name: &'static str,
    ) -> Result<T, SettingError> {
        parse(name, self.required(name)?)
    }

    pub fn parsed_or<T: FromStr<Err: std::fmt::Display>>(
        &self,
        name: &'static str,
        default: T,
    ) -> Result<T, SettingError> {
        self.optional(name)
            .map_or(Ok(default), |text| parse(name, text))
    }

    pub fn parsed_optional<T: FromStr<Err: std::fmt::Display>>(
        &self,
        name: &'static str,
    ) -> Result<Option<T>, SettingError> {
        self.optional(name)
            .map(|text| parse(name, text))
            .transpose()
    }

    /// `JOB_LEASE_SECONDS`: 5 to 60, so that a dead worker's job is claimable again within about a minute.
    pub fn lease(&self) -> Result<Duration, SettingError> {
        let seconds = self.parsed_or(env::JOB_LEASE_SECONDS, 60)?;
        if !(5..=60).contains(&seconds) {
            let problem = format!("{seconds} is not between 5 and 60");
            return Err(SettingError::Invalid {
                name: env::JOB_LEASE_SECONDS,
                problem,
            });
        }
        Ok(Duration::from_secs(seconds))
    }

    /// `MAX_JOBS_IN_FLIGHT`: jobs being made at one moment, in all; by default Lambda's own limit of 1000.
    pub fn max_jobs_in_flight(&self) -> Result<u32, SettingError> {
        self.parsed_or(env::MAX_JOBS_IN_FLIGHT, 1000)
    }

    /// Comma-separated words, empty ones left out.
    pub fn list_or(&self, name: &'static str, default: &str) -> Vec<String> {
        self.optional(name)
            .unwrap_or(default)
            .split(',')
            .map(str::trim)
            .filter(|word| !word.is_empty())
            .map(str::to_owned)
            .collect()
    }
}

/// Without blanks at its ends and without characters of no width: a value copied from a page or a document brings a
/// no-break space, a soft hyphen or a byte order mark along, and a model or a key with one is unknown to everybody.
fn without_strays(value: &str) -> String {
    let seen = |c: &char| {
        !matches!(
            c,
            '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{feff}'
        )
    };
    let value: String = value.chars().filter(seen).collect();
    value.trim().to_owned()
}

fn parse<T: FromStr<Err: std::fmt::Display>>(
    name: &'static str,
    text: &str,
) -> Result<T, SettingError> {
    text.parse()
        .map_err(|problem: T::Err| SettingError::Invalid {
            name,
            problem: problem.to_string(),
        })
}

/// The start of a function is given up after ten seconds (Lambda's init phase); what is left is for everything else.
const PARAMETERS_WITHIN: Duration = Duration::from_secs(8);
const ATTEMPT_WITHIN: Duration = Duration::from_secs(3);

/// How reading parameters is repeated. Processes that start together are throttled together (40 calls a second for a whole
/// account), so each waits its own random while, up to a second and a half, until its time is up.
fn patient() -> RetryConfig {
    RetryConfig::standard()
        .with_max_attempts(30)
        .with_initial_backoff(Duration::from_millis(250))
        .with_max_backoff(Duration::from_millis(1500))
}

async fn parameters_below(
    config: &SdkConfig,
    prefix: &str,
) -> Result<Vec<(String, String)>, SettingError> {
    let limits = TimeoutConfig::builder()
        .operation_attempt_timeout(ATTEMPT_WITHIN)
        .operation_timeout(PARAMETERS_WITHIN)
        .build();
    // A purse of its own: the retries of the other clients do not use it up.
    let purse = RetryPartition::custom("parameters").token_bucket(TokenBucket::unlimited());
    let config = aws_sdk_ssm::config::Builder::from(config)
        .retry_config(patient())
        .retry_partition(purse.build())
        .timeout_config(limits)
        .build();
    let client = aws_sdk_ssm::Client::from_conf(config);
    let mut pages = client
        .get_parameters_by_path()
        .path(prefix)
        .recursive(true)
        .with_decryption(true)
        .into_paginator()
        .send();
    let mut found = Vec::new();
    while let Some(page) = pages.next().await {
        let page = page.map_err(|error| SettingError::Ssm {
            prefix: prefix.to_owned(),
            source: Box::new(error),
        })?;
        for parameter in page.parameters() {
            if let (Some(name), Some(value)) = (parameter.name(), parameter.value()) {
                let name = name.rsplit('/').next().unwrap_or(name);
                found.push((name.to_owned(), value.to_owned()));
            }
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::{StatusCode, header};
    use std::{
        sync::{
            Arc, OnceLock,
            atomic::{AtomicUsize, Ordering},
        },
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
        let empty =
            Variables::from_pairs([("ELEVENLABS_KEY", "k"), (env::ELEVENLABS_API_KEY, " ")]);
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

    /// A parameter store that throttles for this long from its first call on, but for `served` of ten calls.
    async fn throttling(busy: Duration, served: usize) -> SdkConfig {
        let first = Arc::new(OnceLock::new());
        let calls = Arc::new(AtomicUsize::new(0));
        let answer = async move || {
            let since = *first.get_or_init(Instant::now);
            let is_served = calls.fetch_add(1, Ordering::SeqCst) % 10 < served;
            let kind = [(header::CONTENT_TYPE, "application/x-amz-json-1.1")];
            if since.elapsed() < busy && !is_served {
                let problem = r#"{"__type":"ThrottlingException","message":"Rate exceeded"}"#;
                return (StatusCode::BAD_REQUEST, kind, problem);
            }
            let found =
                r#"{"Parameters":[{"Name":"/storytailor/test/OPENAI_API_KEY","Value":"sk-1"}]}"#;
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

    #[tokio::test(flavor = "multi_thread")]
    async fn a_hundred_starts_at_once_find_their_settings_though_the_store_throttles() {
        let config = throttling(Duration::from_secs(5), 4).await;
        let starts = (0..100).map(|_| {
            let config = config.clone();
            tokio::spawn(async move { parameters_below(&config, "/storytailor/test").await })
        });
        let starts: Vec<_> = starts.collect();
        for start in starts {
            let found = start.await.unwrap();
            let found = found.expect("a start that waits long enough");
            assert_eq!(found, [("OPENAI_API_KEY".to_owned(), "sk-1".to_owned())]);
        }
    }

    #[tokio::test]
    async fn a_store_that_always_throttles_is_given_up_before_the_start_is() {
        let config = throttling(Duration::from_secs(3600), 0).await;
        let since = Instant::now();
        assert!(
            parameters_below(&config, "/storytailor/test")
                .await
                .is_err()
        );
        assert!((7..10).contains(&since.elapsed().as_secs()));
    }
}
