//! The stack a command works with: the one that is up, or one of its own.

use std::collections::BTreeMap;

use stack::{
    home::Home,
    report::Reporter,
    stack::{Stack, StackOptions},
    trouble::Trouble,
};

/// The stack that is up in this workspace, or one of our own.
pub(super) enum Running {
    Elsewhere(BTreeMap<String, String>),
    Ours(Box<Stack>),
}

impl Running {
    pub(super) async fn ensure(options: &StackOptions) -> Result<Self, Trouble> {
        let home = Home::open(options.home.clone())?;
        if let Some(variables) = home.running() {
            Reporter::Terminal.line("Using the stack that is up.");
            return Ok(Self::Elsewhere(variables));
        }
        Ok(Self::Ours(Box::new(Stack::start(options).await?)))
    }

    pub(super) fn variable(&self, name: &str) -> &str {
        self.variables().get(name).map_or("", String::as_str)
    }

    pub(super) fn variables(&self) -> &BTreeMap<String, String> {
        match self {
            Self::Elsewhere(variables) => variables,
            Self::Ours(stack) => stack.variables(),
        }
    }

    pub(super) async fn stop(self) {
        if let Self::Ours(stack) = self {
            stack.stop().await;
        }
    }
}
