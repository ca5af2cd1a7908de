//! F8: clocks that are wrong. No function's clock reaches the database, so no lease or deadline can depend on one; and a
//! token's times are given sixty seconds of leeway, no more.

use crate::prelude::*;
use stack::breakpoints::{Moment, Seen, Server};
use std::{
    sync::{Arc, Mutex, PoisonError},
    time::SystemTime,
};

pub(crate) const RUN: Run = on_stack!(measure);

async fn measure(stack: &TestStack, options: TrialOptions) -> Result<Figures> {
    let mut figures = the_wire(stack, options.size.pick(1, 5, 20)).await?;
    figures.extend(tokens(stack).await?);
    Ok(figures)
}

/// What went over the wire to PostgREST.
#[derive(Default)]
struct Heard {
    calls: usize,
    moments: Vec<String>,
}

/// Records every call of a few stories, of steering them and of failing ones, and looks for a moment in each.
async fn the_wire(stack: &TestStack, count: usize) -> Result<Figures> {
    let heard = Arc::new(Mutex::new(Heard::default()));
    let ear = Arc::clone(&heard);
    // A breakpoint that stops nobody.
    let recording = stack.breakpoints().arm(Moment::Before, move |seen| {
        if seen.server == Server::Rest {
            let mut heard = ear.lock().unwrap_or_else(PoisonError::into_inner);
            heard.calls += 1;
            heard.moments.extend(moments_in(seen));
        }
        false
    });
    let stories = stack.ask_for(count, "Clockwing").await?;
    stack.settle(&stories, stack.patience).await?;
    let activities = json!({"assetTypes": ["activities"]});
    let by_force = json!({"assetTypes": ["activities"], "force": true});
    for (verb, body) in [
        ("regenerate", activities),
        ("cancel", json!({})),
        ("retry", by_force),
    ] {
        stack.user.steer(stories[0], verb, &body).await?;
    }
    stack.settle(&stories, stack.patience).await?;
    drop(recording);

    let (calls, moments) = {
        let heard = heard.lock().unwrap_or_else(PoisonError::into_inner);
        (heard.calls, heard.moments.clone())
    };
    Ok(figures! {
        "calls of functions to the database looked at" => calls, "calls", at_least 13;
        "moments of a function's clock among them" => moments.len(), "values", is 0,
            beside moments.into_iter().take(3).collect::<Vec<_>>().join(", ");
        "verbs looked at" => stack.count(query("verbs")).await?, "verbs", at_least 15;
        "arguments of verbs that are a moment" => stack.count(query("arguments that are a moment")).await?, "arguments", is 0;
    })
}

/// Everything in a call that looks like a point in time.
fn moments_in(seen: &Seen<'_>) -> Vec<String> {
    let mut found = Vec::new();
    if holds_a_date(seen.path) {
        found.push(seen.path.to_owned());
    }
    if let Ok(body) = serde_json::from_slice(seen.body) {
        collect(&body, "", &mut found);
    }
    found
}

fn collect(value: &Value, name: &str, found: &mut Vec<String>) {
    match value {
        Value::Object(fields) => fields
            .iter()
            .for_each(|(name, value)| collect(value, name, found)),
        Value::Array(items) => items.iter().for_each(|item| collect(item, name, found)),
        // A list of prices is called by the day it was made.
        Value::String(_) if name == "priceVersion" => {}
        Value::String(text) if holds_a_date(text) => found.push(format!("{name}: {text}")),
        Value::Number(number) if number.as_f64().is_some_and(is_near_now) => {
            found.push(format!("{name}: {number}"));
        }
        _ => {}
    }
}

/// `2026-11-21`, wherever it stands.
fn holds_a_date(text: &str) -> bool {
    text.as_bytes().windows(10).any(|window| {
        window.iter().enumerate().all(|(at, byte)| match at {
            0 => *byte == b'1' || *byte == b'2',
            4 | 7 => *byte == b'-',
            _ => byte.is_ascii_digit(),
        })
    })
}

