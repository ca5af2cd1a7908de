//! What a notice says, as a mail: one list of blocks, written as HTML and as text.

use super::words::Words;
use domain::FailureCode;
use std::fmt::Write;
use store::{DueNotice, NoticeKind};
use url::Url;

/// A mail without its addresses.
pub(crate) struct Letter {
    /// Never a title: one of a story about a child has the child's name in it, and subjects are shown on locked screens.
    pub(crate) subject: String,
    pub(crate) html: String,
    pub(crate) text: String,
}

enum Block {
    Line(String),
    List(Vec<String>),
    Link { words: &'static str, url: String },
    Small(&'static str),
}

/// Holds a link that leads to a story until it is clicked, and no picture: nobody is told who opens a family's mail.
const STYLE: &str = "max-width:34em;margin:0 auto;padding:1.5em;font:1.05em/1.5 Georgia,serif;color:#23201c;background:#fffdf8";
const BUTTON: &str = "display:inline-block;padding:.6em 1.4em;border-radius:.4em;background:#2f4a6d;color:#fff;text-decoration:none";

impl Letter {
    /// Without the address of the page there is no link.
    pub(crate) fn about(notice: &DueNotice, app: Option<&Url>) -> Self {
        let words = Words::of(notice.language.as_deref());
        let title = one_line(&notice.title);
        let (subject, mut blocks, page, link) = match notice.kind {
            NoticeKind::Ready => (
                words.ready_subject,
                vec![Block::Line(words.ready.replace("{title}", &title))],
                "read.html",
                words.read,
            ),
            NoticeKind::Partial => {
                let missing = notice.missing.iter().map(|asset| words.asset(*asset));
                let blocks = vec![
                    Block::Line(words.partial.replace("{title}", &title)),
                    Block::List(missing.collect()),
                    Block::Line(words.partial_advice.to_owned()),
                ];
                (words.partial_subject, blocks, "story.html", words.look)
            }
            NoticeKind::Failed => {
                let advice = match notice.code {
                    Some(FailureCode::ContentPolicyViolation) => words.failed_other_words,
                    _ => words.failed_again,
                };
                let blocks = vec![
                    Block::Line(words.failed.to_owned()),
                    Block::Line(advice.to_owned()),
                ];
                (words.failed_subject, blocks, "story.html", words.look)
            }
        };
        if let Some(app) = app {
            let url = format!("{app}{page}?id={}", notice.story_id);
            blocks.push(Block::Link { words: link, url });
        }
        blocks.push(Block::Small(words.footer));
        Self {
            subject: subject.to_owned(),
            html: html(words.language, subject, &blocks),
            text: text(&blocks),
        }
    }
}

/// A title has no line of its own to begin.
fn one_line(text: &str) -> String {
    let words = text.split(|c: char| c.is_control() || c.is_whitespace());
    words
        .filter(|word| !word.is_empty())
        .collect::<Vec<_>>()
        .join(" ")
}

fn html(language: &str, subject: &str, blocks: &[Block]) -> String {
    let mut body = String::new();
    for block in blocks {
        match block {
            Block::Line(line) => body += &format!("<p>{}</p>\n", escaped(line)),
            Block::List(items) => {
                body += "<ul>\n";
                for item in items {
                    body += &format!("<li>{}</li>\n", escaped(item));
                }
                body += "</ul>\n";
            }
            Block::Link { words, url } => {
                let (url, words) = (escaped(url), escaped(words));
                body += &format!("<p><a href=\"{url}\" style=\"{BUTTON}\">{words}</a></p>\n");
            }
            Block::Small(line) => {
                body += &format!(
                    "<p style=\"font-size:.8em;color:#6b655c\">{}</p>\n",
                    escaped(line)
                );
            }
        }
    }
    format!(
        "<!DOCTYPE html>\n<html lang=\"{language}\" dir=\"ltr\">\n<head><meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width\">\n<title>{}</title></head>\n\
         <body style=\"{STYLE}\">\n{body}</body>\n</html>\n",
        escaped(subject)
    )
}

fn text(blocks: &[Block]) -> String {
    let mut text = String::new();
    for block in blocks {
        // Writing to a string cannot fail.
        let _ = match block {
            Block::Line(line) => writeln!(text, "{line}\n"),
            Block::List(items) => {
                let items: String = items.iter().map(|item| format!("- {item}\n")).collect();
                writeln!(text, "{items}")
            }
            Block::Link { words, url } => writeln!(text, "{words}: {url}\n"),
            Block::Small(line) => writeln!(text, "-- \n{line}"),
        };
    }
    text
}

pub(super) fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out += "&amp;",
            '<' => out += "&lt;",
            '>' => out += "&gt;",
            '"' => out += "&quot;",
            '\'' => out += "&#39;",
            other => out.push(other),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::notices::words::ALL;
    use domain::AssetType;

    const STORY: &str = "00000000-0000-4000-8000-000000000007";

    fn notice(kind: NoticeKind, language: Option<&str>) -> DueNotice {
        DueNotice {
            id: 1,
            story_id: STORY.parse().unwrap(),
            user_id: STORY.parse().unwrap(),
            kind,
            email: "a@example.com".to_owned(),
            language: language.map(str::to_owned),
            title: "Luna & the <b>\"moon\"</b>\r\nBcc: x@example.com".to_owned(),
            missing: vec![AssetType::Audio, AssetType::Scene2],
            code: None,
        }
    }

    fn app() -> Url {
        "https://example.com/app/".parse().unwrap()
    }

    #[test]
    fn every_outcome_in_every_language_has_its_own_words_a_link_and_no_name_in_the_subject() {
        let mut subjects = std::collections::BTreeSet::new();
        for words in &ALL {
            for kind in NoticeKind::ALL {
                let letter = Letter::about(&notice(kind, Some(words.language)), Some(&app()));
                let page = if kind == NoticeKind::Ready {
                    "read"
                } else {
                    "story"
                };
                let link = format!("https://example.com/app/{page}.html?id={STORY}");
                assert!(
                    letter.html.contains(&format!("href=\"{link}\"")),
                    "{}",
                    letter.html
                );
                assert!(letter.text.contains(&link), "{}", letter.text);
                let opening = format!("<html lang=\"{}\" dir=\"ltr\">", words.language);
                assert!(letter.html.contains(&opening));
                for part in [&letter.subject, &letter.html, &letter.text] {
                    assert!(!part.contains(['{', '}']), "{part}");
                }
                assert!(!letter.subject.contains("Luna") && letter.subject.chars().count() < 70);
                assert!(!letter.html.contains("<img"), "nobody is told who opens it");
                assert!(
                    subjects.insert(letter.subject.clone()),
                    "{}",
                    letter.subject
                );
                let longest = letter.html.lines().map(str::len).max();
                assert!(longest < Some(900), "a line that mail servers break");
            }
        }
        assert_eq!(subjects.len(), 6 * 3);
    }

    #[test]
    fn a_title_is_escaped_and_stays_on_its_line() {
        let letter = Letter::about(&notice(NoticeKind::Ready, None), None);
        let escaped = "Luna &amp; the &lt;b&gt;&quot;moon&quot;&lt;/b&gt; Bcc: x@example.com";
        assert!(letter.html.contains(escaped), "{}", letter.html);
        let line = "Luna & the <b>\"moon\"</b> Bcc: x@example.com";
        assert!(letter.text.contains(line), "{}", letter.text);
        assert!(!letter.html.contains("href"), "no page, no link");
    }

    #[test]
    fn a_partial_story_names_what_is_missing_and_a_failed_one_what_to_do() {
        let partial = Letter::about(&notice(NoticeKind::Partial, Some("de")), Some(&app()));
        assert!(
            partial
                .text
                .contains("- das Hörbuch\n- das Bild zu Szene 2\n"),
            "{}",
            partial.text
        );
        assert!(partial.html.contains("<li>das Hörbuch</li>"));
        let mut failed = notice(NoticeKind::Failed, None);
        let again = Letter::about(&failed, None).text;
        failed.code = Some(FailureCode::ContentPolicyViolation);
        let other_words = Letter::about(&failed, None).text;
        assert!(other_words.contains("other words") && !again.contains("other words"));
        assert!(again.contains("credit"), "{again}");
        assert!(
            !again.contains("Luna"),
            "a story without a text has no title"
        );
    }

    #[test]
    fn a_language_nobody_translated_is_english() {
        for language in [None, Some("ja"), Some("")] {
            let letter = Letter::about(&notice(NoticeKind::Ready, language), None);
            assert_eq!(letter.subject, "Your story is ready");
        }
        let region = Letter::about(&notice(NoticeKind::Ready, Some("es-MX")), None);
        assert_eq!(region.subject, "Tu cuento está listo");
    }
}
