//! A story at work in tests: a bucket and a database in memory, and models that answer as they are told.

mod bucket;
mod database;
mod models;
mod web;

use crate::{
    Config, Deps, Prices,
    config::{ImageFallback, PictureBudget},
    decode_pool::DecodePool,
    failure::StepError,
    story_context::StoryContext,
};
use aws_sdk_s3::config::{BehaviorVersion, Credentials, Region, SharedCredentialsProvider};
use axum::{
    Router,
    body::{Bytes, to_bytes},
    extract::{Request, State},
    http::Method,
    response::Response,
};
use domain::{AssetType, StoryId};
use providers::Moderation;
use render::{colors::HexColor, placeholder::placeholder_png};
use runtime::{Deadline, Variables};
use serde_json::{Value, json};
use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Arc, Mutex},
    time::Duration,
};
use store::{AssetFiles, Cdn, LeasedJob, RestConfig, Store, StoryWork};

pub(crate) const STORY: &str = "00000000-0000-4000-8000-000000000002";
const BUCKET: &str = "assets";

/// What a check of a picture finds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Passed,
    Rejected,
    /// Of which a trait is not shown, either.
    RejectedWithoutGlasses,
    Unsafe,
    /// The provider is down.
    Unknown,
    /// It never answers.
    Pending,
    /// Whoever asks dies of it.
    Panic,
}

#[derive(Default)]
struct Seen {
    objects: BTreeMap<String, Bytes>,
    /// Method and key of each request to the bucket.
    requests: Vec<(Method, String)>,
    /// Bodies of `report_progress` and of heartbeats.
    reports: Vec<Value>,
    /// Bodies of `fail_job`.
    failures: Vec<Value>,
    /// Bodies of `release_job`.
    releases: Vec<Value>,
    /// Bodies of `complete_job`.
    completions: Vec<Value>,
    /// What the next of them are answered.
    settlements: VecDeque<Value>,
    /// How often a picture was to be checked.
    checks: usize,
    /// What the picture model was asked for.
    prompts: Vec<String>,
    verdicts: VecDeque<Verdict>,
    /// The bucket deletes nothing.
    refuses_deletes: bool,
    /// The picture model's next pictures break off in the middle.
    broken_pictures: usize,
    /// It does not answer in time.
    is_silent: bool,
    web: web::Web,
    /// It shows what it draws, and is done once this came of it.
    previews: Option<PreviewEnd>,
    /// Pictures that moderation was shown; all of them pass, or none.
    moderated: usize,
}

/// When a picture is done that was shown meanwhile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PreviewEnd {
    /// Readers were told where it is to be seen.
    Told,
    /// Moderation refused it.
    Refused,
}

/// Everything outside the content agent.
#[derive(Clone, Default)]
pub(crate) struct TestServices(Arc<Mutex<Seen>>);

