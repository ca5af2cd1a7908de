//! One picture asked for: in which words and from which references, and what is left out after a refusal.

use crate::{
    prices::Prices,
    prompt::{PictureBrief, Wording, words},
    references::UnusedReferences,
};
use domain::reference::ReferenceStatus;
use providers::{
    CallCount, CallUsage, ErrorKind, OpenOrders, PictureBytes, PictureCall, PictureModel, Previews,
    ProviderError, References,
};
use std::time::Instant;

/// How often one picture is asked for without some of the references before all of them are left out.
const UNREADABLE_MAX: u32 = 3;

/// A picture being asked for. What a refusal taught holds for its further tries too.
pub(super) struct Drawing<'a> {
    pub(super) pictures: &'a dyn PictureModel,
    pub(super) brief: &'a PictureBrief<'a>,
    pub(super) references: References,
    pub(super) unused: &'a UnusedReferences,
    pub(super) wording: Wording,
    pub(super) prices: &'a Prices,
    /// What may still be paid for it, US dollars.
    pub(super) left_usd: f64,
    /// Of the requests to providers, over all of its tries.
    pub(super) sent: CallCount,
    pub(super) deadline: Instant,
    /// The words it was asked for in the last time.
    pub(super) prompt: String,
    /// Where it is shown while it is drawn.
    pub(super) previews: Previews,
    /// What was ordered and not fetched, by this try and those before it.
    pub(super) orders: OpenOrders,
}

