//! Piecewise cubic functions of s: elevation, lane offset, widths.

/// `a + b ds + c ds^2 + d ds^3` from `start_m` on, with `ds = s - start_m`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Cubic {
    /// Where the piece begins, m.
    pub start_m: f64,
    /// Constant term.
    pub a: f64,
    /// Linear term, per m.
    pub b: f64,
    /// Quadratic term, per m^2.
    pub c: f64,
    /// Cubic term, per m^3.
    pub d: f64,
}

impl Cubic {
    /// Value at s.
    pub fn value(&self, s_m: f64) -> f64 {
        let ds = s_m - self.start_m;
        self.a + ds * (self.b + ds * (self.c + ds * self.d))
    }

    /// Derivative at s.
    pub fn slope(&self, s_m: f64) -> f64 {
        let ds = s_m - self.start_m;
        self.b + ds * (2.0 * self.c + ds * 3.0 * self.d)
    }
}

/// Pieces in increasing order of their start. Before the first piece, and with no piece at all, the value is 0.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Profile {
    /// The pieces.
    pub pieces: Vec<Cubic>,
}

impl Profile {
    /// One value everywhere.
    pub fn constant(value: f64) -> Self {
        Self { pieces: vec![Cubic { start_m: 0.0, a: value, b: 0.0, c: 0.0, d: 0.0 }] }
    }

    fn piece(&self, s_m: f64) -> Option<&Cubic> {
        match self.pieces.as_slice() {
            [] => None,
            [only] => (only.start_m <= s_m).then_some(only),
            pieces => pieces.get(pieces.partition_point(|piece| piece.start_m <= s_m).checked_sub(1)?),
        }
    }

    /// Value at s.
    pub fn value(&self, s_m: f64) -> f64 {
        self.piece(s_m).map_or(0.0, |piece| piece.value(s_m))
    }

    /// Derivative at s.
    pub fn slope(&self, s_m: f64) -> f64 {
        self.piece(s_m).map_or(0.0, |piece| piece.slope(s_m))
    }
}
