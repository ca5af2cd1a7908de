//! What a provider call costs: dated list prices by provider, kind and model, and those an operator adds. A model without a
//! price is told apart from one that costs nothing: there is none of the latter.

use std::str::FromStr;

/// What is asked of a model, which decides what is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CallKind {
    Text,
    Picture,
    Speech,
}

/// A model's price for one kind of call, in USD.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Price {
    /// Per million tokens in, and out.
    Text { input: f64, output: f64 },
    /// Per picture of 1024 x 1024 in medium quality, which is [`Price::PICTURE_TOKENS`] out; of a finer one, and with
    /// previews, more are billed.
    Picture(f64),
    /// The same by megapixels: the first that is drawn, and each further one, drawn or of a reference.
    Megapixels { first: f64, further: f64 },
    /// Per thousand credits.
    Speech(f64),
}

impl Price {
    /// Tokens out of a picture of 1024 x 1024 in medium quality (OpenAI's pricing page).
    pub const PICTURE_TOKENS: u64 = 1_056;

    /// USD of one call, by what the provider counted.
    pub fn usd(self, input_units: u64, output_units: u64) -> f64 {
        match self {
            Self::Text { input, output } => {
                (input_units as f64 * input + output_units as f64 * output) / 1e6
            }
            // Where the provider says nothing, it is one picture.
            Self::Picture(each) => {
                each * output_units.max(Self::PICTURE_TOKENS) as f64 / Self::PICTURE_TOKENS as f64
            }
            Self::Megapixels { first, further } => {
                let more = output_units.saturating_sub(1) + input_units;
                first + more as f64 * further
            }
            Self::Speech(thousand) => input_units as f64 * thousand / 1e3,
        }
    }

    const fn kind(self) -> CallKind {
        match self {
            Self::Text { .. } => CallKind::Text,
            Self::Picture(_) | Self::Megapixels { .. } => CallKind::Picture,
            Self::Speech(_) => CallKind::Speech,
        }
    }
}

/// A list price: whose, of which model, since when it is known to us.
struct ListPrice {
    provider: &'static str,
    model: &'static str,
    since: &'static str,
    price: Price,
}

const fn text(model: &'static str, input: f64, output: f64) -> ListPrice {
    ListPrice {
        provider: OPENAI,
        model,
        since: "2026-11-26",
        price: Price::Text { input, output },
    }
}

const fn picture(model: &'static str, each: f64) -> ListPrice {
    ListPrice {
        provider: OPENAI,
        model,
        since: "2026-11-26",
        price: Price::Picture(each),
    }
}

const fn speech(model: &'static str) -> ListPrice {
    ListPrice {
        provider: ELEVENLABS,
        model,
        since: "2026-11-26",
        // A model that is cheaper bills fewer credits a character.
        price: Price::Speech(0.15),
    }
}

const fn flux(model: &'static str, first: f64, further: f64) -> ListPrice {
    ListPrice {
        provider: BFL,
        model,
        since: "2026-11-26",
        price: Price::Megapixels { first, further },
    }
}

pub const BFL: &str = "bfl";
pub const OPENAI: &str = "openai";
pub const ELEVENLABS: &str = "elevenlabs";

/// From <https://platform.openai.com/docs/pricing>, <https://elevenlabs.io/pricing/api> and what Black Forest Labs publishes
/// for those who integrate its API (of two figures for flex the higher one). Of a model that stands here twice
/// the last row counts: a new price is a new row with its date, and the old one stays for whoever reads the ledger.
/// gpt-image-2 and 2.5 are taken to cost what 1.5 does.
const LIST: [ListPrice; 29] = [
    text("gpt-4.1", 2.0, 8.0),
    text("gpt-4.1-mini", 0.4, 1.6),
    text("gpt-4o", 2.5, 10.0),
    text("gpt-4o-mini", 0.15, 0.6),
    text("gpt-5", 1.25, 10.0),
    text("gpt-5-mini", 0.25, 2.0),
    text("gpt-5-nano", 0.05, 0.4),
    text("gpt-5.1", 1.25, 10.0),
    text("gpt-5.2", 1.75, 14.0),
    text("gpt-5.2-chat", 1.75, 14.0),
    text("o3", 2.0, 8.0),
    picture("dall-e-2", 0.02),
    picture("dall-e-3", 0.04),
    picture("gpt-image-1", 0.042),
    picture("gpt-image-1-mini", 0.011),
    picture("gpt-image-1.5", 0.034),
    picture("gpt-image-2", 0.034),
    picture("gpt-image-2.5-sunburst", 0.034),
    flux("flux-2-flex", 0.06, 0.06),
    flux("flux-2-klein-4b", 0.014, 0.001),
    flux("flux-2-klein-9b", 0.015, 0.002),
    flux("flux-2-max", 0.07, 0.03),
    flux("flux-2-pro", 0.03, 0.015),
    speech("eleven_flash_v2_5"),
    speech("eleven_multilingual_v2"),
    speech("eleven_turbo_v2_5"),
    speech("eleven_v3"),
    speech("eleven_flash_v2"),
    speech("eleven_turbo_v2"),
];

