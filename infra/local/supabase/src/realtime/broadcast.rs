//! User broadcasts: the binary frames of serializer 2.0.0 (kinds 3 and 4) and their text form.

use bytes::Bytes;
use serde_json::{Value, json};

use super::frame::{Head, Version, write};
use super::outbox::Frame;

const KIND_USER_BROADCAST_PUSH: u8 = 3;
const KIND_USER_BROADCAST: u8 = 4;

/// What a broadcast carries. Raw bytes cannot travel as text.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Content {
    Json(Value),
    Raw(Bytes),
}

/// A message for everyone on a topic.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Broadcast {
    pub(crate) event: String,
    /// JSON object or absent.
    pub(crate) meta: Option<Value>,
    pub(crate) content: Content,
}

/// A broadcast as a client pushed it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct BroadcastPush {
    pub(crate) join_ref: Option<String>,
    pub(crate) reference: Option<String>,
    pub(crate) topic: String,
    pub(crate) broadcast: Broadcast,
}

/// A binary frame that is not a well-formed kind 3.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum BinaryError {
    #[error("reading a binary frame of kind {0}, which no client sends")]
    Kind(u8),
    #[error("reading a binary frame that ends too early or holds broken text")]
    Malformed,
}

impl BroadcastPush {
    /// Kind 3: six lengths and an encoding of one byte each, then join_ref, ref, topic, event, meta, payload
    /// (realtime-js `lib/serializer.ts`).
    pub(crate) fn parse(frame: &[u8]) -> Result<Self, BinaryError> {
        let (&kind, rest) = frame.split_first().ok_or(BinaryError::Malformed)?;
        if kind != KIND_USER_BROADCAST_PUSH {
            return Err(BinaryError::Kind(kind));
        }
        let ([join_ref, reference, topic, event, meta, encoding], mut body) = rest
            .split_first_chunk::<6>()
            .ok_or(BinaryError::Malformed)?;
        let mut take = |length: u8| -> Result<&str, BinaryError> {
            let (part, after) = body
                .split_at_checked(usize::from(length))
                .ok_or(BinaryError::Malformed)?;
            body = after;
            std::str::from_utf8(part).map_err(|_| BinaryError::Malformed)
        };
        let filled = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        let join_ref = filled(take(*join_ref)?);
        let reference = filled(take(*reference)?);
        let topic = take(*topic)?.to_owned();
        let event = take(*event)?.to_owned();
        let meta = take(*meta)?;
        let meta = if meta.is_empty() {
            None
        } else {
            Some(serde_json::from_str(meta).map_err(|_| BinaryError::Malformed)?)
        };
        let content = match encoding {
            0 => Content::Raw(Bytes::copy_from_slice(body)),
            _ => Content::Json(serde_json::from_slice(body).map_err(|_| BinaryError::Malformed)?),
        };
        Ok(Self {
            join_ref,
            reference,
            topic,
            broadcast: Broadcast {
                event,
                meta,
                content,
            },
        })
    }
}

impl Broadcast {
    /// From the text form `{"type":"broadcast","event":E,"payload":P}`.
    pub(crate) fn from_payload(payload: &Value) -> Option<Self> {
        Some(Self {
            event: payload.get("event")?.as_str()?.to_owned(),
            meta: payload.get("meta").filter(|meta| meta.is_object()).cloned(),
            content: Content::Json(payload.get("payload").cloned().unwrap_or_else(|| json!({}))),
        })
    }

    /// The frame for a socket of this version; `None` when the content cannot be said in it.
    pub(crate) fn frame(&self, version: Version, topic: &str) -> Option<Frame> {
        let binary = match version {
            Version::V2 => self.binary_frame(topic),
            Version::V1 => None,
        };
        binary.or_else(|| self.text_frame(version, topic))
    }

