//! Why the timeout handler was invoked, parsed once.

use events::{BadMailReport, BadRecord, BadTick, FailedInvocation, MailReport, SendNotices, Tick};
use serde_json::Value;

/// Why it was invoked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trigger {
    /// Time to look for leases that ran out.
    Sweep,
    /// An invocation of another function was given up on.
    InvocationFailed(FailedInvocation),
    /// A story ended.
    Notices,
    /// What the mail service tells of mails.
    MailReports(Vec<MailReport>),
}

/// The event is none the timeout handler knows.
#[derive(Debug, thiserror::Error)]
pub enum BadTrigger {
    #[error(transparent)]
    Tick(#[from] BadTick),
    #[error(transparent)]
    Record(#[from] BadRecord),
    #[error(transparent)]
    MailReport(#[from] BadMailReport),
}

impl TryFrom<Value> for Trigger {
    type Error = BadTrigger;

    fn try_from(event: Value) -> Result<Self, BadTrigger> {
        if event.get("requestContext").is_some() {
            return Ok(Self::InvocationFailed(FailedInvocation::try_from(event)?));
        }
        if let Some(reports) = MailReport::read(&event) {
            return Ok(Self::MailReports(reports?));
        }
        if SendNotices::try_from(event.clone()).is_ok() {
            return Ok(Self::Notices);
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
    fn ticks_records_of_failed_invocations_and_events_about_mail_are_told_apart() {
        assert_eq!(Trigger::try_from(json!({})).unwrap(), Trigger::Sweep);
        let record = json!({"requestContext": {"requestId": "r", "condition": "EventAgeExceeded",
            "functionArn": "arn:aws:lambda:eu-west-1:123456789012:function:storytailor-asset-worker-production:$LATEST"}});
        let Trigger::InvocationFailed(failed) = Trigger::try_from(record).unwrap() else {
            panic!("a record is no tick")
        };
        assert_eq!(failed.function, "storytailor-asset-worker-production");
        assert!(Trigger::try_from(json!({"requestContext": 7})).is_err());
        assert!(Trigger::try_from(json!({"action": "x"})).is_err());
        let wake = Value::from(SendNotices);
        assert_eq!(Trigger::try_from(wake).unwrap(), Trigger::Notices);
        let report = json!({"source": "aws.ses", "detail-type": "Email Sent", "detail": {"eventType": "Send"}});
        let Trigger::MailReports(reports) = Trigger::try_from(report).unwrap() else {
            panic!("a report is no tick")
        };
        assert_eq!(reports.len(), 1);
    }
}
