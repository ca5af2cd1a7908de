//! Shared books: a link's token, taken back, and what it opens.

use crate::{Store, StoreError};
use domain::{StoryId, UserId};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::str::FromStr;

/// What opens a shared book: 64 hexadecimal digits that nobody guesses.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShareToken(String);

/// The text is no token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a token has 64 hexadecimal digits")]
pub struct NoShareToken;

impl FromStr for ShareToken {
    type Err = NoShareToken;

    fn from_str(text: &str) -> Result<Self, NoShareToken> {
        let is_one = text.len() == 64
            && text
                .bytes()
                .all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte));
        is_one.then(|| Self(text.to_owned())).ok_or(NoShareToken)
    }
}

impl AsRef<str> for ShareToken {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

/// A story that may be read by whoever has the token.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Share {
    pub token: ShareToken,
    /// RFC 3339.
    pub expires_at: String,
}

impl Store {
    /// Shares a story of this user, or prolongs the link it has.
    ///
    /// Refused with `StoryNotFound`, or `MissingRequiredAssets` while it has no text.
    pub async fn share_story(&self, user: UserId, story: StoryId) -> Result<Share, StoreError> {
        let arguments = json!({"p_user_id": user, "p_story_id": story});
        self.call("share_story", &arguments).await
    }

    /// Takes the link of a story of this user back; answers whether there was one.
    ///
    /// Refused with `StoryNotFound`.
    pub async fn unshare_story(&self, user: UserId, story: StoryId) -> Result<bool, StoreError> {
        let arguments = json!({"p_user_id": user, "p_story_id": story});
        self.call("unshare_story", &arguments).await
    }

    /// The story that a token opens, as a book needs it; none when it opens none any more.
    pub async fn shared_story(&self, token: &ShareToken) -> Result<Option<Value>, StoreError> {
        self.call("shared_story", &json!({"p_token": token})).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_has_sixty_four_digits_and_nothing_else() {
        let token = "0123456789abcdef".repeat(4);
        assert_eq!(
            token.parse::<ShareToken>().map(|token| token.0),
            Ok(token.clone())
        );
        for other in [
            "",
            "0",
            &token[1..],
            &token.to_uppercase(),
            &format!("{}/", &token[1..]),
        ] {
            assert_eq!(other.parse::<ShareToken>(), Err(NoShareToken), "{other}");
        }
    }
}
