//! The front camera: the world as it is, drawn in perspective. Simple shapes, true geometry.

use super::canvas::{Canvas, Colour, HEIGHT, WIDTH, mix, shade};
use super::own::OwnVehicle;
use super::road::{LANE_WIDTH_M, LANES, Road, SHOULDER_LEFT_M, SHOULDER_RIGHT_M};
use super::traffic::Vehicle;
use super::world::World;

/// Picture cycle in world steps (20 Hz).
pub const CYCLE_STEPS: u64 = 5;
/// Pictures a second.
pub const RATE_HZ: u64 = 20;

/// Focal length in pixels: 58 degrees of horizontal field of view.
const FOCAL_PX: f64 = 577.0;
/// Where the optical axis meets the picture.
const CENTRE_X: f64 = WIDTH as f64 / 2.0;
const CENTRE_Y: f64 = 168.0;
/// Camera above the road and ahead of the rear axle, m.
const HEIGHT_M: f64 = 1.35;
const AHEAD_M: f64 = 1.7;
/// Nearest thing drawn and farthest stretch of road, m.
const NEAR_M: f64 = 1.2;
const FAR_M: f64 = 420.0;
/// Dashes and gaps of the lane lines, m (6 and 9 on Chinese motorways, GB 5768.3).
const DASH_M: f64 = 6.0;
const DASH_PERIOD_M: f64 = 15.0;

const ZENITH: Colour = [150, 146, 112];
const HAZE: Colour = [196, 132, 122];
const HILLS: Colour = [118, 132, 118];
const GRASS: Colour = [98, 112, 122];
const ASPHALT: Colour = [92, 129, 127];
const PAINT: Colour = [212, 127, 128];
const RAIL: Colour = [150, 128, 128];

/// What the camera needs to know of an instant; cheap to hand to another thread.
pub struct Scene {
    own: OwnVehicle,
    others: Vec<Vehicle>,
    /// Pitch from braking and accelerating, rad; nose down is positive.
    pitch_rad: f64,
}

impl Scene {
    /// The world now.
    pub fn of(world: &World) -> Self {
        let mut others: Vec<Vehicle> = world
            .others
            .iter()
            .filter(|other| other.front_m() > world.own.along_m + AHEAD_M && other.rear_m() < world.own.along_m + FAR_M)
            .cloned()
            .collect();
        others.sort_by(|a, b| b.rear_m().total_cmp(&a.rear_m()));
        Self { own: world.own, others, pitch_rad: -0.0022 * world.own.accel_mps2 }
    }
}

/// Draws scenes of one road.
pub struct Camera {
    road: Road,
    /// Centre line ahead in the camera's frame: forward and left of points one by one.
    line: Vec<LinePoint>,
}

#[derive(Clone, Copy)]
struct LinePoint {
    forward_m: f64,
    left_m: f64,
    along_m: f64,
    /// Stretch of lateral distances where the road crosses the view at an angle.
    slant: f64,
}

impl Camera {
    /// A camera on a road.
    pub fn new(road: Road) -> Self {
        Self { road, line: Vec::new() }
    }

    /// Draws a scene over whatever the canvas held.
    pub fn draw(&mut self, scene: &Scene, canvas: &mut Canvas) {
        let view = View::new(scene);
        self.trace(scene, &view);
        draw_sky(canvas, &view);
        self.draw_ground(canvas, &view);
        self.draw_rails(canvas, &view);
        for other in &scene.others {
            draw_vehicle(canvas, &self.road, &view, other);
        }
        // Our own bonnet.
        canvas
            .polygon(&[[90.0, 360.0], [150.0, 341.0], [320.0, 334.0], [490.0, 341.0], [550.0, 360.0]], [46, 130, 126]);
    }

    fn trace(&mut self, scene: &Scene, view: &View) {
        self.line.clear();
        let mut along_m = scene.own.along_m + AHEAD_M;
        while along_m < scene.own.along_m + FAR_M {
            let point = self.road.at(along_m);
            let [forward_m, left_m] = view.ground(point.x_m, point.y_m);
            let slant = (point.heading_rad - view.yaw_rad).cos().max(0.2);
            self.line.push(LinePoint { forward_m, left_m, along_m, slant });
            along_m += (0.02 * (along_m - scene.own.along_m)).clamp(0.4, 6.0);
        }
    }