/// The version of a price that an operator set: the list's own are dates.
const OWN_VERSION: &str = "setting";

/// A price, and the version that the ledger notes beside what was computed with it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Quote {
    pub price: Price,
    pub version: &'static str,
}

/// The list, and prices that stand before it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PriceList(Vec<OwnPrice>);

#[derive(Clone, Debug, PartialEq)]
struct OwnPrice {
    model: String,
    usd: f64,
    /// Of tokens out; only texts have it.
    output_usd: Option<f64>,
}

/// A price that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is no price: write model=USD (a picture, or a thousand credits) or model=USD/USD (a million tokens in and out)"
)]
pub struct InvalidPrice(String);

impl FromStr for PriceList {
    type Err = InvalidPrice;

    /// Reads `gpt-6-sol=2.5/20,gpt-image-3=0.05`.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let entries = text.split(',').map(str::trim);
        let entries = entries.filter(|entry| !entry.is_empty());
        entries
            .map(|entry| OwnPrice::parse(entry).ok_or_else(|| InvalidPrice(entry.to_owned())))
            .collect::<Result<_, _>>()
            .map(Self)
    }
}

impl OwnPrice {
    fn parse(entry: &str) -> Option<Self> {
        let usd = |text: &str| {
            let usd = text.trim().parse::<f64>().ok();
            usd.filter(|usd| usd.is_finite() && *usd > 0.0)
        };
        let (model, price) = entry.split_once('=')?;
        let model = Some(model.trim()).filter(|model| !model.is_empty())?;
        let (input, output) = match price.split_once('/') {
            Some((input, output)) => (input, Some(usd(output)?)),
            None => (price, None),
        };
        Some(Self {
            model: model.to_owned(),
            usd: usd(input)?,
            output_usd: output,
        })
    }

    fn of_kind(&self, kind: CallKind) -> Option<Price> {
        match (kind, self.output_usd) {
            (CallKind::Text, Some(output)) => Some(Price::Text {
                input: self.usd,
                output,
            }),
            (CallKind::Picture, None) => Some(Price::Picture(self.usd)),
            (CallKind::Speech, None) => Some(Price::Speech(self.usd)),
            _ => None,
        }
    }
}

impl PriceList {
    /// What such a call of this model costs; `None` when nobody said. A model with a date behind its name costs what it
    /// does without.
    pub fn quote(&self, provider: &str, model: &str, kind: CallKind) -> Option<Quote> {
        let own = self.0.iter().rev();
        let own = own
            .filter(|own| is_model(&own.model, model))
            .find_map(|own| own.of_kind(kind));
        if let Some(price) = own {
            return Some(Quote {
                price,
                version: OWN_VERSION,
            });
        }
        let row = LIST.iter().rev().find(|row| {
            row.provider == provider && row.price.kind() == kind && is_model(row.model, model)
        });
        row.map(|row| Quote {
            price: row.price,
            version: row.since,
        })
    }
}

/// Whether `model` is `name`, or a snapshot of it: `gpt-5.2-2025-12-11`, `gpt-5.2-chat-latest`.
fn is_model(name: &str, model: &str) -> bool {
    let is_date =
        |rest: &str| rest.len() == 10 && rest.chars().all(|c| c.is_ascii_digit() || c == '-');
    let Some(rest) = model.strip_prefix(name) else {
        return false;
    };
    let snapshot = rest.strip_prefix('-');
    rest.is_empty() || snapshot.is_some_and(|rest| is_date(rest) || rest == "latest")
}

/// USD of a text call of the default model.
pub fn text_call_usd(input_tokens: u64, output_tokens: u64) -> f64 {
    let price = Price::Text {
        input: 1.75,
        output: 14.0,
    };
    price.usd(input_tokens, output_tokens)
}

/// USD of a picture of the default model.
pub const PICTURE_USD: f64 = 0.034;

