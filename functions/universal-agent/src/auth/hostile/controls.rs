//! Tokens that must pass, and the one refusal that is told apart.

use super::*;

#[tokio::test]
async fn good_tokens_of_every_kind_of_key_let_their_user_in() {
    let project = project().await;
    let claims = claims(&project.issuer);
    let ed = EncodingKey::from_ed_der(&KEYS.ed);
    let now = get_current_timestamp();
    for token in [
        es256(json!({}), &claims),
        es256(json!({"typ": "jwt"}), &claims),
        sign(
            json!({"alg": "RS256", "kid": "rsa"}),
            &claims,
            &rsa_key(),
            Algorithm::RS256,
        ),
        sign(
            json!({"alg": "EdDSA", "kid": "ed"}),
            &claims,
            &ed,
            Algorithm::EdDSA,
        ),
        hs256(&claims, SECRET.as_bytes()),
        // Within the minute that clocks may differ.
        es256(json!({}), &with(&claims, "exp", json!(now - 50))),
        es256(json!({}), &with(&claims, "nbf", json!(now + 50))),
        es256(json!({}), &with(&claims, "iat", json!(now + 50))),
        es256(json!({}), &with(&claims, "email", Value::Null)),
    ] {
        let caller = project.verifier.verify(&token).await.unwrap();
        assert_eq!(caller.user_id.to_string(), USER);
    }
    assert_eq!(project.fetches.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_token_that_has_run_out_is_told_apart() {
    let project = project().await;
    let now = get_current_timestamp();
    for exp in [now - 70, now - 86_400, 1, 0] {
        let claims = with(&claims(&project.issuer), "exp", json!(exp));
        for token in [es256(json!({}), &claims), hs256(&claims, SECRET.as_bytes())] {
            let outcome = project.verifier.verify(&token).await;
            assert!(
                matches!(outcome, Err(TokenError::Expired)),
                "{exp}: {outcome:?}"
            );
        }
    }
}

#[tokio::test]
async fn without_a_legacy_secret_no_hs256_token_is_good() {
    let Project { issuer, .. } = project().await;
    let url = issuer.trim_end_matches("auth/v1").parse().unwrap();
    let verifier = TokenVerifier::new(&url, None, reqwest::Client::new());
    let token = hs256(&claims(&issuer), SECRET.as_bytes());
    assert!(matches!(
        verifier.verify(&token).await,
        Err(TokenError::Invalid)
    ));
}

#[tokio::test]
async fn an_issuer_is_good_once_the_operator_has_named_it() {
    let Project { issuer, .. } = project().await;
    let url: url::Url = issuer.trim_end_matches("auth/v1").parse().unwrap();
    let custom = "https://abcdefghijkl.supabase.co/auth/v1";
    let verifier = || TokenVerifier::new(&url, Some(&SECRET.into()), reqwest::Client::new());
    let naming = |issuers: &[&str]| {
        verifier().with_issuers(issuers.iter().map(|issuer| (*issuer).to_owned()))
    };
    for token in [
        es256(json!({}), &claims(custom)),
        hs256(&claims(custom), SECRET.as_bytes()),
    ] {
        assert!(verifier().verify(&token).await.is_err());
        assert!(
            naming(&["https://other.example"])
                .verify(&token)
                .await
                .is_err()
        );
        let named = naming(&["https://other.example", custom]);
        assert!(named.verify(&token).await.is_ok());
        // The project's own address stays good, and nothing like the named one becomes so.
        let own = es256(json!({}), &claims(&issuer));
        assert!(named.verify(&own).await.is_ok());
        for other in [&custom[..custom.len() - 1], &format!("{custom}/"), ""] {
            let other = es256(json!({}), &claims(other));
            assert!(named.verify(&other).await.is_err());
        }
    }
}
