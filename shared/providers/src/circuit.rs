//! When a provider is left alone: a circuit breaker as a pure state machine, which is told the time and knows no network.
//! The pattern: M. Nygard, Release It!, "Circuit Breaker"; one probe while half open.

use std::time::{Duration, Instant};

/// How soon a circuit opens, and for how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct CircuitSettings {
    /// Outages in a row that open it, [`DECISIVE_TO_OPEN`] of them decisive.
    pub(crate) outages_to_open: u32,
    /// From an outage to the one call that looks whether it is over.
    pub(crate) probe_after: Duration,
    /// The same for an account that was refused.
    pub(crate) account_probe_after: Duration,
}

/// Of the outages that open a circuit, so many were met by models that nothing stands in for: where one model is dead, a
/// passing failure of the next must not stop everybody.
const DECISIVE_TO_OPEN: u32 = 2;

/// What a call that ended says of the provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Observation<R> {
    /// It answered, if only to say no.
    Alive,
    /// 5xx, no connection, no answer in time.
    Outage,
    /// The same from a model that another one stands in for: it counts, but it is not decisive.
    OutageOfOneModel,
    /// It refuses this account, as `R` tells: every further call fails too.
    AccountRefused(R),
    /// Given up for reasons of our own.
    Inconclusive,
}

/// Why a circuit is open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Cause<R> {
    Outage,
    AccountRefused(R),
}

/// Whether a call may be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Admission<R> {
    Call,
    /// It may, and decides for everybody: it must be reported, under this number, or given up.
    Probe(u64),
    /// The probe is under way; what it finds holds for this call too.
    WaitForProbe,
    Refused {
        cause: Cause<R>,
        retry_in: Duration,
    },
}

#[derive(Clone, Debug)]
enum State<R> {
    Closed { outages: u32, decisive: u32 },
    Open { cause: Cause<R>, probe_at: Instant },
    HalfOpen { cause: Cause<R>, probe: u64 },
}

impl<R> State<R> {
    const fn closed() -> Self {
        Self::Closed {
            outages: 0,
            decisive: 0,
        }
    }
}

/// One provider as one process sees it.
#[derive(Clone, Debug)]
pub(crate) struct Circuit<R> {
    settings: CircuitSettings,
    state: State<R>,
    probes: u64,
}

impl<R: Clone> Circuit<R> {
    pub(crate) fn new(settings: CircuitSettings) -> Self {
        Self {
            settings,
            state: State::closed(),
            probes: 0,
        }
    }

    pub(crate) fn is_closed(&self) -> bool {
        matches!(self.state, State::Closed { .. })
    }

    /// The rest of the pause of an outage; none while it is half open.
    pub(crate) fn circuit_open_for(&self, now: Instant) -> Option<Duration> {
        match &self.state {
            State::Open {
                cause: Cause::Outage,
                probe_at,
            } => Some(probe_at.saturating_duration_since(now)).filter(|left| !left.is_zero()),
            _ => None,
        }
    }

    /// Asks for a call. An open circuit whose pause is over becomes half open with this very call.
    pub(crate) fn admit(&mut self, now: Instant) -> Admission<R> {
        match &self.state {
            State::Closed { .. } => Admission::Call,
            State::HalfOpen { .. } => Admission::WaitForProbe,
            State::Open { cause, probe_at } if now < *probe_at => Admission::Refused {
                cause: cause.clone(),
                retry_in: *probe_at - now,
            },
            State::Open { cause, .. } => {
                self.probes += 1;
                self.state = State::HalfOpen {
                    cause: cause.clone(),
                    probe: self.probes,
                };
                Admission::Probe(self.probes)
            }
        }
    }

    /// Tells how a call ended; `probe` as it was admitted. True when this opened the circuit.
    pub(crate) fn record(
        &mut self,
        now: Instant,
        probe: Option<u64>,
        observed: Observation<R>,
    ) -> bool {
        // A probe that was overtaken is a call like another.
        let decides =
            matches!(self.state, State::HalfOpen { probe: awaited, .. } if probe == Some(awaited));
        match (observed, &mut self.state) {
            (Observation::AccountRefused(refusal), state) => {
                let news = !matches!(
                    state,
                    State::Open {
                        cause: Cause::AccountRefused(_),
                        ..
                    }
                );
                *state = State::Open {
                    cause: Cause::AccountRefused(refusal),
                    probe_at: now + self.settings.account_probe_after,
                };
                return news;
            }
            (Observation::Outage, State::Closed { outages, decisive }) => {
                *outages += 1;
                *decisive += 1;
                if *outages >= self.settings.outages_to_open && *decisive >= DECISIVE_TO_OPEN {
                    self.open(now, Cause::Outage);
                    return true;
                }
            }
            (Observation::OutageOfOneModel, State::Closed { outages, .. }) => *outages += 1,
            (Observation::Outage | Observation::OutageOfOneModel, _) if decides => {
                self.open(now, Cause::Outage);
                return true;
            }
            (Observation::Alive, state) if decides || matches!(state, State::Closed { .. }) => {
                *state = State::closed();
            }
            (Observation::Inconclusive, State::HalfOpen { cause, .. }) if decides => {
                let cause = cause.clone();
                // The next call looks instead, at once.
                self.state = State::Open {
                    cause,
                    probe_at: now,
                };
            }
            // A call from before the circuit opened decides nothing any more.
            _ => (),
        }
        false
    }

