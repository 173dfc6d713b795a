//! Places on the Earth: geodetic, Earth-centred and local tangent-plane coordinates on the WGS 84 ellipsoid.

use map_3d::Ellipsoid;
use serde::{Deserialize, Serialize};

/// Geodetic position on WGS 84.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Wgs84 {
    /// Latitude, degrees north, -90 to 90.
    pub latitude_deg: f64,
    /// Longitude, degrees east, -180 to 180.
    pub longitude_deg: f64,
    /// Height above the ellipsoid, m.
    pub altitude_m: f64,
}

/// Earth-centred, Earth-fixed position, m.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Ecef {
    /// Towards latitude 0, longitude 0.
    pub x_m: f64,
    /// Towards latitude 0, longitude 90 east.
    pub y_m: f64,
    /// Towards the north pole.
    pub z_m: f64,
}

impl Wgs84 {
    /// The same place in Earth-centred coordinates.
    pub fn to_ecef(self) -> Ecef {
        let (x_m, y_m, z_m) = map_3d::geodetic2ecef(
            self.latitude_deg.to_radians(),
            self.longitude_deg.to_radians(),
            self.altitude_m,
            Ellipsoid::WGS84,
        );
        Ecef { x_m, y_m, z_m }
    }
}

impl Ecef {
    /// The same place in geodetic coordinates.
    pub fn to_wgs84(self) -> Wgs84 {
        let (latitude, longitude, altitude_m) = map_3d::ecef2geodetic(self.x_m, self.y_m, self.z_m, Ellipsoid::WGS84);
        Wgs84 { latitude_deg: latitude.to_degrees(), longitude_deg: longitude.to_degrees(), altitude_m }
    }
}

/// A local tangent plane: x east, y north, z up, metres from its origin.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LocalFrame {
    origin: Wgs84,
}

impl LocalFrame {
    /// The plane that touches the ellipsoid's parallel surface at `origin`.
    pub fn at(origin: Wgs84) -> Self {
        Self { origin }
    }

    /// East, north and up of `place`, m.
    pub fn enu_from(&self, place: Wgs84) -> [f64; 3] {
        let (east, north, up) = map_3d::geodetic2enu(
            place.latitude_deg.to_radians(),
            place.longitude_deg.to_radians(),
            place.altitude_m,
            self.origin.latitude_deg.to_radians(),
            self.origin.longitude_deg.to_radians(),
            self.origin.altitude_m,
            Ellipsoid::WGS84,
        );
        [east, north, up]
    }

    /// The place at east, north and up, m.
    pub fn place_from_enu(&self, [east, north, up]: [f64; 3]) -> Wgs84 {
        let (latitude, longitude, altitude_m) = map_3d::enu2geodetic(
            east,
            north,
            up,
            self.origin.latitude_deg.to_radians(),
            self.origin.longitude_deg.to_radians(),
            self.origin.altitude_m,
            Ellipsoid::WGS84,
        );
        Wgs84 { latitude_deg: latitude.to_degrees(), longitude_deg: longitude.to_degrees(), altitude_m }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_and_back_is_the_same_place() {
        let origin = Wgs84 { latitude_deg: 37.6, longitude_deg: -122.4, altitude_m: 12.0 };
        let frame = LocalFrame::at(origin);
        for enu in [[0.0, 0.0, 0.0], [1_000.0, -2_000.0, 5.0], [-30.5, 20.25, -1.0]] {
            let back = frame.enu_from(frame.place_from_enu(enu));
            for axis in 0..3 {
                assert!((back[axis] - enu[axis]).abs() < 1e-3, "{enu:?} became {back:?}");
            }
        }
        let again = origin.to_ecef().to_wgs84();
        assert!((again.latitude_deg - origin.latitude_deg).abs() < 1e-9);
        assert!((again.altitude_m - origin.altitude_m).abs() < 1e-3);
    }
}
