//! Following a story as the documents' front end does: its row, kept up to date through lost, late and reordered messages
//! and broken connections.
//!
//! Realtime delivers at most once and replays nothing. So the row is read once whenever something may have been missed:
//! after every subscription, after a gap in the versions, after a change that came without its values, and now and then in
//! silence, for the last change before it may be the one that was lost. What is not newer than the row is left out.

mod channel;

use std::time::{Duration, Instant};

use serde_json::Value;

use channel::{Channel, Heard};

/// The channel could not be followed to the end.
#[derive(Debug, thiserror::Error)]
pub enum FollowError {
    #[error("could not connect to Realtime")]
    Connect(#[source] Box<tokio_tungstenite::tungstenite::Error>),
    #[error("the Realtime connection broke")]
    Broken(#[source] Box<tokio_tungstenite::tungstenite::Error>),
    #[error("Realtime closed the connection")]
    Closed,
    #[error("Realtime refused the subscription: {0}")]
    Refused(String),
    #[error("Realtime did not answer")]
    Silent,
    #[error("could not read the story's row")]
    Fetch(#[source] reqwest::Error),
    #[error("the story is not there, or not this user's")]
    NotThere,
    #[error("nothing was heard of story {story} for {seconds} s: {status}")]
    Stuck {
        story: String,
        seconds: u64,
        status: Value,
    },
}

/// As the JavaScript client waits before it connects again (`RealtimeClient.ts`), but that its first try is at once.
const PAUSES: [Duration; 5] = [
    Duration::ZERO,
    Duration::from_secs(1),
    Duration::from_secs(2),
    Duration::from_secs(5),
    Duration::from_secs(10),
];

/// How the row got here.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FeedCounts {
    /// Times a subscription was made.
    pub subscriptions: u64,
    /// Times the whole row was read.
    pub fetches: u64,
    /// Changes taken from the channel.
    pub taken: u64,
    /// Changes that were older than the row, or as old.
    pub ignored: u64,
    /// Changes whose predecessor never came.
    pub gaps: u64,
}

/// The row of one story, as its owner follows it.
pub struct StoryFeed {
    place: Place,
    http: reqwest::Client,
    connection: Option<Channel>,
    row: Value,
    counts: FeedCounts,
    subscribed_at: Instant,
}

/// Whose story is where.
struct Place {
    supabase_url: String,
    anon_key: String,
    token: String,
    story: String,
}

impl StoryFeed {
    /// Subscribes as the owner of `token` and reads the row once the subscription exists. Tries a few times.
    pub async fn open(
        supabase_url: &str,
        anon_key: &str,
        token: &str,
        story: &str,
    ) -> Result<Self, FollowError> {
        let mut feed = Self {
            place: Place {
                supabase_url: supabase_url.to_owned(),
                anon_key: anon_key.to_owned(),
                token: token.to_owned(),
                story: story.to_owned(),
            },
            http: reqwest::Client::new(),
            connection: None,
            row: Value::Null,
            counts: FeedCounts::default(),
            subscribed_at: Instant::now(),
        };
        feed.connect_again(PAUSES.len()).await?;
        Ok(feed)
    }

    /// The row as far as it is known.
    pub fn row(&self) -> &Value {
        &self.row
    }

    /// Grows with every change of the row; 0 before the first reading.
    pub fn version(&self) -> u64 {
        version_of(&self.row)
    }

    pub fn counts(&self) -> FeedCounts {
        self.counts
    }

    /// When the present subscription was confirmed by the server.
    pub fn subscribed_at(&self) -> Instant {
        self.subscribed_at
    }

    /// Waits until the story is made or has failed. `heard` is shown the status of its assets, and again after each change.
    ///
    /// # Errors
    /// When nothing changed for as long as `silence_max`, or the channel cannot be followed.
    pub async fn to_the_end(
        &mut self,
        silence_max: Duration,
        mut heard: impl FnMut(&Value),
    ) -> Result<(), FollowError> {
        loop {
            let status = &self.row["asset_generation_status"];
            heard(status);
            if status["overall"] != "generating" {
                return Ok(());
            }
            let stuck = FollowError::Stuck {
                story: self.place.story.clone(),
                seconds: silence_max.as_secs(),
                status: status.clone(),
            };
            let next = tokio::time::timeout(silence_max, self.next()).await;
            next.map_err(|_| stuck)??;
        }
    }

    /// Waits until the row is newer than it was. Connects again as often as it takes.
    ///
    /// # Errors
    /// When the server refuses the subscription, or the story is not this user's any more.
    pub async fn next(&mut self) -> Result<(), FollowError> {
        loop {
            let newer = match self.hear().await {
                Ok(Heard::Change(change)) => self.take(change).await,
                Ok(Heard::SubscribedAnew | Heard::Silence) => self.fetch().await,
                Err(error) => Err(error),
            };
            match newer {
                Ok(true) => return Ok(()),
                Ok(false) => {}
                Err(error) if passes(&error) => {
                    self.connection = None;
                    if self.connect_again(usize::MAX).await? {
                        return Ok(());
                    }
                }
                Err(error) => return Err(error),
            }
        }
    }

    async fn hear(&mut self) -> Result<Heard, FollowError> {
        match &mut self.connection {
            Some(connection) => connection.hear().await,
            None => Err(FollowError::Closed),
        }
    }

    /// Whether the row became newer.
    async fn take(&mut self, change: Value) -> Result<bool, FollowError> {
        let version = version_of(&change["record"]);
        // A change that is too big for the channel comes without most of its values, perhaps without a version.
        if !change["errors"].is_null() {
            return self.fetch().await;
        }
        if version <= self.version() {
            self.counts.ignored += 1;
            return Ok(false);
        }
        if version > self.version() + 1 {
            // A column that changed in what was lost and is large is not repeated in what comes after.
            self.counts.gaps += 1;
            return self.fetch().await;
        }
        self.counts.taken += 1;
        if let (Some(row), Value::Object(record)) = (self.row.as_object_mut(), &change["record"]) {
            row.extend(record.clone());
        }
        Ok(true)
    }

    async fn fetch(&mut self) -> Result<bool, FollowError> {
        self.counts.fetches += 1;
        let place = &self.place;
        let (supabase, story) = (&place.supabase_url, &place.story);
        let url = format!("{supabase}/rest/v1/stories?id=eq.{story}");
        let request = self.http.get(url).header("apikey", &place.anon_key);
        let response = request.bearer_auth(&place.token).send().await;
        let response = response.and_then(reqwest::Response::error_for_status);
        let response = response.map_err(FollowError::Fetch)?;
        let rows: Vec<Value> = response.json().await.map_err(FollowError::Fetch)?;
        let row = rows.into_iter().next().ok_or(FollowError::NotThere)?;
        let newer = version_of(&row) > self.version();
        if newer {
            self.row = row;
        }
        Ok(newer)
    }

    async fn connect(&mut self) -> Result<bool, FollowError> {
        self.connection = Some(Channel::subscribe(&self.place).await?);
        self.subscribed_at = Instant::now();
        self.counts.subscriptions += 1;
        self.fetch().await
    }

    async fn connect_again(&mut self, tries: usize) -> Result<bool, FollowError> {
        let mut tried = 0;
        loop {
            tokio::time::sleep(PAUSES[tried.min(PAUSES.len() - 1)]).await;
            tried += 1;
            match self.connect().await {
                Err(error) if passes(&error) && tried < tries => {}
                done => return done,
            }
        }
    }
}

/// Whether connecting again may help.
fn passes(error: &FollowError) -> bool {
    !matches!(error, FollowError::Refused(_) | FollowError::NotThere)
}

fn version_of(row: &Value) -> u64 {
    row["version"].as_u64().unwrap_or(0)
}
