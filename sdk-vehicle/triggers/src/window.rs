//! One operand's recent past in 64 buckets: the state behind `window_*` and `rate(x, d)`.

/// Buckets a window is cut into; the window's resolution is its span over this.
pub const BUCKETS: usize = 64;

const LANES: usize = 4;

/// Extremes, time integral and last value of a piecewise constant function over the last span.
#[derive(Debug, Clone)]
pub struct Window {
    bucket_ns: u64,
    closed: [Bucket; BUCKETS],
    /// Value at the end of the bucket before the oldest closed one.
    end_before: f64,
    /// Number of the open bucket: its start over `bucket_ns`.
    number: u64,
    open: Bucket,
    /// Value now; NaN is unknown.
    held: f64,
    /// Up to where `open` has been filled.
    filled_ns: u64,
    /// Number of the bucket in which `held` last changed.
    changed_in: u64,
    /// Over all closed buckets.
    summary: Summary,
    reads_extremes: bool,
    reads_mean: bool,
}

#[derive(Debug, Clone, Copy)]
struct Bucket {
    max: f64,
    min: f64,
    integral: f64,
    known_ns: u64,
    end: f64,
}

#[derive(Debug, Clone, Copy)]
struct Summary {
    max: f64,
    min: f64,
    mean: f64,
    difference: f64,
}

const EMPTY: Bucket = Bucket { max: f64::NAN, min: f64::NAN, integral: 0.0, known_ns: 0, end: f64::NAN };
const NOTHING: Summary = Summary { max: f64::NAN, min: f64::NAN, mean: f64::NAN, difference: f64::NAN };

impl Window {
    /// Bytes one window takes.
    pub const BYTES: usize = size_of::<Self>();

    pub fn new(span_s: f64) -> Self {
        let bucket_ns = ((span_s * 1e9 / BUCKETS as f64).round() as u64).max(1);
        Self {
            bucket_ns,
            closed: [EMPTY; BUCKETS],
            end_before: f64::NAN,
            number: 0,
            open: EMPTY,
            held: f64::NAN,
            filled_ns: 0,
            changed_in: 0,
            summary: NOTHING,
            reads_extremes: false,
            reads_mean: false,
        }
    }

    /// Say before the first [`Window::hold`] that `max` or `min` will be read.
    pub fn read_extremes(&mut self) {
        self.reads_extremes = true;
    }

    /// Say before the first [`Window::hold`] that `mean` will be read.
    pub fn read_mean(&mut self) {
        self.reads_mean = true;
    }

    /// The operand is `value` from `now_ns` on.
    pub fn hold(&mut self, now_ns: u64, value: f64) {
        self.roll_to(now_ns);
        if value.to_bits() != self.held.to_bits() {
            self.fill_to(now_ns);
            self.held = value;
            self.changed_in = self.number;
        }
        self.open.max = self.open.max.max(value);
        self.open.min = self.open.min.min(value);
    }

    pub fn max(&self) -> f64 {
        self.summary.max.max(self.open.max)
    }

    pub fn min(&self) -> f64 {
        self.summary.min.min(self.open.min)
    }

    pub fn mean(&self) -> f64 {
        self.summary.mean
    }

    /// Change a second over the span.
    pub fn rate(&self) -> f64 {
        self.summary.difference / (self.bucket_ns as f64 * BUCKETS as f64 * 1e-9)
    }

    /// When the window's values may next change without a new operand; `u64::MAX` when they have settled.
    pub fn next_change_ns(&self) -> u64 {
        if self.number > self.changed_in + BUCKETS as u64 {
            return u64::MAX;
        }
        (self.number + 1).saturating_mul(self.bucket_ns)
    }

    /// Closes the buckets that have ended by `now_ns`.
    fn roll_to(&mut self, now_ns: u64) {
        let target = now_ns / self.bucket_ns;
        if target <= self.number {
            return;
        }
        self.close();
        // After one more round every closed bucket holds the same value: the buckets between need not be walked.
        self.number = self.number.max(target.saturating_sub(BUCKETS as u64 + 1));
        self.filled_ns = self.number * self.bucket_ns;
        while self.number < target {
            self.close();
        }
        self.summarise();
    }

    fn close(&mut self) {
        let boundary = (self.number + 1).saturating_mul(self.bucket_ns);
        self.fill_to(boundary);
        self.open.end = self.held;
        let slot = &mut self.closed[(self.number % BUCKETS as u64) as usize];
        self.end_before = slot.end;
        *slot = self.open;
        self.open = Bucket { max: self.held, min: self.held, ..EMPTY };
        self.number += 1;
    }

    fn fill_to(&mut self, until_ns: u64) {
        let span = until_ns.saturating_sub(self.filled_ns);
        if !self.held.is_nan() {
            self.open.integral += self.held * span as f64;
            self.open.known_ns += span;
        }
        self.filled_ns = until_ns;
    }

    fn newest_end(&self) -> f64 {
        self.closed[(self.number.wrapping_sub(1) % BUCKETS as u64) as usize].end
    }

    /// Over the closed buckets, only what is read: NaN-ignoring extremes (`f64::max` takes the other operand), mean of the
    /// known time. Four lanes, always the same four, so that additions need not wait for each other.
    fn summarise(&mut self) {
        let mut summary = NOTHING;
        if self.reads_extremes {
            let mut lanes = [(f64::NAN, f64::NAN); LANES];
            for chunk in self.closed.chunks_exact(LANES) {
                for (lane, bucket) in lanes.iter_mut().zip(chunk) {
                    *lane = (lane.0.max(bucket.max), lane.1.min(bucket.min));
                }
            }
            for (max, min) in lanes {
                summary.max = summary.max.max(max);
                summary.min = summary.min.min(min);
            }
        }
        if self.reads_mean {
            let mut lanes = [(0.0, 0); LANES];
            for chunk in self.closed.chunks_exact(LANES) {
                for (lane, bucket) in lanes.iter_mut().zip(chunk) {
                    *lane = (lane.0 + bucket.integral, lane.1 + bucket.known_ns);
                }
            }
            let known_ns: u64 = lanes.iter().map(|lane| lane.1).sum();
            if known_ns > 0 {
                summary.mean = lanes.iter().map(|lane| lane.0).sum::<f64>() / known_ns as f64;
            }
        }
        summary.difference = self.newest_end() - self.end_before;
        self.summary = summary;
    }
}
