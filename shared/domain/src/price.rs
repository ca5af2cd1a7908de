//! What a provider call costs, estimated from list prices: for the usage ledger and `POST …/assets/estimate`.

/// USD of a text call, from 1.75 and 14 USD per million input and output tokens.
pub fn text_call_usd(input_tokens: u64, output_tokens: u64) -> f64 {
    (input_tokens as f64 * 1.75 + output_tokens as f64 * 14.0) / 1e6
}

/// USD of a medium-quality 1024×1024 picture of gpt-image-1.5 (<https://platform.openai.com/docs/pricing>).
pub const PICTURE_USD: f64 = 0.034;

/// USD of narrated characters, from 0.15 USD per thousand credits at one credit a character.
pub fn speech_usd(credits: u64) -> f64 {
    credits as f64 * 0.15 / 1e3
}
