//! The events that start a sweep: EventBridge's schedule, `{}` from a terminal, `{"wake": true}` from another function.

use aws_lambda_events::eventbridge::EventBridgeEvent;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// The event is none a sweep knows.
#[derive(Debug, thiserror::Error)]
pub enum BadTick {
    #[error("the event must be a JSON object: a scheduled event, {{}} or {{\"wake\": true}}")]
    NotAnObject,
    #[error(
        "the event has the unknown field `{0}`: a sweep takes a scheduled event, {{}} or {{\"wake\": true}}"
    )]
    UnknownField(String),
    #[error("the event has `detail-type` but is no EventBridge event")]
    NotFromEventBridge(#[source] serde_json::Error),
}

/// Why a sweep runs; nothing in the event changes what it does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "Value", try_from = "Value")]
pub enum Tick {
    /// EventBridge's schedule, or somebody at a terminal.
    Sweep,
    /// Something became claimable.
    Wake {
        /// Sent because an invocation failed. Should its receiver fail too, nobody is woken a third time.
        is_rescue: bool,
    },
}

impl Tick {
    /// Something became claimable.
    pub const WAKE: Self = Self::Wake { is_rescue: false };
    /// Jobs of a failed invocation may have become claimable.
    pub const RESCUE_WAKE: Self = Self::Wake { is_rescue: true };
}

impl From<Tick> for Value {
    fn from(tick: Tick) -> Self {
        match tick {
            Tick::Sweep => json!({}),
            Tick::Wake { is_rescue: false } => json!({"wake": true}),
            Tick::Wake { is_rescue: true } => json!({"wake": true, "rescue": true}),
        }
    }
}

impl TryFrom<Value> for Tick {
    type Error = BadTick;

    fn try_from(event: Value) -> Result<Self, BadTick> {
        let fields = event.as_object().ok_or(BadTick::NotAnObject)?;
        if fields.contains_key("detail-type") {
            serde_json::from_value::<EventBridgeEvent<Value>>(event)
                .map_err(BadTick::NotFromEventBridge)?;
            return Ok(Self::Sweep);
        }
        match fields
            .keys()
            .find(|field| *field != "wake" && *field != "rescue")
        {
            Some(field) => Err(BadTick::UnknownField(field.clone())),
            None if fields.is_empty() => Ok(Self::Sweep),
            None => Ok(Self::Wake {
                is_rescue: is_rescue_wake(&event),
            }),
        }
    }
}

/// Whether an event is a wake that was sent because an invocation failed.
pub(crate) fn is_rescue_wake(event: &Value) -> bool {
    event["rescue"] == true
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scheduled(source: &str, detail: Value) -> Value {
        json!({"version": "0", "id": "1", "detail-type": "Scheduled Event", "source": source, "account": "1",
            "time": "2026-11-21T03:00:00Z", "region": "eu-west-1", "resources": [], "detail": detail})
    }

    #[test]
    fn ticks_of_rules_and_of_the_scheduler_an_empty_event_and_a_wake_are_known() {
        for (event, tick) in [
            (scheduled("aws.events", json!({})), Tick::Sweep),
            (scheduled("aws.scheduler", json!("{}")), Tick::Sweep),
            (json!({}), Tick::Sweep),
            (json!({"wake": true}), Tick::WAKE),
            (json!({"wake": true, "rescue": true}), Tick::RESCUE_WAKE),
        ] {
            assert_eq!(Tick::try_from(event).unwrap(), tick);
        }
    }

    #[test]
    fn events_have_the_documented_fields() {
        assert_eq!(Value::from(Tick::WAKE), json!({"wake": true}));
        assert_eq!(
            Value::from(Tick::RESCUE_WAKE),
            json!({"wake": true, "rescue": true})
        );
    }

    #[test]
    fn a_wrong_event_is_told_by_its_field() {
        let problem = Tick::try_from(json!({"action": "x"}))
            .unwrap_err()
            .to_string();
        assert!(problem.contains("`action`"));
        assert!(Tick::try_from(json!([])).is_err());
        assert!(Tick::try_from(json!({"detail-type": 7})).is_err());
    }
}
