use cloverleaf_signals::messages::{Message, Object, ObjectClass, ObjectList};
use cloverleaf_vocabulary::{BootTime, Footprint};
use rerun::archetypes::{Arrows3D, Boxes3D, LineStrips3D, Points3D, ViewCoordinates};
use rerun::components::{Color, FillMode};

use super::{Layer, ROWS_PER_CHUNK, Taken, WRONG_KIND};
use crate::ReplayError;
use crate::output::Output;

/// The vehicle frame of ISO 8855; everything in 3D is below it.
const VEHICLE: &str = "/vehicle";
/// Height drawn for road users whose height no sensor gives, m.
const CAR_HEIGHT_M: f32 = 1.5;
const TRUCK_HEIGHT_M: f32 = 3.2;
/// Relative speed below which an object neither closes nor opens, m/s.
const STEADY_MPS: f64 = 0.5;
/// Arrows show the way relative to us in this time, s.
const ARROW_S: f64 = 1.0;
/// Distance marks reach so far to either side.
const HALF_ARC_DEG: f32 = 20.0;
const OWN_COLOUR: u32 = 0x5AA9E6FF;

/// An object list: a box where the sensor knows the size, a point where it does not, and an arrow of relative velocity.
pub(crate) struct ObjectLayer {
    entity: String,
    times: Vec<BootTime>,
    rows: Vec<Vec<Object>>,
    held: usize,
}

/// Writes the own vehicle and distance marks into the vehicle frame.
pub(crate) fn write_own_vehicle(output: &mut Output) -> Result<(), ReplayError> {
    output.write_static(VEHICLE, &ViewCoordinates::FLU())?;
    let half = [Footprint::CAR.length_m as f32 / 2.0, Footprint::CAR.width_m as f32 / 2.0, CAR_HEIGHT_M / 2.0];
    // The origin is the middle of the front bumper on the ground, so the vehicle stands behind it.
    let own = Boxes3D::from_centers_and_half_sizes([[-half[0], 0.0, half[2]]], [half])
        .with_colors([Color::from_u32(OWN_COLOUR)])
        .with_fill_mode(FillMode::Solid);
    output.write_static("/vehicle/own", &own)?;
    let reach = [25.0_f32, 50.0, 100.0, 200.0];
    let arcs = reach.map(|radius| {
        (-12..=12).map(move |step: i8| {
            let angle = (f32::from(step) / 12.0 * HALF_ARC_DEG).to_radians();
            [radius * angle.cos(), radius * angle.sin(), 0.0]
        })
    });
    let colour = Color::from_u32(0x5B6673FF);
    let marks = LineStrips3D::new(arcs.map(Vec::from_iter))
        .with_colors([colour])
        .with_radii([rerun::components::Radius::new_ui_points(0.7)]);
    output.write_static("/vehicle/distance", &marks)?;
    // Written at the arcs' left ends, where they hide no one.
    let left_end = HALF_ARC_DEG.to_radians();
    let places = reach.map(|radius| [radius * left_end.cos(), radius * left_end.sin(), 0.0]);
    let names = Points3D::new(places)
        .with_colors([colour])
        .with_radii([0.05])
        .with_labels(reach.map(|radius| format!("{radius} m")))
        .with_show_labels(true);
    output.write_static("/vehicle/distance/names", &names)
}

impl ObjectLayer {
    /// A layer for the sensor of an object list's topic.
    pub fn new(topic: &str) -> Self {
        Self { entity: format!("{VEHICLE}{topic}"), times: Vec::new(), rows: Vec::new(), held: 0 }
    }

    fn write(&mut self, output: &mut Output) -> Result<(), ReplayError> {
        let times = std::mem::take(&mut self.times);
        let rows = std::mem::take(&mut self.rows);
        self.held = 0;
        if times.is_empty() {
            return Ok(());
        }
        let all = || rows.iter().flatten();
        let sized = || all().filter(|object| has_size(object));
        let sized_lengths: Vec<usize> =
            rows.iter().map(|row| row.iter().filter(|object| has_size(object)).count()).collect();
        let points: Vec<usize> = rows.iter().map(|row| row.iter().filter(|object| !has_size(object)).count()).collect();
        let unsized_objects = || all().filter(|object| !has_size(object));
        let failed = |output: &Output, error| output.encode_error(error);

        if sized_lengths.iter().any(|&count| count > 0) {
            let boxes = Boxes3D::from_centers_and_half_sizes(sized().map(center), sized().map(half_size))
                .with_colors(sized().map(colour))
                .with_labels(sized().map(label))
                .columns(sized_lengths)
                .map_err(|error| failed(output, error))?;
            output.write_columns(&format!("{}/boxes", self.entity), &times, boxes)?;
        }
        if points.iter().any(|&count| count > 0) {
            let points = Points3D::new(unsized_objects().map(center))
                .with_colors(unsized_objects().map(colour))
                .with_labels(unsized_objects().map(label))
                .with_radii(unsized_objects().map(|_| 0.5_f32))
                .columns(points)
                .map_err(|error| failed(output, error))?;
            output.write_columns(&format!("{}/points", self.entity), &times, points)?;
        }
        let lengths: Vec<usize> = rows.iter().map(Vec::len).collect();
        let arrows = Arrows3D::from_vectors(all().map(|object| arrow(object.vx_mps, object.vy_mps)))
            .with_origins(all().map(center))
            .with_colors(all().map(closing_colour))
            .columns(lengths)
            .map_err(|error| failed(output, error))?;
        output.write_columns(&format!("{}/velocity", self.entity), &times, arrows)
    }
}

