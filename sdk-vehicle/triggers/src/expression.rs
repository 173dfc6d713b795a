//! The checked expression: what a rule, a search or a manoeuvre predicate says, with types and places.
//!
//! One tree serves two machines: [`crate::Engine`] compiles it for the car, and `search` lowers it to a query plan.

use cloverleaf_signals::vss::{Catalogue, Datatype, SignalId};

use crate::check;
use crate::diagnostic::{ExpressionError, Span};
use crate::syntax;
pub use crate::syntax::{Binary, Unary};

/// A checked expression: every name is resolved and every operator has operands of types it can work on.
#[derive(Debug, Clone, PartialEq)]
pub struct Expression {
    /// What it is.
    pub kind: Kind,
    /// What it evaluates to.
    pub ty: Type,
    /// Where it stands in the text.
    pub span: Span,
}

/// The forms an expression takes.
#[derive(Debug, Clone, PartialEq)]
pub enum Kind {
    /// A number; also a duration in seconds, or the index of an enum's label.
    Number(f64),
    /// `true` or `false`.
    Boolean(bool),
    /// A text, only beside a column of text.
    Text(String),
    /// `timestamp("2026-11-20T08:00:00Z")`: the text as written, for the query engine to read.
    Timestamp(String),
    /// A signal of the catalogue.
    Signal {
        /// Its id in the catalogue the scope was made of.
        id: SignalId,
        /// Its full name.
        name: String,
    },
    /// A name that the scope knows and that is not a signal, as the scope spells it.
    Column(String),
    /// `!x`, `-x`.
    Unary {
        /// The operator.
        operator: Unary,
        /// What it works on.
        operand: Box<Expression>,
    },
    /// `a + b`, `a && b`, `a < b`.
    Binary {
        /// The operator.
        operator: Binary,
        /// Left of it.
        left: Box<Expression>,
        /// Right of it.
        right: Box<Expression>,
    },
    /// `condition ? then : otherwise`.
    Conditional {
        /// A boolean.
        condition: Box<Expression>,
        /// Value when true.
        then: Box<Expression>,
        /// Value when false.
        otherwise: Box<Expression>,
    },
    /// `needle in [a, b]`, or in a column that is a list.
    In {
        /// What is looked for.
        needle: Box<Expression>,
        /// A [`Kind::List`], or a [`Kind::Column`] of type [`Type::List`].
        haystack: Box<Expression>,
    },
    /// `[a, b]`.
    List(Vec<Expression>),
    /// A function of present values.
    Call {
        /// Which.
        function: Function,
        /// As many as it takes, checked.
        arguments: Vec<Expression>,
    },
    /// A function of values over time.
    Temporal {
        /// Which.
        function: Temporal,
        /// What it watches. For `has`, `age` and `rate` without span this is a [`Kind::Signal`] (or a column).
        operand: Box<Expression>,
        /// The span in seconds, finite and positive, for those that take one.
        span_s: Option<f64>,
    },
}

/// Functions of present values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Function {
    /// `abs(x)`.
    Abs,
    /// `min(a, b, ...)`.
    Min,
    /// `max(a, b, ...)`.
    Max,
    /// `text.startsWith('x')`.
    StartsWith,
    /// `text.endsWith('x')`.
    EndsWith,
    /// `text.contains('x')`.
    Contains,
    /// `text.matches('regular expression')`.
    Matches,
}

/// Functions of values over time. Their exact meaning is in [`crate::semantics`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Temporal {
    /// `rising(b)`: the instant `b` becomes true.
    Rising,
    /// `falling(b)`: the instant `b` becomes false.
    Falling,
    /// `changed(x)`: the instant the value differs from the last known one.
    Changed,
    /// `for(b, 500ms)`: `b` has been true that long.
    For,
    /// `rate(signal)`: change a second between its last two samples; `rate(x, 1s)`: over that span.
    Rate,
    /// `window_max(x, 2s)`.
    WindowMax,
    /// `window_min(x, 2s)`.
    WindowMin,
    /// `window_mean(x, 2s)`, weighted by time.
    WindowMean,
    /// `age(signal)`: seconds since its last sample, in steps of 0.1 s.
    Age,
    /// `has(signal)`: whether it is known.
    Has,
}

/// A type. Numbers carry their unit.
#[derive(Debug, Clone, PartialEq)]
pub enum Type {
    /// True, false or unknown.
    Boolean,
    /// A number in a unit.
    Number(Unit),
    /// Text (columns only).
    Text,
    /// A point in wall time (columns only).
    Timestamp,
    /// A list of one type (columns, and literals right of `in`).
    List(Box<Type>),
}

impl Type {
    /// A number without a unit of its own.
    pub const NUMBER: Self = Self::Number(Unit::ANY);
}

impl std::fmt::Display for Type {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Boolean => f.write_str("boolean"),
            Self::Number(unit) if unit.is_any() => f.write_str("number"),
            Self::Number(unit) => write!(f, "number in {}", unit.symbol()),
            Self::Text => f.write_str("text"),
            Self::Timestamp => f.write_str("timestamp"),
            Self::List(item) => write!(f, "list of {item}"),
        }
    }
}

