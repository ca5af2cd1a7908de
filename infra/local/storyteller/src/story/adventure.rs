//! Adventure: a map, a hard place in the middle, a treasure that is not gold.

use super::teller::{Arc, BeatPlan};

pub(super) const ARC: Arc = Arc {
    words: &[
        "adventure",
        "quest",
        "fantasy",
        "journey",
        "space",
        "nature",
        "educational",
        "exploration",
        "hero",
        "science",
    ],
    titles: &[
        "{hero} and the Singing Star",
        "{hero} and the Map of Maybe",
        "{hero}'s Long Way to the Star",
    ],
    wishes: &[
        "see what was on the far side of the hills",
        "find the place where the rivers begin",
    ],
    beats: [
        BeatPlan {
            heading: &["A Map with One Star", "The Paper Bird"],
            slots: &[
                &[
                    "In a valley where the rivers told jokes to the stones, there lived {a_hero} called {hero}.",
                    "Past the last house and over the first hill, there lived {a_hero} called {hero}.",
                ],
                &["{look}"],
                &[
                    "?fear:{hero} loved almost everything in the world, but {fear} made that brave little heart go pitter-pat.",
                    "?wish:More than anything, {hero} wanted to {wish}.",
                ],
                &[
                    "One morning a paper bird fluttered down and landed right on {hero}'s nose.",
                    "One windy morning a folded letter tumbled out of the sky and landed at {hero}'s feet.",
                ],
                &[
                    "Inside was a map, and on the map somebody had drawn a single golden star.",
                    "It unfolded into a map with one golden star and a note that said: please come quickly.",
                ],
                &[
                    "@hero|I think this star is waiting for somebody|, whispered {hero}.",
                    "@hero|Somebody drew this for us|, breathed {hero}.",
                ],
                &[
                    "@friend|Then somebody had better bring snacks|, said {friend} the {friend_kind}, who always thought ahead.",
                ],
                &["So they packed a blanket, three plums and a great deal of hope, and set off."],
            ],
            scene: "{hero} unfolds an old map on a green hill at sunrise, eyes wide with wonder, while {friend} the {friend_kind} peeks over; a valley and a river behind them",
        },
        BeatPlan {
            heading: &["Into the Whispering Wood", "Where the Path Grew Thin"],
            slots: &[
                &[
                    "The path wriggled through tall grass and into the Whispering Wood, where the trees grew close together.",
                    "By noon the path had grown as thin as a ribbon, and it led straight into the Whispering Wood.",
                ],
                &[
                    "~Leaves rustled secrets overhead, and small round lights winked between the roots.",
                    "Green light dripped through the branches, and mushrooms stood about like tiny umbrellas.",
                ],
                &["{trait}"],
                &["{deed}"],
                &["Then they came to a river with no bridge, only a row of slippery stones."],
                &["@friend|I can't see the other side|, said {friend} in a very small voice."],
                &[
                    "@hero|Then we will find it one stone at a time|, said {hero}, reaching out to help.",
                    "@hero|Hold on to me, and we will count the stones together|, said {hero}.",
                ],
                &[
                    "~One stone, two stones, seven stones, and with a splash and a giggle they were across.",
                    "They counted each stone out loud, and on the ninth they tumbled laughing into the soft moss.",
                ],
            ],
            scene: "{hero} crosses a sparkling river on stepping stones in a deep green forest, arms held out for balance, helping {friend} the {friend_kind}; mushrooms and glowing lights",
        },
        BeatPlan {
            heading: &["The Cave Below the Hill", "The Darkest Part of the Map"],
            slots: &[
                &[
                    "The golden star on the map lay inside the hill, and the only way in was a cave.",
                    "At the end of the path the hill opened its mouth, and that mouth was a deep blue cave.",
                ],
                &[
                    "?fear:It was the very thing {hero} had hoped never to meet, for here {fear} seemed to be everywhere.",
                    "?wish:It was quiet in there, and so dim that {hero} could hardly see one step ahead.",
                ],
                &[
                    "@hero|What if I can't do it?| asked {hero}.",
                    "@hero|I want to turn around|, said {hero}, and that was the honest truth.",
                ],
                &["@friend|{wisdom}|, said {friend}."],
                &[
                    "~{hero} thought about that for as long as it takes to breathe in and out three times.",
                ],
                &["Then {hero} began to hum, very softly, and the cave hummed back."],
                &[
                    "With every note a crystal woke up in the wall, blue and rose and gold, until the dark was full of lights.",
                    "One by one the crystals answered, and their light ran along the walls like spilled paint.",
                ],
                &[
                    "There, in the middle of it all, sat a little fallen star, no bigger than an apple.",
                ],
            ],
            scene: "{hero} stands in a cave at night among glowing crystals in blue, rose and gold, holding up a small lantern towards a tiny fallen star; {friend} the {friend_kind} close by",
        },
        BeatPlan {
            heading: &["The Way Back Up", "A Star Goes Home"],
            slots: &[
                &[
                    "@hero|Are you the one who sent the map?| asked {hero}, and the star blinked twice for yes.",
                ],
                &[
                    "~It had slipped from the sky while dancing, and it was much too shy to call for help.",
                    "It had fallen during a game of chase and had been waiting, ever so patiently, for a friend.",
                ],
                &[
                    "{hero} carried it gently to the top of the hill, where the evening was turning violet.",
                    "Together they climbed out of the hill, up and up, until the whole sky lay open above them.",
                ],
                &[
                    "@friend|Ready? One, two, three|, counted {friend}, and they let the little star go.",
                ],
                &[
                    "~Up it sailed, singing as it went, and every other star sang the last line with it.",
                ],
                &[
                    "?fear:{hero} looked around and noticed something wonderful: {fear} did not seem so big any more.",
                    "?wish:{hero} had gone out to {wish}, and had come back with something even better.",
                ],
                &["{change}"],
                &[
                    "And if you look out of your window tonight, you may see one star wink, twice, for yes.",
                    "That night {hero} slept soundly, with a paper bird on the windowsill and starlight on both cheeks.",
                ],
            ],
            scene: "{hero} stands on a hilltop under a violet evening sky full of stars, arms raised, letting a little glowing star fly home; {friend} the {friend_kind} cheers",
        },
    ],
};
