//! The car's two CAN buses: what its control units send, encoded with our own DBC files.

use cloverleaf_signals::can::{CanFrame, CanId};
use cloverleaf_signals::dbc::Database;
use cloverleaf_vocabulary::Draw;

use super::own::{STEERING_RATIO, TRACK_M};
use super::radar::{SLOTS, Track};
use super::road::{LANE_WIDTH_M, lane_middle_m};
use super::world::World;

/// Powertrain DBC, bus 0.
pub const POWERTRAIN_DBC: &str = include_str!("../../dbc/cloverleaf_pt.dbc");
/// Radar DBC, bus 1.
pub const RADAR_DBC: &str = include_str!("../../dbc/cloverleaf_radar.dbc");
/// VSS names of the powertrain DBC.
pub const PROFILE: &str = include_str!("../../dbc/cloverleaf.toml");

/// A frame and its delay after the step it belongs to, ns.
pub type Timed = (u64, CanFrame);

/// Time between two frames of one burst, ns: about 120 bits at 500 kbit/s.
const FRAME_NS: u64 = 240_000;

/// CRC-8 SAE J1850 over the low byte of the identifier and the payload, the checksum's own byte left out.
pub fn checksum(id: CanId, payload_without_checksum: &[u8]) -> u8 {
    let mut crc = 0xFF_u8;
    for byte in std::iter::once(id.bits() as u8).chain(payload_without_checksum.iter().copied()) {
        crc ^= byte;
        for _ in 0..8 {
            crc = if crc & 0x80 != 0 { crc << 1 ^ 0x1D } else { crc << 1 };
        }
    }
    crc ^ 0xFF
}

/// One bus with its message counters.
struct Bus {
    number: u8,
    database: Database,
    counters: Vec<u8>,
}

impl Bus {
    fn new(number: u8, file: &str, text: &str) -> Self {
        #[expect(clippy::unwrap_used, reason = "the text is compiled in and a test reads it")]
        let database = Database::parse(file, text.as_bytes()).unwrap();
        let counters = vec![0; database.messages().len()];
        Self { number, database, counters }
    }

    /// Encodes a message; counter and checksum are filled in where it has them. `None` for a name the DBC lacks.
    fn frame(&mut self, name: &str, values: &[(&str, f64)]) -> Option<CanFrame> {
        let index = self.database.messages().iter().position(|message| message.name == name)?;
        let message = &self.database.messages()[index];
        let mut payload = [0_u8; 8];
        let payload = payload.get_mut(..message.size)?;
        for (signal, value) in values {
            message.signal(signal)?.insert(payload, *value);
        }
        if let Some(counter) = message.signal("COUNTER") {
            counter.insert(payload, f64::from(self.counters[index]));
            self.counters[index] = (self.counters[index] + 1) % 16;
        }
        if let Some(signal) = message.signal("CHECKSUM") {
            let last = payload.len() - 1;
            let sum = checksum(message.id, &payload[..last]);
            signal.insert(payload, f64::from(sum));
        }
        CanFrame::new(self.number, message.id, payload).ok()
    }
}

/// All control units.
pub struct Car {
    powertrain: Bus,
    radar: Bus,
    draw: Draw,
    accel_bias_mps2: [f64; 2],
    yaw_bias_degps: f64,
    speed_scale: f64,
    odometer_m: f64,
    air_c: f64,
    radar_cycle: u32,
    unknown: [u8; 8],
}

impl Car {
    /// A car with its own sensor errors.
    pub fn new(seed: u64) -> Self {
        let mut draw = Draw::new(seed, CAR_STREAM, 0);
        Self {
            powertrain: Bus::new(0, "cloverleaf_pt.dbc", POWERTRAIN_DBC),
            radar: Bus::new(1, "cloverleaf_radar.dbc", RADAR_DBC),
            accel_bias_mps2: [0.03 * draw.normal(), 0.03 * draw.normal()],
            yaw_bias_degps: 0.06 * draw.normal(),
            speed_scale: 1.0 + 0.002 * draw.normal(),
            odometer_m: draw.uniform(2.0e6, 9.0e7).round(),
            air_c: draw.uniform(2.0, 31.0),
            radar_cycle: 0,
            unknown: [0; 8],
            draw,
        }
    }

