//! A checked expression to a DataFusion expression over `clips` (as `c`) and `signals` (as `s`).
//!
//! Unknown is SQL's null: its `AND`, `OR` and `NOT` are the three-valued logic of the rules (`triggers::semantics`).

use chrono::{DateTime, NaiveDate};
use cloverleaf_triggers::{Binary, Expression, ExpressionError, Function, Kind, Span, Temporal, Type, Unary};
use datafusion::common::ScalarValue;
use datafusion::functions::expr_fn::{contains, ends_with, regexp_like, starts_with, strpos};
use datafusion::functions_nested::expr_fn::{array_has, array_has_any, array_to_string, make_array};
use datafusion::logical_expr::{Expr, Operator, binary_expr, lit, when};
use datafusion::prelude::Column;

use crate::fields::{Holds, SearchScope};

pub(crate) const CLIPS: &str = "c";
pub(crate) const SIGNALS: &str = "s";

/// Joins the elements of a list where text functions look at each of them; ids and topics have no line breaks.
const SEPARATOR: &str = "\n";

/// A column of one of the two tables. (DataFusion's `col` would take the dots of a signal's name for qualifiers.)
pub(crate) fn column(table: &str, name: &str) -> Expr {
    Expr::Column(Column::new(Some(table), name))
}

/// Lowers expressions of one text, which errors quote.
pub(crate) struct Lower<'a> {
    pub text: &'a str,
    /// Whether the rows are of `signals`, joined to their clips.
    pub moments: bool,
}

