//! For whom a provider is called: set once by whoever works on a job, read where a call is logged.

use domain::{AssetType, JobId, StoryId};

tokio::task_local! {
    static CURRENT: Caller;
}

/// The job that calls, as log lines name it.
#[derive(Clone, Copy, Debug)]
pub struct Caller {
    pub story_id: StoryId,
    pub job_id: JobId,
    pub asset_type: AssetType,
}

impl Caller {
    /// Every provider call made by `work`, in this task, is logged as this job's.
    pub async fn scope<T>(self, work: impl Future<Output = T>) -> T {
        CURRENT.scope(self, work).await
    }

    pub(crate) fn current() -> Option<Self> {
        CURRENT.try_with(|caller| *caller).ok()
    }
}
