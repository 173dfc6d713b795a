//! `${...}`: arithmetic and logic over parameters, as OpenSCENARIO XML 1.1 to 1.3 define it.

/// A value of an expression.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Value {
    Number(f64),
    Boolean(bool),
}

impl std::fmt::Display for Value {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Number(number) => write!(f, "{number}"),
            Self::Boolean(boolean) => write!(f, "{boolean}"),
        }
    }
}

/// Parentheses and signs nest no deeper.
const MAX_DEPTH: u32 = 100;

/// Evaluates the text between `${` and `}`; `lookup` gives a parameter's text. The error says what is wrong and where.
pub(crate) fn evaluate(text: &str, lookup: &dyn Fn(&str) -> Option<String>) -> Result<Value, String> {
    let mut parser = Parser { text, at: 0, depth: 0, lookup };
    let value = parser.or()?;
    parser.space();
    if parser.at < text.len() {
        return Err(parser.wrong("an operator or the end"));
    }
    match value {
        Value::Number(number) if !number.is_finite() => {
            Err(format!("the result is {number}; expected a finite number"))
        }
        value => Ok(value),
    }
}

struct Parser<'a> {
    text: &'a str,
    at: usize,
    depth: u32,
    lookup: &'a dyn Fn(&str) -> Option<String>,
}

impl Parser<'_> {
    fn rest(&self) -> &str {
        &self.text[self.at..]
    }

    fn space(&mut self) {
        self.at += self.rest().len() - self.rest().trim_start().len();
    }

    fn wrong(&self, expected: &str) -> String {
        let found = self.rest().chars().next().map_or_else(|| "the end".to_owned(), |c| format!("{c:?}"));
        format!("character {}: expected {expected}, found {found}", self.at + 1)
    }

    fn take(&mut self, symbol: char) -> bool {
        self.space();
        let found = self.rest().starts_with(symbol);
        if found {
            self.at += symbol.len_utf8();
        }
        found
    }

    /// Takes a word if it is the next one.
    fn take_word(&mut self, word: &str) -> bool {
        self.space();
        let found = self.word() == word;
        if found {
            self.at += word.len();
        }
        found
    }

    /// The name that stands next, without taking it.
    fn word(&self) -> &str {
        let rest = self.rest();
        let end = rest.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(rest.len());
        &rest[..end]
    }

    fn or(&mut self) -> Result<Value, String> {
        let mut value = self.and()?;
        while self.take_word("or") {
            let right = self.and()?;
            value = Value::Boolean(boolean(value)? | boolean(right)?);
        }
        Ok(value)
    }

    fn and(&mut self) -> Result<Value, String> {
        let mut value = self.sum()?;
        while self.take_word("and") {
            let right = self.sum()?;
            value = Value::Boolean(boolean(value)? & boolean(right)?);
        }
        Ok(value)
    }

    fn sum(&mut self) -> Result<Value, String> {
        let mut value = self.product()?;
        loop {
            if self.take('+') {
                value = Value::Number(number(value)? + number(self.product()?)?);
            } else if self.take('-') {
                value = Value::Number(number(value)? - number(self.product()?)?);
            } else {
                return Ok(value);
            }
        }
    }

    fn product(&mut self) -> Result<Value, String> {
        let mut value = self.unary()?;
        loop {
            let operator = ['*', '/', '%'].into_iter().find(|&symbol| self.take(symbol));
            let Some(operator) = operator else { return Ok(value) };
            let (left, right) = (number(value)?, number(self.unary()?)?);
            value = Value::Number(match operator {
                '*' => left * right,
                _ if right == 0.0 => return Err("division by zero".to_owned()),
                '/' => left / right,
                _ => left % right,
            });
        }
    }

    fn unary(&mut self) -> Result<Value, String> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(format!("nested deeper than {MAX_DEPTH} levels"));
        }
        let value = if self.take('-') {
            Value::Number(-number(self.unary()?)?)
        } else if self.take('+') {
            Value::Number(number(self.unary()?)?)
        } else if self.take_word("not") {
            Value::Boolean(!boolean(self.unary()?)?)
        } else {
            self.primary()?
        };
        self.depth -= 1;
        Ok(value)
    }

    fn primary(&mut self) -> Result<Value, String> {
        if self.take('(') {
            let value = self.or()?;
            return if self.take(')') { Ok(value) } else { Err(self.wrong("')'")) };
        }
        if self.take('$') {
            let name = self.word().to_owned();
            let text = (self.lookup)(&name).ok_or_else(|| format!("parameter ${name} is not declared here"))?;
            self.at += name.len();
            return parse_value(&text)
                .ok_or_else(|| format!("parameter ${name} is {text:?}; expected a number or a boolean"));
        }
        self.space();
        if self.rest().starts_with(|c: char| c.is_ascii_digit() || c == '.') {
            return self.literal();
        }
        let name = self.word().to_owned();
        match name.as_str() {
            "true" | "false" => {
                self.at += name.len();
                Ok(Value::Boolean(name == "true"))
            }
            "" => Err(self.wrong("a number, a parameter, a function or '('")),
            _ => self.call(&name),
        }
    }

    fn literal(&mut self) -> Result<Value, String> {
        let bytes = self.rest().as_bytes();
        let mut end = 0;
        while end < bytes.len() {
            let exponent_sign = matches!(bytes[end], b'+' | b'-') && end > 0 && matches!(bytes[end - 1], b'e' | b'E');
            if bytes[end].is_ascii_digit() || matches!(bytes[end], b'.' | b'e' | b'E') || exponent_sign {
                end += 1;
            } else {
                break;
            }
        }
        let value = self.rest()[..end].parse().map_err(|_| self.wrong("a number"))?;
        self.at += end;
        Ok(Value::Number(value))
    }

    fn call(&mut self, name: &str) -> Result<Value, String> {
        let unknown = || {
            format!(
                "{name:?} is not a function; expected round, floor, ceil, sqrt, pow, abs, sign, max or min (parameters begin with $)"
            )
        };
        let arity = match name {
            "round" | "floor" | "ceil" | "sqrt" | "abs" | "sign" => 1,
            "pow" | "max" | "min" => 2,
            _ => return Err(unknown()),
        };
        self.at += name.len();
        if !self.take('(') {
            return Err(self.wrong("'('"));
        }
        let mut arguments = vec![number(self.or()?)?];
        while self.take(',') {
            arguments.push(number(self.or()?)?);
        }
        if !self.take(')') {
            return Err(self.wrong("',' or ')'"));
        }
        let value = match (name, arguments.as_slice()) {
            ("round", [x]) => x.round(),
            ("floor", [x]) => x.floor(),
            ("ceil", [x]) => x.ceil(),
            ("sqrt", [x]) if *x < 0.0 => return Err(format!("sqrt of {x}; expected a number not below 0")),
            ("sqrt", [x]) => x.sqrt(),
            ("abs", [x]) => x.abs(),
            ("sign", [x]) => {
                if *x > 0.0 {
                    1.0
                } else if *x < 0.0 {
                    -1.0
                } else {
                    0.0
                }
            }
            ("pow", [x, y]) => x.powf(*y),
            ("max", [x, y]) => x.max(*y),
            ("min", [x, y]) => x.min(*y),
            _ => return Err(format!("{name} takes {arity} argument(s), found {}", arguments.len())),
        };
        Ok(Value::Number(value))
    }
}

