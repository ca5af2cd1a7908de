//! Many subscribers, each to a story of its own.

use std::time::{Duration, Instant};

use futures::StreamExt as _;
use futures::stream::FuturesUnordered;
use serde_json::json;
use uuid::Uuid;

use crate::stack::Stack;

const SUBSCRIBERS: usize = 150;
const UPDATES: usize = 10;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_and_fifty_followers_each_get_the_updates_of_their_story_in_order() {
    let stack = Stack::start().await;
    let mut clients = Vec::new();
    for _ in 0..SUBSCRIBERS {
        let owner = Uuid::new_v4();
        let id = stack.story(owner).await;
        let binding = json!([{"event": "UPDATE", "schema": "public", "table": "stories", "filter": format!("id=eq.{id}")}]);
        clients.push((
            id,
            stack
                .subscribed(Some(&stack.token_of(owner)), binding)
                .await,
        ));
    }
    let started = Instant::now();
    for number in 1..=UPDATES {
        stack
            .sql(&format!("update public.stories set pages = {number}"))
            .await;
    }
    let mut following: FuturesUnordered<_> = clients
        .iter_mut()
        .map(|(id, client)| async move {
            for number in 1..=UPDATES {
                let change = client.change().await;
                assert_eq!(
                    (&change["record"]["id"], &change["record"]["pages"]),
                    (&json!(id), &json!(number))
                );
            }
        })
        .collect();
    while following.next().await.is_some() {}
    let took = started.elapsed();
    println!("{} deliveries in {took:?}", SUBSCRIBERS * UPDATES);
    assert!(took < Duration::from_secs(20), "{took:?}");
}
