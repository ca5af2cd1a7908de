//! Models that answer as they are told, and an invoker that nobody hears.

use super::{PreviewEnd, TestServices, Verdict, picture};
use async_trait::async_trait;
use providers::{
    CallUsage, ErrorKind, PictureBytes, PictureCall, PictureModel, ProviderError, Speech,
    SpeechCall, SpeechFacts, SpeechModel, TextCall, TextModel,
};
use runtime::{Invoke, InvokeError};
use serde_json::{Value, json};
use std::time::Instant;

fn billed(number: usize) -> CallUsage {
    CallUsage {
        provider: domain::price::OPENAI,
        request_id: number.to_string(),
        ..CallUsage::default()
    }
}

#[async_trait]
impl TextModel for TestServices {
    async fn ask(
        &self,
        call: &TextCall,
        bill: &mut Vec<CallUsage>,
    ) -> Result<Value, ProviderError> {
        assert_eq!(call.name, "image_check");
        let (number, verdict) = {
            let mut seen = self.0.lock().unwrap();
            seen.checks += 1;
            (seen.checks, seen.verdicts.pop_front())
        };
        let verdict = verdict.unwrap_or(Verdict::Passed);
        match verdict {
            Verdict::Passed
            | Verdict::Rejected
            | Verdict::RejectedWithoutGlasses
            | Verdict::Unsafe => {}
            Verdict::Panic => panic!("on purpose"),
            Verdict::Pending => std::future::pending().await,
            // As a process that dies meanwhile: the picture is there, its verdict is not.
            Verdict::Unknown => {
                while !self.keys().iter().any(|key| key.starts_with("drafts/")) {
                    tokio::task::yield_now().await;
                }
                return Err(ProviderError::of_kind(
                    "test",
                    "check",
                    ErrorKind::Unavailable,
                ));
            }
        }
        bill.push(billed(0));
        // As a model answers that overlooks what it said itself.
        let passed = matches!(verdict, Verdict::Passed | Verdict::Unsafe);
        let has_glasses = verdict != Verdict::RejectedWithoutGlasses;
        Ok(
            json!({"passed": passed, "safe": verdict != Verdict::Unsafe, "feedback": format!("wings {number}"),
            "checks": [{"trait": "glasses", "present": has_glasses}, {"trait": "never asked for", "present": true}]}),
        )
    }
}

#[async_trait]
impl PictureModel for TestServices {
    async fn draw(
        &self,
        call: &PictureCall,
        bill: &mut Vec<CallUsage>,
    ) -> Result<PictureBytes, ProviderError> {
        let (number, is_broken, previews) = {
            let mut seen = self.0.lock().unwrap();
            seen.prompts.push(call.prompt.clone());
            let is_broken = seen.broken_pictures > 0;
            if seen.is_silent {
                return Err(ProviderError::of_kind("test", "draw", ErrorKind::TimedOut));
            }
            seen.broken_pictures = seen.broken_pictures.saturating_sub(1);
            (seen.prompts.len(), is_broken, seen.previews)
        };
        let mut bytes = picture(u8::try_from(number).unwrap());
        if let Some(end) = previews {
            call.previews
                .show(PictureBytes::parse(bytes.clone()).unwrap());
            let is_over = || match end {
                PreviewEnd::Told => {
                    let told = self.told_previews();
                    told.iter().filter(|told| told.is_string()).count() >= number
                }
                PreviewEnd::Refused => self.moderated() >= number,
            };
            while !is_over() {
                tokio::task::yield_now().await;
            }
        }
        if is_broken {
            bytes.truncate(bytes.len() / 2);
        }
        bill.push(billed(number));
        Ok(PictureBytes::parse(bytes).unwrap())
    }
}

#[async_trait]
impl SpeechModel for TestServices {
    fn facts(&self) -> SpeechFacts {
        unreachable!("nothing is read aloud here")
    }

    async fn default_voice(&self, _deadline: Instant) -> Result<String, ProviderError> {
        unreachable!("nothing is read aloud here")
    }

    async fn speak(
        &self,
        _call: &SpeechCall,
        _usage: &mut Vec<CallUsage>,
    ) -> Result<Speech, ProviderError> {
        unreachable!("nothing is read aloud here")
    }
}

#[async_trait]
impl Invoke for TestServices {
    async fn invoke(&self, _function: &str, _event: Value) -> Result<(), InvokeError> {
        Ok(())
    }
}
