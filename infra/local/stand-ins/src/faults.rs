//! What can go wrong on purpose: shares of calls that fail, and outcomes scripted by a test for
//! the calls to come.

use std::str::FromStr;

use crate::storyteller::seeded::Seeded;
use memchr::memmem;
use serde::{Deserialize, Serialize, Serializer};

use crate::calls::CallKind;
use crate::setting::{self, ConfigError};

/// What may go wrong by chance: its name in a setting, and the outcomes of which each is as likely.
const FAULTS: [(&str, &[Outcome]); 8] = [
    (
        "429",
        &[Outcome::RateLimited, Outcome::RateLimitedWithRetryAfter],
    ),
    ("500", &[Outcome::ServerError]),
    ("502", &[Outcome::BadGateway]),
    ("timeout", &[Outcome::Timeout]),
    (
        "malformed",
        &[Outcome::Truncated, Outcome::Empty, Outcome::Length],
    ),
    ("policy", &[Outcome::Policy, Outcome::PolicyBare]),
    ("reset", &[Outcome::Cut]),
    ("drip", &[Outcome::Drip]),
];

/// Share of calls, from 0 to 1, that meet each of the faults `429` (rate limited), `500` (a JSON server error), `502`
/// (an HTML page of a gateway), `timeout` (no answer until the client gives up), `malformed` (status 200, and cannot be
/// used), `policy` (a refusal of the safety system), `reset` (the connection breaks in the middle of the answer) and
/// `drip` (one byte a second).
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct FaultProfile([f64; FAULTS.len()]);

impl Serialize for FaultProfile {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(FAULTS.iter().map(|(name, _)| name).zip(self.0))
    }
}

impl FromStr for FaultProfile {
    type Err = ConfigError;

    /// Reads `429=0.1,500=0.05,timeout=0.02,malformed=0.02,policy=0.02`; faults left out are 0.
    fn from_str(value: &str) -> Result<Self, ConfigError> {
        let mut profile = FaultProfile::default();
        let place = |name: &str, share| {
            let at = FAULTS.iter().position(|(known, _)| *known == name)?;
            profile.0[at] = share;
            Some((0.0..=1.0).contains(&share))
        };
        let names =
            "the fault must be one of 429, 500, 502, timeout, malformed, policy, reset, drip";
        let numbers = "the share must be a number from 0 to 1";
        setting::read(value, place, names, numbers)?;
        if profile.0.iter().sum::<f64>() > 1.0 + 1e-9 {
            return Err(ConfigError::new(value, "the shares together exceed 1"));
        }
        Ok(profile)
    }
}

impl FaultProfile {
    /// The outcome of one call: the same for the same body and number of earlier tries, so that a retry draws anew and a
    /// whole run can be repeated.
    pub(crate) fn draw(&self, sha256: &str, earlier_tries: usize) -> Outcome {
        let mut seeded = Seeded::from_text(&format!("0/{sha256}/{earlier_tries}"));
        let mut point = seeded.unit();
        let second = seeded.below(6);
        for (share, (_, outcomes)) in self.0.into_iter().zip(FAULTS) {
            if point < share {
                return outcomes[second % outcomes.len()];
            }
            point -= share;
        }
        Outcome::Ok
    }
}

/// How a call ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// As the service answers on a good day.
    Ok,
    /// 429 `rate_limit_exceeded` (ElevenLabs: `concurrent_limit_exceeded`) without Retry-After.
    #[serde(alias = "429")]
    RateLimited,
    /// The same with `Retry-After: 1` (ElevenLabs never sends one: there `system_busy`).
    #[serde(alias = "429_retry_after")]
    RateLimitedWithRetryAfter,
    /// 429 `insufficient_quota`, not worth a retry (ElevenLabs: 401 `quota_exceeded`).
    Quota,
    /// 500 with a JSON body.
    #[serde(alias = "500")]
    ServerError,
    /// 502 with an HTML body.
    #[serde(alias = "502")]
    BadGateway,
    /// 503 `server_is_overloaded` (ElevenLabs: `service_unavailable`).
    #[serde(alias = "503")]
    Overloaded,
    /// The answer never comes.
    Timeout,
    /// The connection breaks in the middle of the body.
    Cut,
    /// The answer comes one byte a second.
    Drip,
    /// 200 with half of a JSON document.
    #[serde(alias = "malformed")]
    Truncated,
    /// 200 with no choices, no pictures or no alignment.
    #[serde(alias = "empty_choices")]
    Empty,
    /// 200 with `finish_reason: length` and the text cut off.
    Length,
    /// 200 whose content is not the JSON that was asked for.
    InvalidJson,
    /// 200 with a refusal for text, 400 `moderation_blocked` with details for a picture.
    Policy,
    /// The same without `moderation_details`.
    PolicyBare,
    /// An image check that finds a trait missing.
    CheckFails,
    /// 200 with a picture that ends after its first half.
    HalfAPicture,
    /// 403, as for a model that needs a verified organisation.
    #[serde(alias = "403")]
    ModelClosed,
    /// 400 `invalid_image_file`, as for a reference that cannot be fetched or read.
    InvalidImage,
    /// 401, as for a key that was revoked.
    #[serde(alias = "401")]
    InvalidKey,
}