    /// Frames of bus 0 due at a step, in order of time.
    pub fn powertrain_frames(&mut self, world: &World) -> Vec<Timed> {
        let step = world.steps();
        let mut frames: Vec<Option<CanFrame>> = Vec::with_capacity(10);
        frames.push(self.wheel_speeds(world));
        frames.push(self.kinematics(world));
        frames.push(self.steering(world));
        if step.is_multiple_of(2) {
            let speed_kmh = world.own.speed_mps * 3.6 * self.speed_scale + 0.02 * self.draw.normal();
            let moving = f64::from(u8::from(world.own.speed_mps > 0.1));
            frames.push(self.powertrain.frame("VEHICLE_SPEED", &[("SPEED", speed_kmh), ("MOVING", moving)]));
            frames.push(self.pedals(world));
        }
        if step % 5 == 1 {
            frames.push(self.cruise(world));
            frames.push(self.powertrain_state(world));
            frames.push(self.lane(world));
        }
        if step % 10 == 3 {
            frames.push(self.lights(world));
            frames.push(self.unknown_frame(0x3E5));
        }
        if step % 20 == 7 {
            frames.push(self.body(world, step / 20 % 3));
        }
        if step % 50 == 9 {
            frames.push(self.unknown_frame(0x4A1));
        }
        if step % 100 == 17 {
            frames.push(self.unknown_frame(0x5F2));
        }
        self.spread(frames)
    }

    /// Frames of bus 1 for one radar cycle: every slot, used or not, then the status.
    pub fn radar_frames(&mut self, tracks: &[Option<Track>; SLOTS]) -> Vec<Timed> {
        let mut frames = Vec::with_capacity(SLOTS + 2);
        for (slot, track) in tracks.iter().enumerate() {
            let name = format!("TRACK_{slot:02}");
            frames.push(match track {
                Some(track) => self.radar.frame(
                    &name,
                    &[
                        ("LONG_DIST", track.x_m),
                        ("LAT_DIST", track.y_m),
                        ("REL_SPEED", track.vx_mps),
                        ("LAT_SPEED", track.vy_mps),
                        ("CLASS", f64::from(track.class as i32)),
                        ("NEW_TRACK", f64::from(u8::from(track.is_new))),
                        ("VALID", 1.0),
                    ],
                ),
                None => self.radar.frame(&name, &[]),
            });
        }
        let count = tracks.iter().flatten().count() as f64;
        let cycle = f64::from(self.radar_cycle % 65_536);
        frames.push(self.radar.frame("RADAR_STATUS", &[("TRACK_COUNT", count), ("MODE", 1.0), ("CYCLE", cycle)]));
        if self.radar_cycle.is_multiple_of(4) {
            frames.push(self.radar_diagnostics());
        }
        self.radar_cycle += 1;
        self.spread(frames)
    }

    /// One after the other on the wire, with the jitter of arbitration.
    fn spread(&mut self, frames: Vec<Option<CanFrame>>) -> Vec<Timed> {
        let mut at_ns = 0;
        frames
            .into_iter()
            .flatten()
            .map(|frame| {
                at_ns += FRAME_NS + self.draw.below(FRAME_NS / 2);
                (at_ns, frame)
            })
            .collect()
    }

    fn wheel_speeds(&mut self, world: &World) -> Option<CanFrame> {
        let own = &world.own;
        let half = own.yaw_rate_radps * TRACK_M / 2.0;
        // Front wheels travel the longer arc; the difference is real but tiny on a motorway.
        let front = own.speed_mps / own.steer_rad.cos();
        let mut kmh = |mps: f64| ((mps * self.speed_scale) * 3.6 + 0.03 * self.draw.normal()).max(0.0);
        let values = [
            ("FRONT_LEFT", kmh(front - half)),
            ("FRONT_RIGHT", kmh(front + half)),
            ("REAR_LEFT", kmh(own.speed_mps - half)),
            ("REAR_RIGHT", kmh(own.speed_mps + half)),
        ];
        self.powertrain.frame("WHEEL_SPEEDS", &values)
    }

