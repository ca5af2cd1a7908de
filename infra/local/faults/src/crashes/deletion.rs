//! Stories and users taken away at random moments, while processes die and S3 and PostgREST fail: nothing of them is left.

use crate::{
    Context, Figures, Result, TestStack, TestUser, Trial, TrialOptions,
    events::{Killer, ask_until_accepted, disturb},
    figures, on_stack, stuck, until,
};
use futures::future::try_join_all;
use rand::{Rng, SeedableRng, rngs::StdRng};
use sqlx::FromRow;
use stack::files::FileFault;
use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};
use uuid::Uuid;

pub(crate) const DELETION: Trial = Trial {
    name: "deletion",
    covers: &["F33"],
    question: "stories and users deleted at random moments while they are made, processes killed, S3 and PostgREST failing: \
               60 s later no row and no file of them is left, and the sums of the ledgers are exact",
    run: on_stack!(measure, |setup, _| setup
        .schedule(Duration::from_secs(1))
        .with(|options| options.duplicate_rate = 0.2)),
};

/// The goal: so long after the last deletion nothing is left.
const GONE_WITHIN: Duration = Duration::from_secs(60);
/// In place of the minutes that an invocation may last: here a lease is 5 s, and nobody stores anything for longer.
const GRACE: &str = "create or replace function private.late_writer_grace() returns interval
    language sql immutable set search_path = '' as $$ select interval '15 seconds' $$";
/// A story takes some 2 s here, and longer in company.
const MOMENT_MAX: Duration = Duration::from_secs(5);
const TRIES_MAX: usize = 200;

/// What becomes of a user and their stories.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    /// Deletes nothing: whose stories must come out well in all this.
    Stays,
    /// Deletes stories.
    Tidies,
    /// Deletes stories, then themselves.
    Leaves,
    /// Is deleted at the dashboard.
    IsRemoved,
}

const FATES: [Fate; 4] = [Fate::Stays, Fate::Tidies, Fate::Leaves, Fate::IsRemoved];

struct Person {
    user: TestUser,
    fate: Fate,
    /// All they asked for.
    stories: Vec<Uuid>,
    deleted: Vec<Uuid>,
}

async fn measure(stack: &TestStack, options: TrialOptions) -> Result<Figures> {
    stack.arrange(GRACE).await?;
    let people_count: usize = options.size.pick(4, 16, 60);
    let stories_each: usize = options.size.pick(3, 6, 10);
    disturb(stack, true);
    let faults = [
        FileFault::SlowDown,
        FileFault::InternalError,
        FileFault::Cut,
        FileFault::ErrorInside,
    ];
    stack.files().strike(0.1, &faults);

    let mut killer = Killer::new(options.seed, people_count * 3);
    let living = async {
        let lives = (0..people_count).map(|number| {
            let random = StdRng::seed_from_u64(options.seed.wrapping_add(number as u64));
            live(stack, number, stories_each, random)
        });
        let people = try_join_all(lives).await?;
        let staying: Vec<Uuid> = with_fate(&people, Fate::Stays)
            .flat_map(|person| person.stories.clone())
            .collect();
        stack.settle(&staying, Duration::from_secs(150)).await?;
        Ok::<_, crate::TrialError>(people)
    };
    let people = tokio::select! {
        people = living => people?,
        never = killer.kill_on(stack) => match never {},
    };
    disturb(stack, false);
    stack.files().strike(0.0, &[]);

    let ended = Instant::now();
    let gone = Gone::of(&people);
    let empty = until(
        "nothing of what was deleted is left",
        GONE_WITHIN * 2,
        async || {
            Ok(gone.files(stack) == 0
                && gone.queued(stack).await? == 0
                && stack.busy(Some("content-agent")).is_empty())
        },
    );
    empty.await?;
    let empty_after = ended.elapsed();
    let named = gone.tables_that_name_it(stack).await?;
    let tokens = with_fate(&people, Fate::Leaves).chain(with_fate(&people, Fate::IsRemoved));
    let mut refused = 0;
    let mut left = 0;
    for person in tokens {
        left += 1;
        refused += usize::from(usage_of(stack, &person.user).await? == 401);
    }
    let accepted: usize = people.iter().map(|person| person.stories.len()).sum();
    Ok(figures! {
        "stories asked for" => accepted, "stories";
        "stories deleted" => gone.stories.len(), "stories";
        "users deleted" => left, "users";
        "processes killed" => killer.killed(), "kills";
        "until nothing of them was left" => empty_after, "s", at_most GONE_WITHIN;
        "files of what was deleted" => gone.files(stack), "files", is 0;
        "tables that name what was deleted" => named.len(), "tables", is 0, beside named.join(", ");
        "tokens of deleted users that were refused" => refused, "tokens", is left;
        "users whose credits are not the sum of their ledger" => stack.count(WRONG_CREDITS).await?, "users", is 0;
        "credits taken, in ledger and sums" => stack.count(TAKEN).await?, "credits", is accepted;
    }
    .and(usage(stack).await?)
    .and(stack.audit().await?))
}

