//! Jobs that arrive at a steady rate and a worker that claims them: how long claims take, and how long jobs wait.

use crate::{prelude::*, queue::shape::Shape};
use std::collections::HashMap;

/// Jobs arrive in groups, so often.
const ARRIVALS: Duration = Duration::from_millis(40);

/// What one stretch of load showed.
#[derive(Clone, Debug, Default)]
pub(crate) struct Stretch {
    claims_ms: Vec<f64>,
    waits_ms: Vec<f64>,
    offered: usize,
}

impl Stretch {
    /// Milliseconds of a claim that found something: the fifth part that was quickest, because dead rows slow every claim
    /// and a busy machine only some.
    pub(crate) fn claim_ms(&self) -> f64 {
        percentile(&self.claims_ms, 0.2)
    }

    /// Milliseconds from arrival to the answer of the claim, with the wait in the queue.
    pub(crate) fn wait_p95_ms(&self) -> f64 {
        percentile(&self.waits_ms, 0.95)
    }

    /// Claimed, of what arrived.
    pub(crate) fn kept_up(&self) -> f64 {
        self.waits_ms.len() as f64 / self.offered.max(1) as f64
    }
}

/// Offers `rate` jobs a second for `span`, and sees what a single worker makes of it. What waits at the end stays.
pub(crate) async fn offer(
    database: &TestDatabase,
    shape: Shape,
    rate: f64,
    span: Duration,
) -> Stretch {
    let began = Instant::now();
    let mut stretch = Stretch::default();
    let mut arrived: HashMap<String, Instant> = HashMap::new();
    while began.elapsed() < span {
        // Jobs due by now arrive, at their appointed time even where the claim before took longer.
        let groups = (began.elapsed().as_secs_f64() / ARRIVALS.as_secs_f64()).floor() + 1.0;
        let due = (groups * ARRIVALS.as_secs_f64() * rate) as usize;
        if due > stretch.offered {
            let new = u32::try_from(due - stretch.offered).unwrap_or(u32::MAX);
            let appointed = began + ARRIVALS.mul_f64(groups - 1.0);
            for id in shape.arrive(database, new).await {
                arrived.insert(id, appointed);
            }
            stretch.offered = due;
        }
        let (ids, took) = shape.claim(database).await;
        let answered = Instant::now();
        if ids.is_empty() {
            // Until the next group: there is nothing else to wait for.
            let next = began + ARRIVALS.mul_f64(groups);
            tokio::time::sleep_until(next.into()).await;
            continue;
        }
        stretch.claims_ms.push(took.as_secs_f64() * 1000.0);
        for id in &ids {
            if let Some(at) = arrived.remove(id) {
                stretch
                    .waits_ms
                    .push(answered.duration_since(at).as_secs_f64() * 1000.0);
            }
        }
        shape.settle(database, &ids).await;
    }
    stretch
}
