//! The words of the book that are not the story's, in the languages in which we have them.

/// The words of the book that are not the story's, to be given in the language of the story. An
/// empty one is left out of the book.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Phrases {
    /// Line on the title page; `{names}` stands for the names of the heroes.
    pub story_about: String,
    /// Joins the last two of several names; without it they are all joined by commas.
    pub and: String,
    /// One to four heroes who are not named because there is no room: `a friend`, `two friends`, …
    pub friends: [String; 4],
    /// Above the line on which a child writes its name.
    pub belongs_to: String,
    /// Ends the story.
    pub the_end: String,
    /// Heading of the page of questions.
    pub talk_about_it: String,
}

/// English.
impl Default for Phrases {
    fn default() -> Self {
        phrases(&ENGLISH)
    }
}

impl Phrases {
    /// The words for a language, given as a tag of BCP 47 such as `de` or `pt-BR`; for a language in
    /// which we have none, none: the names stand alone, and nothing else is said.
    pub fn in_language(tag: &str) -> Self {
        let language = tag.split('-').next().unwrap_or_default();
        let known = KNOWN.iter().find(|(known, _)| *known == language);
        known.map_or_else(Self::none, |(_, words)| phrases(words))
    }

    fn none() -> Self {
        Self {
            story_about: "{names}".to_owned(),
            and: String::new(),
            friends: ["+ 1", "+ 2", "+ 3", "+ 4"].map(str::to_owned),
            belongs_to: String::new(),
            the_end: String::new(),
            talk_about_it: String::new(),
        }
    }

    /// Names as one reads them out, all of them.
    pub(crate) fn joined(&self, names: &[String]) -> String {
        match names {
            [] => String::new(),
            [name] => name.clone(),
            [first @ .., last] if !self.and.is_empty() => {
                format!("{} {} {last}", first.join(", "), self.and)
            }
            all => all.join(", "),
        }
    }

    /// The first of several names, and how many there are besides.
    pub(crate) fn first_and_friends(&self, names: &[String]) -> String {
        let friends = names
            .len()
            .checked_sub(2)
            .and_then(|index| self.friends.get(index));
        match (names, friends) {
            ([first, ..], Some(friends)) => {
                let words = [first, &self.and, friends];
                let words: Vec<&str> = words.map(String::as_str).into();
                let said = words.into_iter().filter(|word| !word.is_empty());
                said.collect::<Vec<_>>().join(" ")
            }
            _ => self.joined(names),
        }
    }
}