impl TestServices {
    /// The clients of a process, all of them leading here; files are published under `cdn`.
    pub(crate) async fn deps(&self, cdn: &str) -> Arc<Deps> {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let router = Router::new().fallback(answer).with_state(self.clone());
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        let aws = aws_types::SdkConfig::builder()
            .http_client(runtime::SdkHttp::default())
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("us-east-1"))
            .endpoint_url(&base)
            .credentials_provider(SharedCredentialsProvider::new(Credentials::new(
                "key", "secret", None, None, "test",
            )))
            .build();
        let rest = RestConfig {
            supabase_url: base.parse().unwrap(),
            service_role_key: "key".into(),
        };
        Arc::new(Deps {
            store: Store::new(&rest, runtime::http_client()).unwrap(),
            cdn: Cdn::new(std::future::pending(), runtime::http_client(), None),
            files: AssetFiles::new(async { aws }, true, BUCKET.to_owned(), cdn.parse().unwrap()),
            text: Arc::new(self.clone()),
            pictures: Arc::new(self.clone()),
            speech: Arc::new(self.clone()),
            moderation: Moderation::new(
                &base.parse().unwrap(),
                Some("key".into()),
                runtime::http_client(),
                Duration::from_secs(5),
            ),
            web: runtime::PublicWeb::new(Some(base.parse().unwrap())),
            invoker: Arc::new(self.clone()),
            config: Config {
                lease: Duration::from_secs(60),
                max_jobs_in_flight: 10,
                notice_sender: None,
                asset_worker: "worker".to_owned(),
                image_fallback: ImageFallback::Fail,
                trait_strictness: crate::trait_strictness::TraitStrictness::default(),
                picture_quality: domain::picture_quality::PictureQuality::Medium,
                shows_previews: false,
                picture_tries: 3,
                image_models: vec!["a-model".to_owned()],
                hides_names: false,
                keeps_exchanges: false,
                picture_budget: PictureBudget {
                    time: Duration::from_secs(240),
                    usd: 0.12,
                },
                prices: Prices::from_variables(&Variables::from_pairs([])).unwrap(),
            },
            decode_pool: DecodePool::default(),
            model_watch: crate::model_watch::ModelWatch::default(),
        })
    }

    /// The story [`STORY`], whose art direction is known and whose cover has this address.
    pub(crate) async fn story(&self, cdn: &str, cover: Option<&str>) -> StoryContext {
        let mut story = story_work();
        if let Some(url) = cover {
            story.view.assets.insert(
                AssetType::Cover,
                serde_json::from_value(json!({"status": "ready", "url": url, "version": 1}))
                    .unwrap(),
            );
        }
        StoryContext::new(
            self.deps(cdn).await,
            story,
            Deadline::after(Duration::from_secs(60)),
        )
    }

    pub(crate) fn hold(&self, key: &str, bytes: Bytes) {
        self.0.lock().unwrap().objects.insert(key.to_owned(), bytes);
    }

    pub(crate) fn keys(&self) -> Vec<String> {
        self.0.lock().unwrap().objects.keys().cloned().collect()
    }

    /// How often the bucket was asked like this.
    pub(crate) fn count(&self, method: &Method, key: &str) -> usize {
        let seen = self.0.lock().unwrap();
        let same = |request: &&(Method, String)| request.0 == *method && request.1 == key;
        seen.requests.iter().filter(same).count()
    }

    /// The next checks of pictures; the others pass.
    pub(crate) fn judge(&self, verdicts: impl IntoIterator<Item = Verdict>) {
        self.0.lock().unwrap().verdicts = verdicts.into_iter().collect();
    }

    /// From now on the bucket deletes nothing.
    pub(crate) fn refuse_deletes(&self) {
        self.0.lock().unwrap().refuses_deletes = true;
    }

    /// The next pictures break off in the middle.
    pub(crate) fn break_pictures(&self, count: usize) {
        self.0.lock().unwrap().broken_pictures = count;
    }

    /// From now on the picture model does not answer in time.
    pub(crate) fn silence_pictures(&self) {
        self.0.lock().unwrap().is_silent = true;
    }

    /// From now on what is drawn is shown, and moderation judges it like this.
    pub(crate) fn show_previews(&self, until: PreviewEnd) {
        self.0.lock().unwrap().previews = Some(until);
    }

    /// How often moderation was shown a picture.
    pub(crate) fn moderated(&self) -> usize {
        self.0.lock().unwrap().moderated
    }

    /// Every address of a preview that the database was told of; null where it is to be hidden.
    pub(crate) fn told_previews(&self) -> Vec<Value> {
        let seen = self.0.lock().unwrap();
        let reports = seen.reports.iter();
        let jobs = reports.flat_map(|report| report["p_jobs"].as_array().into_iter().flatten());
        let told = jobs.filter_map(|job| job["metadata"].get("previewUrl"));
        told.cloned().collect()
    }

    /// Calls beyond those of a lease that reports told of: pictures, texts.
    pub(crate) fn told_extra_calls(&self) -> [u64; 2] {
        let seen = self.0.lock().unwrap();
        let told = |kind: &str| {
            let reports = seen.reports.iter();
            let jobs = reports.flat_map(|report| report["p_jobs"].as_array().into_iter().flatten());
            jobs.filter_map(|job| job["extraCalls"][kind].as_u64())
                .sum()
        };
        ["picture", "text"].map(told)
    }

    /// How many reports the database was sent.
    pub(crate) fn reports(&self) -> usize {
        self.0.lock().unwrap().reports.len()
    }

    /// Keys of the paid calls that reports told of, once each time.
    pub(crate) fn told_usage(&self) -> Vec<String> {
        let seen = self.0.lock().unwrap();
        let reports = seen.reports.iter();
        let jobs = reports.flat_map(|report| report["p_jobs"].as_array().into_iter().flatten());
        let usage = jobs.flat_map(|job| job["usage"].as_array().into_iter().flatten());
        usage
            .filter_map(|entry| Some(entry["callKey"].as_str()?.to_owned()))
            .collect()
    }

    /// What the database was told of failed jobs.
    pub(crate) fn failures(&self) -> Vec<Value> {
        self.0.lock().unwrap().failures.clone()
    }

    /// What the database was told of jobs that were handed back.
    pub(crate) fn releases(&self) -> Vec<Value> {
        self.0.lock().unwrap().releases.clone()
    }

    /// The next finished jobs are answered like this; the others are accepted, and nothing follows.
    pub(crate) fn settle(&self, settlements: impl IntoIterator<Item = Value>) {
        self.0.lock().unwrap().settlements = settlements.into_iter().collect();
    }

    /// What the database was told of finished jobs.
    pub(crate) fn completions(&self) -> Vec<Value> {
        self.0.lock().unwrap().completions.clone()
    }

    /// How often a picture was to be checked.
    pub(crate) fn checks(&self) -> usize {
        self.0.lock().unwrap().checks
    }

    pub(crate) fn prompts(&self) -> Vec<String> {
        self.0.lock().unwrap().prompts.clone()
    }

    /// What the reports left as checkpoint of the job.
    pub(crate) fn checkpoint(&self) -> Value {
        let seen = self.0.lock().unwrap();
        let mut merged = serde_json::Map::new();
        for report in &seen.reports {
            if let Some(checkpoint) = report["p_jobs"][0]["checkpoint"].as_object() {
                merged.extend(checkpoint.clone());
            }
        }
        merged.into()
    }
}

