//! F35: many stories end while mail service and endpoint refuse a tenth of the calls, events are doubled, and then senders are
//! killed: each end is told once by mail and once by webhook, but for what was out when a sender died.

use super::Killer;
use crate::prelude::*;
use axum::{Router, extract::State};
use reqwest::{StatusCode, header::HeaderMap};
use stack::functions::deployed_name;
use std::{
    collections::BTreeSet,
    fs,
    sync::{Arc, Mutex, PoisonError},
};

pub(crate) const RUN: Run = on_stack!(measure, |setup, _| {
    // Free a moment ago, as all ports of a stack.
    let listener = std::net::TcpListener::bind("127.0.0.1:0");
    let address = listener.and_then(|listener| listener.local_addr());
    let address = address.map_or_else(|_| String::new(), |address| format!("http://{address}"));
    setup
        .setting("EMAIL_FROM", "stories@storytailor.example")
        .setting("TIMEOUT_HANDLER_FUNCTION", deployed_name(SENDER))
        .setting(ENDPOINT, address)
});

const ENDPOINT: &str = "WEBHOOK_ENDPOINT_URL";
const SENDER: &str = "timeout-handler";
/// Sent together by one sender, which may die over them.
const BATCH: usize = 10;
const INTERVAL: Duration = Duration::from_millis(50);
const ENDS: [&str; 3] = ["failed", "partial", "ready"];

/// What the endpoint heard: whether it took it, the id, and the event.
type Heard = Arc<Mutex<Vec<(bool, String, String)>>>;
type Ends = Vec<(Uuid, &'static str)>;

/// One event of eight is refused the first time.
async fn take(State(heard): State<Heard>, head: HeaderMap, event: String) -> StatusCode {
    let id = head.get("webhook-id").and_then(|id| id.to_str().ok());
    let id = id.unwrap_or_default().to_owned();
    let mut heard = heard.lock().unwrap_or_else(PoisonError::into_inner);
    let takes = !id.ends_with(['0', '8']) || heard.iter().any(|(_, known, _)| *known == id);
    heard.push((takes, id, event));
    StatusCode::from_u16(if takes { 204 } else { 500 }).unwrap_or_default()
}

async fn measure(stack: &TestStack, options: TrialOptions) -> Result<Figures> {
    let count: usize = options.size.pick(24, 200, 1000);
    let heard = Heard::default();
    let address = stack.variable(ENDPOINT).trim_start_matches("http://");
    let listener = tokio::net::TcpListener::bind(address).await;
    let listener = listener.context("listen for webhooks")?;
    let router = Router::new().fallback(take).with_state(heard.clone());
    let serving = tokio::spawn(async move { axum::serve(listener, router).await });
    let endpoint = stack.query("an endpoint for ends").bind(stack.user.id);
    endpoint.run().await?;
    let refusing: Result<_, _> = "429=0.05,500=0.05".parse();
    stack.ses().set_faults(refusing.context("read the faults")?);
    stack.duplicate(1.0, 300);
    let folder = stack.home().join("mail");
    // Of an earlier run.
    let _ = fs::remove_dir_all(&folder);
    let began = Instant::now();
    let calm = end_and_tell(stack, count / 2).await?;
    let mut killer = Killer::new(options.seed, options.size.pick(2, 10, 40));
    let wild = tokio::select! {
        ended = end_and_tell(stack, count - count / 2) => ended?,
        never = killer.kill_on(stack) => match never {},
    };
    let took = began.elapsed();
    serving.abort();
    let heard = std::mem::take(&mut *heard.lock().unwrap_or_else(PoisonError::into_inner));
    let taken = heard.iter().filter(|(takes, ..)| *takes);
    let events: Vec<_> = taken.clone().map(|(_, _, event)| event.clone()).collect();
    let ids: BTreeSet<_> = taken.map(|(_, id, _)| id).collect();
    let mails = fs::read_dir(folder).into_iter().flatten().flatten();
    let mails = mails.flat_map(|mail| fs::read_to_string(mail.path()));
    let mails: Vec<_> = mails.collect();
    let by_mail = |ends: &Ends| tally(ends, &mails, "X-Notice-Kind: ");
    let by_event = |ends: &Ends| tally(ends, &events, "\"type\":\"story.");
    let ((mails_lost, mails_twice), (more_lost, more_mails)) = (by_mail(&calm), by_mail(&wild));
    let (lost, twice) = by_event(&calm);
    let (also_lost, more_events) = by_event(&wild);
    Ok(figures! {
        "stories that ended" => count, "stories", beside format!("within {:.0} s", took.as_secs_f64());
        "calls of the mail service" => stack.ses().calls().len(), "calls", beside format!("{} were taken", mails.len());
        "requests of the endpoint" => heard.len(), "requests", beside format!("{} were taken", events.len());
        "ends told by no mail" => mails_lost + more_lost, "ends", is 0;
        "ends told by no webhook" => lost + also_lost, "ends", is 0;
        "… under more than one id" => ids.len() as i64 - count as i64, "ids", is 0;
        "given up" => stack.count(query("ends given up")).await?, "ends", is 0;
        "mails that came twice" => mails_twice, "mails", is 0;
        "events accepted twice" => twice, "events", is 0;
        "processes killed in the second half" => killer.killed, "kills";
        "mails that came twice there" => more_mails, "mails", at_most killer.killed * BATCH;
        "events accepted twice there" => more_events, "events", at_most killer.killed * BATCH;
    })
}

/// How many ends are told by none of these texts, and how many texts there are beyond one for each.
fn tally(ends: &Ends, texts: &[String], mark: &str) -> (usize, usize) {
    let told = ends.iter().map(|(story, end)| {
        let (story, mark) = (story.to_string(), format!("{mark}{end}"));
        let about = |text: &&String| text.contains(&story) && text.contains(&mark);
        texts.iter().filter(about).count()
    });
    told.fold((0, 0), |(none, more), told| {
        (none + usize::from(told == 0), more + told.saturating_sub(1))
    })
}

/// Stories that end as the verbs end them, a third each: without a text, without a voice, and whole; until all is told.
async fn end_and_tell(stack: &TestStack, count: usize) -> Result<Ends> {
    let stories = stack.accept_stories(count).await?;
    stack.lease_all(&stories).await?;
    let ends: Ends = stories.into_iter().zip(ENDS.into_iter().cycle()).collect();
    for (place, (story, end)) in ends.iter().enumerate() {
        let ending = stack.query("end a story").bind(*story).bind(*end);
        ending.run().await?;
        // Each of them stays as long as something is due soon.
        if place % 20 == 0 {
            wake(stack)?;
        }
    }
    let began = Instant::now();
    while began.elapsed() < stack.patience {
        wake(stack)?;
        let told = async || Ok((stack.count(query("ends untold")).await? == 0).then_some(()));
        let told = poll_every(INTERVAL, Duration::from_secs(2), told);
        if told.await?.is_some() {
            return Ok(ends);
        }
        // Pauses pass at once; leases where nobody is at work who could hold one.
        let nobody = stack.busy(Some(SENDER)).is_empty();
        stack.query("ends told again").bind(nobody).run().await?;
    }
    stuck("not every end is told")
}

fn wake(stack: &TestStack) -> Result<()> {
    let kick = r#"{"action": "send_notices"}"#.to_owned().into();
    let woken = stack.emulator().invoke_event(SENDER, kick);
    woken.map(drop).context("wake a sender")
}
