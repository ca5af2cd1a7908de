//! What support is given of a story: how it was made, all of it, and nothing of what it tells or of who asked for it.

use super::demo;
use crate::stack::own;
use operate::{
    logs::{Files, Wanted},
    support,
};
use serde_json::{Value, json};
use stand_ins::{CallKind, Outcome, Scripted};
use std::collections::BTreeMap;

#[test]
fn a_support_bundle_tells_how_a_story_was_made_and_nothing_of_what_it_tells() {
    let shared = own("support", |_| {});
    shared.run(async {
        let (user, stack) = (demo(&shared), shared.stack());
        let outage = Scripted::next_of(CallKind::Speech, Outcome::InvalidKey);
        stack.stand_ins().script([Scripted {
            times: u32::MAX,
            ..outage
        }]);
        let id = user.ask_for_story_about("Ottilie").await;
        let story = user.settled(&id).await;
        assert_eq!(story["asset_generation_status"]["overall"], "partial");

        let ask = async |verb: &str| {
            let sql = format!("select {verb}($1::uuid)");
            let answer: Value = sqlx::query_scalar(sqlx::AssertSqlSafe(sql))
                .bind(&id)
                .fetch_one(stack.pool())
                .await
                .expect("an answer");
            answer
        };
        let (rows, why) = (
            ask("public.support_bundle").await,
            ask("public.story_why").await,
        );
        assert_eq!(rows["names"], json!(["Ottilie"]));
        let mut files = Files::open(&stack.home().join("logs"));
        let mut wanted = Wanted::new(Some(&id));
        let mut lines = files.read_on().expect("the logs");
        lines.retain(|line| wanted.is_met_by(line));
        let variables: BTreeMap<_, _> = stack.variables().clone();
        let bundle = support::bundle(rows, why, &lines, &variables);

        let jobs = bundle["rows"]["jobs"].as_array().expect("jobs");
        assert_eq!(jobs.len(), 9);
        let voice = jobs
            .iter()
            .find(|job| job["asset_type"] == "audio")
            .expect("a job");
        assert_eq!(voice["error_code"], "PROVIDER_REFUSED_KEY");
        assert_eq!(
            bundle["rows"]["calls"].as_array().map(Vec::len),
            Some(1 + 1 + 1 + 5 + 5 + 5)
        );
        assert_eq!(bundle["why"]["assets"][0]["assetType"], "audio");
        let told = bundle["logs"].to_string();
        assert!(told.contains("Provider called") && told.contains("Story finished"));

        let told = bundle.to_string();
        let words = |text: &Value| text.as_str().expect("words").to_owned();
        let beats = story["content"]["beats"].as_array().expect("beats");
        let secrets = [
            "SUPABASE_SERVICE_ROLE_KEY",
            "DEMO_USER_TOKEN",
            "DATABASE_URL",
        ];
        let secrets = secrets.map(|name| stack.variable(name).to_owned());
        let private = ["Ottilie".to_owned(), words(&story["title"])];
        let beats = beats.iter().map(|beat| words(&beat["text"]));
        for word in private.into_iter().chain(secrets).chain(beats) {
            assert!(!told.contains(&word), "{word}");
        }
    });
}
