//! The marked points at which a process is killed: which request it stands at, and what its death may cost.

use crate::EVERYTHING;
use Moment::{After, Before};
use Wire::{
    AskForText, CompleteCover, CompleteNarration, DrawPicture, SaveOutline, SaveText, SaveTwoBeats,
    Speak, StartContent, StartNarration, StoreCover, StoreNarration,
};
use stack::breakpoints::{Moment, Seen, Server};
use uuid::Uuid;

/// A request of the content agent, for one story.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wire {
    StartContent,
    AskForText,
    /// `save_manuscript`, of the outline alone.
    SaveOutline,
    /// The same, of half the beats.
    SaveTwoBeats,
    SaveText,
    /// The first picture, which is the cover.
    DrawPicture,
    StoreCover,
    CompleteCover,
    /// `start_assets` for the narration of a finished story that is made again.
    StartNarration,
    Speak,
    StoreNarration,
    CompleteNarration,
}

/// One marked point.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Point {
    pub(crate) name: &'static str,
    pub(crate) wire: Wire,
    pub(crate) moment: Moment,
    /// Paid calls that may be repeated: those in flight, paid and not stored yet.
    pub(crate) may_cost: u64,
    /// Whether it is reached while a finished story gets another text, with everything that is made from it.
    pub(crate) is_of_new_text: bool,
}

const fn point(name: &'static str, wire: Wire, moment: Moment, may_cost: u64) -> Point {
    Point {
        name,
        wire,
        moment,
        may_cost,
        is_of_new_text: false,
    }
}

impl Point {
    /// The asset being made.
    pub(crate) const fn asset(&self) -> &'static str {
        match self.wire {
            StartContent | AskForText | SaveOutline | SaveTwoBeats | SaveText => "content",
            DrawPicture | StoreCover | CompleteCover => "cover",
            StartNarration | Speak | StoreNarration | CompleteNarration => "audio",
        }
    }

    /// The asset whose job must start again: what follows, once the one being made is settled.
    pub(crate) const fn restarts(&self) -> &'static str {
        match (self.wire, self.moment) {
            (SaveText, After) => "cover",
            (CompleteCover, After) => "scene_1",
            _ => self.asset(),
        }
    }

    /// Whether it is reached by making the narration of a finished story again.
    pub(crate) fn again(&self) -> bool {
        self.wire == StartNarration
    }

    /// The same moment while a finished story gets another text; none where no text is made.
    pub(crate) fn of_new_text(self) -> Option<Self> {
        (!self.again()).then_some(Self {
            is_of_new_text: true,
            ..self
        })
    }

    /// The version of the text that is being made, or made from.
    pub(crate) fn text_version(&self) -> i32 {
        1 + i32::from(self.is_of_new_text)
    }

    /// What has to be over before the kill, so that nothing else of the story is in flight in the same process.
    pub(crate) fn beside(&self) -> &'static [&'static str] {
        match self.asset() {
            "cover" => &["audio", "activities"],
            "audio" if !self.again() => &EVERYTHING,
            _ => &[],
        }
    }

    /// The request at which the story is held until nothing else of it is in flight: the provider call that comes first.
    pub(crate) const fn gate(&self) -> Option<Wire> {
        match self.wire {
            StartContent | StartNarration => None,
            AskForText | SaveOutline | SaveTwoBeats | SaveText => Some(AskForText),
            DrawPicture | StoreCover | CompleteCover => Some(DrawPicture),
            Speak | StoreNarration | CompleteNarration => Some(Speak),
        }
    }

    /// Whether the point is the very request at which the story is held anyway.
    pub(crate) fn is_its_gate(&self) -> bool {
        self.gate() == Some(self.wire) && self.moment == Moment::Before
    }

    /// The same asset at another request.
    pub(crate) fn on(&self, wire: Wire) -> Self {
        Self { wire, ..*self }
    }

    /// Whether the process that dies here, or the worker for it, has a lease.
    pub(crate) fn holds_a_lease(&self) -> bool {
        // A new text is claimed, and handed over with its lease.
        self.is_of_new_text || (self.wire, self.moment) != (StartContent, Before)
    }

    pub(crate) const fn asks_a_provider(&self) -> bool {
        matches!(self.wire, AskForText | DrawPicture | Speak)
    }

    /// Whether a request is the one this point is about.
    pub(crate) fn is_at(&self, seen: &Seen<'_>, story: Uuid, job: Uuid, hero: &str) -> bool {
        let of_story = || seen.mentions(&story.to_string());
        let of_job = || seen.mentions(&job.to_string());
        let stores = |kind: &str| {
            seen.server == Server::Files
                && seen.method == "PUT"
                && seen.path.contains(&format!("{story}/{}-v", self.asset()))
                && seen.path.contains(kind)
        };
        let asks = |server: Server| seen.server == server && seen.mentions(hero);
        match self.wire {
            StartContent => seen.calls("start_content") && of_story(),
            StartNarration => seen.calls("start_assets") && of_job(),
            SaveOutline => seen.calls("save_manuscript") && of_job(),
            SaveTwoBeats => seen.calls("save_manuscript") && of_job() && beats(seen.body) >= 2,
            SaveText => seen.calls("save_story_content") && of_job(),
            CompleteCover | CompleteNarration => seen.calls("complete_job") && of_job(),
            // The first thing that is asked about a new story.
            AskForText => asks(Server::OpenAi),
            DrawPicture => asks(Server::OpenAi) && seen.path.contains("/images/"),
            Speak => asks(Server::ElevenLabs) && seen.path.contains("/text-to-speech/"),
            StoreCover => stores(".png"),
            StoreNarration => stores(".mp3"),
        }
    }
}

