//! A scenario file to the model.

use std::collections::{BTreeMap, BTreeSet};

use roxmltree::{Document, Node, ParsingOptions};

use crate::context::{CatalogFile, Context, all, elements, first, name_of_element};
use crate::diagnostic::{Diagnostic, ScenarioError};
use crate::grammar;
use crate::model::*;
use crate::names::Named;
use crate::resolver::Resolver;

/// Bounds the tree of one file, and with it memory.
const MAX_NODES: u32 = 10_000_000;
/// Catalog files of one scenario.
const MAX_CATALOG_FILES: usize = 1_000;
/// Bytes of all catalog files of one scenario.
const MAX_CATALOG_BYTES: usize = 256 * 1024 * 1024;

/// A scenario that was read, and what its reader should know.
#[derive(Debug, Clone, PartialEq)]
pub struct Reading {
    /// The scenario, ready to run: parameters and catalog references resolved.
    pub scenario: Scenario,
    /// What is doubtful but does not stop anyone.
    pub warnings: Vec<Diagnostic>,
}

/// Reads a scenario. `name` is the file's name, for messages; `overrides` replaces the values of its parameters;
/// `resolver` gives its catalogs. The error lists everything found wrong, with file, line, expected and found.
pub fn read(
    name: &str,
    text: &str,
    overrides: &BTreeMap<String, String>,
    resolver: &dyn Resolver,
) -> Result<Reading, ScenarioError> {
    let document = parse(name, text)?;
    let root = document.root_element();
    let mut warnings = check(name, root)?;
    if let Some(other) = ["Catalog", "ParameterValueDistribution"].iter().find(|other| first(root, other).is_some()) {
        return Err(fail(name, 1, format!("the file holds a {other}"), "expected a scenario with a Storyboard"));
    }
    let mut cx = Context { file: name.to_owned(), ..Context::default() };
    let parameters = cx.declare(root, overrides);
    if let Some(stray) = overrides.keys().find(|key| !parameters.iter().any(|p| &p.name == *key)) {
        let known: Vec<&str> = parameters.iter().map(|p| p.name.as_str()).collect();
        return Err(fail(
            name,
            1,
            format!("the scenario has no parameter {stray:?} to override"),
            &format!("expected one of {}", known.join(", ")),
        ));
    }
    let catalog_locations = read_locations(&mut cx, root);
    let (texts, mut catalog_warnings) = load_catalogs(name, &catalog_locations, resolver)?;
    warnings.append(&mut catalog_warnings);
    let documents =
        texts.iter().map(|(file, text)| Ok((file, parse(file, text)?))).collect::<Result<Vec<_>, ScenarioError>>()?;
    let mut catalogs: Vec<CatalogFile<'_>> = Vec::new();
    for (file, document) in &documents {
        // A directory of catalogs may hold other files too.
        if let Some(catalog) = first(document.root_element(), "Catalog") {
            warnings.extend(check(file, document.root_element())?);
            catalogs.push(CatalogFile {
                file: (*file).clone(),
                name: catalog.attribute("name").unwrap_or_default().to_owned(),
                entries: elements(catalog).collect(),
            });
        }
    }
    let mut cx = Context { catalogs: &catalogs, ..retarget(cx) };
    let scenario = read_scenario(&mut cx, root, parameters, catalog_locations);
    if !cx.errors.is_empty() {
        return Err(ScenarioError { diagnostics: cx.errors });
    }
    warnings.append(&mut cx.warnings);
    Ok(Reading { scenario, warnings })
}

/// The same context for longer-lived catalogs.
fn retarget<'d>(cx: Context<'_>) -> Context<'d> {
    Context { file: cx.file, scopes: cx.scopes, errors: cx.errors, warnings: cx.warnings, ..Context::default() }
}

pub(crate) fn fail(file: &str, line: u32, message: String, hint: &str) -> ScenarioError {
    ScenarioError { diagnostics: vec![Diagnostic { file: file.to_owned(), line, message, hint: hint.to_owned() }] }
}

