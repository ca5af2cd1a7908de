//! The project's keys while they change, are away, or are asked for by whoever invents kids.

use super::*;

#[tokio::test]
async fn a_flood_of_invented_kids_asks_for_the_keys_once_in_ten_minutes() {
    let project = project().await;
    let keys = KeySet::new(
        format!("{}/.well-known/jwks.json", project.issuer),
        reqwest::Client::new(),
    );
    let start = Instant::now();
    let fetches = || project.fetches.load(Ordering::SeqCst);
    let flood = async |after| {
        for number in 0..100 {
            let kid = format!("invented-{number}");
            let found = keys.find(&kid, start + Duration::from_secs(after)).await;
            assert!(found.unwrap().is_none());
        }
    };
    assert!(keys.find("ec", start).await.unwrap().is_some());
    assert_eq!(fetches(), 1);
    // The first one might be a key that was taken in since; the others are not asked for.
    flood(1).await;
    assert_eq!(fetches(), 2);
    flood(599).await;
    assert_eq!(fetches(), 2);
    flood(602).await;
    assert_eq!(fetches(), 3);
    assert!(
        keys.find("ec", start + Duration::from_secs(603))
            .await
            .unwrap()
            .is_some()
    );
}

#[tokio::test]
async fn a_key_taken_in_is_found_and_a_key_taken_out_is_forgotten() {
    let published = Arc::new(std::sync::Mutex::new(vec!["old"]));
    let shown = Arc::clone(&published);
    let answer = move || {
        let kids = shown.lock().unwrap().clone();
        let keys = kids
            .into_iter()
            .map(|kid| public(&ec_key(), Algorithm::ES256, kid));
        let body = Json(json!({"keys": keys.collect::<Vec<_>>()}));
        async { body }
    };
    let url = serve(Router::new().route("/", get(answer))).await;
    let keys = KeySet::new(url.to_string(), reqwest::Client::new());
    let start = Instant::now();
    let finds = async |kid, after| {
        let found = keys.find(kid, start + Duration::from_secs(after)).await;
        found.unwrap().is_some()
    };
    assert!(finds("old", 0).await);
    *published.lock().unwrap() = vec!["old", "new"];
    assert!(finds("new", 1).await);
    *published.lock().unwrap() = vec!["new"];
    assert!(finds("old", 2).await);
    assert!(!finds("old", 700).await);
}

#[tokio::test]
async fn while_the_keys_are_not_to_be_had_known_ones_serve_and_without_any_nobody_can_say() {
    let is_up = Arc::new(std::sync::atomic::AtomicBool::new(false));
    let asked = Arc::clone(&is_up);
    let answer = move || {
        let is_up = asked.load(Ordering::SeqCst);
        async move {
            is_up
                .then(|| Json(jwks()))
                .ok_or(axum::http::StatusCode::BAD_GATEWAY)
        }
    };
    let url = serve(Router::new().route("/", get(answer))).await;
    let keys = KeySet::new(url.to_string(), reqwest::Client::new());
    let start = Instant::now();
    let at = |after| start + Duration::from_secs(after);
    assert!(keys.find("ec", at(0)).await.is_err());
    is_up.store(true, Ordering::SeqCst);
    assert!(
        keys.find("ec", at(0)).await.is_err(),
        "not asked again within the pause"
    );
    assert!(keys.find("ec", at(1)).await.unwrap().is_some());
    is_up.store(false, Ordering::SeqCst);
    assert!(keys.find("ec", at(1_200)).await.unwrap().is_some());
    assert!(keys.find("ec", at(3_000)).await.unwrap().is_some());
    assert!(
        keys.find("ec", at(3_700)).await.is_err(),
        "an hour is long enough"
    );
}
