//! Quantities as types at API edges. Hot arrays hold bare SI `f64` with the unit in the field's name.

use serde::{Deserialize, Serialize};

/// Standard gravity, exact by definition (ISO 80000-3), in m/s2.
pub const STANDARD_GRAVITY_MPS2: f64 = 9.806_65;

macro_rules! quantity {
    ($(#[$doc:meta])* $name:ident, $si_new:ident, $si_get:ident, $si_doc:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, PartialOrd, Default, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(f64);

        impl $name {
            #[doc = concat!("From ", $si_doc, ".")]
            pub const fn $si_new(value: f64) -> Self {
                Self(value)
            }

            #[doc = concat!("In ", $si_doc, ".")]
            pub const fn $si_get(self) -> f64 {
                self.0
            }
        }
    };
}

quantity!(
    /// A length or distance.
    Length, from_m, m, "metres"
);
quantity!(
    /// A speed; signed where a direction is implied by the context.
    Speed, from_mps, mps, "metres per second"
);
quantity!(
    /// An acceleration; negative is braking in longitudinal contexts.
    Acceleration, from_mps2, mps2, "metres per second squared"
);
quantity!(
    /// A plane angle, anticlockwise positive.
    Angle, from_rad, rad, "radians"
);

impl Speed {
    /// From kilometres per hour.
    pub const fn from_kmh(value: f64) -> Self {
        Self(value / 3.6)
    }

    /// In kilometres per hour.
    pub const fn kmh(self) -> f64 {
        self.0 * 3.6
    }
}

impl Acceleration {
    /// From multiples of standard gravity.
    pub const fn from_g(value: f64) -> Self {
        Self(value * STANDARD_GRAVITY_MPS2)
    }
}

impl Angle {
    /// From degrees.
    pub fn from_deg(value: f64) -> Self {
        Self(value.to_radians())
    }

    /// The same direction within (-pi, pi].
    pub fn wrapped(self) -> Self {
        use std::f64::consts::{PI, TAU};
        let within = self.0.rem_euclid(TAU);
        Self(if within > PI { within - TAU } else { within })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conversions_are_exact_where_they_can_be() {
        assert_eq!(Speed::from_kmh(36.0).mps(), 10.0);
        assert_eq!(Speed::from_mps(10.0).kmh(), 36.0);
        assert_eq!(Acceleration::from_g(1.0).mps2(), 9.806_65);
    }

    #[test]
    fn wrapping_keeps_the_direction() {
        for degrees in [-720.0, -181.0, -180.0, 0.0, 179.0, 180.0, 181.0, 540.0] {
            let angle = Angle::from_deg(degrees);
            let wrapped = angle.wrapped();
            assert!(wrapped.rad() > -std::f64::consts::PI && wrapped.rad() <= std::f64::consts::PI);
            assert!((angle.rad().sin() - wrapped.rad().sin()).abs() < 1e-9, "{degrees}");
        }
    }
}