    fn kinematics(&mut self, world: &World) -> Option<CanFrame> {
        let own = &world.own;
        let values = [
            ("ACCEL_X", own.accel_mps2 + self.accel_bias_mps2[0] + 0.05 * self.draw.normal()),
            ("ACCEL_Y", own.lateral_accel_mps2() + self.accel_bias_mps2[1] + 0.05 * self.draw.normal()),
            ("YAW_RATE", own.yaw_rate_radps.to_degrees() + self.yaw_bias_degps + 0.06 * self.draw.normal()),
        ];
        self.powertrain.frame("KINEMATICS", &values)
    }

    fn steering(&mut self, world: &World) -> Option<CanFrame> {
        let own = &world.own;
        let angle = own.steer_rad.to_degrees() * STEERING_RATIO + 0.04 * self.draw.normal();
        let rate = own.steer_rate_radps.to_degrees() * STEERING_RATIO;
        self.powertrain.frame("STEERING", &[("WHEEL_ANGLE", angle), ("WHEEL_RATE", rate)])
    }

    fn pedals(&mut self, world: &World) -> Option<CanFrame> {
        let own = &world.own;
        let braking = (-own.accel_mps2 - 0.35).max(0.0);
        let pressed = world.pilot.presses_brake();
        // About 13 bar per m/s2 of braking; the pedal travels with it when a foot is on it.
        let pressure = if pressed || own.accel_mps2 < -0.8 { 13.0 * braking } else { 0.0 };
        let pedal = if pressed { (10.0 + 9.0 * braking).min(100.0) } else { 0.0 };
        let drag = 0.12 + 0.00028 * own.speed_mps.powi(2);
        let throttle = if world.pilot.is_cruising { 0.0 } else { (18.0 * (own.accel_mps2 + drag)).clamp(0.0, 100.0) };
        let values = [
            ("ACCELERATOR", if pressed { 0.0 } else { throttle }),
            ("BRAKE_PEDAL", pedal),
            ("BRAKE_PRESSED", f64::from(u8::from(pressed))),
            ("BRAKE_PRESSURE", pressure),
        ];
        self.powertrain.frame("PEDALS", &values)
    }

    fn cruise(&mut self, world: &World) -> Option<CanFrame> {
        let state = if world.pilot.is_cruising { 2.0 } else { 1.0 };
        let gap = (world.pilot.cruise.time_gap_s * 2.0 - 1.3).round().clamp(1.0, 3.0);
        let values = [("STATE", state), ("SET_SPEED", world.pilot.set_mps * 3.6), ("GAP_SETTING", gap)];
        self.powertrain.frame("CRUISE", &values)
    }

    fn powertrain_state(&mut self, world: &World) -> Option<CanFrame> {
        let kmh = world.own.speed_mps * 3.6;
        let gear = [14.0, 28.0, 45.0, 62.0, 80.0, 96.0].iter().filter(|up| kmh > **up).count() as f64 + 1.0;
        let per_kmh = [120.0, 75.0, 50.0, 38.0, 30.0, 25.0, 21.0].get(gear as usize - 1).copied().unwrap_or(21.0);
        let rpm = (kmh * per_kmh).max(750.0) + 6.0 * self.draw.normal();
        let values = [("ENGINE_SPEED", rpm), ("GEAR", gear), ("SELECTOR", 3.0), ("ENGINE_RUNNING", 1.0)];
        self.powertrain.frame("POWERTRAIN", &values)
    }

    fn lane(&mut self, world: &World) -> Option<CanFrame> {
        let offset = world.own.lateral_m - lane_middle_m(world.own_lane());
        let values = [
            ("OFFSET", offset + 0.03 * self.draw.normal()),
            ("HEADING", world.own.heading_error_rad(&world.road).to_degrees() + 0.08 * self.draw.normal()),
            ("WIDTH", LANE_WIDTH_M + 0.04 * self.draw.normal()),
            ("VALID", 1.0),
        ];
        self.powertrain.frame("LANE", &values)
    }

    fn lights(&mut self, world: &World) -> Option<CanFrame> {
        // A planned lane change is signalled, a swerve is not.
        let turn = world.pilot.shifts.first().map_or(0.0, |shift| match shift.to_m - shift.from_m {
            _ if shift.duration_s < 3.5 => 0.0,
            left if left > 0.0 => 1.0,
            _ => 2.0,
        });
        let brake = f64::from(u8::from(world.own.accel_mps2 < -0.8));
        self.powertrain.frame("LIGHTS", &[("TURN_SIGNAL", turn), ("HAZARD", 0.0), ("BRAKE_LIGHT", brake)])
    }

