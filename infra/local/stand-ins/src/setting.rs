//! The form of the settings in environment variables, `name=value,…`, and what may be wrong with one.

/// A setting that could not be understood, in one sentence that names the offending part.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    #[error(
        "cannot read the stand-in setting `{entry}`: expected `name=number`, several joined by commas"
    )]
    NotAPair { entry: String },
    #[error(
        "cannot read the stand-in latency `{entry}`: the kind must be one of text, image, speech, moderation"
    )]
    UnknownKind { entry: String },
    #[error(
        "cannot read the stand-in latency `{entry}`: the value must be whole milliseconds from 0 to 600000"
    )]
    BadMilliseconds { entry: String },
    #[error(
        "cannot read the stand-in fault `{entry}`: the fault must be one of 429, 500, 502, timeout, malformed, policy, reset, drip"
    )]
    UnknownFault { entry: String },
    #[error("cannot read the stand-in fault `{entry}`: the share must be a number from 0 to 1")]
    BadShare { entry: String },
    #[error("cannot use the stand-in faults `{entry}`: the shares together exceed 1")]
    SharesExceedOne { entry: String },
    #[error(
        "cannot read the call kind `{0}`: it must be one of text, image, speech, moderation, other"
    )]
    BadCallKind(String),
    #[error("cannot read the scripted outcome `{0}`: see Outcome for the known names")]
    UnknownOutcome(String),
}

/// Splits `a=1,b=2` into (entry, name, value) triples; empty entries are skipped.
pub(crate) fn pairs(value: &str) -> Result<Vec<(&str, &str, &str)>, ConfigError> {
    value
        .split(',')
        .map(str::trim)
        .filter(|entry| !entry.is_empty())
        .map(|entry| {
            let (name, number) = entry.split_once('=').ok_or_else(|| ConfigError::NotAPair {
                entry: entry.to_owned(),
            })?;
            Ok((entry, name.trim(), number.trim()))
        })
        .collect()
}
