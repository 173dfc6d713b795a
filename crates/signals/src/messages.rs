//! The messages of a recording: their types, their bytes, and the schemas that travel with them.
//!
//! Foxglove and ROS definitions are used where one exists, so foreign viewers show a clip without us.

use cloverleaf_vocabulary::Timestamp;
use prost::Message as _;
use serde::{Deserialize, Serialize};

use crate::can::{CanError, CanFrame, CanId};

#[expect(missing_docs, reason = "generated from proto/, documented there")]
mod generated {
    pub mod cloverleaf {
        include!(concat!(env!("OUT_DIR"), "/cloverleaf.rs"));
    }
    pub mod foxglove {
        include!(concat!(env!("OUT_DIR"), "/foxglove.rs"));
    }
}

pub use generated::cloverleaf::object::Class as ObjectClass;
pub use generated::cloverleaf::{GnssVelocity, Object, ObjectList, SignalSample, TriggerEvent};
pub use generated::foxglove::location_fix::PositionCovarianceType;
pub use generated::foxglove::{CompressedVideo, LocationFix, Pose, PoseInFrame, Quaternion, Vector3};
pub use prost_types::Timestamp as ProtoTimestamp;

/// `sensor_msgs/msg/Imu` of ROS 2, reduced to what vehicles measure; covariances are carried as zeros ("unknown").
/// Vehicle frame of ISO 8855: x forward, y left, z up.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Imu {
    /// UTC of the measurement.
    pub utc: Timestamp,
    /// Angular rate, rad/s.
    pub angular_velocity_radps: [f64; 3],
    /// Specific force including gravity, m/s2: about +9.81 on z at rest.
    pub linear_acceleration_mps2: [f64; 3],
}

/// What a topic carries, known by its schema.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// [`CanFrame`].
    CanFrame,
    /// [`ObjectList`].
    ObjectList,
    /// [`LocationFix`].
    LocationFix,
    /// [`GnssVelocity`].
    GnssVelocity,
    /// [`Imu`].
    Imu,
    /// [`PoseInFrame`].
    PoseInFrame,
    /// [`CompressedVideo`].
    CompressedVideo,
    /// [`SignalSample`].
    SignalSample,
    /// [`TriggerEvent`].
    TriggerEvent,
}

macro_rules! descriptor {
    ($name:literal) => {
        include_bytes!(concat!(env!("OUT_DIR"), "/", $name, ".fds"))
    };
}

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 9] = [
        Self::CanFrame,
        Self::ObjectList,
        Self::LocationFix,
        Self::GnssVelocity,
        Self::Imu,
        Self::PoseInFrame,
        Self::CompressedVideo,
        Self::SignalSample,
        Self::TriggerEvent,
    ];

    /// Name of the MCAP schema.
    pub fn schema_name(self) -> &'static str {
        match self {
            Self::CanFrame => "cloverleaf.CanFrame",
            Self::ObjectList => "cloverleaf.ObjectList",
            Self::LocationFix => "foxglove.LocationFix",
            Self::GnssVelocity => "cloverleaf.GnssVelocity",
            Self::Imu => "sensor_msgs/msg/Imu",
            Self::PoseInFrame => "foxglove.PoseInFrame",
            Self::CompressedVideo => "foxglove.CompressedVideo",
            Self::SignalSample => "cloverleaf.SignalSample",
            Self::TriggerEvent => "cloverleaf.TriggerEvent",
        }
    }

    /// Encoding of the MCAP schema.
    pub fn schema_encoding(self) -> &'static str {
        if self == Self::Imu { "ros2msg" } else { "protobuf" }
    }

    /// Encoding of the MCAP messages.
    pub fn message_encoding(self) -> &'static str {
        if self == Self::Imu { "cdr" } else { "protobuf" }
    }

    /// Content of the MCAP schema: a `FileDescriptorSet` with all imports, or the ROS definition.
    pub fn schema_data(self) -> &'static [u8] {
        match self {
            Self::CanFrame => descriptor!("cloverleaf.CanFrame"),
            Self::ObjectList => descriptor!("cloverleaf.ObjectList"),
            Self::LocationFix => descriptor!("foxglove.LocationFix"),
            Self::GnssVelocity => descriptor!("cloverleaf.GnssVelocity"),
            Self::Imu => imu::DEFINITION.as_bytes(),
            Self::PoseInFrame => descriptor!("foxglove.PoseInFrame"),
            Self::CompressedVideo => descriptor!("foxglove.CompressedVideo"),
            Self::SignalSample => descriptor!("cloverleaf.SignalSample"),
            Self::TriggerEvent => descriptor!("cloverleaf.TriggerEvent"),
        }
    }

    /// The kind of a topic, by its schema's name and its messages' encoding; `None` for what we do not know.
    pub fn of_schema(schema_name: &str, message_encoding: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|kind| kind.schema_name() == schema_name && kind.message_encoding() == message_encoding)
    }

    /// Whether messages are so large that they belong in chunks of their own.
    pub fn is_bulky(self) -> bool {
        self == Self::CompressedVideo
    }
}

