//! Texts: chat completions whose answer is JSON of a given schema.

use super::{
    ModelCall, OpenAi, PROVIDER, answers,
    models::{Room, text_limits},
    stream::Stream,
};
use crate::{
    CallCount, CallUsage, ErrorKind, Hears, ProviderError, Schema, TextCall, TextModel,
    TextModelRole, answer::Listening,
};
use base64::Engine;
use serde::Serialize;
use serde_json::{Value, json};
use std::time::{Duration, Instant};

const ATTEMPTED: &str = "write a text";
const TIMEOUT: Duration = Duration::from_secs(120);
const BYTES_MAX: usize = 1 << 20;
/// Each word of a streamed answer comes in an event of its own, of some 300 bytes.
const STREAM_BYTES_MAX: usize = 8 << 20;
/// With less time than this left, an answer that was cut short is not asked for again.
const TIME_FOR_MORE_ROOM: Duration = Duration::from_secs(20);

/// A request as it is sent. The schema keeps its order on the wire: a model writes the members of its answer in it.
#[derive(Serialize)]
struct Request<'a> {
    model: &'a str,
    messages: Value,
    response_format: ResponseFormat<'a>,
    max_completion_tokens: u64,
    store: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    reasoning_effort: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stream: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stream_options: Option<Value>,
}

#[derive(Serialize)]
struct ResponseFormat<'a> {
    r#type: &'static str,
    json_schema: NamedSchema<'a>,
}

#[derive(Serialize)]
struct NamedSchema<'a> {
    name: &'static str,
    strict: bool,
    schema: &'a Schema,
}

impl<'a> Request<'a> {
    fn of(model: &'a str, call: &'a TextCall, room: Room, is_streamed: bool) -> Self {
        Self {
            model,
            messages: json!([
                {"role": "developer", "content": call.instructions},
                {"role": "user", "content": user_content(call)},
            ]),
            response_format: ResponseFormat {
                r#type: "json_schema",
                json_schema: NamedSchema {
                    name: call.name,
                    strict: true,
                    schema: &call.schema,
                },
            },
            max_completion_tokens: room.tokens,
            store: false,
            reasoning_effort: room.effort,
            stream: is_streamed.then_some(true),
            // Without being asked the price does not come; padding would come without being asked.
            stream_options: is_streamed
                .then(|| json!({"include_usage": true, "include_obfuscation": false})),
        }
    }
}

impl OpenAi {
    /// Asks one model; once more with more room, if its answer was cut short and nobody heard of it.
    async fn write_with(
        &self,
        model: &str,
        call: &TextCall,
        has_stand_in: bool,
        hears: &mut Option<Listener<'_, '_>>,
        usage: &mut Vec<CallUsage>,
    ) -> Result<Value, ProviderError> {
        let limits = text_limits(model);
        let step = self.rooms.known(model, call.name);
        let asked = self.write_once(model, call, limits.room(step), has_stand_in, hears, usage);
        let error = match asked.await {
            Err(error) if error.kind == ErrorKind::CutShort => error,
            done => return done,
        };
        let Some(next) = limits.next_step(step) else {
            return Err(error);
        };
        self.rooms.remember(model, call.name, next);
        if has_heard(hears)
            || call.deadline.saturating_duration_since(Instant::now()) < TIME_FOR_MORE_ROOM
        {
            return Err(error);
        }
        let room = limits.room(next);
        tracing::warn!(
            model,
            tokens = room.tokens,
            effort = room.effort,
            "Answer was cut short, asking again with more room"
        );
        let asked = self.write_once(model, call, room, has_stand_in, hears, usage);
        match asked.await {
            Err(again) if again.kind == ErrorKind::CutShort => {
                if let Some(further) = limits.next_step(next) {
                    self.rooms.remember(model, call.name, further);
                }
                Err(again)
            }
            // It takes less than we know of it: the answer that was cut short stays the cause.
            Err(refused) if refused.kind == ErrorKind::Invalid => {
                tracing::error!(model, error = %refused, "{model} refused to be given more room");
                self.rooms.remember(model, call.name, step);
                Err(error)
            }
            done => done,
        }
    }

    async fn write_once(
        &self,
        model: &str,
        call: &TextCall,
        room: Room,
        has_stand_in: bool,
        hears: &mut Option<Listener<'_, '_>>,
        usage: &mut Vec<CallUsage>,
    ) -> Result<Value, ProviderError> {
        let body = Request::of(model, call, room, hears.is_some());
        let model_call = ModelCall {
            kind: "text",
            attempted: ATTEMPTED,
            model,
            timeout: TIMEOUT,
            bytes_max: match hears {
                Some(_) => STREAM_BYTES_MAX,
                None => BYTES_MAX,
            },
            deadline: call.deadline,
            has_stand_in,
            sent: CallCount::default(),
            fields: None,
        };
        let request = || self.post("chat/completions").json(&body);
        let written = match hears {
            None => {
                self.call(model_call, request, answers::completion, usage)
                    .await
            }
            Some(listener) => {
                self.listen(model_call, call, request, listener, usage)
                    .await
            }
        };
        written.map_err(|error| match error.kind {
            // A text has no references; the picture of a check is our own.
            ErrorKind::ReferenceUnreadable { .. } => ProviderError {
                kind: ErrorKind::Invalid,
                ..error
            },
            _ => error,
        })
    }

