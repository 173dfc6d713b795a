//! Everything that says something about a signal, with one source for each signal.

use std::collections::BTreeMap;

use cloverleaf_signals::dbc::Database;
use cloverleaf_signals::decoder::{Decoder, DecoderError};
use cloverleaf_signals::lead::{EgoMotion, LeadSelector, LeadSignals};
use cloverleaf_signals::messages::{GnssVelocity, Imu, Kind, LocationFix, Message};
use cloverleaf_signals::messages::{ObjectList, PositionCovarianceType};
use cloverleaf_signals::profile::VehicleProfile;
use cloverleaf_signals::vss::{Catalogue, SignalId};
use cloverleaf_vocabulary::{BootTime, STANDARD_GRAVITY_MPS2};

use crate::derived::SpeedSlope;

/// Topics of recorded signals start with this.
pub(crate) const VSS_PREFIX: &str = "/vss/";

/// Below this speed a GNSS course is noise, m/s.
const SLOWEST_COURSE_MPS: f64 = 1.0;

/// Who speaks for a signal. Where several could, the later in this order does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Source {
    Nobody,
    /// Computed here from other signals.
    Derived,
    /// GNSS or IMU messages.
    Sensor,
    /// `/vss/...` samples of the recording.
    Recorded,
    /// The vehicle's own buses.
    Can,
}

/// What a topic is for the signals.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    /// Decoded, for its signals.
    Signals(Kind),
    /// Recorded samples of one signal.
    Samples(SignalId),
    /// Objects of the sensor that the lead vehicle is found with.
    Lead,
    /// Only recorded.
    Bystander,
}

/// Messages in, samples out.
pub(crate) struct Signals {
    decoder: Decoder,
    sources: Vec<Source>,
    ids: BTreeMap<&'static str, SignalId>,
    slope: SpeedSlope,
    lead: LeadSelector,
    lead_signals: Option<LeadSignals>,
    has_lead_sensor: bool,
    ego: EgoMotion,
}

const SPEED: &str = "Vehicle.Speed";
const YAW: &str = "Vehicle.AngularVelocity.Yaw";
const LONGITUDINAL: &str = "Vehicle.Acceleration.Longitudinal";
const LEAD: &str = "Vehicle.ADAS.Lead.";
const IMU: [&str; 6] = [
    LONGITUDINAL,
    "Vehicle.Acceleration.Lateral",
    "Vehicle.Acceleration.Vertical",
    "Vehicle.AngularVelocity.Roll",
    "Vehicle.AngularVelocity.Pitch",
    YAW,
];
const FIX: [&str; 5] = [
    "Vehicle.CurrentLocation.Latitude",
    "Vehicle.CurrentLocation.Longitude",
    "Vehicle.CurrentLocation.Altitude",
    "Vehicle.CurrentLocation.HorizontalAccuracy",
    "Vehicle.CurrentLocation.VerticalAccuracy",
];
const VELOCITY: [&str; 2] = ["Vehicle.CurrentLocation.Heading", SPEED];

impl Signals {
    pub(crate) fn new(
        databases: &[(Option<u8>, Database)],
        profile: Option<&VehicleProfile>,
    ) -> Result<Self, DecoderError> {
        let given = databases.iter().map(|(bus, database)| (*bus, database));
        let decoder = Decoder::new(given, profile, Catalogue::standard())?;
        let catalogue = decoder.catalogue();
        let mut sources = vec![Source::Nobody; catalogue.len()];
        let has_message = |name: &str| databases.iter().any(|(_, d)| d.messages().iter().any(|m| m.name == name));
        match profile {
            Some(profile) => {
                for mapping in profile.signals.iter().filter(|mapping| has_message(&mapping.message)) {
                    if let Some(id) = catalogue.id(&mapping.vss) {
                        sources[id.index()] = Source::Can;
                    }
                }
            }
            None => sources[Catalogue::standard().len()..].fill(Source::Can),
        }
        let names = IMU.into_iter().chain(FIX).chain(VELOCITY);
        let ids = names.filter_map(|name| Some((name, catalogue.id(name)?))).collect();
        let lead_signals = LeadSignals::new(catalogue);
        let mut signals = Self {
            decoder,
            sources,
            ids,
            slope: SpeedSlope::default(),
            lead: LeadSelector::new(),
            lead_signals,
            has_lead_sensor: false,
            ego: EgoMotion { speed_mps: 0.0, yaw_rate_radps: 0.0 },
        };
        signals.claim(&[LONGITUDINAL], Source::Derived);
        Ok(signals)
    }

    pub(crate) fn catalogue(&self) -> &Catalogue {
        self.decoder.catalogue()
    }

