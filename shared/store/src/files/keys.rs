//! Names of a story's files: where a draft lies, where a published file does, and which file an address means.

use super::FileKind;
use crate::{LeasedJob, digest::digest_parts};
use domain::{AssetType, StoryId};
use percent_encoding::percent_decode_str;
use std::fmt::{self, Display};
use url::Url;

/// Hexadecimal digits of a digest that stand in a key: 64 bits are neither guessed nor met twice in one story.
pub(super) const DIGITS: usize = 16;

/// Digest of everything that decides how a file turns out: wording, models, references, voice. Two attempts with the same
/// one wish for the same thing, so that what one of them paid for may serve the other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fingerprint(String);

impl Fingerprint {
    /// Of these parts, in this order. Where one ends and the next begins makes a difference.
    pub fn of<Part: AsRef<[u8]>>(parts: impl IntoIterator<Item = Part>) -> Self {
        let mut hex = digest_parts(parts);
        hex.truncate(DIGITS);
        Self(hex)
    }
}

impl Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// One version of an asset of a story, and the attempt that makes it; its files bear its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AssetVersion {
    pub story: StoryId,
    pub asset: AssetType,
    pub version: u32,
    /// Counts all attempts at the asset, so that no two of them publish under one key.
    pub attempt: u32,
}

impl AssetVersion {
    /// The version a job is to make.
    pub fn made_by(job: &LeasedJob) -> Self {
        Self {
            story: job.story_id,
            asset: job.asset_type,
            version: job.asset_version + 1,
            attempt: job.attempt,
        }
    }

    /// `drafts/stories/{story}/{asset}-v{version}-{wish}-`: what the keys of every draft made for one wish begin with.
    pub fn draft_prefix(&self, wish: &Fingerprint) -> String {
        format!("drafts/{}-{wish}-", self.stem())
    }

    /// `drafts/stories/{story}/{asset}-v{version}-{wish}-a{attempt}-{number}.{extension}`. `number` tells apart what one
    /// attempt makes one after the other.
    pub fn draft_key(&self, wish: &Fingerprint, number: u32, kind: FileKind) -> String {
        let prefix = self.draft_prefix(wish);
        format!("{prefix}a{}-{number}.{}", self.attempt, kind.extension())
    }

    /// `stories/{story}/{asset}-v{version}-a{attempt}-{digest}.{extension}`: nobody guesses it, whoever writes it a second
    /// time writes the same bytes, and when its attempt is over nobody writes it any more.
    pub(super) fn public_key(&self, sha256: &str, kind: FileKind) -> String {
        let digest = &sha256[..DIGITS];
        format!(
            "{}-a{}-{digest}.{}",
            self.stem(),
            self.attempt,
            kind.extension()
        )
    }

    fn stem(&self) -> String {
        format!("stories/{}/{}-v{}", self.story, self.asset, self.version)
    }
}

/// The key of a file of this story from the address it was published under, whatever host and path prefix the CDN had
/// then; `None` for every other address.
pub(super) fn key_of(story: StoryId, address: &str) -> Option<String> {
    let url = Url::parse(address).ok()?;
    let path = percent_decode_str(url.path()).decode_utf8().ok()?;
    let mut parts = path.rsplitn(4, '/');
    let (file, folder, root) = (parts.next()?, parts.next()?, parts.next()?);
    let is_ours = root == "stories" && folder == story.to_string();
    let is_file = !matches!(file, "" | "." | "..");
    (is_ours && is_file).then(|| format!("stories/{story}/{file}"))
}

/// A key without what tells the kind of its file: those that belong together have the rest in common.
pub(super) fn stem_of(key: &str) -> &str {
    let name = key.rfind('/').map_or(0, |slash| slash + 1);
    let end = key[name..].find('.').map_or(key.len(), |dot| name + dot);
    &key[..end]
}

