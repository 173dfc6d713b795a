//! Road users and what they are made of.

use super::{Property, Unsupported};
use cloverleaf_vocabulary::{ActorClass, Footprint};

/// `ScenarioObject`.
#[derive(Debug, Clone, PartialEq)]
pub struct ScenarioObject {
    /// Unique name.
    pub name: String,
    /// What it is; catalog references are already replaced by what they name.
    pub object: EntityObject,
    /// `ObjectController`s, at most one before 1.2.
    pub controllers: Vec<Controller>,
}

/// What an entity is.
#[derive(Debug, Clone, PartialEq)]
pub enum EntityObject {
    /// `Vehicle`.
    Vehicle(Vehicle),
    /// `Pedestrian`.
    Pedestrian(Pedestrian),
    /// `MiscObject`.
    MiscObject(MiscObject),
    /// `ExternalObjectReference`, or another object of the standard that is not modelled.
    Unsupported(Unsupported),
}

/// `EntitySelection`.
#[derive(Debug, Clone, PartialEq)]
pub struct EntitySelection {
    /// Name.
    pub name: String,
    /// Names of its entities; those selected by type are already listed.
    pub members: Vec<String>,
}

/// `Vehicle`.
#[derive(Debug, Clone, PartialEq)]
pub struct Vehicle {
    /// Name.
    pub name: String,
    /// Category.
    pub category: VehicleCategory,
    /// Mass, kg.
    pub mass_kg: Option<f64>,
    /// 3D model.
    pub model_3d: Option<String>,
    /// Extent.
    pub bounding_box: BoundingBox,
    /// Limits of motion.
    pub performance: Performance,
    /// Front axle; `None` for trailers (1.3).
    pub front_axle: Option<Axle>,
    /// Rear axle.
    pub rear_axle: Axle,
    /// Further axles.
    pub additional_axles: Vec<Axle>,
    /// Free properties.
    pub properties: Vec<Property>,
}

/// `VehicleCategory`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the standard's own words")]
pub enum VehicleCategory {
    Bicycle,
    Bus,
    Car,
    Motorbike,
    Semitrailer,
    Trailer,
    Train,
    Tram,
    Truck,
    Van,
}

/// `BoundingBox`, in the entity's frame: x ahead, y left, z up, from the reference point (a vehicle's is the middle of
/// the rear axle on the ground).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BoundingBox {
    /// Centre ahead of the reference point, m.
    pub center_x_m: f64,
    /// Centre left of the reference point, m.
    pub center_y_m: f64,
    /// Centre above the reference point, m.
    pub center_z_m: f64,
    /// Along x, m.
    pub length_m: f64,
    /// Along y, m.
    pub width_m: f64,
    /// Along z, m.
    pub height_m: f64,
}

/// `Performance`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Performance {
    /// m/s.
    pub max_speed_mps: f64,
    /// m/s^2, not negative.
    pub max_acceleration_mps2: f64,
    /// m/s^2, not negative.
    pub max_deceleration_mps2: f64,
    /// Jerk, m/s^3.
    pub max_acceleration_rate_mps3: Option<f64>,
    /// Jerk, m/s^3.
    pub max_deceleration_rate_mps3: Option<f64>,
}

/// `Axle`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Axle {
    /// Largest steering angle, rad.
    pub max_steering_rad: f64,
    /// m.
    pub wheel_diameter_m: f64,
    /// m.
    pub track_width_m: f64,
    /// Ahead of the reference point, m.
    pub position_x_m: f64,
    /// Above the reference point, m.
    pub position_z_m: f64,
}

/// `Pedestrian`.
#[derive(Debug, Clone, PartialEq)]
pub struct Pedestrian {
    /// Name.
    pub name: String,
    /// Category: `pedestrian`, `wheelchair` or `animal`.
    pub category: String,
    /// Mass, kg.
    pub mass_kg: f64,
    /// 3D model.
    pub model_3d: Option<String>,
    /// Extent.
    pub bounding_box: BoundingBox,
    /// Free properties.
    pub properties: Vec<Property>,
}

/// `MiscObject`.
#[derive(Debug, Clone, PartialEq)]
pub struct MiscObject {
    /// Name.
    pub name: String,
    /// Category by the standard's name: `obstacle`, `barrier`, ...
    pub category: String,
    /// Mass, kg.
    pub mass_kg: f64,
    /// 3D model.
    pub model_3d: Option<String>,
    /// Extent.
    pub bounding_box: BoundingBox,
    /// Free properties.
    pub properties: Vec<Property>,
}

/// `Controller`.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Controller {
    /// Name.
    pub name: String,
    /// `controllerType` (1.2 on) by the standard's name.
    pub kind: Option<String>,
    /// Free properties: what a controller is, is the simulator's business.
    pub properties: Vec<Property>,
}

impl EntityObject {
    /// Extent, if known.
    pub fn bounding_box(&self) -> Option<&BoundingBox> {
        match self {
            Self::Vehicle(vehicle) => Some(&vehicle.bounding_box),
            Self::Pedestrian(pedestrian) => Some(&pedestrian.bounding_box),
            Self::MiscObject(object) => Some(&object.bounding_box),
            Self::Unsupported(_) => None,
        }
    }

    /// The class the rest of Cloverleaf knows it by.
    pub fn actor_class(&self) -> ActorClass {
        match self {
            Self::Vehicle(vehicle) => match vehicle.category {
                VehicleCategory::Car => ActorClass::Car,
                VehicleCategory::Van => ActorClass::Van,
                VehicleCategory::Bus => ActorClass::Bus,
                VehicleCategory::Truck | VehicleCategory::Semitrailer | VehicleCategory::Trailer => ActorClass::Truck,
                VehicleCategory::Motorbike => ActorClass::Motorbike,
                VehicleCategory::Bicycle => ActorClass::Bicycle,
                VehicleCategory::Train | VehicleCategory::Tram => ActorClass::Other,
            },
            Self::Pedestrian(_) => ActorClass::Pedestrian,
            Self::MiscObject(_) | Self::Unsupported(_) => ActorClass::Other,
        }
    }
}

impl BoundingBox {
    /// The rectangle on the ground. A box off to one side is widened to stay inside the rectangle.
    pub fn footprint(&self) -> Footprint {
        Footprint {
            length_m: self.length_m,
            width_m: self.width_m + 2.0 * self.center_y_m.abs(),
            center_ahead_m: self.center_x_m,
        }
    }
}

impl Vehicle {
    /// A usual passenger car: 4.6 m by 1.85 m, 2.8 m wheelbase, reference point on the rear axle.
    pub fn passenger_car(name: impl Into<String>) -> Self {
        let axle = |position_x_m, max_steering_rad| Axle {
            max_steering_rad,
            wheel_diameter_m: 0.65,
            track_width_m: 1.6,
            position_x_m,
            position_z_m: 0.325,
        };
        Self {
            name: name.into(),
            category: VehicleCategory::Car,
            mass_kg: None,
            model_3d: None,
            bounding_box: BoundingBox {
                center_x_m: 1.4,
                center_y_m: 0.0,
                center_z_m: 0.75,
                length_m: 4.6,
                width_m: 1.85,
                height_m: 1.5,
            },
            performance: Performance {
                max_speed_mps: 69.0,
                max_acceleration_mps2: 5.0,
                max_deceleration_mps2: 10.0,
                max_acceleration_rate_mps3: None,
                max_deceleration_rate_mps3: None,
            },
            front_axle: Some(axle(2.8, 0.5)),
            rear_axle: axle(0.0, 0.0),
            additional_axles: Vec::new(),
            properties: Vec::new(),
        }
    }
}