    /// The centre line at a distance straight ahead.
    fn line_at(&self, forward_m: f64) -> Option<LinePoint> {
        let after = self.line.partition_point(|point| point.forward_m < forward_m);
        let (a, b) = (self.line.get(after.checked_sub(1)?)?, self.line.get(after)?);
        let t = (forward_m - a.forward_m) / (b.forward_m - a.forward_m).max(1e-9);
        let mix = |p: f64, q: f64| p + (q - p) * t;
        Some(LinePoint {
            forward_m,
            left_m: mix(a.left_m, b.left_m),
            along_m: mix(a.along_m, b.along_m),
            slant: mix(a.slant, b.slant),
        })
    }

    fn draw_ground(&self, canvas: &mut Canvas, view: &View) {
        let half = LANES as f64 / 2.0 * LANE_WIDTH_M;
        let mut last = None;
        for row in (view.horizon.floor().max(0.0) as usize)..HEIGHT {
            let below = row as f64 + 0.5 - view.horizon;
            if below <= 0.0 {
                continue;
            }
            let forward_m = FOCAL_PX * HEIGHT_M / below;
            let Some(line) = self.line_at(forward_m).or(last) else {
                canvas.span(row, 0.0, WIDTH as f64, mix(GRASS, HAZE, 0.75));
                continue;
            };
            last = Some(line);
            let haze = (forward_m / 380.0).powf(1.3).min(0.8);
            let per_m = FOCAL_PX / forward_m / line.slant;
            let middle = CENTRE_X - line.left_m * FOCAL_PX / forward_m;
            let x = |lateral_m: f64| middle - lateral_m * per_m;
            // Bands along the road give the eye, and the codec, something that moves.
            let band = |period: f64| ((line.along_m / period).floor() as i64).rem_euclid(2) as f64;
            let grass = shade(GRASS, 0.94 + 0.06 * band(11.0) + 0.05 * band(4.3));
            let asphalt = shade(
                ASPHALT,
                0.97 + 0.035 * band(23.0) + if line.along_m.rem_euclid(50.0) < 0.3 { -0.12 } else { 0.0 },
            );
            canvas.span(row, 0.0, WIDTH as f64, mix(grass, HAZE, haze));
            let edge = mix(asphalt, HAZE, haze);
            canvas.span(row, x(half + SHOULDER_LEFT_M), x(-half - SHOULDER_RIGHT_M), edge);
            let paint = mix(PAINT, HAZE, haze);
            // Lines are 0.15 m to 0.2 m wide; far away they fade instead of vanishing.
            let mut stripe = |lateral_m: f64, width_m: f64| {
                let (from, to) = (x(lateral_m + width_m / 2.0), x(lateral_m - width_m / 2.0));
                canvas.span(row, from, to, paint);
            };
            stripe(half, 0.2);
            stripe(-half, 0.2);
            if line.along_m.rem_euclid(DASH_PERIOD_M) < DASH_M {
                for gap in 1..LANES {
                    stripe(half - gap as f64 * LANE_WIDTH_M, 0.15);
                }
            }
        }
    }

    /// Guard rails on both sides with their posts.
    fn draw_rails(&self, canvas: &mut Canvas, view: &View) {
        let half = LANES as f64 / 2.0 * LANE_WIDTH_M;
        for lateral_m in [half + SHOULDER_LEFT_M + 0.3, -half - SHOULDER_RIGHT_M - 0.4] {
            let Some(first) = self.line.first() else { return };
            let mut along_m = ((first.along_m + 230.0) / 4.0).floor() * 4.0;
            while along_m > first.along_m {
                let here = view.project_road(&self.road, along_m, lateral_m, 0.75);
                let next = view.project_road(&self.road, along_m - 4.0, lateral_m, 0.75);
                let foot = view.project_road(&self.road, along_m, lateral_m, 0.0);
                if let (Some(a), Some(b), Some(foot)) = (here, next, foot) {
                    let haze = (a.distance_m / 300.0).min(0.75);
                    let thick = |distance_m: f64| (0.3 * FOCAL_PX / distance_m).max(0.5);
                    let colour = mix(RAIL, HAZE, haze);
                    let post = (0.06 * FOCAL_PX / foot.distance_m).max(0.4);
                    canvas.rectangle(foot.x - post, a.y, foot.x + post, foot.y, shade(colour, 0.75));
                    let corners =
                        [[a.x, a.y], [b.x, b.y], [b.x, b.y + thick(b.distance_m)], [a.x, a.y + thick(a.distance_m)]];
                    canvas.polygon(&corners, colour);
                }
                along_m -= 4.0;
            }
        }
    }
}