/// A decoded message.
#[derive(Debug, Clone, PartialEq)]
pub enum Message {
    /// Raw frame.
    CanFrame(CanFrame),
    /// Objects of one sensor.
    ObjectList(ObjectList),
    /// Position.
    LocationFix(LocationFix),
    /// Ground velocity.
    GnssVelocity(GnssVelocity),
    /// Acceleration and angular rate.
    Imu(Imu),
    /// Reference pose.
    PoseInFrame(PoseInFrame),
    /// One access unit.
    CompressedVideo(CompressedVideo),
    /// One signal value.
    SignalSample(SignalSample),
    /// A rule that fired.
    TriggerEvent(TriggerEvent),
}

/// Why bytes are not the message their schema promises.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a message of {schema} is damaged: {reason}")]
pub struct MessageError {
    /// The schema's name.
    pub schema: &'static str,
    /// What is wrong.
    pub reason: String,
}

impl Message {
    /// What it is.
    pub fn kind(&self) -> Kind {
        match self {
            Self::CanFrame(_) => Kind::CanFrame,
            Self::ObjectList(_) => Kind::ObjectList,
            Self::LocationFix(_) => Kind::LocationFix,
            Self::GnssVelocity(_) => Kind::GnssVelocity,
            Self::Imu(_) => Kind::Imu,
            Self::PoseInFrame(_) => Kind::PoseInFrame,
            Self::CompressedVideo(_) => Kind::CompressedVideo,
            Self::SignalSample(_) => Kind::SignalSample,
            Self::TriggerEvent(_) => Kind::TriggerEvent,
        }
    }

    /// Its bytes.
    pub fn encode(&self) -> Vec<u8> {
        match self {
            Self::CanFrame(frame) => wire_from_frame(frame).encode_to_vec(),
            Self::ObjectList(message) => message.encode_to_vec(),
            Self::LocationFix(message) => message.encode_to_vec(),
            Self::GnssVelocity(message) => message.encode_to_vec(),
            Self::Imu(message) => imu::encode(message),
            Self::PoseInFrame(message) => message.encode_to_vec(),
            Self::CompressedVideo(message) => message.encode_to_vec(),
            Self::SignalSample(message) => message.encode_to_vec(),
            Self::TriggerEvent(message) => message.encode_to_vec(),
        }
    }

    /// From bytes.
    pub fn decode(kind: Kind, bytes: &[u8]) -> Result<Self, MessageError> {
        let wrong = |reason: String| MessageError { schema: kind.schema_name(), reason };
        let damaged = |error: prost::DecodeError| wrong(error.to_string());
        Ok(match kind {
            Kind::CanFrame => {
                let wire = generated::cloverleaf::CanFrame::decode(bytes).map_err(damaged)?;
                Self::CanFrame(frame_from_wire(&wire).map_err(|error| wrong(error.to_string()))?)
            }
            Kind::ObjectList => Self::ObjectList(ObjectList::decode(bytes).map_err(damaged)?),
            Kind::LocationFix => Self::LocationFix(LocationFix::decode(bytes).map_err(damaged)?),
            Kind::GnssVelocity => Self::GnssVelocity(GnssVelocity::decode(bytes).map_err(damaged)?),
            Kind::Imu => Self::Imu(imu::decode(bytes).map_err(wrong)?),
            Kind::PoseInFrame => Self::PoseInFrame(PoseInFrame::decode(bytes).map_err(damaged)?),
            Kind::CompressedVideo => Self::CompressedVideo(CompressedVideo::decode(bytes).map_err(damaged)?),
            Kind::SignalSample => Self::SignalSample(SignalSample::decode(bytes).map_err(damaged)?),
            Kind::TriggerEvent => Self::TriggerEvent(TriggerEvent::decode(bytes).map_err(damaged)?),
        })
    }
}

