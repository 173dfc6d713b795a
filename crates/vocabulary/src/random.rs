//! Counter-based random numbers: a value depends only on its key, never on who asked first.

/// A stream of random draws keyed by (seed, entity, step), so that any order of evaluation, any number of threads and
/// any replay from the middle give the same values.
///
/// The mixing function is SplitMix64's finaliser (Steele, Lea and Flood 2014, "Fast splittable pseudorandom number
/// generators"), applied over the key words and a counter.
#[derive(Debug, Clone)]
pub struct Draw {
    key: u64,
    counter: u64,
}

const GOLDEN: u64 = 0x9E37_79B9_7F4A_7C15;

fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

impl Draw {
    /// The stream of `entity` at `step` under `seed`.
    pub fn new(seed: u64, entity: u64, step: u64) -> Self {
        let key = mix(mix(mix(seed.wrapping_add(GOLDEN)) ^ entity.wrapping_mul(GOLDEN)) ^ step.wrapping_add(GOLDEN));
        Self { key, counter: 0 }
    }

    /// Next 64 random bits.
    pub fn bits(&mut self) -> u64 {
        self.counter = self.counter.wrapping_add(1);
        mix(self.key.wrapping_add(self.counter.wrapping_mul(GOLDEN)))
    }

    /// Uniform in [0, 1).
    pub fn unit(&mut self) -> f64 {
        (self.bits() >> 11) as f64 * (1.0 / (1u64 << 53) as f64)
    }

    /// Uniform in [low, high).
    pub fn uniform(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.unit()
    }

    /// Uniform in 0..n; 0 for n = 0.
    pub fn below(&mut self, n: u64) -> u64 {
        ((u128::from(self.bits()) * u128::from(n)) >> 64) as u64
    }

    /// Standard normal, by Box and Muller (1958).
    pub fn normal(&mut self) -> f64 {
        let radius = (-2.0 * (1.0 - self.unit()).ln()).sqrt();
        radius * (std::f64::consts::TAU * self.unit()).cos()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn same_key_same_values_other_key_others() {
        let take = |seed, entity, step| {
            let mut draw = Draw::new(seed, entity, step);
            [draw.bits(), draw.bits(), draw.bits()]
        };
        assert_eq!(take(1, 2, 3), take(1, 2, 3));
        assert_ne!(take(1, 2, 3), take(1, 3, 2));
        assert_ne!(take(1, 2, 3), take(2, 2, 3));
    }

    #[test]
    fn moments_are_right() {
        let n = 100_000;
        let mut draw = Draw::new(7, 0, 0);
        let (mut sum, mut squares, mut unit) = (0.0, 0.0, 0.0);
        for _ in 0..n {
            let value = draw.normal();
            sum += value;
            squares += value * value;
            unit += draw.unit();
            assert!(draw.below(6) < 6);
        }
        let n = f64::from(n);
        assert!((sum / n).abs() < 0.02);
        assert!((squares / n - 1.0).abs() < 0.03);
        assert!((unit / n - 0.5).abs() < 0.01);
    }
}
