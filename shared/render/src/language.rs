//! In which language a text is written, told from the text itself.

/// Tag of a text whose language is not known (BCP 47, RFC 5646 section 4.1: undetermined).
pub const UNDETERMINED: &str = "und";

/// The language of a text as a tag of BCP 47, such as `de`; [`UNDETERMINED`] where several are about as likely.
pub fn language_of(text: &str) -> &'static str {
    match whatlang::detect(text) {
        Some(found) if found.is_reliable() => tag(found.lang()),
        _ => UNDETERMINED,
    }
}

/// Languages that a page of a story in one of them may be taken for, by their trigrams and a child's few words.
const CLOSE: [&[&str]; 9] = [
    &["nb", "no", "nn", "da", "sv"],
    &["hr", "sr", "bs", "sl", "mk", "bg"],
    &["cs", "sk"],
    &["es", "pt", "gl", "ca", "it", "la"],
    &["ru", "uk", "be", "bg", "mk", "sr"],
    &["tr", "az", "tk", "uz"],
    &["id", "ms", "jv", "tl"],
    &["hi", "mr", "ne"],
    &["ar", "fa", "ur"],
];

/// The language a text is in, where that is certainly not the one that was wished for nor one close to it (ISO 639). Of a wish
/// for a language that cannot be told from others nothing is known.
pub fn other_language_of(text: &str, wished: &str) -> Option<&'static str> {
    let are_close = |found: &str| {
        let mut groups = CLOSE.iter();
        found == wished || groups.any(|group| group.contains(&found) && group.contains(&wished))
    };
    let is_known = || {
        let mut known = whatlang::Lang::all().iter().map(|known| tag(*known));
        known.any(are_close)
    };
    let found = language_of(text);
    (found != UNDETERMINED && !are_close(found) && is_known()).then_some(found)
}

/// The shortest code of ISO 639 for a language, as BCP 47 wants it.
fn tag(language: whatlang::Lang) -> &'static str {
    use whatlang::Lang;
    match language {
        Lang::Epo => "eo",
        Lang::Eng => "en",
        Lang::Rus => "ru",
        Lang::Cmn => "zh",
        Lang::Spa => "es",
        Lang::Por => "pt",
        Lang::Ita => "it",
        Lang::Ben => "bn",
        Lang::Fra => "fr",
        Lang::Deu => "de",
        Lang::Ukr => "uk",
        Lang::Kat => "ka",
        Lang::Ara => "ar",
        Lang::Hin => "hi",
        Lang::Jpn => "ja",
        Lang::Heb => "he",
        Lang::Yid => "yi",
        Lang::Pol => "pl",
        Lang::Amh => "am",
        Lang::Jav => "jv",
        Lang::Kor => "ko",
        Lang::Nob => "nb",
        Lang::Dan => "da",
        Lang::Swe => "sv",
        Lang::Fin => "fi",
        Lang::Tur => "tr",
        Lang::Nld => "nl",
        Lang::Hun => "hu",
        Lang::Ces => "cs",
        Lang::Ell => "el",
        Lang::Bul => "bg",
        Lang::Bel => "be",
        Lang::Mar => "mr",
        Lang::Kan => "kn",
        Lang::Ron => "ro",
        Lang::Slv => "sl",
        Lang::Hrv => "hr",
        Lang::Srp => "sr",
        Lang::Mkd => "mk",
        Lang::Lit => "lt",
        Lang::Lav => "lv",
        Lang::Est => "et",
        Lang::Tam => "ta",
        Lang::Vie => "vi",
        Lang::Urd => "ur",
        Lang::Tha => "th",
        Lang::Guj => "gu",
        Lang::Uzb => "uz",
        Lang::Pan => "pa",
        Lang::Aze => "az",
        Lang::Ind => "id",
        Lang::Tel => "te",
        Lang::Pes => "fa",
        Lang::Mal => "ml",
        Lang::Ori => "or",
        Lang::Mya => "my",
        Lang::Nep => "ne",
        Lang::Sin => "si",
        Lang::Khm => "km",
        Lang::Tuk => "tk",
        Lang::Aka => "ak",
        Lang::Zul => "zu",
        Lang::Sna => "sn",
        Lang::Afr => "af",
        Lang::Lat => "la",
        Lang::Slk => "sk",
        Lang::Cat => "ca",
        Lang::Tgl => "tl",
        Lang::Hye => "hy",
        Lang::Cym => "cy",
        #[allow(
            unreachable_patterns,
            reason = "which languages there are is a feature of whatlang"
        )]
        _ => UNDETERMINED,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_few_sentences_tell_their_language() {
        for (language, text) in [
            (
                "en",
                "Ember saw a small lamp and walked to it with a very brave heart. The night was quiet, and the little dragon was not afraid any more.",
            ),
            (
                "de",
                "Ember sah eine kleine Lampe und ging mit sehr mutigem Herzen zu ihr hin. Ember sah eine kleine Lampe und ging mit sehr mutigem Herzen zu ihr hin.",
            ),
            (
                "es",
                "La pequeña dragona miró la luz lejana y caminó despacio por el bosque oscuro. Al final oyó la voz de su amiga y sonrió.",
            ),
            (
                "fr",
                "La petite dragonne regarda la lumière au loin et marcha doucement dans la forêt sombre. Enfin, elle entendit la voix de son amie.",
            ),
            ("ja", "小さな竜は、はじめて夜の森を歩きました。"),
            ("zh", "小龙第一次走进夜晚的森林。"),
            ("ar", "ذهب التنين الصغير إلى الغابة وكان الليل هادئا وجميلا."),
            ("ko", "작은 용은 처음으로 밤의 숲을 걸었습니다."),
            (
                "ru",
                "Маленький дракон впервые вошёл в ночной лес и увидел вдалеке огонёк.",
            ),
            ("el", "Ο μικρός δράκος περπάτησε στο δάσος."),
            (
                "vi",
                "Chú rồng nhỏ lần đầu tiên bước vào khu rừng ban đêm và nhìn thấy ánh đèn xa xa.",
            ),
        ] {
            let found = whatlang::detect(text);
            assert_eq!(language_of(text), language, "{text}: {found:?}");
        }
    }

    #[test]
    fn only_what_is_certainly_in_another_language_is_told() {
        const ENGLISH: &str = "Ember saw a small lamp and walked to it with a very brave heart. The night was quiet, and the little dragon was not afraid any more.";
        const NORWEGIAN: &str = "Den lille dragen så en lampe langt borte og gikk stille gjennom den mørke skogen. Til slutt hørte den stemmen til vennen sin.";
        for (text, wished, other) in [
            (ENGLISH, "pl", Some("en")),
            (ENGLISH, "ja", Some("en")),
            (ENGLISH, "en", None),
            (NORWEGIAN, "da", None),
            (NORWEGIAN, "no", None),
            // Nobody here knows Irish, and a few letters tell nothing.
            (ENGLISH, "ga", None),
            ("Och!", "de", None),
        ] {
            assert_eq!(other_language_of(text, wished), other, "{wished}: {text}");
        }
    }

    #[test]
    fn what_tells_nothing_is_undetermined() {
        for text in ["", "123 …", "🐉🐉"] {
            assert_eq!(language_of(text), UNDETERMINED, "{text}");
        }
    }
}
