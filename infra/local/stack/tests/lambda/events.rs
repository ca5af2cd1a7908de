//! Asynchronous invocations: accepted at once, delivered at least once, given up on in the end.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use stack::lambda::{Faults, Schedule};

use crate::bench::{Bench, scratch};

#[tokio::test]
async fn an_event_is_accepted_before_the_function_has_ended() {
    let bench = Bench::start(|_| ()).await;
    let since = Instant::now();
    let response = bench.send_event(json!({ "do": "sleep", "ms": 400 })).await;
    assert_eq!(response.status(), 202);
    assert!(response.bytes().await.unwrap().is_empty());
    assert!(since.elapsed() < Duration::from_millis(400));
    assert_eq!(bench.emulator.metrics().functions["probe"].invocations, 0);
    bench.settled().await;
    assert_eq!(bench.emulator.metrics().functions["probe"].invocations, 1);
}

#[tokio::test]
async fn a_duplicated_event_arrives_twice_under_one_request_id() {
    let bench = Bench::start(|config| config.faults.duplicate_rate = 1.0).await;
    bench.send_event(json!({})).await;
    bench.settled().await;
    let records = bench.emulator.invocations();
    assert_eq!(records.len(), 2);
    assert_eq!(records[0].request_id, records[1].request_id);
    assert_eq!(
        bench.emulator.metrics().functions["probe"]
            .events
            .duplicated,
        1
    );
}

#[tokio::test]
async fn a_failing_event_is_tried_once_and_becomes_a_dead_letter() {
    let file = scratch("dead-letters.jsonl");
    let bench = Bench::start(|config| config.dead_letter_file = Some(file.clone())).await;
    bench.send_event(json!({ "do": "fail", "job": 1 })).await;
    bench.settled().await;

    assert_eq!(bench.emulator.invocations().len(), 1);
    let letters = bench.emulator.dead_letters();
    let [letter] = &letters[..] else {
        panic!("{letters:?}")
    };
    let context = &letter["requestContext"];
    assert_eq!(context["condition"], "RetriesExhausted");
    assert_eq!(context["approximateInvokeCount"], 1);
    assert_eq!(letter["requestPayload"], json!({ "do": "fail", "job": 1 }));
    assert_eq!(letter["responsePayload"]["errorMessage"], "told to fail");
    let written: Value = serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap();
    assert_eq!(&written, letter);
}

#[tokio::test]
async fn an_event_that_its_function_dies_of_is_a_dead_letter_too() {
    let bench = Bench::start(|_| ()).await;
    bench.send_event(json!({ "do": "panic" })).await;
    bench.settled().await;
    assert_eq!(bench.emulator.invocations().len(), 1);
    assert_eq!(bench.emulator.dead_letters().len(), 1);
}

#[tokio::test]
async fn events_beyond_the_concurrency_wait_for_room_unless_they_grow_too_old() {
    let bench = Bench::start(|config| {
        config.functions[0].max_concurrency = 1;
        config.functions[0].max_event_age = Duration::from_millis(600);
    })
    .await;
    for ms in [100, 900, 0] {
        bench.send_event(json!({ "do": "sleep", "ms": ms })).await;
    }
    bench.settled().await;
    let events = bench.emulator.metrics().functions["probe"].events.clone();
    assert_eq!((events.accepted, events.dead_lettered), (3, 1));
    assert_eq!(bench.emulator.invocations().len(), 2);
    let letter = bench.emulator.dead_letters().remove(0);
    assert_eq!(letter["requestContext"]["condition"], "EventAgeExceeded");
    assert_eq!(letter.get("responseContext"), None);
}

#[tokio::test]
async fn a_function_without_concurrency_sends_events_straight_to_the_dead_letters() {
    let bench = Bench::start(|config| config.functions[0].max_concurrency = 0).await;
    assert_eq!(bench.send_event(json!({})).await.status(), 202);
    bench.settled().await;
    assert_eq!(bench.emulator.dead_letters().len(), 1);
    assert_eq!(bench.invoke(json!({})).await.status(), 429);
}

#[tokio::test]
async fn faults_can_be_changed_while_it_runs() {
    let bench = Bench::start(|_| ()).await;
    bench.emulator.set_faults(Faults {
        drop_rate: 1.0,
        ..Faults::default()
    });
    assert_eq!(bench.send_event(json!({})).await.status(), 202);
    assert_eq!(
        bench.emulator.metrics().functions["probe"].events.dropped,
        1
    );

    bench.emulator.set_faults(Faults::default());
    bench.send_event(json!({})).await;
    bench.settled().await;
    assert_eq!(bench.emulator.invocations().len(), 1);
}

