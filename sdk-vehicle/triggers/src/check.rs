//! Names and types: an untyped tree becomes an [`Expression`], or a problem with its place.

use crate::diagnostic::{Problem, Span};
use crate::expression::{Binary, Expression, Function, Kind, Scope, Temporal, Type, Unary, Unit};
use crate::syntax::{self, Node, Syntax};

/// Shortest and longest span of `for`, `rate` and the windows, in seconds. A window of 5 minutes is longer than any
/// pre-roll a car keeps; 10 ms is one period of the fastest CAN messages.
const SPAN_LIMITS_S: (f64, f64) = (0.01, 300.0);

const FUNCTIONS: [&str; 17] = [
    "abs",
    "min",
    "max",
    "rising",
    "falling",
    "changed",
    "for",
    "rate",
    "window_max",
    "window_min",
    "window_mean",
    "age",
    "has",
    "duration",
    "timestamp",
    "startsWith",
    "contains",
];

/// Resolves and checks a tree.
pub fn check(tree: &Syntax, scope: &dyn Scope) -> Result<Expression, Problem> {
    let span = tree.span;
    let made = |kind, ty| Ok(Expression { kind, ty, span });
    match &tree.node {
        Node::Number(value) => made(Kind::Number(*value), Type::NUMBER),
        Node::Duration(seconds) => made(Kind::Number(*seconds), Type::Number(Unit::SECONDS)),
        Node::Boolean(value) => made(Kind::Boolean(*value), Type::Boolean),
        Node::Text(text) => made(Kind::Text(text.clone()), Type::Text),
        Node::Path(name) => {
            let symbol = scope.resolve(name).ok_or_else(|| unknown_name(name, span, scope))?;
            let kind = match symbol.signal {
                Some(id) => Kind::Signal { id, name: name.clone() },
                None => Kind::Column(name.clone()),
            };
            made(kind, symbol.ty)
        }
        Node::Unary(operator, operand) => {
            let operand = check(operand, scope)?;
            let ty = match operator {
                Unary::Not => expect_boolean(&operand, "`!`").map(|()| Type::Boolean)?,
                Unary::Negate => Type::Number(expect_number(&operand, "`-`")?),
            };
            made(Kind::Unary { operator: *operator, operand: operand.into() }, ty)
        }
        Node::Binary(operator, left, right) => {
            let (left, right) = (check(left, scope)?, check(right, scope)?);
            let (left, right) = (label(left, &right, scope)?, right);
            let (right, left) = (label(right, &left, scope)?, left);
            let ty = binary_type(*operator, &left, &right, span)?;
            made(Kind::Binary { operator: *operator, left: left.into(), right: right.into() }, ty)
        }
        Node::Conditional(condition, then, otherwise) => {
            let condition = check(condition, scope)?;
            expect_boolean(&condition, "the condition of `? :`")?;
            let (then, otherwise) = (check(then, scope)?, check(otherwise, scope)?);
            let ty = common_type(&then, &otherwise, "`? :`", span)?;
            made(Kind::Conditional { condition: condition.into(), then: then.into(), otherwise: otherwise.into() }, ty)
        }
        Node::In(needle, haystack) => {
            let needle = check(needle, scope)?;
            let mut haystack = check(haystack, scope)?;
            if let Kind::List(items) = &mut haystack.kind {
                for item in items {
                    *item = label(item.clone(), &needle, scope)?;
                    common_type(&needle, item, "`in`", item.span)?;
                }
            } else if !matches!(&haystack.ty, Type::List(item) if **item == needle.ty) {
                return Err(Problem::new(
                    haystack.span,
                    format!("`in` cannot look for a {} in a {}", needle.ty, haystack.ty),
                )
                .help("right of `in` stands a list, ['a', 'b'], or a column that is one"));
            }
            made(Kind::In { needle: needle.into(), haystack: haystack.into() }, Type::Boolean)
        }
        Node::List(items) => {
            let items = items.iter().map(|item| check(item, scope)).collect::<Result<Vec<_>, _>>()?;
            let Some(first) = items.first() else { return Err(Problem::new(span, "empty list")) };
            let ty = Type::List(Box::new(first.ty.clone()));
            made(Kind::List(items), ty)
        }
        Node::Call(name, name_span, arguments) => call(name, *name_span, arguments, span, scope),
    }
}

