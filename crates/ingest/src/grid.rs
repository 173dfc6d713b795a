//! Signals on a regular grid: the last value, held for a while.

use arrow::array::{ArrayRef, Float64Builder};
use std::sync::Arc;

/// 20 Hz.
pub(crate) const STEP_NS: u64 = 50_000_000;
/// How long a value counts after it was sent.
pub(crate) const HOLD_NS: u64 = 1_000_000_000;

/// The instants `start + k * STEP_NS` up to and including `end`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Grid {
    start_ns: u64,
    len: usize,
}

impl Grid {
    /// `None` when the window would have more than `most` instants.
    pub fn new(start_ns: u64, end_ns: u64, most: usize) -> Option<Self> {
        let len = usize::try_from(end_ns.checked_sub(start_ns)? / STEP_NS).ok()?.checked_add(1)?;
        (len <= most).then_some(Self { start_ns, len })
    }

    pub fn len(self) -> usize {
        self.len
    }

    /// The k-th instant, boot clock.
    pub fn at(self, k: usize) -> u64 {
        self.start_ns + k as u64 * STEP_NS
    }

    /// How many instants lie before `time_ns`.
    fn before(self, time_ns: u64) -> usize {
        let since = time_ns.saturating_sub(self.start_ns);
        usize::try_from(since.div_ceil(STEP_NS)).map_or(self.len, |count| count.min(self.len))
    }
}

/// One signal's column, filled as its samples come in order of time.
#[derive(Debug)]
pub(crate) struct Column {
    grid: Grid,
    cells: Float64Builder,
    filled: usize,
    last: Option<(u64, f64)>,
}

impl Column {
    pub fn new(grid: Grid) -> Self {
        Self { grid, cells: Float64Builder::with_capacity(grid.len()), filled: 0, last: None }
    }

    /// Takes a sample; one that is no number makes the signal unknown until the next. Returns whether it was a number.
    pub fn sample(&mut self, time_ns: u64, value: f64) -> bool {
        self.fill(self.grid.before(time_ns));
        self.last = value.is_finite().then_some((time_ns, value));
        value.is_finite()
    }

    pub fn finish(mut self) -> ArrayRef {
        self.fill(self.grid.len());
        Arc::new(self.cells.finish())
    }

    fn fill(&mut self, until: usize) {
        for k in self.filled..until {
            let held = self.last.filter(|&(sent_ns, _)| self.grid.at(k).saturating_sub(sent_ns) <= HOLD_NS);
            self.cells.append_option(held.map(|(_, value)| value));
        }
        self.filled = self.filled.max(until);
    }
}

#[cfg(test)]
mod tests {
    use arrow::array::{Array, AsArray};
    use arrow::datatypes::Float64Type;
    use proptest::prelude::*;

    use super::*;

    /// The definition, word by word: the last sample not after the instant, if it is a number and not older than the
    /// hold time.
    fn by_definition(grid: Grid, samples: &[(u64, f64)]) -> Vec<Option<f64>> {
        (0..grid.len())
            .map(|k| {
                let last = samples.iter().rfind(|(time, _)| *time <= grid.at(k))?;
                (grid.at(k) - last.0 <= HOLD_NS && last.1.is_finite()).then_some(last.1)
            })
            .collect()
    }

    proptest! {
        #[test]
        fn streaming_equals_the_definition(
            start in 0_u64..10_000_000_000,
            length in 0_u64..5_000_000_000,
            mut samples in prop::collection::vec((0_u64..16_000_000_000, prop_oneof![9 => -1e3..1e3_f64, 1 => Just(f64::NAN)]), 0..60),
        ) {
            samples.sort_by_key(|(time, _)| *time);
            let grid = Grid::new(start, start + length, 1_000).unwrap();
            let mut column = Column::new(grid);
            for &(time, value) in &samples {
                prop_assert_eq!(column.sample(time, value), value.is_finite());
            }
            let cells = column.finish();
            prop_assert_eq!(cells.len(), grid.len());
            let cells: Vec<_> = cells.as_primitive::<Float64Type>().iter().collect();
            prop_assert_eq!(cells, by_definition(grid, &samples));
        }
    }

    #[test]
    fn a_window_too_long_or_upside_down_has_no_grid() {
        assert_eq!(Grid::new(0, 1_000_000_000, 20), None);
        assert_eq!(Grid::new(0, 1_000_000_000, 21).unwrap().len(), 21);
        assert_eq!(Grid::new(5, 4, 20), None);
        assert_eq!(Grid::new(0, u64::MAX, usize::MAX).map(Grid::len), Some((u64::MAX / STEP_NS) as usize + 1));
    }
}
