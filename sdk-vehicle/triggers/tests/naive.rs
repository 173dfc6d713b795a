//! The engine against the definition: `cloverleaf_triggers::semantics`, evaluated naively over a whole history at once.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use cloverleaf_signals::vss::{Catalogue, SignalId};
use cloverleaf_triggers::{Binary, Engine, Expression, Function, Kind, Rule, Temporal, Unary};
use cloverleaf_vocabulary::{BootTime, RuleId, TimeDelta};
use proptest::prelude::*;

const TICK_NS: u64 = 10_000_000;
/// Points a tick is looked at: pulses end 1 ns after they began, and nested ones later.
const POINTS: u64 = 8;
/// Not a multiple of anything the engine rounds to, but of the tick.
const START_NS: u64 = 1_234_560_000_000;
const STALE_NS: u64 = 300_000_000;

#[derive(Debug, Clone)]
struct Push {
    tick: u64,
    signal: usize,
    value: f64,
}

/// The value of an expression at every point from the first push on.
struct History<'h> {
    pushes: &'h [Push],
    signals: &'h [SignalId],
    first_tick: u64,
    points: usize,
}

impl History<'_> {
    fn time(&self, point: usize) -> u64 {
        let point = point as u64 + self.first_tick * POINTS;
        START_NS + point / POINTS * TICK_NS + point % POINTS
    }

    fn sampled(&self, id: SignalId, point: usize) -> Vec<(u64, f64)> {
        let signal = self.signals.iter().position(|known| *known == id).unwrap();
        let now = self.time(point);
        let at = |push: &Push| START_NS + push.tick * TICK_NS;
        self.pushes.iter().filter(|p| p.signal == signal && at(p) <= now).map(|p| (at(p), p.value)).collect()
    }

    fn known(&self, id: SignalId, point: usize) -> Option<Vec<(u64, f64)>> {
        let samples = self.sampled(id, point);
        let fresh = samples.last().is_some_and(|(at, _)| self.time(point) - at < STALE_NS);
        fresh.then_some(samples)
    }

    fn each(&self, value: impl Fn(usize) -> f64) -> Vec<f64> {
        (0..self.points).map(value).collect()
    }

    fn trace(&self, expression: &Expression) -> Vec<f64> {
        let unknown = f64::NAN;
        match &expression.kind {
            Kind::Number(value) => vec![*value; self.points],
            Kind::Boolean(value) => vec![f64::from(u8::from(*value)); self.points],
            Kind::Signal { id, .. } => {
                self.each(|p| self.known(*id, p).and_then(|s| s.last().map(|(_, v)| *v)).unwrap_or(unknown))
            }
            Kind::Unary { operator, operand } => {
                let a = self.trace(operand);
                self.each(|p| if *operator == Unary::Not { logic(a[p]).map_or(unknown, |b| number(!b)) } else { -a[p] })
            }
            Kind::Binary { operator, left, right } => {
                let (a, b) = (self.trace(left), self.trace(right));
                self.each(|p| binary(*operator, a[p], b[p]))
            }
            Kind::Conditional { condition, then, otherwise } => {
                let (c, a, b) = (self.trace(condition), self.trace(then), self.trace(otherwise));
                self.each(|p| logic(c[p]).map_or(unknown, |c| if c { a[p] } else { b[p] }))
            }
            Kind::In { needle, haystack } => {
                let Kind::List(items) = &haystack.kind else { panic!("rules have literal lists") };
                let needle = self.trace(needle);
                let items: Vec<_> = items.iter().map(|item| self.trace(item)).collect();
                self.each(|p| {
                    let any = items.iter().any(|item| item[p] == needle[p]);
                    let all_known = items.iter().all(|item| !item[p].is_nan()) && !needle[p].is_nan();
                    if any || all_known { number(any) } else { unknown }
                })
            }
            Kind::Call { function, arguments } => {
                let arguments: Vec<_> = arguments.iter().map(|argument| self.trace(argument)).collect();
                self.each(|p| {
                    let values = arguments.iter().map(|a| a[p]);
                    match function {
                        _ if values.clone().any(f64::is_nan) => unknown,
                        Function::Abs => arguments[0][p].abs(),
                        Function::Min => values.fold(f64::INFINITY, f64::min),
                        Function::Max => values.fold(f64::NEG_INFINITY, f64::max),
                        other => panic!("{other:?} has no place in a rule"),
                    }
                })
            }
            Kind::Temporal { function, operand, span_s } => self.temporal(*function, operand, *span_s),
            other => panic!("{other:?} has no place in a rule"),
        }
    }

    fn temporal(&self, function: Temporal, operand: &Expression, span_s: Option<f64>) -> Vec<f64> {
        let unknown = f64::NAN;
        let span = span_s.map_or(0, |s| (s * 1e9).round() as u64);
        if let Kind::Signal { id, .. } = operand.kind {
            match function {
                Temporal::Has => return self.each(|p| number(self.known(id, p).is_some())),
                Temporal::Age => {
                    return self.each(|p| {
                        let since = self.sampled(id, p).last().map_or(self.time(0), |(at, _)| *at);
                        let tenth = self.time(p) / 100_000_000 * 100_000_000;
                        tenth.saturating_sub(since) as f64 * 1e-9
                    });
                }
                Temporal::Rate if span_s.is_none() => {
                    return self.each(|p| match self.known(id, p).as_deref() {
                        Some([.., (t0, a), (t1, b)]) if t1 - t0 < STALE_NS => (b - a) / ((t1 - t0) as f64 * 1e-9),
                        _ => unknown,
                    });
                }
                _ => {}
            }
        }
        let x = self.trace(operand);
        let last_known = |p: usize| x[..p].iter().rev().copied().find(|v| !v.is_nan());
        let pulse = |fires: &dyn Fn(f64, f64) -> bool| {
            self.each(|p| match last_known(p) {
                _ if x[p].is_nan() => unknown,
                Some(last) => number(fires(last, x[p])),
                None => 0.0,
            })
        };
        let q = span / 64;
        let edge = |p: usize| self.time(p).checked_div(q).unwrap_or(0) * q;
        // Last point before a time.
        let before = |t: u64| (0..self.points).take_while(|p| self.time(*p) < t).last().map_or(unknown, |p| x[p]);
        let extreme = |pick: &dyn Fn(f64, f64) -> f64| {
            self.each(|p| {
                let from = edge(p).saturating_sub(span);
                let inside = (0..=p).filter(|i| self.time(*i) >= from).map(|i| x[i]);
                inside.chain([before(from)]).fold(unknown, pick)
            })
        };
        match function {
            Temporal::Rising => pulse(&|last, now| last == 0.0 && now == 1.0),
            Temporal::Falling => pulse(&|last, now| last == 1.0 && now == 0.0),
            Temporal::Changed => pulse(&|last, now| last != now),
            Temporal::For => self.each(|p| {
                if x[p] != 1.0 {
                    return x[p];
                }
                let since = (0..=p).rev().take_while(|i| x[*i] == 1.0).last().unwrap();
                number(self.time(p) - self.time(since) >= span)
            }),
            Temporal::WindowMax => extreme(&f64::max),
            Temporal::WindowMin => extreme(&f64::min),
            Temporal::WindowMean => self.each(|p| {
                let (from, to) = (edge(p).saturating_sub(span), edge(p));
                let (mut integral, mut known) = (0.0, 0.0);
                for (i, value) in x[..p].iter().enumerate() {
                    let overlap = self.time(i + 1).min(to).saturating_sub(self.time(i).max(from));
                    if !value.is_nan() {
                        integral += value * overlap as f64;
                        known += overlap as f64;
                    }
                }
                integral / known
            }),
            Temporal::Rate => {
                self.each(|p| (before(edge(p)) - before(edge(p).saturating_sub(span))) / (span as f64 * 1e-9))
            }
            Temporal::Age | Temporal::Has => panic!("of signals only"),
        }
    }
}

