//! What the jobs of one story share while one invocation makes them: the story, its art direction, and the pictures made
//! or fetched so far.

use crate::{
    Deps, Report,
    art::Art,
    exchanges::Exchanges,
    failure::StepError,
    prompt::Plot,
    references::{self, UnusedReferences, UserReference},
    stand_in_names::StandInNames,
    telling::Telling,
};
use bytes::Bytes;
use domain::{
    AssetType,
    story::{Beat, Outline, StoryText},
};
use providers::PictureBytes;
use runtime::Deadline;
use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};
use store::{AssetView, StoryView, StoryWork};
use tokio::sync::{Notify, OnceCell};

/// One story as it stood when a job of it began: a job keeps the text and the inputs it began with, whatever becomes of
/// them meanwhile. Those who begin later get a context of their own, which shares what was made.
#[derive(Clone)]
pub(crate) struct StoryContext {
    pub(crate) deps: Arc<Deps>,
    pub(crate) deadline: Deadline,
    pub(crate) work: Arc<StoryWork>,
    /// What providers call its characters.
    pub(crate) names: Arc<StandInNames>,
    /// The text, once it is there.
    text: Option<Arc<StoryText>>,
    /// What it is about, once that is known.
    outline: Option<Arc<Outline>>,
    /// While it is written here.
    pub(crate) telling: Arc<Telling>,
    /// Of this text.
    pub(crate) art: Arc<Art>,
    /// Of its characters.
    pub(crate) unused_references: Arc<UnusedReferences>,
    /// The assets as they stand; newer than `work` once jobs were leased here.
    view: Arc<StoryView>,
    files: Arc<KnownFiles>,
    /// What is asked of providers for it, where that is kept.
    pub(crate) exchanges: Option<Arc<Exchanges>>,
    /// There is something to be shown sooner than the next heartbeat is due.
    pub(crate) news: Arc<Notify>,
}

/// What the jobs made and fetched, by the address of its file: a new version is another file.
#[derive(Default)]
struct KnownFiles {
    /// Whoever asks first fetches it, and the others wait for that.
    pictures: Mutex<HashMap<String, Arc<OnceCell<PictureBytes>>>>,
    prints: Mutex<HashMap<String, Bytes>>,
    references: OnceCell<Vec<UserReference>>,
    /// Held while the book's page is made, so that whichever of book and voice comes last makes it of both.
    web: tokio::sync::Mutex<ForTheWeb>,
}

/// What the book's page is made of, as far as it came about in this invocation.
#[derive(Default)]
pub(crate) struct ForTheWeb {
    /// The text and the assets that a book was bound from, and its version.
    pub(crate) bound: Option<(Arc<StoryText>, Arc<StoryView>, u32)>,
    /// Version of the text that was read aloud, and the recording's address.
    pub(crate) voice: Option<(u32, String)>,
}

impl StoryContext {
    pub(crate) fn new(deps: Arc<Deps>, work: StoryWork, deadline: Deadline) -> Self {
        let names = match deps.config.hides_names {
            true => StandInNames::new(&work.characters, &work.request),
            false => StandInNames::default(),
        };
        Self {
            exchanges: deps.config.keeps_exchanges.then(|| {
                let exchanges = Exchanges::of(work.story_id, deps.files.clone());
                Arc::new(exchanges)
            }),
            deps,
            deadline,
            names: Arc::new(names),
            text: work.text().ok().map(Arc::new),
            outline: work.outline().map(Arc::new),
            telling: Arc::default(),
            art: Arc::new(art_of(&work.view)),
            view: Arc::new(work.view.clone()),
            work: Arc::new(work),
            unused_references: Arc::default(),
            files: Arc::default(),
            news: Arc::default(),
        }
    }

    /// The text. A job that needs it is never claimed before it is there.
    pub(crate) fn text(&self) -> Result<&StoryText, StepError> {
        self.text.as_deref().ok_or(StepError::MissingInput)
    }

    /// Whether it began before there was a text, which may come to nothing yet.
    pub(crate) fn is_ahead_of_text(&self) -> bool {
        self.text.is_none()
    }

