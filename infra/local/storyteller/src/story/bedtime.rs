//! Bedtime: the day grows quiet, something cannot sleep, and at the end everything does.

use super::teller::{Arc, BeatPlan};

pub(super) const ARC: Arc = Arc {
    words: &[
        "bedtime",
        "sleep",
        "lullaby",
        "calm",
        "night",
        "soothing",
        "dream",
        "goodnight",
    ],
    titles: &[
        "{hero} and the Sleepy Moon",
        "Goodnight, {hero}",
        "The Night {hero} Tucked In the Moon",
    ],
    wishes: &[
        "stay awake long enough to hear the moon yawn",
        "know where the night goes in the morning",
    ],
    beats: [
        BeatPlan {
            heading: &["The Last Light of the Day", "Almost Bedtime"],
            slots: &[
                &[
                    "When the sun had brushed its teeth and gone behind the hill, {a_hero} called {hero} was not sleepy at all.",
                    "The day was nearly over, and in a small warm room {a_hero} called {hero} lay wide awake.",
                ],
                &["{look}"],
                &[
                    "?fear:The trouble was {fear}, for it always seemed largest just at bedtime.",
                    "?wish:{hero} had decided to {wish}, and that is a hard thing to do with heavy eyelids.",
                ],
                &[
                    "~Outside, the wind was telling the trees a long soft story.",
                    "Somewhere far off, a train was humming its good-night song.",
                ],
                &["Then came a sound at the window: tap, tap, tap."],
                &["@friend|Are you awake in there?| whispered {friend} the {friend_kind}. "],
                &["@hero|I have never been more awake in my life|, answered {hero}."],
                &[
                    "@friend|Good|, said {friend}, |because the moon can't sleep either, and she has asked for you.",
                    "@friend|Then come with me|, said {friend}, |for the moon can't sleep, and she has asked for you.",
                ],
            ],
            scene: "{hero} sits up in a cozy bed in a warm bedroom at dusk, looking at the window where {friend} the {friend_kind} taps at the glass; a soft lamp glows",
        },
        BeatPlan {
            heading: &["Up the Silver Stairs", "Over the Quiet Roofs"],
            slots: &[
                &[
                    "A path of moonlight reached from the windowsill up into the sky, soft as a ribbon and just wide enough for two.",
                    "Moonbeams had folded themselves into a path that led from the window right up over the roofs.",
                ],
                &["{trait}"],
                &[
                    "~Below them the town was folding itself up for the night, one window at a time.",
                    "Chimneys slept, gardens slept, and even the clock on the tower was ticking in a whisper.",
                ],
                &["{deed}"],
                &["@hero|What keeps the moon awake?| asked {hero}."],
                &[
                    "@friend|She worries that nobody looks at her once their eyes are closed|, said {friend}.",
                ],
                &[
                    "~{hero} knew that feeling well, and went a little faster, past a sleeping cloud and two drowsy stars.",
                    "{hero} nodded, for that was a worry anyone could understand, and on they went past a snoozing cloud.",
                ],
            ],
            scene: "{hero} climbs a silver path of moonlight above the sleeping roofs of a little town at night, {friend} the {friend_kind} leading the way; stars and soft clouds",
        },
        BeatPlan {
            heading: &["The Moon Who Could Not Sleep", "A Lullaby for the Moon"],
            slots: &[
                &[
                    "The moon sat on her cloud with her blanket all in a twist, as pale as milk and twice as sad.",
                    "There sat the moon, large and round and very much awake, with a crumpled blanket about her shoulders.",
                ],
                &["@hero|I am here|, said {hero}, |and I can see you."],
                &[
                    "?fear:Being so near to {fear} made {hero} tremble, but somebody needed help, and that came first.",
                    "?wish:{hero} sat down close beside her, for some sorrows only need company.",
                ],
                &["@friend|{wisdom}|, murmured {friend}."],
                &[
                    "So {hero} thought of the softest song in the whole world, and began to sing it.",
                    "So {hero} smoothed the blanket and sang a song about warm bread, slow rivers and sheep made of fog.",
                ],
                &["With the first line the moon smiled, and with the second she yawned."],
                &[
                    "~Her light turned from white to honey, and it spilled gently over every roof and field.",
                    "Her glow grew golden and drowsy, and one by one the stars pulled up their covers.",
                ],
            ],
            scene: "{hero} sits on a cloud in the starry night sky beside a huge smiling moon and sings a lullaby; {friend} the {friend_kind} listens; golden light",
        },
        BeatPlan {
            heading: &["Good Night, Everyone", "Home Before Morning"],
            slots: &[
                &["@friend|You did it|, breathed {friend}, |she is asleep."],
                &[
                    "On tiptoe they went down the silver path, back over the roofs and in through the open window.",
                    "Slowly, slowly, the moonbeams carried them down again, as gently as a feather finds the floor.",
                ],
                &[
                    "?fear:The room looked just the same, and yet {fear} had become a quiet thing, with a golden moon in the middle of it.",
                    "?wish:The room looked just the same, only softer, as though someone had dusted it with sleep.",
                ],
                &["{change}"],
                &[
                    "~The pillow was cool, the blanket was warm, and {friend} curled up at the foot of the bed.",
                    "{hero} slid under the blanket, and {friend} made a nest in the folds of it.",
                ],
                &[
                    "@hero|Good night, moon|, mumbled {hero}, |I still see you, even with my eyes closed.",
                ],
                &[
                    "~Far above, the moon smiled in her dreams and turned her face to that one small window.",
                    "High over the roofs, the moon gave one last slow glow, like a heart that is perfectly at peace.",
                ],
                &[
                    "And then there was nothing left to do but breathe in, and breathe out, and sleep.",
                ],
            ],
            scene: "{hero} sleeps peacefully in bed in a moonlit bedroom, {friend} the {friend_kind} curled up on the blanket, the golden moon smiling through the window",
        },
    ],
};