fn number(value: bool) -> f64 {
    f64::from(u8::from(value))
}

fn logic(value: f64) -> Option<bool> {
    (!value.is_nan()).then_some(value != 0.0)
}

fn binary(operator: Binary, a: f64, b: f64) -> f64 {
    let compare = |outcome: bool| if a.is_nan() || b.is_nan() { f64::NAN } else { number(outcome) };
    let finite = |value: f64| if value.is_finite() { value } else { f64::NAN };
    match operator {
        Binary::And => match (logic(a), logic(b)) {
            (Some(false), _) | (_, Some(false)) => 0.0,
            (Some(true), Some(true)) => 1.0,
            _ => f64::NAN,
        },
        Binary::Or => match (logic(a), logic(b)) {
            (Some(true), _) | (_, Some(true)) => 1.0,
            (Some(false), Some(false)) => 0.0,
            _ => f64::NAN,
        },
        Binary::Equal => compare(a == b),
        Binary::NotEqual => compare(a != b),
        Binary::Less => compare(a < b),
        Binary::LessOrEqual => compare(a <= b),
        Binary::Greater => compare(a > b),
        Binary::GreaterOrEqual => compare(a >= b),
        Binary::Add => finite(a + b),
        Binary::Subtract => finite(a - b),
        Binary::Multiply => finite(a * b),
        Binary::Divide => finite(a / b),
        Binary::Remainder => finite(a % b),
    }
}

