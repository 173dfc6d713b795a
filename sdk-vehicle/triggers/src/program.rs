//! A checked expression as a flat list of operations over numbered registers.
//!
//! Booleans are 0 and 1, unknown is NaN: samples are finite by the time they get here, and every operation that could make
//! a non-finite number makes it unknown. Equal operations share a register, so a window used twice is kept once.

use cloverleaf_signals::vss::SignalId;

use crate::diagnostic::Problem;
use crate::expression::{Binary, Expression, Function, Kind, Temporal, Unary};
use crate::window::Window;

/// Most operations one rule may cost an evaluation.
pub const MAX_OPERATIONS: usize = 256;
/// Most state one rule may keep, in bytes.
pub const MAX_STATE_BYTES: usize = 128 * 1024;
/// Step in which `age` advances.
pub const AGE_STEP_NS: u64 = 100_000_000;
/// Where `age` stops counting.
pub const AGE_LIMIT_NS: u64 = 600_000_000_000;

/// What an expression costs, known before it runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cost {
    /// Operations an evaluation takes at most.
    pub operations: usize,
    /// Memory its state takes, in bytes.
    pub state_bytes: usize,
}

/// The last sample of one signal.
#[derive(Debug, Clone, Copy)]
pub struct Sample {
    pub value: f64,
    pub at_ns: u64,
    /// How many samples there have been; wraps.
    pub count: u32,
}

impl Sample {
    pub const NONE: Self = Self { value: f64::NAN, at_ns: 0, count: 0 };
}

/// What an evaluation sees.
pub struct Inputs<'s> {
    pub samples: &'s [Sample],
    pub now_ns: u64,
    /// The engine's first step.
    pub start_ns: u64,
    pub stale_after_ns: u64,
}

type Register = u16;

#[derive(Debug, Clone, Copy, PartialEq)]
enum Operation {
    Constant(f64),
    Signal(SignalId),
    Has(SignalId),
    Age(SignalId),
    Not(Register),
    Negate(Register),
    Abs(Register),
    Binary(Binary, Register, Register),
    Min(Register, Register),
    Max(Register, Register),
    Select(Register, Register, Register),
    Rising(Register),
    Falling(Register),
    Changed(Register),
    For(Register, u64),
    SampleRate(SignalId),
    /// The window over this register with this span (bits of the seconds); the four readings below refer to it.
    Window(Register, u64),
    WindowMax(Register),
    WindowMin(Register),
    WindowMean(Register),
    WindowRate(Register),
}

/// State of the operation with the same number.
#[derive(Debug, Clone)]
enum State {
    None,
    /// Last known value, NaN at first.
    Last(f64),
    /// Since when the operand has been true.
    Since(Option<u64>),
    Rate {
        count: u32,
        value: f64,
        at_ns: u64,
        rate: f64,
    },
    Window(Box<Window>),
}

/// A compiled expression with its registers and state.
#[derive(Debug, Clone)]
pub struct Program {
    operations: Vec<Operation>,
    states: Vec<State>,
    registers: Vec<f64>,
    result: Register,
}

impl Program {
    /// Compiles an expression over signals.
    pub fn compile(expression: &Expression) -> Result<Self, Problem> {
        let mut program = Self { operations: Vec::new(), states: Vec::new(), registers: Vec::new(), result: 0 };
        program.result = program.lower(expression)?;
        program.registers = vec![f64::NAN; program.operations.len()];
        let cost = program.cost();
        if cost.state_bytes > MAX_STATE_BYTES {
            let message = format!("needs {} bytes of state, at most {MAX_STATE_BYTES} allowed", cost.state_bytes);
            return Err(Problem::new(expression.span, message).help("use fewer windows"));
        }
        Ok(program)
    }

    /// The bound on what evaluating it takes.
    pub fn cost(&self) -> Cost {
        let windows = self.states.iter().filter(|state| matches!(state, State::Window(_))).count();
        let each = size_of::<Operation>() + size_of::<State>() + size_of::<f64>();
        Cost { operations: self.operations.len(), state_bytes: self.operations.len() * each + windows * Window::BYTES }
    }

