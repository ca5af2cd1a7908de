//! The events that start a sweep: EventBridge's tick, `{}` from a terminal, `{"wake": true}` from another function.

use aws_lambda_events::eventbridge::EventBridgeEvent;
use serde_json::Value;

/// The event is none a sweep knows.
#[derive(Debug, thiserror::Error)]
pub enum BadEvent {
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
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tick {
    /// EventBridge's schedule, or somebody at a terminal.
    Sweep,
    /// Something became claimable.
    Wake,
}

impl TryFrom<Value> for Tick {
    type Error = BadEvent;

    fn try_from(event: Value) -> Result<Self, BadEvent> {
        let fields = event.as_object().ok_or(BadEvent::NotAnObject)?;
        if fields.contains_key("detail-type") {
            serde_json::from_value::<EventBridgeEvent<Value>>(event)
                .map_err(BadEvent::NotFromEventBridge)?;
            return Ok(Self::Sweep);
        }
        match fields
            .keys()
            .find(|field| *field != "wake" && *field != "rescue")
        {
            Some(field) => Err(BadEvent::UnknownField(field.clone())),
            None if fields.is_empty() => Ok(Self::Sweep),
            None => Ok(Self::Wake),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn scheduled(source: &str, detail: Value) -> Value {
        json!({"version": "0", "id": "1", "detail-type": "Scheduled Event", "source": source, "account": "1",
            "time": "2026-11-21T03:00:00Z", "region": "eu-west-1", "resources": [], "detail": detail})
    }

    #[test]
    fn ticks_of_rules_and_of_the_scheduler_an_empty_event_and_a_wake_are_known() {
        assert_eq!(
            Tick::try_from(scheduled("aws.events", json!({}))).unwrap(),
            Tick::Sweep
        );
        assert_eq!(
            Tick::try_from(scheduled("aws.scheduler", json!("{}"))).unwrap(),
            Tick::Sweep
        );
        assert_eq!(Tick::try_from(json!({})).unwrap(), Tick::Sweep);
        assert_eq!(Tick::try_from(json!({"wake": true})).unwrap(), Tick::Wake);
        let rescue = json!({"wake": true, "rescue": true});
        assert_eq!(Tick::try_from(rescue).unwrap(), Tick::Wake);
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
