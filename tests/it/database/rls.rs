//! Who may do what to which table, generated from the catalogue: a new table that nobody thought about fails here.

use super::fixture::{Database, EVERYTHING, Story, failure};
use serde_json::json;
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection};
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;

/// Tables of `public` by who may read them beside `service_role`.
const OWNERS_READ: [&str; 6] = [
    "asset_generation_jobs",
    "characters",
    "credit_ledger",
    "libraries",
    "stories",
    "users",
];
const EVERY_USER_READS: [&str; 2] = ["packs", "tiers"];
const SERVICE_ONLY: [&str; 9] = [
    "asset_generation_history",
    "asset_versions",
    "idempotency_keys",
    "notification_history",
    "notification_outbox",
    "provider_limits",
    "purchases",
    "story_characters",
    "usage_ledger",
];
const SERVICE_READS: [&str; 3] = ["asset_job_records", "dead_letters", "story_summaries"];

/// What owners see of their jobs: no lease, no checkpoint (prompts are in it), no options.
const VISIBLE_JOB_COLUMNS: [&str; 16] = [
    "asset_type",
    "completed_at",
    "created_at",
    "error_code",
    "error_message",
    "id",
    "is_placeholder",
    "priority",
    "progress",
    "retry_count",
    "started_at",
    "status",
    "story_id",
    "updated_at",
    "url",
    "user_id",
];

