//! The book as a page of the web that needs no script: text, pictures and voice in order. What it shows lies beside it, in
//! the same folder, by name.

use crate::{book::Phrases, narration::SpokenWord};
use domain::story::{Activities, StoryText};
use std::fmt::Write as _;

/// A story and the names of its files.
#[derive(Clone, Copy, Debug)]
pub struct WebBook<'a> {
    pub text: &'a StoryText,
    /// Tag of BCP 47; `und` if it is not known.
    pub language: &'a str,
    pub phrases: &'a Phrases,
    pub cover: Option<Picture<'a>>,
    /// Picture of each beat, in order.
    pub scenes: &'a [Option<Picture<'a>>],
    /// The recording; its captions have the same name, but for the extension.
    pub voice: Option<&'a str>,
    pub activities: Option<&'a Activities>,
}

/// The names of a picture's files. Pictures are square, of 1024 pixels.
#[derive(Clone, Copy, Debug)]
pub struct Picture<'a> {
    pub name: &'a str,
    /// A lighter file of the same picture, for screens.
    pub screen: Option<&'a str>,
    /// The same at half its size.
    pub thumbnail: Option<&'a str>,
}

/// Nothing but what lies beside it is loaded, and no script runs, whatever stands in a text.
const POLICY: &str =
    "default-src 'none'; img-src 'self'; media-src 'self'; style-src 'unsafe-inline'";

const STYLE: &str = "body{margin:0 auto;max-width:44rem;padding:1rem 1.2rem 4rem;font:1.25rem/1.6 Andika,'Noto Sans',sans-serif;background:#fbf4e6;color:#2d2722}\
h1,h2{font-family:'Averia Serif',Georgia,serif;line-height:1.2;text-align:center;text-wrap:balance}h1{font-size:2.4rem}section{margin-top:3rem;break-before:page}\
img{display:block;width:100%;height:auto;border-radius:16px}audio{width:100%;margin:1.5rem 0}dt{font-weight:700}li,dd{margin-bottom:.6em}\
@media(prefers-color-scheme:dark){body{background:#1f1a24;color:#f4ecdf}}@media print{audio{display:none}}";

/// The page, UTF-8.
#[must_use]
pub fn web_book(book: &WebBook<'_>) -> String {
    let WebBook { text, phrases, .. } = book;
    let title = safe(&text.title);
    // A preview of the link names nobody.
    let mut page = format!(
        "<!doctype html>\n<html lang=\"{language}\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"{POLICY}\">\n\
         <meta name=\"robots\" content=\"noindex\">\n<meta name=\"referrer\" content=\"no-referrer\">\n\
         <meta property=\"og:title\" content=\"Storytailor\">\n<meta name=\"generator\" content=\"Storytailor\">\n\
         <title>{title}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<main>\n<h1 dir=\"auto\">{title}</h1>\n",
        language = safe(book.language),
    );
    picture(&mut page, book.cover, &text.title, true);
    if let Some(voice) = book.voice {
        let captions = voice.strip_suffix(".mp3").unwrap_or(voice);
        let (voice, captions, language) = (safe(voice), safe(captions), safe(book.language));
        // Writing to a string cannot fail, here and below.
        let _ = writeln!(
            page,
            "<audio controls preload=\"metadata\" src=\"{voice}\"><track default kind=\"captions\" srclang=\"{language}\" \
             label=\"{language}\" src=\"{captions}.vtt\"></audio>"
        );
    }
    for (index, beat) in text.beats.iter().enumerate() {
        page.push_str("<section>\n");
        element(&mut page, "h2", &beat.heading);
        let scene = book.scenes.get(index).copied().flatten();
        picture(&mut page, scene, &beat.scene_description, false);
        paragraphs(&mut page, &beat.text);
        page.push_str("</section>\n");
    }
    page.push_str("<section>\n");
    element(&mut page, "h2", &phrases.the_end);
    paragraphs(&mut page, &text.moral);
    if let Some(activities) = book.activities {
        to_talk_about(&mut page, activities, phrases);
    }
    page.push_str("</section>\n</main>\n</body>\n</html>\n");
    page
}

fn to_talk_about(page: &mut String, activities: &Activities, phrases: &Phrases) {
    element(page, "h2", &phrases.talk_about_it);
    if !activities.questions.is_empty() {
        page.push_str("<ul>\n");
        for question in &activities.questions {
            element(page, "li", &question.question);
        }
        page.push_str("</ul>\n");
    }
    if !activities.vocabulary.is_empty() {
        page.push_str("<dl>\n");
        for entry in &activities.vocabulary {
            element(page, "dt", &entry.word);
            element(page, "dd", &entry.meaning);
        }
        page.push_str("</dl>\n");
    }
    element(page, "h2", &activities.activity.title);
    paragraphs(page, &activities.activity.instructions);
}

/// As wide as the column of text, which `STYLE` sets.
const SIZES: &str = "(max-width: 45rem) 94vw, 42rem";

fn picture(page: &mut String, picture: Option<Picture<'_>>, description: &str, is_first: bool) {
    let Some(Picture {
        name,
        screen,
        thumbnail,
    }) = picture
    else {
        return;
    };
    let loading = if is_first { "eager" } else { "lazy" };
    let (shown, description) = (safe(screen.unwrap_or(name)), safe(description));
    let _ = write!(page, "<img src=\"{shown}\"");
    if let Some(thumbnail) = thumbnail {
        let thumbnail = safe(thumbnail);
        let _ = write!(
            page,
            " srcset=\"{thumbnail} 512w, {shown} 1024w\" sizes=\"{SIZES}\""
        );
    }
    let _ = writeln!(
        page,
        " alt=\"{description}\" width=\"1024\" height=\"1024\" loading=\"{loading}\">"
    );
}

