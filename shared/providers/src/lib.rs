//! OpenAI, Black Forest Labs and ElevenLabs over HTTP, behind three small traits: text, pictures, speech.
//!
//! No provider has idempotency keys, so every call here may cost money again: callers claim first, call, and store the
//! result before the next step. Each provider has a circuit breaker per process, which opens when it is down or refuses the
//! account.

mod answer;
mod bfl;
mod breaker;
mod call_log;
mod catalog;
mod chain;
mod circuit;
mod count;
mod elevenlabs;
mod error;
mod exchanges;
mod moderation;
mod openai;
mod orders;
mod picture;
mod preview;
mod schema;
#[cfg(test)]
mod test_log;

pub use bfl::{Bfl, BflConfig};
pub use breaker::CallTimeouts;
pub use catalog::ListedModel;
pub use count::CallCount;
pub use elevenlabs::{ElevenLabs, ElevenLabsConfig};
pub use error::{ErrorKind, ProviderError};
pub use exchanges::{Answered, Exchange, KeepsExchanges, RawAnswer, kept_by};
pub use moderation::{Concern, Moderation, describe_reader};
pub use openai::{OpenAi, OpenAiConfig};
pub use orders::{OpenOrder, OpenOrders};
pub use picture::{NotAPicture, PictureBytes, PictureFormat};
pub use preview::Previews;
pub use schema::{Schema, array, boolean, object, text as text_schema, with_count};

use bytes::Bytes;
use serde_json::Value;
use std::time::{Duration, Instant};

/// What one call used, as the provider counts and bills it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CallUsage {
    /// As the price list names it: [`domain::price::OPENAI`] and so on.
    pub provider: &'static str,
    pub model: String,
    /// Tokens in, characters, or megapixels of reference pictures.
    pub input_units: u64,
    /// Tokens out, or megapixels drawn.
    pub output_units: u64,
    /// `x-request-id`, `request-id` or the id of a task: unique per call.
    pub request_id: String,
}

/// A question whose answer is JSON of a given schema.
#[derive(Clone, Debug)]
pub struct TextCall {
    /// Which kind of answer; also the schema's name on the wire.
    pub name: &'static str,
    /// Of the answer, whose members come in this order.
    pub schema: Schema,
    /// What the model is, and what it must do.
    pub instructions: String,
    /// The request's data, delimited; the only place where words of a user may stand.
    pub data: Value,
    /// A picture to look at, JPEG.
    pub picture: Option<Bytes>,
    /// What was wrong with an earlier answer to the same question; it stands beside the data.
    pub correction: Option<String>,
    /// Story text, or analysis of one.
    pub model: TextModelRole,
    pub deadline: Instant,
}

/// Which of the two configured text models answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TextModelRole {
    Story,
    Analysis,
}

/// What a picture refers to.
#[derive(Clone, Debug)]
pub enum References {
    None,
    /// What users brought along, as it was looked at.
    Pictures(Vec<PictureBytes>),
    /// One of ours.
    Picture(PictureBytes),
}

impl References {
    /// How many they are.
    pub fn count(&self) -> usize {
        self.pictures().len()
    }

    /// All of them.
    pub fn pictures(&self) -> &[PictureBytes] {
        match self {
            Self::None => &[],
            Self::Pictures(pictures) => pictures,
            Self::Picture(picture) => std::slice::from_ref(picture),
        }
    }
}

/// Pictures commonly take half a minute; a try that takes longer than this is given up.
pub const PICTURE_TRY: Duration = Duration::from_secs(60);

/// A square picture, 1024 by 1024 pixels; PNG is asked for.
#[derive(Clone, Debug)]
pub struct PictureCall {
    pub prompt: String,
    pub references: References,
    pub deadline: Instant,
    /// What may be paid for it, US dollars: a further provider is asked only where this reaches for it.
    pub left_usd: f64,
    /// Another provider is asked if this one fails: an outage is not waited for.
    pub has_stand_in: bool,
    /// Of the requests that it takes.
    pub sent: CallCount,
    /// Where it is shown while it is drawn, by models that do.
    pub previews: Previews,
    /// Where orders for it are remembered, by providers that take orders.
    pub orders: OpenOrders,
}