/// A unit by its VSS symbol, or none: literals and products take any unit, since `x / 3.6` may be a conversion.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Unit(std::borrow::Cow<'static, str>);

impl Unit {
    /// Fits every unit.
    pub const ANY: Self = Self(std::borrow::Cow::Borrowed(""));
    /// Seconds.
    pub const SECONDS: Self = Self(std::borrow::Cow::Borrowed("s"));

    /// By VSS symbol; empty is [`Unit::ANY`].
    pub fn new(symbol: impl Into<String>) -> Self {
        Self(std::borrow::Cow::Owned(symbol.into()))
    }

    /// The symbol, empty for any.
    pub fn symbol(&self) -> &str {
        &self.0
    }

    /// Whether it fits every unit.
    pub fn is_any(&self) -> bool {
        self.0.is_empty()
    }

    /// The unit of a change a second.
    pub(crate) fn per_second(&self) -> Self {
        match self.symbol() {
            "" => Self::ANY,
            "m" => Self::new("m/s"),
            "m/s" => Self::new("m/s^2"),
            "degrees" => Self::new("degrees/s"),
            other => Self::new(format!("{other}/s")),
        }
    }
}

/// What a name stands for.
#[derive(Debug, Clone, PartialEq)]
pub struct Symbol {
    /// A signal of the catalogue; `None` for a column.
    pub signal: Option<SignalId>,
    /// Its type.
    pub ty: Type,
    /// Labels of an enum, which texts are compared with; the value is the index.
    pub labels: Vec<String>,
}

impl Symbol {
    /// A column that is not a signal.
    pub fn column(ty: Type) -> Self {
        Self { signal: None, ty, labels: Vec::new() }
    }
}

/// The names an expression may use. [`Catalogue`] is one; `search` adds the columns of its tables.
pub trait Scope {
    /// What a name stands for.
    fn resolve(&self, name: &str) -> Option<Symbol>;

    /// All names, for suggestions.
    fn names(&self) -> Vec<String>;
}

impl Scope for Catalogue {
    fn resolve(&self, name: &str) -> Option<Symbol> {
        let id = self.id(name)?;
        let def = self.def(id)?;
        let ty = match def.datatype {
            Datatype::Boolean => Type::Boolean,
            Datatype::Integer | Datatype::Float | Datatype::Enum => Type::Number(Unit::new(def.unit.clone())),
        };
        Some(Symbol { signal: Some(id), ty, labels: def.labels.clone() })
    }

    fn names(&self) -> Vec<String> {
        self.iter().map(|(_, def)| def.name.clone()).collect()
    }
}

impl Expression {
    /// Reads and checks a text.
    ///
    /// # Errors
    /// The first problem, with its place: not CEL, an unknown name (with the nearest known one), operands whose types
    /// or units do not fit, a text longer than 8 KiB or nested deeper than 100.
    pub fn parse(text: &str, scope: &dyn Scope) -> Result<Self, ExpressionError> {
        syntax::parse(text).and_then(|tree| check::check(&tree, scope)).map_err(|problem| problem.in_text(text))
    }

    /// Like [`Expression::parse`], and the result must be boolean.
    pub fn parse_condition(text: &str, scope: &dyn Scope) -> Result<Self, ExpressionError> {
        let expression = Self::parse(text, scope)?;
        if expression.ty != Type::Boolean {
            let message = format!("a condition is boolean, this is a {}", expression.ty);
            return Err(ExpressionError {
                message,
                span: expression.span,
                help: Some("compare it with something".into()),
                text: text.to_owned(),
            });
        }
        Ok(expression)
    }

    /// The direct parts, in the order written.
    pub fn children(&self) -> Vec<&Self> {
        match &self.kind {
            Kind::Number(_)
            | Kind::Boolean(_)
            | Kind::Text(_)
            | Kind::Timestamp(_)
            | Kind::Signal { .. }
            | Kind::Column(_) => Vec::new(),
            Kind::Unary { operand, .. } | Kind::Temporal { operand, .. } => vec![operand],
            Kind::Binary { left, right, .. } => vec![left, right],
            Kind::Conditional { condition, then, otherwise } => vec![condition, then, otherwise],
            Kind::In { needle, haystack } => vec![needle, haystack],
            Kind::List(items) => items.iter().collect(),
            Kind::Call { arguments, .. } => arguments.iter().collect(),
        }
    }

    /// The signals it mentions, each once, in order of first mention.
    pub fn signals(&self) -> Vec<SignalId> {
        let mut found = Vec::new();
        let mut waiting = vec![self];
        while let Some(expression) = waiting.pop() {
            match expression.kind {
                Kind::Signal { id, .. } if !found.contains(&id) => found.push(id),
                _ => waiting.extend(expression.children().into_iter().rev()),
            }
        }
        found
    }
}