const NAMES: [&str; 3] = ["Vehicle.Private.T.A", "Vehicle.Private.T.B", "Vehicle.ADAS.CruiseControl.IsActive"];

/// Whole-numbered, so that sums are exact in whatever order they are made.
fn whole() -> BoxedStrategy<String> {
    let leaf = prop_oneof![Just(NAMES[0].to_owned()), Just(NAMES[1].to_owned()), (0u8..4).prop_map(|n| n.to_string())];
    leaf.prop_recursive(2, 8, 3, |inner| {
        let pair = (inner.clone(), prop::sample::select(vec!["+", "-", "*"]), inner.clone());
        prop_oneof![
            pair.prop_map(|(a, op, b)| format!("({a} {op} {b})")),
            inner.clone().prop_map(|a| format!("-{a}")),
            inner.clone().prop_map(|a| format!("abs({a})")),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("max({a}, {b})")),
            (inner.clone(), inner).prop_map(|(a, b)| format!("({a} < 1 ? {a} : {b})")),
        ]
    })
    .boxed()
}

fn real() -> BoxedStrategy<String> {
    let span = prop::sample::select(vec!["640ms", "1.28s"]);
    let window = prop::sample::select(vec!["window_max", "window_min", "window_mean", "rate"]);
    prop_oneof![
        whole(),
        (window, whole(), span).prop_map(|(f, x, d)| format!("{f}({x}, {d})")),
        prop::sample::select(&NAMES[..2]).prop_map(|name| format!("rate({name})")),
        prop::sample::select(&NAMES[..]).prop_map(|name| format!("age({name})")),
        (whole(), whole()).prop_map(|(a, b)| format!("({a} / {b})")),
        (whole(), whole()).prop_map(|(a, b)| format!("({a} % {b})")),
    ]
    .boxed()
}

fn condition() -> BoxedStrategy<String> {
    let operator = prop::sample::select(vec!["<", "<=", ">", ">=", "==", "!="]);
    let leaf = prop_oneof![
        4 => (real(), operator, real()).prop_map(|(a, op, b)| format!("({a} {op} {b})")),
        1 => Just(NAMES[2].to_owned()),
        1 => prop::sample::select(&NAMES[..]).prop_map(|name| format!("has({name})")),
        1 => whole().prop_map(|a| format!("changed({a})")),
        1 => (whole(), whole()).prop_map(|(a, b)| format!("({a} in [{b}, 2, -1])")),
    ];
    leaf.prop_recursive(3, 12, 2, |inner| {
        let span = prop::sample::select(vec!["10ms", "0.07s", "duration('200ms')", "0.5"]);
        prop_oneof![
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("({a} && {b})")),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("({a} || {b})")),
            inner.clone().prop_map(|a| format!("!{a}")),
            inner.clone().prop_map(|a| format!("rising({a})")),
            inner.clone().prop_map(|a| format!("falling({a})")),
            (inner, span).prop_map(|(a, d)| format!("for({a}, {d})")),
        ]
    })
    .boxed()
}

