//! Text to an untyped tree: CEL's grammar without messages, maps and macros, plus duration literals (`500ms`).
//!
//! Operator precedence climbing, with limits on length and depth checked while parsing, so hostile text can neither
//! exhaust the stack here nor in any later pass over the tree.

use crate::diagnostic::{Problem, Span};

/// Longest expression, in bytes.
pub const MAX_TEXT_BYTES: usize = 8192;
/// Deepest tree, counting chains such as `a && b && c` as one level each.
pub const MAX_DEPTH: usize = 100;

/// Method names that may follow the last dot of a path (`rule.startsWith('x')`).
const METHODS: [&str; 4] = ["startsWith", "endsWith", "contains", "matches"];

#[derive(Debug, Clone, PartialEq)]
pub enum Node {
    Number(f64),
    /// Seconds.
    Duration(f64),
    Boolean(bool),
    Text(String),
    Path(String),
    Unary(Unary, Box<Syntax>),
    Binary(Binary, Box<Syntax>, Box<Syntax>),
    In(Box<Syntax>, Box<Syntax>),
    Conditional(Box<Syntax>, Box<Syntax>, Box<Syntax>),
    /// Function name, where it stands, arguments.
    Call(String, Span, Vec<Syntax>),
    List(Vec<Syntax>),
}

#[derive(Debug, Clone, PartialEq)]
pub struct Syntax {
    pub node: Node,
    pub span: Span,
    depth: usize,
}

/// Prefix operators.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Unary {
    /// `!`
    Not,
    /// `-`
    Negate,
}

/// Infix operators.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Binary {
    /// `||`
    Or,
    /// `&&`
    And,
    /// `==`
    Equal,
    /// `!=`
    NotEqual,
    /// `<`
    Less,
    /// `<=`
    LessOrEqual,
    /// `>`
    Greater,
    /// `>=`
    GreaterOrEqual,
    /// `+`
    Add,
    /// `-`
    Subtract,
    /// `*`
    Multiply,
    /// `/`
    Divide,
    /// `%`, with the sign of the dividend
    Remainder,
}

impl Binary {
    /// As written.
    pub fn symbol(self) -> &'static str {
        match self {
            Self::Or => "||",
            Self::And => "&&",
            Self::Equal => "==",
            Self::NotEqual => "!=",
            Self::Less => "<",
            Self::LessOrEqual => "<=",
            Self::Greater => ">",
            Self::GreaterOrEqual => ">=",
            Self::Add => "+",
            Self::Subtract => "-",
            Self::Multiply => "*",
            Self::Divide => "/",
            Self::Remainder => "%",
        }
    }
}

/// Reads one expression that must fill the whole text.
pub fn parse(text: &str) -> Result<Syntax, Problem> {
    if text.len() > MAX_TEXT_BYTES {
        let span = Span { start: 0, end: 0 };
        return Err(Problem::new(
            span,
            format!("expression of {} bytes, at most {MAX_TEXT_BYTES} allowed", text.len()),
        ));
    }
    let mut parser = Parser { text, offset: 0, token: Token::End, span: Span::default(), before: 0, nesting: 0 };
    parser.advance()?;
    if parser.token == Token::End {
        return Err(Problem::new(Span { start: 0, end: text.len() }, "empty expression"));
    }
    let tree = parser.expression()?;
    match &parser.token {
        Token::End => Ok(tree),
        other => {
            let problem =
                Problem::new(parser.span, format!("expected an operator or the end, found {}", other.describe()));
            Err(match other {
                Token::Other('=') => problem.help("equality is written =="),
                Token::Other('&') => problem.help("and is written &&"),
                Token::Other('|') => problem.help("or is written ||"),
                _ => problem,
            })
        }
    }
}

#[derive(Debug, Clone, PartialEq)]
enum Token {
    Number(f64),
    Duration(f64),
    Text(String),
    Path(String),
    Operator(Binary),
    Not,
    Open,
    Close,
    OpenList,
    CloseList,
    Comma,
    Question,
    Colon,
    Other(char),
    End,
}

impl Token {
    fn describe(&self) -> String {
        match self {
            Self::Number(_) => "a number".into(),
            Self::Duration(_) => "a duration".into(),
            Self::Text(_) => "a text".into(),
            Self::Path(name) => format!("`{name}`"),
            Self::Operator(operator) => format!("`{}`", operator.symbol()),
            Self::Not => "`!`".into(),
            Self::Open => "`(`".into(),
            Self::Close => "`)`".into(),
            Self::OpenList => "`[`".into(),
            Self::CloseList => "`]`".into(),
            Self::Comma => "`,`".into(),
            Self::Question => "`?`".into(),
            Self::Colon => "`:`".into(),
            Self::Other(c) => format!("{c:?}"),
            Self::End => "the end".into(),
        }
    }
}