fn call(name: &str, name_span: Span, given: &[Syntax], span: Span, scope: &dyn Scope) -> Result<Expression, Problem> {
    let made = |kind, ty| Ok(Expression { kind, ty, span });
    let temporal = |function, operand: Expression, span_s, ty| {
        made(Kind::Temporal { function, operand: operand.into(), span_s }, ty)
    };
    let arguments = |least: usize, most: usize| -> Result<Vec<Expression>, Problem> {
        if given.len() < least || given.len() > most {
            let wanted = if least == most { format!("{least}") } else { format!("{least} or more") };
            return Err(Problem::new(span, format!("`{name}` takes {wanted} argument(s), found {}", given.len())));
        }
        given.iter().map(|argument| check(argument, scope)).collect()
    };
    match name {
        "abs" => {
            let mut arguments = arguments(1, 1)?;
            let unit = expect_number(&arguments[0], "`abs`")?;
            arguments.truncate(1);
            made(Kind::Call { function: Function::Abs, arguments }, Type::Number(unit))
        }
        "min" | "max" => {
            let arguments = arguments(2, usize::MAX)?;
            let mut unit = Unit::ANY;
            for argument in &arguments {
                expect_number(argument, &format!("`{name}`"))?;
                let so_far = Expression { ty: Type::Number(unit), ..arguments[0].clone() };
                let Type::Number(common) = common_type(&so_far, argument, &format!("`{name}`"), span)? else {
                    return Err(Problem::new(span, "not numbers"));
                };
                unit = common;
            }
            let function = if name == "min" { Function::Min } else { Function::Max };
            made(Kind::Call { function, arguments }, Type::Number(unit))
        }
        "startsWith" | "endsWith" | "contains" | "matches" => {
            let arguments = arguments(2, 2)?;
            for argument in &arguments {
                if argument.ty != Type::Text {
                    return Err(Problem::new(
                        argument.span,
                        format!("`{name}` works on text, this is a {}", argument.ty),
                    ));
                }
            }
            let function = match name {
                "startsWith" => Function::StartsWith,
                "endsWith" => Function::EndsWith,
                "contains" => Function::Contains,
                _ => Function::Matches,
            };
            made(Kind::Call { function, arguments }, Type::Boolean)
        }
        "duration" | "timestamp" => {
            let arguments = arguments(1, 1)?;
            let Kind::Text(text) = &arguments[0].kind else {
                return Err(Problem::new(arguments[0].span, format!("`{name}` takes a text literal")));
            };
            if name == "timestamp" {
                return made(Kind::Timestamp(text.clone()), Type::Timestamp);
            }
            let seconds = syntax::duration_text(text).ok_or_else(|| {
                Problem::new(arguments[0].span, format!("{text:?} is not a duration"))
                    .help("write \"500ms\" or \"1.5s\"")
            })?;
            made(Kind::Number(seconds), Type::Number(Unit::SECONDS))
        }
        "rising" | "falling" => {
            let mut arguments = arguments(1, 1)?;
            let operand = arguments.remove(0);
            expect_boolean(&operand, &format!("`{name}`"))?;
            let function = if name == "rising" { Temporal::Rising } else { Temporal::Falling };
            temporal(function, operand, None, Type::Boolean)
        }
        "changed" => {
            let mut arguments = arguments(1, 1)?;
            let operand = arguments.remove(0);
            if !matches!(operand.ty, Type::Boolean | Type::Number(_)) {
                return Err(Problem::new(
                    operand.span,
                    format!("`changed` watches a signal, this is a {}", operand.ty),
                ));
            }
            temporal(Temporal::Changed, operand, None, Type::Boolean)
        }
        "age" | "has" => {
            let mut arguments = arguments(1, 1)?;
            let operand = arguments.remove(0);
            if !matches!(operand.kind, Kind::Signal { .. } | Kind::Column(_)) {
                return Err(Problem::new(operand.span, format!("`{name}` takes one signal, not an expression")));
            }
            let (function, ty) = match name {
                "age" => (Temporal::Age, Type::Number(Unit::SECONDS)),
                _ => (Temporal::Has, Type::Boolean),
            };
            temporal(function, operand, None, ty)
        }
        "for" | "window_max" | "window_min" | "window_mean" => {
            let mut arguments = arguments(2, 2)?;
            let span_s = span_argument(&arguments[1])?;
            let operand = arguments.remove(0);
            if name == "for" {
                expect_boolean(&operand, "`for`")?;
                return temporal(Temporal::For, operand, Some(span_s), Type::Boolean);
            }
            let unit = expect_number(&operand, &format!("`{name}`"))?;
            let function = match name {
                "window_max" => Temporal::WindowMax,
                "window_min" => Temporal::WindowMin,
                _ => Temporal::WindowMean,
            };
            temporal(function, operand, Some(span_s), Type::Number(unit))
        }
        "rate" => {
            if !(1..=2).contains(&given.len()) {
                return Err(Problem::new(span, format!("`rate` takes 1 or 2 arguments, found {}", given.len())));
            }
            let mut arguments = arguments(1, 2)?;
            let span_s = arguments.get(1).map(span_argument).transpose()?;
            let operand = arguments.remove(0);
            let unit = expect_number(&operand, "`rate`")?.per_second();
            if span_s.is_none() && !matches!(operand.kind, Kind::Signal { .. }) {
                return Err(Problem::new(operand.span, "`rate` of an expression needs the span to take it over")
                    .help("write rate(x, 500ms); rate(signal) alone uses the signal's last two samples"));
            }
            temporal(Temporal::Rate, operand, span_s, Type::Number(unit))
        }
        _ => {
            let problem = Problem::new(name_span, format!("unknown function `{name}`"));
            Err(match nearest(name, FUNCTIONS.iter().map(|known| (*known).to_owned())) {
                Some(known) => problem.help(format!("did you mean `{known}`?")),
                None => problem.help(format!("known are {}", FUNCTIONS.join(", "))),
            })
        }
    }
}