fn parse_value(text: &str) -> Option<Value> {
    match text.trim() {
        "true" => Some(Value::Boolean(true)),
        "false" => Some(Value::Boolean(false)),
        text => text.parse().ok().map(Value::Number),
    }
}

fn number(value: Value) -> Result<f64, String> {
    match value {
        Value::Number(number) => Ok(number),
        Value::Boolean(boolean) => Err(format!("{boolean} is a boolean; expected a number")),
    }
}

fn boolean(value: Value) -> Result<bool, String> {
    match value {
        Value::Boolean(boolean) => Ok(boolean),
        Value::Number(number) => Err(format!("{number} is a number; expected a boolean")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: Result<Value, &str>) {
        let lookup = |name: &str| match name {
            "speed" => Some("36".to_owned()),
            "on" => Some("true".to_owned()),
            "model" => Some("car".to_owned()),
            _ => None,
        };
        match (evaluate(text, &lookup), expected) {
            (Ok(found), Ok(expected)) => assert_eq!(found, expected, "{text}"),
            (Err(found), Err(expected)) => assert!(found.contains(expected), "{text}: {found}"),
            (found, expected) => panic!("{text}: found {found:?}, expected {expected:?}"),
        }
    }

    #[test]
    fn expressions() {
        let n = |x| Ok(Value::Number(x));
        check("$speed / 3.6", n(10.0));
        check("-$speed + 2 * (3 - 1)", n(-32.0));
        check("2 * -3", n(-6.0));
        check(" 7 % 4 + pow(2, 3) - sqrt( 4*4 )", n(7.0));
        check("max(1, min(5, round(2.6)))", n(3.0));
        check("sign(-2) + abs(-2) + floor(1.5) + ceil(1.5)", n(4.0));
        check("1.5e+2", n(150.0));
        check("not false and $on or false", Ok(Value::Boolean(true)));
        check("1 / 0", Err("division by zero"));
        check("$nope", Err("not declared"));
        check("$model + 1", Err("expected a number"));
        check("speed + 1", Err("not a function"));
        check("1 +", Err("expected"));
        check("(1", Err("')'"));
        check("sqrt(1, 2)", Err("1 argument"));
        check("1 2", Err("operator"));
        check("pow(10, 400)", Err("finite"));
        check(&"(".repeat(10_000), Err("nested"));
        check("", Err("expected"));
    }
}