/// USD of narrated characters, at one credit a character.
pub fn speech_usd(credits: u64) -> f64 {
    Price::Speech(0.15).usd(credits, 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn quote(own: &str, model: &str, kind: CallKind) -> Option<Quote> {
        let list: PriceList = own.parse().expect("prices");
        let provider = match kind {
            CallKind::Speech => ELEVENLABS,
            _ => OPENAI,
        };
        list.quote(provider, model, kind)
    }

    #[test]
    fn a_model_nobody_priced_has_no_price_and_not_that_of_a_relative() {
        for (model, kind) in [
            ("gpt-5.9-ultra", CallKind::Text),
            ("gpt-5.2-pro", CallKind::Text),
            ("gpt-image-3", CallKind::Picture),
            ("eleven_v4_turbo", CallKind::Speech),
            // A text model draws no pictures.
            ("gpt-5.2", CallKind::Picture),
            ("", CallKind::Text),
        ] {
            assert_eq!(quote("", model, kind), None, "{model}");
        }
        let elsewhere = PriceList::default().quote(ELEVENLABS, "gpt-5.2", CallKind::Text);
        assert_eq!(elsewhere, None);
    }

    #[test]
    fn a_snapshot_costs_what_its_model_does() {
        let model = quote("", "gpt-5.2", CallKind::Text).expect("a price");
        let snapshot = quote("", "gpt-5.2-2025-12-11", CallKind::Text);
        assert_eq!(snapshot, Some(model));
        assert_eq!(model.version, "2026-11-26");
        assert!((model.price.usd(1_000_000, 1_000_000) - 15.75).abs() < 1e-9);
    }

    #[test]
    fn a_picture_by_megapixels_costs_more_with_each_reference() {
        let quote = PriceList::default().quote(BFL, "flux-2-pro", CallKind::Picture);
        let price = quote.expect("a price").price;
        let usd = [(0, 1), (1, 1), (4, 1), (0, 2)].map(|(input, output)| price.usd(input, output));
        let expected = [0.03, 0.045, 0.09, 0.045];
        assert!(
            usd.iter()
                .zip(expected)
                .all(|(usd, expected)| (usd - expected).abs() < 1e-9),
            "{usd:?}"
        );
        let elsewhere = PriceList::default().quote(OPENAI, "flux-2-pro", CallKind::Picture);
        assert_eq!(elsewhere, None);
    }

    #[test]
    fn an_operator_s_price_stands_before_the_list_and_says_so() {
        let own = "gpt-5.2=2/16, gpt-image-3 = 0.05,eleven_v4_turbo=0.2";
        let text = quote(own, "gpt-5.2", CallKind::Text).expect("a price");
        assert_eq!(text.version, "setting");
        assert!((text.price.usd(500_000, 0) - 1.0).abs() < 1e-9);
        let picture = quote(own, "gpt-image-3", CallKind::Picture).expect("a price");
        assert_eq!(picture.price, Price::Picture(0.05));
        assert!(quote(own, "eleven_v4_turbo", CallKind::Speech).is_some());
        // Two numbers are a text's.
        assert_eq!(quote(own, "gpt-image-3", CallKind::Text), None);
    }

    #[test]
    fn a_price_that_is_none_is_refused_and_nothing_is_free() {
        for entry in [
            "gpt-6",
            "gpt-6=",
            "=1",
            "gpt-6=0/1",
            "gpt-6=1/x",
            "p=-1",
            "p=NaN",
        ] {
            assert!(entry.parse::<PriceList>().is_err(), "{entry}");
        }
    }

    #[test]
    fn every_list_price_has_a_date_and_is_above_nothing() {
        for row in &LIST {
            assert_eq!(row.since.len(), 10, "{}", row.model);
            assert!(row.price.usd(1_000, 1_000) > 0.0, "{}", row.model);
        }
    }

    #[test]
    fn the_estimates_are_those_of_the_models_that_are_asked_by_default() {
        let text = quote("", "gpt-5.2", CallKind::Text).expect("a price");
        assert!((text.price.usd(3, 7) - text_call_usd(3, 7)).abs() < 1e-12);
        let picture = quote("", "gpt-image-2.5-sunburst", CallKind::Picture);
        assert_eq!(
            picture.map(|quote| quote.price),
            Some(Price::Picture(PICTURE_USD))
        );
        let speech = quote("", "eleven_multilingual_v2", CallKind::Speech).expect("a price");
        assert!((speech.price.usd(10, 0) - speech_usd(10)).abs() < 1e-12);
    }
}
