//! Elements with their line and path, and typed attributes with errors a person can act on.

use roxmltree::Node;

use crate::model::{Diagnostic, RoadError};

/// What a reader carries along: the file's name, and what it could not understand.
pub(crate) struct Reader<'a> {
    pub(crate) file: &'a str,
    pub(crate) diagnostics: Vec<Diagnostic>,
}

/// Line of an element, from 1.
pub(crate) fn line(node: Node<'_, '_>) -> u32 {
    node.document().text_pos_at(node.range().start).row
}

/// Path of an element, with ids where it has them.
pub(crate) fn path(node: Node<'_, '_>) -> String {
    let mut parts: Vec<String> = node
        .ancestors()
        .filter(Node::is_element)
        .map(|n| match n.attribute("id") {
            Some(id) => format!("{}[id={id}]", n.tag_name().name()),
            None => n.tag_name().name().to_owned(),
        })
        .collect();
    parts.reverse();
    format!("/{}", parts.join("/"))
}

pub(crate) fn children<'a, 'i>(node: Node<'a, 'i>, name: &'static str) -> impl Iterator<Item = Node<'a, 'i>> {
    node.children().filter(move |child| child.has_tag_name(name))
}

pub(crate) fn child<'a, 'i>(node: Node<'a, 'i>, name: &'static str) -> Option<Node<'a, 'i>> {
    children(node, name).next()
}

impl Reader<'_> {
    pub(crate) fn error(&self, node: Node<'_, '_>, message: impl Into<String>) -> RoadError {
        RoadError { file: self.file.to_owned(), line: line(node), path: path(node), message: message.into() }
    }

    pub(crate) fn note(&mut self, node: Node<'_, '_>, message: impl Into<String>) {
        self.diagnostics.push(Diagnostic { line: line(node), path: path(node), message: message.into() });
    }

    /// Reports the children that are neither understood nor without meaning for a network.
    pub(crate) fn note_unknown(&mut self, node: Node<'_, '_>, known: &[&str]) {
        let mut reported: Vec<&str> = Vec::new();
        for child in node.children().filter(Node::is_element) {
            let name = child.tag_name().name();
            if !known.contains(&name)
                && !matches!(name, "userData" | "include" | "dataQuality")
                && !reported.contains(&name)
            {
                let count =
                    node.children().filter(|other| other.is_element() && other.tag_name().name() == name).count();
                self.note(child, format!("not supported and not read ({count} element(s) of this name here)"));
                reported.push(name);
            }
            if name == "include" {
                self.note(child, "include is not followed; merge the files first");
            }
        }
    }

    pub(crate) fn text<'a>(&self, node: Node<'a, '_>, attribute: &str) -> Result<&'a str, RoadError> {
        node.attribute(attribute)
            .ok_or_else(|| self.error(node, format!("attribute {attribute} is missing; OpenDRIVE requires it")))
    }

    pub(crate) fn number(&self, node: Node<'_, '_>, attribute: &str) -> Result<f64, RoadError> {
        let text = self.text(node, attribute)?;
        match text.trim().parse::<f64>() {
            Ok(value) if value.is_finite() => Ok(value),
            _ => Err(self.error(node, format!("attribute {attribute}={text:?}: expected a finite number"))),
        }
    }

    pub(crate) fn number_or(&self, node: Node<'_, '_>, attribute: &str, default: f64) -> Result<f64, RoadError> {
        if node.has_attribute(attribute) { self.number(node, attribute) } else { Ok(default) }
    }

    pub(crate) fn integer(&self, node: Node<'_, '_>, attribute: &str) -> Result<i32, RoadError> {
        let text = self.text(node, attribute)?;
        text.trim()
            .parse()
            .map_err(|_| self.error(node, format!("attribute {attribute}={text:?}: expected a whole number")))
    }

    /// Coefficients a to d.
    pub(crate) fn coefficients(&self, node: Node<'_, '_>, suffix: &str) -> Result<[f64; 4], RoadError> {
        let mut out = [0.0; 4];
        for (value, letter) in out.iter_mut().zip(["a", "b", "c", "d"]) {
            *value = self.number(node, &format!("{letter}{suffix}"))?;
        }
        Ok(out)
    }
}