pub(crate) fn parse<'t>(name: &str, text: &'t str) -> Result<Document<'t>, ScenarioError> {
    let options = ParsingOptions { allow_dtd: false, nodes_limit: MAX_NODES, ..ParsingOptions::default() };
    Document::parse_with_options(text.trim_start_matches('\u{feff}'), options)
        .map_err(|e| fail(name, e.pos().row, format!("not well-formed XML: {e}"), "expected an OpenSCENARIO XML file"))
}

/// Checks a file against the standard; gives the warnings.
pub(crate) fn check(name: &str, root: Node<'_, '_>) -> Result<Vec<Diagnostic>, ScenarioError> {
    let element = name_of_element(root);
    if !matches!(element, "OpenSCENARIO" | "OpenScenario") {
        return Err(fail(name, 1, format!("the root element is {element}"), "expected OpenSCENARIO"));
    }
    let header = first(root, "FileHeader");
    let revision =
        |attribute| header.and_then(|h| h.attribute(attribute)).and_then(|text| text.trim().parse::<u16>().ok());
    let mut findings = grammar::check(name, root, revision("revMinor").unwrap_or(3));
    if let (Some(major), Some(minor)) = (revision("revMajor"), revision("revMinor"))
        && (major != 1 || minor > 3)
    {
        findings.errors.insert(
            0,
            Diagnostic {
                file: name.to_owned(),
                line: header.map_or(1, crate::context::line_of),
                message: format!("the file is of revision {major}.{minor}"),
                hint: "expected OpenSCENARIO XML 1.0 to 1.3".to_owned(),
            },
        );
    }
    if findings.errors.is_empty() { Ok(findings.warnings) } else { Err(ScenarioError { diagnostics: findings.errors }) }
}

fn read_locations(cx: &mut Context<'_>, root: Node<'_, '_>) -> Vec<CatalogLocation> {
    let mut out = Vec::new();
    for node in first(root, "CatalogLocations").into_iter().flat_map(elements) {
        match (CatalogKind::from_name(name_of_element(node)), first(node, "Directory")) {
            (Some(kind), Some(directory)) => out.push(CatalogLocation { kind, path: cx.text(directory, "path") }),
            _ => {
                cx.unsupported(node);
            }
        }
    }
    out
}

type Texts = Vec<(String, String)>;

fn load_catalogs(
    name: &str,
    locations: &[CatalogLocation],
    resolver: &dyn Resolver,
) -> Result<(Texts, Vec<Diagnostic>), ScenarioError> {
    let (mut texts, mut warnings, mut seen, mut bytes) = (Vec::new(), Vec::new(), BTreeSet::new(), 0);
    let directories: BTreeSet<&str> = locations.iter().map(|location| location.path.as_str()).collect();
    for directory in directories {
        let files = match resolver.list(directory) {
            Ok(files) => files,
            // Many scenarios name directories they do not need; a reference into one is an error of its own.
            Err(why) => {
                warnings.push(Diagnostic {
                    file: name.to_owned(),
                    line: 1,
                    message: format!("catalog directory {directory:?} cannot be listed: {why}"),
                    hint: "references to its catalogs would fail".to_owned(),
                });
                continue;
            }
        };
        for file in files {
            if !seen.insert(file.clone()) {
                continue;
            }
            let text = resolver.read(&file).map_err(|why| {
                fail(&file, 0, format!("the catalog cannot be read: {why}"), "put it there or remove its location")
            })?;
            bytes += text.len();
            if texts.len() >= MAX_CATALOG_FILES || bytes > MAX_CATALOG_BYTES {
                return Err(fail(
                    name,
                    1,
                    format!("the catalogs have more than {MAX_CATALOG_FILES} files or {MAX_CATALOG_BYTES} bytes"),
                    "point CatalogLocations at smaller directories",
                ));
            }
            texts.push((file, text));
        }
    }
    Ok((texts, warnings))
}