/// Seconds, milliseconds, microseconds or nanoseconds since the epoch that lie within a year of now.
fn is_near_now(number: f64) -> bool {
    const YEAR_S: f64 = 366.0 * 86_400.0;
    [1.0, 1e3, 1e6, 1e9]
        .iter()
        .any(|unit| (number / unit - unix_now()).abs() < YEAR_S)
}

fn unix_now() -> f64 {
    unix_ms(SystemTime::now()) / 1000.0
}

/// How far the clock of whoever signed a token is ahead of the API's, seconds. None is within ten seconds of the leeway's
/// edge, for the check itself takes time.
const SKEWS: [i64; 15] = [
    -600, -300, -120, -75, -45, -30, -10, 0, 10, 30, 45, 75, 120, 300, 600,
];
const LEEWAY: i64 = 60;

/// Tokens of clocks that are ahead (`iat`, `nbf` in the future) and that expired by clocks that are behind.
async fn tokens(stack: &TestStack) -> Result<Figures> {
    let (mut wrong, mut tried) = (Vec::new(), 0);
    for skew in SKEWS {
        let now = unix_now() as i64;
        let early = json!({"iat": now + skew, "exp": now + 3600});
        let not_before = json!({"iat": now, "nbf": now + skew, "exp": now + 3600});
        let late = json!({"iat": now - 3600, "exp": now + skew});
        for (claim, times, good) in [
            ("iat", early, skew <= LEEWAY),
            ("nbf", not_before, skew <= LEEWAY),
            ("exp", late, skew > -LEEWAY),
        ] {
            let status = ask_with(stack, &times).await?;
            tried += 1;
            if status != if good { 200 } else { 401 } {
                wrong.push(format!("{claim} {skew:+} s: {status}"));
            }
        }
    }
    Ok(figures! {
        "tokens of clocks up to ten minutes off" => tried, "tokens", at_least 40;
        "of them judged wrongly by the API" => wrong.len(), "tokens", is 0, beside wrong.join(", ");
    })
}

/// The HTTP status of a reading with a token of these times.
async fn ask_with(stack: &TestStack, times: &Value) -> Result<u16> {
    let mut claims = json!({"iss": stack.keys().issuer(), "sub": stack.user.id, "aud": "authenticated",
        "role": "authenticated", "email": "clock@trial.example", "is_anonymous": false});
    if let (Some(claims), Some(times)) = (claims.as_object_mut(), times.as_object()) {
        claims.extend(times.clone());
    }
    let clock = TestUser {
        token: stack.keys().sign(&claims),
        ..stack.user.clone()
    };
    let asked = clock.request(stack, "GET", "/stories").send().await;
    Ok(asked.context("ask the API with a token")?.status().as_u16())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(path: &str, body: &Value) -> usize {
        let body = body.to_string();
        let seen = Seen {
            server: Server::Rest,
            method: "POST",
            path,
            body: body.as_bytes(),
        };
        moments_in(&seen).len()
    }

    #[test]
    fn a_moment_is_found_in_every_form_it_may_take() {
        let now = unix_now();
        let forms = [
            json!("2026-11-21T08:00:00Z"),
            json!("until 2026-11-21"),
            json!(now),
            json!((now * 1e3) as u64),
            json!((now * 1e6) as u64),
        ];
        for form in forms {
            let body = json!({"p_jobs": [{"checkpoint": {"at": form}}]});
            assert_eq!(found("/rpc/report_progress", &body), 1, "{form}");
        }
        assert_eq!(found("/stories?updated_at=gt.2026-11-21", &json!({})), 1);
    }

    #[test]
    fn durations_counts_ids_and_prices_are_no_moments() {
        let body = json!({"p_lease_seconds": 60, "p_max_in_flight": 1000, "p_retry_after_seconds": 1.5,
            "bytes": 2_000_000, "job": "0190a5a0-1111-4222-8333-123456789012", "cost_usd": 0.034,
            "priceVersion": "2026-11-26"});
        assert_eq!(found("/rpc/fail_job", &body), 0);
    }
}
