//! The calls that a lease takes from the providers' pace are the calls its attempt makes.

use super::demo;
use crate::stack::shared;
use std::collections::BTreeMap;

#[test]
fn an_attempt_makes_the_calls_that_its_lease_has_taken() {
    let shared = shared();
    shared.run(async {
        let user = demo(&shared);
        let id = user.ask_for_story().await;
        let story = user.settled(&id).await;
        assert_eq!(story["asset_generation_status"]["overall"], "ready");
        let counts = async |query: &'static str| -> BTreeMap<(String, String), i64> {
            let rows: Vec<(String, String, i64)> = sqlx::query_as(query)
                .bind(&id)
                .fetch_all(shared.stack().pool())
                .await
                .expect("counts");
            rows.into_iter()
                .map(|(asset, kind, calls)| ((asset, kind), calls))
                .collect()
        };
        let made = counts(
            "select asset_type, case when kind in ('picture', 'speech') then kind else 'text' end, count(*)
             from public.usage_ledger where story_id = $1::uuid group by 1, 2",
        )
        .await;
        let taken = counts(
            "select asset_type, kind, calls::bigint from private.asset_calls where $1::text is not null",
        )
        .await;
        assert_eq!(made, taken);
    });
}
