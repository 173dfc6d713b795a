//! A picture in planar YUV 4:2:0 (BT.601, studio range) and the few things drawn on it.

/// Width of the picture, pixels.
pub const WIDTH: usize = 640;
/// Height of the picture, pixels.
pub const HEIGHT: usize = 360;

/// Luma, blue difference and red difference.
pub type Colour = [u8; 3];

/// Planes of one picture.
#[derive(Clone)]
pub struct Canvas {
    /// Luma, one byte a pixel.
    pub y: Vec<u8>,
    /// Blue difference, one byte for two by two pixels.
    pub u: Vec<u8>,
    /// Red difference, one byte for two by two pixels.
    pub v: Vec<u8>,
}

impl Canvas {
    /// A black picture.
    pub fn new() -> Self {
        Self { y: vec![16; WIDTH * HEIGHT], u: vec![128; WIDTH * HEIGHT / 4], v: vec![128; WIDTH * HEIGHT / 4] }
    }

    /// A horizontal run of pixels of a row, `from` and `to` in pixels with fractional coverage at both ends.
    pub fn span(&mut self, row: usize, from: f64, to: f64, colour: Colour) {
        let (from, to) = (from.max(0.0), to.min(WIDTH as f64));
        if row >= HEIGHT || from >= to {
            return;
        }
        let (first, last) = (from.floor() as usize, (to.ceil() as usize).min(WIDTH));
        let (inner_first, inner_last) = (from.ceil() as usize, to.floor() as usize);
        if inner_first < inner_last {
            self.y[row * WIDTH + inner_first..row * WIDTH + inner_last].fill(colour[0]);
        }
        if inner_first > inner_last {
            self.blend(row, first, to - from, colour[0]);
        } else {
            if first < inner_first {
                self.blend(row, first, inner_first as f64 - from, colour[0]);
            }
            if inner_last < last {
                self.blend(row, inner_last, to - inner_last as f64, colour[0]);
            }
        }
        if row.is_multiple_of(2) {
            // A pair of pixels takes the colour when its left one is covered by half or more.
            let (a, b) = (((from / 2.0).round() as usize).min(WIDTH / 2), ((to / 2.0).round() as usize).min(WIDTH / 2));
            if a < b {
                let line = row / 2 * (WIDTH / 2);
                self.u[line + a..line + b].fill(colour[1]);
                self.v[line + a..line + b].fill(colour[2]);
            }
        }
    }

    fn blend(&mut self, row: usize, column: usize, coverage: f64, luma: u8) {
        if let Some(pixel) = self.y.get_mut(row * WIDTH + column) {
            let below = f64::from(*pixel);
            *pixel = (below + (f64::from(luma) - below) * coverage.clamp(0.0, 1.0)).round() as u8;
        }
    }

    /// A convex polygon with corners in pixels, in any order of turning.
    pub fn polygon(&mut self, corners: &[[f64; 2]], colour: Colour) {
        let top = corners.iter().map(|c| c[1]).fold(f64::INFINITY, f64::min).max(0.0);
        let bottom = corners.iter().map(|c| c[1]).fold(f64::NEG_INFINITY, f64::max).min(HEIGHT as f64);
        if top.is_nan() || bottom.is_nan() || top >= bottom {
            return;
        }
        for row in top.floor() as usize..(bottom.ceil() as usize).min(HEIGHT) {
            // The row's middle, moved inside for slivers thinner than a row.
            let at = (row as f64 + 0.5).clamp(top, bottom);
            let (mut left, mut right) = (f64::INFINITY, f64::NEG_INFINITY);
            for (index, a) in corners.iter().enumerate() {
                let b = &corners[(index + 1) % corners.len()];
                let (low, high) = if a[1] < b[1] { (a, b) } else { (b, a) };
                if low[1] <= at && at <= high[1] {
                    let share = if high[1] > low[1] { (at - low[1]) / (high[1] - low[1]) } else { 0.0 };
                    let x = low[0] + (high[0] - low[0]) * share;
                    left = left.min(x);
                    right = right.max(x);
                    if high[1] <= low[1] {
                        left = left.min(high[0]);
                        right = right.max(high[0]);
                    }
                }
            }
            if left < right {
                self.span(row, left, right, colour);
            }
        }
    }

    /// An upright rectangle in pixels.
    pub fn rectangle(&mut self, left: f64, top: f64, right: f64, bottom: f64, colour: Colour) {
        self.polygon(&[[left, top], [right, top], [right, bottom], [left, bottom]], colour);
    }
}

/// A colour between two.
pub fn mix(a: Colour, b: Colour, share: f64) -> Colour {
    let share = share.clamp(0.0, 1.0);
    [0, 1, 2].map(|i| (f64::from(a[i]) + (f64::from(b[i]) - f64::from(a[i])) * share).round() as u8)
}

/// The same hue, brighter or darker.
pub fn shade(colour: Colour, factor: f64) -> Colour {
    let luma = (16.0 + (f64::from(colour[0]) - 16.0) * factor).clamp(16.0, 235.0);
    [luma.round() as u8, colour[1], colour[2]]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn polygons_cover_their_area_and_stay_inside() {
        let mut canvas = Canvas::new();
        canvas.polygon(&[[10.0, 10.0], [110.0, 10.0], [110.0, 60.0], [10.0, 60.0]], [216, 90, 200]);
        let lit = canvas.y.iter().filter(|y| **y == 216).count();
        assert_eq!(lit, 100 * 50);
        assert_eq!(canvas.u.iter().filter(|u| **u == 90).count(), 50 * 25);
        for corners in [
            [[-1e9, -50.0], [1e9, 20.0], [3.0, 1e7]],
            [[700.0, 400.0], [900.0, 500.0], [800.0, 600.0]],
            [[5.0, 5.0], [5.0, 5.0], [5.0, 5.0]],
        ] {
            canvas.polygon(&corners, [100, 128, 128]);
        }
    }
}
