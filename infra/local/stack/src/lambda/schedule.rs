//! EventBridge rules of the form `rate(…)`: a ticker that sends the documented event.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use bytes::Bytes;
use jiff::Timestamp;
use serde_json::{Value, json};
use tokio::time::{Instant, MissedTickBehavior, interval_at};
use uuid::Uuid;

use supabase::trouble::{Context as _, Trouble};

use crate::lambda::{config::Schedule, invocation::Invocation, naming, state::Core};

/// Shortest period the ticker accepts; a period of zero would never yield.
const PERIOD_MIN: Duration = Duration::from_millis(10);

impl Core {
    /// Starts the tickers. They end with the emulator.
    pub(crate) fn start_schedules(self: &Arc<Self>) {
        for schedule in self.config.schedules.clone() {
            let core = Arc::clone(self);
            tokio::spawn(async move {
                tokio::select! {
                    () = keep_ticking(&core, &schedule) => (),
                    () = core.stopping() => (),
                }
            });
        }
    }

    /// Sends the event of `rule` now. Returns the request id of the invocation.
    pub(crate) fn tick(self: &Arc<Self>, rule: &str) -> Result<String, Trouble> {
        let mut schedules = self.config.schedules.iter();
        let schedule = schedules.find(|schedule| schedule.rule_name == rule);
        let unknown = || Trouble::new(format!("no schedule has the rule name `{rule}`"));
        let function = &schedule.ok_or_else(unknown)?.function;
        let function = self.function(function).context("could not tick")?;
        let event = scheduled_event(rule, &self.config.region, &self.config.account_id);
        let invocation = Invocation::new(Bytes::from(event.to_string()));
        let request_id = invocation.request_id.clone();
        // Refused only while stopping, when a tick more or less does not matter.
        let _ = self.accept(function, invocation);
        Ok(request_id)
    }
}

async fn keep_ticking(core: &Arc<Core>, schedule: &Schedule) {
    let period = schedule.every.max(PERIOD_MIN);
    let mut ticker = interval_at(Instant::now() + period, period);
    ticker.set_missed_tick_behavior(MissedTickBehavior::Skip);
    loop {
        ticker.tick().await;
        if core.schedules_paused.load(Ordering::Relaxed) {
            continue;
        }
        if let Err(error) = core.tick(&schedule.rule_name) {
            let rule = &schedule.rule_name;
            tracing::warn!(rule, "Could not run a schedule: {error}");
        }
    }
}

/// The event of an EventBridge rule ("Creating an Amazon EventBridge rule that runs on a
/// schedule", EventBridge user guide).
pub(crate) fn scheduled_event(rule: &str, region: &str, account_id: &str) -> Value {
    json!({
        "version": "0",
        "id": Uuid::new_v4().to_string(),
        "detail-type": "Scheduled Event",
        "source": "aws.events",
        "account": account_id,
        "time": Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
        "region": region,
        "resources": [naming::rule_arn(region, account_id, rule)],
        "detail": {},
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scheduled_event_has_the_documented_members() {
        let mut event = scheduled_event("sweep", "eu-west-1", "123456789012");
        let id = event["id"].take();
        assert!(id.as_str().is_some_and(|id| Uuid::parse_str(id).is_ok()));
        let time = event["time"].take();
        let time: Timestamp = time.as_str().unwrap().parse().unwrap();
        assert_eq!(time.subsec_nanosecond(), 0);
        assert_eq!(
            event,
            json!({
                "version": "0", "id": null, "detail-type": "Scheduled Event", "source": "aws.events",
                "account": "123456789012", "time": null, "region": "eu-west-1",
                "resources": ["arn:aws:events:eu-west-1:123456789012:rule/sweep"], "detail": {}
            })
        );
    }
}
