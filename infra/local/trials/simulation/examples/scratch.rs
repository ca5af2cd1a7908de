//! scratch
fn main() {
    let n = std::env::args().nth(1).unwrap();
    let s = std::env::args().nth(2).unwrap();
    let size = match s.as_str() {
        "short" => local_trials::Size::Short,
        "full" => local_trials::Size::Full,
        _ => local_trials::Size::Normal,
    };
    let t = trial_simulation::FAULTS
        .iter()
        .find(|t| t.name == n)
        .unwrap();
    let f = tokio::runtime::Runtime::new()
        .unwrap()
        .block_on((t.run)(local_trials::Order {
            size,
            seed: 1,
            reporter: local_stack::report::Reporter::Terminal,
        }))
        .unwrap();
    println!("{f}");
}
