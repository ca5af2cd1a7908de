//! The sheet of a character: one picture of it from all sides, drawn, and checked as every other picture is.

use super::{
    check::{Verdict, shrink},
    record::{Finding, Purchase},
};
use crate::{
    Deps,
    asking::ask_until_usable,
    failure::StepError,
    prompt, references,
    stand_in_names::{HidesNames, StandInNames},
    usage,
};
use bytes::Bytes;
use domain::character::Character;
use providers::{
    CallCount, ErrorKind, OpenOrders, PictureBytes, PictureCall, PictureFormat, PictureModel,
    Previews, ProviderError, References, TextModel, TextModelRole,
};
use render::picture::PictureError;
use runtime::Deadline;
use std::collections::BTreeMap;
use store::{LeasedSheet, UsageEntry};

/// One picture, and one more.
const TRIES: u32 = 2;

/// Draws until a picture passes its check, PNG. What each call cost is told before the next one is paid for.
///
/// # Errors
/// [`StepError::LeaseLost`] when it is somebody else's to draw by now; [`StepError::CheckFailed`] when none has passed.
pub(crate) async fn draw(
    deps: &Deps,
    leased: &LeasedSheet,
    deadline: Deadline,
) -> Result<Bytes, StepError> {
    let hero = &leased.hero;
    let names = match deps.config.hides_names {
        true => StandInNames::of_one(hero),
        false => StandInNames::default(),
    };
    let attempt = SheetAttempt {
        deps,
        leased,
        names: &names,
        deadline,
    };
    let states = BTreeMap::from([(hero.id, leased.references.clone())]);
    let heroes = std::slice::from_ref(hero);
    let brought = references::of_characters(deps, heroes, states, deadline).await?;
    let mut references = match references::pictures(&brought) {
        pictures if pictures.is_empty() => References::None,
        pictures => References::Pictures(pictures),
    };
    let (mut feedback, mut left_usd) = (String::new(), deps.config.picture_budget.usd);
    for number in 1..=TRIES {
        if left_usd < deps.config.prices.least_picture_usd(None, &references) {
            break;
        }
        let (picture, cost_usd) = attempt.draw(&references, &feedback, left_usd).await?;
        left_usd -= cost_usd;
        let picture = match picture {
            Ok(picture) => picture,
            // What a user brought along may be why; the hero is described without it as well.
            Err(error)
                if is_about_references(&error) && number < TRIES && references.count() > 0 =>
            {
                references = References::None;
                continue;
            }
            Err(error) => return Err(error.into()),
        };
        let (png, thumbnail) = develop(deps, picture).await?;
        let verdict = attempt.check(thumbnail).await?;
        let strictness = &deps.config.trait_strictness;
        let asked = prompt::checked_traits(heroes, strictness);
        let finding = Finding::new(number, verdict, asked, strictness, Purchase::default());
        if finding.passed || (number == TRIES && finding.lacks_only_what_is_wanted()) {
            return Ok(png);
        }
        tracing::warn!(
            attempt = number,
            isSafe = finding.safe,
            missingTraits = finding.missing(),
            "Character sheet did not pass its check"
        );
        feedback = match finding.feedback.as_str() {
            "" => String::new(),
            wrong => format!("\n\nFeedback: {wrong}"),
        };
    }
    Err(StepError::CheckFailed)
}

fn is_about_references(error: &ProviderError) -> bool {
    matches!(
        error.kind,
        ErrorKind::Refused | ErrorKind::ReferenceUnreadable { .. }
    )
}

/// The picture as PNG, and a small JPEG to be looked at.
async fn develop(deps: &Deps, picture: PictureBytes) -> Result<(Bytes, Bytes), StepError> {
    let permit = deps.decode_pool.acquire().await;
    let developing = move || {
        let (pixels, thumbnail) = shrink(&picture)?;
        let png = match picture.format() {
            PictureFormat::Png => picture.bytes().clone(),
            _ => render::picture::png(&pixels)?.into(),
        };
        Ok((png, thumbnail))
    };
    let developed = permit.run_urgent(developing).await?;
    developed.map_err(|error: PictureError| StepError::Picture(error.into()))
}

/// Who draws one sheet under its lease.
struct SheetAttempt<'a> {
    deps: &'a Deps,
    leased: &'a LeasedSheet,
    names: &'a StandInNames,
    deadline: Deadline,
}

impl SheetAttempt<'_> {
    fn hero(&self) -> &Character {
        &self.leased.hero
    }

    /// Asks once; answers what it cost as well, US dollars.
    async fn draw(
        &self,
        references: &References,
        feedback: &str,
        left_usd: f64,
    ) -> Result<(Result<PictureBytes, ProviderError>, f64), StepError> {
        let pictures = HidesNames {
            model: self.deps.pictures.as_ref(),
            names: self.names,
        };
        let call = PictureCall {
            prompt: prompt::character_sheet(self.hero(), references.count() > 0) + feedback,
            references: references.clone(),
            deadline: self.deadline.instant(),
            left_usd,
            has_stand_in: false,
            sent: CallCount::default(),
            previews: Previews::default(),
            orders: OpenOrders::default(),
        };
        let mut billed = Vec::new();
        let picture = pictures.draw(&call, &mut billed).await;
        let prices = &self.deps.config.prices;
        let entries = billed.iter().map(|call| usage::picture(call, prices));
        let entries: Vec<_> = entries.collect();
        self.note(&entries).await?;
        Ok((picture, entries.iter().map(|entry| entry.cost_usd).sum()))
    }

    async fn check(&self, thumbnail: Bytes) -> Result<Verdict, StepError> {
        let model = HidesNames {
            model: self.deps.text.as_ref(),
            names: self.names,
        };
        let question = prompt::image_check(
            "character_sheet",
            std::slice::from_ref(self.hero()),
            &self.deps.config.trait_strictness,
            thumbnail,
        );
        let call = question.into_call(TextModelRole::Analysis, self.deadline.instant());
        let (kind, mut billed) = (call.name, Vec::new());
        let verdict = ask_until_usable(&model as &dyn TextModel, call, &mut billed, Ok).await;
        let prices = &self.deps.config.prices;
        let entries = billed.iter().map(|call| usage::text(call, kind, prices));
        self.note(&entries.collect::<Vec<_>>()).await?;
        verdict
    }

    /// Tells what calls cost, and learns whether the sheet is still ours to draw.
    async fn note(&self, usage: &[UsageEntry]) -> Result<(), StepError> {
        match self.deps.store.note_sheet(self.leased, usage, None).await? {
            true => Ok(()),
            false => Err(StepError::LeaseLost),
        }
    }
}
