//! The model to OpenSCENARIO XML text.

use crate::model::*;
use crate::names::name_of;
use crate::xml_writer::XmlWriter;

/// Why a scenario cannot be written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the scenario cannot be written: {}", problems.join("; "))]
pub struct WriteError {
    /// What cannot be written, one sentence each, at least one.
    pub problems: Vec<String>,
}

/// Writes a scenario as OpenSCENARIO XML 1.2, or 1.3 where it uses what only 1.3 has (acts without a start trigger,
/// vehicles without a front axle, ...). The text is the same for the same model, and reading it gives the model back,
/// except that `Init` puts global actions first and `rev_minor` is the revision written.
pub fn write(scenario: &Scenario) -> Result<String, WriteError> {
    let mut body = Writer { xml: XmlWriter::default(), rev_minor: 2 };
    body.scenario(scenario);
    let rev_minor = body.rev_minor;
    let (text, mut problems) = body.xml.finish();
    let mut head = Writer { xml: XmlWriter::default(), rev_minor };
    head.header(&scenario.header);
    let (header, more) = head.xml.finish();
    problems.splice(0..0, more);
    if problems.is_empty() {
        Ok(format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<OpenSCENARIO>\n{header}{text}</OpenSCENARIO>\n"))
    } else {
        Err(WriteError { problems })
    }
}

pub(crate) struct Writer {
    pub(crate) xml: XmlWriter,
    /// Raised to 3 by what 1.2 does not have.
    pub(crate) rev_minor: u16,
}

impl Writer {
    fn header(&mut self, header: &FileHeader) {
        let attributes: crate::xml_writer::Attributes<'_> = &[
            ("revMajor", &1),
            ("revMinor", &self.rev_minor),
            ("date", &header.date),
            ("description", &header.description),
            ("author", &header.author),
        ];
        if let Err(expected) = crate::grammar::check_value("DateTime", &header.date) {
            self.xml.problem(format!("date={:?} of the header; expected {expected}", header.date));
        }
        if header.properties.is_empty() {
            self.xml.leaf("FileHeader", attributes);
        } else {
            self.xml.open("FileHeader", attributes);
            self.properties(&header.properties);
            self.xml.close();
        }
    }

    pub(crate) fn properties(&mut self, properties: &[Property]) {
        if properties.is_empty() {
            return self.xml.leaf("Properties", &[]);
        }
        self.xml.open("Properties", &[]);
        for property in properties {
            self.xml.leaf("Property", &[("name", &property.name), ("value", &property.value)]);
        }
        self.xml.close();
    }

    pub(crate) fn unsupported(&mut self, what: &Unsupported) {
        self.xml
            .problem(format!("{} ({}:{}) is not modelled and cannot be written", what.element, what.file, what.line));
    }

    fn scenario(&mut self, scenario: &Scenario) {
        if !scenario.parameters.is_empty() {
            self.parameters(&scenario.parameters);
        }
        if !scenario.variables.is_empty() {
            self.xml.open("VariableDeclarations", &[]);
            for v in &scenario.variables {
                self.xml
                    .leaf("VariableDeclaration", &[("name", &v.name), ("variableType", &v.kind), ("value", &v.value)]);
            }
            self.xml.close();
        }
        self.xml.open("CatalogLocations", &[]);
        for location in &scenario.catalog_locations {
            self.xml.open(name_of(location.kind), &[]);
            self.xml.leaf("Directory", &[("path", &location.path)]);
            self.xml.close();
        }
        self.xml.close();
        self.xml.open("RoadNetwork", &[]);
        for (name, path) in [("LogicFile", &scenario.road_file), ("SceneGraphFile", &scenario.scene_graph_file)] {
            if let Some(path) = path {
                self.xml.leaf(name, &[("filepath", path)]);
            }
        }
        self.xml.close();
        self.xml.open("Entities", &[]);
        for entity in &scenario.entities {
            self.entity(entity);
        }
        for selection in &scenario.selections {
            self.xml.open("EntitySelection", &[("name", &selection.name)]);
            self.xml.open("Members", &[]);
            self.entity_refs(&selection.members);
            self.xml.close();
            self.xml.close();
        }
        self.xml.close();
        self.storyboard(&scenario.storyboard);
    }

    pub(crate) fn parameters(&mut self, parameters: &[Parameter]) {
        self.xml.open("ParameterDeclarations", &[]);
        for p in parameters {
            self.xml
                .leaf("ParameterDeclaration", &[("name", &p.name), ("parameterType", &p.kind), ("value", &p.value)]);
        }
        self.xml.close();
    }

    fn entity_refs(&mut self, names: &[String]) {
        for name in names {
            self.xml.leaf("EntityRef", &[("entityRef", name)]);
        }
    }

    fn entity(&mut self, entity: &ScenarioObject) {
        self.xml.open("ScenarioObject", &[("name", &entity.name)]);
        match &entity.object {
            EntityObject::Vehicle(vehicle) => self.vehicle(vehicle),
            EntityObject::Pedestrian(p) => {
                self.xml.open(
                    "Pedestrian",
                    &[
                        ("name", &p.name),
                        ("pedestrianCategory", &p.category),
                        ("mass", &p.mass_kg),
                        ("model3d", &p.model_3d),
                    ],
                );
                self.bounding_box(&p.bounding_box);
                self.properties(&p.properties);
                self.xml.close();
            }
            EntityObject::MiscObject(m) => {
                self.xml.open(
                    "MiscObject",
                    &[
                        ("name", &m.name),
                        ("miscObjectCategory", &m.category),
                        ("mass", &m.mass_kg),
                        ("model3d", &m.model_3d),
                    ],
                );
                self.bounding_box(&m.bounding_box);
                self.properties(&m.properties);
                self.xml.close();
            }
            EntityObject::Unsupported(what) => self.unsupported(what),
        }
        for controller in &entity.controllers {
            self.xml.open("ObjectController", &[]);
            self.controller(controller);
            self.xml.close();
        }
        if entity.controllers.len() > 1 {
            self.rev_minor = 3;
        }
        self.xml.close();
    }

    pub(crate) fn controller(&mut self, controller: &Controller) {
        self.xml.open("Controller", &[("name", &controller.name), ("controllerType", &controller.kind)]);
        self.properties(&controller.properties);
        self.xml.close();
    }

    fn vehicle(&mut self, v: &Vehicle) {
        self.xml.open(
            "Vehicle",
            &[
                ("name", &v.name),
                ("vehicleCategory", &name_of(v.category)),
                ("mass", &v.mass_kg),
                ("model3d", &v.model_3d),
            ],
        );
        self.bounding_box(&v.bounding_box);
        let p = &v.performance;
        self.xml.leaf(
            "Performance",
            &[
                ("maxSpeed", &p.max_speed_mps),
                ("maxAcceleration", &p.max_acceleration_mps2),
                ("maxDeceleration", &p.max_deceleration_mps2),
                ("maxAccelerationRate", &p.max_acceleration_rate_mps3),
                ("maxDecelerationRate", &p.max_deceleration_rate_mps3),
            ],
        );
        self.xml.open("Axles", &[]);
        match &v.front_axle {
            Some(axle) => self.axle("FrontAxle", axle),
            None => self.rev_minor = 3,
        }
        self.axle("RearAxle", &v.rear_axle);
        for axle in &v.additional_axles {
            self.axle("AdditionalAxle", axle);
        }
        self.xml.close();
        self.properties(&v.properties);
        self.xml.close();
    }

    fn axle(&mut self, name: &'static str, axle: &Axle) {
        self.xml.leaf(
            name,
            &[
                ("maxSteering", &axle.max_steering_rad),
                ("wheelDiameter", &axle.wheel_diameter_m),
                ("trackWidth", &axle.track_width_m),
                ("positionX", &axle.position_x_m),
                ("positionZ", &axle.position_z_m),
            ],
        );
    }

    fn bounding_box(&mut self, b: &BoundingBox) {
        self.xml.open("BoundingBox", &[]);
        self.xml.leaf("Center", &[("x", &b.center_x_m), ("y", &b.center_y_m), ("z", &b.center_z_m)]);
        self.xml.leaf("Dimensions", &[("length", &b.length_m), ("width", &b.width_m), ("height", &b.height_m)]);
        self.xml.close();
    }

    fn storyboard(&mut self, storyboard: &Storyboard) {
        self.xml.open("Storyboard", &[]);
        self.xml.open("Init", &[]);
        self.xml.open("Actions", &[]);
        for action in &storyboard.init {
            match action {
                InitAction::Global(global) => self.global_action(global),
                InitAction::Unsupported(what) => self.unsupported(what),
                InitAction::Private { .. } => {}
            }
        }
        let mut acting: Option<&str> = None;
        for action in &storyboard.init {
            let InitAction::Private { entity, action } = action else { continue };
            if acting != Some(entity) {
                if acting.is_some() {
                    self.xml.close();
                }
                self.xml.open("Private", &[("entityRef", entity)]);
                acting = Some(entity);
            }
            self.private_action(action);
        }
        if acting.is_some() {
            self.xml.close();
        }
        self.xml.close();
        self.xml.close();
        for story in &storyboard.stories {
            self.xml.open("Story", &[("name", &story.name)]);
            for act in &story.acts {
                self.act(act);
            }
            self.xml.close();
        }
        self.trigger("StopTrigger", &storyboard.stop_trigger);
        self.xml.close();
    }

    fn act(&mut self, act: &Act) {
        self.xml.open("Act", &[("name", &act.name)]);
        for group in &act.maneuver_groups {
            self.xml.open(
                "ManeuverGroup",
                &[("maximumExecutionCount", &group.maximum_execution_count), ("name", &group.name)],
            );
            self.xml.open("Actors", &[("selectTriggeringEntities", &group.select_triggering_entities)]);
            self.entity_refs(&group.actors);
            self.xml.close();
            for maneuver in &group.maneuvers {
                self.xml.open("Maneuver", &[("name", &maneuver.name)]);
                for event in &maneuver.events {
                    self.event(event);
                }
                self.xml.close();
            }
            self.xml.close();
        }
        match &act.start_trigger {
            Some(trigger) => self.trigger("StartTrigger", trigger),
            None => self.rev_minor = 3,
        }
        if let Some(trigger) = &act.stop_trigger {
            self.trigger("StopTrigger", trigger);
        }
        self.xml.close();
    }

    fn event(&mut self, event: &Event) {
        self.xml.open(
            "Event",
            &[
                ("name", &event.name),
                ("priority", &name_of(event.priority)),
                ("maximumExecutionCount", &event.maximum_execution_count),
            ],
        );
        if event.actions.is_empty() {
            self.xml.problem(format!("event {:?} has no action", event.name));
        }
        for action in &event.actions {
            self.xml.open("Action", &[("name", &action.name)]);
            match &action.kind {
                ActionKind::Private(action) => self.private_action(action),
                ActionKind::Global(action) => self.global_action(action),
                ActionKind::Unsupported(what) => self.unsupported(what),
            }
            self.xml.close();
        }
        if let Some(trigger) = &event.start_trigger {
            self.trigger("StartTrigger", trigger);
        }
        self.xml.close();
    }
}