    /// The value now, and the next instant at which time alone may change it (`u64::MAX`: none).
    pub fn evaluate(&mut self, inputs: &Inputs) -> (f64, u64) {
        let now = inputs.now_ns;
        let mut next = u64::MAX;
        let Self { operations, states, registers, result } = self;
        for (index, operation) in operations.iter().enumerate() {
            let r = |register: Register| registers[register as usize];
            let state = &mut states[index];
            let value = match *operation {
                Operation::Constant(value) => value,
                Operation::Signal(id) => fresh(inputs, id, &mut next).map_or(f64::NAN, |sample| sample.value),
                Operation::Has(id) => truth(fresh(inputs, id, &mut next).is_some()),
                Operation::Age(id) => age(inputs, id, &mut next),
                Operation::Not(a) => 1.0 - r(a),
                Operation::Negate(a) => -r(a),
                Operation::Abs(a) => r(a).abs(),
                Operation::Binary(operator, a, b) => binary(operator, r(a), r(b)),
                Operation::Min(a, b) => known(r(a), r(b), f64::min),
                Operation::Max(a, b) => known(r(a), r(b), f64::max),
                Operation::Select(condition, then, otherwise) => match r(condition) {
                    c if c.is_nan() => f64::NAN,
                    0.0 => r(otherwise),
                    _ => r(then),
                },
                Operation::Rising(a) => pulse(state, r(a), now, &mut next, |last, value| last == 0.0 && value == 1.0),
                Operation::Falling(a) => pulse(state, r(a), now, &mut next, |last, value| last == 1.0 && value == 0.0),
                Operation::Changed(a) => {
                    pulse(state, r(a), now, &mut next, |last, value| !last.is_nan() && last != value)
                }
                Operation::For(a, span_ns) => held(state, r(a), now, span_ns, &mut next),
                Operation::SampleRate(id) => sample_rate(state, inputs, id, &mut next),
                Operation::Window(a, _) => {
                    if let State::Window(window) = state {
                        window.hold(now, r(a));
                        next = next.min(window.next_change_ns());
                    }
                    f64::NAN
                }
                Operation::WindowMax(w) => read(states, w, Window::max),
                Operation::WindowMin(w) => read(states, w, Window::min),
                Operation::WindowMean(w) => read(states, w, Window::mean),
                Operation::WindowRate(w) => read(states, w, Window::rate),
            };
            registers[index] = value;
        }
        (registers[*result as usize], next)
    }

    fn lower(&mut self, expression: &Expression) -> Result<Register, Problem> {
        let operation = match &expression.kind {
            Kind::Number(value) => Operation::Constant(*value),
            Kind::Boolean(value) => Operation::Constant(truth(*value)),
            Kind::Signal { id, .. } => Operation::Signal(*id),
            Kind::Unary { operator: Unary::Not, operand } => Operation::Not(self.lower(operand)?),
            Kind::Unary { operator: Unary::Negate, operand } => Operation::Negate(self.lower(operand)?),
            Kind::Binary { operator, left, right } => {
                let (left, right) = (self.lower(left)?, self.lower(right)?);
                Operation::Binary(*operator, left, right)
            }
            Kind::Conditional { condition, then, otherwise } => {
                Operation::Select(self.lower(condition)?, self.lower(then)?, self.lower(otherwise)?)
            }
            Kind::In { needle, haystack } => return self.lower_in(needle, haystack),
            Kind::Call { function: Function::Abs, arguments } => Operation::Abs(self.lower(&arguments[0])?),
            Kind::Call { function: function @ (Function::Min | Function::Max), arguments } => {
                let mut register = self.lower(&arguments[0])?;
                for argument in &arguments[1..] {
                    let next = self.lower(argument)?;
                    let operation = match function {
                        Function::Min => Operation::Min(register, next),
                        _ => Operation::Max(register, next),
                    };
                    register = self.emit(operation, expression)?;
                }
                return Ok(register);
            }
            Kind::Temporal { function, operand, span_s } => self.lower_temporal(*function, operand, *span_s)?,
            Kind::Text(_) | Kind::Timestamp(_) | Kind::Column(_) | Kind::List(_) | Kind::Call { .. } => {
                return Err(no_place(expression));
            }
        };
        self.emit(operation, expression)
    }

