//! Where settings come from: the environment first, then SSM, asked by name, decrypted, once per process.

use crate::env::{self, parameters::NAMES_PER_CALL};
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
    /// Reads the environment and, where `SSM_PARAMETER_PREFIX` is set, the parameters of these names below it, at most twenty.
    /// One that SSM does not have counts as unset.
    pub async fn load(aws: &crate::Aws, names: &[&str]) -> Result<Self, SettingError> {
        #[expect(
            clippy::disallowed_methods,
            reason = "the one place that reads the environment"
        )]
        let mut all = Self::of(std::env::vars());
        if let Some(prefix) = all.optional(env::SSM_PARAMETER_PREFIX).map(str::to_owned) {
            let (first, others) = names.split_at(names.len().min(NAMES_PER_CALL));
            let (config, prefix) = (aws.config(), prefix.as_str());
            let others = async {
                match others {
                    [] => Ok(Vec::new()),
                    others => parameters_named(config, prefix, others).await,
                }
            };
            let first = parameters_named(config, prefix, first);
            let (mut found, others) = tokio::try_join!(first, others)?;
            found.extend(others);
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

    /// Where everything goes instead that is for the public web, on one machine. Nothing that is deployed finds a receiver on
    /// its own machine, so nobody can be led astray by it.
    pub fn detour(&self, name: &'static str) -> Result<Option<Url>, SettingError> {
        let detour: Option<Url> = self.parsed_optional(name)?;
        match detour {
            Some(url) if url.host_str() != Some("127.0.0.1") => Err(SettingError::Invalid {
                name,
                problem: "it is not on 127.0.0.1".to_owned(),
            }),
            detour => Ok(detour),
        }
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

    /// `TIMEOUT_HANDLER_FUNCTION`, who is told that a story ended: it sends mails and webhooks.
    pub fn notice_sender(&self) -> Option<String> {
        self.optional(env::TIMEOUT_HANDLER_FUNCTION)
            .map(str::to_owned)
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
/// account, 1,000 by name where higher throughput is switched on), so each waits its own random while, up to a second and a
/// half, until its time is up.
fn patient() -> RetryConfig {
    RetryConfig::standard()
        .with_max_attempts(30)
        .with_initial_backoff(Duration::from_millis(250))
        .with_max_backoff(Duration::from_millis(1500))
}

/// By name, for SSM hands out a tenth as many a second by path, and a role may be given single names.
async fn parameters_named(
    config: &SdkConfig,
    prefix: &str,
    names: &[&str],
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
    let paths = names.iter().map(|name| format!("{prefix}/{name}"));
    let answer = client
        .get_parameters()
        .set_names(Some(paths.collect()))
        .with_decryption(true)
        .send()
        .await
        .map_err(|error| SettingError::Ssm {
            prefix: prefix.to_owned(),
            source: Box::new(error),
        })?;
    let found = answer.parameters().iter().filter_map(|parameter| {
        let name = parameter.name()?.rsplit('/').next()?;
        Some((name.to_owned(), parameter.value()?.to_owned()))
    });
    Ok(found.collect())
}

#[cfg(test)]
mod tests;
