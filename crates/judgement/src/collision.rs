//! First contact between two road users, found between samples too.

use serde::{Deserialize, Serialize};

use crate::rectangle::Rectangle;
use crate::track::{Track, wrapped_rad};

/// Two road users touched.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Contact {
    /// Whom the subject touched.
    pub other: String,
    /// Time of first contact, s.
    pub at_s: f64,
    /// Speed of the subject relative to the other at first contact, m/s.
    pub relative_speed_mps: f64,
    /// Where on the subject: direction from its centre to the other's, anticlockwise from straight ahead, rad.
    pub bearing_rad: f64,
}

/// Largest movement between two looks, m: a contact shallower than this can be missed.
const STEP_M: f64 = 0.02;
/// Most looks within one pair of samples; reached only by jumps, which are not driving.
const MOST_LOOKS: usize = 4_096;

/// The first contact between `subject` and `other` while both exist.
///
/// Both move straight between samples. From a moment at which they are apart by d, neither can touch the other before
/// the time their corners need to cover d, so the search leaps that far ahead (conservative advancement, Mirtich 1996,
/// "Impulse-based Dynamic Simulation of Rigid Body Systems", section 3.3) and misses nothing deeper than 2 cm.
pub fn first_contact(subject: &Track<'_>, other: &Track<'_>) -> Option<Contact> {
    let (a, b) = (subject.states(), other.states());
    let start_s = a.first()?.t_s.max(b.first()?.t_s);
    let end_s = a.last()?.t_s.min(b.last()?.t_s);
    let mut from_s = start_s;
    let mut next = [a.partition_point(|s| s.t_s <= start_s), b.partition_point(|s| s.t_s <= start_s)];
    loop {
        let ends = [a.get(next[0]).map_or(end_s, |s| s.t_s), b.get(next[1]).map_or(end_s, |s| s.t_s)];
        let to_s = ends[0].min(ends[1]).min(end_s);
        if let Some(at_s) = contact_within(subject, other, from_s, to_s) {
            return describe(subject, other, at_s);
        }
        if to_s >= end_s {
            return None;
        }
        for (index, end) in ends.iter().enumerate() {
            if *end <= to_s {
                next[index] += 1;
            }
        }
        from_s = to_s;
    }
}

fn contact_within(subject: &Track<'_>, other: &Track<'_>, from_s: f64, to_s: f64) -> Option<f64> {
    let (a0, b0) = (subject.at(from_s)?, other.at(from_s)?);
    let (a1, b1) = (subject.at(to_s)?, other.at(to_s)?);
    let duration_s = to_s - from_s;
    let reach = |track: &Track<'_>| {
        let f = track.footprint;
        (0.5 * f.length_m + f.center_ahead_m.abs()).hypot(0.5 * f.width_m)
    };
    let relative_m = ((b1.x_m - b0.x_m) - (a1.x_m - a0.x_m)).hypot((b1.y_m - b0.y_m) - (a1.y_m - a0.y_m));
    let turning_m = wrapped_rad(a1.yaw_rad - a0.yaw_rad).abs() * reach(subject)
        + wrapped_rad(b1.yaw_rad - b0.yaw_rad).abs() * reach(other);
    let most_movement_m = relative_m + turning_m;

    let mut part = 0.0;
    for _ in 0..MOST_LOOKS {
        let at_s = if part >= 1.0 { to_s } else { from_s + part * duration_s };
        let (a, b) = (subject.at(at_s)?, other.at(at_s)?);
        let apart_m = Rectangle::of(&a, &subject.footprint).separation_m(&Rectangle::of(&b, &other.footprint));
        if apart_m <= 0.0 {
            return Some(at_s);
        }
        if part >= 1.0 || apart_m > most_movement_m {
            return None;
        }
        part += apart_m.max(STEP_M) / most_movement_m;
    }
    None
}

fn describe(subject: &Track<'_>, other: &Track<'_>, at_s: f64) -> Option<Contact> {
    let (a, b) = (subject.at(at_s)?, other.at(at_s)?);
    let (ra, rb) = (Rectangle::of(&a, &subject.footprint), Rectangle::of(&b, &other.footprint));
    let relative_mps = [0, 1].map(|axis| a.speed_mps * ra.forward[axis] - b.speed_mps * rb.forward[axis]);
    let bearing = (rb.center_m[1] - ra.center_m[1]).atan2(rb.center_m[0] - ra.center_m[0]) - a.yaw_rad;
    Some(Contact {
        other: other.name.to_owned(),
        at_s,
        relative_speed_mps: relative_mps[0].hypot(relative_mps[1]),
        bearing_rad: wrapped_rad(bearing),
    })
}

#[cfg(test)]
mod tests {
    use cloverleaf_vocabulary::{ActorClass, ActorState, ActorTrace, Footprint};
    use proptest::prelude::*;

    use super::*;

    fn driving(
        name: &str,
        x_m: f64,
        y_m: f64,
        yaw_rad: f64,
        speed_mps: f64,
        step_s: f64,
        duration_s: f64,
    ) -> ActorTrace {
        let states = (0..=(duration_s / step_s).round() as usize)
            .map(|i| {
                let t_s = i as f64 * step_s;
                ActorState {
                    t_s,
                    x_m: x_m + speed_mps * t_s * yaw_rad.cos(),
                    y_m: y_m + speed_mps * t_s * yaw_rad.sin(),
                    yaw_rad,
                    speed_mps,
                    accel_mps2: 0.0,
                }
            })
            .collect();
        let footprint = Footprint { length_m: 4.0, width_m: 2.0, center_ahead_m: 0.0 };
        ActorTrace { name: name.into(), class: ActorClass::Car, footprint, states }
    }

    #[test]
    fn a_bullet_between_samples_does_not_slip_through() {
        // 100 m/s across the bonnet between two samples a second apart.
        let still = driving("still", 0.0, 0.0, 0.0, 0.0, 1.0, 4.0);
        let fast = driving("fast", 0.0, -150.0, std::f64::consts::FRAC_PI_2, 100.0, 1.0, 4.0);
        let contact = first_contact(&Track::new(&still), &Track::new(&fast)).unwrap();
        // The noses meet when the fast one's front (2 m ahead of its centre) reaches the still one's right side (-1 m).
        assert!((contact.at_s - 1.47).abs() < 1e-3, "{contact:?}");
        assert!((contact.relative_speed_mps - 100.0).abs() < 1e-9);
        assert!((contact.bearing_rad + std::f64::consts::FRAC_PI_2).abs() < 1e-6);
    }

    #[test]
    fn side_by_side_never_touches() {
        let a = driving("a", 0.0, 0.0, 0.0, 30.0, 0.1, 20.0);
        let b = driving("b", 100.0, 2.05, 0.0, 20.0, 0.1, 20.0);
        assert_eq!(first_contact(&Track::new(&a), &Track::new(&b)), None);
    }

    proptest! {
        #[test]
        fn rear_end_time_does_not_depend_on_the_sampling(
            gap in 1.0..60.0f64, closing in 1.0..30.0f64, step in 0.02..1.0f64,
        ) {
            let duration = gap / closing + 3.0 * step + 0.5;
            let a = driving("a", 0.0, 0.0, 0.0, 10.0 + closing, step, duration);
            let b = driving("b", gap + 4.0, 0.0, 0.0, 10.0, step, duration);
            let contact = first_contact(&Track::new(&a), &Track::new(&b)).unwrap();
            prop_assert!((contact.at_s - gap / closing).abs() < 0.03, "{} vs {}", contact.at_s, gap / closing);
        }
    }
}