struct Parser<'t> {
    text: &'t str,
    offset: usize,
    token: Token,
    span: Span,
    /// End of the token before.
    before: usize,
    nesting: usize,
}

impl<'t> Parser<'t> {
    fn expression(&mut self) -> Result<Syntax, Problem> {
        self.nesting += 1;
        if self.nesting > MAX_DEPTH {
            return Err(too_deep(self.span));
        }
        let condition = self.infix(1)?;
        let tree = if self.token == Token::Question {
            self.advance()?;
            let then = self.expression()?;
            self.expect(&Token::Colon, "`:` of the conditional `a ? b : c`")?;
            let otherwise = self.expression()?;
            let span = condition.span.to(otherwise.span);
            let depth = condition.depth.max(then.depth).max(otherwise.depth);
            node(Node::Conditional(condition.into(), then.into(), otherwise.into()), span, depth)?
        } else {
            condition
        };
        self.nesting -= 1;
        Ok(tree)
    }

    /// Operators binding at least as tightly as `floor`; all are left-associative, as in CEL.
    fn infix(&mut self, floor: u8) -> Result<Syntax, Problem> {
        let mut left = self.prefix()?;
        loop {
            let (operator, binding) = match &self.token {
                Token::Operator(operator) => (Some(*operator), binding(*operator)),
                Token::Path(word) if word == "in" => (None, 3),
                _ => return Ok(left),
            };
            if binding < floor {
                return Ok(left);
            }
            self.advance()?;
            let right = self.infix(binding + 1)?;
            let span = left.span.to(right.span);
            let depth = left.depth.max(right.depth);
            left = match operator {
                Some(operator) => node(Node::Binary(operator, left.into(), right.into()), span, depth)?,
                None => node(Node::In(left.into(), right.into()), span, depth)?,
            };
        }
    }

    fn prefix(&mut self) -> Result<Syntax, Problem> {
        let operator = match self.token {
            Token::Not => Unary::Not,
            Token::Operator(Binary::Subtract) => Unary::Negate,
            _ => return self.primary(),
        };
        let start = self.span;
        self.nesting += 1;
        if self.nesting > MAX_DEPTH {
            return Err(too_deep(self.span));
        }
        self.advance()?;
        let operand = self.prefix()?;
        self.nesting -= 1;
        let (span, depth) = (start.to(operand.span), operand.depth);
        node(Node::Unary(operator, operand.into()), span, depth)
    }

    fn primary(&mut self) -> Result<Syntax, Problem> {
        let span = self.span;
        let leaf = |leaf| node(leaf, span, 0);
        match std::mem::replace(&mut self.token, Token::End) {
            Token::Number(value) => self.advance().and_then(|()| leaf(Node::Number(value))),
            Token::Duration(seconds) => self.advance().and_then(|()| leaf(Node::Duration(seconds))),
            Token::Text(text) => self.advance().and_then(|()| leaf(Node::Text(text))),
            Token::Path(path) => {
                self.advance()?;
                match path.as_str() {
                    "true" => leaf(Node::Boolean(true)),
                    "false" => leaf(Node::Boolean(false)),
                    "in" => Err(Problem::new(span, "`in` needs a value before it")),
                    _ if self.token == Token::Open => self.call(path, span),
                    _ => leaf(Node::Path(path)),
                }
            }
            Token::Open => {
                self.advance()?;
                let mut inner = self.expression()?;
                self.expect(&Token::Close, "`)`")?;
                inner.span = Span { start: span.start, end: self.before };
                Ok(inner)
            }
            Token::OpenList => {
                self.advance()?;
                let items = self.items(&Token::CloseList, "`,` or `]`")?;
                let depth = deepest(&items);
                node(Node::List(items), Span { start: span.start, end: self.before }, depth)
            }
            other => {
                let found = other.describe();
                let problem = Problem::new(span, format!("expected a value, found {found}"));
                Err(if matches!(other, Token::Other('&' | '|')) {
                    problem.help("and is &&, or is ||")
                } else {
                    problem
                })
            }
        }
    }

