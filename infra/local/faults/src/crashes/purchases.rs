//! What was bought again, and for which story: repeated paid calls, told apart by the usage ledger.

use crate::prelude::*;
use stand_ins::CallRecord;
use std::collections::HashMap;

/// Repeated paid calls of one story.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Again {
    /// Of anything that a checkpoint, a file or a settled job keeps.
    pub(crate) kept: u64,
    /// Looks at a picture that is stored already: its verdict is the commit itself, so a death before that asks again.
    pub(crate) looks: u64,
}

/// Paid calls beyond the first with the same body, by story. A call whose story the ledger does not know counts for the
/// story of another call with the same body, which is the one that was recorded.
pub(crate) async fn again_by_story(stack: &TestStack) -> Result<HashMap<Uuid, Again>> {
    let recorded: Vec<(String, Uuid)> = stack
        .sql("select call_key, story_id from public.usage_ledger")
        .rows()
        .await?;
    let stories: HashMap<String, Uuid> = recorded.into_iter().collect();
    let mut same: HashMap<String, Vec<CallRecord>> = HashMap::new();
    for call in stack.stand_ins().calls() {
        if call.paid {
            same.entry(call.sha256.clone()).or_default().push(call);
        }
    }
    let mut found: HashMap<Uuid, Again> = HashMap::new();
    for calls in same.values().filter(|calls| calls.len() > 1) {
        let story = calls.iter().find_map(|call| stories.get(&call_key(call)));
        // Bought twice and recorded never: nobody's, and yet not to be passed over.
        let of_story = found
            .entry(story.copied().unwrap_or(Uuid::nil()))
            .or_default();
        let repeated = calls.len() as u64 - 1;
        match calls[0].schema.as_deref() {
            Some("image_check") => of_story.looks += repeated,
            _ => of_story.kept += repeated,
        }
    }
    Ok(found)
}