/// Camera pose of a scene.
struct View {
    x_m: f64,
    y_m: f64,
    sin: f64,
    cos: f64,
    yaw_rad: f64,
    /// Row of the horizon.
    horizon: f64,
}

/// A point in the picture.
#[derive(Clone, Copy)]
struct Pixel {
    x: f64,
    y: f64,
    distance_m: f64,
}

impl View {
    fn new(scene: &Scene) -> Self {
        let own = &scene.own;
        let (sin, cos) = own.yaw_rad.sin_cos();
        let horizon = CENTRE_Y - FOCAL_PX * scene.pitch_rad;
        Self { x_m: own.x_m + AHEAD_M * cos, y_m: own.y_m + AHEAD_M * sin, sin, cos, yaw_rad: own.yaw_rad, horizon }
    }

    /// Forward and left of a ground point, m.
    fn ground(&self, x_m: f64, y_m: f64) -> [f64; 2] {
        let (dx, dy) = (x_m - self.x_m, y_m - self.y_m);
        [dx * self.cos + dy * self.sin, dy * self.cos - dx * self.sin]
    }

    fn project(&self, x_m: f64, y_m: f64, height_m: f64) -> Option<Pixel> {
        let [forward, left] = self.ground(x_m, y_m);
        (forward > NEAR_M).then(|| Pixel {
            x: CENTRE_X - left * FOCAL_PX / forward,
            y: self.horizon + (HEIGHT_M - height_m) * FOCAL_PX / forward,
            distance_m: forward,
        })
    }

    fn project_road(&self, road: &Road, along_m: f64, lateral_m: f64, height_m: f64) -> Option<Pixel> {
        let [x, y] = road.xy(along_m, lateral_m);
        self.project(x, y, height_m)
    }
}

fn draw_sky(canvas: &mut Canvas, view: &View) {
    let horizon = view.horizon.clamp(0.0, HEIGHT as f64);
    for row in 0..horizon.ceil() as usize {
        let share = (row as f64 / horizon.max(1.0)).powf(1.5);
        canvas.span(row, 0.0, WIDTH as f64, mix(ZENITH, HAZE, share));
    }
    // Hills stand still in the world, so they pass sideways when we turn.
    let mut column = 0.0;
    while column < WIDTH as f64 {
        let bearing = view.yaw_rad - ((column - CENTRE_X) / FOCAL_PX).atan();
        let height =
            5.0 + 5.0 * (bearing * 7.0).sin() + 3.5 * (bearing * 17.0 + 1.0).sin() + 1.5 * (bearing * 41.0).sin();
        canvas.rectangle(column, horizon - height.max(0.5) * 1.6, column + 4.0, horizon + 1.0, mix(HILLS, HAZE, 0.45));
        column += 4.0;
    }
}

/// A box with a lit rear, darker sides, windows, wheels and lamps; debris is a plain box.
fn draw_vehicle(canvas: &mut Canvas, road: &Road, view: &View, other: &Vehicle) {
    let half_width = other.width_m / 2.0;
    let turn = if other.speed_mps > 1.0 { (other.lateral_mps / other.speed_mps).atan() } else { 0.0 };
    // A point by share of the length from the rear, offset to the left, height; turned about the middle.
    let point = |share: f64, left_m: f64, height_m: f64| {
        let from_middle = (share - 0.5) * other.length_m;
        view.project_road(
            road,
            other.along_m + from_middle,
            other.lateral_m + left_m + from_middle * turn.tan(),
            height_m,
        )
    };
    let ground_m = if other.is_debris { 0.0 } else { 0.28 };
    let corners = |share: f64, low: f64, high: f64| {
        Some([
            point(share, half_width, low)?,
            point(share, -half_width, low)?,
            point(share, -half_width, high)?,
            point(share, half_width, high)?,
        ])
    };
    // Beside us the rear is behind the camera: what remains visible is the side from there on.
    let start = [0.0, 0.15, 0.3, 0.45, 0.6, 0.75, 0.9].into_iter().find(|share| corners(*share, 0.0, 1.0).is_some());
    let Some(start) = start else { return };
    let (Some(rear), Some(front)) = (corners(start, ground_m, other.height_m), corners(1.0, ground_m, other.height_m))
    else {
        return;
    };
    let haze = (rear[0].distance_m / 420.0).min(0.7);
    let paint = |colour: Colour, factor: f64| mix(shade(colour, factor), HAZE, haze);
    let xy = |p: Pixel| [p.x, p.y];
    // Shadow on the road.
    if let (Some(a), Some(b)) = (corners(start, 0.0, 0.0), corners(1.0, 0.0, 0.0)) {
        canvas.polygon(&[xy(a[0]), xy(a[1]), xy(b[1]), xy(b[0])], paint([48, 128, 128], 1.0));
    }
    // The side that faces us.
    for (side, is_seen) in [(0, rear[0].x > front[0].x), (1, rear[1].x < front[1].x)] {
        if is_seen {
            let (low, high) = if side == 0 { (0, 3) } else { (1, 2) };
            canvas.polygon(&[xy(rear[low]), xy(front[low]), xy(front[high]), xy(rear[high])], paint(other.paint, 0.62));
            if !other.is_debris {
                draw_side_details(canvas, &point, other, if side == 0 { half_width } else { -half_width }, start, haze);
            }
        }
    }
    if start > 0.0 {
        return;
    }
    canvas.polygon(&rear.map(xy), paint(other.paint, if other.is_debris { 0.8 } else { 0.92 }));
    if other.is_debris {
        return;
    }
    draw_rear_details(canvas, &rear, other, haze);
}