    fn call(&mut self, path: String, name_span: Span) -> Result<Syntax, Problem> {
        self.advance()?;
        let mut arguments = self.items(&Token::Close, "`,` or `)`")?;
        let span = Span { start: name_span.start, end: self.before };
        let name = match path.rsplit_once('.') {
            Some((receiver, method)) if METHODS.contains(&method) => {
                let end = name_span.start + receiver.len();
                arguments.insert(0, node(Node::Path(receiver.to_owned()), Span { start: name_span.start, end }, 0)?);
                method.to_owned()
            }
            _ => path,
        };
        let depth = deepest(&arguments);
        node(Node::Call(name, name_span, arguments), span, depth)
    }

    /// Comma-separated expressions up to and with `close`.
    fn items(&mut self, close: &Token, expected: &str) -> Result<Vec<Syntax>, Problem> {
        let mut items = Vec::new();
        while self.token != *close {
            items.push(self.expression()?);
            if self.token == Token::Comma {
                self.advance()?;
            } else if self.token != *close {
                return Err(Problem::new(self.span, format!("expected {expected}, found {}", self.token.describe())));
            }
        }
        self.advance()?;
        Ok(items)
    }

    fn expect(&mut self, token: &Token, what: &str) -> Result<(), Problem> {
        if self.token != *token {
            return Err(Problem::new(self.span, format!("expected {what}, found {}", self.token.describe())));
        }
        self.advance()
    }

    /// Past white space and `//` comments: where the next token starts, and the text from there.
    fn skip_blank(&self) -> (usize, &'t str) {
        let mut rest = self.text[self.offset..].trim_start();
        while rest.starts_with("//") {
            rest = rest.find('\n').map_or("", |newline| &rest[newline..]).trim_start();
        }
        (self.text.len() - rest.len(), rest)
    }

    /// Reads the next token into `self.token`.
    fn advance(&mut self) -> Result<(), Problem> {
        self.before = self.span.end;
        let (start, rest) = self.skip_blank();
        let mut chars = rest.chars();
        let Some(first) = chars.next() else {
            self.offset = self.text.len();
            self.span = Span { start: self.offset, end: self.offset };
            self.token = Token::End;
            return Ok(());
        };
        let second = chars.next();
        let (token, length) = match (first, second) {
            ('0'..='9', _) | ('.', Some('0'..='9')) => number(rest, start)?,
            ('r' | 'R', Some('"' | '\'')) => quoted(rest, start, true)?,
            ('"' | '\'', _) => quoted(rest, start, false)?,
            (c, _) if c.is_ascii_alphabetic() || c == '_' => path(rest),
            ('|', Some('|')) => (Token::Operator(Binary::Or), 2),
            ('&', Some('&')) => (Token::Operator(Binary::And), 2),
            ('=', Some('=')) => (Token::Operator(Binary::Equal), 2),
            ('!', Some('=')) => (Token::Operator(Binary::NotEqual), 2),
            ('<', Some('=')) => (Token::Operator(Binary::LessOrEqual), 2),
            ('>', Some('=')) => (Token::Operator(Binary::GreaterOrEqual), 2),
            ('<', _) => (Token::Operator(Binary::Less), 1),
            ('>', _) => (Token::Operator(Binary::Greater), 1),
            ('+', _) => (Token::Operator(Binary::Add), 1),
            ('-', _) => (Token::Operator(Binary::Subtract), 1),
            ('*', _) => (Token::Operator(Binary::Multiply), 1),
            ('/', _) => (Token::Operator(Binary::Divide), 1),
            ('%', _) => (Token::Operator(Binary::Remainder), 1),
            ('!', _) => (Token::Not, 1),
            ('(', _) => (Token::Open, 1),
            (')', _) => (Token::Close, 1),
            ('[', _) => (Token::OpenList, 1),
            (']', _) => (Token::CloseList, 1),
            (',', _) => (Token::Comma, 1),
            ('?', _) => (Token::Question, 1),
            (':', _) => (Token::Colon, 1),
            (other, _) => (Token::Other(other), other.len_utf8()),
        };
        self.offset = start + length;
        self.span = Span { start, end: self.offset };
        self.token = token;
        Ok(())
    }
}

fn node(node: Node, span: Span, children: usize) -> Result<Syntax, Problem> {
    let depth = children + 1;
    if depth > MAX_DEPTH { Err(too_deep(span)) } else { Ok(Syntax { node, span, depth }) }
}

fn too_deep(span: Span) -> Problem {
    Problem::new(span, format!("nested or chained more than {MAX_DEPTH} deep")).help("split it into several rules")
}

fn deepest(items: &[Syntax]) -> usize {
    items.iter().map(|item| item.depth).max().unwrap_or(0)
}

