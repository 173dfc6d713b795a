//! Rules and the rule file.

use cloverleaf_signals::vss::Catalogue;
use cloverleaf_vocabulary::{IdError, RuleId, TimeDelta};
use serde::Deserialize;
use toml::Spanned;

use crate::diagnostic::{ExpressionError, Problem, Span, line_and_column};
use crate::engine::MAX_RULES;
use crate::expression::Expression;
use crate::program::{Cost, Program};

/// Largest rule file, in bytes.
pub const MAX_FILE_BYTES: usize = 4 << 20;

/// One rule: when to record, and how much around it. What its condition means is in [`crate::semantics`].
#[derive(Debug, Clone)]
pub struct Rule {
    /// Its name.
    pub id: RuleId,
    /// For people.
    pub description: String,
    /// Where its thresholds come from.
    pub source: String,
    /// How long the condition must hold before the rule fires.
    pub hold: TimeDelta,
    /// Recorded before the firing.
    pub pre: TimeDelta,
    /// Recorded after its end.
    pub post: TimeDelta,
    /// No new firing this long after an end.
    pub cooldown: TimeDelta,
    /// Longest capture window; at least `pre` + `post`.
    pub max_duration: TimeDelta,
    /// A signal without a sample for this long is unknown.
    pub stale_after: TimeDelta,
    /// 0 to 9; higher is kept and uploaded first.
    pub priority: u8,
    /// Topics to record; empty is all.
    pub streams: Vec<String>,
    text: String,
    when: Expression,
    program: Program,
}

impl Rule {
    /// A rule with the file's defaults: 10 s before, 5 s after, 10 s cooldown, at most 60 s, stale after 1 s, priority 5.
    ///
    /// # Errors
    /// As [`Expression::parse_condition`]; also an expression without any signal, or one that costs too much.
    pub fn new(id: RuleId, when: &str, catalogue: &Catalogue) -> Result<Self, ExpressionError> {
        Self::compile(id, when, 0.0, catalogue)
    }

    /// The checked condition, without `hold`.
    pub fn when(&self) -> &Expression {
        &self.when
    }

    /// The condition as written.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// What it costs at most.
    pub fn cost(&self) -> Cost {
        self.program.cost()
    }

    pub(crate) fn program(&self) -> &Program {
        &self.program
    }

    fn compile(id: RuleId, text: &str, hold_s: f64, catalogue: &Catalogue) -> Result<Self, ExpressionError> {
        let when = Expression::parse_condition(text, catalogue)?;
        let whole = Span { start: 0, end: text.len() };
        if when.signals().is_empty() {
            let problem = Problem::new(whole, "the condition mentions no signal, so it never changes");
            return Err(problem.in_text(text));
        }
        let program = if hold_s > 0.0 { Program::compile(&held(&when, hold_s)) } else { Program::compile(&when) };
        Ok(Self {
            id,
            description: String::new(),
            source: String::new(),
            hold: TimeDelta::from_secs_f64(hold_s),
            pre: TimeDelta::from_secs_f64(default_pre_s()),
            post: TimeDelta::from_secs_f64(default_post_s()),
            cooldown: TimeDelta::from_secs_f64(default_cooldown_s()),
            max_duration: TimeDelta::from_secs_f64(default_max_duration_s()),
            stale_after: TimeDelta::from_secs_f64(default_stale_s()),
            priority: default_priority(),
            streams: Vec::new(),
            text: text.to_owned(),
            program: program.map_err(|problem| problem.in_text(text))?,
            when,
        })
    }
}

fn held(when: &Expression, hold_s: f64) -> Expression {
    use crate::expression::{Kind, Temporal};
    let kind = Kind::Temporal { function: Temporal::For, operand: Box::new(when.clone()), span_s: Some(hold_s) };
    Expression { kind, ..when.clone() }
}

/// Why a rule file is refused. `Display` names file, line, column and rule, and shows the place.
#[derive(Debug, Clone, thiserror::Error)]
pub enum RuleFileError {
    /// Not TOML, an unknown key, a missing or mistyped value.
    #[error("{file}: not a rule file: {problem}")]
    Toml {
        /// The file.
        file: String,
        /// With line, column and the line itself.
        problem: String,
    },
    /// The condition of a rule.
    #[error("{file}:{line}:{column}: rule `{rule}`: {error}")]
    Condition {
        /// The file.
        file: String,
        /// Line of the file, from 1.
        line: usize,
        /// Column, from 1; exact when the text is written without TOML escapes, else that of the value.
        column: usize,
        /// The rule.
        rule: String,
        /// What is wrong, and where in the expression.
        error: Box<ExpressionError>,
    },
    /// A value out of its range.
    #[error("{file}:{line}: rule `{rule}`: {problem}")]
    Value {
        /// The file.
        file: String,
        /// Line of the file, from 1.
        line: usize,
        /// The rule.
        rule: String,
        /// What is wrong and what is allowed.
        problem: String,
    },
    /// A file beyond all measure.
    #[error("{file}: {problem}")]
    Size {
        /// The file.
        file: String,
        /// What is too large.
        problem: String,
    },
}