/// Text to be read aloud.
#[derive(Clone, Debug)]
pub struct SpeechCall {
    /// [`SpeechFacts::model`], the same for all parts of one narration.
    pub model: String,
    pub voice_id: String,
    /// At most [`SpeechFacts::characters_max`] characters.
    pub text: String,
    /// What is read before it and after it, by other calls: the voice carries on where the model can.
    pub previous_text: Option<String>,
    pub next_text: Option<String>,
    pub deadline: Instant,
}

/// What, besides voice and text, decides how a recording sounds, and what one call takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SpeechFacts {
    pub model: String,
    /// As the provider names it.
    pub format: &'static str,
    /// Characters (Unicode scalar values) of one call at most.
    pub characters_max: usize,
    /// The model's times run away from its sound: they may end after it although nothing is missing.
    pub times_drift: bool,
}

/// Speech with the time of every character, seconds from its beginning.
#[derive(Clone, Debug, Default)]
pub struct Speech {
    /// MP3.
    pub audio: Bytes,
    /// `None` when the provider sent no alignment: there is audio without highlighting then.
    pub alignment: Option<Alignment>,
}

/// Three arrays of equal length, one entry per character as the provider counts.
#[derive(Clone, Debug, Default, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Alignment {
    pub characters: Vec<String>,
    pub character_start_times_seconds: Vec<f64>,
    pub character_end_times_seconds: Vec<f64>,
}

#[async_trait::async_trait]
pub trait TextModel: Send + Sync {
    /// Asks the models of a role in their order until one delivers; what failed in passing is repeated, and an answer that was
    /// cut short is asked for once more with more room. It fits the schema as far as the provider keeps its word.
    ///
    /// Every answer that is billed is added to `usage` as soon as it came, whether or not it can be used.
    async fn ask(
        &self,
        call: &TextCall,
        usage: &mut Vec<CallUsage>,
    ) -> Result<Value, ProviderError>;

    /// The same, and `hears` is told the words of the answer while they come: all so far, whenever there are more.
    ///
    /// An answer of which something was heard is not asked for again here, and no other model is: whoever heard it knows
    /// what to ask for then. So all that is heard in one call is of one answer.
    async fn ask_aloud(
        &self,
        call: &TextCall,
        hears: &mut Hears<'_>,
        usage: &mut Vec<CallUsage>,
    ) -> Result<Value, ProviderError> {
        // A model that does not stream is heard when it is done.
        let answer = self.ask(call, usage).await?;
        hears(&answer.to_string());
        Ok(answer)
    }
}

/// Is told the words of an answer as far as they came.
pub type Hears<'a> = dyn FnMut(&str) + Send + 'a;

#[async_trait::async_trait]
pub trait PictureModel: Send + Sync {
    /// Draws once, with the first model of the chain that delivers; `usage` as for a text.
    async fn draw(
        &self,
        call: &PictureCall,
        usage: &mut Vec<CallUsage>,
    ) -> Result<PictureBytes, ProviderError>;
}

#[async_trait::async_trait]
pub trait SpeechModel: Send + Sync {
    /// Of the model to read with: the first that was not given up of late. A narration whose model [`SpeechModel::speak`] gave
    /// up is begun anew with the next one, for it is to sound like one.
    fn facts(&self) -> SpeechFacts;

    /// The provider's id of the voice for a narration nobody chose one for. A voice that [`SpeechModel::speak`] was refused is
    /// not answered again for a while, so that asking anew gives the next one.
    async fn default_voice(&self, deadline: Instant) -> Result<String, ProviderError>;

    /// Reads a text aloud; `usage` as for a text.
    async fn speak(
        &self,
        call: &SpeechCall,
        usage: &mut Vec<CallUsage>,
    ) -> Result<Speech, ProviderError>;
}