    fn open(&mut self, now: Instant, cause: Cause<R>) {
        self.state = State::Open {
            cause,
            probe_at: now + self.settings.probe_after,
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::{collection::vec, prelude::*};

    const SETTINGS: CircuitSettings = CircuitSettings {
        outages_to_open: 3,
        probe_after: Duration::from_secs(20),
        account_probe_after: Duration::from_secs(60),
    };

    #[derive(Clone, Debug)]
    enum Step {
        Ask,
        /// The n-th call under way ends.
        End(usize, u8),
        Wait(u64),
    }

    fn steps() -> impl Strategy<Value = Vec<Step>> {
        let step = prop_oneof![
            3 => Just(Step::Ask),
            3 => (any::<usize>(), 0..5_u8).prop_map(|(which, how)| Step::End(which, how)),
            2 => (0..30_u64).prop_map(Step::Wait),
        ];
        vec(step, 1..200)
    }

    fn observation(how: u8) -> Observation<()> {
        match how {
            0 => Observation::Alive,
            1 => Observation::Outage,
            2 => Observation::AccountRefused(()),
            3 => Observation::OutageOfOneModel,
            _ => Observation::Inconclusive,
        }
    }

    /// What is known of a run from outside: the calls under way, and since when the provider is left alone.
    #[derive(Default)]
    struct Outside {
        under_way: Vec<Option<u64>>,
        probe: Option<u64>,
        in_a_row: u32,
        decisive: u32,
        quiet_until: Option<Instant>,
    }

    proptest! {
        #[test]
        fn one_probe_at_a_time_silence_while_open_and_never_longer_than_told(steps in steps()) {
            let start = Instant::now();
            let (mut now, mut circuit, mut seen) = (start, Circuit::new(SETTINGS), Outside::default());
            for step in steps {
                match step {
                    Step::Wait(seconds) => now += Duration::from_secs(seconds),
                    Step::Ask => match circuit.admit(now) {
                        Admission::Call => {
                            prop_assert!(seen.quiet_until.is_none(), "a call while open");
                            seen.under_way.push(None);
                        }
                        Admission::Probe(number) => {
                            prop_assert!(seen.probe.replace(number).is_none(), "two probes");
                            prop_assert!(seen.quiet_until.is_some_and(|until| now >= until), "a probe too early");
                            seen.under_way.push(Some(number));
                        }
                        Admission::WaitForProbe => prop_assert!(seen.under_way.contains(&seen.probe), "a wait for nobody"),
                        Admission::Refused { retry_in, .. } => {
                            prop_assert_eq!(seen.quiet_until, Some(now + retry_in));
                            prop_assert!(retry_in > Duration::ZERO && retry_in <= SETTINGS.account_probe_after);
                        }
                    },
                    Step::End(..) if seen.under_way.is_empty() => (),
                    Step::End(which, how) => {
                        let probe = seen.under_way.swap_remove(which % seen.under_way.len());
                        let observed = observation(how);
                        let decides = probe.is_some() && probe == seen.probe;
                        circuit.record(now, probe, observed.clone());
                        match observed {
                            Observation::AccountRefused(()) => {
                                seen.quiet_until = Some(now + SETTINGS.account_probe_after);
                                // It overtakes the probe.
                                seen.probe = None;
                            }
                            Observation::Outage | Observation::OutageOfOneModel if decides => {
                                seen.quiet_until = Some(now + SETTINGS.probe_after);
                            }
                            Observation::OutageOfOneModel if seen.quiet_until.is_none() => seen.in_a_row += 1,
                            Observation::Outage if seen.quiet_until.is_none() => {
                                seen.in_a_row += 1;
                                seen.decisive += 1;
                                if seen.in_a_row >= SETTINGS.outages_to_open && seen.decisive >= 2 {
                                    seen.quiet_until = Some(now + SETTINGS.probe_after);
                                }
                            }
                            Observation::Alive if decides || seen.quiet_until.is_none() => {
                                seen.quiet_until = None;
                                (seen.in_a_row, seen.decisive) = (0, 0);
                            }
                            Observation::Inconclusive if decides => seen.quiet_until = Some(now),
                            _ => (),
                        }
                        if decides { seen.probe = None; }
                        if seen.quiet_until.is_some() { (seen.in_a_row, seen.decisive) = (0, 0); }
                    }
                }
            }
        }
    }

    #[test]
    fn a_refused_account_opens_at_once_and_an_outage_with_the_last_of_its_failures() {
        let now = Instant::now();
        let mut circuit = Circuit::new(SETTINGS);
        assert!(circuit.record(now, None, Observation::AccountRefused("no money")));
        assert_eq!(
            circuit.admit(now),
            Admission::Refused {
                cause: Cause::AccountRefused("no money"),
                retry_in: Duration::from_secs(60)
            }
        );

        let mut circuit = Circuit::<()>::new(SETTINGS);
        for _ in 0..10 {
            assert!(!circuit.record(now, None, Observation::OutageOfOneModel));
        }
        let opened = [(); 2].map(|()| circuit.record(now, None, Observation::Outage));
        assert_eq!(opened, [false, true], "the other models are down too");

        let mut circuit = Circuit::<()>::new(SETTINGS);
        let opened = [(); 3].map(|()| circuit.record(now, None, Observation::Outage));
        assert_eq!(opened, [false, false, true]);
        let pause = SETTINGS.probe_after;
        assert_eq!(circuit.circuit_open_for(now), Some(pause));
        let later = now + pause;
        assert_eq!(circuit.circuit_open_for(later), None);
        assert_eq!(circuit.admit(later), Admission::Probe(1));
        assert_eq!(circuit.admit(later), Admission::WaitForProbe);
        circuit.record(later, Some(1), Observation::Alive);
        assert_eq!(circuit.admit(later), Admission::Call);
    }
}
