//! The marked points at which a process is killed: which request it stands at, and what its death may cost.

use Moment::{After, Before};
use stack::breakpoints::{Moment, Seen, Server};
use uuid::Uuid;

/// A request of the content agent, for one story.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wire {
    StartContent,
    StartAssets,
    AskForText,
    SaveOutline,
    SaveTwoBeats,
    SaveText,
    DrawPicture,
    StoreCover,
    Speak,
    StoreNarration,
    /// `complete_job` of the asset the point is about.
    Complete,
}

/// What has to be over before the kill, so that nothing else of the story is in flight in the same process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Quiet {
    /// Nothing else can be in flight.
    Already,
    /// Everything beside the cover: voice, activities, and the scenes looked at ahead.
    BesideCover,
    /// Everything beside the narration, up to the book.
    BesideNarration,
}

/// One marked point.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Point {
    pub(crate) name: &'static str,
    pub(crate) wire: Wire,
    pub(crate) moment: Moment,
    /// The asset being made.
    pub(crate) asset: &'static str,
    /// The asset whose job must start again: what follows, once the one being made is settled.
    pub(crate) restarts: &'static str,
    pub(crate) quiet: Quiet,
    /// Paid calls that may be repeated: those that were in flight, paid and not stored yet.
    pub(crate) may_cost: u64,
    /// Reached by making the narration of a finished story again.
    pub(crate) again: bool,
}

impl Point {
    const fn text(name: &'static str, wire: Wire, moment: Moment, may_cost: u64) -> Self {
        Self {
            name,
            wire,
            moment,
            asset: "content",
            restarts: "content",
            quiet: Quiet::Already,
            may_cost,
            again: false,
        }
    }

    const fn cover(name: &'static str, wire: Wire, moment: Moment, may_cost: u64) -> Self {
        Self {
            asset: "cover",
            restarts: "cover",
            quiet: Quiet::BesideCover,
            ..Self::text(name, wire, moment, may_cost)
        }
    }

    const fn voice(name: &'static str, wire: Wire, moment: Moment, may_cost: u64) -> Self {
        Self {
            asset: "audio",
            restarts: "audio",
            quiet: Quiet::BesideNarration,
            ..Self::text(name, wire, moment, may_cost)
        }
    }

    const fn then(self, restarts: &'static str) -> Self {
        Self { restarts, ..self }
    }

    const fn again(self) -> Self {
        Self {
            quiet: Quiet::Already,
            again: true,
            ..self
        }
    }

    /// The request at which the story is held until nothing else of it is in flight: the provider call that comes first.
    pub(crate) const fn gate(&self) -> Option<Wire> {
        match self.wire {
            Wire::StartContent | Wire::StartAssets => None,
            Wire::AskForText | Wire::SaveOutline | Wire::SaveTwoBeats | Wire::SaveText => {
                Some(Wire::AskForText)
            }
            Wire::DrawPicture | Wire::StoreCover => Some(Wire::DrawPicture),
            Wire::Speak | Wire::StoreNarration => Some(Wire::Speak),
            Wire::Complete => match self.quiet {
                Quiet::BesideCover => Some(Wire::DrawPicture),
                Quiet::Already | Quiet::BesideNarration => Some(Wire::Speak),
            },
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
        (self.wire, self.moment) != (Wire::StartContent, Before)
    }

    pub(crate) const fn asks_a_provider(&self) -> bool {
        matches!(
            self.wire,
            Wire::AskForText | Wire::DrawPicture | Wire::Speak
        )
    }

    /// Whether a request is the one this point is about.
    pub(crate) fn is_at(&self, seen: &Seen<'_>, story: Uuid, job: Uuid, hero: &str) -> bool {
        let of_story = || seen.mentions(&story.to_string());
        let of_job = || seen.mentions(&job.to_string());
        let stores = |kind: &str| {
            seen.server == Server::Files
                && seen.method == "PUT"
                && seen.path.contains(&format!("{story}/{}-v", self.asset))
                && seen.path.contains(kind)
        };
        let asks = |server: Server| seen.server == server && seen.mentions(hero);
        match self.wire {
            Wire::StartContent => seen.calls("start_content") && of_story(),
            Wire::StartAssets => seen.calls("start_assets") && of_job(),
            Wire::SaveOutline => seen.calls("save_manuscript") && of_job(),
            Wire::SaveTwoBeats => {
                seen.calls("save_manuscript") && of_job() && beats(seen.body) >= 2
            }
            Wire::SaveText => seen.calls("save_story_content") && of_job(),
            Wire::Complete => seen.calls("complete_job") && of_job(),
            // The first thing that is asked about a new story.
            Wire::AskForText => asks(Server::OpenAi),
            // The first picture is the cover.
            Wire::DrawPicture => asks(Server::OpenAi) && seen.path.contains("/images/"),
            Wire::Speak => asks(Server::ElevenLabs) && seen.path.contains("/text-to-speech/"),
            Wire::StoreCover => stores(".png"),
            Wire::StoreNarration => stores(".mp3"),
        }
    }
}

/// Beats of a text that is being saved.
fn beats(body: &[u8]) -> usize {
    let asked: serde_json::Value = serde_json::from_slice(body).unwrap_or_default();
    let beats = asked["p_manuscript"]["beats"].as_array();
    beats.map_or(0, Vec::len)
}

/// Calls of the cover and the voice that are in flight while the text is written: palette and look, and one beat.
const BESIDE_TEXT: u64 = 3;

/// The points inside the content agent, in the order of a story's life.
pub(crate) const POINTS: [Point; 22] = [
    Point::text("before start_content", Wire::StartContent, Before, 0),
    Point::text("after start_content", Wire::StartContent, After, 0),
    Point::text("text: request not yet taken", Wire::AskForText, Before, 0),
    Point::text("text: paid, reply unheard", Wire::AskForText, After, 1),
    Point::text("outline: saved, unheard", Wire::SaveOutline, After, 0),
    Point::text(
        "text: half the beats saved",
        Wire::SaveTwoBeats,
        After,
        BESIDE_TEXT,
    ),
    Point::text("outline: before it is saved", Wire::SaveOutline, Before, 1),
    Point::text(
        "text: before it is saved",
        Wire::SaveText,
        Before,
        BESIDE_TEXT,
    ),
    Point::text(
        "text: saved, answer unheard",
        Wire::SaveText,
        After,
        BESIDE_TEXT,
    )
    .then("cover"),
    Point::cover("cover: request not yet taken", Wire::DrawPicture, Before, 0),
    Point::cover("cover: paid, reply unheard", Wire::DrawPicture, After, 1),
    Point::cover("cover: before S3 has it", Wire::StoreCover, Before, 1),
    Point::cover("cover: S3 has it, unheard", Wire::StoreCover, After, 0),
    Point::cover("cover: before complete_job", Wire::Complete, Before, 0),
    Point::cover("cover: completed, unheard", Wire::Complete, After, 0).then("scene_1"),
    Point::voice("voice: request not yet taken", Wire::Speak, Before, 0),
    Point::voice("voice: paid, reply unheard", Wire::Speak, After, 1),
    Point::voice("voice: before S3 has it", Wire::StoreNarration, Before, 1),
    Point::voice("voice: S3 has it, unheard", Wire::StoreNarration, After, 0),
    Point::voice("voice: before complete_job", Wire::Complete, Before, 0),
    Point::voice("before start_assets", Wire::StartAssets, Before, 0).again(),
    Point::voice("after start_assets", Wire::StartAssets, After, 0).again(),
];
