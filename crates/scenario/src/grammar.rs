//! The standard's element table, and checking a document against it.
//!
//! `grammar.txt` lists for OpenSCENARIO XML 1.0 to 1.3 which attributes and children each element type has and since
//! when. It lets a reader that models only a part tell "valid, but not modelled" from "not in the standard".

use std::collections::BTreeMap;
use std::sync::LazyLock;

use roxmltree::Node;

use crate::diagnostic::Diagnostic;

/// Elements nest no deeper; routes inside positions inside routes could otherwise go on for ever.
const MAX_DEPTH: u32 = 100;

/// Findings after which a document is not looked at further.
const MAX_FINDINGS: usize = 200;

static GRAMMAR: LazyLock<Grammar> = LazyLock::new(|| Grammar::parse(include_str!("grammar.txt")));

#[derive(Default)]
struct Grammar {
    types: BTreeMap<&'static str, ElementType>,
    enums: BTreeMap<&'static str, Vec<(&'static str, u8)>>,
}

#[derive(Default)]
struct ElementType {
    ordered: bool,
    text: bool,
    attributes: Vec<Part>,
    children: Vec<Part>,
}

/// An attribute or a child.
struct Part {
    name: &'static str,
    kind: &'static str,
    many: bool,
    required: u8,
    exists: u8,
}

/// All four revisions.
const ALWAYS: u8 = 0xf;

impl Grammar {
    fn parse(text: &'static str) -> Self {
        let mut grammar = Self::default();
        for line in text.lines().filter(|line| !line.starts_with('#')) {
            let mut words = line.split(' ');
            let first = words.next().unwrap_or_default();
            if first == "enum" {
                let name = words.next().unwrap_or_default();
                grammar.enums.insert(name, words.map(|word| masked(word, '^')).collect());
                continue;
            }
            let mut element = ElementType::default();
            for word in words {
                match word {
                    "ordered" => element.ordered = true,
                    "text" => element.text = true,
                    _ => match word.strip_prefix('@') {
                        Some(attribute) => element.attributes.push(Part::parse(attribute)),
                        None => element.children.push(Part::parse(word)),
                    },
                }
            }
            grammar.types.insert(first, element);
        }
        grammar
    }
}

/// Splits `text^m` or `text!m` into the text and its mask.
fn masked(word: &'static str, mark: char) -> (&'static str, u8) {
    match word.split_once(mark) {
        Some((text, mask)) => (text, u8::from_str_radix(mask, 16).unwrap_or(ALWAYS)),
        None => (word, ALWAYS),
    }
}

impl Part {
    fn parse(word: &'static str) -> Self {
        let (word, exists) = masked(word, '^');
        let (word, required) = if word.contains('!') { masked(word, '!') } else { (word, 0) };
        let many = word.ends_with('*');
        let word = word.trim_end_matches('*');
        let (name, kind) = word.split_once(':').unwrap_or((word, word));
        Self { name, kind, many, required, exists }
    }
}

/// What checking found: errors, and warnings about what is valid only in another revision than the file's.
#[derive(Default)]
pub(crate) struct Findings {
    pub(crate) errors: Vec<Diagnostic>,
    pub(crate) warnings: Vec<Diagnostic>,
}

/// Checks a document's root element and all below it.
pub(crate) fn check(file: &str, root: Node<'_, '_>, rev_minor: u16) -> Findings {
    let mut checker = Checker { file, revision: 1 << rev_minor.min(3), rev_minor, findings: Findings::default() };
    checker.element(root, "OpenScenario", 0);
    checker.findings
}

struct Checker<'a> {
    file: &'a str,
    revision: u8,
    rev_minor: u16,
    findings: Findings,
}

