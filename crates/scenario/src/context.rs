//! What reading carries along: the file, the parameters in scope, the catalogs, and the findings.

use std::collections::{BTreeMap, BTreeSet};

use roxmltree::Node;

use crate::diagnostic::Diagnostic;
use crate::expression::evaluate;
use crate::grammar::check_value;
use crate::model::{EntitySelection, Unsupported};
use crate::names::Named;

/// Findings after which no more are kept.
const MAX_FINDINGS: usize = 200;

/// A parsed catalog file.
pub(crate) struct CatalogFile<'d> {
    pub(crate) file: String,
    pub(crate) name: String,
    pub(crate) entries: Vec<Node<'d, 'd>>,
}

impl CatalogFile<'_> {
    /// The file's name without folder and extension.
    pub(crate) fn stem(&self) -> &str {
        let name = self.file.rsplit(['/', '\\']).next().unwrap_or_default();
        name.strip_suffix(".xosc").unwrap_or(name)
    }
}

#[derive(Default)]
pub(crate) struct Context<'d> {
    pub(crate) file: String,
    /// Parameters in scope, innermost last.
    pub(crate) scopes: Vec<BTreeMap<String, String>>,
    pub(crate) catalogs: &'d [CatalogFile<'d>],
    /// Catalog entries being read, to refuse cycles.
    pub(crate) entered: Vec<(String, String)>,
    pub(crate) entities: BTreeSet<String>,
    pub(crate) selections: Vec<EntitySelection>,
    pub(crate) variables: BTreeSet<String>,
    pub(crate) errors: Vec<Diagnostic>,
    pub(crate) warnings: Vec<Diagnostic>,
    pub(crate) unsupported: Vec<Unsupported>,
}

pub(crate) fn line_of(node: Node<'_, '_>) -> u32 {
    node.document().text_pos_at(node.range().start).row
}

pub(crate) fn name_of_element<'a>(node: Node<'a, '_>) -> &'a str {
    node.tag_name().name()
}

/// Child elements of any name.
pub(crate) fn elements<'a, 'i>(node: Node<'a, 'i>) -> impl Iterator<Item = Node<'a, 'i>> {
    node.children().filter(Node::is_element)
}

/// Child elements of one name.
pub(crate) fn all<'a, 'i>(node: Node<'a, 'i>, name: &'static str) -> impl Iterator<Item = Node<'a, 'i>> {
    node.children().filter(move |child| child.has_tag_name(name))
}

pub(crate) fn first<'a, 'i>(node: Node<'a, 'i>, name: &'static str) -> Option<Node<'a, 'i>> {
    all(node, name).next()
}

