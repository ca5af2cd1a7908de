//! What the trials here share: a reader with many stories, and counts of calls and jobs.

use crate::{Crowd, Figures, Reader, TrialError, audit};
use futures::future::try_join_all;
use stack::stack::Stack;
use stand_ins::{CallKind, CallRecord, Outcome, Scripted};
use std::time::Duration;
use uuid::Uuid;

/// Longest any wave of stories here may take.
const PATIENCE: Duration = Duration::from_secs(900);
/// For as many calls as come.
pub(crate) const ALWAYS: u32 = u32::MAX;

/// Somebody without limits, and the stories asked for so far.
pub(crate) struct Company<'a> {
    pub(crate) crowd: Crowd<'a>,
    pub(crate) reader: Reader,
    pub(crate) stories: Vec<Uuid>,
    pub(crate) heroes: Vec<String>,
}

impl<'a> Company<'a> {
    pub(crate) async fn on(stack: &'a Stack) -> Result<Self, TrialError> {
        let crowd = Crowd(stack);
        let reader = crowd.newcomer(None).await?;
        Ok(Self {
            crowd,
            reader,
            stories: Vec::new(),
            heroes: Vec::new(),
        })
    }

    /// Asks for this many stories at once, about heroes of this name and a number.
    pub(crate) async fn ask(&mut self, count: usize, name: &str) -> Result<Vec<Uuid>, TrialError> {
        let first = self.heroes.len();
        let heroes: Vec<String> = (first..first + count)
            .map(|n| format!("{name}{n}x"))
            .collect();
        let asked = try_join_all(heroes.iter().map(|hero| self.reader.ask(hero))).await?;
        self.heroes.extend(heroes);
        self.stories.extend(&asked);
        Ok(asked)
    }

    /// Waits until these are settled.
    pub(crate) async fn settled(&self, stories: &[Uuid]) -> Result<Duration, TrialError> {
        self.crowd.settled(stories, PATIENCE).await
    }

    /// Jobs of these stories in this status, with this error code where one is named.
    pub(crate) async fn jobs(
        &self,
        stories: &[Uuid],
        status: &str,
        code: Option<&str>,
    ) -> Result<f64, TrialError> {
        sqlx::query_scalar::<_, i64>(
            "select count(*) from public.asset_generation_jobs
             where story_id = any ($1) and status = $2 and ($3::text is null or error_code = $3)",
        )
        .bind(stories)
        .bind(status)
        .bind(code)
        .fetch_one(self.crowd.0.pool())
        .await
        .map(|count| count as f64)
        .map_err(TrialError::while_trying("count the jobs"))
    }

    /// Stories of these that are `ready`, `partial` or `failed`.
    pub(crate) async fn ended(&self, stories: &[Uuid], overall: &str) -> Result<f64, TrialError> {
        sqlx::query_scalar::<_, i64>(
            "select count(*) from public.stories
             where id = any ($1) and asset_generation_status ->> 'overall' = $2",
        )
        .bind(stories)
        .bind(overall)
        .fetch_one(self.crowd.0.pool())
        .await
        .map(|count| count as f64)
        .map_err(TrialError::while_trying("see how stories ended"))
    }

    /// The invariants, for everything asked for so far.
    pub(crate) async fn audited(&self) -> Result<Figures, TrialError> {
        let found = audit(self.crowd.0, &self.stories, &self.heroes).await?;
        Ok(found.figures())
    }
}

/// Calls from number `after` on that this tells apart.
pub(crate) fn calls(
    stack: &Stack,
    after: u64,
    which: impl Fn(&CallRecord) -> bool,
) -> Vec<CallRecord> {
    let mut calls = stack.stand_ins().calls();
    calls.retain(|call| call.id > after && call.kind != CallKind::Other && which(call));
    calls
}

/// The number of the last call so far.
pub(crate) fn last_call(stack: &Stack) -> u64 {
    stack.stand_ins().calls().last().map_or(0, |call| call.id)
}

/// An outcome for every call of one kind that contains this.
pub(crate) fn whenever(kind: CallKind, outcome: Outcome, contains: Option<&str>) -> Scripted {
    Scripted {
        outcome,
        kind: Some(kind),
        contains: contains.map(str::to_owned),
        times: ALWAYS,
        content: None,
    }
}

/// The text of a story succeeds; what OpenAI is asked afterwards ends like this.
pub(crate) fn after_the_text(outcome: Outcome) -> [Scripted; 3] {
    [
        whenever(CallKind::Text, Outcome::Ok, Some(r#""name":"story""#)),
        whenever(CallKind::Text, outcome, None),
        whenever(CallKind::Image, outcome, None),
    ]
}

/// What the prompt of this picture, and of no other, contains.
pub(crate) fn prompt_of_scene(number: usize) -> String {
    format!("Scene number: {number}")
}
