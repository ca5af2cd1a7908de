//! Stand-ins for OpenAI and ElevenLabs that speak the real wire: the same request always gives
//! the same answer, a story about that character, a picture that shows it, speech with true
//! character times; and they refuse what the real services refuse. Development and tests only.

mod calls;
mod config;
mod control;
mod elevenlabs;
mod faults;
mod gate;
mod illustration;
mod limiter;
mod openai;
mod seeded;
mod speech;
mod story;
mod workbench;

pub use calls::{CallKind, CallRecord};
pub use config::{ConfigError, LatencyProfile, StandInConfig, Workmanship};
pub use elevenlabs::elevenlabs_router;
pub use faults::{FaultProfile, Outcome, Scripted};
pub use limiter::{CallLimit, LimitRefusal, RetryAfter};
pub use openai::openai_router;

/// Draws what the OpenAI stand-in would draw for an image prompt, as PNG bytes.
///
/// For looking at pictures without a server; `width` and `height` are in pixels.
pub fn draw_picture_png(prompt: &str, width: u32, height: u32) -> Vec<u8> {
    illustration::draw(prompt, width, height, illustration::PictureFormat::Png)
}

/// Speaks what the ElevenLabs stand-in would speak for a text, as MP3 bytes (64 kbit/s).
///
/// For listening without a server.
pub fn speak_mp3(text: &str) -> Vec<u8> {
    speech::narrate(text, &speech::Delivery::default()).audio
}

/// Tells what the OpenAI stand-in would tell for a request's JSON: the four beats as plain text.
///
/// For reading without a server.
pub fn tell_story(request: &str) -> String {
    story::plain_answer(request)
}
