//! A chat completion that comes in pieces: server-sent events, each with a part of the answer, the last with its price.
//! Wire facts: "Server-sent events" of the HTML standard, and the provider's OpenAPI document.

use super::{answers, errors::classify};
use crate::{CallUsage, ErrorKind};
use serde_json::{Value, json};

/// Characters of one token, where nobody told how many there were.
const CHARS_A_TOKEN: usize = 4;

/// Splits a stream into the data of its events, wherever its bytes are cut.
#[derive(Debug, Default)]
pub(super) struct Events {
    /// Of a line that has not ended yet.
    line: Vec<u8>,
    data: Vec<u8>,
}

impl Events {
    pub(super) fn take(&mut self, bytes: &[u8], mut on_event: impl FnMut(&[u8])) {
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            self.line.extend_from_slice(piece);
            if !piece.ends_with(b"\n") {
                return;
            }
            let line = std::mem::take(&mut self.line);
            match line.trim_ascii_end() {
                [] if self.data.is_empty() => {}
                [] => on_event(&std::mem::take(&mut self.data)),
                line => {
                    if let Some(data) = line.strip_prefix(b"data:") {
                        self.data.extend_from_slice(data.trim_ascii_start());
                    }
                }
            }
        }
    }
}

/// The answer as far as it came.
#[derive(Debug, Default)]
pub(super) struct Stream {
    events: Events,
    model: Option<String>,
    content: String,
    refusal: String,
    finish_reason: Option<String>,
    usage: Value,
    /// What went wrong after the answer had begun.
    failure: Option<ErrorKind>,
}

impl Stream {
    /// Takes the next bytes. Answers whether there are more words of the answer than before.
    pub(super) fn take(&mut self, bytes: &[u8]) -> bool {
        let length = self.content.len();
        let mut events = std::mem::take(&mut self.events);
        events.take(bytes, |data| self.take_event(data));
        self.events = events;
        self.content.len() > length
    }

    /// The words of the answer so far.
    pub(super) fn content(&self) -> &str {
        &self.content
    }

    fn take_event(&mut self, data: &[u8]) {
        if data == b"[DONE]" {
            return;
        }
        let Ok(chunk) = domain::sanitize::from_slice::<Value>(data) else {
            self.failure.get_or_insert(ErrorKind::Malformed);
            return;
        };
        if !chunk["error"].is_null() {
            self.failure.get_or_insert(failure_of(data));
        }
        if let Some(model) = chunk["model"].as_str() {
            self.model = Some(model.to_owned());
        }
        // The extra last chunk has the numbers and no choice.
        if chunk["usage"].is_object() {
            self.usage = chunk["usage"].clone();
        }
        let choice = &chunk["choices"][0];
        let text = |name: &str| choice["delta"][name].as_str().unwrap_or_default();
        self.content.push_str(text("content"));
        self.refusal.push_str(text("refusal"));
        if let Some(reason) = choice["finish_reason"].as_str() {
            self.finish_reason = Some(reason.to_owned());
        }
    }

    /// The answer once nothing more comes, or what is wrong with it; its price in both cases. One whose numbers did not
    /// come is billed all the same: what was heard of it is counted, and what was `asked`, in characters.
    pub(super) fn end(
        self,
        asked_model: &str,
        asked: usize,
        request_id: &str,
    ) -> (Result<Value, ErrorKind>, CallUsage) {
        let heard = self.content.chars().count() + self.refusal.chars().count();
        let whole = json!({
            "model": self.model,
            "choices": [{"message": {"content": self.content, "refusal": self.refusal}, "finish_reason": self.finish_reason}],
            "usage": self.usage,
        });
        let (read, mut usage) = answers::completion_of(&whole, asked_model, request_id);
        if !self.usage.is_object() {
            usage.input_units = asked.div_ceil(CHARS_A_TOKEN) as u64;
            usage.output_units = heard.div_ceil(CHARS_A_TOKEN) as u64;
        }
        let read = match (self.failure, self.finish_reason) {
            (Some(failure), _) => Err(failure),
            // The connection was closed in good order, and the answer had not ended.
            (None, None) => Err(ErrorKind::Unavailable),
            (None, Some(_)) => read,
        };
        (read, usage)
    }
}