/// The asset and the attempt that published this key; `None` for keys of another form, which older versions of this code
/// wrote.
pub(super) fn published_by(key: &str) -> Option<(AssetType, u32)> {
    let (_, file) = key.rsplit_once('/')?;
    let (stem, _) = file.split_once('.')?;
    let mut parts = stem.splitn(4, '-');
    let (asset, version, attempt) = (parts.next()?, parts.next()?, parts.next()?);
    let digest = parts.next()?;
    let is_ours = version.starts_with('v') && digest.len() == DIGITS;
    let attempt = attempt.strip_prefix('a').filter(|_| is_ours)?;
    Some((asset.parse().ok()?, attempt.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::digest::sha256_hex;

    const STORY: &str = "00000000-0000-4000-8000-000000000007";

    fn story() -> StoryId {
        STORY.parse().expect("an id")
    }

    #[test]
    fn an_address_of_any_host_and_prefix_means_the_same_file() {
        let key = format!("stories/{STORY}/cover-v1-a1-1.png");
        for base in [
            "https://d1.example.net/",
            "https://assets.example.com/",
            "https://assets.example.com/media/v2/",
            "http://127.0.0.1:9000/cdn/",
            "https://d1.example.net/stories/",
        ] {
            let address = format!("{base}{key}");
            assert_eq!(
                key_of(story(), &address).as_ref(),
                Some(&key),
                "of {address}"
            );
        }
        let encoded = format!("https://d1.example.net/stories%2F{STORY}/cover%2Dv1%2Da1-1.png?x=1");
        assert_eq!(key_of(story(), &encoded), Some(key));
    }

    #[test]
    fn an_address_of_something_else_means_no_file() {
        for address in [
            "https://d1.example.net/stories/00000000-0000-4000-8000-000000000008/cover-v1-a1-1.png",
            &format!("https://d1.example.net/stories/{STORY}/"),
            &format!("https://d1.example.net/stories/{STORY}/more/cover.png"),
            &format!("https://d1.example.net/stories/{STORY}/%2e%2e/secret.png"),
            &format!("https://d1.example.net/stories/{STORY}/..%2Fsecret.png"),
            &format!("https://d1.example.net/old-stories/{STORY}/cover.png"),
            &format!("stories/{STORY}/cover.png"),
            "",
        ] {
            assert_eq!(key_of(story(), address), None, "of {address}");
        }
    }

    #[test]
    fn drafts_are_apart_from_what_is_published_and_from_those_of_another_wish() {
        let cover = AssetVersion {
            story: story(),
            asset: AssetType::Cover,
            version: 2,
            attempt: 3,
        };
        let (pencil, paint) = (Fingerprint::of(["pencil"]), Fingerprint::of(["paint"]));
        let draft = cover.draft_key(&pencil, 1, FileKind::Png);
        assert_eq!(
            draft,
            format!("drafts/stories/{STORY}/cover-v2-{pencil}-a3-1.png")
        );
        assert!(draft.starts_with(&cover.draft_prefix(&pencil)));
        assert!(!draft.starts_with(&cover.draft_prefix(&paint)));
        let public = cover.public_key(&sha256_hex(b"bytes"), FileKind::Png);
        assert_eq!(
            public,
            format!("stories/{STORY}/cover-v2-a3-277089d91c0bdf4f.png")
        );
        let beside = format!("{}.small.jpg", stem_of(&public));
        assert_eq!(stem_of(&beside), stem_of(&public));
        for key in [public, beside] {
            assert_eq!(published_by(&key), Some((AssetType::Cover, 3)));
        }
    }

    #[test]
    fn a_key_of_another_form_is_of_no_attempt() {
        for key in [
            "cover-v1-a1-1.png",
            "cover-v1-0123456789abcdef.png",
            "hat-v1-a1-0123456789abcdef.png",
            "cover-v1-a-0123456789abcdef.png",
            "cover-v1-a1-0123456789abcdef",
        ] {
            let key = format!("stories/{STORY}/{key}");
            assert_eq!(published_by(&key), None, "of {key}");
        }
    }

    #[test]
    fn a_fingerprint_knows_where_its_parts_end() {
        assert_ne!(Fingerprint::of(["ab", "c"]), Fingerprint::of(["a", "bc"]));
        assert_ne!(Fingerprint::of(["a", ""]), Fingerprint::of(["a"]));
        assert_eq!(Fingerprint::of(["a", "b"]), Fingerprint::of(["a", "b"]));
        assert_eq!(Fingerprint::of(["a"]).to_string().len(), 16);
    }
}
