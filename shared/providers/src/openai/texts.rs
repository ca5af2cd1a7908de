//! Texts: chat completions whose answer is JSON of a given schema.

use super::{
    ModelCall, OpenAi, PROVIDER, answers,
    models::{Room, text_limits},
};
use crate::{CallUsage, ErrorKind, ProviderError, TextCall, TextModel, TextModelRole};
use base64::Engine;
use serde_json::{Value, json};
use std::time::{Duration, Instant};

const ATTEMPTED: &str = "write a text";
const TIMEOUT: Duration = Duration::from_secs(120);
const BYTES_MAX: usize = 1 << 20;
/// With less time than this left, an answer that was cut short is not asked for again.
const TIME_FOR_MORE_ROOM: Duration = Duration::from_secs(20);

impl OpenAi {
    /// Asks one model; once more with more room, if its answer was cut short.
    async fn write_with(
        &self,
        model: &str,
        call: &TextCall,
        has_stand_in: bool,
        usage: &mut Vec<CallUsage>,
    ) -> Result<Value, ProviderError> {
        let limits = text_limits(model);
        let step = self.rooms.known(model, call.name);
        let asked = self.write_once(model, call, limits.room(step), has_stand_in, usage);
        let error = match asked.await {
            Err(error) if error.kind == ErrorKind::CutShort => error,
            done => return done,
        };
        let Some(next) = limits.next_step(step) else {
            return Err(error);
        };
        self.rooms.remember(model, call.name, next);
        if call.deadline.saturating_duration_since(Instant::now()) < TIME_FOR_MORE_ROOM {
            return Err(error);
        }
        let room = limits.room(next);
        tracing::warn!(
            model,
            tokens = room.tokens,
            effort = room.effort,
            "Answer was cut short, asking again with more room"
        );
        let asked = self.write_once(model, call, room, has_stand_in, usage);
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
        usage: &mut Vec<CallUsage>,
    ) -> Result<Value, ProviderError> {
        let mut body = json!({
            "model": model,
            "messages": [
                {"role": "developer", "content": call.instructions},
                {"role": "user", "content": user_content(call)},
            ],
            "response_format": {"type": "json_schema",
                "json_schema": {"name": call.name, "strict": true, "schema": call.schema}},
            "max_completion_tokens": room.tokens,
            "store": false,
        });
        if let Some(effort) = room.effort {
            body["reasoning_effort"] = effort.into();
        }
        let model_call = ModelCall {
            kind: "text",
            attempted: ATTEMPTED,
            model,
            timeout: TIMEOUT,
            bytes_max: BYTES_MAX,
            deadline: call.deadline,
            has_stand_in,
        };
        let request = || self.post("chat/completions").json(&body);
        let written = self.call(model_call, request, answers::completion, usage);
        written.await.map_err(|error| match error.kind {
            // A text has no references; the picture of a check is our own.
            ErrorKind::ReferenceUnreadable { .. } => ProviderError {
                kind: ErrorKind::Invalid,
                ..error
            },
            _ => error,
        })
    }
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
        let chain = match call.model {
            TextModelRole::Story => &self.story,
            TextModelRole::Analysis => &self.analysis,
        };
        let mut walk = chain.walk(PROVIDER, ATTEMPTED, call.deadline);
        while let Some(model) = walk.next() {
            match self
                .write_with(model, call, walk.has_stand_in(), usage)
                .await
            {
                Ok(value) => {
                    walk.delivered(model);
                    return Ok(value);
                }
                Err(error) => walk.failed(model, error)?,
            }
        }
        Err(walk.into_error())
    }
}
