//! Samples in, firings out.

use cloverleaf_signals::vss::{Catalogue, SignalId};
use cloverleaf_vocabulary::{BootTime, RuleId, TimeDelta};

use crate::program::{Cost, Inputs, Program, Sample};
use crate::rule::Rule;

/// Most rules one engine runs.
pub const MAX_RULES: usize = 1000;

/// The stretch of recording that a firing asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CaptureWindow {
    /// First instant, `pre_s` before the firing.
    pub start: BootTime,
    /// Last instant, `post_s` after its end; never later than `max_duration_s` after `start`.
    pub end: BootTime,
}

/// A rule that fired. It is reported twice: when it begins (`until` is `None`, the window ends `post_s` after `at` and will
/// grow) and when it ends.
#[derive(Debug, Clone, PartialEq)]
pub struct Firing {
    /// The rule.
    pub rule: RuleId,
    /// The rule's position in what [`Engine::new`] was given.
    pub index: usize,
    /// When the condition had been true for `for_s`.
    pub at: BootTime,
    /// When it ended.
    pub until: Option<BootTime>,
    /// What to keep.
    pub window: CaptureWindow,
    /// The values of the rule's signals at `at`.
    pub message: String,
}

/// What an engine has seen, for metrics.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// Samples taken.
    pub samples: u64,
    /// Samples refused because their value was not finite.
    pub non_finite: u64,
    /// Samples refused because their signal is not of this catalogue.
    pub unknown_signal: u64,
    /// Samples whose time was before one already seen; taken as if they came then.
    pub late: u64,
    /// Evaluations of rules.
    pub evaluations: u64,
}

/// Why an engine cannot be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EngineError {
    /// Too many rules.
    #[error("{0} rules, at most {MAX_RULES} allowed")]
    TooManyRules(usize),
    /// Two rules of one name.
    #[error("rule `{0}` is given twice")]
    Duplicate(RuleId),
    /// A rule read against a larger catalogue.
    #[error("rule `{0}` was checked against another catalogue: it uses a signal this one lacks")]
    OtherCatalogue(RuleId),
}

/// Runs rules over samples. Pure: its output depends on the sequence of samples alone.
pub struct Engine {
    running: Vec<Running>,
    samples: Vec<Sample>,
    /// Rules that mention signal `i`: `dependents[starts[i]..starts[i + 1]]`.
    dependents: Vec<u16>,
    starts: Vec<u32>,
    now_ns: u64,
    start_ns: Option<u64>,
    /// Not after the earliest deadline of any rule.
    next_ns: u64,
    firings: Vec<Firing>,
    counts: Counts,
}

struct Running {
    rule: Rule,
    program: Program,
    stale_after_ns: u64,
    /// Name and unit of the signals the message shows.
    shown: Vec<(SignalId, String, String)>,
    phase: Phase,
    deadline_ns: u64,
}

enum Phase {
    /// Not firing. `armed`: the condition has not been true since the last firing began.
    Idle {
        armed: bool,
        ready_ns: u64,
    },
    Firing {
        at_ns: u64,
        full_ns: u64,
        message: String,
    },
}

/// Signals a message shows at most.
const SHOWN: usize = 6;

impl Engine {
    /// An engine for rules read against `catalogue`.
    ///
    /// # Errors
    /// Too many rules, two of one name, or a rule that was read against another catalogue.
    pub fn new(rules: impl IntoIterator<Item = Rule>, catalogue: &Catalogue) -> Result<Self, EngineError> {
        let rules: Vec<Rule> = rules.into_iter().collect();
        if rules.len() > MAX_RULES {
            return Err(EngineError::TooManyRules(rules.len()));
        }
        let mut by_signal = vec![Vec::new(); catalogue.len()];
        let mut running: Vec<Running> = Vec::with_capacity(rules.len());
        for rule in rules {
            if running.iter().any(|known| known.rule.id == rule.id) {
                return Err(EngineError::Duplicate(rule.id));
            }
            let signals = rule.when().signals();
            let mut shown = Vec::new();
            for id in &signals {
                let (Some(list), Some(def)) = (by_signal.get_mut(id.index()), catalogue.def(*id)) else {
                    return Err(EngineError::OtherCatalogue(rule.id));
                };
                // MAX_RULES keeps the position within u16.
                list.push(running.len() as u16);
                if shown.len() < SHOWN {
                    shown.push((*id, def.name.clone(), def.unit.clone()));
                }
            }
            running.push(Running {
                program: rule.program().clone(),
                stale_after_ns: nanos(rule.stale_after),
                shown,
                phase: Phase::Idle { armed: true, ready_ns: 0 },
                deadline_ns: u64::MAX,
                rule,
            });
        }
        let mut dependents = Vec::new();
        let mut starts = vec![0];
        for list in &by_signal {
            dependents.extend_from_slice(list);
            starts.push(dependents.len() as u32);
        }
        Ok(Self {
            running,
            samples: vec![Sample::NONE; catalogue.len()],
            dependents,
            starts,
            now_ns: 0,
            start_ns: None,
            next_ns: u64::MAX,
            firings: Vec::new(),
            counts: Counts::default(),
        })
    }

