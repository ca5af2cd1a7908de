//! Serves both stand-ins alone: `serve_stand_ins [OPENAI_PORT ELEVENLABS_PORT]`, else on their usual
//! ports 54326 and 54327 of this machine.

#![expect(
    clippy::disallowed_methods,
    reason = "an example is configured by its environment"
)]

use std::io::{Error, Result};

use stand_ins::{StandInConfig, elevenlabs_router, openai_router};
use tokio::net::TcpListener;

#[tokio::main]
async fn main() -> Result<()> {
    let variable = |name: &str| std::env::var(name).ok();
    let (latency, faults) = (variable("STANDIN_LATENCY_MS"), variable("STANDIN_FAULTS"));
    let config = StandInConfig::from_variables(latency.as_deref(), faults.as_deref(), 0)
        .map_err(Error::other)?;
    let port = |index: usize| {
        std::env::args()
            .nth(index)
            .and_then(|text| text.parse::<u16>().ok())
    };
    let openai = TcpListener::bind(("127.0.0.1", port(1).unwrap_or(54326))).await?;
    let elevenlabs = TcpListener::bind(("127.0.0.1", port(2).unwrap_or(54327))).await?;
    println!(
        "OpenAI at http://{}/v1, ElevenLabs at http://{}",
        openai.local_addr()?,
        elevenlabs.local_addr()?
    );
    tokio::try_join!(
        async { axum::serve(openai, openai_router(config.clone())).await },
        async { axum::serve(elevenlabs, elevenlabs_router(config.clone())).await },
    )?;
    Ok(())
}
