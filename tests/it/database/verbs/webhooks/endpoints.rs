//! Whose an endpoint is, how many there may be, and what signs for it.

use super::*;

#[tokio::test]
async fn another_users_webhook_is_none_and_there_are_as_many_as_the_plan_says() {
    let database = Database::new().await;
    let (webhook, story) = told(&database).await;
    let delivery = log(&database, &story, &webhook).await[0]["id"].clone();
    let stranger = database.user("free").await;
    for (verb, more) in [
        ("change_webhook", json!({"p_change": {"enabled": false}})),
        ("delete_webhook", json!({})),
        ("rotate_webhook", json!({})),
        ("webhook_deliveries", json!({})),
        ("redeliver_webhook", json!({"p_delivery_id": delivery})),
    ] {
        let mut arguments = json!({"p_user_id": stranger, "p_webhook_id": webhook["id"]});
        for (name, value) in more.as_object().unwrap() {
            arguments[name] = value.clone();
        }
        let refused = database.try_call(verb, &arguments).await.unwrap_err();
        assert_eq!(
            (&*refused.code, &*refused.message),
            ("PT404", "WEBHOOK_NOT_FOUND"),
            "{verb}"
        );
    }
    let wish = |key: &str, hash: &str| {
        json!({"p_user_id": stranger, "p_email": null, "p_url": "https://hooks.example.com/a", "p_events": ["story.ready"],
            "p_idempotency_key": key, "p_request_hash": hash})
    };
    let first = database.call("create_webhook", wish("a", "1")).await;
    let again = database.call("create_webhook", wish("a", "1")).await;
    assert_eq!(again["replayed"], true);
    assert_eq!(
        first["webhook"], again["webhook"],
        "the same, its secret among it"
    );
    let kept: Value = database
        .value("select response from public.idempotency_keys where operation = 'create_webhook' and key = 'a'")
        .await;
    assert!(!kept.to_string().contains("whsec_"), "{kept}");
    let other = database.try_call("create_webhook", &wish("a", "2")).await;
    assert_eq!(other.unwrap_err().message, "IDEMPOTENCY_KEY_REUSED");
    database.call("create_webhook", wish("b", "1")).await;
    let refused = database
        .try_call("create_webhook", &wish("c", "1"))
        .await
        .unwrap_err();
    assert_eq!(
        (&*refused.message, &refused.detail["limit"]),
        ("WEBHOOK_LIMIT", &json!(2))
    );
}

#[tokio::test]
async fn after_a_rotation_both_secrets_sign_for_a_day() {
    let database = Database::new().await;
    let (webhook, story) = told(&database).await;
    let mut rotate = of(&story, &webhook);
    rotate["p_idempotency_key"] = "a".into();
    rotate["p_request_hash"] = "1".into();
    let rotated = database.call("rotate_webhook", rotate.clone()).await;
    let again = database.call("rotate_webhook", rotate).await;
    assert_eq!(
        (&again["replayed"], &again["webhook"]),
        (&json!(true), &rotated["webhook"])
    );
    let secret = &rotated["webhook"]["secret"];
    assert_ne!(secret, &webhook["secret"]);
    let claimed = claim(&database).await;
    assert_eq!(
        due(&claimed)[0]["secrets"],
        json!([secret, webhook["secret"]])
    );
    let over = "update private.webhook_endpoints set former_secret_until = now() where true";
    database.arrange(over).await;
    let_time_pass(&database).await;
    assert_eq!(due(&claim(&database).await)[0]["secrets"], json!([secret]));
}
