//! An emulator in a process of its own, with the probe function beside it: for tests that kill the
//! emulator, and for trying `aws lambda invoke` by hand. Prints its address and serves until killed.

use std::time::Duration;

use stack::lambda::{Emulator, EmulatorConfig, FunctionConfig, Schedule};
use tokio::net::TcpListener;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let program = std::env::current_exe()?.with_file_name("probe_function");
    let config = EmulatorConfig {
        functions: vec![FunctionConfig::new(
            "probe",
            "storytailor-probe-production",
            program,
        )],
        url_function: Some("probe".to_owned()),
        schedules: vec![Schedule {
            function: "probe".to_owned(),
            rule_name: "probe-sweep".to_owned(),
            every: Duration::from_secs(60),
        }],
        ..EmulatorConfig::default()
    };
    let emulator = Emulator::start(config, TcpListener::bind("127.0.0.1:0").await?).await?;
    println!("{}", emulator.address());
    std::future::pending::<()>().await;
    Ok(())
}
