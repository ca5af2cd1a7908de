//! Well-signed tokens of people who are no signed-in users of this project.

use super::*;

#[tokio::test]
async fn only_a_signed_in_user_of_this_project_gets_in() {
    let project = project().await;
    let good = claims(&project.issuer);
    let now = get_current_timestamp();
    let changed = |claim: &str, value: Value| es256(json!({}), &with(&good, claim, value));
    let text = |claims: String| {
        sign_text(
            r#"{"alg":"ES256","kid":"ec"}"#,
            &claims,
            &ec_key(),
            Algorithm::ES256,
        )
    };
    let twice = |claim: &str, value: Value| {
        let claims = good.to_string();
        text(format!(
            r#"{},"{claim}":{value}}}"#,
            claims.trim_end_matches('}').to_owned() + "}"
        ))
    };
    let legacy = |role: &str| {
        let key = json!({"iss": "supabase-demo", "role": role, "exp": 1_983_812_996});
        hs256(&key, SECRET.as_bytes())
    };
    let tokens = vec![
        ("no exp", changed("exp", Value::Null)),
        ("exp a text", changed("exp", json!("2099-01-01"))),
        ("exp negative", changed("exp", json!(-1))),
        (
            "exp endless",
            text(
                good.to_string()
                    .replace(&format!("\"exp\":{}", now + 3600), "\"exp\":1e400"),
            ),
        ),
        ("nbf ahead", changed("nbf", json!(now + 120))),
        ("iat far ahead", changed("iat", json!(now + 86_400))),
        ("no aud", changed("aud", Value::Null)),
        ("aud of another", changed("aud", json!("anon"))),
        (
            "aud a list",
            changed("aud", json!(["authenticated", "evil"])),
        ),
        ("aud empty", changed("aud", json!(""))),
        ("no iss", changed("iss", Value::Null)),
        (
            "iss of another project",
            changed("iss", json!("https://evil.supabase.co/auth/v1")),
        ),
        (
            "iss with a slash more",
            changed("iss", json!(format!("{}/", project.issuer))),
        ),
        (
            "iss a list",
            changed("iss", json!([project.issuer, "https://evil.example"])),
        ),
        ("iss of an API key", changed("iss", json!("supabase"))),
        ("no sub", changed("sub", Value::Null)),
        ("sub no UUID", changed("sub", json!("admin"))),
        ("sub empty", changed("sub", json!(""))),
        ("sub a number", changed("sub", json!(1))),
        ("no role", changed("role", Value::Null)),
        ("role anon", changed("role", json!("anon"))),
        ("role service_role", changed("role", json!("service_role"))),
        ("role in capitals", changed("role", json!("AUTHENTICATED"))),
        ("role a list", changed("role", json!(["authenticated"]))),
        ("anon key", legacy("anon")),
        ("service_role key", legacy("service_role")),
        (
            "authenticated, but an API key's issuer",
            legacy("authenticated"),
        ),
        ("role twice", twice("role", json!("authenticated"))),
        ("sub twice", twice("sub", json!(crate::test_api::STORY))),
        ("claims a list", text("[]".to_owned())),
        ("claims null", text("null".to_owned())),
        ("claims no JSON", text("exp=1".to_owned())),
        ("claims empty", text(String::new())),
    ];
    assert_all_refused(&project, tokens).await;
    // A claim nobody knows may come more often: what is refused above is refused for what it says.
    let unknown_claim_twice = twice("amr", json!([]));
    assert!(project.verifier.verify(&unknown_claim_twice).await.is_ok());
}