/// What an error means that came in the middle, where there is no status any more.
pub(super) fn failure_of(data: &[u8]) -> ErrorKind {
    let kinds = [500, 429, 400].map(|status| classify(status, data).0);
    match kinds {
        [ErrorKind::Unavailable, _, ErrorKind::Refused] => ErrorKind::Refused,
        [kind, ..] => kind,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn chunk(delta: Value, reason: Value) -> String {
        let choice = json!({"index": 0, "delta": delta, "finish_reason": reason});
        let chunk = json!({"model": "gpt-5.2-2025-12-11", "choices": [choice], "usage": null});
        format!("data: {chunk}\n\n")
    }

    fn usage() -> String {
        let usage = json!({"prompt_tokens": 900, "completion_tokens": 700});
        format!("data: {}\n\n", json!({"choices": [], "usage": usage}))
    }

    fn whole(words: &[&str]) -> String {
        let words = words
            .iter()
            .map(|word| chunk(json!({"content": word}), Value::Null));
        let role = chunk(json!({"role": "assistant", "content": ""}), Value::Null);
        let end = chunk(json!({}), json!("stop"));
        let events: String = words.collect();
        [&role, &events, &end, &usage(), "data: [DONE]\n\n"].concat()
    }

    fn read(events: &str) -> (Result<Value, ErrorKind>, (u64, u64)) {
        let mut stream = Stream::default();
        stream.take(events.as_bytes());
        let (read, usage) = stream.end("gpt-5.2", 400, "req_1");
        (read, (usage.input_units, usage.output_units))
    }

    const WORDS: [&str; 4] = ["{\"title\":\"Der ", "mutige ", "Drache \u{1f409}", "\"}"];

    #[test]
    fn the_pieces_of_an_answer_are_one_answer_and_the_last_has_its_price() {
        let expected = json!({"title": "Der mutige Drache \u{1f409}"});
        let answer = whole(&WORDS);
        assert_eq!(read(&answer), (Ok(expected.clone()), (900, 700)));
        let other_ends = answer.replace('\n', "\r\n");
        let commented = format!(": still here\n\nevent: chunk\nid: 7\n{other_ends}");
        assert_eq!(read(&commented), (Ok(expected), (900, 700)));
    }

    #[test]
    fn an_answer_that_ends_too_soon_is_billed_by_what_was_asked_and_heard() {
        let answer = whole(&WORDS);
        let half = &answer[..answer.find("Drache").expect("a word")];
        assert_eq!(read(half), (Err(ErrorKind::Unavailable), (100, 6)));
        assert_eq!(read(""), (Err(ErrorKind::Unavailable), (100, 0)));
    }

    #[test]
    fn how_a_stream_ends_decides_what_it_is_worth() {
        let begun = chunk(json!({"content": "{\"a\":"}), Value::Null);
        let error = |code: &str| {
            let error = json!({"error": {"message": "", "type": "t", "param": null, "code": code}});
            format!("data: {error}\n\n")
        };
        let refusal = chunk(json!({"refusal": "I cannot."}), Value::Null);
        for (end, expected) in [
            (chunk(json!({}), json!("length")), ErrorKind::CutShort),
            (
                chunk(json!({}), json!("content_filter")),
                ErrorKind::Refused,
            ),
            (
                refusal + &chunk(json!({}), json!("stop")),
                ErrorKind::Refused,
            ),
            (error("server_error"), ErrorKind::Unavailable),
            (error("insufficient_quota"), ErrorKind::OutOfCredits),
            (error("content_policy_violation"), ErrorKind::Refused),
            ("data: {broken\n\n".to_owned(), ErrorKind::Malformed),
            (
                chunk(json!({"content": "}"}), json!("stop")),
                ErrorKind::Malformed,
            ),
        ] {
            let events = [begun.clone(), end].concat();
            assert_eq!(read(&events).0, Err(expected), "{events}");
        }
    }

    proptest! {
        #[test]
        fn it_does_not_matter_where_the_bytes_are_cut(
            words in prop::collection::vec(".{0,12}", 0..12),
            cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..20),
        ) {
            let answer = whole(&words.iter().map(String::as_str).collect::<Vec<_>>());
            let mut cuts: Vec<_> = cuts.iter().map(|cut| cut.index(answer.len())).collect();
            cuts.extend([0, answer.len()]);
            cuts.sort_unstable();
            let mut stream = Stream::default();
            for piece in cuts.windows(2) {
                let more = stream.take(&answer.as_bytes()[piece[0]..piece[1]]);
                prop_assert!(more || words.concat().starts_with(stream.content()));
            }
            prop_assert_eq!(stream.content(), words.concat());
        }
    }
}
