//! Mystery: something is missing, clues are followed, and the culprit turns out to need a friend.

use super::teller::{Arc, BeatPlan};

pub(super) const ARC: Arc = Arc {
    words: &[
        "mystery",
        "detective",
        "puzzle",
        "secret",
        "humor",
        "funny",
        "silly",
        "comedy",
    ],
    titles: &[
        "{hero} and the Missing Colors",
        "The Case of the Borrowed Blue",
        "{hero} Follows the Footprints",
    ],
    wishes: &[
        "solve a real mystery before supper",
        "find out who borrows all the odd socks",
    ],
    beats: [
        BeatPlan {
            heading: &["Something Is Missing", "A Monday Without Blue"],
            slots: &[
                &[
                    "It was {hero} who noticed it first, for {hero} was {a_hero} who noticed things.",
                    "On Monday morning {hero}, {a_hero} with a good eye for details, looked out and frowned.",
                ],
                &["{look}"],
                &["Somebody had taken the color blue out of the garden."],
                &[
                    "~The forget-me-nots had gone gray, and the watering can looked as if it had seen a ghost.",
                    "The bluebells were pale, the paint pots were empty, and the jay had only black feathers left.",
                ],
                &[
                    "?fear:It was the sort of mystery that leads straight toward {fear}, and {hero} did not like that one bit.",
                    "?wish:{hero} had always hoped to {wish}, and here was the chance.",
                ],
                &["@hero|I think we have a case|, said {hero}."],
                &[
                    "@friend|Then I shall write everything down|, said {friend} the {friend_kind}, already sharpening a pencil.",
                ],
                &[
                    "Beside the fence they found the first clue: one tiny footprint, and it was bright, bright blue.",
                ],
            ],
            scene: "{hero} studies a tiny bright blue footprint with a magnifying glass in a flower garden in the morning, {friend} the {friend_kind} taking notes with a pencil",
        },
        BeatPlan {
            heading: &["Follow the Footprints", "Three Good Clues"],
            slots: &[
                &[
                    "The footprints skipped through the market, around the fountain and twice about the baker's cat.",
                    "One footprint led to another, through the town, over the square and under the clock.",
                ],
                &["{trait}"],
                &["@friend|Clue number two|, announced {friend}, |is a blue thumbprint on a bun."],
                &["{deed}"],
                &[
                    "~They asked the baker, and they asked the painter, and they asked the sleepy man who sells umbrellas.",
                ],
                &["@hero|Nobody saw anyone|, said {hero}, |but everybody heard a sniffle."],
                &[
                    "~A sniffle is an excellent clue, because people who sniffle are usually not wicked at all.",
                    "That was strange, for thieves hardly ever sniffle unless they have a cold or a sorrow.",
                ],
                &[
                    "Beyond the last house the footprints ran down the steps and stopped before a small round door.",
                ],
            ],
            scene: "{hero} follows a trail of bright blue footprints through a lively town market street, pointing ahead, with {friend} the {friend_kind} hurrying behind",
        },
        BeatPlan {
            heading: &["Behind the Round Door", "The Sniffle in the Dark"],
            slots: &[
                &[
                    "The door creaked open onto a winding stair, and a cold draft came up to meet them.",
                    "Behind the door it was dim and cool, and the steps wound down like the inside of a snail shell.",
                ],
                &[
                    "?fear:{hero} stopped, because of {fear}, and because stopping seemed like a very sensible idea.",
                    "?wish:{hero} stopped on the first step, for it is wise to listen before you look.",
                ],
                &["@friend|{wisdom}|, whispered {friend}."],
                &["~From below came the sniffle again, small and sad."],
                &[
                    "@hero|Hello|, called {hero}, |we are not cross, we only want to know if you are all right.",
                ],
                &[
                    "A lamp was lit, and there sat a little gray cloud, no larger than a cushion, holding a brush.",
                    "Somebody struck a light, and in it hung a baby cloud with a paintbrush and a very blue chin.",
                ],
                &[
                    "Every wall was painted with the sky: blue, blue and more blue, as far as the light could reach.",
                    "All around them the walls had been painted with sky, each patch a different, lovely blue.",
                ],
            ],
            scene: "{hero} holds up a lantern in a dim cave-like cellar whose walls are painted with blue sky, finding a small shy cloud with a paintbrush; {friend} the {friend_kind} beside",
        },
        BeatPlan {
            heading: &["The Case Is Closed", "A Sky for Everyone"],
            slots: &[
                &[
                    "@hero|You were homesick|, said {hero} softly, and the cloud nodded until it rained a little.",
                ],
                &[
                    "~It had lost its way in the storm, and it had only wanted a piece of sky to sit in.",
                    "The wind had dropped it here by mistake, and it had missed the sky so much that it painted one.",
                ],
                &["@friend|This is the nicest culprit we have ever caught|, said {friend}."],
                &[
                    "So they carried the cloud up all the stairs, out through the door and into the wide bright afternoon.",
                    "Step by step they led it upstairs, and the closer they came to the light, the rounder it grew.",
                ],
                &[
                    "When it floated up, blue came pouring back into every flower, pot and feather in town.",
                ],
                &[
                    "?fear:And {hero}, who had walked right through the middle of {fear}, stood a little taller.",
                    "?wish:And {hero} wrote in the notebook, in the very best blue: case closed.",
                ],
                &["{change}"],
                &[
                    "Sometimes, on a clear day, a small cloud still stops above the garden and waves.",
                    "If you ever see a cloud that looks as though it is waving, you will know exactly who it is.",
                ],
            ],
            scene: "{hero} waves at a happy little cloud floating up into a wide bright blue sky above a garden full of flowers, {friend} the {friend_kind} dancing",
        },
    ],
};