fn span_argument(argument: &Expression) -> Result<f64, Problem> {
    let Kind::Number(seconds) = argument.kind else {
        return Err(
            Problem::new(argument.span, "a time span is written out, it cannot be computed").help("500ms or 1.5s")
        );
    };
    let (shortest, longest) = SPAN_LIMITS_S;
    if !(shortest..=longest).contains(&seconds) {
        return Err(Problem::new(
            argument.span,
            format!("a span of {seconds} s is outside {shortest} s to {longest} s"),
        ));
    }
    Ok(seconds)
}

fn binary_type(operator: Binary, left: &Expression, right: &Expression, span: Span) -> Result<Type, Problem> {
    let name = format!("`{}`", operator.symbol());
    match operator {
        Binary::And | Binary::Or => {
            expect_boolean(left, &name)?;
            expect_boolean(right, &name)?;
            Ok(Type::Boolean)
        }
        Binary::Equal | Binary::NotEqual => {
            common_type(left, right, &name, span)?;
            Ok(Type::Boolean)
        }
        Binary::Less | Binary::LessOrEqual | Binary::Greater | Binary::GreaterOrEqual => {
            if left.ty != Type::Timestamp {
                expect_number(left, &name)?;
            }
            common_type(left, right, &name, span)?;
            Ok(Type::Boolean)
        }
        Binary::Add | Binary::Subtract => {
            expect_number(left, &name)?;
            expect_number(right, &name)?;
            common_type(left, right, &name, span)
        }
        Binary::Multiply | Binary::Divide | Binary::Remainder => {
            expect_number(left, &name)?;
            expect_number(right, &name)?;
            Ok(Type::NUMBER)
        }
    }
}