fn paragraphs(page: &mut String, text: &str) {
    for line in text.lines() {
        element(page, "p", line);
    }
}

/// Nothing where there are no words.
fn element(page: &mut String, tag: &str, words: &str) {
    if !words.trim().is_empty() {
        let words = safe(words);
        let _ = writeln!(page, "<{tag} dir=\"auto\">{words}</{tag}>");
    }
}

/// Text that is text wherever it stands.
fn safe(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for sign in text.chars() {
        match sign {
            '&' | '<' | '>' | '"' | '\'' => {
                let _ = write!(safe, "&#{};", u32::from(sign));
            }
            sign => safe.push(sign),
        }
    }
    safe
}

/// Captions of a recording in `WebVTT`: a cue for each sentence. Without words there are none.
#[must_use]
pub fn captions(words: &[SpokenWord]) -> String {
    let mut file = "WEBVTT\n".to_owned();
    for sentence in words.split_inclusive(|word| ends_sentence(&word.txt)) {
        let (Some(first), Some(last)) = (sentence.first(), sentence.last()) else {
            continue;
        };
        let said: Vec<&str> = sentence.iter().map(|word| word.txt.as_str()).collect();
        // An arrow in the text would begin another cue.
        let said = safe(&said.join(" "));
        let _ = write!(
            file,
            "\n{} --> {}\n{said}\n",
            time(first.start),
            time(last.end)
        );
    }
    file
}

fn ends_sentence(word: &str) -> bool {
    let word = word.trim_end_matches(['"', '\'', '”', '’', '»', ')', ']']);
    word.ends_with(['.', '!', '?', '…', '。', '！', '？', '؟', '।'])
}

/// `hh:mm:ss.ttt`
fn time(seconds: f64) -> String {
    let milliseconds = (seconds.max(0.0) * 1000.0).round() as u64;
    let (minutes, rest) = (milliseconds / 60_000, milliseconds % 60_000);
    format!(
        "{:02}:{:02}:{:02}.{:03}",
        minutes / 60,
        minutes % 60,
        rest / 1000,
        rest % 1000
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::story::{Activity, Beat, Question, VocabularyEntry};
    use serde_json::json;

    fn word(txt: &str, start: f64, end: f64) -> SpokenWord {
        SpokenWord {
            txt: txt.to_owned(),
            start,
            end,
        }
    }

    #[test]
    fn captions_have_a_cue_for_each_sentence_and_no_markup_of_the_text() {
        let words = [
            word("\"Run!\"", 0.0, 0.4),
            word("-->", 0.5, 0.6),
            word("<b>", 61.25, 3_700.5),
        ];
        assert_eq!(
            captions(&words),
            "WEBVTT\n\n00:00:00.000 --> 00:00:00.400\n&#34;Run!&#34;\n\n00:00:00.500 --> 01:01:40.500\n--&#62; &#60;b&#62;\n"
        );
        assert_eq!(captions(&[]), "WEBVTT\n");
    }

    #[test]
    fn a_page_shows_everything_in_order_and_takes_no_markup_from_a_text() {
        let evil = "<script>alert(1)</script>\" onerror='x'";
        let beat: Beat = serde_json::from_value(json!({
            "heading": "One & only", "text": format!("First.\n{evil}"), "sceneDescription": evil,
            "dialogue": [], "charactersPresent": [],
        }))
        .unwrap();
        let text = StoryText {
            title: format!("Luna {evil}"),
            beats: vec![beat],
            moral: "Be kind.".to_owned(),
        };
        let activities = Activities {
            questions: vec![Question {
                question: "Why?".to_owned(),
                answer: String::new(),
                skill: String::new(),
            }],
            vocabulary: vec![VocabularyEntry {
                word: "hill".to_owned(),
                meaning: "a small mountain".to_owned(),
            }],
            activity: Activity::default(),
        };
        let page = web_book(&WebBook {
            text: &text,
            language: "en",
            phrases: &Phrases::default(),
            cover: Some(Picture {
                name: "cover-v1.png",
                screen: Some("cover-v1.jpg"),
                thumbnail: Some("cover-v1.small.jpg"),
            }),
            scenes: &[Some(Picture {
                name: "scene_1-v1.png",
                screen: None,
                thumbnail: None,
            })],
            voice: Some("audio-v1.mp3"),
            activities: Some(&activities),
        });
        let places = [
            "<h1",
            "<img src=\"cover-v1.jpg\" srcset=\"cover-v1.small.jpg 512w, cover-v1.jpg 1024w\"",
            "audio-v1.mp3",
            "audio-v1.vtt",
            "One &#38; only",
            "<img src=\"scene_1-v1.png\" alt",
            "First.",
            "Be kind.",
            "Why?",
            "<dt",
            "a small mountain",
        ]
        .map(|part| {
            page.find(part)
                .unwrap_or_else(|| panic!("{part} is missing: {page}"))
        });
        assert!(places.is_sorted(), "{places:?}");
        assert!(
            !page.contains("<script") && !page.contains("onerror='"),
            "{page}"
        );
        assert!(page.contains("default-src 'none'") && !page.contains("http://"));
    }
}
