//! Friendship: two who are different, a misunderstanding, a bridge between them.

use super::teller::{Arc, BeatPlan};

pub(super) const ARC: Arc = Arc {
    words: &[
        "friendship",
        "friends",
        "family",
        "social",
        "emotional",
        "school",
        "feelings",
        "birthday",
        "holiday",
        "slice",
    ],
    titles: &[
        "{hero} and the Bridge of Bells",
        "{hero} Makes Room for Two",
        "A Seat Beside {hero}",
    ],
    wishes: &[
        "find somebody to fly a kite with",
        "build the tallest kite in the village",
    ],
    beats: [
        BeatPlan {
            heading: &["The Empty Seat", "A Kite for Two"],
            slots: &[
                &[
                    "On the sunny side of the village lived {a_hero} called {hero}, who had a kite with two strings.",
                    "In a village full of gardens lived {a_hero} called {hero}, the proud owner of a kite with two strings.",
                ],
                &["{look}"],
                &[
                    "~A kite with two strings needs two pairs of hands, and that was exactly the problem.",
                ],
                &[
                    "?fear:You see, {hero} worried about {fear}, and worrying takes up a lot of room.",
                    "?wish:Every day {hero} hoped to {wish}, and every day the second string hung loose.",
                ],
                &[
                    "Then, on Tuesday, somebody new came up the lane, pulling a cart full of little silver bells.",
                    "Then one day a cart came jingling up the lane, and behind it walked somebody new.",
                ],
                &[
                    "@friend|I'm {friend} the {friend_kind}|, said the newcomer, |and I collect sounds.",
                ],
                &["@hero|I'm {hero}|, said {hero}, |and I collect wind."],
                &["~They looked at each other, and it was hard to say who started smiling first."],
            ],
            scene: "{hero} stands in a sunny flower garden in a village with a colorful kite, shyly waving at {friend} the {friend_kind}, who pulls a cart of silver bells",
        },
        BeatPlan {
            heading: &["Kites and Bells", "The Best Idea in the Village"],
            slots: &[
                &[
                    "By Thursday the two of them had an idea so big that it hardly fit through the gate.",
                    "It took them two days and eleven cookies to come up with the best idea in the village.",
                ],
                &["@hero|What if the kite could sing?| asked {hero}."],
                &[
                    "~So they tied bells along its tail, and they snipped and knotted and painted until supper time.",
                    "They tied a bell to every ribbon, and there were more ribbons than anyone could count.",
                ],
                &["{trait}"],
                &["{deed}"],
                &[
                    "But {friend} liked loud bells, and {hero} liked quiet ones, and neither of them said so.",
                ],
                &[
                    "When the kite went up, it clanged and tangled, and down it came into the duck pond with a splash.",
                    "Up went the kite with a clang and a jangle, then it spun around twice and dropped into the tallest tree.",
                ],
                &[
                    "@friend|That was your knot|, said {friend}, and it came out much sharper than it was meant.",
                ],
            ],
            scene: "{hero} runs across a windy green meadow flying a bright kite with bells on its tail, {friend} the {friend_kind} holding the second string; clouds and flowers",
        },
        BeatPlan {
            heading: &["A Very Quiet Afternoon", "The Bridge in the Rain"],
            slots: &[
                &[
                    "After that it rained, and {hero} sat on one side of the little bridge while {friend} sat on the other.",
                    "Gray clouds rolled in, and the lane had never been so quiet.",
                ],
                &[
                    "~A day without jingling felt like soup without a spoon.",
                    "Even the puddles looked lonely, each of them holding its own small piece of sky.",
                ],
                &[
                    "?fear:All at once {hero} understood that losing a friend was far worse than {fear}.",
                    "?wish:{hero} tried to be cross, but being cross is tiring when you would rather be laughing.",
                ],
                &[
                    "@hero|I was sad when the kite fell, and I should have told you how I like the bells|, said {hero} at last.",
                ],
                &["@friend|And I should have asked|, said {friend}."],
                &[
                    "~They met in the middle of the bridge, where there was exactly enough room for two.",
                ],
                &["@friend|My grandmother has a saying|, added {friend}, |and it goes like this."],
                &["@friend|{wisdom}|, said {friend}, sounding very wise indeed."],
            ],
            scene: "{hero} meets {friend} the {friend_kind} in the middle of a small wooden bridge over a stream in the rain, one umbrella for both; puddles reflect the sky",
        },
        BeatPlan {
            heading: &["The Kite That Sang", "Room for Two"],
            slots: &[
                &[
                    "In the morning the sky was scrubbed clean, and the two friends fetched the kite and started over.",
                    "The next day smelled of wet grass and new beginnings.",
                ],
                &[
                    "~They hung one loud bell at the top and a row of quiet ones below, like a mother hen with chicks.",
                ],
                &["@hero|Ready on your string?| called {hero}."],
                &["@friend|Ready on mine|, cried {friend}."],
                &[
                    "Up it climbed, past the roof and past the steeple, and the wind played it like a music box.",
                    "Up it went, higher than the swallows, and a tune came down that nobody had ever heard before.",
                ],
                &["~Doors opened all along the lane, and the whole village came out to listen."],
                &[
                    "?fear:As for {fear}, {hero} noticed that it is much lighter when two are carrying it.",
                    "?wish:It was everything {hero} had hoped for, and it was louder too.",
                ],
                &["{change}"],
                &["And whenever the wind is just right, you can hear that kite singing still."],
            ],
            scene: "{hero} and {friend} the {friend_kind} fly a singing kite with silver bells high above the village at golden sunset, cheering on a grassy hill",
        },
    ],
};
