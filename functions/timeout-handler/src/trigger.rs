//! Why the timeout handler was invoked, parsed once.

use events::{BadRecord, BadTick, FailedInvocation, Tick};
use serde_json::Value;

/// Why it was invoked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trigger {
    /// Time to look for leases that ran out.
    Sweep,
    /// An invocation of another function was given up on.
    InvocationFailed(FailedInvocation),
}

/// The event is none the timeout handler knows.
#[derive(Debug, thiserror::Error)]
pub enum BadTrigger {
    #[error(transparent)]
    Tick(#[from] BadTick),
    #[error(transparent)]
    Record(#[from] BadRecord),
}

impl TryFrom<Value> for Trigger {
    type Error = BadTrigger;

    fn try_from(event: Value) -> Result<Self, BadTrigger> {
        if event.get("requestContext").is_some() {
            return Ok(Self::InvocationFailed(FailedInvocation::try_from(event)?));
        }
        Tick::try_from(event)?;
        Ok(Self::Sweep)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn ticks_and_records_of_failed_invocations_are_told_apart() {
        assert_eq!(Trigger::try_from(json!({})).unwrap(), Trigger::Sweep);
        let record = json!({"requestContext": {"requestId": "r", "condition": "EventAgeExceeded",
            "functionArn": "arn:aws:lambda:eu-west-1:123456789012:function:storytailor-asset-worker-production:$LATEST"}});
        let Trigger::InvocationFailed(failed) = Trigger::try_from(record).unwrap() else {
            panic!("a record is no tick")
        };
        assert_eq!(failed.function, "storytailor-asset-worker-production");
        assert!(Trigger::try_from(json!({"requestContext": 7})).is_err());
        assert!(Trigger::try_from(json!({"action": "x"})).is_err());
    }
}
