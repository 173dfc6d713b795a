//! Clocks, kept apart by type so that adding two instants, or comparing instants of two clocks, does not compile.

use std::fmt;
use std::ops::{Add, Sub};

use serde::{Deserialize, Serialize};

const NANOS_PER_SEC: f64 = 1e9;

/// A signed span of time in nanoseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TimeDelta(i64);

impl TimeDelta {
    /// No time at all.
    pub const ZERO: Self = Self(0);

    /// A span of whole nanoseconds.
    pub const fn from_nanos(nanos: i64) -> Self {
        Self(nanos)
    }

    /// A span of whole milliseconds.
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis.saturating_mul(1_000_000))
    }

    /// A span of seconds, rounded to the nanosecond; saturates at about 292 years and maps NaN to zero.
    pub fn from_secs_f64(secs: f64) -> Self {
        Self((secs * NANOS_PER_SEC).round() as i64)
    }

    /// Whole nanoseconds.
    pub const fn as_nanos(self) -> i64 {
        self.0
    }

    /// Seconds.
    pub fn as_secs_f64(self) -> f64 {
        self.0 as f64 / NANOS_PER_SEC
    }
}

impl fmt::Display for TimeDelta {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.3} s", self.as_secs_f64())
    }
}

/// An instant of one boot's monotonic clock: nanoseconds since the vehicle computer started.
///
/// Only instants of the same boot are comparable; the boot is named once beside them (`BootId`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct BootTime(u64);

impl BootTime {
    /// Nanoseconds since boot.
    pub const fn from_nanos(nanos: u64) -> Self {
        Self(nanos)
    }

    /// Seconds since boot, rounded to the nanosecond; negative and NaN become zero.
    pub fn from_secs_f64(secs: f64) -> Self {
        Self((secs * NANOS_PER_SEC).round() as u64)
    }

    /// Nanoseconds since boot.
    pub const fn as_nanos(self) -> u64 {
        self.0
    }

    /// Seconds since boot.
    pub fn as_secs_f64(self) -> f64 {
        self.0 as f64 / NANOS_PER_SEC
    }

    /// The span from `earlier` to `self`, zero when `earlier` is later.
    pub fn saturating_since(self, earlier: Self) -> TimeDelta {
        TimeDelta(i64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(i64::MAX))
    }
}

impl Add<TimeDelta> for BootTime {
    type Output = Self;
    fn add(self, span: TimeDelta) -> Self {
        Self(self.0.saturating_add_signed(span.0))
    }
}

impl Sub<TimeDelta> for BootTime {
    type Output = Self;
    fn sub(self, span: TimeDelta) -> Self {
        Self(self.0.saturating_add_signed(span.0.saturating_neg()))
    }
}

impl Sub for BootTime {
    type Output = TimeDelta;
    fn sub(self, earlier: Self) -> TimeDelta {
        TimeDelta(self.0.wrapping_sub(earlier.0) as i64)
    }
}

/// A UTC instant: nanoseconds since 1970-01-01, leap seconds ignored as in POSIX.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Timestamp(i64);

impl Timestamp {
    /// Nanoseconds since 1970-01-01T00:00:00Z.
    pub const fn from_nanos(nanos: i64) -> Self {
        Self(nanos)
    }

    /// Nanoseconds since 1970-01-01T00:00:00Z.
    pub const fn as_nanos(self) -> i64 {
        self.0
    }
}

impl Add<TimeDelta> for Timestamp {
    type Output = Self;
    fn add(self, span: TimeDelta) -> Self {
        Self(self.0.saturating_add(span.0))
    }
}

impl Sub for Timestamp {
    type Output = TimeDelta;
    fn sub(self, earlier: Self) -> TimeDelta {
        TimeDelta(self.0.saturating_sub(earlier.0))
    }
}

/// How one boot's monotonic clock relates to UTC, and how sure that is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClockOffset {
    /// UTC minus boot time, in nanoseconds.
    pub utc_minus_boot_ns: i64,
    /// Half-width of the interval the true offset lies in, in nanoseconds.
    pub uncertainty_ns: i64,
}

impl ClockOffset {
    /// The UTC instant at which the boot clock showed `at`.
    pub fn utc(&self, at: BootTime) -> Timestamp {
        Timestamp(self.utc_minus_boot_ns.saturating_add(i64::try_from(at.0).unwrap_or(i64::MAX)))
    }
}

/// Where a library gets its time from. Only binaries implement this over the operating system's clocks.
pub trait Clock: Send + Sync {
    /// Monotonic time since this computer booted.
    fn boot_time(&self) -> BootTime;
    /// UTC as far as this computer knows it.
    fn utc(&self) -> Timestamp;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_and_instants_agree() {
        let a = BootTime::from_secs_f64(46408.58);
        let b = a + TimeDelta::from_secs_f64(0.25);
        assert_eq!((b - a).as_secs_f64(), 0.25);
        assert_eq!(b - TimeDelta::from_millis(250), a);
        assert_eq!(a.saturating_since(b), TimeDelta::ZERO);
    }

    #[test]
    fn not_a_number_never_travels() {
        assert_eq!(TimeDelta::from_secs_f64(f64::NAN), TimeDelta::ZERO);
        assert_eq!(BootTime::from_secs_f64(f64::NAN).as_nanos(), 0);
        assert_eq!(BootTime::from_secs_f64(-1.0).as_nanos(), 0);
    }

    #[test]
    fn utc_follows_the_offset() {
        let offset = ClockOffset { utc_minus_boot_ns: 1_000, uncertainty_ns: 0 };
        assert_eq!(offset.utc(BootTime::from_nanos(5)).as_nanos(), 1_005);
    }
}