/// A function that cannot start turns every event into a dead letter, where it can be read.
#[tokio::test]
async fn a_schedule_sends_the_scheduled_event_again_and_again() {
    let bench = Bench::start(|config| {
        config.functions[0].env = [("PROBE_REFUSES_TO_START".to_owned(), "1".to_owned())].into();
        config.schedules = vec![Schedule {
            function: "probe".to_owned(),
            every: Duration::from_millis(50),
            rule_name: "sweep".to_owned(),
        }];
    })
    .await;
    assert!(bench.emulator.dead_letters().is_empty());
    let letters = bench
        .eventually("three ticks", |emulator| {
            Some(emulator.dead_letters()).filter(|letters| letters.len() >= 3)
        })
        .await;
    for letter in &letters {
        assert_eq!(letter["requestPayload"]["detail-type"], "Scheduled Event");
        let rule = "arn:aws:events:us-east-1:123456789012:rule/sweep";
        assert_eq!(letter["requestPayload"]["resources"], json!([rule]));
    }
    assert_ne!(
        letters[0]["requestPayload"]["id"],
        letters[1]["requestPayload"]["id"]
    );
}

#[tokio::test]
async fn a_paused_schedule_ticks_only_when_told_to() {
    let bench = Bench::start(|config| {
        config.schedules = vec![Schedule {
            function: "storytailor-probe-production".to_owned(),
            every: Duration::from_secs(3600),
            rule_name: "sweep".to_owned(),
        }];
    })
    .await;
    bench.emulator.pause_schedules(true);
    let request_id = bench.emulator.tick("sweep").unwrap();
    bench.settled().await;
    assert_eq!(bench.emulator.invocations()[0].request_id, request_id);

    assert!(bench.emulator.tick("nothing").is_err());
}

#[tokio::test]
async fn the_record_of_a_failed_event_reaches_the_function_that_is_to_hear_of_it() {
    let bench = Bench::start(|config| {
        let mut rescuer = crate::bench::probe();
        "rescuer".clone_into(&mut rescuer.name);
        "storytailor-rescuer-production".clone_into(&mut rescuer.deployed_name);
        config.functions.push(rescuer);
        config.functions[0].on_failure = Some("rescuer".to_owned());
    })
    .await;
    let lose = |share| Faults {
        lose_failure_rate: share,
        ..Faults::default()
    };
    bench.emulator.set_faults(lose(1.0));
    bench.send_event(json!({ "do": "exit" })).await;
    bench.settled().await;
    assert_eq!(
        bench.emulator.metrics().functions["rescuer"]
            .events
            .accepted,
        0
    );

    bench.emulator.set_faults(lose(0.0));
    bench.send_event(json!({ "do": "exit", "job": 2 })).await;
    bench.settled().await;
    bench
        .eventually("the rescuer to answer", |emulator| {
            (emulator.metrics().functions["rescuer"].invocations == 1).then_some(())
        })
        .await;
    assert_eq!(bench.emulator.metrics().functions["rescuer"].errors, 0);
    let letters = bench.emulator.dead_letters();
    assert_eq!(letters.len(), 2, "the dead letters keep both");
    assert_eq!(letters[1]["requestPayload"]["job"], 2);
}

#[tokio::test]
async fn a_destination_that_is_no_function_is_refused_at_the_start() {
    let config = stack::lambda::EmulatorConfig {
        functions: vec![stack::lambda::FunctionConfig {
            on_failure: Some("nobody".to_owned()),
            ..crate::bench::probe()
        }],
        ..Default::default()
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let refused = stack::lambda::Emulator::start(config, listener)
        .await
        .err()
        .unwrap();
    assert!(
        refused.to_string().contains("an on-failure destination"),
        "{refused}"
    );
}

#[tokio::test]
async fn replaced_processes_end_and_the_next_event_gets_a_new_one() {
    let bench = Bench::start(|config| config.functions[0].warm = 1).await;
    let first = bench
        .eventually("a process", |emulator| emulator.instances().first()?.pid)
        .await;
    assert_eq!(bench.emulator.replace_instances("probe").unwrap(), [first]);
    let answer: Value = bench
        .invoke(json!({ "do": "sleep", "ms": 1 }))
        .await
        .json()
        .await
        .unwrap();
    assert_ne!(answer["pid"], first);
    assert!(bench.emulator.replace_instances("nobody").is_err());
}
