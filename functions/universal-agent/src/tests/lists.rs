//! Lists of stories, and what of them is read.

use crate::test_api::{STORY, TestApi, USER, body, story_row};
use serde_json::{Value, json};

fn listed() -> Value {
    let row = story_row("ready", json!({}));
    let names = "id,library_id,title,status,asset_generation_status,story_type,themes,version,created_at,updated_at";
    let mut listed: serde_json::Map<_, _> = names
        .split(',')
        .map(|name| (name.to_owned(), row[name].clone()))
        .collect();
    listed.insert("place_created_at".to_owned(), row["created_at"].clone());
    listed.insert("place_id".to_owned(), row["id"].clone());
    listed.into()
}

#[tokio::test]
async fn a_page_begins_where_the_one_before_ended_and_shows_what_was_asked_for() {
    let api = TestApi::new().await;
    let part = json!({"title": "Ember", "place_created_at": "2026-01-01T00:00:00+00:00", "place_id": STORY});
    api.database.answers("story_summaries", 200, json!([part]));
    let path = format!("/stories?fields=title&status=ready&cursor=1767225600000000.{STORY}");
    let answer = body(api.get(&path).await).await;
    assert_eq!(
        answer["data"],
        json!({"stories": [{"title": "Ember"}], "limit": 20, "offset": 0, "hasMore": false})
    );
    let asked = api.database.questions()[0].1.clone();
    let asked: Vec<_> = url::form_urlencoded::parse(asked.split_once('?').unwrap().1.as_bytes())
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    let at = "2026-01-01T00:00:00.000000+00:00";
    for condition in [
        "select=title,place_created_at:created_at,place_id:id".to_owned(),
        "status=eq.ready".to_owned(),
        format!("created_at=lte.{at}"),
        format!(r#"or=(created_at.lt."{at}",id.lt.{STORY})"#),
    ] {
        assert!(asked.contains(&condition), "{condition} in {asked:?}");
    }
}

#[tokio::test]
async fn what_a_shelf_needs_of_a_status_is_read_where_it_is_named_and_once() {
    let api = TestApi::new().await;
    for _ in 0..2 {
        api.database.answers("story_summaries", 200, json!([]));
    }
    api.get("/stories?fields=title,overall&fields=cover,overall")
        .await;
    api.get("/stories").await;
    let selected = api
        .database
        .questions()
        .into_iter()
        .map(|(_, asked, _)| asked);
    let selected: Vec<_> = selected.collect();
    let place = "%2Cplace_created_at%3Acreated_at";
    let named = format!("select=title%2Coverall%2Ccover{place}");
    assert!(selected[0].contains(&named), "{selected:?}");
    assert!(!selected[1].contains("overall"), "{selected:?}");
}

#[tokio::test]
async fn of_a_story_only_what_was_asked_for_is_read() {
    let api = TestApi::new().await;
    let part = json!({"title": "Ember", "version": 3});
    api.database.answers("stories", 200, json!([part]));
    let path = format!("/stories/{STORY}");
    let answer = body(api.get(&format!("{path}?fields=title,version")).await).await;
    assert_eq!(answer["data"], part);
    assert!(
        api.database.questions()[0]
            .1
            .contains("select=title%2Cversion")
    );
}

#[tokio::test]
async fn what_nobody_may_ask_of_a_list_is_refused_by_name() {
    let api = TestApi::new().await;
    for (path, field) in [
        ("/stories?fields=title,request", "fields"),
        ("/stories?fields=content", "fields"),
        ("/stories?fields=", "fields"),
        ("/stories?status=cancelled", "status"),
        ("/stories?cursor=1", "cursor"),
        (
            "/stories?offset=1&cursor=1.01234567-89ab-cdef-0123-456789abcdef",
            "cursor",
        ),
        (
            "/stories/01234567-89ab-cdef-0123-456789abcdef?fields=request",
            "fields",
        ),
    ] {
        let response = api.get(path).await;
        assert_eq!(response.status(), 400, "{path}");
        assert_eq!(body(response).await["data"]["field"], field, "{path}");
    }
    assert!(api.database.questions().is_empty());
}

#[tokio::test]
async fn a_list_leaves_large_columns_out_and_tells_whether_it_goes_on() {
    let api = TestApi::new().await;
    api.database.answers(
        "story_summaries",
        200,
        json!([listed(), listed(), listed()]),
    );
    let answer = body(api.get("/stories?limit=2&offset=4").await).await;
    let data = &answer["data"];
    assert_eq!(data["stories"].as_array().unwrap().len(), 2);
    assert_eq!(
        (&data["limit"], &data["offset"], &data["hasMore"]),
        (&json!(2), &json!(4), &json!(true))
    );
    assert!(data["stories"][0].get("content").is_none());
    assert!(data["stories"][0].get("place_id").is_none());
    let next = format!("1767225600000000.{STORY}");
    assert_eq!(data["nextCursor"], next);
    let asked = &api.database.questions()[0].1;
    assert!(asked.contains(&format!("creator_user_id=eq.{USER}")));
    for large in ["content", "audio_words", "audio_blocks", "hue_extracted"] {
        assert!(!asked.contains(large), "{large} is read and not shown");
    }
}