fn binding(operator: Binary) -> u8 {
    match operator {
        Binary::Or => 1,
        Binary::And => 2,
        Binary::Equal
        | Binary::NotEqual
        | Binary::Less
        | Binary::LessOrEqual
        | Binary::Greater
        | Binary::GreaterOrEqual => 3,
        Binary::Add | Binary::Subtract => 4,
        Binary::Multiply | Binary::Divide | Binary::Remainder => 5,
    }
}

/// A dotted name. A dot that no name follows is left for the next token to complain about.
fn path(rest: &str) -> (Token, usize) {
    let word = |text: &str| {
        let starts = text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
        let length = text.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(text.len());
        if starts { length } else { 0 }
    };
    let mut length = word(rest);
    while rest[length..].starts_with('.') {
        match word(&rest[length + 1..]) {
            0 => break,
            more => length += 1 + more,
        }
    }
    (Token::Path(rest[..length].to_owned()), length)
}

fn number(rest: &str, start: usize) -> Result<(Token, usize), Problem> {
    let bytes = rest.as_bytes();
    let digits = |mut at: usize| {
        while bytes.get(at).is_some_and(u8::is_ascii_digit) {
            at += 1;
        }
        at
    };
    let mut length = digits(0);
    if bytes.get(length) == Some(&b'.') && bytes.get(length + 1).is_some_and(u8::is_ascii_digit) {
        length = digits(length + 1);
    }
    if matches!(bytes.get(length), Some(b'e' | b'E')) {
        let sign = usize::from(matches!(bytes.get(length + 1), Some(b'+' | b'-')));
        let end = digits(length + 1 + sign);
        if end > length + 1 + sign {
            length = end;
        }
    }
    let suffix = rest[length..].find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(rest.len() - length);
    let (literal, unit) = (&rest[..length], &rest[length..length + suffix]);
    let span = Span { start, end: start + length + suffix };
    let value = match literal.parse::<f64>() {
        Ok(value) if value.is_finite() => value,
        _ => return Err(Problem::new(span, format!("`{literal}` is not a number we can hold"))),
    };
    let token = match unit {
        "" | "u" => Token::Number(value),
        "m" => {
            return Err(Problem::new(span, "`m` is neither metres nor minutes here")
                .help("write 2min for a duration; a length is a plain number in the signal's own unit"));
        }
        _ => match seconds_per(unit) {
            Some(factor) => Token::Duration(value * factor),
            None => {
                return Err(Problem::new(span, format!("`{unit}` is not a unit of time"))
                    .help("durations end in ns, us, ms, s, min or h; other numbers carry no unit"));
            }
        },
    };
    Ok((token, length + suffix))
}

/// Seconds in a unit of duration.
fn seconds_per(unit: &str) -> Option<f64> {
    Some(match unit {
        "ns" => 1e-9,
        "us" => 1e-6,
        "ms" => 1e-3,
        "s" => 1.0,
        "min" => 60.0,
        "h" => 3600.0,
        _ => return None,
    })
}

/// The seconds of a CEL duration text with one unit, `500ms`; CEL's `m` is minutes.
pub fn duration_text(text: &str) -> Option<f64> {
    let text = text.trim();
    let split = text.find(|c: char| c.is_ascii_alphabetic())?;
    let value = text[..split].parse::<f64>().ok().filter(|value| value.is_finite())?;
    let unit = &text[split..];
    seconds_per(if unit == "m" { "min" } else { unit }).map(|factor| value * factor)
}

fn quoted(rest: &str, start: usize, raw: bool) -> Result<(Token, usize), Problem> {
    let mut chars = rest.char_indices().skip(usize::from(raw));
    let Some((_, quote)) = chars.next() else {
        return Err(Problem::new(Span { start, end: start + rest.len() }, "text without its quotes"));
    };
    let mut text = String::new();
    while let Some((at, c)) = chars.next() {
        match c {
            _ if c == quote => return Ok((Token::Text(text), at + c.len_utf8())),
            '\n' => break,
            '\\' if !raw => match chars.next() {
                Some((_, 'n')) => text.push('\n'),
                Some((_, 't')) => text.push('\t'),
                Some((_, escaped @ ('\\' | '\'' | '"' | '`' | '?'))) => text.push(escaped),
                Some((end, other)) => {
                    let span = Span { start: start + at, end: start + end + other.len_utf8() };
                    return Err(Problem::new(span, format!("unknown escape \\{other}"))
                        .help(r#"known are \n \t \\ \' \"; r'...' takes everything literally"#));
                }
                None => break,
            },
            _ => text.push(c),
        }
    }
    let end = start + rest.lines().next().unwrap_or(rest).len();
    Err(Problem::new(Span { start, end }, format!("text is not closed with {quote}")))
}
