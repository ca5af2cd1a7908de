//! Who draws pictures, in order: another provider is asked where the one before it cannot deliver, and the money reaches for it.

use crate::prices::Prices;
use providers::{
    CallUsage, ErrorKind, OpenOrders, PictureBytes, PictureCall, PictureModel, ProviderError,
};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

/// A rate limit that ends this soon is waited for in the queue: all pictures of a book by one hand look alike.
const NEAR_END: Duration = Duration::from_secs(20);
/// With less time than this left nobody else is asked.
const TIME_FOR_ANOTHER: Duration = Duration::from_secs(15);

/// One that did not deliver is asked last for so long: the pictures of a book come from one hand then, and nobody waits anew.
const ASKED_LAST_FOR: Duration = Duration::from_secs(120);

/// The accounts that draw, first choice first.
pub(crate) struct PictureProviders {
    all: Vec<(&'static str, Arc<dyn PictureModel>)>,
    prices: Prices,
    /// When each of them failed last.
    failures: Mutex<HashMap<&'static str, Instant>>,
}

impl PictureProviders {
    /// Each with its name in the price list.
    pub(crate) fn new(all: Vec<(&'static str, Arc<dyn PictureModel>)>, prices: Prices) -> Self {
        Self {
            all,
            prices,
            failures: Mutex::default(),
        }
    }

    /// Whoever owes a picture comes first; those that failed of late come last, longest ago first.
    fn in_order(&self, orders: &OpenOrders) -> Vec<&(&'static str, Arc<dyn PictureModel>)> {
        let failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        let failed_at = |name: &&'static str| {
            let failed = failures.get(name).copied();
            failed.filter(|failed| failed.elapsed() < ASKED_LAST_FOR)
        };
        let mut all: Vec<_> = self.all.iter().collect();
        all.sort_by_key(|(name, _)| (!orders.are_open_at(name), failed_at(name)));
        all
    }

    fn note(&self, provider: &'static str, has_failed: bool) {
        let mut failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        if has_failed {
            failures.insert(provider, Instant::now());
        } else {
            failures.remove(provider);
        }
    }