    /// Asks one model and hears its answer while it comes.
    async fn listen(
        &self,
        model_call: ModelCall<'_>,
        call: &TextCall,
        request: impl Fn() -> reqwest::RequestBuilder,
        listener: &mut Listener<'_, '_>,
        usage: &mut Vec<CallUsage>,
    ) -> Result<Value, ProviderError> {
        let asked = call.instructions.chars().count() + call.data.to_string().chars().count();
        let mut stream = Stream::default();
        let mut lost = Vec::new();
        let mut receives = |bytes: Option<&[u8]>| match bytes {
            None => stream = Stream::default(),
            Some(bytes) => {
                if stream.take(bytes) {
                    listener.has_heard = true;
                    (listener.hears)(stream.content());
                }
            }
        };
        let listening = Listening {
            receives: &mut receives,
            silence_max: None,
            needs_whole: false,
        };
        let sent = self.send(&model_call, request, Some(listening), &mut lost);
        let sent = sent.await;
        let model = model_call.model;
        let (endpoint, answer) = match sent {
            Ok(sent) => sent,
            Err(error) => {
                // It broke off: that it was billed is known, and what was heard of it.
                usage.extend(lost.iter().map(|id| {
                    let stream = std::mem::take(&mut stream);
                    stream.end(model, asked, id).1
                }));
                return Err(error);
            }
        };
        let id = answer.header("x-request-id");
        // Not everybody who is asked to stream does.
        let (value, used) = match answer.body.trim_ascii_start().first() {
            Some(b'{') => answers::completion(&answer.body, model, id),
            _ => stream.end(model, asked, id),
        };
        usage.push(used);
        endpoint.finish(answer, value)
    }

    async fn ask_in_order(
        &self,
        call: &TextCall,
        mut hears: Option<Listener<'_, '_>>,
        usage: &mut Vec<CallUsage>,
    ) -> Result<Value, ProviderError> {
        let chain = match call.model {
            TextModelRole::Story => &self.story,
            TextModelRole::Analysis => &self.analysis,
        };
        let mut walk = chain.walk(PROVIDER, ATTEMPTED, call.deadline);
        while let Some(model) = walk.next() {
            let written = self.write_with(model, call, walk.has_stand_in(), &mut hears, usage);
            match written.await {
                Ok(value) => {
                    walk.delivered(model);
                    return Ok(value);
                }
                // Another model is asked when the rest is asked for.
                Err(error) if has_heard(&hears) => return Err(walk.broken_off(model, error)),
                Err(error) => walk.failed(model, error)?,
            }
        }
        Err(walk.into_error())
    }
}

/// Who hears an answer while it comes.
struct Listener<'a, 'b> {
    hears: &'a mut Hears<'b>,
    /// Some of the answer was told.
    has_heard: bool,
}

fn has_heard(listener: &Option<Listener<'_, '_>>) -> bool {
    listener.as_ref().is_some_and(|listener| listener.has_heard)
}

/// The data in delimiters: what stands between them is material, whatever it says.
fn user_content(call: &TextCall) -> Value {
    let escaped = |data: &Value| data.to_string().replace('<', "\\u003c");
    let mut text = format!("<request>\n{}\n</request>", escaped(&call.data));
    if let Some(problem) = &call.correction {
        text.push_str("\nAn earlier answer to this could not be used. What was wrong with it stands between <problem> tags; avoid it.\n<problem>\n");
        text.push_str(&escaped(&Value::from(problem.as_str())));
        text.push_str("\n</problem>");
    }
    match &call.picture {
        None => Value::from(text),
        Some(picture) => {
            let encoded = base64::engine::general_purpose::STANDARD.encode(picture);
            json!([{"type": "text", "text": text},
                {"type": "image_url", "image_url": {"url": format!("data:image/jpeg;base64,{encoded}"), "detail": "low"}}])
        }
    }
}

#[async_trait::async_trait]
impl TextModel for OpenAi {
    async fn ask(
        &self,
        call: &TextCall,
        usage: &mut Vec<CallUsage>,
    ) -> Result<Value, ProviderError> {
        self.ask_in_order(call, None, usage).await
    }

    async fn ask_aloud(
        &self,
        call: &TextCall,
        hears: &mut Hears<'_>,
        usage: &mut Vec<CallUsage>,
    ) -> Result<Value, ProviderError> {
        let has_heard = false;
        let listener = Listener { hears, has_heard };
        self.ask_in_order(call, Some(listener), usage).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn injected_instructions_cannot_leave_the_tags_they_stand_between() {
        for words in include_str!("injections.txt").lines() {
            let call = TextCall {
                name: "story",
                schema: crate::object([]),
                instructions: "Write.".to_owned(),
                data: json!({"idea": words, words: "a name"}),
                picture: None,
                correction: Some(words.to_owned()),
                model: TextModelRole::Story,
                deadline: Instant::now(),
            };
            let content = user_content(&call);
            let text = content.as_str().expect("a text");
            let between = |tag: &str| {
                let (_, rest) = text.split_once(&format!("<{tag}>\n")).expect("it opens");
                let (inner, rest) = rest.split_once(&format!("\n</{tag}>")).expect("it closes");
                assert!(!inner.contains('<') && !rest.contains(&format!("</{tag}>")));
                serde_json::from_str::<Value>(inner).expect("JSON")
            };
            assert_eq!(between("request"), call.data);
            assert_eq!(between("problem"), words);
        }
    }
}