fn read_scenario(
    cx: &mut Context<'_>,
    root: Node<'_, '_>,
    parameters: Vec<Parameter>,
    catalog_locations: Vec<CatalogLocation>,
) -> Scenario {
    let header = cx.child(root, "FileHeader").map(|node| read_header(cx, node)).unwrap_or_default();
    let mut variables = Vec::new();
    for node in first(root, "VariableDeclarations").into_iter().flat_map(|n| all(n, "VariableDeclaration")) {
        let variable =
            Variable { name: cx.text(node, "name"), kind: cx.text(node, "variableType"), value: cx.value(node) };
        cx.variables.insert(variable.name.clone());
        variables.push(variable);
    }
    if let Some(monitors) = first(root, "MonitorDeclarations") {
        cx.unsupported(monitors);
    }
    let network = first(root, "RoadNetwork");
    let file = |cx: &mut Context<'_>, name| network.and_then(|n| first(n, name)).map(|n| cx.text(n, "filepath"));
    let (road_file, scene_graph_file) = (file(cx, "LogicFile"), file(cx, "SceneGraphFile"));
    for name in ["TrafficSignals", "UsedArea"] {
        if let Some(node) = network.and_then(|n| first(n, name)) {
            cx.unsupported(node);
        }
    }
    let (entities, selections) = match cx.child(root, "Entities") {
        Some(node) => cx.read_entities(node),
        None => Default::default(),
    };
    let storyboard = cx.child(root, "Storyboard").map(|node| read_storyboard(cx, node)).unwrap_or_default();
    Scenario {
        header,
        parameters,
        variables,
        catalog_locations,
        road_file,
        scene_graph_file,
        entities,
        selections,
        storyboard,
        unsupported: std::mem::take(&mut cx.unsupported),
    }
}

fn read_header(cx: &mut Context<'_>, node: Node<'_, '_>) -> FileHeader {
    FileHeader {
        rev_minor: u16::try_from(cx.integer(node, "revMinor")).unwrap_or(0),
        date: cx.text(node, "date"),
        description: cx.text(node, "description"),
        author: cx.text(node, "author"),
        properties: cx.read_properties(node),
    }
}

fn read_storyboard(cx: &mut Context<'_>, node: Node<'_, '_>) -> Storyboard {
    let mut init = Vec::new();
    for action in first(node, "Init").and_then(|n| first(n, "Actions")).into_iter().flat_map(elements) {
        match name_of_element(action) {
            "GlobalAction" => {
                if let Some(global) = cx.read_global(action) {
                    init.push(InitAction::Global(global));
                }
            }
            "Private" => {
                let entity = cx.entity(action, "entityRef");
                for private in all(action, "PrivateAction") {
                    if let Some(action) = cx.read_private(private) {
                        init.push(InitAction::Private { entity: entity.clone(), action });
                    }
                }
            }
            _ => init.push(InitAction::Unsupported(cx.unsupported(action))),
        }
    }
    let mut stories = Vec::new();
    for story in all(node, "Story") {
        let declared = cx.declare(story, &BTreeMap::new());
        drop(declared);
        let name = cx.text(story, "name");
        let acts = all(story, "Act").map(|act| read_act(cx, act)).collect();
        cx.scopes.pop();
        stories.push(Story { name, acts });
    }
    let stop_trigger = first(node, "StopTrigger").map(|n| cx.read_trigger(n)).unwrap_or_default();
    let storyboard = Storyboard { init, stories, stop_trigger };
    check_element_references(cx, node, &storyboard);
    storyboard
}

fn read_act(cx: &mut Context<'_>, node: Node<'_, '_>) -> Act {
    Act {
        name: cx.text(node, "name"),
        maneuver_groups: all(node, "ManeuverGroup").map(|group| read_group(cx, group)).collect(),
        start_trigger: first(node, "StartTrigger").map(|n| cx.read_trigger(n)),
        stop_trigger: first(node, "StopTrigger").map(|n| cx.read_trigger(n)),
    }
}

