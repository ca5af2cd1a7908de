//! `cargo local logs` and `cargo local support-bundle`: of the stack that is up, or of the deployed one that `ENVIRONMENT` names.

use super::{
    Outcome,
    operator::{call, variables},
};
use operate::{
    doctor,
    logs::{Files, Groups, Line, Wanted},
    support,
};
use serde_json::json;
use stack::{
    command::interrupted,
    environment,
    home::{self, Home},
};
use std::{collections::BTreeMap, error::Error, time::Duration};

/// Between two looks at the files.
const PAUSE: Duration = Duration::from_millis(250);
/// How far back a deployed stack is asked.
const SINCE: &str = "1h";
const SINCE_FOR_SUPPORT: &str = "14d";

/// The files of the local stack, or the log groups of a deployed one.
enum Source {
    Files(Files),
    Groups(Groups),
}

fn open(
    since: &str,
    follows: bool,
    id: Option<&str>,
) -> Result<Source, Box<dyn Error + Send + Sync>> {
    let home = Home::open(home::workspace().join(".local"))?;
    let deployed = environment::variable("ENVIRONMENT").filter(|_| home.running().is_none());
    let Some(environment) = deployed else {
        return Ok(Source::Files(Files::open(&home.join("logs"))));
    };
    let groups = Groups::open(&environment, since, follows, id);
    let missing = |error| format!("could not run `aws` (AWS command line, version 2): {error}");
    Ok(Source::Groups(groups.map_err(missing)?))
}

pub(super) async fn logs(id: Option<&str>, follows: bool) -> Outcome {
    let mut wanted = Wanted::new(id);
    let mut print = |line: &Line| {
        if wanted.is_met_by(line) {
            println!("{}", line.shown());
        }
    };
    let printing = async {
        match open(SINCE, follows, id)? {
            Source::Groups(mut groups) => {
                while let Some(line) = groups.next().await {
                    print(&line);
                }
            }
            Source::Files(mut files) => loop {
                files.read_on()?.iter().for_each(&mut print);
                if !follows {
                    break;
                }
                tokio::time::sleep(PAUSE).await;
            },
        }
        Ok(())
    };
    tokio::select! {
        done = printing => done,
        () = interrupted() => Ok(()),
    }
}

/// All lines that concern a story or a request, in the order of time.
async fn read_all(id: &str) -> Result<Vec<Line>, Box<dyn Error + Send + Sync>> {
    let mut lines = match open(SINCE_FOR_SUPPORT, false, Some(id))? {
        Source::Files(mut files) => files.read_on()?,
        Source::Groups(mut groups) => {
            let mut lines = Vec::new();
            while let Some(line) = groups.next().await {
                lines.push(line);
            }
            lines
        }
    };
    let mut wanted = Wanted::new(Some(id));
    // Twice: what a request said before it named its story belongs to it too.
    lines.iter().for_each(|line| {
        wanted.is_met_by(line);
    });
    lines.retain(|line| wanted.is_met_by(line));
    Ok(lines)
}

pub(super) async fn bundle(id: &str) -> Outcome {
    let rows = call("support_bundle", json!({"p_story_id": id})).await;
    let (story, rows) = match rows {
        Ok(rows) => (id.to_owned(), rows),
        // It may be the id of a request, which its lines tell the story of.
        Err(refused) => {
            let lines = read_all(id).await?;
            let mut stories = lines.iter().filter_map(|line| line.field("storyId"));
            let story = stories.next().ok_or_else(|| {
                format!("{id} is no story ({refused}), and no request in the logs that named one")
            })?;
            let rows = call("support_bundle", json!({"p_story_id": story})).await?;
            (story.to_owned(), rows)
        }
    };
    let why = call("story_why", json!({"p_story_id": story})).await?;
    let lines = read_all(&story).await?;
    let variable = variables()?;
    let known = doctor::names().filter_map(|name| Some((name.to_owned(), variable(name)?)));
    let known: BTreeMap<_, _> = known.collect();
    let bundle = support::bundle(rows, why, &lines, &known);
    let folder = home::workspace().join("out");
    std::fs::create_dir_all(&folder)?;
    let path = folder.join(format!("support-{story}.json"));
    std::fs::write(&path, serde_json::to_vec_pretty(&bundle)?)?;
    println!(
        "{}: {} jobs, {} calls, {} lines of logs; nobody's names and words, no secrets.",
        path.display(),
        bundle["rows"]["jobs"].as_array().map_or(0, Vec::len),
        bundle["rows"]["calls"].as_array().map_or(0, Vec::len),
        lines.len(),
    );
    Ok(())
}
