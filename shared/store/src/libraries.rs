//! Libraries: listing, making and renaming them, and putting a story into another one.

use crate::{
    Caller, Created, Idempotency, Page, Store, StoreError, StoryRow, commands::Replayable,
};
use domain::{LibraryId, StoryId, UserId, library::LibraryName};
use serde::{Deserialize, Serialize};
use serde_json::json;

/// A library as the API shows it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Library {
    pub id: LibraryId,
    pub name: String,
    /// Stories that stand in it.
    pub story_count: u64,
    /// RFC 3339.
    pub created_at: String,
}

#[derive(Deserialize)]
struct LibraryAnswer {
    library: Library,
}

impl Store {
    /// A page of the caller's libraries, the oldest first; makes the profile, and with it the first one, on first use.
    pub async fn libraries(&self, caller: &Caller, page: Page) -> Result<Vec<Library>, StoreError> {
        let arguments = json!({"p_user_id": caller.user_id, "p_email": caller.email, "p_limit": page.limit,
            "p_offset": page.offset});
        self.call("list_libraries", &arguments).await
    }

    /// Makes a library.
    ///
    /// Refused with `IdempotencyKeyReused`; nothing is written then.
    pub async fn create_library(
        &self,
        caller: &Caller,
        name: &LibraryName,
        idempotency: &Idempotency,
    ) -> Result<Created<Library>, StoreError> {
        let arguments = json!({"p_user_id": caller.user_id, "p_email": caller.email, "p_name": name,
            "p_idempotency_key": idempotency.key, "p_request_hash": idempotency.request_hash});
        let answer: Replayable<LibraryAnswer> = self.call("create_library", &arguments).await?;
        Ok(answer.map(|answer| answer.library))
    }

    /// Gives a library of this user another name.
    ///
    /// Refused with `LibraryNotFound`, whether it is missing or somebody else's.
    pub async fn rename_library(
        &self,
        user: UserId,
        library: LibraryId,
        name: &LibraryName,
    ) -> Result<Library, StoreError> {
        let arguments = json!({"p_user_id": user, "p_library_id": library, "p_name": name});
        self.call("rename_library", &arguments).await
    }

    /// Puts a story of this user into another library of theirs.
    ///
    /// Refused with `StoryNotFound` or `LibraryNotFound`; nothing is written then.
    pub async fn move_story(
        &self,
        user: UserId,
        story: StoryId,
        library: LibraryId,
    ) -> Result<StoryRow, StoreError> {
        let arguments = json!({"p_user_id": user, "p_story_id": story, "p_library_id": library});
        self.call("move_story", &arguments).await
    }
}
