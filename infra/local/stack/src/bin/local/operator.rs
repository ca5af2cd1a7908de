//! What operators ask of the stack that is up, or else of the one that the environment names.

use super::Outcome;
use operate::{
    database::Database,
    doctor,
    logs::{Files, Groups, Source},
    recover, support,
};
use stack::{
    command::interrupted,
    environment,
    home::{self, Home},
};
use std::{error::Error, io};

type Fault = Box<dyn Error + Send + Sync>;

/// The variables of the stack that is up, else of the environment.
fn variables() -> Result<impl Fn(&str) -> Option<String>, Fault> {
    let running = Home::open(home::workspace().join(".local"))?.running();
    Ok(move |name: &str| match &running {
        Some(variables) => variables.get(name).cloned(),
        None => environment::variable(name),
    })
}

fn database() -> Result<Database, Fault> {
    let variable = variables()?;
    let known = variable("SUPABASE_URL").zip(variable("SUPABASE_SERVICE_ROLE_KEY"));
    let (url, key) =
        known.ok_or("no stack is up, and SUPABASE_URL and SUPABASE_SERVICE_ROLE_KEY name none")?;
    Ok(Database { url, key })
}

pub(super) async fn why(story: &str) -> Outcome {
    print!("{}", database()?.why(story).await?);
    Ok(())
}

/// Brings a story back, or says why not.
pub(super) async fn recover(story: &str) -> Outcome {
    let variable = variables()?;
    let function = variable("CONTENT_AGENT_FUNCTION");
    let target = recover::Target {
        endpoint: variable("AWS_ENDPOINT_URL_LAMBDA"),
        function: function.ok_or("no stack is up, and CONTENT_AGENT_FUNCTION names none")?,
    };
    println!("{}", recover::run(&target, story).await?);
    Ok(())
}

pub(super) async fn switch(state: &str, reason: Option<&str>) -> Outcome {
    println!("{}", database()?.switch(state, reason).await?);
    Ok(())
}

/// The logs of the local stack, or of the deployed one that `ENVIRONMENT` names, this far back.
fn open_logs(since: &str, follows: bool, id: Option<&str>) -> io::Result<Source> {
    let home = Home::open(home::workspace().join(".local")).map_err(io::Error::other)?;
    let deployed = environment::variable("ENVIRONMENT").filter(|_| home.running().is_none());
    let Some(environment) = deployed else {
        return Ok(Source::Files(Files::open(&home.join("logs"))));
    };
    let groups = Groups::open(&environment, since, follows, id);
    let missing = |error| {
        io::Error::other(format!(
            "could not run `aws` (AWS command line, version 2): {error}"
        ))
    };
    groups.map(Source::Groups).map_err(missing)
}

pub(super) async fn logs(id: Option<&str>, follows: bool) -> Outcome {
    let source = open_logs("1h", follows, id)?;
    tokio::select! {
        told = source.tell(id, follows, |line| println!("{}", line.shown())) => Ok(told?),
        () = interrupted() => Ok(()),
    }
}

/// Writes what support needs to know into a file, and says where.
pub(super) async fn support_bundle(id: &str) -> Outcome {
    let variable = variables()?;
    let known = doctor::names().filter_map(|name| Some((name.to_owned(), variable(name)?)));
    let known = known.collect();
    let open = || open_logs("14d", false, Some(id));
    let (story, bundle) = support::collect(&database()?, id, open, &known).await?;
    let folder = home::workspace().join("out");
    std::fs::create_dir_all(&folder)?;
    let path = folder.join(format!("support-{story}.json"));
    std::fs::write(&path, serde_json::to_vec_pretty(&bundle)?)?;
    println!("{}: nobody's names and words, no secrets.", path.display());
    Ok(())
}
