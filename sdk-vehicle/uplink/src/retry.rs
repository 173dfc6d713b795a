use std::time::Duration;

use cloverleaf_vocabulary::Draw;

/// How often and how long to try.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetryPolicy {
    /// Attempts in all, at least 1.
    pub attempts: u32,
    /// Longest wait before the second attempt; it doubles with every further one.
    pub first_wait: Duration,
    /// Longest wait at all.
    pub longest_wait: Duration,
}

impl Default for RetryPolicy {
    /// Five attempts over at most 7.5 s.
    fn default() -> Self {
        Self { attempts: 5, first_wait: Duration::from_millis(500), longest_wait: Duration::from_secs(20) }
    }
}

impl RetryPolicy {
    /// The wait after `failed` failed attempts (from 1): between half and all of the exponential step, so that many
    /// vehicles that lost the store at once do not come back at once.
    pub(crate) fn wait(&self, failed: u32, jitter: &mut Draw) -> Duration {
        let step = self.first_wait.saturating_mul(2u32.saturating_pow(failed.saturating_sub(1)));
        step.min(self.longest_wait).mul_f64(jitter.uniform(0.5, 1.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_the_longest() {
        let policy = RetryPolicy { attempts: 9, ..RetryPolicy::default() };
        let mut jitter = Draw::new(1, 2, 3);
        for (failed, most_ms) in [(1, 500), (2, 1000), (3, 2000), (6, 16_000), (7, 20_000), (40, 20_000)] {
            let wait = policy.wait(failed, &mut jitter).as_millis();
            assert!((most_ms / 2..=most_ms).contains(&wait), "{failed}: {wait} ms");
        }
    }
}