    fn body(&mut self, world: &World, page: u64) -> Option<CanFrame> {
        let values: &[(&str, f64)] = match page {
            0 => &[("PAGE", 0.0), ("ODOMETER", self.odometer_m + world.own.travelled_m)],
            1 => &[
                ("PAGE", 1.0),
                ("AIR_TEMPERATURE", self.air_c),
                ("TYRE_PRESSURE_FRONT", 2.4),
                ("TYRE_PRESSURE_REAR", 2.3),
            ],
            _ => &[("PAGE", 2.0), ("FUEL_LEVEL", 63.0)],
        };
        self.powertrain.frame("BODY_STATUS", values)
    }

    /// What another supplier's unit sends and no DBC of ours explains.
    fn unknown_frame(&mut self, id: u16) -> Option<CanFrame> {
        let index = self.draw.below(8) as usize;
        self.unknown[index] = self.unknown[index].wrapping_add(self.draw.below(5) as u8);
        let length = if id == 0x5F2 { 3 } else { 8 };
        CanFrame::new(0, CanId::Standard(id), &self.unknown[..length]).ok()
    }

    fn radar_diagnostics(&mut self) -> Option<CanFrame> {
        let bytes = self.draw.bits().to_le_bytes();
        CanFrame::new(1, CanId::Extended(0x18DA_F110), &[0x02, 0x7E, bytes[0] & 3, 0, 0, 0]).ok()
    }
}

const CAR_STREAM: u64 = 0x4341_5253;

#[cfg(test)]
mod tests {
    use super::*;
    use cloverleaf_signals::decoder::Decoder;
    use cloverleaf_signals::profile::VehicleProfile;
    use cloverleaf_signals::vss::Catalogue;

    #[test]
    fn dbc_files_and_profile_are_sound() {
        for (file, text) in [("cloverleaf_pt.dbc", POWERTRAIN_DBC), ("cloverleaf_radar.dbc", RADAR_DBC)] {
            let database = Database::parse(file, text.as_bytes()).unwrap();
            assert!(database.warnings.is_empty(), "{:?}", database.warnings);
        }
        let database = Database::parse("cloverleaf_pt.dbc", POWERTRAIN_DBC.as_bytes()).unwrap();
        let profile = VehicleProfile::parse("cloverleaf.toml", PROFILE).unwrap();
        assert!(profile.signals.iter().all(|mapping| database.messages().iter().any(|m| m.name == mapping.message)));
        Decoder::new([(Some(0), &database)], Some(&profile), Catalogue::standard()).unwrap();
    }

    #[test]
    fn checksum_is_the_catalogued_crc() {
        // CRC-8/SAE-J1850: check value 0x4B for "123456789".
        assert_eq!(checksum(CanId::Standard(0x131), b"23456789"), 0x4B);
    }

    #[test]
    fn values_survive_the_bus_within_their_quantisation() {
        let mut world = World::new(3, 10.0);
        let mut car = Car::new(3);
        let database = Database::parse("cloverleaf_pt.dbc", POWERTRAIN_DBC.as_bytes()).unwrap();
        let profile = VehicleProfile::parse("cloverleaf.toml", PROFILE).unwrap();
        let decoder = Decoder::new([(Some(0), &database)], Some(&profile), Catalogue::standard()).unwrap();
        let id = |name: &str| Catalogue::standard().id(name).unwrap();
        let (speed, yaw) = (id("Vehicle.Speed"), id("Vehicle.AngularVelocity.Yaw"));
        let mut seen = 0;
        for _ in 0..500 {
            world.step();
            for (_, frame) in car.powertrain_frames(&world) {
                decoder.decode(&frame, |id, value| {
                    if id == speed {
                        seen += 1;
                        assert!((value / 3.6 - world.own.speed_mps).abs() < 0.3);
                    } else if id == yaw {
                        assert!((value - world.own.yaw_rate_radps.to_degrees()).abs() < 0.8);
                    }
                });
            }
        }
        assert_eq!(seen, 250);
    }
}