impl Checker<'_> {
    fn finding(&self, node: Node<'_, '_>, message: String, hint: String) -> Diagnostic {
        let line = node.document().text_pos_at(node.range().start).row;
        Diagnostic { file: self.file.to_owned(), line, message, hint }
    }

    fn error(&mut self, node: Node<'_, '_>, message: String, hint: String) {
        let finding = self.finding(node, message, hint);
        self.findings.errors.push(finding);
    }

    /// Warns when something of the standard is not in the file's revision of it.
    fn check_revision(&mut self, node: Node<'_, '_>, what: &str, exists: u8) {
        if exists & self.revision == 0 {
            let minors: Vec<String> = (0..4).filter(|n| exists & (1 << n) != 0).map(|n| format!("1.{n}")).collect();
            let finding = self.finding(
                node,
                format!("{what} is not in revision 1.{}", self.rev_minor),
                format!("it is in {}; it is read all the same", minors.join(", ")),
            );
            self.findings.warnings.push(finding);
        }
    }

    fn element(&mut self, node: Node<'_, '_>, kind: &str, depth: u32) {
        let name = node.tag_name().name();
        let Some(element) = GRAMMAR.types.get(kind) else { return };
        if depth > MAX_DEPTH || self.findings.errors.len() >= MAX_FINDINGS {
            if depth > MAX_DEPTH {
                self.error(node, format!("element {name} is nested deeper than {MAX_DEPTH} levels"), String::new());
            }
            return;
        }
        self.attributes(node, element);
        if !element.text
            && let Some(text) =
                node.children().filter(Node::is_text).filter_map(|n| n.text()).find(|t| !t.trim().is_empty())
        {
            let text: String = text.trim().chars().take(20).collect();
            self.error(node, format!("element {name} holds the text {text:?}"), "expected elements only".to_owned());
        }
        let mut last = 0;
        let mut counts = vec![0usize; element.children.len()];
        for child in node.children().filter(Node::is_element) {
            let child_name = child.tag_name().name();
            let Some(index) = element.children.iter().position(|part| part.name == child_name) else {
                let expected: Vec<&str> = element.children.iter().map(|part| part.name).collect();
                let hint = if expected.is_empty() {
                    "expected no element here".to_owned()
                } else {
                    format!("expected {}", expected.join(", "))
                };
                self.error(child, format!("element {child_name} is not in the standard inside {name}"), hint);
                continue;
            };
            let part = &element.children[index];
            counts[index] += 1;
            if counts[index] == 2 && !part.many {
                self.error(
                    child,
                    format!("element {child_name} stands twice in {name}"),
                    "expected it once".to_owned(),
                );
            }
            if element.ordered && index < last && !part.many {
                let before = element.children[last].name;
                self.error(
                    child,
                    format!("element {child_name} stands after {before} in {name}"),
                    format!("expected it before {before}"),
                );
            }
            last = last.max(index);
            self.check_revision(child, &format!("element {child_name} inside {name}"), part.exists);
            self.element(child, part.kind, depth + 1);
        }
        for (part, count) in element.children.iter().zip(counts) {
            if count == 0 && part.required & self.revision != 0 {
                self.error(node, format!("element {name} has no {}", part.name), "the standard requires it".to_owned());
            }
        }
    }

    fn attributes(&mut self, node: Node<'_, '_>, element: &ElementType) {
        let name = node.tag_name().name();
        // Attributes of a namespace (xsi:schemaLocation and its like) are no concern of the standard's.
        for attribute in node.attributes().filter(|attribute| attribute.namespace().is_none()) {
            let Some(part) = element.attributes.iter().find(|part| part.name == attribute.name()) else {
                let expected: Vec<&str> = element.attributes.iter().map(|part| part.name).collect();
                let hint = if expected.is_empty() {
                    "expected no attribute".to_owned()
                } else {
                    format!("expected {}", expected.join(", "))
                };
                self.error(node, format!("attribute {} is not in the standard for {name}", attribute.name()), hint);
                continue;
            };
            self.check_revision(node, &format!("attribute {} of {name}", part.name), part.exists);
            let value = attribute.value();
            if !value.starts_with('$')
                && let Err(expected) = check_value(part.kind, value)
            {
                self.error(
                    node,
                    format!("attribute {}={value:?} of {name}", part.name),
                    format!("expected {expected}"),
                );
            }
        }
        let revision = self.revision;
        for part in element.attributes.iter().filter(|part| part.required & revision != 0) {
            if node.attribute(part.name).is_none() {
                self.error(
                    node,
                    format!("element {name} has no attribute {}", part.name),
                    "the standard requires it".to_owned(),
                );
            }
        }
    }
}

/// Whether a resolved value is of a type; the error says what was expected.
pub(crate) fn check_value(kind: &str, value: &str) -> Result<(), String> {
    let trimmed = value.trim();
    let fits = match kind {
        "Double" => trimmed.parse::<f64>().is_ok_and(|number| !number.is_nan()) || matches!(trimmed, "INF" | "-INF"),
        "Int" => trimmed.parse::<i32>().is_ok(),
        "UnsignedInt" => trimmed.parse::<u32>().is_ok(),
        "UnsignedShort" => trimmed.parse::<u16>().is_ok(),
        "Boolean" => matches!(trimmed, "true" | "false" | "1" | "0"),
        "DateTime" => is_date_time(trimmed),
        kind => match GRAMMAR.enums.get(kind) {
            Some(values) if !values.iter().any(|(name, _)| *name == value) => {
                let names: Vec<&str> = values.iter().map(|(name, _)| *name).collect();
                return Err(format!("one of {}", names.join(", ")));
            }
            _ => true,
        },
    };
    let expected = || match kind {
        "Double" => "a number",
        "Int" => "a whole number",
        "UnsignedInt" | "UnsignedShort" => "a whole number not below 0",
        "Boolean" => "true or false",
        _ => "a date and time like 2026-05-01T12:00:00",
    };
    if fits { Ok(()) } else { Err(expected().to_owned()) }
}

/// The form of xsd:dateTime; the calendar is not checked.
fn is_date_time(text: &str) -> bool {
    let Some((date, time)) = text.split_once('T') else { return false };
    let digits = |text: &str, count: usize| text.len() == count && text.bytes().all(|b| b.is_ascii_digit());
    let date: Vec<&str> = date.trim_start_matches('-').split('-').collect();
    let clock = time.split(['+', '-', 'Z']).next().unwrap_or_default();
    let whole = clock.split('.').next().unwrap_or_default();
    let parts: Vec<&str> = whole.split(':').collect();
    matches!(date.as_slice(), [y, m, d] if digits(y, 4) && digits(m, 2) && digits(d, 2))
        && matches!(parts.as_slice(), [h, m, s] if digits(h, 2) && digits(m, 2) && digits(s, 2))
}
