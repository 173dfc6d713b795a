//! XML text with two-space indentation and attributes in the order they are given.

use std::fmt::Write as _;

/// A value of an attribute; `None` leaves the attribute out.
pub(crate) trait Attribute {
    fn text(&self) -> Option<String>;
}

impl Attribute for f64 {
    fn text(&self) -> Option<String> {
        Some(match *self {
            f64::INFINITY => "INF".to_owned(),
            f64::NEG_INFINITY => "-INF".to_owned(),
            // The shortest text that reads back as the same number.
            number => number.to_string(),
        })
    }
}

macro_rules! by_display {
    ($($type:ty),+) => {
        $(impl Attribute for $type {
            fn text(&self) -> Option<String> {
                Some(self.to_string())
            }
        })+
    };
}

by_display!(bool, i32, u32, u16, String, &str);

impl<T: Attribute> Attribute for Option<T> {
    fn text(&self) -> Option<String> {
        self.as_ref().and_then(Attribute::text)
    }
}

pub(crate) type Attributes<'a> = &'a [(&'static str, &'a dyn Attribute)];

#[derive(Default)]
pub(crate) struct XmlWriter {
    out: String,
    open: Vec<&'static str>,
    /// Values that cannot be written, as sentences.
    pub(crate) problems: Vec<String>,
}

impl XmlWriter {
    pub(crate) fn open(&mut self, name: &'static str, attributes: Attributes<'_>) {
        self.start(name, attributes);
        self.out.push_str(">\n");
        self.open.push(name);
    }

    pub(crate) fn leaf(&mut self, name: &'static str, attributes: Attributes<'_>) {
        self.start(name, attributes);
        self.out.push_str("/>\n");
    }

    /// Closes the element opened last.
    pub(crate) fn close(&mut self) {
        if let Some(name) = self.open.pop() {
            self.indent();
            self.out.push_str("</");
            self.out.push_str(name);
            self.out.push_str(">\n");
        }
    }

    pub(crate) fn problem(&mut self, message: impl Into<String>) {
        self.problems.push(message.into());
    }

    pub(crate) fn finish(self) -> (String, Vec<String>) {
        (self.out, self.problems)
    }

    fn indent(&mut self) {
        for _ in 0..=self.open.len() {
            self.out.push_str("  ");
        }
    }

    fn start(&mut self, name: &'static str, attributes: Attributes<'_>) {
        self.indent();
        self.out.push('<');
        self.out.push_str(name);
        for (attribute, value) in attributes {
            let Some(text) = value.text() else { continue };
            if text == "NaN" {
                self.problem(format!("{attribute} of {name} is not a number"));
            }
            if text.starts_with('$') && !text.starts_with("${") {
                self.problem(format!("{attribute}={text:?} of {name} would be read as a parameter; expected a text that does not begin with $"));
            }
            let _infallible = write!(self.out, " {attribute}=\"");
            self.escape(name, &text);
            self.out.push('"');
        }
    }

    fn escape(&mut self, element: &str, text: &str) {
        for c in text.chars() {
            match c {
                '&' => self.out.push_str("&amp;"),
                '<' => self.out.push_str("&lt;"),
                '>' => self.out.push_str("&gt;"),
                '"' => self.out.push_str("&quot;"),
                // Written as they are, a reader would turn these into spaces.
                '\t' => self.out.push_str("&#9;"),
                '\n' => self.out.push_str("&#10;"),
                '\r' => self.out.push_str("&#13;"),
                c if c < ' ' || c == '\u{fffe}' || c == '\u{ffff}' => {
                    self.problems.push(format!("a text of {element} holds {c:?}, which XML cannot hold"));
                }
                c => self.out.push(c),
            }
        }
    }
}
