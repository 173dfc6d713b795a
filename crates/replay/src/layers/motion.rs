use cloverleaf_signals::messages::Message;
use cloverleaf_vocabulary::BootTime;
use rerun::archetypes::{Scalars, SeriesLines};

use super::{Layer, ROWS_PER_CHUNK, Taken, WRONG_KIND};
use crate::ReplayError;
use crate::output::Output;

/// Several plotted lines that share their times.
struct Series<const N: usize> {
    entity: String,
    times: Vec<BootTime>,
    values: Vec<f64>,
}

impl<const N: usize> Series<N> {
    fn new(entity: String, names: [&str; N], output: &mut Output) -> Result<Self, ReplayError> {
        output.write_static(&entity, &SeriesLines::new().with_names(names))?;
        Ok(Self { entity, times: Vec::new(), values: Vec::new() })
    }

    fn add(&mut self, at: BootTime, values: [f64; N], output: &mut Output) -> Result<Taken, ReplayError> {
        if values.iter().any(|value| !value.is_finite()) {
            return Ok(Taken::NotFinite);
        }
        self.times.push(at);
        self.values.extend(values);
        if self.times.len() >= ROWS_PER_CHUNK {
            self.write(output)?;
        }
        Ok(Taken::Shown)
    }

    fn write(&mut self, output: &mut Output) -> Result<(), ReplayError> {
        let times = std::mem::take(&mut self.times);
        let lengths = std::iter::repeat_n(N, times.len());
        let columns = Scalars::new(std::mem::take(&mut self.values)).columns(lengths);
        output.write_columns(&self.entity, &times, columns.map_err(|error| output.encode_error(error))?)
    }
}

/// Inertial measurements.
pub(crate) struct ImuLayer {
    acceleration: Series<3>,
    angular_rate: Series<3>,
}

impl ImuLayer {
    /// A layer for an IMU's topic.
    pub fn new(topic: &str, output: &mut Output) -> Result<Self, ReplayError> {
        let acceleration = ["x forward [m/s^2]", "y left [m/s^2]", "z up [m/s^2]"];
        let angular_rate = ["roll [rad/s]", "pitch [rad/s]", "yaw [rad/s]"];
        Ok(Self {
            acceleration: Series::new(format!("{topic}/acceleration"), acceleration, output)?,
            angular_rate: Series::new(format!("{topic}/angular_rate"), angular_rate, output)?,
        })
    }
}

impl Layer for ImuLayer {
    fn add(&mut self, at: BootTime, message: Message, output: &mut Output) -> Result<Taken, ReplayError> {
        let Message::Imu(imu) = message else { return Ok(WRONG_KIND) };
        let acceleration = self.acceleration.add(at, imu.linear_acceleration_mps2, output)?;
        let angular_rate = self.angular_rate.add(at, imu.angular_velocity_radps, output)?;
        Ok(if acceleration == Taken::Shown { angular_rate } else { acceleration })
    }

    fn finish(&mut self, output: &mut Output) -> Result<(), ReplayError> {
        self.acceleration.write(output)?;
        self.angular_rate.write(output)
    }
}

/// Ground speed of a GNSS receiver.
pub(crate) struct GnssVelocityLayer {
    speed: Series<1>,
}

impl GnssVelocityLayer {
    /// A layer for a receiver's topic.
    pub fn new(topic: &str, output: &mut Output) -> Result<Self, ReplayError> {
        // Plotted beside Vehicle.Speed, so in its unit.
        Ok(Self { speed: Series::new(format!("{topic}/speed"), ["GNSS speed [km/h]"], output)? })
    }
}

impl Layer for GnssVelocityLayer {
    fn add(&mut self, at: BootTime, message: Message, output: &mut Output) -> Result<Taken, ReplayError> {
        let Message::GnssVelocity(velocity) = message else { return Ok(WRONG_KIND) };
        self.speed.add(at, [velocity.speed_mps * 3.6], output)
    }

    fn finish(&mut self, output: &mut Output) -> Result<(), ReplayError> {
        self.speed.write(output)
    }
}
