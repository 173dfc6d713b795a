//! The system's clocks. Only programs read them; libraries are given this.

use std::time::{Instant, SystemTime, UNIX_EPOCH};

use cloverleaf_vocabulary::{BootTime, Clock, Timestamp};

/// Monotonic time since the program started, and the system's UTC.
pub struct SystemClock(Instant);

impl SystemClock {
    /// Starts now.
    #[expect(clippy::disallowed_methods, reason = "the one place of this program that reads clocks")]
    pub fn start() -> Self {
        Self(Instant::now())
    }

    /// Seconds since the start.
    pub fn seconds(&self) -> f64 {
        self.0.elapsed().as_secs_f64()
    }
}

impl Clock for SystemClock {
    fn boot_time(&self) -> BootTime {
        BootTime::from_secs_f64(self.seconds())
    }

    #[expect(clippy::disallowed_methods, reason = "the one place of this program that reads clocks")]
    fn utc(&self) -> Timestamp {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Timestamp::from_nanos(i64::try_from(since.as_nanos()).unwrap_or(i64::MAX))
    }
}