/// A picture like no other of this number.
pub(crate) fn picture(number: u8) -> Bytes {
    placeholder_png(256, [HexColor::new(number, 90, 90); 3]).into()
}

pub(crate) fn job(asset: AssetType, attempt: u32, options: Value, checkpoint: Value) -> LeasedJob {
    LeasedJob {
        job_id: "00000000-0000-4000-8000-000000000001".parse().unwrap(),
        story_id: story_id(),
        asset_type: asset,
        lease_token: "00000000-0000-4000-8000-000000000003".parse().unwrap(),
        attempt,
        retry_count: attempt - 1,
        max_retries: 3,
        asset_version: 0,
        progress: 0,
        typical_seconds: None,
        earlier_version_stands: false,
        finished: None,
        checkpoint,
        options,
    }
}

fn story_id() -> StoryId {
    STORY.parse().unwrap()
}

pub(crate) fn art(motif: &str) -> Value {
    let step = json!({"name": "Warm dusk", "colors": ["#102030", "#203040", "#304050"]});
    let scene = json!({"action": "walks", "cameraAngle": "low", "depth": "deep", "atmosphere": "dusk",
        "pose": "upright", "description": "A dragon walks to a lamp."});
    json!({"journey": {"motif": motif, "steps": [step, step, step, step, step]},
        "scenes": {"0": scene, "1": scene, "2": scene, "3": scene, "4": scene}})
}

pub(crate) fn story_work() -> StoryWork {
    let beat = json!({"heading": "Night", "text": "Ember saw a small lamp and walked to it with a very brave heart.",
        "dialogue": [], "sceneDescription": "A dragon walks to a lamp."});
    let content = json!({"title": "The Small Lamp", "moral": "Small lights help.", "beats": [beat, beat, beat, beat]});
    serde_json::from_value(json!({
        "storyId": STORY, "userId": STORY, "title": "The Small Lamp", "content": content,
        "request": {"character_ids": ["00000000-0000-4000-8000-000000000009"], "story_type": "adventure", "themes": [], "asset_types": []},
        "characters": [],
        "view": {"assets": {"content": {"status": "ready", "version": 1}}, "hue": {}, "art": art("a lamp")}}))
    .unwrap()
}

async fn answer(State(services): State<TestServices>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let body = to_bytes(body, usize::MAX).await.unwrap();
    let path = parts.uri.path().trim_start_matches('/');
    let mut seen = services.0.lock().unwrap();
    if path == "moderations" {
        return database::moderate(&mut seen, &body);
    }
    match path.split_once('/') {
        Some(("rest", function)) => {
            let function = function.strip_prefix("v1/rpc/").unwrap();
            database::answer(&mut seen, function, &body)
        }
        _ if path.starts_with(BUCKET) => bucket::answer(&mut seen, &parts, body),
        _ => seen.web.answer(parts.uri.path()),
    }
}

/// The codes of what failed, for those who compare.
pub(crate) fn code(error: StepError, asset: AssetType) -> &'static str {
    error.into_failure(asset).code.code()
}