fn expect_boolean(operand: &Expression, whose: &str) -> Result<(), Problem> {
    if operand.ty == Type::Boolean {
        return Ok(());
    }
    Err(Problem::new(operand.span, format!("{whose} needs a boolean, this is a {}", operand.ty)))
}

fn expect_number(operand: &Expression, whose: &str) -> Result<Unit, Problem> {
    match &operand.ty {
        Type::Number(unit) => Ok(unit.clone()),
        other => Err(Problem::new(operand.span, format!("{whose} needs a number, this is a {other}"))),
    }
}

/// The type both have; numbers must share their unit where both have one.
fn common_type(left: &Expression, right: &Expression, whose: &str, span: Span) -> Result<Type, Problem> {
    match (&left.ty, &right.ty) {
        (Type::Number(a), Type::Number(b)) if a.is_any() || a == b => Ok(Type::Number(b.clone())),
        (Type::Number(a), Type::Number(b)) if b.is_any() => Ok(Type::Number(a.clone())),
        (Type::Number(a), Type::Number(b)) => {
            let problem = Problem::new(span, format!("{whose} mixes {} and {}", a.symbol(), b.symbol()));
            Err(problem.help(match (a.symbol(), b.symbol()) {
                ("km/h", "m/s") | ("m/s", "km/h") => "divide the km/h by 3.6",
                _ => "convert one of them with a factor; a product fits any unit",
            }))
        }
        (a, b) if a == b => Ok(a.clone()),
        (a, b) => Err(Problem::new(span, format!("{whose} cannot put a {a} beside a {b}"))),
    }
}

/// A text beside an enum signal becomes the number of that label, and beside a timestamp a timestamp.
fn label(text: Expression, beside: &Expression, scope: &dyn Scope) -> Result<Expression, Problem> {
    if let (Kind::Text(written), Type::Timestamp) = (&text.kind, &beside.ty) {
        return Ok(Expression { kind: Kind::Timestamp(written.clone()), ty: Type::Timestamp, span: text.span });
    }
    let (Kind::Text(label), Kind::Signal { name, .. } | Kind::Column(name)) = (&text.kind, &beside.kind) else {
        return Ok(text);
    };
    let labels = scope.resolve(name).map(|symbol| symbol.labels).unwrap_or_default();
    if labels.is_empty() {
        return Ok(text);
    }
    match labels.iter().position(|known| known == label) {
        Some(index) => Ok(Expression { kind: Kind::Number(index as f64), ty: beside.ty.clone(), span: text.span }),
        None => Err(Problem::new(text.span, format!("`{name}` has no value {label:?}"))
            .help(format!("it has {}", labels.join(", ")))),
    }
}

fn unknown_name(name: &str, span: Span, scope: &dyn Scope) -> Problem {
    let problem = Problem::new(span, format!("unknown signal `{name}`"));
    match nearest(name, scope.names()) {
        Some(known) => problem.help(format!("did you mean `{known}`?")),
        None => problem.help("names are those of the signal catalogue, in full: Vehicle.Speed"),
    }
}

/// The known name closest to a wrong one: one that ends in it, else the fewest edits, if few.
fn nearest(wrong: &str, known: impl IntoIterator<Item = String>) -> Option<String> {
    let lower = wrong.to_ascii_lowercase();
    let suffix = format!(".{lower}");
    let mut best: Option<(usize, String)> = None;
    for name in known {
        let candidate = name.to_ascii_lowercase();
        let distance = if candidate.ends_with(&suffix) { 0 } else { edits(&lower, &candidate) };
        if best.as_ref().is_none_or(|(least, _)| distance < *least) {
            best = Some((distance, name));
        }
    }
    best.filter(|(distance, _)| *distance <= (wrong.len() / 3).max(2)).map(|(_, name)| name)
}

/// Levenshtein distance over bytes; names are ASCII.
fn edits(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.bytes().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, y) in b.bytes().enumerate() {
            let substituted = diagonal + usize::from(x != y);
            diagonal = row[j + 1];
            row[j + 1] = substituted.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}
