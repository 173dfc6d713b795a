//! Errors that point at the place in the text they are about.

use std::fmt;

/// A byte range of the expression's text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Span {
    /// First byte.
    pub start: usize,
    /// One past the last byte.
    pub end: usize,
}

impl Span {
    /// The range from the start of `self` to the end of `other`.
    pub fn to(self, other: Self) -> Self {
        Self { start: self.start, end: other.end }
    }
}

/// What is wrong with an expression, and where. `Display` shows the line with a caret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExpressionError {
    /// What is wrong.
    pub message: String,
    /// Where.
    pub span: Span,
    /// What to do about it.
    pub help: Option<String>,
    /// The whole expression.
    pub text: String,
}

impl ExpressionError {
    /// Line and column of the error within the expression, both from 1, the column in characters.
    pub fn line_and_column(&self) -> (usize, usize) {
        line_and_column(&self.text, self.span.start)
    }
}

impl std::error::Error for ExpressionError {}

impl fmt::Display for ExpressionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (line, column) = self.line_and_column();
        writeln!(f, "{} (line {line}, column {column} of the expression)", self.message)?;
        f.write_str(&excerpt(&self.text, self.span))?;
        if let Some(help) = &self.help {
            write!(f, "\n  = {help}")?;
        }
        Ok(())
    }
}

/// A problem before it is tied to its text.
pub(crate) struct Problem {
    pub message: String,
    pub span: Span,
    pub help: Option<String>,
}

impl Problem {
    pub fn new(span: Span, message: impl Into<String>) -> Self {
        Self { message: message.into(), span, help: None }
    }

    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    pub fn in_text(self, text: &str) -> ExpressionError {
        ExpressionError { message: self.message, span: self.span, help: self.help, text: text.to_owned() }
    }
}

/// Line and column, both from 1, of a byte offset.
pub(crate) fn line_and_column(text: &str, offset: usize) -> (usize, usize) {
    let before = text.get(..offset.min(text.len())).unwrap_or(text);
    let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
    (before.matches('\n').count() + 1, before[line_start..].chars().count() + 1)
}

/// How much of a line is shown to each side of the place that matters.
const CONTEXT_CHARS: usize = 50;

/// The line a span starts in, cut to a readable length, with carets under the span.
fn excerpt(text: &str, span: Span) -> String {
    let start = span.start.min(text.len());
    let line_start = text.get(..start).and_then(|before| before.rfind('\n')).map_or(0, |newline| newline + 1);
    let line = text.get(line_start..).unwrap_or("").lines().next().unwrap_or("");
    let column = text.get(line_start..start).unwrap_or("").chars().count();
    let width = text.get(start..span.end).unwrap_or("").lines().next().unwrap_or("").chars().count().max(1);

    let from = column.saturating_sub(CONTEXT_CHARS);
    let shown: String =
        line.chars().skip(from).take(column - from + width.min(CONTEXT_CHARS) + CONTEXT_CHARS).collect();
    let lead = if from > 0 { "…" } else { "" };
    let indent = " ".repeat(column - from + lead.chars().count());
    // A tab would shift the caret; a control character could hide it.
    let shown: String = shown.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    format!("  | {lead}{shown}\n  | {indent}{}", "^".repeat(width.min(2 * CONTEXT_CHARS)))
}