/// Somebody who asks for stories and deletes at moments of their own.
async fn live(
    stack: &TestStack,
    number: usize,
    stories: usize,
    mut random: StdRng,
) -> Result<Person> {
    let fate = FATES[number % FATES.len()];
    let user = stack.new_user(Some(1000)).await?;
    let asking =
        (0..stories).map(|n| ask_until_accepted(stack, &user, format!("Fernhollow{number}n{n}x")));
    let stories = try_join_all(asking).await?;
    let mut deleted = Vec::new();
    if fate != Fate::Stays {
        // Who is deleted is deleted while some of the stories are still there.
        let mut moments: Vec<(Uuid, Duration)> = Vec::new();
        for story in &stories {
            let moment = random.random_range(Duration::ZERO..MOMENT_MAX);
            if random.random_bool(0.6) {
                moments.push((*story, moment));
            }
        }
        let end = random.random_range(Duration::ZERO..MOMENT_MAX);
        deleted.extend(moments.iter().map(|(story, _)| *story));
        let deleting = moments.iter().map(async |(story, moment)| {
            tokio::time::sleep(*moment).await;
            delete(stack, &user, &format!("/stories/{story}")).await
        });
        let deleting = try_join_all(deleting);
        let leaving = async {
            tokio::time::sleep(end).await;
            match fate {
                Fate::Leaves => delete(stack, &user, "/users/me").await,
                Fate::IsRemoved => {
                    stack
                        .sql("delete from auth.users where id = $1")
                        .bind(user.id)
                        .run()
                        .await
                }
                Fate::Stays | Fate::Tidies => Ok(()),
            }
        };
        let (one, two) = tokio::join!(deleting, leaving);
        one.and(two)?;
    }
    if matches!(fate, Fate::Leaves | Fate::IsRemoved) {
        deleted.clone_from(&stories);
    }
    // What is not there is not audited.
    let mut asked = stack.asked();
    if fate != Fate::Stays {
        asked.stories.retain(|story| !stories.contains(story));
    }
    drop(asked);
    Ok(Person {
        user,
        fate,
        stories,
        deleted,
    })
}

fn with_fate(people: &[Person], fate: Fate) -> impl Iterator<Item = &Person> {
    people.iter().filter(move |person| person.fate == fate)
}