    /// What a topic of the drive is good for.
    pub(crate) fn declare(&mut self, topic: &str, kind: Option<Kind>) -> Role {
        match kind {
            Some(Kind::SignalSample) => {
                let id = topic.strip_prefix(VSS_PREFIX).and_then(|name| self.catalogue().id(name));
                let Some(id) = id else { return Role::Bystander };
                self.sources[id.index()] = self.sources[id.index()].max(Source::Recorded);
                Role::Samples(id)
            }
            Some(Kind::Imu) => self.sensor(Kind::Imu, &IMU),
            Some(Kind::LocationFix) => self.sensor(Kind::LocationFix, &FIX),
            Some(Kind::GnssVelocity) => self.sensor(Kind::GnssVelocity, &VELOCITY),
            Some(Kind::CanFrame) => Role::Signals(Kind::CanFrame),
            Some(Kind::ObjectList) if !self.has_lead_sensor => {
                self.has_lead_sensor = true;
                let ids = self.catalogue().iter().filter(|(_, def)| def.name.starts_with(LEAD));
                for index in ids.map(|(id, _)| id.index()).collect::<Vec<_>>() {
                    self.sources[index] = self.sources[index].max(Source::Derived);
                }
                Role::Lead
            }
            _ => Role::Bystander,
        }
    }

    /// The samples of one message, each signal from its source only, in the catalogue's units.
    pub(crate) fn update(&mut self, time: BootTime, role: Role, message: &Message, out: &mut Vec<(SignalId, f64)>) {
        let from = out.len();
        match (role, message) {
            (Role::Signals(_), Message::CanFrame(frame)) => {
                let sources = &self.sources;
                self.decoder.decode(frame, |id, value| {
                    if sources[id.index()] == Source::Can {
                        out.push((id, value));
                    }
                });
            }
            (Role::Signals(_), Message::Imu(imu)) => self.imu(imu, out),
            (Role::Signals(_), Message::LocationFix(fix)) => self.fix(fix, out),
            (Role::Signals(_), Message::GnssVelocity(velocity)) => self.velocity(velocity, out),
            (Role::Samples(id), Message::SignalSample(sample)) => self.emit(Source::Recorded, id, sample.value, out),
            (Role::Lead, Message::ObjectList(objects)) => self.objects(time, objects, out),
            _ => {}
        }
        for index in from..out.len() {
            self.follow(time, out[index], out);
        }
    }