    fn usd(&self, billed: &[CallUsage]) -> f64 {
        let usd = billed.iter().map(|call| self.prices.picture_usd(call));
        usd.sum()
    }
}

/// Whether another account may do what this one did not: whatever is wrong with the account, its models or its answers. Not
/// where the filter refused, for words it does not take are not carried to whoever takes them; not for a reference, which is
/// left out; and not for a limit that is over soon.
fn leads_on(error: &ProviderError) -> bool {
    match error.kind {
        ErrorKind::Refused | ErrorKind::ReferenceUnreadable { .. } => false,
        ErrorKind::RateLimited { retry_after } => retry_after.is_none_or(|pause| pause > NEAR_END),
        _ => true,
    }
}

/// The failure to act on: the first that may pass, else the first.
fn main_cause(earlier: ProviderError, later: ProviderError) -> ProviderError {
    if !earlier.is_retryable() && later.is_retryable() {
        later
    } else {
        earlier
    }
}

#[async_trait::async_trait]
impl PictureModel for PictureProviders {
    async fn draw(
        &self,
        call: &PictureCall,
        usage: &mut Vec<CallUsage>,
    ) -> Result<PictureBytes, ProviderError> {
        let begun = usage.len();
        let mut failure: Option<ProviderError> = None;
        let order = self.in_order(&call.orders);
        for (at, (provider, model)) in order.iter().enumerate() {
            if let Some(failure) = &failure {
                let spent = self.usd(usage.get(begun..).unwrap_or_default());
                let needed = self
                    .prices
                    .least_picture_usd(Some(provider), &call.references);
                let time_left = call.deadline.saturating_duration_since(Instant::now());
                if spent + needed > call.left_usd || time_left < TIME_FOR_ANOTHER {
                    tracing::warn!(
                        provider,
                        spentUsd = spent,
                        neededUsd = needed,
                        "No time or money left for another provider"
                    );
                    continue;
                }
                let reason = failure.kind.code();
                tracing::warn!(provider, reason, "Asking {provider} for the picture");
            }
            let call = PictureCall {
                has_stand_in: at + 1 < order.len(),
                ..call.clone()
            };
            let error = match model.draw(&call, usage).await {
                Ok(picture) => {
                    self.note(provider, false);
                    let is_first = self.all.first().is_some_and(|(first, _)| first == provider);
                    tracing::info!(
                        provider,
                        isOtherProvider = !is_first,
                        "Picture delivered by {provider}"
                    );
                    return Ok(picture);
                }
                Err(error) => error,
            };
            if !leads_on(&error) {
                return Err(error);
            }
            self.note(provider, true);
            failure = Some(match failure.take() {
                Some(earlier) => main_cause(earlier, error),
                None => error,
            });
        }
        let mut error = failure.unwrap_or_else(|| {
            ProviderError::of_kind("nobody", "draw a picture", ErrorKind::ModelGone)
        });
        error.is_of_all_models |= self.all.len() > 1;
        tracing::error!(
            reason = error.kind.code(),
            code = error.code,
            error = %error,
            "All image providers failed"
        );
        Err(error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::price::{BFL, OPENAI};
    use providers::{CallCount, OpenOrder, Previews, References};
    use runtime::Variables;

    /// Fails like this, or draws; counts how often it was asked.
    struct Scripted {
        provider: &'static str,
        failure: Option<ErrorKind>,
        /// It is billed for what it does not deliver.
        is_billed: bool,
        asked: Arc<Mutex<Vec<&'static str>>>,
    }

    #[async_trait::async_trait]
    impl PictureModel for Scripted {
        async fn draw(
            &self,
            _call: &PictureCall,
            usage: &mut Vec<CallUsage>,
        ) -> Result<PictureBytes, ProviderError> {
            let mut asked = self.asked.lock().expect("no holder panics");
            asked.push(self.provider);
            if self.is_billed || self.failure.is_none() {
                usage.push(CallUsage {
                    provider: self.provider,
                    model: match self.provider {
                        OPENAI => "gpt-image-2".to_owned(),
                        _ => "flux-2-pro".to_owned(),
                    },
                    ..CallUsage::default()
                });
            }
            match &self.failure {
                Some(kind) => Err(ProviderError::of_kind(self.provider, "draw", kind.clone())),
                None => Ok(PictureBytes::parse(crate::test_services::picture(1)).expect("one")),
            }
        }
    }

    /// Two providers that fail like this; who was asked, and how it ended.
    async fn draw(
        failures: [Option<ErrorKind>; 2],
        left_usd: f64,
    ) -> (Vec<&'static str>, Result<(), ProviderError>) {
        let asked = Arc::<Mutex<Vec<&'static str>>>::default();
        let all = [OPENAI, BFL].into_iter().zip(failures);
        let all = all.map(|(provider, failure)| {
            let scripted = Scripted {
                is_billed: failure == Some(ErrorKind::Malformed),
                provider,
                failure,
                asked: Arc::clone(&asked),
            };
            let model: Arc<dyn PictureModel> = Arc::new(scripted);
            (provider, model)
        });
        let variables = Variables::from_pairs([("BFL_API_KEY", "k")]);
        let prices = Prices::from_variables(&variables).expect("prices");
        let providers = PictureProviders::new(all.collect(), prices);
        let call = PictureCall {
            prompt: String::new(),
            references: References::None,
            deadline: Instant::now() + Duration::from_secs(60),
            left_usd,
            has_stand_in: false,
            sent: CallCount::default(),
            previews: Previews::default(),
            orders: OpenOrders::default(),
        };
        let drawn = providers.draw(&call, &mut Vec::new()).await;
        let next = providers
            .in_order(&call.orders)
            .into_iter()
            .map(|(name, _)| *name);
        assert_eq!(next.collect::<Vec<_>>(), expected_next(&drawn, &asked));
        let asked = asked.lock().expect("no holder panics").clone();
        (asked, drawn.map(drop))
    }

    /// Whoever failed and may be spared is asked last the next time.
    fn expected_next(
        drawn: &Result<PictureBytes, ProviderError>,
        asked: &Mutex<Vec<&'static str>>,
    ) -> [&'static str; 2] {
        let asked = asked.lock().expect("no holder panics").len();
        match drawn {
            Ok(_) if asked == 2 => [BFL, OPENAI],
            Err(error) if asked == 1 && leads_on(error) => [BFL, OPENAI],
            _ => [OPENAI, BFL],
        }
    }

    #[test]
    fn whoever_owes_a_picture_is_asked_first() {
        let nobody = || -> Arc<dyn PictureModel> {
            Arc::new(Scripted {
                provider: OPENAI,
                failure: None,
                is_billed: false,
                asked: Arc::default(),
            })
        };
        let prices = Prices::from_variables(&Variables::from_pairs([])).expect("prices");
        let all = vec![(OPENAI, nobody()), (BFL, nobody())];
        let providers = PictureProviders::new(all, prices);
        let order = OpenOrder {
            provider: BFL.to_owned(),
            model: "flux-2-pro".to_owned(),
            request: String::new(),
            polling_url: "https://api.bfl.ai/v1/get_result?id=1"
                .parse()
                .expect("a URL"),
        };
        let first = |orders: Vec<OpenOrder>| providers.in_order(&orders.into())[0].0;
        assert_eq!((first(vec![]), first(vec![order])), (OPENAI, BFL));
    }

    const PLENTY: f64 = 1.0;

    #[tokio::test]
    async fn whatever_another_account_may_do_better_it_is_asked_for() {
        let limited = |retry_after| ErrorKind::RateLimited { retry_after };
        for failure in [
            ErrorKind::Unavailable,
            ErrorKind::TimedOut,
            ErrorKind::Malformed,
            ErrorKind::Invalid,
            ErrorKind::ModelGone,
            ErrorKind::ModelClosed,
            ErrorKind::OutOfCredits,
            ErrorKind::BadCredentials,
            ErrorKind::CircuitOpen {
                retry_in: Duration::from_secs(1),
            },
            limited(None),
            limited(Some(Duration::from_secs(600))),
        ] {
            let (asked, drawn) = draw([Some(failure.clone()), None], PLENTY).await;
            assert!(drawn.is_ok(), "{failure:?}");
            assert_eq!(asked, [OPENAI, BFL], "{failure:?}");
        }
    }

    #[tokio::test]
    async fn a_refusal_is_not_carried_to_another_account_and_a_short_limit_is_waited_for() {
        for failure in [
            ErrorKind::Refused,
            ErrorKind::ReferenceUnreadable { index: None },
            ErrorKind::RateLimited {
                retry_after: Some(Duration::from_secs(3)),
            },
        ] {
            let (asked, drawn) = draw([Some(failure.clone()), None], PLENTY).await;
            assert_eq!(drawn.expect_err("no picture").kind, failure);
            assert_eq!(asked, [OPENAI]);
        }
    }

    #[tokio::test]
    async fn where_everybody_failed_what_may_pass_is_the_cause_and_else_what_the_first_one_met() {
        use ErrorKind::{BadCredentials, OutOfCredits, TimedOut, Unavailable};
        for (failures, cause) in [
            ([OutOfCredits, Unavailable], Unavailable),
            ([TimedOut, BadCredentials], TimedOut),
            ([OutOfCredits, BadCredentials], OutOfCredits),
        ] {
            let (_, drawn) = draw(failures.map(Some), PLENTY).await;
            let error = drawn.expect_err("no picture");
            assert_eq!((error.kind, error.is_of_all_models), (cause, true));
        }
    }

    #[tokio::test]
    async fn what_a_useless_answer_cost_is_not_there_for_another_provider() {
        for (left_usd, expected) in [(0.07, vec![OPENAI, BFL]), (0.06, vec![OPENAI])] {
            let (asked, _) = draw([Some(ErrorKind::Malformed), None], left_usd).await;
            assert_eq!(asked, expected, "{left_usd}");
        }
    }
}