/// Beats of a text that is being saved.
fn beats(body: &[u8]) -> usize {
    let asked: serde_json::Value = serde_json::from_slice(body).unwrap_or_default();
    let beats = asked["p_manuscript"]["beats"].as_array();
    beats.map_or(0, Vec::len)
}

/// Calls of the cover and the voice that are in flight while the text is written: palette and look, and two beats.
const BESIDE_TEXT: u64 = 4;

/// Two beats are read at once: the other one may be in flight too.
const BESIDE_BEAT: u64 = 1;

/// The points inside the content agent, in the order of a story's life.
pub(crate) const POINTS: [Point; 22] = [
    point("before start_content", StartContent, Before, 0),
    point("after start_content", StartContent, After, 0),
    point("text: request not yet taken", AskForText, Before, 0),
    point("text: paid, reply unheard", AskForText, After, 1),
    point("outline: saved, unheard", SaveOutline, After, 0),
    point("half the beats: saved", SaveTwoBeats, After, BESIDE_TEXT),
    point("outline: before it is saved", SaveOutline, Before, 1),
    point("text: before it is saved", SaveText, Before, BESIDE_TEXT),
    point("text: saved, answer unheard", SaveText, After, BESIDE_TEXT),
    point("cover: request not yet taken", DrawPicture, Before, 0),
    point("cover: paid, reply unheard", DrawPicture, After, 1),
    point("cover: before S3 has it", StoreCover, Before, 1),
    point("cover: S3 has it, unheard", StoreCover, After, 0),
    point("cover: before complete_job", CompleteCover, Before, 0),
    point("cover: completed, unheard", CompleteCover, After, 0),
    point("voice: request not yet taken", Speak, Before, BESIDE_BEAT),
    point("voice: paid, reply unheard", Speak, After, 1 + BESIDE_BEAT),
    point(
        "voice: before S3 has it",
        StoreNarration,
        Before,
        1 + BESIDE_BEAT,
    ),
    point(
        "voice: S3 has it, unheard",
        StoreNarration,
        After,
        BESIDE_BEAT,
    ),
    point("voice: before complete_job", CompleteNarration, Before, 0),
    point("before start_assets", StartNarration, Before, 0),
    point("after start_assets", StartNarration, After, 0),
];
