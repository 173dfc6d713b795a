use std::time::{Instant, SystemTime, UNIX_EPOCH};

use cloverleaf_vocabulary::{BootTime, Clock, Timestamp};

/// The operating system's clocks. Monotonic time counts from the program's start.
pub struct SystemClock {
    started: Instant,
}

impl SystemClock {
    /// Starts at zero.
    #[expect(clippy::disallowed_methods, reason = "this is the binary's clock, which libraries are given")]
    pub fn new() -> Self {
        Self { started: Instant::now() }
    }
}

impl Clock for SystemClock {
    fn boot_time(&self) -> BootTime {
        BootTime::from_nanos(u64::try_from(self.started.elapsed().as_nanos()).unwrap_or(u64::MAX))
    }

    #[expect(clippy::disallowed_methods, reason = "this is the binary's clock, which libraries are given")]
    fn utc(&self) -> Timestamp {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Timestamp::from_nanos(i64::try_from(since.as_nanos()).unwrap_or(i64::MAX))
    }
}
