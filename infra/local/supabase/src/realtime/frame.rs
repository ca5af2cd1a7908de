//! The two text serializations of a Phoenix message: 1.0.0 (an object) and 2.0.0 (an array).

use serde::{Deserialize, de::Error as _};
use serde_json::{Value, json};

/// The serializer a socket asked for with `vsn`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Version {
    /// 1.0.0: an object.
    V1,
    /// 2.0.0: an array.
    V2,
}

impl Version {
    /// From the query parameter `vsn`; a socket that names none is an old one.
    pub(crate) fn from_query(vsn: Option<&str>) -> Self {
        if vsn.is_some_and(|vsn| vsn.starts_with("2.")) {
            Self::V2
        } else {
            Self::V1
        }
    }
}

/// A text message of a client: an object with these members, or an array of them in this order.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub(crate) struct ClientFrame {
    pub(crate) join_ref: Option<String>,
    #[serde(rename = "ref")]
    pub(crate) reference: Option<String>,
    pub(crate) topic: String,
    pub(crate) event: String,
    #[serde(default)]
    pub(crate) payload: Value,
}

impl ClientFrame {
    /// # Errors
    /// When the text is no Phoenix message of that version.
    pub(crate) fn parse(version: Version, text: &str) -> serde_json::Result<Self> {
        let is_array = text.trim_start().starts_with('[');
        if is_array != (version == Version::V2) {
            return Err(serde_json::Error::custom("it is of the other version"));
        }
        serde_json::from_str(text)
    }
}

/// Everything of a server message but its payload.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Head<'a> {
    pub(crate) join_ref: Option<&'a str>,
    pub(crate) reference: Option<&'a str>,
    pub(crate) topic: &'a str,
    pub(crate) event: &'a str,
}

impl<'a> Head<'a> {
    /// A message that belongs to no request. The client drops those with a stale `join_ref`, so none is sent.
    pub(crate) fn push(topic: &'a str, event: &'a str) -> Self {
        Self {
            join_ref: None,
            reference: None,
            topic,
            event,
        }
    }
}

/// Writes a message around a payload that is JSON already, so that one payload serves many sockets.
pub(crate) fn write(version: Version, head: Head<'_>, payload: &str) -> String {
    let quoted = |text: &str| Value::from(text).to_string();
    let (join_ref, reference) = (json!(head.join_ref), json!(head.reference));
    let (topic, event) = (quoted(head.topic), quoted(head.event));
    match version {
        Version::V1 => format!(
            r#"{{"topic":{topic},"event":{event},"payload":{payload},"ref":{reference},"join_ref":{join_ref}}}"#
        ),
        Version::V2 => format!("[{join_ref},{reference},{topic},{event},{payload}]"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_serializations_of_a_join_are_read_alike() {
        let v1 = r#"{"topic":"realtime:a","event":"phx_join","payload":{"x":1},"ref":"6","join_ref":"6"}"#;
        let v2 = r#"["6","6","realtime:a","phx_join",{"x":1}]"#;
        let (first, second) = (
            ClientFrame::parse(Version::V1, v1).unwrap(),
            ClientFrame::parse(Version::V2, v2).unwrap(),
        );
        assert_eq!(first, second);
        assert_eq!(first.payload["x"], 1);
    }

    #[test]
    fn a_heartbeat_without_join_ref_is_read() {
        let frame =
            ClientFrame::parse(Version::V2, r#"[null,"3","phoenix","heartbeat",{}]"#).unwrap();
        assert_eq!(
            (frame.join_ref, frame.reference.as_deref()),
            (None, Some("3"))
        );
    }

    #[test]
    fn a_frame_of_the_other_version_is_refused() {
        assert!(ClientFrame::parse(Version::V1, r#"["6","6","t","e",{}]"#).is_err());
        assert!(
            ClientFrame::parse(Version::V2, r#"{"topic":"t","event":"e","payload":{}}"#).is_err()
        );
    }

    #[test]
    fn messages_are_written_as_the_transcripts_show_them() {
        let head = Head {
            join_ref: Some("6"),
            reference: Some("7"),
            topic: "realtime:a",
            event: "phx_reply",
        };
        assert_eq!(
            write(Version::V2, head, r#"{"status":"ok"}"#),
            r#"["6","7","realtime:a","phx_reply",{"status":"ok"}]"#
        );
        let push = Head::push("realtime:a", "system");
        assert_eq!(
            write(Version::V1, push, "{}"),
            r#"{"topic":"realtime:a","event":"system","payload":{},"ref":null,"join_ref":null}"#
        );
    }

    #[test]
    fn an_absent_version_means_the_old_one() {
        assert_eq!(Version::from_query(None), Version::V1);
        assert_eq!(Version::from_query(Some("1.0.0")), Version::V1);
        assert_eq!(Version::from_query(Some("2.0.0")), Version::V2);
    }
}