    /// Takes one sample, in the catalogue's unit. Times should not go back; one that does counts as late and is taken as now.
    pub fn push(&mut self, time: BootTime, id: SignalId, value: f64) {
        if id.index() >= self.samples.len() {
            self.counts.unknown_signal += 1;
            return;
        }
        if !value.is_finite() {
            self.counts.non_finite += 1;
            return;
        }
        self.counts.samples += 1;
        let mut now = time.as_nanos();
        if now < self.now_ns {
            self.counts.late += 1;
            now = self.now_ns;
        }
        self.run_deadlines(now);
        self.begin(now);
        let sample = &mut self.samples[id.index()];
        // 0 is kept for "never".
        *sample = Sample { value, at_ns: now, count: sample.count.wrapping_add(1).max(1) };
        let (from, to) = (self.starts[id.index()] as usize, self.starts[id.index() + 1] as usize);
        for position in from..to {
            self.evaluate(self.dependents[position] as usize);
        }
    }

    /// Lets time pass without a sample, up to and with `time`. How often it is called changes only how soon firings that
    /// depend on time show up in [`Engine::drain`], not what they say.
    pub fn advance(&mut self, time: BootTime) {
        let now = time.as_nanos().max(self.now_ns);
        if self.start_ns.is_none() {
            self.begin(now);
        }
        self.run_deadlines(now.saturating_add(1));
        self.now_ns = now;
    }

    /// Ends the drive: time passes to `time` and firings still going end there.
    pub fn finish(&mut self, time: BootTime) {
        self.advance(time);
        for index in 0..self.running.len() {
            if let Phase::Firing { .. } = self.running[index].phase {
                self.end_firing(index, self.now_ns, true);
            }
        }
    }