impl Drawing<'_> {
    /// Asks until there is a picture, or a failure that neither plainer words nor fewer references help.
    ///
    /// A reference nobody can read costs only itself. A refusal is answered with plainer words; where these are refused too,
    /// what a user brought along is left out once, and then less and less is to be seen. A picture of ours has been looked at
    /// before, so that it is not suspected, unless the same filter refused the user's own.
    pub(super) async fn draw(
        &mut self,
        feedback: &str,
        billed: &mut Vec<CallUsage>,
    ) -> Result<PictureBytes, ProviderError> {
        let mut unreadable = 0;
        let begun = billed.len();
        loop {
            let spent = billed.iter().skip(begun);
            let spent: f64 = spent.map(|call| self.prices.picture_usd(call)).sum();
            let references = self.usable_references();
            self.prompt = self.words(&references) + feedback;
            let call = PictureCall {
                prompt: self.prompt.clone(),
                references,
                deadline: self.deadline,
                left_usd: self.left_usd - spent,
                has_stand_in: false,
                sent: self.sent.clone(),
                previews: self.previews.clone(),
                orders: self.orders.clone(),
            };
            let error = match self.pictures.draw(&call, billed).await {
                Ok(picture) => return Ok(picture),
                Err(error) => error,
            };
            // A filter that looked at the whole picture may have seen what nobody should.
            self.previews.take_back();
            match error.kind {
                ErrorKind::ReferenceUnreadable { index }
                    if !matches!(call.references, References::None) =>
                {
                    unreadable += 1;
                    let index = index.filter(|_| unreadable <= UNREADABLE_MAX);
                    self.leave_out(&call.references, index, ReferenceStatus::Unreadable);
                }
                ErrorKind::Refused
                    if self.wording >= Wording::Plain && self.may_suspect(&call.references) =>
                {
                    self.leave_out(&call.references, None, ReferenceStatus::Refused);
                }
                ErrorKind::Refused => {
                    let Some(plainer) = self.wording.plainer() else {
                        return Err(error);
                    };
                    tracing::warn!(wording = ?plainer, "Picture refused by a safety filter, asking in plainer words");
                    self.wording = plainer;
                }
                _ => return Err(error),
            }
        }
    }

    fn usable_references(&self) -> References {
        match &self.references {
            _ if !self.wording.shows_characters() => References::None,
            References::Pictures(pictures) => match self.unused.usable(pictures) {
                usable if usable.is_empty() => References::None,
                usable => References::Pictures(usable),
            },
            other => other.clone(),
        }
    }

    fn words(&self, references: &References) -> String {
        let brief = PictureBrief {
            has_reference: !matches!(references, References::None),
            ..*self.brief
        };
        words(&brief, self.wording)
    }

    fn may_suspect(&self, references: &References) -> bool {
        match references {
            References::None => false,
            References::Pictures(_) => true,
            References::Picture(_) => self.unused.any_was_refused(),
        }
    }

    /// Leaves out the reference at a place of those that were sent, or all of them.
    fn leave_out(&mut self, sent: &References, index: Option<usize>, reason: ReferenceStatus) {
        let (all, count) = match sent {
            References::Pictures(pictures) => (pictures.as_slice(), pictures.len()),
            _ => (&[] as &[PictureBytes], 1),
        };
        let named = index.and_then(|index| all.get(index));
        tracing::warn!(
            ?reason,
            index = named.and(index),
            count,
            "Reference picture is of no use, asking without it"
        );
        match (named, sent) {
            (Some(picture), _) => self.unused.leave_out([picture], reason),
            (None, References::Pictures(pictures)) => self.unused.leave_out(pictures, reason),
            (None, _) => self.references = References::None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::story::{PaletteStep, SceneAnalysis};
    use serde_json::json;
    use std::{sync::Mutex, time::Duration};

    type Answering = fn(&PictureCall) -> Result<(), ErrorKind>;

    struct Scripted {
        answering: Answering,
        calls: Mutex<Vec<PictureCall>>,
    }

    fn picture() -> PictureBytes {
        let palette = [render::colors::HexColor::new(1, 2, 3); 3];
        let bytes = render::placeholder::placeholder_png(256, palette);
        PictureBytes::parse(bytes.into()).expect("a picture")
    }

    #[async_trait::async_trait]
    impl PictureModel for Scripted {
        async fn draw(
            &self,
            call: &PictureCall,
            billed: &mut Vec<CallUsage>,
        ) -> Result<PictureBytes, ProviderError> {
            self.calls
                .lock()
                .expect("no holder panics")
                .push(call.clone());
            match (self.answering)(call) {
                Ok(()) => {
                    billed.push(CallUsage::default());
                    Ok(picture())
                }
                Err(kind) => Err(ProviderError::of_kind("OpenAI", "draw a picture", kind)),
            }
        }
    }

    /// What a user brought, by its number.
    fn brought(number: u8) -> PictureBytes {
        PictureBytes::parse(crate::test_services::picture(number * 20)).expect("a picture")
    }

    fn number_of(picture: &PictureBytes) -> String {
        let number = (1..10).find(|number| brought(*number) == *picture);
        number.expect("one of those").to_string()
    }

    /// Which references each call had: their numbers, `cover`, or nothing; and the prompt of the last.
    async fn draw(
        answering: Answering,
        references: References,
        unused: &UnusedReferences,
    ) -> (Result<PictureBytes, ProviderError>, Vec<String>, String) {
        let pictures = Scripted {
            answering,
            calls: Mutex::default(),
        };
        let step: PaletteStep =
            serde_json::from_value(json!({"name": "dusk", "colors": ["#000000"]})).expect("a step");
        let analysis: SceneAnalysis = serde_json::from_value(
            json!({"action": "runs", "cameraAngle": "low", "depth": "deep", "atmosphere": "calm", "pose": "up", "description": "A run"}),
        )
        .expect("an analysis");
        let brief = PictureBrief {
            index: 0,
            characters: &[],
            step: &step,
            motif: "kite",
            analysis: &analysis,
            scene: "A dragon",
            style: None,
            has_reference: true,
        };
        let prices = Prices::from_variables(&runtime::Variables::from_pairs([])).expect("prices");
        let mut drawing = Drawing {
            pictures: &pictures,
            brief: &brief,
            references,
            unused,
            wording: Wording::Full,
            prices: &prices,
            left_usd: f64::INFINITY,
            sent: CallCount::default(),
            deadline: Instant::now() + Duration::from_secs(60),
            prompt: String::new(),
            previews: Previews::default(),
            orders: OpenOrders::default(),
        };
        let picture = drawing.draw("", &mut Vec::new()).await;
        let calls = pictures.calls.into_inner().expect("no holder panics");
        let prompt = calls.last().map(|call| call.prompt.clone());
        let references = calls.iter().map(|call| match &call.references {
            References::None => String::new(),
            References::Picture(_) => "cover".to_owned(),
            References::Pictures(pictures) => {
                pictures.iter().map(number_of).collect::<Vec<_>>().join(" ")
            }
        });
        (picture, references.collect(), prompt.unwrap_or_default())
    }

    const UNREADABLE: ErrorKind = ErrorKind::ReferenceUnreadable { index: None };

    #[tokio::test]
    async fn a_reference_nobody_can_read_is_left_out_and_the_next_picture_does_not_try_it_again() {
        let unused = UnusedReferences::default();
        let answering: Answering = |call| match call.references {
            References::None => Ok(()),
            _ => Err(UNREADABLE),
        };
        let references = References::Pictures(vec![brought(1)]);
        let (picture, asked, prompt) = draw(answering, references.clone(), &unused).await;
        assert!(picture.is_ok());
        assert_eq!(asked, ["1", ""]);
        assert!(!prompt.contains("as in the reference"), "{prompt}");
        let (picture, asked, _) = draw(answering, references, &unused).await;
        assert!(picture.is_ok());
        assert_eq!(asked, [""]);
    }

    #[tokio::test]
    async fn one_bad_reference_among_good_ones_costs_itself_alone_where_it_is_named() {
        let unused = UnusedReferences::default();
        let references = [1, 2, 3, 4].map(brought).to_vec();
        let answering: Answering = |call| match &call.references {
            References::Pictures(sent) => match sent.iter().position(|one| *one == brought(2)) {
                Some(index) => Err(ErrorKind::ReferenceUnreadable { index: Some(index) }),
                None => Ok(()),
            },
            _ => Ok(()),
        };
        let (picture, asked, prompt) =
            draw(answering, References::Pictures(references), &unused).await;
        assert!(picture.is_ok());
        assert_eq!(asked, ["1 2 3 4", "1 3 4"]);
        assert!(prompt.contains("as in the reference"));
    }

    #[tokio::test]
    async fn many_bad_references_do_not_cost_a_call_each() {
        let references = [1, 2, 3, 4, 5, 6].map(brought).to_vec();
        let unused = UnusedReferences::default();
        let answering: Answering = |call| match call.references {
            References::None => Ok(()),
            _ => Err(ErrorKind::ReferenceUnreadable { index: Some(0) }),
        };
        let (picture, asked, _) = draw(answering, References::Pictures(references), &unused).await;
        assert!(picture.is_ok());
        assert_eq!(asked.len() as u32, 1 + UNREADABLE_MAX + 1);
    }

    #[tokio::test]
    async fn a_photo_that_is_refused_in_plainer_words_too_is_left_out_the_third_time() {
        let unused = UnusedReferences::default();
        let answering: Answering = |call| match call.references {
            References::Pictures(_) => Err(ErrorKind::Refused),
            _ => Ok(()),
        };
        let references = References::Pictures(vec![brought(7)]);
        let (picture, asked, _) = draw(answering, references.clone(), &unused).await;
        assert!(picture.is_ok());
        assert_eq!(asked, ["7", "7", ""]);
        let (_, asked, _) = draw(answering, references, &unused).await;
        assert_eq!(asked, [""], "the next picture is not refused for it again");
    }

    #[tokio::test]
    async fn a_refusal_without_a_users_reference_leads_down_to_a_symbol_and_is_final_after_it() {
        for (references, sent) in [
            (References::None, ["", "", "", ""]),
            (
                References::Picture(picture()),
                ["cover", "cover", "cover", ""],
            ),
        ] {
            let unused = UnusedReferences::default();
            let answering: Answering = |_| Err(ErrorKind::Refused);
            let (picture, asked, prompt) = draw(answering, references, &unused).await;
            assert_eq!(picture.expect_err("no picture").kind, ErrorKind::Refused);
            assert_eq!(asked, sent);
            assert!(prompt.contains("Subject: kite\n"), "{prompt}");
        }
    }

    #[tokio::test]
    async fn a_picture_that_is_refused_as_asked_may_pass_from_far_away() {
        let unused = UnusedReferences::default();
        let answering: Answering = |call| match call.prompt.contains("from far away") {
            true => Ok(()),
            false => Err(ErrorKind::Refused),
        };
        let (picture, asked, _) = draw(answering, References::Picture(picture()), &unused).await;
        assert!(picture.is_ok());
        assert_eq!(asked, ["cover"; 3]);
    }

    #[tokio::test]
    async fn a_filter_that_refused_a_users_photo_may_refuse_the_cover_as_well() {
        let unused = UnusedReferences::default();
        unused.leave_out([&brought(7)], ReferenceStatus::Refused);
        let answering: Answering = |call| match call.references {
            References::None => Ok(()),
            _ => Err(ErrorKind::Refused),
        };
        let (picture, asked, _) = draw(answering, References::Picture(picture()), &unused).await;
        assert!(picture.is_ok());
        assert_eq!(asked, ["cover", "cover", ""]);
    }
}
