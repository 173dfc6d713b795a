//! Entities, what they are made of, and catalog references.

use std::collections::BTreeMap;

use roxmltree::Node;

use crate::context::{Context, all, elements, first, name_of_element};
use crate::model::*;

impl Context<'_> {
    pub(crate) fn read_entities(&mut self, node: Node<'_, '_>) -> (Vec<ScenarioObject>, Vec<EntitySelection>) {
        for object in all(node, "ScenarioObject") {
            let name = self.text(object, "name");
            if !self.entities.insert(name.clone()) {
                self.error(object, format!("entity {name:?} is declared twice"), "expected names to be unique");
            }
        }
        let entities: Vec<ScenarioObject> =
            all(node, "ScenarioObject").filter_map(|object| self.read_object(object)).collect();
        for selection in all(node, "EntitySelection") {
            let name = self.text(selection, "name");
            let Some(members) = self.child(selection, "Members") else { continue };
            let mut list = self.entity_list(members);
            for by_type in all(members, "ByType") {
                let kind = self.text(by_type, "objectType");
                let is = |object: &&ScenarioObject| match object.object {
                    EntityObject::Vehicle(_) => kind == "vehicle",
                    EntityObject::Pedestrian(_) => kind == "pedestrian",
                    EntityObject::MiscObject(_) => kind == "miscellaneous",
                    EntityObject::Unsupported(_) => kind == "external",
                };
                list.extend(entities.iter().filter(is).map(|object| object.name.clone()));
            }
            self.selections.push(EntitySelection { name, members: list });
        }
        (entities, self.selections.clone())
    }

    fn read_object(&mut self, node: Node<'_, '_>) -> Option<ScenarioObject> {
        let name = self.text(node, "name");
        let mut object = None;
        let mut controllers = Vec::new();
        for child in elements(node) {
            match name_of_element(child) {
                "ObjectController" => {
                    if let Some(inside) = self.choice(child) {
                        controllers.extend(self.read_controller(inside));
                    }
                }
                "CatalogReference" => object = self.read_reference(child, "", |cx, entry| Some(cx.read_entity(entry))),
                _ => object = Some(self.read_entity(child)),
            }
        }
        if object.is_none() {
            self.error(
                node,
                format!("entity {name:?} is nothing"),
                "expected CatalogReference, Vehicle, Pedestrian, MiscObject or ExternalObjectReference",
            );
        }
        Some(ScenarioObject { name, object: object?, controllers })
    }

    /// A controller, or a reference to one.
    pub(crate) fn read_controller(&mut self, node: Node<'_, '_>) -> Option<Controller> {
        if name_of_element(node) == "CatalogReference" {
            return self.read_reference(node, "Controller", |cx, entry| cx.read_controller(entry));
        }
        let declared = self.declare_unless_entry(node);
        let controller = Controller {
            name: self.text(node, "name"),
            kind: self.optional_text(node, "controllerType"),
            properties: self.read_properties(node),
        };
        self.undeclare(declared);
        Some(controller)
    }

    fn read_entity(&mut self, node: Node<'_, '_>) -> EntityObject {
        let declared = self.declare_unless_entry(node);
        let object = match name_of_element(node) {
            "Vehicle" => EntityObject::Vehicle(self.read_vehicle(node)),
            "Pedestrian" => EntityObject::Pedestrian(Pedestrian {
                name: self.text(node, "name"),
                category: self.text(node, "pedestrianCategory"),
                mass_kg: self.number(node, "mass"),
                model_3d: self.optional_text(node, "model3d").or_else(|| self.optional_text(node, "model")),
                bounding_box: self.read_box(node),
                properties: self.read_properties(node),
            }),
            "MiscObject" => EntityObject::MiscObject(MiscObject {
                name: self.text(node, "name"),
                category: self.text(node, "miscObjectCategory"),
                mass_kg: self.number(node, "mass"),
                model_3d: self.optional_text(node, "model3d"),
                bounding_box: self.read_box(node),
                properties: self.read_properties(node),
            }),
            "ExternalObjectReference" => EntityObject::Unsupported(self.unsupported(node)),
            other => {
                self.error(
                    node,
                    format!("a {other} is no entity"),
                    "expected a Vehicle, Pedestrian or MiscObject of the catalog",
                );
                EntityObject::Unsupported(self.unsupported(node))
            }
        };
        self.undeclare(declared);
        object
    }

    fn read_vehicle(&mut self, node: Node<'_, '_>) -> Vehicle {
        if let Some(trailer) = first(node, "Trailer") {
            // Vehicle catalogs declare a trailer by a parameter that is empty unless there is one.
            let none = first(trailer, "TrailerRef").is_some_and(|n| self.text(n, "entityRef").is_empty());
            if !none {
                self.unsupported(trailer);
            }
        }
        let performance = self.child(node, "Performance");
        let axles = self.child(node, "Axles");
        let axle = |cx: &mut Self, n: Node<'_, '_>| Axle {
            max_steering_rad: cx.number(n, "maxSteering"),
            wheel_diameter_m: cx.number(n, "wheelDiameter"),
            track_width_m: cx.number(n, "trackWidth"),
            position_x_m: cx.number(n, "positionX"),
            position_z_m: cx.number(n, "positionZ"),
        };
        let none = Axle {
            max_steering_rad: 0.0,
            wheel_diameter_m: 0.0,
            track_width_m: 0.0,
            position_x_m: 0.0,
            position_z_m: 0.0,
        };
        Vehicle {
            name: self.text(node, "name"),
            category: self.named(node, "vehicleCategory"),
            mass_kg: self.optional_number(node, "mass"),
            model_3d: self.optional_text(node, "model3d"),
            bounding_box: self.read_box(node),
            performance: Performance {
                max_speed_mps: performance.map_or(0.0, |n| self.number(n, "maxSpeed")),
                max_acceleration_mps2: performance.map_or(0.0, |n| self.number(n, "maxAcceleration")),
                max_deceleration_mps2: performance.map_or(0.0, |n| self.number(n, "maxDeceleration")),
                max_acceleration_rate_mps3: performance.and_then(|n| self.optional_number(n, "maxAccelerationRate")),
                max_deceleration_rate_mps3: performance.and_then(|n| self.optional_number(n, "maxDecelerationRate")),
            },
            front_axle: axles.and_then(|n| first(n, "FrontAxle")).map(|n| axle(self, n)),
            rear_axle: axles.and_then(|n| first(n, "RearAxle")).map_or(none, |n| axle(self, n)),
            additional_axles: axles.into_iter().flat_map(|n| all(n, "AdditionalAxle")).map(|n| axle(self, n)).collect(),
            properties: self.read_properties(node),
        }
    }

    fn read_box(&mut self, node: Node<'_, '_>) -> BoundingBox {
        let parent = self.child(node, "BoundingBox");
        let (center, size) = (parent.and_then(|n| first(n, "Center")), parent.and_then(|n| first(n, "Dimensions")));
        let mut value = |n: Option<Node<'_, '_>>, attribute| n.map_or(0.0, |n| self.number(n, attribute));
        let found = BoundingBox {
            center_x_m: value(center, "x"),
            center_y_m: value(center, "y"),
            center_z_m: value(center, "z"),
            length_m: value(size, "length"),
            width_m: value(size, "width"),
            height_m: value(size, "height"),
        };
        if let Some(node) = size
            && [found.length_m, found.width_m, found.height_m].iter().any(|m| !m.is_finite() || *m < 0.0)
        {
            self.error(node, "a dimension is negative or not finite", "expected metres not below 0");
        }
        found
    }

    /// The `Property` elements of the `Properties` child.
    pub(crate) fn read_properties(&mut self, node: Node<'_, '_>) -> Vec<Property> {
        let mut out = Vec::new();
        for child in first(node, "Properties").into_iter().flat_map(elements) {
            if child.has_tag_name("Property") {
                out.push(Property { name: self.text(child, "name"), value: self.text(child, "value") });
            } else {
                let name = name_of_element(child).to_owned();
                self.warn(child, format!("{name} in Properties is not kept"), "only Property is");
            }
        }
        out
    }

    /// Declares an element's own parameters, unless it is a catalog entry, whose reference declared them. True if it did.
    pub(crate) fn declare_unless_entry(&mut self, node: Node<'_, '_>) -> bool {
        let own = !node.parent().is_some_and(|parent| parent.has_tag_name("Catalog"));
        if own {
            self.declare(node, &BTreeMap::new());
        }
        own
    }

    pub(crate) fn undeclare(&mut self, declared: bool) {
        if declared {
            self.scopes.pop();
        }
    }

    /// Reads the catalog entry a `CatalogReference` names, in the scope of the entry's own parameters. `kind` is the
    /// element expected there; empty lets `read` judge.
    pub(crate) fn read_reference<T>(
        &mut self,
        node: Node<'_, '_>,
        kind: &str,
        read: impl FnOnce(&mut Self, Node<'_, '_>) -> Option<T>,
    ) -> Option<T> {
        let (catalog, entry) = (self.text(node, "catalogName"), self.text(node, "entryName"));
        let catalogs = self.catalogs;
        let mut files: Vec<_> = catalogs.iter().filter(|file| file.name == catalog).collect();
        if files.is_empty() {
            // Some tools go by the file's name.
            files = catalogs.iter().filter(|file| file.stem() == catalog).collect();
            if !files.is_empty() {
                self.warn(node, format!("no catalog has the name {catalog:?}"), "the file of this name is used");
            }
        }
        if files.is_empty() {
            let known: Vec<&str> = catalogs.iter().map(|file| file.name.as_str()).collect();
            let hint = if known.is_empty() {
                "no catalog was found; check CatalogLocations".to_owned()
            } else {
                format!("expected one of {}", known.join(", "))
            };
            self.error(node, format!("catalog {catalog:?} does not exist"), hint);
            return None;
        }
        let found =
            files.iter().flat_map(|file| file.entries.iter().map(move |entry| (*file, *entry))).find(|(_, element)| {
                element.attribute("name") == Some(entry.as_str())
                    && (kind.is_empty() || name_of_element(*element) == kind)
            });
        let Some((file, element)) = found else {
            let known: Vec<&str> = files
                .iter()
                .flat_map(|file| file.entries.iter())
                .filter_map(|e| e.attribute("name"))
                .take(30)
                .collect();
            self.error(
                node,
                format!("catalog {catalog:?} has no {kind} entry {entry:?}"),
                format!("expected one of {}", known.join(", ")),
            );
            return None;
        };
        let key = (catalog, entry);
        if self.entered.contains(&key) {
            self.error(
                node,
                format!("catalog entry {}/{} refers to itself", key.0, key.1),
                "expected references without a cycle",
            );
            return None;
        }
        let mut given = BTreeMap::new();
        for assignment in first(node, "ParameterAssignments").into_iter().flat_map(|n| all(n, "ParameterAssignment")) {
            let name = assignment.attribute("parameterRef").unwrap_or_default().trim_start_matches('$').to_owned();
            let value = self.value(assignment);
            let declared = first(element, "ParameterDeclarations")
                .is_some_and(|n| all(n, "ParameterDeclaration").any(|d| d.attribute("name") == Some(&name)));
            if declared {
                given.insert(name, value);
            } else {
                self.error(
                    assignment,
                    format!("catalog entry {}/{} declares no parameter {name:?}", key.0, key.1),
                    "expected the name of one of its parameters",
                );
            }
        }
        // An entry's own parameters hide the scenario's, which published catalogs rely on seeing.
        let outer_file = std::mem::replace(&mut self.file, file.file.clone());
        self.entered.push(key);
        self.declare(element, &given);
        let result = read(self, element);
        self.entered.pop();
        self.file = outer_file;
        self.scopes.pop();
        result
    }
}
