//! The list of voices that outlives the process that fetched it.

use crate::database::fixture::Database;
use serde_json::{Value, json};

async fn keep(database: &Database, voices: &Value) -> Result<(), sqlx::Error> {
    let keep = sqlx::query("select public.keep_voices($1)").bind(voices);
    keep.execute(&database.service).await.map(drop)
}

#[tokio::test]
async fn the_last_list_of_voices_is_kept_and_an_empty_one_does_not_replace_it() {
    let database = Database::new().await;
    let kept = async || -> Option<Value> {
        let query = "select public.kept_voices()";
        database.value(query).await
    };
    assert_eq!(kept().await, None);
    let keep = async |voices: Value| keep(&database, &voices).await;
    for name in ["Laura", "Sarah"] {
        let voices = json!([{"id": "a", "name": name}]);
        keep(voices.clone()).await.expect("kept");
        assert_eq!(kept().await, Some(voices));
    }
    assert!(keep(json!([])).await.is_err());
    let last = json!([{"id": "a", "name": "Sarah"}]);
    assert_eq!(kept().await, Some(last));
    assert_eq!(database.count("private.voice_list").await, 1);
}

#[tokio::test]
async fn a_list_that_says_nothing_new_writes_nothing_for_an_hour() {
    let database = Database::new().await;
    let voices = json!([{"id": "a", "name": "Laura"}]);
    let listed_at = async || -> String {
        let query = "select listed_at::text from private.voice_list";
        database.value(query).await
    };
    keep(&database, &voices).await.expect("kept");
    let first = listed_at().await;
    keep(&database, &voices).await.expect("nothing to do");
    assert_eq!(listed_at().await, first);
    database
        .arrange("update private.voice_list set listed_at = listed_at - interval '2 hours'")
        .await;
    keep(&database, &voices).await.expect("kept");
    assert!(listed_at().await > first);
}