fn draw_side_details(
    canvas: &mut Canvas,
    point: &impl Fn(f64, f64, f64) -> Option<Pixel>,
    other: &Vehicle,
    left_m: f64,
    start: f64,
    haze: f64,
) {
    let dark = mix([34, 128, 128], HAZE, haze);
    for share in [0.18, 0.8] {
        let half = 0.33 / other.length_m;
        if share - half <= start {
            continue;
        }
        let wheel = [(share - half, 0.0), (share + half, 0.0), (share + half, 0.62), (share - half, 0.62)]
            .map(|(share, height)| point(share, left_m, height).map(|p| [p.x, p.y]));
        if let [Some(a), Some(b), Some(c), Some(d)] = wheel {
            canvas.polygon(&[a, b, c, d], dark);
        }
    }
    let (from, to) = if other.length_m > 7.0 { (0.86, 0.98) } else { (0.15, 0.7) };
    if from > start {
        let window = [(from, 0.58), (to, 0.58), (to, 0.88), (from, 0.88)]
            .map(|(share, height)| point(share, left_m, height * other.height_m).map(|p| [p.x, p.y]));
        if let [Some(a), Some(b), Some(c), Some(d)] = window {
            canvas.polygon(&[a, b, c, d], mix([58, 130, 126], HAZE, haze));
        }
    }
}

fn draw_rear_details(canvas: &mut Canvas, rear: &[Pixel; 4], other: &Vehicle, haze: f64) {
    let (left, right, bottom, top) = (rear[3].x, rear[2].x, rear[0].y, rear[3].y);
    let (width, height) = (right - left, bottom - top);
    let at = |across: f64, up: f64| (left + across * width, bottom - up * height);
    let mut patch = |from: (f64, f64), to: (f64, f64), colour: Colour| {
        let ((l, b), (r, t)) = (at(from.0, from.1), at(to.0, to.1));
        canvas.rectangle(l, t, r, b, mix(colour, HAZE, haze));
    };
    let is_truck = other.length_m > 7.0;
    if !is_truck {
        patch((0.12, 0.58), (0.88, 0.9), [58, 131, 125]);
    } else {
        patch((0.49, 0.1), (0.51, 0.97), shade(other.paint, 0.7));
    }
    patch((0.38, if is_truck { 0.04 } else { 0.2 }), (0.62, if is_truck { 0.08 } else { 0.3 }), [200, 128, 130]);
    // Wheels below the body.
    for from in [0.06, 0.78] {
        let ((l, t), (r, _)) = (at(from, 0.03), at(from + 0.16, 0.0));
        let px_per_m = width / other.width_m;
        canvas.rectangle(l, t, r, bottom + 0.28 * px_per_m, mix([30, 128, 128], HAZE, haze));
    }
    let lamp: Colour = if other.shows_brake_lights() { [120, 92, 236] } else { [62, 116, 170] };
    let mut patch = |from: (f64, f64), to: (f64, f64)| {
        let ((l, b), (r, t)) = (at(from.0, from.1), at(to.0, to.1));
        // Lit lamps glare: they stay visible when the car is a few pixels wide.
        let grow = if other.shows_brake_lights() { 0.6 } else { 0.0 };
        canvas.rectangle(l - grow, t - grow, r + grow, b + grow, mix(lamp, HAZE, haze * 0.4));
    };
    let (low, high) = if is_truck { (0.08, 0.14) } else { (0.38, 0.52) };
    patch((0.03, low), (0.17, high));
    patch((0.83, low), (0.97, high));
}
