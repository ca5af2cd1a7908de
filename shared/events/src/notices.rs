//! What starts a sender of notices, and what the mail service reports of a mail: through EventBridge or through SNS.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// A story ended: its notice is to be sent. Sent by whoever ended it; a lost one is made up for by the next sweep.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "Value", try_from = "Value")]
pub struct SendNotices;

/// The event is no [`SendNotices`].
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("the event is not {{\"action\": \"send_notices\"}}")]
pub struct NotSendNotices;

impl From<SendNotices> for Value {
    fn from(_: SendNotices) -> Self {
        json!({"action": "send_notices"})
    }
}

impl TryFrom<Value> for SendNotices {
    type Error = NotSendNotices;

    fn try_from(event: Value) -> Result<Self, NotSendNotices> {
        match event["action"].as_str() {
            Some("send_notices") => Ok(Self),
            _ => Err(NotSendNotices),
        }
    }
}

/// What became of a mail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MailFate {
    /// It went out, or is still under way.
    Sent,
    /// It came back for good.
    Bounced,
    /// Somebody called it spam.
    Complained,
}

/// A report of the mail service. It has no Debug form that shows an address.
#[derive(Clone, PartialEq, Eq)]
pub struct MailReport {
    pub fate: MailFate,
    /// Whose mailbox it was, in small letters.
    pub addresses: Vec<String>,
    /// The notice that the mail was tagged with.
    pub notice: Option<i64>,
}

impl std::fmt::Debug for MailReport {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "MailReport({:?}, notice {:?})", self.fate, self.notice)
    }
}

/// The message of an SNS record is no JSON.
#[derive(Debug, thiserror::Error)]
#[error("a record of SNS has no message of the mail service")]
pub struct BadMailReport(#[source] Option<serde_json::Error>);

impl MailReport {
    /// The reports in an event; `None` when the mail service did not send it. What is neither a delivery nor its end is left
    /// out.
    pub fn read(event: &Value) -> Option<Result<Vec<Self>, BadMailReport>> {
        if event["source"] == "aws.ses" {
            return Some(Ok(Self::of(&event["detail"]).into_iter().collect()));
        }
        let records = event["Records"].as_array()?;
        let messages = records.iter().map(|record| {
            let message = record["Sns"]["Message"].as_str();
            let message = message.ok_or(BadMailReport(None))?;
            serde_json::from_str::<Value>(message).map_err(|error| BadMailReport(Some(error)))
        });
        let read = messages.collect::<Result<Vec<_>, _>>();
        Some(read.map(|messages| messages.iter().filter_map(Self::of).collect()))
    }

    fn of(report: &Value) -> Option<Self> {
        let kind = report["eventType"]
            .as_str()
            .or_else(|| report["notificationType"].as_str())?;
        let (fate, recipients) = match kind {
            "Send" | "Delivery" | "DeliveryDelay" => (MailFate::Sent, &Value::Null),
            "Bounce" if report["bounce"]["bounceType"] == "Permanent" => {
                (MailFate::Bounced, &report["bounce"]["bouncedRecipients"])
            }
            "Bounce" => (MailFate::Sent, &Value::Null),
            "Complaint" => (
                MailFate::Complained,
                &report["complaint"]["complainedRecipients"],
            ),
            _ => return None,
        };
        let recipients = recipients.as_array().into_iter().flatten();
        let tag = report["mail"]["tags"]["notice"][0].as_str();
        Some(Self {
            fate,
            addresses: recipients
                .filter_map(|recipient| recipient["emailAddress"].as_str().map(bare))
                .collect(),
            notice: tag.and_then(|tag| tag.parse().ok()),
        })
    }
}

/// `Mia <Mia@Example.com>` names `mia@example.com`.
fn bare(address: &str) -> String {
    let inner = address.rsplit_once('<').map_or(address, |(_, inner)| inner);
    inner.trim_end_matches('>').trim().to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bounce(kind: &str) -> Value {
        json!({"eventType": "Bounce",
            "bounce": {"bounceType": kind, "bounceSubType": "General", "feedbackId": "1",
                "bouncedRecipients": [{"emailAddress": "Mia <Mia@Example.com>", "action": "failed", "status": "5.1.1"}]},
            "mail": {"messageId": "0100", "destination": ["Mia@Example.com"], "tags": {"notice": ["7"], "ses:caller-identity": ["x"]}}})
    }

    fn from_eventbridge(detail: &Value) -> Value {
        json!({"version": "0", "id": "1", "detail-type": "Email Bounced", "source": "aws.ses", "account": "1",
            "time": "2026-11-21T03:00:00Z", "region": "eu-west-1", "resources": [], "detail": detail})
    }

    fn read(event: &Value) -> Vec<MailReport> {
        MailReport::read(event)
            .expect("of the mail service")
            .unwrap()
    }

    #[test]
    fn a_mail_that_came_back_for_good_is_told_by_its_address_however_it_was_reported() {
        let detail = bounce("Permanent");
        let by_sns = json!({"Records": [{"EventSource": "aws:sns", "Sns": {"Message": detail.to_string()}}]});
        for event in [from_eventbridge(&detail), by_sns] {
            let [report]: [MailReport; 1] = read(&event).try_into().unwrap();
            assert_eq!(report.fate, MailFate::Bounced);
            assert_eq!(report.addresses, ["mia@example.com"]);
            assert_eq!(report.notice, Some(7));
            assert!(!format!("{report:?}").contains("mia"), "{report:?}");
        }
    }

    #[test]
    fn a_mailbox_that_is_full_today_switches_nothing_off() {
        let [report]: [MailReport; 1] = read(&from_eventbridge(&bounce("Transient")))
            .try_into()
            .unwrap();
        assert_eq!((report.fate, report.addresses.len()), (MailFate::Sent, 0));
    }

    #[test]
    fn complaints_and_sends_are_told_and_openings_are_not() {
        let complaint = json!({"notificationType": "Complaint", "mail": {},
            "complaint": {"complainedRecipients": [{"emailAddress": "a@b.c"}]}});
        let [report]: [MailReport; 1] = read(&from_eventbridge(&complaint)).try_into().unwrap();
        assert_eq!(report.fate, MailFate::Complained);
        assert_eq!(report.addresses, ["a@b.c"]);
        let sent = json!({"eventType": "Send", "send": {}, "mail": {"tags": {"notice": ["8"]}}});
        assert_eq!(read(&from_eventbridge(&sent))[0].notice, Some(8));
        assert_eq!(read(&from_eventbridge(&json!({"eventType": "Open"}))), []);
    }

    #[test]
    fn events_of_others_are_none_and_a_broken_record_is_refused() {
        for other in [
            json!({}),
            json!({"wake": true}),
            json!({"source": "aws.events"}),
        ] {
            assert!(MailReport::read(&other).is_none(), "{other}");
        }
        let broken = json!({"Records": [{"Sns": {"Message": "hello"}}]});
        assert!(MailReport::read(&broken).expect("a record").is_err());
    }

    #[test]
    fn a_wake_of_the_sender_arrives_as_it_was_sent() {
        let event = Value::from(SendNotices);
        assert_eq!(SendNotices::try_from(event), Ok(SendNotices));
        assert!(SendNotices::try_from(json!({"wake": true})).is_err());
    }
}