/// Asks until it is gone. Its user may be gone meanwhile, or have been asked for it before.
async fn delete(stack: &TestStack, user: &TestUser, path: &str) -> Result<()> {
    let url = format!("{}/api/v1{path}", stack.variable("API_URL"));
    let key = Uuid::new_v4().to_string();
    let mut last = String::new();
    for _ in 0..TRIES_MAX {
        let request = stack
            .http
            .delete(&url)
            .bearer_auth(&user.token)
            .header("Idempotency-Key", &key);
        match request.send().await {
            Ok(response) if matches!(response.status().as_u16(), 204 | 401 | 404) => return Ok(()),
            Ok(response) => last = response.status().to_string(),
            Err(error) => last = error.to_string(),
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    stuck(format!("{path} was never deleted; last: {last}"))
}

/// The status of the answer to who asks what they have used.
async fn usage_of(stack: &TestStack, user: &TestUser) -> Result<u16> {
    let url = format!("{}/api/v1/users/me/usage", stack.variable("API_URL"));
    let asked = stack.http.get(&url).bearer_auth(&user.token).send().await;
    Ok(asked
        .context("ask for the usage of a deleted user")?
        .status()
        .as_u16())
}

/// What must not be found any more.
struct Gone {
    stories: Vec<Uuid>,
    users: Vec<Uuid>,
}

impl Gone {
    fn of(people: &[Person]) -> Self {
        let users = with_fate(people, Fate::Leaves).chain(with_fate(people, Fate::IsRemoved));
        Self {
            stories: people
                .iter()
                .flat_map(|person| person.deleted.clone())
                .collect(),
            users: users.map(|person| person.user.id).collect(),
        }
    }

    fn files(&self, stack: &TestStack) -> usize {
        let folders = ["stories", "drafts/stories"];
        let files = |story: &Uuid| folders.map(|folder| stack.files_of(folder, *story).len());
        self.stories.iter().flat_map(files).sum()
    }

    async fn queued(&self, stack: &TestStack) -> Result<i64> {
        stack
            .sql("select count(*) from private.deletion_queue where story_id = any ($1)")
            .bind(&self.stories)
            .value()
            .await
    }

    async fn tables_that_name_it(&self, stack: &TestStack) -> Result<Vec<String>> {
        let ids: Vec<String> = self
            .stories
            .iter()
            .chain(&self.users)
            .map(Uuid::to_string)
            .collect();
        let any = ids.join("|");
        let tables: Vec<String> = stack.sql(TABLES).column().await?;
        let mut naming = Vec::new();
        for table in tables {
            let query = format!("select count(*) from {table} t where to_jsonb(t)::text ~ $1");
            let rows: i64 = stack.sql(&query).bind(&any).value().await?;
            if rows > 0 {
                naming.push(format!("{table}: {rows}"));
            }
        }
        Ok(naming)
    }
}

const TABLES: &str = "select oid::regclass::text from pg_class where relkind = 'r'
    and relnamespace in ('public'::regnamespace, 'private'::regnamespace, 'auth'::regnamespace)";
const WRONG_CREDITS: &str = "select count(*) from public.users u where u.stories_used <>
    (select -coalesce(sum(l.delta), 0) from public.credit_ledger l where l.user_id = u.id)";
/// Of all who ever asked; the demo user asks for nothing here.
const TAKEN: &str = "select (select count(*) from public.credit_ledger where reason = 'story_created')
    + (select coalesce(sum(entries), 0)::bigint from private.credit_sums where reason = 'story_created')";
const BOOKED: &str = "select count(*) + coalesce((select sum(calls)::bigint from private.usage_sums), 0) as calls,
    (coalesce(sum(cost_usd), 0) + coalesce((select sum(cost_usd) from private.usage_sums), 0))::float8 as usd
    from public.usage_ledger";

#[derive(Clone, Copy, FromRow)]
struct Booked {
    calls: i64,
    usd: f64,
}

/// Every call is booked once, and what has no name any more is summed up without losing any.
async fn usage(stack: &TestStack) -> Result<Figures> {
    let keys: Vec<String> = stack
        .sql("select call_key from public.usage_ledger")
        .column()
        .await?;
    let calls = stack.stand_ins().calls();
    let paid: BTreeSet<String> = calls
        .iter()
        .filter(|call| call.paid)
        .map(crate::call_key)
        .collect();
    let unknown = keys.iter().filter(|key| !paid.contains(*key)).count();
    let before: Booked = stack.sql(BOOKED).row().await?;
    stack
        .arrange("update public.usage_ledger set created_at = now() - interval '1 day' where story_id is null")
        .await?;
    stack
        .store
        .tidy_history(100_000)
        .await
        .context("put old work away")?;
    let after: Booked = stack.sql(BOOKED).row().await?;
    Ok(figures! {
        "paid calls booked" => before.calls, "calls", beside format!("of {} paid; what was cut off or killed is not booked", paid.len());
        "booked calls that no provider knows" => unknown, "calls", is 0;
        "nameless calls not summed up" => stack.count("select count(*) from public.usage_ledger where story_id is null").await?, "calls", is 0;
        "calls lost by summing up" => before.calls - after.calls, "calls", is 0;
        "USD lost by summing up" => (before.usd - after.usd).abs() > 1e-6, "", is 0;
    })
}
