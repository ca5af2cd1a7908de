//! Settings of the stand-ins: how long an answer takes, what goes wrong and how often, and the
//! shared handle through which a test changes both while the stand-ins run.

use std::collections::VecDeque;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use crate::storyteller::speech::Narration;
use parking_lot::{Mutex, MutexGuard};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::calls::{CallKind, CallLog, CallRecord};
use crate::faults::{FaultProfile, Outcome, Scripted};
use crate::limiter::{CallLimit, LimitRefusal, Limiter};
use crate::render_cache::{self, RenderCache};
use crate::setting::{self, ConfigError};

/// How long an answer of each kind takes from the request's arrival, computing included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct LatencyProfile {
    /// Milliseconds for the writing of a story's text; a streamed one is spread evenly over it.
    pub story: u64,
    /// Milliseconds for every other chat completion.
    pub text: u64,
    /// Milliseconds for image generations and edits.
    pub image: u64,
    /// Milliseconds for a whole narration read aloud, of which a call takes its share by characters.
    pub speech: u64,
    /// Milliseconds for moderations.
    pub moderation: u64,
}

/// Ten minutes: the read timeout of the official OpenAI client; nothing waits longer.
const LATENCY_MS_MAX: u64 = 600_000;

/// Characters of a whole narration: what the storyteller's stories have in the middle.
const NARRATION_CHARS: usize = 2_400;

impl Default for LatencyProfile {
    fn default() -> Self {
        LatencyProfile {
            story: 300,
            text: 300,
            image: 500,
            speech: 400,
            moderation: 30,
        }
    }
}

impl LatencyProfile {
    /// Every answer leaves as soon as it is made: for tests.
    pub fn none() -> Self {
        LatencyProfile {
            story: 0,
            text: 0,
            image: 0,
            speech: 0,
            moderation: 0,
        }
    }

    /// Of a call with this schema, if it has one, and so many characters to read aloud.
    pub(crate) fn of(&self, kind: CallKind, schema: Option<&str>, characters: usize) -> Duration {
        Duration::from_millis(match kind {
            CallKind::Text if schema == Some("story") => self.story,
            CallKind::Text => self.text,
            CallKind::Image => self.image,
            CallKind::Speech => {
                self.speech * characters.min(NARRATION_CHARS) as u64 / NARRATION_CHARS as u64
            }
            CallKind::Moderation => self.moderation,
            CallKind::Mail | CallKind::Product | CallKind::Other => 0,
        })
    }
}

impl FromStr for LatencyProfile {
    type Err = ConfigError;

    /// Reads `story=4500,text=800,image=1200,speech=800`; kinds left out keep their default, but a story takes as long as
    /// any text unless it is named.
    fn from_str(value: &str) -> Result<Self, ConfigError> {
        let mut profile = LatencyProfile::default();
        let mut story = None;
        let place = |name: &str, milliseconds| {
            *match name {
                "story" => story.insert(milliseconds),
                "text" => &mut profile.text,
                "image" => &mut profile.image,
                "speech" => &mut profile.speech,
                "moderation" => &mut profile.moderation,
                _ => return None,
            } = milliseconds;
            Some(milliseconds <= LATENCY_MS_MAX)
        };
        let kinds = "the kind must be one of story, text, image, speech, moderation";
        let numbers = "the value must be whole milliseconds from 0 to 600000";
        setting::read(value, place, kinds, numbers)?;
        profile.story = story.unwrap_or(profile.text);
        Ok(profile)
    }
}

/// Whether pictures and speech are made for their own request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PictureReuse {
    /// Every picture is drawn and every sentence spoken for its own request.
    #[default]
    Never,
    /// Pictures of the same scene number and size and a looped hum are handed out again: for
    /// load tests, where a hundred stories must not measure this machine's drawing speed.
    PerScene,
}

/// What a test changes while the stand-ins run.
#[derive(Debug, Default)]
pub(crate) struct Settings {
    pub(crate) latency: LatencyProfile,
    pub(crate) faults: FaultProfile,
    pub(crate) picture_reuse: PictureReuse,
    pub(crate) scripted: VecDeque<Scripted>,
    pub(crate) withdrawn_voices: Vec<String>,
    pub(crate) spoken_characters_max: Option<usize>,
}

/// What all handles on the same stand-ins share.
#[derive(Debug)]
pub(crate) struct Shared {
    settings: Mutex<Settings>,
    pub(crate) calls: CallLog,
    pub(crate) limiter: Limiter,
    pub(crate) pictures: RenderCache<Vec<u8>>,
    pub(crate) narrations: RenderCache<Narration>,
}

/// A handle on running stand-ins. Clones share one state, so a test that keeps a clone can change
/// latency and faults, script outcomes and read the calls while the routers serve.
#[derive(Debug, Clone)]
pub struct StandInConfig {
    pub(crate) shared: Arc<Shared>,
}

impl Default for StandInConfig {
    fn default() -> Self {
        StandInConfig::new(LatencyProfile::default(), FaultProfile::default())
    }
}

impl StandInConfig {
    /// Settings for one stand-in, or for both when one clone goes to each router.
    pub fn new(latency: LatencyProfile, faults: FaultProfile) -> Self {
        let settings = Settings {
            latency,
            faults,
            ..Settings::default()
        };
        let permits = render_cache::permits();
        StandInConfig {
            shared: Arc::new(Shared {
                settings: Mutex::new(settings),
                calls: CallLog::default(),
                limiter: Limiter::default(),
                pictures: RenderCache::new(Arc::clone(&permits)),
                narrations: RenderCache::new(permits),
            }),
        }
    }

