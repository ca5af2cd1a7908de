//! From what a provider billed to an entry of the usage ledger.

use domain::price;
use providers::Billed;
use store::UsageEntry;

fn entry(billed: &Billed, provider: &'static str, kind: &'static str, cost_usd: f64) -> UsageEntry {
    // A call whose id did not arrive is still a call.
    let call_key = match billed.request_id.as_str() {
        "" => uuid::Uuid::new_v4().to_string(),
        id => format!("{provider}:{id}"),
    };
    let (input_units, output_units) = (billed.input_units, billed.output_units);
    UsageEntry {
        call_key,
        provider,
        model: billed.model.clone(),
        kind,
        input_units,
        output_units,
        cost_usd,
    }
}

pub(crate) fn text(billed: &Billed, kind: &'static str) -> UsageEntry {
    entry(
        billed,
        "openai",
        kind,
        price::text_call_usd(billed.input_units, billed.output_units),
    )
}

pub(crate) fn picture(billed: &Billed) -> UsageEntry {
    entry(billed, "openai", "picture", price::PICTURE_USD)
}

pub(crate) fn speech(billed: &Billed) -> UsageEntry {
    entry(
        billed,
        "elevenlabs",
        "speech",
        price::speech_usd(billed.input_units),
    )
}
