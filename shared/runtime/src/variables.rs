//! Where settings come from: the environment first, then SSM, decrypted, once per process.

use crate::env;
use std::{collections::HashMap, str::FromStr, time::Duration};

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
        let mut all: HashMap<String, String> = std::env::vars()
            .filter(|(_, value)| !value.is_empty())
            .collect();
        if let Some(prefix) = all.get(env::SSM_PARAMETER_PREFIX).cloned() {
            for (name, value) in parameters_below(aws, &prefix).await? {
                all.entry(name).or_insert(value);
            }
        }
        Ok(Self(all))
    }

    /// For tests and the local stack.
    pub fn from_pairs<const N: usize>(pairs: [(&str, &str); N]) -> Self {
        Self(
            pairs
                .into_iter()
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .collect(),
        )
    }

    pub fn optional(&self, name: &'static str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    pub fn required(&self, name: &'static str) -> Result<&str, SettingError> {
        self.optional(name).ok_or(SettingError::Missing { name })
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

    /// The key of the ElevenLabs account: `ELEVENLABS_API_KEY`, else `ELEVENLABS_KEY`.
    pub fn elevenlabs_key(&self) -> Option<&str> {
        self.optional(env::ELEVENLABS_API_KEY)
            .or_else(|| self.optional(env::ELEVENLABS_KEY))
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

async fn parameters_below(
    aws: &crate::Aws,
    prefix: &str,
) -> Result<Vec<(String, String)>, SettingError> {
    let client = aws_sdk_ssm::Client::new(aws.config().await);
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
}