fn read_group(cx: &mut Context<'_>, node: Node<'_, '_>) -> ManeuverGroup {
    let actors = first(node, "Actors");
    let mut maneuvers = Vec::new();
    for child in elements(node) {
        match name_of_element(child) {
            "Maneuver" => maneuvers.push(read_maneuver(cx, child)),
            "CatalogReference" => {
                maneuvers.extend(cx.read_reference(child, "Maneuver", |cx, entry| Some(read_maneuver(cx, entry))))
            }
            _ => {}
        }
    }
    ManeuverGroup {
        name: cx.text(node, "name"),
        maximum_execution_count: u32::try_from(cx.integer(node, "maximumExecutionCount")).unwrap_or(0),
        actors: actors.map(|n| cx.entity_list(n)).unwrap_or_default(),
        select_triggering_entities: actors.is_some_and(|n| cx.boolean(n, "selectTriggeringEntities")),
        maneuvers,
    }
}

fn read_maneuver(cx: &mut Context<'_>, node: Node<'_, '_>) -> Maneuver {
    // A catalog entry's parameters are declared already, with the values the reference gives.
    let from_catalog = node.parent().is_some_and(|parent| parent.has_tag_name("Catalog"));
    if !from_catalog {
        cx.declare(node, &BTreeMap::new());
    }
    let maneuver = Maneuver {
        name: cx.text(node, "name"),
        events: all(node, "Event").map(|event| read_event(cx, event)).collect(),
    };
    if !from_catalog {
        cx.scopes.pop();
    }
    maneuver
}

fn read_event(cx: &mut Context<'_>, node: Node<'_, '_>) -> Event {
    let mut actions = Vec::new();
    for action in all(node, "Action") {
        let name = cx.text(action, "name");
        let Some(kind) = cx.choice(action) else { continue };
        let kind = match name_of_element(kind) {
            "PrivateAction" => cx.read_private(kind).map(ActionKind::Private),
            "GlobalAction" => cx.read_global(kind).map(ActionKind::Global),
            _ => Some(ActionKind::Unsupported(cx.unsupported(kind))),
        };
        actions.extend(kind.map(|kind| Action { name, kind }));
    }
    let count = if node.has_attribute("maximumExecutionCount") { cx.integer(node, "maximumExecutionCount") } else { 1 };
    Event {
        name: cx.text(node, "name"),
        priority: cx.named(node, "priority"),
        maximum_execution_count: u32::try_from(count).unwrap_or(0),
        actions,
        start_trigger: first(node, "StartTrigger").map(|n| cx.read_trigger(n)),
    }
}

/// Every element state condition must name something that exists.
fn check_element_references(cx: &mut Context<'_>, root: Node<'_, '_>, storyboard: &Storyboard) {
    let mut names: BTreeSet<&str> = BTreeSet::new();
    for story in &storyboard.stories {
        names.insert(&story.name);
        for act in &story.acts {
            names.insert(&act.name);
            for group in &act.maneuver_groups {
                names.insert(&group.name);
                for maneuver in &group.maneuvers {
                    names.insert(&maneuver.name);
                    for event in &maneuver.events {
                        names.insert(&event.name);
                        names.extend(event.actions.iter().map(|action| action.name.as_str()));
                    }
                }
            }
        }
    }
    for node in root.descendants().filter(|n| n.has_tag_name("StoryboardElementStateCondition")) {
        let reference = node.attribute("storyboardElementRef").unwrap_or_default();
        let last = reference.rsplit("::").next().unwrap_or_default();
        if !reference.starts_with('$') && !names.contains(last) && !names.contains(reference) {
            cx.error(
                node,
                format!("storyboardElementRef={reference:?} names no element of the storyboard"),
                "expected the name of a story, act, maneuver group, maneuver, event or action",
            );
        }
    }
}