    /// What the story is about.
    pub(crate) fn plot(&self) -> Result<Plot<'_>, StepError> {
        match &self.outline {
            Some(outline) => Ok(Plot::Outline(outline)),
            None => self.text().map(Plot::Text),
        }
    }

    pub(crate) fn title(&self) -> Result<&str, StepError> {
        Ok(match self.text() {
            Ok(text) => &text.title,
            Err(missing) => &self.outline.as_ref().ok_or(missing)?.title,
        })
    }

    /// A beat, counted from 0; waited for while the text is written here.
    pub(crate) async fn beat(&self, index: usize) -> Result<Beat, StepError> {
        let beat = match &self.text {
            Some(text) => text.beats.get(index).cloned(),
            None => self.telling.beat(index).await,
        };
        beat.ok_or(StepError::MissingInput)
    }

    /// The context of those who begin while the text is written that this is the outline of.
    pub(crate) fn with_outline(&self, outline: Outline) -> Self {
        Self {
            outline: Some(Arc::new(outline)),
            ..self.clone()
        }
    }

    /// The context of those who begin once this text is published. Art direction of an older one is not theirs.
    pub(crate) fn with_text(&self, text: StoryText) -> Self {
        let art = match self.text {
            Some(_) => Arc::default(),
            None => Arc::clone(&self.art),
        };
        let manuscript = self.telling.manuscript();
        let outline = manuscript.map(|written| Arc::new(written.outline.clone()));
        Self {
            text: Some(Arc::new(text)),
            // Who did not write it here knew what it is about.
            outline: outline.or_else(|| self.outline.clone()),
            art,
            ..self.clone()
        }
    }

    /// The context of those who begin with the story as the database answered with jobs leased here.
    pub(crate) fn with_view(&self, view: StoryView) -> Self {
        let art = if text_version(&view) == self.art.text_version() {
            self.art.learn(&view.art);
            Arc::clone(&self.art)
        } else {
            Arc::new(art_of(&view))
        };
        Self {
            art,
            view: Arc::new(view),
            ..self.clone()
        }
    }

    /// Keeps a finished picture for the scenes that are drawn from it.
    pub(crate) fn keep_picture(&self, url: &str, picture: PictureBytes) {
        let cell = Arc::new(OnceCell::new_with(Some(picture)));
        let mut pictures = self.files.pictures.lock().expect("no holder panics");
        pictures.insert(url.to_owned(), cell);
    }

    /// Keeps the print of a finished picture for the book.
    pub(crate) fn keep_print(&self, url: &str, print: Bytes) {
        let mut prints = self.files.prints.lock().expect("no holder panics");
        prints.insert(url.to_owned(), print);
    }

    /// A picture for the book: its print, if it was made here, else its file.
    pub(crate) async fn printable(&self, asset: AssetType) -> Result<Option<Bytes>, StepError> {
        let Some(url) = self.url(asset) else {
            return Ok(None);
        };
        let print = {
            let prints = self.files.prints.lock().expect("no holder panics");
            prints.get(url).cloned()
        };
        match print {
            Some(print) => Ok(Some(print)),
            None => Ok(Some(self.fetch_once(url).await?.bytes().clone())),
        }
    }

    /// Stores what was asked of providers, with what became of it.
    pub(crate) async fn store_exchanges(&self, report: &Report) {
        if let Some(exchanges) = &self.exchanges {
            exchanges.store(&self.work, &report.assets).await;
        }
    }

    pub(crate) fn for_the_web(&self) -> &tokio::sync::Mutex<ForTheWeb> {
        &self.files.web
    }

    /// The text with the assets as they stand; `None` before there is a text.
    pub(crate) fn as_bound(&self) -> Option<(Arc<StoryText>, Arc<StoryView>)> {
        Some((self.text.clone()?, Arc::clone(&self.view)))
    }

    /// Version of the text that its jobs work from, which may be written yet.
    pub(crate) fn text_version(&self) -> u32 {
        text_version(&self.view)
    }

    /// What is known of an asset.
    pub(crate) fn asset(&self, asset: AssetType) -> Option<&AssetView> {
        self.view.assets.get(&asset)
    }

    fn url(&self, asset: AssetType) -> Option<&str> {
        self.asset(asset)?.url.as_deref()
    }

    /// The colours of a picture, `#RRGGBB`.
    pub(crate) fn colors_of(&self, asset: AssetType) -> Vec<String> {
        self.view.hue.get(&asset).cloned().unwrap_or_default()
    }

    /// A picture of this story: made here, or fetched once. `None` when there is none, or only a placeholder.
    pub(crate) async fn picture(
        &self,
        asset: AssetType,
    ) -> Result<Option<PictureBytes>, StepError> {
        match self.asset(asset) {
            Some(AssetView {
                url: Some(url),
                is_placeholder: false,
                ..
            }) => self.fetch_once(url).await.map(Some),
            _ => Ok(None),
        }
    }

    /// What users brought of its characters, fetched once.
    pub(crate) async fn references(&self) -> Result<&[UserReference], StepError> {
        let cell = &self.files.references;
        let fetch = || references::of_story(&self.deps, &self.work, self.deadline);
        cell.get_or_try_init(fetch).await.map(Vec::as_slice)
    }

    /// The picture published under an address. However many ask for it at once, it is fetched once.
    async fn fetch_once(&self, url: &str) -> Result<PictureBytes, StepError> {
        let cell = {
            let mut pictures = self.files.pictures.lock().expect("no holder panics");
            Arc::clone(pictures.entry(url.to_owned()).or_default())
        };
        // Whoever fails to fetch it leaves the cell empty, and the next one tries again.
        cell.get_or_try_init(|| self.fetch(url)).await.cloned()
    }

    async fn fetch(&self, url: &str) -> Result<PictureBytes, StepError> {
        let story = self.work.story_id;
        let Some(bytes) = self.deps.files.get_published(story, url).await? else {
            tracing::error!("An asset's address is none of a file of its story");
            return Err(StepError::MissingInput);
        };
        PictureBytes::parse(bytes).map_err(|error| StepError::Picture(error.into()))
    }
}

/// The version of the text that is worked from; 0 before there is one.
pub(crate) fn text_version(view: &StoryView) -> u32 {
    let text = view.assets.get(&AssetType::Content);
    text.map_or(0, |text| text.version)
}

fn art_of(view: &StoryView) -> Art {
    Art::from_checkpoint(text_version(view), &view.art)
}

#[cfg(test)]
mod tests;
