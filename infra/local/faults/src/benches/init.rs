//! How soon a new process of each function asks for work, beside the smallest Rust function and a bare Node one.

use crate::benches::{
    binaries::{self, FUNCTIONS},
    first_poll::{FirstPoll, first_poll},
};
use crate::{Figures, Order, Running, Trial, TrialError, percentile};
use std::path::{Path, PathBuf};

pub(crate) const TRIAL: Trial = Trial {
    name: "init",
    settles: &["row 1", "row 2"],
    question: "Each release binary asks for work at most three times as late as the smallest Rust function, holding at most 10 MB.",
    run,
};

/// Times the smallest Rust function.
const SLOWER_MAX: f64 = 3.0;
const RESIDENT_MAX_MB: f64 = 10.0;

/// A Lambda runtime client in its smallest form: no SDK, no dependencies, one request.
const NODE_HELLO: &str = "require('http').get('http://'+process.env.AWS_LAMBDA_RUNTIME_API+'/2018-06-01/runtime/invocation/next',()=>{})";

fn run(order: Order) -> Running {
    Box::pin(async move {
        let folder = binaries::release(order).await?;
        let hello = binaries::hello(&folder).await?;
        let rounds = order.size.pick(9, 31, 101);
        measure(&folder, hello, rounds).await
    })
}

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

    /// A busy machine only ever adds: the tenth percentile is near to what the program itself needs.
    fn milliseconds(&self) -> f64 {
        let all: Vec<f64> = self.starts.iter().map(|start| start.milliseconds).collect();
        percentile(&all, 0.1)
    }

    fn median_milliseconds(&self) -> f64 {
        let all: Vec<f64> = self.starts.iter().map(|start| start.milliseconds).collect();
        percentile(&all, 0.5)
    }

    fn resident_mb(&self) -> f64 {
        let all: Vec<f64> = self.starts.iter().map(|start| start.resident_mb).collect();
        percentile(&all, 0.5)
    }
}

async fn measure(folder: &Path, hello: PathBuf, rounds: usize) -> Result<Figures, TrialError> {
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
    let mut figures = Figures::default();
    let Some((hello, others)) = starters.split_first() else {
        return figures;
    };
    figures.told(
        "the smallest Rust function, start to first poll",
        hello.milliseconds(),
        "ms",
    );
    figures.beside(format!("resident {:.1} MB", hello.resident_mb()));
    let node = others.iter().find(|starter| starter.name == "Node");
    if let Some(node) = node {
        figures.told(
            "a bare Node function, start to first poll",
            node.milliseconds(),
            "ms",
        );
        figures.beside(format!(
            "resident {:.1} MB; bundled with its SDK 160 to 273 ms, 64 to 101 MB",
            node.resident_mb()
        ));
    }
    for starter in others.iter().filter(|starter| starter.name != "Node") {
        figures.at_most(
            format!("{}, start to first poll", starter.name),
            starter.milliseconds() / hello.milliseconds(),
            "x hello",
            SLOWER_MAX,
        );
        figures.beside(format!(
            "{:.2} ms, median {:.2} ms{}",
            starter.milliseconds(),
            starter.median_milliseconds(),
            node.map_or(String::new(), |node| format!(
                "; bare Node {:.0} x",
                node.milliseconds() / starter.milliseconds()
            ))
        ));
        if hello.resident_mb() > 0.0 {
            figures.at_most(
                format!("{}, resident at first poll", starter.name),
                starter.resident_mb(),
                "MB",
                RESIDENT_MAX_MB,
            );
        }
    }
    figures
}
