//! `cargo local up`: the stack stays until Ctrl-C.

use super::{Outcome, announce_voice, interrupted};
use stack::{
    page::{self, Packages},
    report::Reporter,
    stack::{Stack, StackOptions},
    tools,
};

pub(super) async fn run(watch: bool) -> Outcome {
    let reporter = Reporter::Terminal;
    reporter.line("Storytailor: starting the local stack\n");
    announce_voice(reporter);
    let mut options = StackOptions::from_environment(reporter)?;
    if watch {
        tools::ensure(&options.workspace, &["cargo-lambda"]).await?;
        options.watch = Some(tools::program(&options.workspace, "cargo-lambda"));
    }
    // Beside the functions, which take longer.
    let started = async {
        tokio::join!(
            Stack::start(&options),
            page::build(&options.workspace, Packages::ToBuild)
        )
    };
    let (stack, page) = tokio::select! {
        (stack, page) = started => (stack?, page),
        () = interrupted() => return Err("stopped by a signal before the stack was up".into()),
    };
    let page = match page {
        Ok(()) => stack.variable("APP_URL").to_owned(),
        Err(problem) => format!("not there: {problem}"),
    };
    print!("{}", welcome(&stack, &page));
    interrupted().await;
    reporter.line("\nStopping …");
    stack.stop().await;
    reporter.line("Stopped; nothing is left running.");
    Ok(())
}

fn welcome(stack: &Stack, page: &str) -> String {
    let v = |name: &str| stack.variable(name).to_owned();
    let providers = if v("OPENAI_API_KEY") == "local" {
        "stand-ins (no OPENAI_API_KEY is set)"
    } else {
        "the real services"
    };
    format!(
        "
The stack is up. All of this stands in .local/env as well.

  The page     {page}

  API          {api}/api/v1          Lambda    {lambda}
  Supabase     {supabase}          Postgres  {database}
  S3           {s3}          CDN       {cdn}
  Providers    {providers}

  Anon key     {anon}
  Demo token   {token}

Try:
  curl -s {api}/api/v1/stories -H \"Authorization: Bearer $DEMO_USER_TOKEN\" -H 'content-type: application/json' \\
    -d '{{\"character_ids\":[\"{character}\"],\"story_type\":\"adventure\",\"themes\":[\"courage\"]}}'
  aws lambda invoke --endpoint-url {lambda} --function-name storytailor-asset-worker-production out.json

Ctrl-C stops everything.
",
        api = v("API_URL"),
        lambda = v("AWS_ENDPOINT_URL_LAMBDA"),
        supabase = v("SUPABASE_URL"),
        database = v("DATABASE_URL"),
        s3 = v("AWS_ENDPOINT_URL_S3"),
        cdn = v("ASSETS_CDN_URL"),
        anon = v("SUPABASE_ANON_KEY"),
        token = v("DEMO_USER_TOKEN"),
        character = v("DEMO_CHARACTER_ID"),
    )
}