impl Context<'_> {
    pub(crate) fn error(&mut self, node: Node<'_, '_>, message: impl Into<String>, hint: impl Into<String>) {
        if self.errors.len() < MAX_FINDINGS {
            let finding =
                Diagnostic { file: self.file.clone(), line: line_of(node), message: message.into(), hint: hint.into() };
            self.errors.push(finding);
        }
    }

    pub(crate) fn warn(&mut self, node: Node<'_, '_>, message: impl Into<String>, hint: impl Into<String>) {
        if self.warnings.len() < MAX_FINDINGS {
            let finding =
                Diagnostic { file: self.file.clone(), line: line_of(node), message: message.into(), hint: hint.into() };
            self.warnings.push(finding);
        }
    }

    /// Notes an element of the standard that is not modelled.
    pub(crate) fn unsupported(&mut self, node: Node<'_, '_>) -> Unsupported {
        let found =
            Unsupported { file: self.file.clone(), line: line_of(node), element: name_of_element(node).to_owned() };
        if self.unsupported.len() < MAX_FINDINGS {
            self.unsupported.push(found.clone());
        }
        found
    }

    /// A child the model cannot do without.
    pub(crate) fn child<'a, 'i>(&mut self, node: Node<'a, 'i>, name: &'static str) -> Option<Node<'a, 'i>> {
        let found = first(node, name);
        if found.is_none() {
            self.error(node, format!("element {} has no {name}", name_of_element(node)), "the standard requires it");
        }
        found
    }

    /// The one child that says which of several things this is.
    pub(crate) fn choice<'a, 'i>(&mut self, node: Node<'a, 'i>) -> Option<Node<'a, 'i>> {
        let found = elements(node).next();
        if found.is_none() {
            self.error(node, format!("element {} is empty", name_of_element(node)), "expected one element in it");
        }
        found
    }

    /// The value of a parameter in scope.
    pub(crate) fn parameter(&self, name: &str) -> Option<&String> {
        self.scopes.iter().rev().find_map(|scope| scope.get(name))
    }

    /// A text with a parameter or an expression replaced by its value.
    pub(crate) fn resolve(&mut self, node: Node<'_, '_>, text: &str) -> String {
        let Some(rest) = text.strip_prefix('$') else { return text.to_owned() };
        if let Some(inside) = rest.strip_prefix('{') {
            let Some(inside) = inside.strip_suffix('}') else {
                self.error(node, format!("expression {text:?} does not end"), "expected '}' at the end");
                return String::new();
            };
            let value = evaluate(inside, &|name| self.parameter(name).cloned());
            return match value {
                Ok(value) => value.to_string(),
                Err(why) => {
                    self.error(node, format!("expression {text:?}: {why}"), "");
                    String::new()
                }
            };
        }
        match self.parameter(rest) {
            Some(value) => value.clone(),
            None => {
                let known: Vec<&String> = self.scopes.iter().flat_map(BTreeMap::keys).take(12).collect();
                let hint = if known.is_empty() {
                    "no parameter is declared here".to_owned()
                } else {
                    format!("declared here: {}", known.iter().map(|name| name.as_str()).collect::<Vec<_>>().join(", "))
                };
                self.error(node, format!("parameter {text} is not declared"), hint);
                String::new()
            }
        }
    }

    fn typed(&mut self, node: Node<'_, '_>, attribute: &str, kind: &str) -> Option<String> {
        let raw = node.attribute(attribute)?;
        let errors = self.errors.len();
        let value = self.resolve(node, raw);
        if self.errors.len() > errors {
            return None;
        }
        if let Err(expected) = check_value(kind, &value) {
            let shown = if raw == value { format!("{raw:?}") } else { format!("{raw:?}, which is {value:?}") };
            self.error(
                node,
                format!("attribute {attribute}={shown} of {}", name_of_element(node)),
                format!("expected {expected}"),
            );
            return None;
        }
        Some(value.trim().to_owned())
    }

    fn missing(&mut self, node: Node<'_, '_>, attribute: &str) {
        if node.attribute(attribute).is_none() {
            self.error(
                node,
                format!("element {} has no attribute {attribute}", name_of_element(node)),
                "the standard requires it",
            );
        }
    }

    /// Text that is not there is empty.
    pub(crate) fn text(&mut self, node: Node<'_, '_>, attribute: &str) -> String {
        // Names and property values may hold `${`, which is an expression only where the standard allows one.
        match node.attribute(attribute) {
            Some(raw) if raw.starts_with("${") => raw.to_owned(),
            Some(raw) => self.resolve(node, raw),
            None => String::new(),
        }
    }

    pub(crate) fn optional_text(&mut self, node: Node<'_, '_>, attribute: &str) -> Option<String> {
        node.has_attribute(attribute).then(|| self.text(node, attribute))
    }

    /// A finite number or, with an error noted, 0.
    pub(crate) fn number(&mut self, node: Node<'_, '_>, attribute: &str) -> f64 {
        self.missing(node, attribute);
        self.optional_number(node, attribute).unwrap_or(0.0)
    }

    pub(crate) fn optional_number(&mut self, node: Node<'_, '_>, attribute: &str) -> Option<f64> {
        let text = self.typed(node, attribute, "Double")?;
        match text.as_str() {
            "INF" | "+INF" => Some(f64::INFINITY),
            "-INF" => Some(f64::NEG_INFINITY),
            text => text.parse().ok(),
        }
    }

    pub(crate) fn number_or(&mut self, node: Node<'_, '_>, attribute: &str, default: f64) -> f64 {
        self.optional_number(node, attribute).unwrap_or(default)
    }

    /// A whole number; the result of an expression may also be written like 3.0.
    pub(crate) fn integer(&mut self, node: Node<'_, '_>, attribute: &str) -> i32 {
        self.missing(node, attribute);
        let Some(raw) = node.attribute(attribute) else { return 0 };
        let errors = self.errors.len();
        let value = self.resolve(node, raw);
        if self.errors.len() > errors {
            return 0;
        }
        let whole = value.trim().parse::<f64>().ok().filter(|v| v.fract() == 0.0 && v.abs() < 2e9);
        match whole {
            Some(whole) => whole as i32,
            None => {
                self.error(
                    node,
                    format!("attribute {attribute}={value:?} of {}", name_of_element(node)),
                    "expected a whole number",
                );
                0
            }
        }
    }

    pub(crate) fn optional_boolean(&mut self, node: Node<'_, '_>, attribute: &str) -> Option<bool> {
        self.typed(node, attribute, "Boolean").map(|text| matches!(text.as_str(), "true" | "1"))
    }

    pub(crate) fn boolean(&mut self, node: Node<'_, '_>, attribute: &str) -> bool {
        self.missing(node, attribute);
        self.optional_boolean(node, attribute).unwrap_or(false)
    }

    pub(crate) fn optional_named<T: Named>(&mut self, node: Node<'_, '_>, attribute: &str) -> Option<T> {
        let raw = node.attribute(attribute)?;
        let value = self.resolve(node, raw);
        let found = T::from_name(&value);
        if found.is_none() && !value.is_empty() {
            let names: Vec<&str> = T::NAMES.iter().map(|(name, _)| *name).collect();
            self.error(
                node,
                format!("attribute {attribute}={value:?} of {}", name_of_element(node)),
                format!("expected one of {}", names.join(", ")),
            );
        }
        found
    }

    pub(crate) fn named<T: Named>(&mut self, node: Node<'_, '_>, attribute: &str) -> T {
        self.missing(node, attribute);
        self.optional_named(node, attribute).unwrap_or(T::NAMES[0].1)
    }

    /// The name of an entity that must exist.
    pub(crate) fn entity(&mut self, node: Node<'_, '_>, attribute: &str) -> String {
        self.missing(node, attribute);
        let name = self.text(node, attribute);
        if !self.entities.contains(&name) && !self.selections.iter().any(|selection| selection.name == name) {
            let known: Vec<&str> = self.entities.iter().map(String::as_str).take(20).collect();
            self.error(
                node,
                format!("{attribute}={name:?} of {} names no entity", name_of_element(node)),
                format!("expected one of {}", known.join(", ")),
            );
        }
        name
    }

    /// A list of entities, selections replaced by their members.
    pub(crate) fn entity_list(&mut self, parent: Node<'_, '_>) -> Vec<String> {
        let mut out = Vec::new();
        for node in all(parent, "EntityRef") {
            let name = self.entity(node, "entityRef");
            match self.selections.iter().find(|selection| selection.name == name) {
                Some(selection) => out.extend(selection.members.iter().cloned()),
                None => out.push(name),
            }
        }
        out
    }

    /// The value of a parameter's declaration or assignment, where expressions are allowed.
    pub(crate) fn value(&mut self, node: Node<'_, '_>) -> String {
        let raw = node.attribute("value").unwrap_or_default();
        self.resolve(node, raw)
    }

    /// Declares the parameters of an element in a new scope, each seeing those before it. `given` overrides defaults.
    pub(crate) fn declare(
        &mut self,
        parent: Node<'_, '_>,
        given: &BTreeMap<String, String>,
    ) -> Vec<crate::model::Parameter> {
        self.scopes.push(BTreeMap::new());
        let mut out = Vec::new();
        let nodes: Vec<_> =
            first(parent, "ParameterDeclarations").into_iter().flat_map(|n| all(n, "ParameterDeclaration")).collect();
        for &node in &nodes {
            // Before 1.1 names were written with the dollar sign by some tools.
            let name = node.attribute("name").unwrap_or_default().trim_start_matches('$').to_owned();
            let kind = node.attribute("parameterType").unwrap_or_default().to_owned();
            let value = match given.get(&name) {
                Some(value) => value.clone(),
                None => self.value(node),
            };
            self.check_parameter(node, &name, &kind, &value);
            if let Some(scope) = self.scopes.last_mut()
                && scope.insert(name.clone(), value.clone()).is_some()
            {
                self.warn(node, format!("parameter {name} is declared twice"), "the last declaration holds");
            }
            out.push(crate::model::Parameter { name, kind, value });
        }
        for (&node, parameter) in nodes.iter().zip(&out) {
            self.check_constraints(node, parameter);
        }
        out
    }

    fn check_parameter(&mut self, node: Node<'_, '_>, name: &str, kind: &str, value: &str) {
        let schema_kind = match kind {
            "double" => "Double",
            "boolean" => "Boolean",
            "unsignedInt" => "UnsignedInt",
            "unsignedShort" => "UnsignedShort",
            "dateTime" => "DateTime",
            "integer" | "int" => "Int",
            _ => return,
        };
        if let Err(expected) = check_value(schema_kind, value) {
            self.error(
                node,
                format!("parameter {name}={value:?} is declared as {kind}"),
                format!("expected {expected}"),
            );
        }
    }

    /// Groups are alternatives; all constraints of a group must hold.
    fn check_constraints(&mut self, node: Node<'_, '_>, parameter: &crate::model::Parameter) {
        let groups: Vec<_> = all(node, "ConstraintGroup").collect();
        if groups.is_empty() {
            return;
        }
        let mut broken = Vec::new();
        for &group in &groups {
            let mut holds = true;
            for constraint in all(group, "ValueConstraint") {
                let rule: crate::model::Rule = self.named(constraint, "rule");
                let limit = self.value(constraint);
                let fits = crate::compare(rule, &parameter.value, &limit);
                if !fits {
                    broken.push(format!("{} {limit}", constraint.attribute("rule").unwrap_or_default()));
                }
                holds &= fits;
            }
            if holds {
                return;
            }
        }
        self.error(
            node,
            format!("parameter {}={} breaks its constraints ({})", parameter.name, parameter.value, broken.join(", ")),
            "this combination of parameters is not meant to be run",
        );
    }
}