/// UTC as protobuf writes it.
pub fn proto_timestamp(utc: Timestamp) -> ProtoTimestamp {
    let nanos = utc.as_nanos();
    ProtoTimestamp { seconds: nanos.div_euclid(1_000_000_000), nanos: nanos.rem_euclid(1_000_000_000) as i32 }
}

fn wire_from_frame(frame: &CanFrame) -> generated::cloverleaf::CanFrame {
    generated::cloverleaf::CanFrame {
        id: frame.id.bits(),
        extended: frame.id.is_extended(),
        fd: frame.fd,
        data: frame.data().to_vec(),
        echo: frame.echo,
        bus: u32::from(frame.bus),
    }
}

fn frame_from_wire(wire: &generated::cloverleaf::CanFrame) -> Result<CanFrame, CanError> {
    let bus = u8::try_from(wire.bus).map_err(|_| CanError::Bus(wire.bus))?;
    let mut frame = CanFrame::new(bus, CanId::new(wire.id, wire.extended)?, &wire.data)?;
    if !wire.fd && wire.data.len() > 8 {
        return Err(CanError::Length { found: wire.data.len(), limit: 8 });
    }
    frame.fd = wire.fd;
    frame.echo = wire.echo;
    Ok(frame)
}

/// CDR bytes of `sensor_msgs/msg/Imu`.
mod imu {
    use super::{Deserialize, Imu, Serialize, Timestamp};

    /// Concatenated ROS 2 definition, as the MCAP registry asks for `ros2msg`.
    pub const DEFINITION: &str = "\
std_msgs/Header header
geometry_msgs/Quaternion orientation
float64[9] orientation_covariance
geometry_msgs/Vector3 angular_velocity
float64[9] angular_velocity_covariance
geometry_msgs/Vector3 linear_acceleration
float64[9] linear_acceleration_covariance
================================================================================
MSG: std_msgs/Header
builtin_interfaces/Time stamp
string frame_id
================================================================================
MSG: builtin_interfaces/Time
int32 sec
uint32 nanosec
================================================================================
MSG: geometry_msgs/Quaternion
float64 x 0
float64 y 0
float64 z 0
float64 w 1
================================================================================
MSG: geometry_msgs/Vector3
float64 x
float64 y
float64 z
";

    /// Encapsulation header: plain CDR, little-endian, no options.
    const LITTLE_ENDIAN_CDR: [u8; 4] = [0, 1, 0, 0];
    const FRAME_ID: &str = "vehicle";

    #[derive(Serialize, Deserialize)]
    struct Wire {
        sec: i32,
        nanosec: u32,
        frame_id: String,
        orientation: [f64; 4],
        orientation_covariance: [f64; 9],
        angular_velocity: [f64; 3],
        angular_velocity_covariance: [f64; 9],
        linear_acceleration: [f64; 3],
        linear_acceleration_covariance: [f64; 9],
    }

