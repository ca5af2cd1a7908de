//! Which addresses are public, and what is sent to them and read from them.

use super::*;
use std::sync::atomic::{AtomicUsize, Ordering};

#[test]
fn addresses_of_ours_of_a_cloud_and_of_nobody_are_not_public() {
    for address in [
        "0.0.0.0",
        "10.0.0.1",
        "100.64.0.1",
        "127.0.0.1",
        "127.8.8.8",
        "169.254.169.254",
        "172.16.0.1",
        "172.31.255.255",
        "192.0.0.1",
        "192.0.2.1",
        "192.88.99.1",
        "192.168.1.1",
        "198.18.0.1",
        "198.19.255.255",
        "198.51.100.1",
        "203.0.113.1",
        "224.0.0.1",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "::ffff:127.0.0.1",
        "::ffff:169.254.169.254",
        "64:ff9b::a9fe:a9fe",
        "100::1",
        "2001::1",
        "2001:db8::1",
        "2002:7f00:1::1",
        "3fff::1",
        "fc00::1",
        "fd00:ec2::254",
        "fe80::1",
        "fec0::1",
        "ff02::1",
        "::127.0.0.1",
    ] {
        assert!(!is_public(address.parse().unwrap()), "{address}");
    }
    for address in [
        "1.1.1.1",
        "9.9.9.9",
        "100.63.0.1",
        "100.128.0.1",
        "172.15.0.1",
        "172.32.0.1",
        "192.0.1.1",
        "198.17.0.1",
        "223.255.255.255",
        "2606:4700:4700::1111",
        "2a00:1450:4001::1",
        "2001:4860:4860::8888",
        "::ffff:8.8.8.8",
    ] {
        assert!(is_public(address.parse().unwrap()), "{address}");
    }
}

fn web<F>(look_up: fn(String) -> F) -> PublicWeb
where
    F: Future<Output = io::Result<Vec<SocketAddr>>> + Send + 'static,
{
    PublicWeb {
        http: client(look_up),
        detour: None,
    }
}

async fn post(web: &PublicWeb, url: &str) -> Result<u16, PublicWebError> {
    let url = url.parse().unwrap();
    let within = Duration::from_secs(5);
    web.post_json(&url, &[], "{}".to_owned(), within).await
}

#[tokio::test]
async fn a_name_that_leads_inside_is_refused_also_beside_public_addresses_and_an_address_is_no_name()
 {
    static ASKED: AtomicUsize = AtomicUsize::new(0);
    let inside = web(|_| async {
        ASKED.fetch_add(1, Ordering::SeqCst);
        let addresses = ["1.1.1.1:0", "169.254.169.254:0"];
        Ok(addresses.map(|address| address.parse().unwrap()).to_vec())
    });
    let refused = post(&inside, "https://hooks.example.com/x").await;
    assert!(
        matches!(refused, Err(PublicWebError::NotPublic)),
        "{refused:?}"
    );
    assert_eq!(ASKED.load(Ordering::SeqCst), 1);
    let nowhere = web(|_| async { Ok(Vec::new()) });
    let refused = post(&nowhere, "https://hooks.example.com/x").await;
    assert!(
        matches!(refused, Err(PublicWebError::NotPublic)),
        "{refused:?}"
    );
    for literal in [
        "https://127.0.0.1/",
        "https://[::1]/",
        "https://2130706433/",
        "http://0x7f.1/",
    ] {
        let refused = post(&inside, literal).await;
        assert!(
            matches!(refused, Err(PublicWebError::NotPublic)),
            "{literal}"
        );
    }
    assert_eq!(ASKED.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_detour_carries_host_and_path_follows_nothing_and_waits_no_longer_than_it_may() {
    use axum::{
        Router,
        extract::OriginalUri,
        http::StatusCode,
        response::{IntoResponse, Redirect},
    };
    let answer = async |OriginalUri(uri): OriginalUri| match uri.path() {
        "/hooks.example.com/a/b" if uri.query() == Some("c=d") => {
            StatusCode::ACCEPTED.into_response()
        }
        "/hooks.example.com/away" => Redirect::to("/hooks.example.com/a/b?c=d").into_response(),
        _ => std::future::pending().await,
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let detour = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, Router::new().fallback(answer)).await });
    let web = PublicWeb::new(Some(detour.parse().unwrap()));
    assert_eq!(
        post(&web, "https://hooks.example.com/a/b?c=d")
            .await
            .unwrap(),
        202
    );
    assert_eq!(
        post(&web, "https://hooks.example.com/away").await.unwrap(),
        303
    );
    let slow = "https://hooks.example.com/slow".parse().unwrap();
    let within = Duration::from_millis(50);
    let late = web.post_json(&slow, &[], String::new(), within).await;
    assert!(matches!(late, Err(PublicWebError::TooLate(_))), "{late:?}");
    assert!(post(&web, "https://127.0.0.1/").await.is_err());
}

