//! Measured figures, each beside its goal and, where there is one, beside its anchor measured in the same run.

use std::fmt;

/// What a figure must be.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Goal {
    AtMost(f64),
    AtLeast(f64),
    Exactly(f64),
    /// Told, not judged.
    None,
}

#[derive(Clone, Debug)]
struct Figure {
    what: String,
    measured: f64,
    unit: &'static str,
    goal: Goal,
    beside: Option<String>,
}

/// The figures of one run, in the order in which they are to be read.
#[derive(Clone, Debug, Default)]
pub struct Figures(Vec<Figure>);

impl Figures {
    /// A figure that must not be above `limit`.
    pub fn at_most(
        &mut self,
        what: impl Into<String>,
        measured: f64,
        unit: &'static str,
        limit: f64,
    ) -> &mut Self {
        self.add(what.into(), measured, unit, Goal::AtMost(limit))
    }

    /// A figure that must not be below `limit`.
    pub fn at_least(
        &mut self,
        what: impl Into<String>,
        measured: f64,
        unit: &'static str,
        limit: f64,
    ) -> &mut Self {
        self.add(what.into(), measured, unit, Goal::AtLeast(limit))
    }

    /// A count that must be met exactly.
    pub fn exactly(
        &mut self,
        what: impl Into<String>,
        measured: f64,
        unit: &'static str,
        wanted: f64,
    ) -> &mut Self {
        self.add(what.into(), measured, unit, Goal::Exactly(wanted))
    }

    /// A figure that is told and not judged.
    pub fn told(
        &mut self,
        what: impl Into<String>,
        measured: f64,
        unit: &'static str,
    ) -> &mut Self {
        self.add(what.into(), measured, unit, Goal::None)
    }

    /// What the last figure is to be seen beside: the anchor of the same run, or what others reach.
    pub fn beside(&mut self, anchor: impl Into<String>) -> &mut Self {
        if let Some(last) = self.0.last_mut() {
            last.beside = Some(anchor.into());
        }
        self
    }

    /// Appends the figures of a part of the trial.
    pub fn extend(&mut self, part: Self) -> &mut Self {
        self.0.extend(part.0);
        self
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether every goal was met. A trial without a figure met none.
    pub fn all_met(&self) -> bool {
        !self.0.is_empty() && self.0.iter().all(Figure::is_met)
    }

    fn add(&mut self, what: String, measured: f64, unit: &'static str, goal: Goal) -> &mut Self {
        self.0.push(Figure {
            what,
            measured,
            unit,
            goal,
            beside: None,
        });
        self
    }
}

impl Figure {
    fn is_met(&self) -> bool {
        match self.goal {
            Goal::AtMost(limit) => self.measured <= limit,
            Goal::AtLeast(limit) => self.measured >= limit,
            // Counts are whole numbers far below 2^53.
            Goal::Exactly(wanted) => (self.measured - wanted).abs() < 0.5e-9,
            Goal::None => self.measured.is_finite(),
        }
    }

    fn goal(&self) -> String {
        match self.goal {
            Goal::AtMost(limit) => format!("≤ {}", number(limit)),
            Goal::AtLeast(limit) => format!("≥ {}", number(limit)),
            Goal::Exactly(wanted) => format!("= {}", number(wanted)),
            Goal::None => String::new(),
        }
    }
}

impl fmt::Display for Figures {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = self
            .0
            .iter()
            .map(|figure| figure.what.chars().count())
            .max()
            .unwrap_or(0);
        for figure in &self.0 {
            let mark = match (figure.goal, figure.is_met()) {
                (_, false) => "✗",
                (Goal::None, true) => "·",
                (_, true) => "✓",
            };
            let measured = format!("{} {}", number(figure.measured), figure.unit);
            let line = format!(
                "  {mark} {:width$}  {measured:>14}  {:>9}",
                figure.what,
                figure.goal()
            );
            match &figure.beside {
                Some(beside) => writeln!(out, "{line}   {beside}")?,
                None => writeln!(out, "{}", line.trim_end())?,
            }
        }
        Ok(())
    }
}

/// Whole numbers as such, others with three significant digits.
fn number(value: f64) -> String {
    if value.fract() == 0.0 || value.abs() >= 1000.0 {
        return format!("{value:.0}");
    }
    match value.abs() {
        large if large >= 100.0 => format!("{value:.0}"),
        large if large >= 10.0 => format!("{value:.1}"),
        large if large >= 1.0 => format!("{value:.3}"),
        _ => format!("{value:.4}"),
    }
}

/// The value below which this share of the samples lies (nearest rank); 0 without samples.
pub fn percentile(samples: &[f64], share: f64) -> f64 {
    let mut sorted = samples.to_vec();
    sorted.sort_by(f64::total_cmp);
    let rank = (share * sorted.len() as f64).ceil() as usize;
    sorted.get(rank.max(1) - 1).copied().unwrap_or(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missed_goal_is_marked_and_a_run_without_figures_met_nothing() {
        assert!(!Figures::default().all_met());
        let mut figures = Figures::default();
        figures
            .at_most("round trips", 13.0, "calls", 14.0)
            .beside("the documents: about 50");
        assert!(figures.all_met());
        figures.exactly("stuck", 1.0, "jobs", 0.0);
        assert!(!figures.all_met());
        let shown = figures.to_string();
        assert!(
            shown.contains("✓ round trips") && shown.contains("✗ stuck"),
            "{shown}"
        );
    }

    #[test]
    fn a_percentile_is_one_of_the_samples() {
        let samples = [4.0, 1.0, 3.0, 2.0];
        assert_eq!(percentile(&samples, 0.5), 2.0);
        assert_eq!(percentile(&samples, 0.99), 4.0);
        assert_eq!(percentile(&[], 0.5), 0.0);
    }
}