    /// Firings since the last call, in order of time. Call it after pushes; the buffer is reused.
    pub fn drain(&mut self) -> std::vec::Drain<'_, Firing> {
        self.firings.drain(..)
    }

    /// The rules, by [`Firing::index`].
    pub fn rules(&self) -> impl ExactSizeIterator<Item = &Rule> {
        self.running.iter().map(|running| &running.rule)
    }

    /// What has been seen so far.
    pub fn counts(&self) -> Counts {
        self.counts
    }

    /// Most an evaluation of every rule costs, and the memory all state takes.
    pub fn cost(&self) -> Cost {
        let mut total = Cost { operations: 0, state_bytes: size_of_val(self.samples.as_slice()) };
        for running in &self.running {
            let cost = running.program.cost();
            total.operations += cost.operations;
            total.state_bytes += cost.state_bytes;
        }
        total
    }

    fn begin(&mut self, now_ns: u64) {
        self.now_ns = now_ns;
        if self.start_ns.is_none() {
            self.start_ns = Some(now_ns);
            // From here on time alone may change a rule (`age` of a signal that never comes): look once at each.
            self.next_ns = now_ns;
            for running in &mut self.running {
                running.deadline_ns = now_ns;
            }
        }
    }

    /// Evaluates rules at their deadlines before `limit_ns`, earliest first, and leaves time at the last of them.
    fn run_deadlines(&mut self, limit_ns: u64) {
        while self.next_ns < limit_ns {
            let mut earliest = (u64::MAX, usize::MAX);
            for (index, running) in self.running.iter().enumerate() {
                if running.deadline_ns < earliest.0 {
                    earliest = (running.deadline_ns, index);
                }
            }
            self.next_ns = earliest.0;
            if earliest.0 < limit_ns {
                self.now_ns = earliest.0.max(self.now_ns);
                self.evaluate(earliest.1);
            }
        }
    }

    fn evaluate(&mut self, index: usize) {
        let now = self.now_ns;
        let running = &mut self.running[index];
        let inputs = Inputs {
            samples: &self.samples,
            now_ns: now,
            start_ns: self.start_ns.unwrap_or(now),
            stale_after_ns: running.stale_after_ns,
        };
        let (value, change_ns) = running.program.evaluate(&inputs);
        running.deadline_ns = change_ns;
        self.counts.evaluations += 1;
        self.step(index, value == 1.0);
        self.next_ns = self.next_ns.min(self.running[index].deadline_ns);
    }

    /// Moves a rule's firing on, given whether its condition is true now.
    fn step(&mut self, index: usize, holds: bool) {
        let now = self.now_ns;
        let running = &mut self.running[index];
        match &mut running.phase {
            Phase::Idle { armed, .. } if !holds => *armed = true,
            Phase::Idle { armed: false, .. } => {}
            Phase::Idle { ready_ns, .. } if now < *ready_ns => running.deadline_ns = running.deadline_ns.min(*ready_ns),
            Phase::Idle { .. } => self.begin_firing(index),
            Phase::Firing { full_ns, .. } if holds && now < *full_ns => {
                running.deadline_ns = running.deadline_ns.min(*full_ns);
            }
            Phase::Firing { .. } => self.end_firing(index, now, !holds),
        }
    }

    fn begin_firing(&mut self, index: usize) {
        let now = self.now_ns;
        let message = self.snapshot(index);
        let running = &mut self.running[index];
        let rule = &running.rule;
        let at = BootTime::from_nanos(now);
        let window = CaptureWindow { start: at - rule.pre, end: at + rule.post };
        // The window is full when the firing has used what pre- and post-roll leave of it.
        let room = nanos(rule.max_duration).saturating_sub(nanos(rule.pre)).saturating_sub(nanos(rule.post));
        let full_ns = now.saturating_add(room);
        self.firings.push(Firing { rule: rule.id.clone(), index, at, until: None, window, message: message.clone() });
        running.phase = Phase::Firing { at_ns: now, full_ns, message };
        running.deadline_ns = running.deadline_ns.min(full_ns);
    }

    fn end_firing(&mut self, index: usize, now: u64, armed: bool) {
        let running = &mut self.running[index];
        let rule = &running.rule;
        let ready_ns = now.saturating_add(nanos(rule.cooldown));
        let Phase::Firing { at_ns, message, .. } =
            std::mem::replace(&mut running.phase, Phase::Idle { armed, ready_ns })
        else {
            return;
        };
        let (at, until) = (BootTime::from_nanos(at_ns), BootTime::from_nanos(now));
        let window = CaptureWindow { start: at - rule.pre, end: until + rule.post };
        self.firings.push(Firing { rule: rule.id.clone(), index, at, until: Some(until), window, message });
    }

    /// The rule's signals now, for people: `Vehicle.Speed 88.3 km/h, ...`.
    fn snapshot(&self, index: usize) -> String {
        let running = &self.running[index];
        let mut text = String::new();
        for (id, name, unit) in &running.shown {
            if !text.is_empty() {
                text.push_str(", ");
            }
            let sample = self.samples[id.index()];
            let stale = self.now_ns >= sample.at_ns.saturating_add(running.stale_after_ns);
            text.push_str(name);
            if sample.count == 0 || stale {
                text.push_str(" unknown");
            } else {
                // Three decimals are finer than any signal a rule compares; trailing zeros say nothing.
                let number = format!("{:.3}", sample.value);
                text.push(' ');
                text.push_str(number.trim_end_matches('0').trim_end_matches('.'));
            }
            if !unit.is_empty() {
                text.push(' ');
                text.push_str(unit);
            }
        }
        text
    }
}

fn nanos(span: TimeDelta) -> u64 {
    u64::try_from(span.as_nanos()).unwrap_or(0)
}