/// About, and, friends, belongs to, the end, talk about it.
type Words = (
    &'static str,
    &'static str,
    [&'static str; 4],
    [&'static str; 3],
);

fn phrases((story_about, and, friends, [belongs_to, the_end, talk_about_it]): &Words) -> Phrases {
    Phrases {
        story_about: (*story_about).to_owned(),
        and: (*and).to_owned(),
        friends: friends.map(str::to_owned),
        belongs_to: (*belongs_to).to_owned(),
        the_end: (*the_end).to_owned(),
        talk_about_it: (*talk_about_it).to_owned(),
    }
}

const ENGLISH: Words = (
    "A story about {names}",
    "and",
    ["a friend", "two friends", "three friends", "four friends"],
    ["This book belongs to", "The End", "Let’s talk about it"],
);

/// Where a language would bend a name after "about", the names stand alone.
const KNOWN: [(&str, Words); 17] = [
    ("en", ENGLISH),
    (
        "de",
        (
            "Eine Geschichte über {names}",
            "und",
            [
                "noch jemanden",
                "zwei Freunde",
                "drei Freunde",
                "vier Freunde",
            ],
            ["Dieses Buch gehört", "Ende", "Lasst uns darüber reden"],
        ),
    ),
    (
        "es",
        (
            "Una historia sobre {names}",
            "y",
            ["un amigo más", "dos amigos", "tres amigos", "cuatro amigos"],
            ["Este libro pertenece a", "Fin", "Hablemos de ello"],
        ),
    ),
    (
        "fr",
        (
            "Une histoire sur {names}",
            "et",
            ["un ami", "deux amis", "trois amis", "quatre amis"],
            ["Ce livre appartient à", "Fin", "Parlons-en"],
        ),
    ),
    (
        "it",
        (
            "Una storia su {names}",
            "e",
            ["un amico", "due amici", "tre amici", "quattro amici"],
            ["Questo libro appartiene a", "Fine", "Parliamone"],
        ),
    ),
    (
        "pt",
        (
            "Uma história sobre {names}",
            "e",
            ["um amigo", "dois amigos", "três amigos", "quatro amigos"],
            ["Este livro pertence a", "Fim", "Vamos conversar"],
        ),
    ),
    (
        "ca",
        (
            "Una història sobre {names}",
            "i",
            ["un amic", "dos amics", "tres amics", "quatre amics"],
            ["Aquest llibre és de", "Fi", "Parlem-ne"],
        ),
    ),
    (
        "nl",
        (
            "Een verhaal over {names}",
            "en",
            [
                "een vriend",
                "twee vrienden",
                "drie vrienden",
                "vier vrienden",
            ],
            ["Dit boek is van", "Einde", "Laten we erover praten"],
        ),
    ),
    (
        "da",
        (
            "En historie om {names}",
            "og",
            ["en ven", "to venner", "tre venner", "fire venner"],
            ["Denne bog tilhører", "Slut", "Lad os tale om det"],
        ),
    ),
    (
        "nb",
        (
            "En fortelling om {names}",
            "og",
            ["en venn", "to venner", "tre venner", "fire venner"],
            ["Denne boken tilhører", "Slutt", "La oss snakke om det"],
        ),
    ),
    (
        "sv",
        (
            "En berättelse om {names}",
            "och",
            ["en vän", "två vänner", "tre vänner", "fyra vänner"],
            ["Den här boken tillhör", "Slut", "Låt oss prata om det"],
        ),
    ),
    (
        "vi",
        (
            "Câu chuyện về {names}",
            "và",
            [
                "một người bạn",
                "hai người bạn",
                "ba người bạn",
                "bốn người bạn",
            ],
            ["Quyển sách này của", "Hết", "Cùng trò chuyện nhé"],
        ),
    ),
    (
        "pl",
        (
            "{names}",
            "i",
            ["1", "2", "3", "4"],
            ["Ta książka należy do", "Koniec", "Porozmawiajmy o tym"],
        ),
    ),
    (
        "ru",
        (
            "{names}",
            "и",
            ["ещё 1", "ещё 2", "ещё 3", "ещё 4"],
            ["Чья это книга", "Конец", "Давайте поговорим об этом"],
        ),
    ),
    (
        "uk",
        (
            "{names}",
            "і",
            ["ще 1", "ще 2", "ще 3", "ще 4"],
            ["Чия це книжка", "Кінець", "Поговорімо про це"],
        ),
    ),
    (
        "el",
        (
            "{names}",
            "και",
            ["άλλος 1", "άλλοι 2", "άλλοι 3", "άλλοι 4"],
            ["Αυτό το βιβλίο ανήκει σε", "Τέλος", "Ας το συζητήσουμε"],
        ),
    ),
    (
        "id",
        (
            "Cerita tentang {names}",
            "dan",
            ["seorang teman", "dua teman", "tiga teman", "empat teman"],
            ["Buku ini milik", "Tamat", "Mari kita bicarakan"],
        ),
    ),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_language_we_know_speaks_for_itself_and_another_one_is_not_spoken_in_english() {
        assert_eq!(Phrases::in_language("de-AT").the_end, "Ende");
        assert_eq!(Phrases::in_language("en"), Phrases::default());
        for tag in ["und", "hu", "ja", ""] {
            let phrases = Phrases::in_language(tag);
            assert!(
                phrases.the_end.is_empty() && phrases.belongs_to.is_empty(),
                "{tag}"
            );
            assert_eq!(phrases.story_about, "{names}");
        }
    }

    #[test]
    fn names_are_joined_or_counted() {
        let names = ["Ana", "Ben", "Eve"].map(str::to_owned);
        let english = Phrases::default();
        assert_eq!(english.joined(&names), "Ana, Ben and Eve");
        assert_eq!(english.first_and_friends(&names), "Ana and two friends");
        assert_eq!(english.first_and_friends(&names[..1]), "Ana");
        let none = Phrases::in_language("hu");
        assert_eq!(none.joined(&names), "Ana, Ben, Eve");
        assert_eq!(none.first_and_friends(&names), "Ana + 2");
    }
}