    fn lower_in(&mut self, needle: &Expression, haystack: &Expression) -> Result<Register, Problem> {
        let Kind::List(items) = &haystack.kind else { return Err(no_place(haystack)) };
        let needle = self.lower(needle)?;
        let mut found = None;
        for item in items {
            let value = self.lower(item)?;
            let equal = self.emit(Operation::Binary(Binary::Equal, needle, value), item)?;
            found = Some(match found {
                None => equal,
                Some(before) => self.emit(Operation::Binary(Binary::Or, before, equal), item)?,
            });
        }
        found.ok_or_else(|| no_place(haystack))
    }

    fn lower_temporal(
        &mut self,
        function: Temporal,
        operand: &Expression,
        span_s: Option<f64>,
    ) -> Result<Operation, Problem> {
        let span_ns = span_s.map_or(0, |span| (span * 1e9).round() as u64);
        Ok(match (function, &operand.kind) {
            (Temporal::Has, Kind::Signal { id, .. }) => Operation::Has(*id),
            (Temporal::Age, Kind::Signal { id, .. }) => Operation::Age(*id),
            (Temporal::Rate, Kind::Signal { id, .. }) if span_s.is_none() => Operation::SampleRate(*id),
            (Temporal::Has | Temporal::Age, _) => return Err(no_place(operand)),
            (Temporal::Rising, _) => Operation::Rising(self.lower(operand)?),
            (Temporal::Falling, _) => Operation::Falling(self.lower(operand)?),
            (Temporal::Changed, _) => Operation::Changed(self.lower(operand)?),
            (Temporal::For, _) => Operation::For(self.lower(operand)?, span_ns),
            (Temporal::Rate | Temporal::WindowMax | Temporal::WindowMin | Temporal::WindowMean, _) => {
                let register = self.lower(operand)?;
                let window = self.emit(Operation::Window(register, span_s.unwrap_or(0.0).to_bits()), operand)?;
                if let State::Window(state) = &mut self.states[window as usize] {
                    match function {
                        Temporal::WindowMax | Temporal::WindowMin => state.read_extremes(),
                        Temporal::WindowMean => state.read_mean(),
                        _ => {}
                    }
                }
                match function {
                    Temporal::WindowMax => Operation::WindowMax(window),
                    Temporal::WindowMin => Operation::WindowMin(window),
                    Temporal::WindowMean => Operation::WindowMean(window),
                    _ => Operation::WindowRate(window),
                }
            }
        })
    }

    /// The register of an operation: an equal one's, else a new one's.
    fn emit(&mut self, operation: Operation, at: &Expression) -> Result<Register, Problem> {
        if let Some(index) = self.operations.iter().position(|known| *known == operation) {
            return Ok(index as Register);
        }
        if self.operations.len() >= MAX_OPERATIONS {
            return Err(Problem::new(at.span, format!("costs more than {MAX_OPERATIONS} operations"))
                .help("split it into several rules"));
        }
        let state = match operation {
            Operation::Rising(_) | Operation::Falling(_) | Operation::Changed(_) => State::Last(f64::NAN),
            Operation::For(..) => State::Since(None),
            Operation::SampleRate(_) => State::Rate { count: 0, value: f64::NAN, at_ns: 0, rate: f64::NAN },
            Operation::Window(_, span) => State::Window(Box::new(Window::new(f64::from_bits(span)))),
            _ => State::None,
        };
        self.operations.push(operation);
        self.states.push(state);
        Ok((self.operations.len() - 1) as Register)
    }
}

fn no_place(expression: &Expression) -> Problem {
    Problem::new(expression.span, format!("a {} has no place in a rule", expression.ty))
        .help("rules see signals only: numbers and booleans")
}

fn truth(value: bool) -> f64 {
    f64::from(u8::from(value))
}