    /// `None` when a part is longer than its one byte of length can say.
    fn binary_frame(&self, topic: &str) -> Option<Frame> {
        let meta = self.meta.as_ref().map(Value::to_string).unwrap_or_default();
        let (encoding, content) = match &self.content {
            Content::Raw(bytes) => (0, bytes.clone()),
            Content::Json(value) => (1, Bytes::from(value.to_string())),
        };
        let mut frame = vec![
            KIND_USER_BROADCAST,
            u8::try_from(topic.len()).ok()?,
            u8::try_from(self.event.len()).ok()?,
            u8::try_from(meta.len()).ok()?,
            encoding,
        ];
        for part in [
            topic.as_bytes(),
            self.event.as_bytes(),
            meta.as_bytes(),
            &content,
        ] {
            frame.extend_from_slice(part);
        }
        Some(Frame::Binary(frame.into()))
    }

    fn text_frame(&self, version: Version, topic: &str) -> Option<Frame> {
        let Content::Json(payload) = &self.content else {
            return None;
        };
        let mut message = json!({"type": "broadcast", "event": self.event, "payload": payload});
        if let Some(meta) = &self.meta {
            message["meta"] = meta.clone();
        }
        Some(Frame::Text(write(
            version,
            Head::push(topic, "broadcast"),
            &message.to_string(),
        )))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `0302020b0500 01 "15" "18" "realtime:bc" "hello" {"a":1}`, seen from supabase-js 2.109.0.
    fn recorded_push() -> Vec<u8> {
        let mut frame = vec![3, 2, 2, 11, 5, 0, 1];
        frame.extend_from_slice(br#"1518realtime:bchello{"a":1}"#);
        frame
    }

    #[test]
    fn a_recorded_push_is_read() {
        let push = BroadcastPush::parse(&recorded_push()).unwrap();
        assert_eq!(push.join_ref.as_deref(), Some("15"));
        assert_eq!(push.reference.as_deref(), Some("18"));
        assert_eq!(push.topic, "realtime:bc");
        assert_eq!(push.broadcast.event, "hello");
        assert_eq!(push.broadcast.content, Content::Json(json!({"a": 1})));
    }

    #[test]
    fn a_truncated_push_is_refused_wherever_its_header_is_cut() {
        let whole = recorded_push();
        for length in 0..whole.len() - 7 {
            assert!(
                BroadcastPush::parse(&whole[..length]).is_err(),
                "{length} bytes"
            );
        }
        assert_eq!(BroadcastPush::parse(&[9, 0, 0]), Err(BinaryError::Kind(9)));
    }

    #[test]
    fn a_broadcast_goes_to_a_new_socket_as_kind_four() {
        let broadcast = Broadcast {
            event: "tock".into(),
            meta: None,
            content: Content::Json(json!({"n": 2})),
        };
        let Some(Frame::Binary(frame)) = broadcast.frame(Version::V2, "realtime:bc") else {
            panic!("not binary")
        };
        assert_eq!(&frame[..], b"\x04\x0b\x04\x00\x01realtime:bctock{\"n\":2}");
    }

    #[test]
    fn an_old_socket_gets_text_and_never_raw_bytes() {
        let mut broadcast = Broadcast {
            event: "tick".into(),
            meta: None,
            content: Content::Json(json!({})),
        };
        assert!(matches!(
            broadcast.frame(Version::V1, "realtime:bc"),
            Some(Frame::Text(_))
        ));
        broadcast.content = Content::Raw(Bytes::from_static(&[1, 2]));
        assert!(broadcast.frame(Version::V1, "realtime:bc").is_none());
    }

    #[test]
    fn an_event_name_too_long_for_binary_goes_as_text() {
        let broadcast = Broadcast {
            event: "e".repeat(300),
            meta: None,
            content: Content::Json(json!({})),
        };
        assert!(matches!(
            broadcast.frame(Version::V2, "realtime:bc"),
            Some(Frame::Text(_))
        ));
    }
}