#[tokio::test]
async fn an_answer_is_read_with_when_to_come_again_and_one_that_has_no_end_is_not() {
    use axum::{Router, body::Body, http::Uri};
    let answer = async |uri: Uri| match uri.path() {
        "/shop.example.com/short" => ([("retry-after", "2.0")], Body::from("{\"a\": 1}")),
        _ => (
            [("retry-after", "soon")],
            Body::from(vec![b' '; BODY_BYTES_MAX + 1]),
        ),
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let detour = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, Router::new().fallback(answer)).await });
    let web = PublicWeb::new(Some(detour.parse().unwrap()));
    for (path, retry_after_seconds, body) in
        [("short", Some(2.0), "{\"a\": 1}"), ("long", None, "")]
    {
        let url = format!("https://shop.example.com/{path}").parse().unwrap();
        let read = web
            .ask_json(&url, &[], String::new(), Duration::from_secs(5))
            .await;
        let expected = PublicAnswer {
            status: 200,
            retry_after_seconds,
            body: body.to_owned(),
        };
        assert_eq!(read.unwrap(), expected);
    }
    let key = [("x-key", "a\nb".to_owned())];
    let url = "https://shop.example.com/short".parse().unwrap();
    let unsent = web
        .ask_json(&url, &key, String::new(), Duration::from_secs(5))
        .await;
    assert!(matches!(unsent, Err(PublicWebError::NotSent)), "{unsent:?}");
}

#[tokio::test]
async fn a_file_is_fetched_as_far_as_it_may_be_long_and_where_it_moved_to_is_looked_up_like_the_first()
 {
    use axum::{
        Router,
        body::Body,
        http::{StatusCode, Uri},
        response::{IntoResponse, Redirect},
    };
    const BYTES_MAX: usize = 1000;
    let answer = async |uri: Uri| match uri.path() {
        "/img.example.com/a" => Body::from(vec![7; BYTES_MAX]).into_response(),
        "/img.example.com/long" => Body::from(vec![7; BYTES_MAX + 1]).into_response(),
        // No length is told of what comes in parts.
        "/img.example.com/parts" => {
            let part = || Ok::<_, std::io::Error>(vec![7; 400]);
            Body::from_stream(futures::stream::repeat_with(part)).into_response()
        }
        "/img.example.com/drip" => {
            let first = futures::stream::iter([Ok::<_, std::io::Error>(vec![7])]);
            let rest = futures::stream::pending();
            Body::from_stream(futures::StreamExt::chain(first, rest)).into_response()
        }
        "/img.example.com/moved" => Redirect::to("https://img.example.com/a").into_response(),
        "/img.example.com/inside" => Redirect::to("https://169.254.169.254/key").into_response(),
        "/img.example.com/plain" => Redirect::to("http://img.example.com/a").into_response(),
        "/img.example.com/port" => Redirect::to("https://img.example.com:22/a").into_response(),
        "/img.example.com/round" => Redirect::to("/round").into_response(),
        "/img.example.com/busy" => StatusCode::SERVICE_UNAVAILABLE.into_response(),
        _ => StatusCode::NOT_FOUND.into_response(),
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let detour = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, Router::new().fallback(answer)).await });
    let web = PublicWeb::new(Some(detour.parse().unwrap()));
    let fetch = async |path: &str, within| {
        let url = format!("https://img.example.com/{path}").parse().unwrap();
        web.fetch(&url, BYTES_MAX, within).await
    };
    let patient = Duration::from_secs(5);
    for path in ["a", "moved"] {
        assert_eq!(fetch(path, patient).await.unwrap().len(), BYTES_MAX);
    }
    for path in ["long", "parts"] {
        let refused = fetch(path, patient).await.unwrap_err();
        assert!(matches!(refused, PublicWebError::TooLong(_)), "{refused}");
    }
    for path in ["inside", "plain", "port"] {
        let refused = fetch(path, patient).await.unwrap_err();
        assert!(matches!(refused, PublicWebError::NotPublic), "{refused}");
        assert!(!refused.is_passing());
    }
    for (path, status, is_passing) in [
        ("round", 303, false),
        ("busy", 503, true),
        ("x", 404, false),
    ] {
        let refused = fetch(path, patient).await.unwrap_err();
        assert!(matches!(refused, PublicWebError::Status(told) if told == status));
        assert_eq!(refused.is_passing(), is_passing);
    }
    let late = fetch("drip", Duration::from_millis(50)).await.unwrap_err();
    assert!(matches!(late, PublicWebError::TooLate(_)) && late.is_passing());
}

#[tokio::test]
async fn a_file_whose_name_leads_inside_is_not_fetched() {
    let inside = web(|_| async { Ok(vec!["127.0.0.1:0".parse().unwrap()]) });
    for url in ["https://img.example.com/a.png", "https://127.0.0.1/a.png"] {
        let url = url.parse().unwrap();
        let refused = inside.fetch(&url, 1000, Duration::from_secs(5)).await;
        assert!(
            matches!(refused, Err(PublicWebError::NotPublic)),
            "{refused:?}"
        );
    }
}