fn once() -> u32 {
    1
}

/// An outcome for the next calls that match.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scripted {
    pub outcome: Outcome,
    /// Only calls of this kind.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kind: Option<CallKind>,
    /// Only calls whose body contains this text (as sent: JSON escapes included).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub contains: Option<String>,
    /// For how many calls.
    #[serde(default = "once")]
    pub times: u32,
    /// What the model answers to a chat, word for word, in place of a story of the stand-in's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub content: Option<String>,
}

impl Scripted {
    /// The outcome for the next call of any kind.
    pub fn next(outcome: Outcome) -> Self {
        Scripted {
            outcome,
            kind: None,
            contains: None,
            times: 1,
            content: None,
        }
    }

    /// The outcome for the next call of one kind.
    pub fn next_of(kind: CallKind, outcome: Outcome) -> Self {
        Scripted {
            kind: Some(kind),
            ..Scripted::next(outcome)
        }
    }

    /// These words for the next call for a text whose body contains `contains`.
    pub fn next_answer(contains: &str, content: &str) -> Self {
        Scripted {
            contains: Some(contains.to_owned()),
            content: Some(content.to_owned()),
            ..Scripted::next_of(CallKind::Text, Outcome::Ok)
        }
    }

    pub(crate) fn matches(&self, kind: CallKind, body: &[u8]) -> bool {
        let kind_matches = match self.kind {
            Some(wanted) => wanted == kind,
            None => !kind.is_free(),
        };
        kind_matches
            && self.contains.as_ref().is_none_or(|text| {
                !text.is_empty() && memmem::find(body, text.as_bytes()).is_some()
            })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn shares_are_read_and_their_mistakes_named() {
        let profile: FaultProfile = "429=0.1,500=0.05,timeout=0.02,malformed=0.02,policy=0.02"
            .parse()
            .unwrap();
        let shown = serde_json::to_value(profile).unwrap();
        assert_eq!(
            (&shown["429"], &shown["policy"]),
            (&json!(0.1), &json!(0.02))
        );
        for (text, part) in [
            ("429=1.5", "from 0 to 1"),
            ("418=0.1", "429"),
            ("429=0.6,500=0.6", "exceed 1"),
        ] {
            let message = text.parse::<FaultProfile>().unwrap_err().to_string();
            assert!(message.contains(part), "{message}");
        }
    }

    #[test]
    fn the_share_of_faults_is_about_what_was_asked_for() {
        let profile: FaultProfile = "429=0.1,policy=0.2".parse().unwrap();
        let outcomes: Vec<Outcome> = (0..2000).map(|n| profile.draw(&n.to_string(), 0)).collect();
        let share =
            |of: &[Outcome]| outcomes.iter().filter(|o| of.contains(o)).count() as f64 / 2000.0;
        assert!(
            (share(&[Outcome::RateLimited, Outcome::RateLimitedWithRetryAfter]) - 0.1).abs() < 0.03
        );
        assert!((share(&[Outcome::Policy, Outcome::PolicyBare]) - 0.2).abs() < 0.04);
    }

    #[test]
    fn a_retry_of_the_same_body_draws_anew_and_a_repeated_run_draws_the_same() {
        let profile: FaultProfile = "500=0.5".parse().unwrap();
        let run = || {
            (0..20)
                .map(|tries| profile.draw("same", tries))
                .collect::<Vec<_>>()
        };
        assert_eq!(run(), run());
        assert!(run().contains(&Outcome::Ok) && run().contains(&Outcome::ServerError));
    }

    #[test]
    fn a_scripted_outcome_waits_for_the_body_it_names() {
        let scripted = Scripted {
            contains: Some("dragon".into()),
            ..Scripted::next(Outcome::Policy)
        };
        assert!(scripted.matches(CallKind::Image, b"a dragon"));
        assert!(!scripted.matches(CallKind::Image, b"a fox"));
        assert!(!Scripted::next(Outcome::Policy).matches(CallKind::Other, b""));
    }

    #[test]
    fn outcomes_are_read_by_name_and_by_status() {
        let read = |name: &str| serde_json::from_value::<Outcome>(name.into());
        assert_eq!(read("429").unwrap(), Outcome::RateLimited);
        assert_eq!(read("policy_bare").unwrap(), Outcome::PolicyBare);
        assert!(read("sometimes").is_err());
    }
}