    fn sensor(&mut self, kind: Kind, names: &[&'static str]) -> Role {
        self.claim(names, Source::Sensor);
        Role::Signals(kind)
    }

    fn claim(&mut self, names: &[&'static str], source: Source) {
        for name in names {
            if let Some(id) = self.ids.get(name) {
                self.sources[id.index()] = self.sources[id.index()].max(source);
            }
        }
    }

    fn emit(&self, source: Source, id: SignalId, value: f64, out: &mut Vec<(SignalId, f64)>) {
        if self.sources[id.index()] == source && value.is_finite() {
            out.push((id, value));
        }
    }

    fn emit_named(&self, values: &[(&'static str, f64)], out: &mut Vec<(SignalId, f64)>) {
        for (name, value) in values {
            if let Some(id) = self.ids.get(name) {
                self.emit(Source::Sensor, *id, *value, out);
            }
        }
    }

    /// The accelerometer feels gravity; on a level road that is all on z.
    fn imu(&self, imu: &Imu, out: &mut Vec<(SignalId, f64)>) {
        let [ax, ay, az] = imu.linear_acceleration_mps2;
        let [roll, pitch, yaw] = imu.angular_velocity_radps.map(f64::to_degrees);
        let values = [ax, ay, az - STANDARD_GRAVITY_MPS2, roll, pitch, yaw];
        for (name, value) in IMU.into_iter().zip(values) {
            self.emit_named(&[(name, value)], out);
        }
    }

    fn fix(&self, fix: &LocationFix, out: &mut Vec<(SignalId, f64)>) {
        self.emit_named(&[(FIX[0], fix.latitude), (FIX[1], fix.longitude), (FIX[2], fix.altitude)], out);
        let is_known = fix.position_covariance_type != PositionCovarianceType::Unknown as i32;
        if let (true, [east, _, _, _, north, _, _, _, up]) = (is_known, fix.position_covariance.as_slice()) {
            self.emit_named(&[(FIX[3], east.max(*north).sqrt()), (FIX[4], up.sqrt())], out);
        }
    }

    fn velocity(&self, velocity: &GnssVelocity, out: &mut Vec<(SignalId, f64)>) {
        self.emit_named(&[(SPEED, velocity.speed_mps * 3.6)], out);
        if velocity.speed_mps >= SLOWEST_COURSE_MPS {
            self.emit_named(&[(VELOCITY[0], velocity.course_deg.rem_euclid(360.0))], out);
        }
    }

    fn objects(&mut self, time: BootTime, objects: &ObjectList, out: &mut Vec<(SignalId, f64)>) {
        let Some(signals) = self.lead_signals else { return };
        let lead = self.lead.update(time, objects, self.ego);
        for (id, value) in signals.samples(lead.as_ref()) {
            self.emit(Source::Derived, id, value, out);
        }
    }

    /// What follows from a sample.
    fn follow(&mut self, time: BootTime, (id, value): (SignalId, f64), out: &mut Vec<(SignalId, f64)>) {
        if self.ids.get(SPEED) == Some(&id) {
            self.ego.speed_mps = value / 3.6;
            let slope = self.slope.update(time, self.ego.speed_mps);
            if let (Some(acceleration), Some(&id)) = (slope, self.ids.get(LONGITUDINAL)) {
                self.emit(Source::Derived, id, acceleration, out);
            }
        } else if self.ids.get(YAW) == Some(&id) {
            self.ego.yaw_rate_radps = value.to_radians();
        }
    }
}

#[cfg(test)]
mod tests {
    use cloverleaf_signals::messages::SignalSample;

    use super::*;

    fn signals(databases: &[(Option<u8>, Database)], profile: Option<&str>) -> Signals {
        let profile = profile.map(|text| VehicleProfile::parse("p.toml", text).unwrap());
        Signals::new(databases, profile.as_ref()).unwrap()
    }

    fn named(signals: &Signals, samples: &[(SignalId, f64)]) -> Vec<(String, f64)> {
        samples.iter().map(|(id, value)| (signals.catalogue().def(*id).unwrap().name.clone(), *value)).collect()
    }

    fn update(signals: &mut Signals, ms: u64, role: Role, message: Message) -> Vec<(String, f64)> {
        let mut out = Vec::new();
        signals.update(BootTime::from_nanos(ms * 1_000_000), role, &message, &mut out);
        named(signals, &out)
    }

    #[test]
    fn an_imu_speaks_only_where_the_bus_does_not() {
        let text = "BO_ 180 SPEED: 8 XXX\n SG_ ACC : 7|16@0- (0.01,0) [0|0] \"m/s2\" XXX\n";
        let database = Database::parse("t.dbc", text.as_bytes()).unwrap();
        let profile =
            format!("name = \"t\"\n[[signal]]\nvss = \"{LONGITUDINAL}\"\nmessage = \"SPEED\"\nsignal = \"ACC\"\n");
        let mut signals = signals(&[(None, database)], Some(&profile));
        let role = signals.declare("/imu", Some(Kind::Imu));
        let imu = Imu {
            linear_acceleration_mps2: [1.0, 2.0, 10.0],
            angular_velocity_radps: [0.0, f64::NAN, std::f64::consts::PI],
            ..Imu::default()
        };
        let found = update(&mut signals, 0, role, Message::Imu(imu));
        let names: Vec<&str> = found.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, [IMU[1], IMU[2], IMU[3], IMU[5]]);
        assert!((found[1].1 - 0.19335).abs() < 1e-9 && (found[3].1 - 180.0).abs() < 1e-9, "{found:?}");
    }

    #[test]
    fn speed_alone_gives_acceleration() {
        let mut signals = signals(&[], None);
        let role = signals.declare("/vss/Vehicle.Speed", Some(Kind::SignalSample));
        let mut last = Vec::new();
        for tick in 0..10u64 {
            let value = 72.0 - 3.6 * 0.3 * tick as f64;
            last = update(&mut signals, tick * 50, role, Message::SignalSample(SignalSample { value }));
        }
        assert_eq!(last.len(), 2);
        assert!(last[1].0 == LONGITUDINAL && (last[1].1 + 6.0).abs() < 1e-9, "{last:?}");
        signals.declare("/imu", Some(Kind::Imu));
        let sample = Message::SignalSample(SignalSample { value: 60.0 });
        assert_eq!(update(&mut signals, 500, role, sample).len(), 1, "an IMU is better");
    }

    #[test]
    fn gnss_gives_place_and_heading() {
        let mut signals = signals(&[], None);
        let fix_role = signals.declare("/gnss/fix", Some(Kind::LocationFix));
        let velocity_role = signals.declare("/gnss/velocity", Some(Kind::GnssVelocity));
        let mut covariance = vec![0.0; 9];
        (covariance[0], covariance[4], covariance[8]) = (4.0, 9.0, 25.0);
        let fix = LocationFix {
            latitude: 37.5,
            longitude: -122.0,
            altitude: 12.0,
            position_covariance: covariance,
            position_covariance_type: PositionCovarianceType::DiagonalKnown as i32,
            ..LocationFix::default()
        };
        let found = update(&mut signals, 0, fix_role, Message::LocationFix(fix));
        assert_eq!(found.iter().map(|(_, value)| *value).collect::<Vec<_>>(), [37.5, -122.0, 12.0, 3.0, 5.0]);
        let course = |speed_mps| Message::GnssVelocity(GnssVelocity { speed_mps, course_deg: -90.0, utc_ns: 0 });
        let moving = update(&mut signals, 0, velocity_role, course(10.0));
        assert_eq!(moving, [(SPEED.to_owned(), 36.0), (VELOCITY[0].to_owned(), 270.0)]);
        assert_eq!(update(&mut signals, 50, velocity_role, course(0.2)).len(), 1);
    }
}
