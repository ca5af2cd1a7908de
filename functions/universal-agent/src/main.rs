//! Lambda entry point of the REST API.

use runtime::{Aws, Variables, env, report_errors, start};
use std::{process::ExitCode, sync::Arc};
use universal_agent::{Deps, app};

fn main() -> ExitCode {
    start("universal-agent", async {
        let aws = Arc::new(Aws::default());
        let variables = Variables::load(&aws, env::parameters::UNIVERSAL_AGENT).await?;
        report_errors("universal-agent", &variables)?;
        lambda_http::run(app(Deps::from_variables(&variables, aws)?)).await
    })
}