fn pushes() -> impl Strategy<Value = Vec<Push>> {
    // Gaps of up to 0.6 s let signals go stale and windows run empty.
    let gap = prop_oneof![8 => 1u64..4, 1 => 20u64..60];
    prop::collection::vec((gap, 0usize..3, -3i32..4), 1..60).prop_map(|steps| {
        let mut tick = 0;
        let push = |(gap, signal, value): (u64, usize, i32)| {
            tick += gap;
            let value = if signal == 2 { number(value > 0) } else { f64::from(value) };
            Push { tick, signal, value }
        };
        steps.into_iter().map(push).collect()
    })
}

fn catalogue() -> (Catalogue, [SignalId; 3]) {
    let catalogue = Catalogue::standard().with_private(NAMES[..2].iter().copied()).unwrap_or_else(|e| panic!("{e}"));
    let ids = NAMES.map(|name| catalogue.id(name).unwrap());
    (catalogue, ids)
}

/// When the rule fires, by the engine: (from, until) in nanoseconds.
fn run(text: &str, pushes: &[Push], extra_advances: &[u64], end_ns: u64) -> Vec<(u64, u64)> {
    let (catalogue, ids) = catalogue();
    let mut rule = Rule::new(RuleId::new("r").unwrap(), text, &catalogue).unwrap_or_else(|e| panic!("{e}"));
    rule.pre = TimeDelta::ZERO;
    rule.post = TimeDelta::ZERO;
    rule.cooldown = TimeDelta::ZERO;
    rule.max_duration = TimeDelta::from_secs_f64(3600.0);
    rule.stale_after = TimeDelta::from_nanos(STALE_NS as i64);
    let mut engine = Engine::new([rule], &catalogue).unwrap();
    let mut advances = extra_advances.iter().copied().peekable();
    for push in pushes {
        let at = START_NS + push.tick * TICK_NS;
        while let Some(early) = advances.next_if(|advance| *advance < at) {
            if engine.counts().samples > 0 {
                engine.advance(BootTime::from_nanos(early));
            }
        }
        engine.push(BootTime::from_nanos(at), ids[push.signal], push.value);
    }
    engine.finish(BootTime::from_nanos(end_ns));
    engine.drain().filter_map(|f| Some((f.at.as_nanos(), f.until?.as_nanos()))).collect()
}

fn defined(text: &str, pushes: &[Push], end_tick: u64) -> Vec<(u64, u64)> {
    let (catalogue, ids) = catalogue();
    let expression = Expression::parse_condition(text, &catalogue).unwrap();
    let first_tick = pushes[0].tick;
    let points = ((end_tick - first_tick) * POINTS + 1) as usize;
    let history = History { pushes, signals: &ids, first_tick, points };
    let trace = history.trace(&expression);
    let mut firings = Vec::new();
    let mut since = None;
    for (point, value) in trace.iter().enumerate() {
        match (since, *value == 1.0) {
            (None, true) => since = Some(history.time(point)),
            (Some(from), false) => {
                firings.push((from, history.time(point)));
                since = None;
            }
            _ => {}
        }
    }
    firings.extend(since.map(|from| (from, history.time(points - 1))));
    firings
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn engine_does_what_the_definition_says(text in condition(), pushes in pushes(), cadence in 1u64..40) {
        // An expression of constants alone is no rule.
        prop_assume!(NAMES.iter().any(|name| text.contains(name)));
        let end_tick = pushes[pushes.len() - 1].tick + 150;
        let end_ns = START_NS + end_tick * TICK_NS;
        let expected = defined(&text, &pushes, end_tick);
        prop_assert_eq!(&run(&text, &pushes, &[], end_ns), &expected, "{}", text);

        // How often time is let pass must not matter.
        let advances: Vec<u64> = (START_NS..end_ns).step_by((cadence * 7_777_777) as usize).collect();
        prop_assert_eq!(&run(&text, &pushes, &advances, end_ns), &expected, "{} with advances", text);
    }
}