impl Layer for ObjectLayer {
    fn add(&mut self, at: BootTime, message: Message, output: &mut Output) -> Result<Taken, ReplayError> {
        let Message::ObjectList(ObjectList { mut objects }) = message else { return Ok(WRONG_KIND) };
        let found = objects.len();
        objects.retain(is_finite);
        let taken = if objects.len() == found { Taken::Shown } else { Taken::NotFinite };
        self.held += objects.len();
        self.times.push(at);
        self.rows.push(objects);
        if self.times.len() >= ROWS_PER_CHUNK || self.held >= ROWS_PER_CHUNK {
            self.write(output)?;
        }
        Ok(taken)
    }

    fn finish(&mut self, output: &mut Output) -> Result<(), ReplayError> {
        self.write(output)
    }
}

fn is_finite(object: &Object) -> bool {
    [object.x_m, object.y_m, object.vx_mps, object.vy_mps, object.length_m, object.width_m]
        .iter()
        .all(|value| value.is_finite())
}

fn has_size(object: &Object) -> bool {
    object.length_m > 0.0 && object.width_m > 0.0
}

fn height_m(object: &Object) -> f32 {
    if object.class() == ObjectClass::Truck { TRUCK_HEIGHT_M } else { CAR_HEIGHT_M }
}

fn half_size(object: &Object) -> [f32; 3] {
    [object.length_m as f32 / 2.0, object.width_m as f32 / 2.0, height_m(object) / 2.0]
}

/// Middle of the object. The sensor gives its nearest point: the rear of what is ahead, the front of what is behind.
fn center(object: &Object) -> [f32; 3] {
    let beyond = if has_size(object) { (object.length_m / 2.0).copysign(object.x_m) } else { 0.0 };
    [(object.x_m + beyond) as f32, object.y_m as f32, height_m(object) / 2.0]
}

fn arrow(vx_mps: f64, vy_mps: f64) -> [f32; 3] {
    [(vx_mps * ARROW_S) as f32, (vy_mps * ARROW_S) as f32, 0.0]
}

fn label(object: &Object) -> String {
    format!("#{}", object.id)
}

/// By class; by closing speed where the sensor gives no class.
fn colour(object: &Object) -> Color {
    Color::from_u32(match object.class() {
        ObjectClass::Unknown => return closing_colour(object),
        ObjectClass::Car => 0x8FD18AFF,
        ObjectClass::Truck => 0xE6B450FF,
        ObjectClass::Motorbike => 0xC792EAFF,
        ObjectClass::Bicycle => 0xB58CF0FF,
        ObjectClass::Pedestrian => 0xFF8FA3FF,
        ObjectClass::Other => 0xA7B0BAFF,
    })
}

/// Red when closing, green when opening, grey in between. Closing means nearer along the line of sight.
fn closing_colour(object: &Object) -> Color {
    let distance_m = object.x_m.hypot(object.y_m).max(1.0);
    let range_rate_mps = (object.x_m * object.vx_mps + object.y_m * object.vy_mps) / distance_m;
    Color::from_u32(if range_rate_mps < -STEADY_MPS {
        0xF0524FFF
    } else if range_rate_mps > STEADY_MPS {
        0x6FCF7FFF
    } else {
        0xA7B0BAFF
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn object(x_m: f64, vx_mps: f64, length_m: f64) -> Object {
        Object { id: 1, x_m, vx_mps, length_m, width_m: length_m / 2.0, ..Object::default() }
    }

    #[test]
    fn boxes_stand_beyond_the_nearest_point() {
        assert_eq!(center(&object(30.0, 0.0, 4.0))[0], 32.0);
        assert_eq!(center(&object(-30.0, 0.0, 4.0))[0], -32.0);
        assert_eq!(center(&object(30.0, 0.0, 0.0))[0], 30.0);
    }

    #[test]
    fn closing_is_judged_along_the_line_of_sight() {
        let ahead_slower = closing_colour(&object(30.0, -3.0, 0.0));
        let behind_slower = closing_colour(&object(-30.0, -3.0, 0.0));
        assert_eq!(ahead_slower, closing_colour(&object(-30.0, 3.0, 0.0)));
        assert_ne!(ahead_slower, behind_slower);
        assert_ne!(closing_colour(&object(30.0, 0.0, 0.0)), ahead_slower);
    }
}
