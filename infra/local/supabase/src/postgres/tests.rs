//! Boots real servers: a second boot keeps the data, a changed migration does not, a killed run leaves nothing behind.

use super::*;
use sqlx::Row;
use std::path::PathBuf;

struct Scratch(PathBuf);

impl Scratch {
    fn new() -> Self {
        let path =
            std::env::temp_dir().join(format!("storytailor-scratch-{}", uuid::Uuid::new_v4()));
        std::fs::create_dir_all(path.join("migrations")).unwrap();
        Self(path)
    }

    fn write_migration(&self, name: &str, text: &str) {
        std::fs::write(self.0.join("migrations").join(name), text).unwrap();
    }

    async fn boot(&self) -> Postgres {
        let port = free_port().unwrap();
        Postgres::start(
            &self.0.join("postgres"),
            port,
            &self.0.join("migrations"),
            &|_| (),
        )
        .await
        .unwrap()
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

async fn count_of_things(postgres: &Postgres) -> i64 {
    let mut owner = PgConnection::connect(&postgres.address().database_url())
        .await
        .unwrap();
    let row = sqlx::query("select count(*) from public.things")
        .fetch_one(&mut owner)
        .await
        .unwrap();
    row.get(0)
}

async fn add_a_thing(postgres: &Postgres) {
    let mut owner = PgConnection::connect(&postgres.address().database_url())
        .await
        .unwrap();
    sqlx::query("insert into public.things default values")
        .execute(&mut owner)
        .await
        .unwrap();
}

#[tokio::test]
async fn a_second_boot_keeps_the_data_applies_what_is_new_and_starts_over_when_the_past_changed() {
    let scratch = Scratch::new();
    scratch.write_migration(
        "1_things.sql",
        "create table public.things (id bigint generated always as identity);",
    );
    let postgres = scratch.boot().await;
    add_a_thing(&postgres).await;
    postgres.stop().await;

    scratch.write_migration("2_more.sql", "insert into public.things default values;");
    let postgres = scratch.boot().await;
    assert_eq!(count_of_things(&postgres).await, 2);
    postgres.stop().await;

    scratch.write_migration(
        "1_things.sql",
        "create table public.things (id uuid default gen_random_uuid());",
    );
    let postgres = scratch.boot().await;
    assert_eq!(count_of_things(&postgres).await, 1);
    postgres.stop().await;
}

#[tokio::test]
async fn a_server_that_a_killed_run_left_behind_is_taken_down_and_its_data_recovered() {
    let scratch = Scratch::new();
    scratch.write_migration(
        "1_things.sql",
        "create table public.things (id bigint generated always as identity);",
    );
    let postgres = scratch.boot().await;
    let old_port = postgres.address().port();
    add_a_thing(&postgres).await;
    // As if this process and the guardian had both been killed: nobody closes the lifeline in order.
    let Postgres { mut server, .. } = postgres;
    server.kill_the_guardian();
    std::mem::forget(server);

    let postgres = scratch.boot().await;
    assert_eq!(count_of_things(&postgres).await, 1);
    assert!(
        std::net::TcpStream::connect(("127.0.0.1", old_port)).is_err(),
        "the old server still listens"
    );
    postgres.stop().await;
}

#[tokio::test]
async fn a_dropped_temporary_server_leaves_neither_process_nor_files() {
    let scratch = Scratch::new();
    scratch.write_migration(
        "1_things.sql",
        "create table public.things (id bigint generated always as identity);",
    );
    let postgres = Postgres::start_temporary(&scratch.0.join("migrations"))
        .await
        .unwrap();
    let port = postgres.address().port();
    let copy = postgres.copy_database().await.unwrap();
    let mut owner = PgConnection::connect(&copy.database_url()).await.unwrap();
    let data: String = sqlx::query_scalar("select current_setting('data_directory')")
        .fetch_one(&mut PgConnection::connect(&copy.superuser_url()).await.unwrap())
        .await
        .unwrap();
    sqlx::query("select from public.things")
        .execute(&mut owner)
        .await
        .unwrap();
    drop(postgres);
    assert!(
        std::net::TcpStream::connect(("127.0.0.1", port)).is_err(),
        "the server still listens"
    );
    assert!(!Path::new(&data).exists(), "its files are still there");
}

#[tokio::test]
async fn a_migration_that_fails_is_named() {
    let scratch = Scratch::new();
    scratch.write_migration("1_wrong.sql", "create table public.things (id nonsense);");
    let failure = Postgres::start_temporary(&scratch.0.join("migrations"))
        .await
        .unwrap_err();
    assert_eq!(
        failure.to_string(),
        "migration 1_wrong.sql could not be applied"
    );
}

#[tokio::test]
async fn a_folder_closed_to_the_servers_account_does_not_stop_it() {
    use std::os::unix::fs::PermissionsExt;
    let scratch = Scratch::new();
    scratch.write_migration("1_things.sql", "create table public.things (id int);");
    // As /root is. Where we are no root the account is our own, and nothing is closed to it.
    std::fs::set_permissions(&scratch.0, std::fs::Permissions::from_mode(0o700)).unwrap();
    for _ in 0..2 {
        let postgres = scratch.boot().await;
        assert_eq!(count_of_things(&postgres).await, 0);
        postgres.stop().await;
    }
    let account = Account::for_servers().unwrap();
    let installation = Installation::find().await.unwrap();
    let data_dir = scratch.0.join("postgres");
    let cluster = Cluster::prepare(&data_dir, installation, account, &|_| ())
        .await
        .unwrap();
    assert_eq!(cluster.place() == data_dir, account == Account::Ourselves);
    std::fs::remove_dir_all(cluster.place()).unwrap();
}

#[tokio::test]
async fn a_server_that_was_halted_comes_back_with_its_data_and_still_ends_with_us() {
    let scratch = Scratch::new();
    scratch.write_migration(
        "1_things.sql",
        "create table public.things (id bigint generated always as identity);",
    );
    let postgres = scratch.boot().await;
    for how in [Halt::InOrder, Halt::Crash] {
        add_a_thing(&postgres).await;
        postgres.halt(how).await.unwrap();
        assert!(
            PgConnection::connect(&postgres.address().database_url())
                .await
                .is_err()
        );
        postgres.resume().await.unwrap();
    }
    assert_eq!(count_of_things(&postgres).await, 2);
    let url = postgres.address().database_url();
    postgres.stop().await;
    assert!(PgConnection::connect(&url).await.is_err());
}
