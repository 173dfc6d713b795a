use cloverleaf_signals::messages::Message;
use cloverleaf_vocabulary::{BootTime, Ecef, Wgs84};
use rerun::archetypes::{GeoLineStrings, GeoPoints};
use rerun::components::{Color, GeoLineString, Radius};

use super::{Layer, ROWS_PER_CHUNK, Taken, WRONG_KIND};
use crate::ReplayError;
use crate::output::Output;

/// The way driven.
pub(crate) const TRAJECTORY_ENTITY: &str = "/map/trajectory";
/// Where the vehicle is.
pub(crate) const POSITION_ENTITY: &str = "/map/position";
/// Points of the way are at least so far apart, m.
const SPACING_M: f64 = 1.0;
/// Points of the way kept; a longer one is kept more coarsely.
const POINTS_KEPT: usize = 8192;
/// Mean radius of the Earth (IUGG), m; good enough to thin points.
const EARTH_RADIUS_M: f64 = 6_371_008.8;

/// Positions of the vehicle, from GNSS fixes or from ECEF poses.
pub(crate) struct PlaceLayer {
    times: Vec<BootTime>,
    places: Vec<[f64; 2]>,
    way: Way,
}

impl PlaceLayer {
    /// A layer for the one topic positions are taken from.
    pub fn new() -> Self {
        Self { times: Vec::new(), places: Vec::new(), way: Way::default() }
    }

    fn write(&mut self, output: &mut Output) -> Result<(), ReplayError> {
        let count = self.places.len();
        let points = GeoPoints::from_lat_lon(std::mem::take(&mut self.places))
            .with_radii(vec![Radius::new_ui_points(9.0); count])
            .with_colors(vec![Color::from_u32(0xFFFFFFFF); count])
            .columns_of_unit_batches();
        let points = points.map_err(|error| output.encode_error(error))?;
        output.write_columns(POSITION_ENTITY, &std::mem::take(&mut self.times), points)
    }
}

impl Layer for PlaceLayer {
    fn add(&mut self, at: BootTime, message: Message, output: &mut Output) -> Result<Taken, ReplayError> {
        let place = match message {
            Message::LocationFix(fix) => {
                Wgs84 { latitude_deg: fix.latitude, longitude_deg: fix.longitude, altitude_m: 0.0 }
            }
            Message::PoseInFrame(pose) if pose.frame_id != "ecef" => {
                return Ok(Taken::LeftOut("a pose whose frame is not \"ecef\""));
            }
            Message::PoseInFrame(pose) => match pose.pose.and_then(|pose| pose.position) {
                Some(position) if [position.x, position.y, position.z].iter().any(|value| !value.is_finite()) => {
                    return Ok(Taken::NotFinite);
                }
                Some(position) => Ecef { x_m: position.x, y_m: position.y, z_m: position.z }.to_wgs84(),
                None => return Ok(Taken::LeftOut("a pose without position")),
            },
            _ => return Ok(WRONG_KIND),
        };
        if !(place.latitude_deg.is_finite() && place.longitude_deg.is_finite()) {
            return Ok(Taken::NotFinite);
        }
        if place.latitude_deg.abs() > 90.0 || place.longitude_deg.abs() > 180.0 {
            return Ok(Taken::LeftOut("a position outside the Earth's latitudes and longitudes"));
        }
        let place = [place.latitude_deg, place.longitude_deg];
        self.way.add(at, place);
        self.times.push(at);
        self.places.push(place);
        if self.times.len() >= ROWS_PER_CHUNK {
            self.write(output)?;
        }
        Ok(Taken::Shown)
    }

    fn finish(&mut self, output: &mut Output) -> Result<(), ReplayError> {
        self.write(output)?;
        if self.way.points.is_empty() {
            return Ok(());
        }
        let line = GeoLineString::from_iter(self.way.points.iter().map(|(_, place)| *place));
        let line = GeoLineStrings::from_lat_lon([line])
            .with_radii([Radius::new_ui_points(2.5)])
            .with_colors([Color::from_u32(0x4C8DD6FF)]);
        output.write_static(TRAJECTORY_ENTITY, &line)
    }

    fn place_at(&self, at: BootTime) -> Option<[f64; 2]> {
        self.way.place_at(at)
    }
}

/// A way thinned to a bounded number of points.
#[derive(Default)]
struct Way {
    points: Vec<(BootTime, [f64; 2])>,
    spacing_m: f64,
}

impl Way {
    fn add(&mut self, at: BootTime, place: [f64; 2]) {
        let spacing_m = self.spacing_m.max(SPACING_M);
        if self.points.last().is_some_and(|(_, last)| distance_m(*last, place) < spacing_m) {
            return;
        }
        if self.points.len() == POINTS_KEPT {
            let mut index = 0;
            self.points.retain(|_| {
                index += 1;
                index % 2 == 1
            });
            self.spacing_m = spacing_m * 2.0;
        }
        self.points.push((at, place));
    }

    fn place_at(&self, at: BootTime) -> Option<[f64; 2]> {
        let after = self.points.partition_point(|(time, _)| *time <= at);
        self.points.get(after.saturating_sub(1)).map(|(_, place)| *place)
    }
}

/// Distance on a sphere, for points close together (equirectangular approximation).
fn distance_m(a: [f64; 2], b: [f64; 2]) -> f64 {
    let north = (b[0] - a[0]).to_radians();
    let east = (b[1] - a[1]).to_radians() * a[0].to_radians().cos();
    EARTH_RADIUS_M * north.hypot(east)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_way_of_any_length_stays_small_and_keeps_its_ends_near() {
        let mut way = Way::default();
        let at = |index: u64| [37.0 + index as f64 * 2e-5, -122.0];
        for index in 0..100_000 {
            way.add(BootTime::from_nanos(index), at(index));
        }
        assert!(way.points.len() <= POINTS_KEPT, "{}", way.points.len());
        assert_eq!(way.points[0].1, at(0));
        let last = way.points[way.points.len() - 1].1;
        assert!(distance_m(last, at(99_999)) <= way.spacing_m, "{} m", distance_m(last, at(99_999)));
        let found = way.place_at(BootTime::from_nanos(50_000)).unwrap();
        assert!(distance_m(found, at(50_000)) <= way.spacing_m);
    }

    #[test]
    fn standing_still_is_one_point() {
        let mut way = Way::default();
        for index in 0..100 {
            way.add(BootTime::from_nanos(index), [37.0, -122.0]);
        }
        assert_eq!(way.points.len(), 1);
        assert_eq!(way.place_at(BootTime::from_nanos(0)), Some([37.0, -122.0]));
    }
}