fn finite(value: f64) -> f64 {
    if value.is_finite() { value } else { f64::NAN }
}

fn known(a: f64, b: f64, function: impl Fn(f64, f64) -> f64) -> f64 {
    if a.is_nan() || b.is_nan() { f64::NAN } else { function(a, b) }
}

fn binary(operator: Binary, a: f64, b: f64) -> f64 {
    match operator {
        // Kleene: one side may decide alone.
        Binary::And if a == 0.0 || b == 0.0 => 0.0,
        Binary::Or if a == 1.0 || b == 1.0 => 1.0,
        _ if a.is_nan() || b.is_nan() => f64::NAN,
        Binary::And => 1.0,
        Binary::Or => 0.0,
        Binary::Equal => truth(a == b),
        Binary::NotEqual => truth(a != b),
        Binary::Less => truth(a < b),
        Binary::LessOrEqual => truth(a <= b),
        Binary::Greater => truth(a > b),
        Binary::GreaterOrEqual => truth(a >= b),
        Binary::Add => finite(a + b),
        Binary::Subtract => finite(a - b),
        Binary::Multiply => finite(a * b),
        Binary::Divide => finite(a / b),
        Binary::Remainder => finite(a % b),
    }
}

/// The sample if it is younger than the limit; notes when it will cease to be.
fn fresh<'s>(inputs: &Inputs<'s>, id: SignalId, next: &mut u64) -> Option<&'s Sample> {
    let sample = inputs.samples.get(id.index()).filter(|sample| sample.count > 0)?;
    let stale_at = sample.at_ns.saturating_add(inputs.stale_after_ns);
    if inputs.now_ns >= stale_at {
        return None;
    }
    *next = (*next).min(stale_at);
    Some(sample)
}

fn age(inputs: &Inputs, id: SignalId, next: &mut u64) -> f64 {
    let last = inputs.samples.get(id.index()).filter(|sample| sample.count > 0);
    let since = last.map_or(inputs.start_ns, |sample| sample.at_ns);
    let step = inputs.now_ns - inputs.now_ns % AGE_STEP_NS;
    let age = step.saturating_sub(since);
    if age >= AGE_LIMIT_NS {
        return AGE_LIMIT_NS as f64 * 1e-9;
    }
    *next = (*next).min(step.saturating_add(AGE_STEP_NS));
    age as f64 * 1e-9
}

fn read(states: &[State], window: Register, reading: impl Fn(&Window) -> f64) -> f64 {
    match &states[window as usize] {
        State::Window(window) => finite(reading(window)),
        _ => f64::NAN,
    }
}

fn pulse(state: &mut State, value: f64, now: u64, next: &mut u64, fires: impl Fn(f64, f64) -> bool) -> f64 {
    let State::Last(last) = state else { return f64::NAN };
    if value.is_nan() {
        return f64::NAN;
    }
    let fires = fires(*last, value);
    *last = value;
    if fires {
        *next = (*next).min(now.saturating_add(1));
    }
    truth(fires)
}

fn held(state: &mut State, value: f64, now: u64, span_ns: u64, next: &mut u64) -> f64 {
    let State::Since(since) = state else { return f64::NAN };
    if value != 1.0 {
        *since = None;
        return value;
    }
    let until = since.get_or_insert(now).saturating_add(span_ns);
    if now < until {
        *next = (*next).min(until);
    }
    truth(now >= until)
}

fn sample_rate(state: &mut State, inputs: &Inputs, id: SignalId, next: &mut u64) -> f64 {
    let State::Rate { count, value, at_ns, rate } = state else { return f64::NAN };
    let Some(sample) = fresh(inputs, id, next) else { return f64::NAN };
    if sample.count != *count {
        let span_ns = sample.at_ns.saturating_sub(*at_ns);
        if *count == 0 || span_ns >= inputs.stale_after_ns {
            *rate = f64::NAN;
        } else if span_ns > 0 {
            *rate = finite((sample.value - *value) / (span_ns as f64 * 1e-9));
        }
        (*count, *value, *at_ns) = (sample.count, sample.value, sample.at_ns);
    }
    *rate
}
