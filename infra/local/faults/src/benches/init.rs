//! How soon a new process of each function asks for work, beside the smallest Rust function and a bare Node one.

use crate::benches::binaries::{self, FUNCTIONS};
use crate::benches::first_poll::{FirstPoll, first_poll};
use crate::prelude::*;
use std::path::PathBuf;

pub(crate) const RUN: Run = alone!(measure);

/// Times the smallest Rust function.
const SLOWER_MAX: f64 = 3.0;
const RESIDENT_MAX_MB: f64 = 10.0;

/// A Lambda runtime client in its smallest form: no SDK, no dependencies, one request.
const NODE_HELLO: &str = "require('http').get('http://'+process.env.AWS_LAMBDA_RUNTIME_API+'/2018-06-01/runtime/invocation/next',()=>{})";

/// Somebody to be started again and again.
struct Starter {
    name: &'static str,
    program: PathBuf,
    arguments: &'static [&'static str],
    starts: Vec<FirstPoll>,
}

impl Starter {
    fn new(name: &'static str, program: PathBuf) -> Self {
        Self {
            name,
            program,
            arguments: &[],
            starts: Vec::new(),
        }
    }

    fn milliseconds(&self, share: f64) -> f64 {
        let all: Vec<f64> = self.starts.iter().map(|start| start.milliseconds).collect();
        percentile(&all, share)
    }

    fn resident_mb(&self) -> f64 {
        let all: Vec<f64> = self.starts.iter().map(|start| start.resident_mb).collect();
        percentile(&all, 0.5)
    }
}

/// A busy machine only ever adds: the tenth percentile is near to what the program itself needs.
const UNDISTURBED: f64 = 0.1;

async fn measure(options: TrialOptions) -> Result<Figures> {
    let folder = binaries::release(options).await?;
    let hello = binaries::hello(&folder).await?;
    let rounds = options.size.pick(9, 31, 101);
    let mut starters = vec![Starter::new("the smallest Rust function", hello)];
    starters.extend(FUNCTIONS.map(|function| Starter::new(function, folder.join(function))));
    let mut node = Starter::new("Node", PathBuf::from("node"));
    node.arguments = &["-e", NODE_HELLO];
    // Node is an anchor only where it is installed.
    if first_poll(&node.program, node.arguments).await.is_ok() {
        starters.push(node);
    }
    for round in 0..=rounds {
        // In turn, so that a busy moment of the machine meets all of them.
        for starter in &mut starters {
            let start = first_poll(&starter.program, starter.arguments).await?;
            // The first one reads the program from the disk.
            if round > 0 {
                starter.starts.push(start);
            }
        }
    }
    Ok(figures(&starters))
}

fn figures(starters: &[Starter]) -> Figures {
    let Some((hello, others)) = starters.split_first() else {
        return Figures::default();
    };
    let took = |starter: &Starter| starter.milliseconds(UNDISTURBED);
    let mut figures = figures! {
        "the smallest Rust function, start to first poll" => took(hello), "ms",
            beside format!("resident {:.1} MB", hello.resident_mb());
    };
    let node = others.iter().find(|starter| starter.name == "Node");
    if let Some(node) = node {
        let resident = node.resident_mb();
        figures.extend(figures! {
            "a bare Node function, start to first poll" => took(node), "ms",
                beside format!("resident {resident:.1} MB; bundled with its SDK 160 to 273 ms, 64 to 101 MB");
        });
    }
    for starter in others.iter().filter(|starter| starter.name != "Node") {
        let beside_node =
            node.map(|node| format!("; bare Node {:.0} x", took(node) / took(starter)));
        let (name, median) = (starter.name, starter.milliseconds(0.5));
        let is_known = hello.resident_mb() > 0.0;
        figures.extend(figures! {
            format!("{name}, start to first poll") => took(starter) / took(hello), "x hello", at_most SLOWER_MAX,
                beside format!("{:.2} ms, median {median:.2} ms{}", took(starter), beside_node.unwrap_or_default());
            format!("{name}, resident at first poll") =>
                starter.resident_mb(), "MB", at_most RESIDENT_MAX_MB, when is_known;
        });
    }
    figures
}