#[derive(Clone, Copy, Debug, PartialEq)]
enum Who {
    Anon,
    Owner(Uuid),
    Stranger(Uuid),
    Service,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Doing {
    Select,
    Insert,
    Update,
    Delete,
}

#[derive(Debug, PartialEq)]
enum Outcome {
    Denied,
    Rows(u64),
}

/// A story that left rows in every table.
async fn story_with_a_past(database: &Database) -> Story {
    let story = database.story_with_text(&EVERYTHING).await;
    let mut failed = failure(&database.claim_asset(&story, "cover").await, false);
    failed["p_usage"] =
        json!([{"callKey": story.id, "provider": "openai", "model": "m", "kind": "image"}]);
    database.call("fail_job", failed).await;
    database.finish(&story).await;
    let keyed = json!({"p_user_id": story.user, "p_story_id": story.id, "p_idempotency_key": "k", "p_request_hash": "h"});
    database.call("cancel_assets", keyed).await;
    let pack =
        json!({"p_key": story.id, "p_user_id": story.user, "p_purchase": {"pack": "story_pack_5"}});
    database.call("apply_purchase", pack).await;
    put_at_rest(database, &story).await;
    story
}

/// Another story of the same user, which housekeeping moved away.
async fn put_at_rest(database: &Database, story: &Story) {
    let old = database.story_of(story.user, &["cover"]).await;
    database.write_text(&old).await;
    database.finish(&old).await;
    database
        .arrange(&format!(
            "update public.stories set asset_generation_completed_at = now() - interval '31 days' where id = '{0}';
             update public.asset_generation_jobs set completed_at = now() - interval '31 days' where story_id = '{0}';
             update public.notification_outbox set sent_at = now() where story_id = '{0}'",
            old.id
        ))
        .await;
    let tidied = database.call("tidy_history", json!({})).await;
    assert_eq!(
        (&tidied["stories"], &tidied["notices"]),
        (&json!(1), &json!(1))
    );
}

async fn tables(database: &Database) -> BTreeSet<String> {
    let query = "select relname::text from pg_class where relnamespace = 'public'::regnamespace and relkind in ('r', 'p', 'v', 'm', 'f')";
    sqlx::query_scalar(query)
        .fetch_all(&database.superuser)
        .await
        .unwrap()
        .into_iter()
        .collect()
}

async fn columns_readable_by(database: &Database, role: &str, table: &str) -> Vec<String> {
    let query = "select column_name::text from information_schema.column_privileges
        where table_schema = 'public' and table_name = $1 and grantee = $2 and privilege_type = 'SELECT' order by 1";
    sqlx::query_scalar(query)
        .bind(table)
        .bind(role)
        .fetch_all(&database.superuser)
        .await
        .unwrap()
}

/// Tries it as PostgREST would, and takes it back.
async fn attempt(
    database: &Database,
    who: Who,
    doing: Doing,
    table: &str,
    column: &str,
) -> Outcome {
    let mut login = PgConnection::connect(&database.address.authenticator_url())
        .await
        .unwrap();
    let (role, claims) = match who {
        Who::Anon => ("anon", json!({"role": "anon"})),
        Who::Owner(user) | Who::Stranger(user) => (
            "authenticated",
            json!({"role": "authenticated", "sub": user}),
        ),
        Who::Service => ("service_role", json!({"role": "service_role"})),
    };
    let statement = match doing {
        Doing::Select => format!("select {column} from public.{table}"),
        // Permission is checked before any constraint, and a row without values breaks one everywhere.
        Doing::Insert => format!("insert into public.{table} default values"),
        Doing::Update => format!("update public.{table} set {column} = {column}"),
        Doing::Delete => format!("delete from public.{table}"),
    };
    let mut transaction = login.begin().await.unwrap();
    transaction
        .execute(AssertSqlSafe(format!("set local role {role}")))
        .await
        .unwrap();
    sqlx::query("select set_config('request.jwt.claims', $1, true)")
        .bind(claims.to_string())
        .execute(&mut *transaction)
        .await
        .unwrap();
    let outcome = match transaction.execute(AssertSqlSafe(statement)).await {
        Ok(done) => Outcome::Rows(done.rows_affected()),
        // Not allowed, or a view that nobody can write to.
        Err(sqlx::Error::Database(error))
            if matches!(error.code().as_deref(), Some("42501" | "55000" | "0A000")) =>
        {
            Outcome::Denied
        }
        // Allowed, and stopped by a constraint.
        Err(sqlx::Error::Database(error))
            if error
                .code()
                .is_some_and(|code| code.starts_with("23") || code == "428C9") =>
        {
            Outcome::Rows(1)
        }
        Err(error) => panic!("{who:?} {doing:?} {table}: {error}"),
    };
    transaction.rollback().await.unwrap();
    outcome
}

#[tokio::test]
async fn the_matrix_of_tables_roles_and_statements_holds() {
    let database = Database::new().await;
    let owner = Who::Owner(story_with_a_past(&database).await.user);
    let stranger = Who::Stranger(Uuid::new_v4());
    let all_tables = tables(&database).await;
    let known: BTreeSet<_> = [
        &OWNERS_READ[..],
        &EVERY_USER_READS,
        &SERVICE_ONLY,
        &SERVICE_READS,
    ]
    .concat()
    .into_iter()
    .map(str::to_owned)
    .collect();
    assert_eq!(
        all_tables, known,
        "say in this file who may read the new table"
    );

    for table in &all_tables {
        let table = table.as_str();
        let column = columns_readable_by(&database, "service_role", table)
            .await
            .remove(0);
        let column = if table == "asset_generation_jobs" {
            "progress"
        } else {
            &column
        };
        for who in [Who::Anon, owner, stranger, Who::Service] {
            for doing in [Doing::Select, Doing::Insert, Doing::Update, Doing::Delete] {
                let outcome = attempt(&database, who, doing, table, column).await;
                let context = format!("{who:?} {doing:?} {table}: {outcome:?}");
                let may = match (who, doing) {
                    (Who::Service, Doing::Select) => true,
                    (Who::Service, _) => !SERVICE_READS.contains(&table),
                    (Who::Owner(_) | Who::Stranger(_), Doing::Select) => {
                        OWNERS_READ.contains(&table) || EVERY_USER_READS.contains(&table)
                    }
                    _ => false,
                };
                match outcome {
                    Outcome::Denied => assert!(!may, "{context}"),
                    // Generated columns cannot be updated to anything, so such an update may concern no row.
                    Outcome::Rows(rows) => {
                        assert!(may, "{context}");
                        let foreign =
                            matches!(who, Who::Stranger(_)) && !EVERY_USER_READS.contains(&table);
                        assert_eq!(rows == 0, foreign, "{context}");
                    }
                }
            }
        }
    }
}

#[tokio::test]
async fn an_owner_sees_the_rows_of_one_owner_only() {
    let database = Database::new().await;
    let (one, two) = (
        story_with_a_past(&database).await,
        story_with_a_past(&database).await,
    );
    for table in OWNERS_READ {
        let of = async |user| attempt(&database, Who::Owner(user), Doing::Select, table, "1").await;
        let all = database.count(&format!("public.{table}")).await as u64;
        let (first, second) = (of(one.user).await, of(two.user).await);
        assert_eq!(first, Outcome::Rows(all / 2), "{table}");
        assert_eq!(second, Outcome::Rows(all / 2), "{table}");
    }
}

#[tokio::test]
async fn every_table_has_row_level_security_and_every_view_the_rights_of_its_reader() {
    let database = Database::new().await;
    let open: Vec<String> = sqlx::query_scalar(
        "select relname::text from pg_class where relnamespace = 'public'::regnamespace and
           ((relkind in ('r', 'p') and not relrowsecurity)
            or (relkind = 'v' and not coalesce(reloptions, '{}') && '{security_invoker=true,security_invoker=on}'::text[]))",
    )
    .fetch_all(&database.superuser)
    .await
    .unwrap();
    assert_eq!(open, Vec::<String>::new());
    let loose: Vec<String> = sqlx::query_scalar(
        "select policyname::text from pg_policies where schemaname = 'public' and
           (roles <> '{authenticated}' or cmd <> 'SELECT' or with_check is not null
            or (qual <> 'true' and qual not like '%SELECT auth.uid()%'))",
    )
    .fetch_all(&database.superuser)
    .await
    .unwrap();
    assert_eq!(
        loose,
        Vec::<String>::new(),
        "policies let owners read, and ask for the user once a statement"
    );
}

#[tokio::test]
async fn the_grants_are_exactly_these() {
    let database = Database::new().await;
    let granted: Vec<(String, String, String)> = sqlx::query_as(
        "select grantee::text, table_name::text, string_agg(privilege_type::text, ' ' order by privilege_type)
         from information_schema.role_table_grants
         where table_schema = 'public' and grantee in ('anon', 'authenticated', 'service_role', 'PUBLIC') group by 1, 2",
    )
    .fetch_all(&database.superuser)
    .await
    .unwrap();
    let granted: BTreeMap<_, _> = granted
        .into_iter()
        .map(|(role, table, rights)| ((role, table), rights))
        .collect();
    let mut expected = BTreeMap::new();
    let mut expect = |role: &str, table: &str, rights: &str| {
        expected.insert((role.to_owned(), table.to_owned()), rights.to_owned());
    };
    for table in [&OWNERS_READ[..], &EVERY_USER_READS, &SERVICE_ONLY].concat() {
        expect("service_role", table, "DELETE INSERT SELECT UPDATE");
    }
    for view in SERVICE_READS {
        expect("service_role", view, "SELECT");
    }
    for table in [&OWNERS_READ[1..], &EVERY_USER_READS].concat() {
        expect("authenticated", table, "SELECT");
    }
    assert_eq!(granted, expected);
    assert_eq!(
        columns_readable_by(&database, "authenticated", "asset_generation_jobs").await,
        VISIBLE_JOB_COLUMNS
    );
}

#[tokio::test]
async fn no_function_is_for_anybody_but_the_service_and_none_trusts_a_search_path() {
    let database = Database::new().await;
    let functions: Vec<(String, bool, bool, bool, bool)> = sqlx::query_as(
        "select p.oid::regprocedure::text, has_function_privilege('anon', p.oid, 'execute'),
           has_function_privilege('authenticated', p.oid, 'execute'), has_function_privilege('service_role', p.oid, 'execute'),
           coalesce(p.proconfig, '{}') @> array['search_path=\"\"']
         from pg_proc p where p.pronamespace in ('public'::regnamespace, 'private'::regnamespace)",
    )
    .fetch_all(&database.superuser)
    .await
    .unwrap();
    assert!(functions.len() > 40, "the catalogue was not read");
    for (function, anon, authenticated, service, fixed_path) in functions {
        assert!(
            !anon && !authenticated && service,
            "{function}: anon {anon}, authenticated {authenticated}, service {service}"
        );
        assert!(fixed_path, "{function} has no fixed search_path");
    }
}

#[tokio::test]
async fn the_private_schema_is_open_to_the_service_alone() {
    let database = Database::new().await;
    let users: Vec<String> = sqlx::query_scalar(
        "select role from unnest('{anon,authenticated,authenticator,service_role}'::text[]) as role
         where has_schema_privilege(role, 'private', 'usage')",
    )
    .fetch_all(&database.superuser)
    .await
    .unwrap();
    assert_eq!(users, ["service_role"]);
}

#[tokio::test]
async fn realtime_publishes_the_stories_and_nothing_else() {
    let database = Database::new().await;
    let published: Vec<String> = sqlx::query_scalar(
        "select tablename::text from pg_publication_tables where pubname = 'supabase_realtime'",
    )
    .fetch_all(&database.superuser)
    .await
    .unwrap();
    assert_eq!(published, ["stories"]);
}
