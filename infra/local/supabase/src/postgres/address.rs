//! How to reach a database of the local server, as each of the logins.

/// The password of every local login; the server listens on the loopback address only.
pub(super) const PASSWORD: &str = "postgres";
/// The superuser, who is nobody's login on a hosted project.
pub(super) const SUPERUSER: &str = "supabase_admin";

/// A database on the loopback address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DatabaseAddress {
    port: u16,
    database: String,
}

impl DatabaseAddress {
    pub(super) fn new(port: u16, database: &str) -> Self {
        Self {
            port,
            database: database.to_owned(),
        }
    }

    /// Another database of the same server.
    pub(super) fn beside(&self, database: &str) -> Self {
        Self::new(self.port, database)
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    /// As the project's owner `postgres`, no superuser.
    pub fn database_url(&self) -> String {
        self.url("postgres")
    }

    /// As `supabase_admin`, who may do anything.
    pub fn superuser_url(&self) -> String {
        self.url(SUPERUSER)
    }

    /// As PostgREST logs in, who may become `anon`, `authenticated` or `service_role`.
    pub fn authenticator_url(&self) -> String {
        self.url("authenticator")
    }

    fn url(&self, login: &str) -> String {
        format!(
            "postgres://{login}:{PASSWORD}@127.0.0.1:{}/{}",
            self.port, self.database
        )
    }
}
