//! Stories and users taken away at random moments, while processes die and S3 and PostgREST fail: nothing of them is left.

use crate::events::{Killer, ask_until_accepted, disturb, insist};
use crate::{prelude::*, providers::files::KINDS};
use futures::{StreamExt, TryStreamExt, future::try_join_all, stream};
use rand::{Rng, SeedableRng, rngs::StdRng};

pub(crate) const RUN: Run = on_stack!(measure, |setup, _| setup
    .schedule(Duration::from_secs(1))
    .with(|options| options.duplicate_rate = 0.2));

/// The goal: so long after the last deletion nothing is left.
const GONE_WITHIN: Duration = Duration::from_secs(60);
/// People at work at one moment: the API takes fifty requests at once.
const AT_ONCE: usize = 16;
/// A story takes some 2 s here, and longer in company.
const MOMENT_MAX: Duration = Duration::from_secs(5);

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

impl Person {
    fn is_gone(&self) -> bool {
        matches!(self.fate, Fate::Leaves | Fate::IsRemoved)
    }
}

async fn measure(stack: &TestStack, options: TrialOptions) -> Result<Figures> {
    stack.arrange(query("grace")).await?;
    let people_count: usize = options.size.pick(4, 16, 60);
    let stories_each: usize = options.size.pick(3, 6, 10);
    disturb(stack, true);
    stack.files().strike(0.1, &KINDS);

    let mut killer = Killer::new(options.seed, people_count * 3);
    let living = async {
        let lives = (0..people_count).map(|number| {
            let random = StdRng::seed_from_u64(options.seed.wrapping_add(number as u64));
            live(stack, number, stories_each, random)
        });
        let people: Vec<_> = stream::iter(lives)
            .buffer_unordered(AT_ONCE)
            .try_collect()
            .await?;
        let staying = people.iter().filter(|person| person.fate == Fate::Stays);
        let staying: Vec<Uuid> = staying.flat_map(|person| person.stories.clone()).collect();
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
    let (mut refused, mut left) = (0, 0);
    for person in people.iter().filter(|person| person.is_gone()) {
        let asked = person.user.request(stack, "GET", "/users/me/usage").send();
        let answer = asked.await.context("ask for the usage of a deleted user")?;
        left += 1;
        refused += usize::from(answer.status() == 401);
    }
    let accepted: usize = people.iter().map(|person| person.stories.len()).sum();
    Ok(figures! {
        "stories asked for" => accepted, "stories";
        "stories deleted" => gone.stories.len(), "stories";
        "users deleted" => left, "users";
        "processes killed" => killer.killed, "kills";
        "until nothing of them was left" => empty_after, "s", at_most GONE_WITHIN;
        "files of what was deleted" => gone.files(stack), "files", is 0;
        "tables that name what was deleted" => named.len(), "tables", is 0, beside named.join(", ");
        "tokens of deleted users that were refused" => refused, "tokens", is left;
        "users whose credits are not the sum of their ledger" => stack.count(query("wrong credits")).await?, "users", is 0;
        "credits taken, in ledger and sums" => stack.count(query("credits taken")).await?, "credits", is accepted;
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
    let mut person = Person {
        user,
        fate,
        stories,
        deleted: Vec::new(),
    };
    if fate == Fate::Stays {
        return Ok(person);
    }
    // What is not there is not audited.
    let asked_for = &person.stories;
    stack
        .asked()
        .stories
        .retain(|story| !asked_for.contains(story));
    // Who is deleted is deleted while some of the stories are still there.
    person.deleted = person.stories.clone();
    person.deleted.retain(|_| random.random_bool(0.6));
    let mut moment = || tokio::time::sleep(random.random_range(Duration::ZERO..MOMENT_MAX));
    let moments: Vec<_> = person
        .deleted
        .iter()
        .map(|story| (story, moment()))
        .collect();
    let end = moment();
    let user = &person.user;
    let deleting = try_join_all(moments.into_iter().map(async |(story, moment)| {
        moment.await;
        delete(stack, user, &format!("/stories/{story}")).await
    }));
    let leaving = async {
        end.await;
        match fate {
            Fate::Leaves => delete(stack, user, "/users/me").await,
            Fate::IsRemoved => {
                let removal = stack.sql("delete from auth.users where id = $1");
                removal.bind(user.id).run().await
            }
            Fate::Stays | Fate::Tidies => Ok(()),
        }
    };
    futures::try_join!(deleting, leaving)?;
    if person.is_gone() {
        person.deleted.clone_from(&person.stories);
    }
    Ok(person)
}

/// Asks until it is gone. Its user may be gone meanwhile, or have been asked for it before.
async fn delete(stack: &TestStack, user: &TestUser, path: &str) -> Result<()> {
    let request = user.request(stack, "DELETE", path);
    let gone = insist(request, |status| matches!(status, 204 | 401 | 404));
    gone.await.map(drop)
}

/// What must not be found any more.
struct Gone {
    stories: Vec<Uuid>,
    users: Vec<Uuid>,
}

impl Gone {
    fn of(people: &[Person]) -> Self {
        let gone = people.iter().filter(|person| person.is_gone());
        let deleted = people.iter().flat_map(|person| person.deleted.clone());
        Self {
            users: gone.map(|person| person.user.id).collect(),
            stories: deleted.collect(),
        }
    }

    fn files(&self, stack: &TestStack) -> usize {
        let files = self.stories.iter().map(|story| {
            let exchanges = stack.files_of("exchanges/stories", *story);
            stack.keys_of(*story).len() + exchanges.len()
        });
        files.sum()
    }

    async fn queued(&self, stack: &TestStack) -> Result<i64> {
        let left = stack.query("deletions left").bind(&self.stories);
        left.value().await
    }

    async fn tables_that_name_it(&self, stack: &TestStack) -> Result<Vec<String>> {
        let ids: Vec<String> = self
            .stories
            .iter()
            .chain(&self.users)
            .map(Uuid::to_string)
            .collect();
        let any = ids.join("|");
        let tables: Vec<String> = stack.query("tables").column().await?;
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

/// Every call is booked once, and what has no name any more is summed up without losing any.
async fn usage(stack: &TestStack) -> Result<Figures> {
    let bills = bills(stack).await?;
    let (calls, usd): (i64, f64) = stack.query("booked").row().await?;
    stack
        .arrange("update public.usage_ledger set created_at = now() - interval '1 day' where story_id is null")
        .await?;
    stack
        .store
        .tidy_history(100_000)
        .await
        .context("put old work away")?;
    let (calls_after, usd_after): (i64, f64) = stack.query("booked").row().await?;
    Ok(figures! {
        "paid calls booked" => calls, "calls", beside format!("of {} paid; what was cut off or killed is not booked", bills.billed);
        "booked calls that no provider knows" => bills.invented, "calls", is 0;
        "nameless calls not summed up" => stack.count("select count(*) from public.usage_ledger where story_id is null").await?, "calls", is 0;
        "calls lost by summing up" => calls - calls_after, "calls", is 0;
        "USD lost by summing up" => (usd - usd_after).abs() > 1e-6, "", is 0;
    })
}