    /// Settings from the values of `STANDIN_LATENCY_MS` and `STANDIN_FAULTS`, unset as `None`.
    ///
    /// # Errors
    /// One sentence naming the part that could not be read.
    pub fn from_variables(
        latency: Option<&str>,
        faults: Option<&str>,
    ) -> Result<Self, ConfigError> {
        Ok(StandInConfig::new(
            latency.unwrap_or_default().parse()?,
            faults.unwrap_or_default().parse()?,
        ))
    }

    pub(crate) fn settings(&self) -> MutexGuard<'_, Settings> {
        self.shared.settings.lock()
    }

    /// Changes how long answers take, from the next call on.
    pub fn set_latency(&self, latency: LatencyProfile) {
        self.settings().latency = latency;
    }

    /// Changes what goes wrong, from the next call on.
    pub fn set_faults(&self, faults: FaultProfile) {
        self.settings().faults = faults;
    }

    /// Changes whether pictures and speech are handed out again, from the next call on.
    pub fn set_picture_reuse(&self, picture_reuse: PictureReuse) {
        self.settings().picture_reuse = picture_reuse;
    }

    /// Takes a voice from the account: it is listed no more, and unknown to who asks for it.
    pub fn withdraw_voice(&self, id: &str) {
        self.settings().withdrawn_voices.push(id.to_owned());
    }

    /// Has every speech model take no more characters than that in one call, as accounts without a plan are held.
    pub fn set_spoken_characters_max(&self, characters: usize) {
        self.settings().spoken_characters_max = Some(characters);
    }

    /// Appends outcomes for coming calls; each is used by the first calls that match it.
    pub fn script(&self, outcomes: impl IntoIterator<Item = Scripted>) {
        let outcomes = outcomes.into_iter().filter(|scripted| scripted.times > 0);
        self.settings().scripted.extend(outcomes);
    }

    /// Forgets scripted outcomes that no call has used yet.
    pub fn clear_script(&self) {
        self.settings().scripted.clear();
    }

    /// The settings as `GET /_local/config` shows them; of the script, what no call has used yet.
    pub(crate) fn shown(&self) -> Value {
        let settings = self.settings();
        json!({
            "latency": settings.latency, "faults": settings.faults,
            "picture_reuse": settings.picture_reuse, "next": settings.scripted,
        })
    }

    /// The outcome scripted for a call, and the words it is answered with, if they are scripted too.
    pub(crate) fn take_scripted(
        &self,
        kind: CallKind,
        body: &[u8],
    ) -> Option<(Outcome, Option<String>)> {
        let mut settings = self.settings();
        let mut all = settings.scripted.iter();
        let position = all.position(|scripted| scripted.matches(kind, body))?;
        let scripted = &mut settings.scripted[position];
        scripted.times -= 1;
        let taken = (scripted.outcome, scripted.content.clone());
        if scripted.times == 0 {
            settings.scripted.remove(position);
        }
        Some(taken)
    }

    /// Limits the calls of a kind, from the next call on; `None` lifts the limit.
    pub fn set_limit(&self, kind: CallKind, limit: Option<CallLimit>) {
        self.shared.limiter.set(kind, limit);
    }

    /// Every call that a limit refused, oldest first.
    pub fn limit_refusals(&self) -> Vec<LimitRefusal> {
        self.shared.limiter.refusals()
    }

    /// Every call since the start or the last clearing, oldest first.
    pub fn calls(&self) -> Vec<CallRecord> {
        self.shared.calls.list()
    }

    /// Forgets finished calls; calls in flight stay listed.
    pub fn clear_calls(&self) {
        self.shared.calls.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_latency_profile_keeps_defaults_for_kinds_left_out() {
        let profile: LatencyProfile = "text=800, image=1200".parse().unwrap();
        assert_eq!(
            (profile.text, profile.image, profile.speech),
            (800, 1200, 400)
        );
        assert_eq!(profile.story, 800, "a story is a text");
        let profile: LatencyProfile = "story=4500,text=200".parse().unwrap();
        assert_eq!((profile.story, profile.text), (4500, 200));
    }

    #[test]
    fn a_recording_takes_its_share_of_a_whole_narration() {
        let profile: LatencyProfile = "speech=2400".parse().unwrap();
        let of = |characters| profile.of(CallKind::Speech, None, characters).as_millis();
        assert_eq!([of(600), of(2_400), of(9_000)], [600, 2_400, 2_400]);
    }

    #[test]
    fn a_setting_that_cannot_be_read_is_named_in_one_sentence() {
        let message = "text=soon"
            .parse::<LatencyProfile>()
            .unwrap_err()
            .to_string();
        assert!(
            message.contains("`text=soon`") && message.contains("milliseconds"),
            "{message}"
        );
        let message = "film=3".parse::<LatencyProfile>().unwrap_err().to_string();
        assert!(
            message.contains("`film=3`") && message.contains("speech"),
            "{message}"
        );
        let message = "text".parse::<LatencyProfile>().unwrap_err().to_string();
        assert!(message.contains("name=number"), "{message}");
    }

    #[test]
    fn clones_of_the_handle_share_one_state() {
        let config = StandInConfig::default();
        config.clone().set_latency(LatencyProfile::none());
        assert_eq!(config.settings().latency, LatencyProfile::none());
    }
}