    pub fn encode(imu: &Imu) -> Vec<u8> {
        let nanos = imu.utc.as_nanos();
        // The ROS convention for "no orientation given" is -1 in the first covariance element.
        let mut unknown = [0.0; 9];
        unknown[0] = -1.0;
        let wire = Wire {
            sec: nanos.div_euclid(1_000_000_000) as i32,
            nanosec: nanos.rem_euclid(1_000_000_000) as u32,
            frame_id: FRAME_ID.into(),
            orientation: [0.0, 0.0, 0.0, 1.0],
            orientation_covariance: unknown,
            angular_velocity: imu.angular_velocity_radps,
            angular_velocity_covariance: [0.0; 9],
            linear_acceleration: imu.linear_acceleration_mps2,
            linear_acceleration_covariance: [0.0; 9],
        };
        let mut bytes = LITTLE_ENDIAN_CDR.to_vec();
        match cdr_encoding::to_vec::<Wire, byteorder::LittleEndian>(&wire) {
            Ok(body) => bytes.extend_from_slice(&body),
            Err(error) => unreachable!("a fixed layout always serialises: {error}"),
        }
        bytes
    }

    pub fn decode(bytes: &[u8]) -> Result<Imu, String> {
        let (header, body) = bytes.split_at_checked(4).ok_or("shorter than a CDR header")?;
        let wire: Wire = match header[1] {
            0 => cdr_encoding::from_bytes::<Wire, byteorder::BigEndian>(body).map_err(|error| error.to_string())?.0,
            1 => cdr_encoding::from_bytes::<Wire, byteorder::LittleEndian>(body).map_err(|error| error.to_string())?.0,
            other => return Err(format!("CDR representation {other}: expected 0 or 1 (plain CDR)")),
        };
        Ok(Imu {
            utc: Timestamp::from_nanos(i64::from(wire.sec) * 1_000_000_000 + i64::from(wire.nanosec)),
            angular_velocity_radps: wire.angular_velocity,
            linear_acceleration_mps2: wire.linear_acceleration,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn samples() -> Vec<Message> {
        let mut frame = CanFrame::new(2, CanId::Extended(0x18FE_F100), &[1, 2, 0]).unwrap();
        frame.echo = true;
        vec![
            Message::CanFrame(frame),
            Message::ObjectList(ObjectList { objects: vec![Object { id: 3, x_m: 40.5, ..Object::default() }] }),
            Message::LocationFix(LocationFix { latitude: 37.5, longitude: -122.0, ..LocationFix::default() }),
            Message::GnssVelocity(GnssVelocity { speed_mps: 12.5, course_deg: 90.0, utc_ns: 5 }),
            Message::Imu(Imu {
                utc: Timestamp::from_nanos(1_500_000_000_123_456_789),
                angular_velocity_radps: [0.1, 0.2, 0.3],
                linear_acceleration_mps2: [1.0, -2.0, 9.81],
            }),
            Message::PoseInFrame(PoseInFrame { frame_id: "ecef".into(), ..PoseInFrame::default() }),
            Message::CompressedVideo(CompressedVideo {
                timestamp: Some(proto_timestamp(Timestamp::from_nanos(-1))),
                format: "h264".into(),
                data: vec![0, 0, 0, 1],
                ..CompressedVideo::default()
            }),
            Message::SignalSample(SignalSample { value: 88.25 }),
            Message::TriggerEvent(TriggerEvent { rule: "cut-in".into(), at_ns: 7, ..TriggerEvent::default() }),
        ]
    }

    #[test]
    fn every_kind_survives_the_wire() {
        let samples = samples();
        assert_eq!(samples.len(), Kind::ALL.len());
        for message in samples {
            let kind = message.kind();
            assert_eq!(Message::decode(kind, &message.encode()).unwrap(), message);
            assert_eq!(Kind::of_schema(kind.schema_name(), kind.message_encoding()), Some(kind));
            assert!(!kind.schema_data().is_empty());
        }
    }

    #[test]
    fn damage_is_an_error_and_never_a_panic() {
        for message in samples() {
            let bytes = message.encode();
            for cut in 0..bytes.len() {
                // Any prefix may or may not decode; it must not panic.
                let outcome = Message::decode(message.kind(), &bytes[..cut]);
                if message.kind() == Kind::Imu {
                    assert!(outcome.is_err());
                }
            }
        }
        let error = Message::decode(Kind::SignalSample, &[0xFF]).unwrap_err().to_string();
        assert!(error.contains("cloverleaf.SignalSample"), "{error}");
    }
}