/// Reads the rules of a file. `file` is its name, for messages.
///
/// # Errors
/// The first problem in the file, with its place.
pub fn read_rules(file: &str, text: &str, catalogue: &Catalogue) -> Result<Vec<Rule>, RuleFileError> {
    let too_large = |problem: String| RuleFileError::Size { file: file.to_owned(), problem };
    if text.len() > MAX_FILE_BYTES {
        return Err(too_large(format!("{} bytes, at most {MAX_FILE_BYTES} allowed", text.len())));
    }
    let raw: RawFile = toml::from_str(text)
        .map_err(|error| RuleFileError::Toml { file: file.to_owned(), problem: error.to_string() })?;
    if raw.rule.len() > MAX_RULES {
        return Err(too_large(format!("{} rules, at most {MAX_RULES} allowed", raw.rule.len())));
    }
    let mut rules: Vec<Rule> = Vec::with_capacity(raw.rule.len());
    for raw in raw.rule {
        let rule = raw.check(file, text, catalogue)?;
        if rules.iter().any(|known| known.id == rule.1.id) {
            let problem = "a rule of this name stands above".to_owned();
            return Err(RuleFileError::Value {
                file: file.to_owned(),
                line: rule.0,
                rule: rule.1.id.to_string(),
                problem,
            });
        }
        rules.push(rule.1);
    }
    Ok(rules)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawFile {
    #[serde(default)]
    rule: Vec<RawRule>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawRule {
    id: Spanned<String>,
    description: String,
    when: Spanned<String>,
    #[serde(default)]
    for_s: f64,
    #[serde(default = "default_pre_s")]
    pre_s: f64,
    #[serde(default = "default_post_s")]
    post_s: f64,
    #[serde(default = "default_cooldown_s")]
    cooldown_s: f64,
    #[serde(default = "default_max_duration_s")]
    max_duration_s: f64,
    #[serde(default = "default_stale_s")]
    stale_s: f64,
    #[serde(default = "default_priority")]
    priority: u8,
    #[serde(default)]
    streams: Vec<String>,
    source: String,
}

fn default_pre_s() -> f64 {
    10.0
}
fn default_post_s() -> f64 {
    5.0
}
fn default_cooldown_s() -> f64 {
    10.0
}
fn default_max_duration_s() -> f64 {
    60.0
}
fn default_stale_s() -> f64 {
    1.0
}
fn default_priority() -> u8 {
    5
}

impl RawRule {
    /// The line it stands in, and the rule.
    fn check(self, file: &str, text: &str, catalogue: &Catalogue) -> Result<(usize, Rule), RuleFileError> {
        let line = line_and_column(text, self.id.span().start).0;
        let name = self.id.into_inner();
        let wrong = |problem: String| RuleFileError::Value { file: file.to_owned(), line, rule: name.clone(), problem };

        let ranges = [
            ("for_s", self.for_s, 0.0, 300.0),
            ("pre_s", self.pre_s, 0.0, 300.0),
            ("post_s", self.post_s, 0.0, 300.0),
            ("cooldown_s", self.cooldown_s, 0.0, 86_400.0),
            ("max_duration_s", self.max_duration_s, 0.1, 3600.0),
            ("stale_s", self.stale_s, 0.01, 3600.0),
        ];
        for (key, value, least, most) in ranges {
            if !(least..=most).contains(&value) {
                return Err(wrong(format!("{key} = {value}: expected {least} to {most}")));
            }
        }
        if self.pre_s + self.post_s > self.max_duration_s {
            let (pre, post, most) = (self.pre_s, self.post_s, self.max_duration_s);
            return Err(wrong(format!("pre_s + post_s = {} is above max_duration_s = {most}", pre + post)));
        }
        if self.priority > 9 {
            return Err(wrong(format!("priority = {}: expected 0 to 9", self.priority)));
        }
        let id = RuleId::new(name.clone()).map_err(|error: IdError| wrong(error.to_string()))?;

        let place = self.when.span();
        let mut rule = Rule::compile(id, self.when.get_ref(), self.for_s, catalogue).map_err(|error| {
            let (line, column) = place_in_file(text, place, &error);
            RuleFileError::Condition { file: file.to_owned(), line, column, rule: name.clone(), error: Box::new(error) }
        })?;
        rule.description = self.description;
        rule.source = self.source;
        rule.pre = TimeDelta::from_secs_f64(self.pre_s);
        rule.post = TimeDelta::from_secs_f64(self.post_s);
        rule.cooldown = TimeDelta::from_secs_f64(self.cooldown_s);
        rule.max_duration = TimeDelta::from_secs_f64(self.max_duration_s);
        rule.stale_after = TimeDelta::from_secs_f64(self.stale_s);
        rule.priority = self.priority;
        rule.streams = self.streams;
        Ok((line, rule))
    }
}

/// Where in the file an error of the expression stands: exact when the value holds the expression letter by letter.
fn place_in_file(text: &str, value: std::ops::Range<usize>, error: &ExpressionError) -> (usize, usize) {
    let inside = text.get(value.clone()).and_then(|raw| raw.find(&error.text));
    line_and_column(text, value.start + inside.map_or(0, |start| start + error.span.start))
}