impl Lower<'_> {
    /// The expression as a plan's predicate or value.
    pub fn lower(&self, expression: &Expression) -> Result<Expr, ExpressionError> {
        match &expression.kind {
            Kind::Number(value) => Ok(lit(*value)),
            Kind::Boolean(value) => Ok(lit(*value)),
            Kind::Text(text) => Ok(lit(text.as_str())),
            Kind::Timestamp(text) => self.timestamp(text, expression.span),
            Kind::Signal { name, .. } => {
                let value = column(SIGNALS, name);
                Ok(if expression.ty == Type::Boolean { value.not_eq(lit(0.0)) } else { value })
            }
            Kind::Column(name) => self.field(name, expression.span),
            Kind::Unary { operator: Unary::Not, operand } => Ok(!self.lower(operand)?),
            Kind::Unary { operator: Unary::Negate, operand } => Ok(-self.lower(operand)?),
            Kind::Binary { operator, left, right } => self.binary(*operator, left, right),
            Kind::Conditional { condition, then, otherwise } => {
                let condition = self.lower(condition)?;
                // An unknown condition makes neither branch true, and the whole unknown.
                let not = !condition.clone();
                when(condition, self.lower(then)?)
                    .when(not, self.lower(otherwise)?)
                    .end()
                    .map_err(|error| self.error(expression.span, error.strip_backtrace(), ""))
            }
            Kind::In { needle, haystack } => self.is_in(needle, haystack),
            Kind::List(_) => Err(self.error(expression.span, "a list stands only right of `in`", "x in ['a', 'b']")),
            Kind::Call { function, arguments } => self.call(*function, arguments, expression.span),
            Kind::Temporal { function: Temporal::Has, operand, .. } => match &operand.kind {
                Kind::Signal { name, .. } => Ok(column(SIGNALS, name).is_not_null()),
                _ => Ok(self.lower(operand)?.is_not_null()),
            },
            Kind::Temporal { function, .. } => Err(self.error(
                expression.span,
                format!(
                    "`{}` cannot be searched: it needs every sample, and the lake keeps a 20 Hz grid",
                    name(*function)
                ),
                "put it into a rule and search the clips in which that fired: rule == \"my-rule\"",
            )),
        }
    }

    fn binary(&self, operator: Binary, left: &Expression, right: &Expression) -> Result<Expr, ExpressionError> {
        if matches!(operator, Binary::Equal | Binary::NotEqual) {
            for (one, other) in [(left, right), (right, left)] {
                if let Some(list) = any_text(one) {
                    let found = array_has(list, self.lower(other)?);
                    return Ok(if operator == Binary::Equal { found } else { !found });
                }
            }
        }
        let (a, b) = self.comparable(left, right)?;
        let operator = match operator {
            Binary::Or => Operator::Or,
            Binary::And => Operator::And,
            Binary::Equal => Operator::Eq,
            Binary::NotEqual => Operator::NotEq,
            Binary::Less => Operator::Lt,
            Binary::LessOrEqual => Operator::LtEq,
            Binary::Greater => Operator::Gt,
            Binary::GreaterOrEqual => Operator::GtEq,
            Binary::Add => Operator::Plus,
            Binary::Subtract => Operator::Minus,
            Binary::Multiply => Operator::Multiply,
            // A division by zero is unknown.
            Binary::Divide | Binary::Remainder => {
                let operator = if operator == Binary::Divide { Operator::Divide } else { Operator::Modulo };
                let divided = binary_expr(a, operator, b.clone());
                return when(b.not_eq(lit(0.0)), divided)
                    .end()
                    .map_err(|error| self.error(right.span, error.strip_backtrace(), ""));
            }
        };
        Ok(binary_expr(a, operator, b))
    }

    /// Both sides of a comparison, a timestamp beside `day` as a date so that days prune partitions.
    fn comparable(&self, left: &Expression, right: &Expression) -> Result<(Expr, Expr), ExpressionError> {
        match (&left.kind, &right.kind) {
            (Kind::Timestamp(text), _) if is_day(right) => Ok((self.date(text, left.span)?, self.lower(right)?)),
            (_, Kind::Timestamp(text)) if is_day(left) => Ok((self.lower(left)?, self.date(text, right.span)?)),
            _ => Ok((self.lower(left)?, self.lower(right)?)),
        }
    }

    fn is_in(&self, needle: &Expression, haystack: &Expression) -> Result<Expr, ExpressionError> {
        let Kind::List(items) = &haystack.kind else {
            return Ok(array_has(self.lower(haystack)?, self.lower(needle)?));
        };
        let day = is_day(needle);
        let items = items.iter().map(|item| match &item.kind {
            Kind::Timestamp(text) if day => self.date(text, item.span),
            _ => self.lower(item),
        });
        let items = items.collect::<Result<Vec<_>, _>>()?;
        match any_text(needle) {
            Some(list) => Ok(array_has_any(list, make_array(items))),
            None => Ok(self.lower(needle)?.in_list(items, false)),
        }
    }

    fn call(&self, function: Function, arguments: &[Expression], span: Span) -> Result<Expr, ExpressionError> {
        let wrong = |error: datafusion::error::DataFusionError| self.error(span, error.strip_backtrace(), "");
        let text_function =
            matches!(function, Function::StartsWith | Function::EndsWith | Function::Contains | Function::Matches);
        if text_function && let [text, pattern] = arguments {
            let pattern_value = self.lower(pattern)?;
            return match any_text(text) {
                Some(list) => self.any_element(function, list, pattern),
                None => {
                    let text = self.lower(text)?;
                    Ok(match function {
                        Function::StartsWith => starts_with(text, pattern_value),
                        Function::EndsWith => ends_with(text, pattern_value),
                        Function::Contains => contains(text, pattern_value),
                        _ => regexp_like(text, pattern_value, None),
                    })
                }
            };
        }
        let mut values =
            arguments.iter().map(|argument| self.lower(argument)).collect::<Result<Vec<_>, _>>()?.into_iter();
        let Some(first) = values.next() else { return Err(self.error(span, "a function without arguments", "")) };
        match function {
            Function::Abs => when(first.clone().lt(lit(0.0)), -first.clone()).otherwise(first).map_err(wrong),
            // SQL's least and greatest skip nulls; here an unknown argument makes the result unknown.
            _ => values.try_fold(first, |best, value| {
                let better = if function == Function::Min {
                    value.clone().lt(best.clone())
                } else {
                    value.clone().gt(best.clone())
                };
                let not_better = !better.clone();
                when(better, value).when(not_better, best).end().map_err(wrong)
            }),
        }
    }

    /// A text function of which some element of a list must be true.
    fn any_element(&self, function: Function, list: Expr, pattern: &Expression) -> Result<Expr, ExpressionError> {
        let Kind::Text(text) = &pattern.kind else {
            return Err(self.error(pattern.span, "here stands a text literal", "rule.startsWith('cut')"));
        };
        let joined = array_to_string(list, lit(SEPARATOR));
        let lines = |pattern: String| regexp_like(joined.clone(), lit(format!("(?m){pattern}")), None);
        Ok(match function {
            Function::StartsWith => lines(format!("^{}", escape(text))),
            Function::EndsWith => lines(format!("{}$", escape(text))),
            Function::Contains => strpos(joined, lit(text.as_str())).gt(lit(0)),
            _ => lines(text.clone()),
        })
    }

    fn field(&self, name: &str, span: Span) -> Result<Expr, ExpressionError> {
        let Some(field) = SearchScope::field(name) else {
            return Err(self.error(span, format!("unknown field `{name}`"), ""));
        };
        match field.holds {
            Holds::Time if self.moments => Ok(column(SIGNALS, "time")),
            Holds::AnyText => Err(self.error(
                span,
                format!("`{name}` has many values in a clip: it cannot be computed with"),
                "compare it: ==, !=, in [..], startsWith, endsWith, contains, matches",
            )),
            _ => Ok(column(CLIPS, field.column)),
        }
    }

    fn timestamp(&self, text: &str, span: Span) -> Result<Expr, ExpressionError> {
        let at = DateTime::parse_from_rfc3339(text).map(|at| at.to_utc()).ok();
        let at = at.or_else(|| text.parse::<NaiveDate>().ok()?.and_hms_opt(0, 0, 0).map(|at| at.and_utc()));
        let at = at.ok_or_else(|| {
            self.error(
                span,
                format!("{text:?} is not a time"),
                "RFC 3339 with its zone: 2026-11-20T08:00:00Z, or a date",
            )
        })?;
        Ok(lit(ScalarValue::TimestampMicrosecond(Some(at.timestamp_micros()), Some("UTC".into()))))
    }

    fn date(&self, text: &str, span: Span) -> Result<Expr, ExpressionError> {
        let date = text.parse::<NaiveDate>().ok();
        let date = date.ok_or_else(|| {
            self.error(span, format!("{text:?} is not a day"), "YYYY-MM-DD; for an instant use `time`")
        })?;
        let days = date.signed_duration_since(NaiveDate::default()).num_days();
        let days = i32::try_from(days).map_err(|_| self.error(span, format!("{text:?} is too far away"), ""))?;
        Ok(lit(ScalarValue::Date32(Some(days))))
    }

    fn error(&self, span: Span, message: impl Into<String>, help: &str) -> ExpressionError {
        let help = (!help.is_empty()).then(|| help.to_owned());
        ExpressionError { message: message.into(), span, help, text: self.text.to_owned() }
    }
}

/// The list behind a field that stands for each of its elements.
fn any_text(expression: &Expression) -> Option<Expr> {
    let Kind::Column(name) = &expression.kind else { return None };
    let field = SearchScope::field(name).filter(|field| field.holds == Holds::AnyText)?;
    Some(column(CLIPS, field.column))
}

fn is_day(expression: &Expression) -> bool {
    matches!(&expression.kind, Kind::Column(name) if SearchScope::field(name).is_some_and(|field| field.holds == Holds::Day))
}

/// The text as a regular expression that matches it alone.
fn escape(text: &str) -> String {
    let mut escaped = String::new();
    for character in text.chars() {
        if character.is_ascii_punctuation() {
            escaped.push('\\');
        }
        escaped.push(character);
    }
    escaped
}

const fn name(function: Temporal) -> &'static str {
    match function {
        Temporal::Rising => "rising",
        Temporal::Falling => "falling",
        Temporal::Changed => "changed",
        Temporal::For => "for",
        Temporal::Rate => "rate",
        Temporal::WindowMax => "window_max",
        Temporal::WindowMin => "window_min",
        Temporal::WindowMean => "window_mean",
        Temporal::Age => "age",
        Temporal::Has => "has",
    }
}
