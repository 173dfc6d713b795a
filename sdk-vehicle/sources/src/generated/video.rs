//! Drawing on one thread and H.264 encoding on another; the order of the results does not depend on either's speed.

use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;

use openh264::OpenH264API;
use openh264::encoder::{
    BitRate, Complexity, Encoder, EncoderConfig, FrameRate, IntraFramePeriod, Profile, QpRange, RateControlMode,
    SpsPpsStrategy, UsageType,
};
use openh264::formats::YUVSlices;

use super::camera::{Camera, RATE_HZ, Scene};
use super::canvas::{Canvas, HEIGHT, WIDTH};
use super::road::Road;

/// Pictures under way at most: what bounds memory and sets the fixed delay of the results.
const UNDER_WAY: usize = 6;

/// Why pictures could not be encoded.
#[derive(Debug, thiserror::Error)]
pub enum VideoError {
    /// The encoder refused.
    #[error("the H.264 encoder failed")]
    Encoder(#[source] openh264::Error),
    /// The encoder produced nothing for a picture.
    #[error("the H.264 encoder gave no bytes for picture {0}")]
    Empty(u64),
    /// The drawing or encoding thread is gone.
    #[error("the video thread ended early")]
    Gone,
}

/// A camera with its encoder behind it.
pub struct VideoPipeline {
    scenes: Option<SyncSender<Scene>>,
    units: Receiver<Result<Vec<u8>, VideoError>>,
    thread: Option<JoinHandle<()>>,
    under_way: usize,
}

impl VideoPipeline {
    /// Starts drawing and encoding for a road.
    pub fn start(road: Road) -> Result<Self, VideoError> {
        let mut encoder = new_encoder()?;
        let (scenes, scene_queue) = sync_channel::<Scene>(UNDER_WAY);
        let (done, units) = sync_channel(UNDER_WAY + 1);
        let thread = std::thread::Builder::new()
            .name("video".to_owned())
            .spawn(move || {
                let mut camera = Camera::new(road);
                let mut canvas = Canvas::new();
                for (number, scene) in (0..).zip(scene_queue) {
                    camera.draw(&scene, &mut canvas);
                    if done.send(encode(&mut encoder, &canvas, number)).is_err() {
                        return;
                    }
                }
            })
            .map_err(|_| VideoError::Gone)?;
        Ok(Self { scenes: Some(scenes), units, thread: Some(thread), under_way: 0 })
    }

    /// Hands in a scene. Gives back the access unit of the scene handed in a fixed number of calls earlier.
    pub fn push(&mut self, scene: Scene) -> Result<Option<Vec<u8>>, VideoError> {
        self.scenes.as_ref().ok_or(VideoError::Gone)?.send(scene).map_err(|_| VideoError::Gone)?;
        self.under_way += 1;
        if self.under_way > UNDER_WAY { self.pull().map(Some) } else { Ok(None) }
    }

    /// The next access unit at the end; `None` when there are no more.
    pub fn drain(&mut self) -> Result<Option<Vec<u8>>, VideoError> {
        self.scenes = None;
        if self.under_way > 0 { self.pull().map(Some) } else { Ok(None) }
    }

    fn pull(&mut self) -> Result<Vec<u8>, VideoError> {
        self.under_way -= 1;
        self.units.recv().map_err(|_| VideoError::Gone)?
    }
}

impl Drop for VideoPipeline {
    fn drop(&mut self) {
        self.scenes = None;
        // Unblocks a thread that waits to hand over a result.
        while self.units.recv().is_ok() {}
        if let Some(thread) = self.thread.take() {
            // A panic there has already closed the channel and been reported as `Gone`.
            drop(thread.join());
        }
    }
}

/// Constrained baseline without B-frames, a key frame with its parameter sets every second, single-threaded and at a
/// fixed quantiser, so that the same pictures always give the same bytes.
fn new_encoder() -> Result<Encoder, VideoError> {
    let config = EncoderConfig::new()
        .profile(Profile::Baseline)
        .usage_type(UsageType::CameraVideoRealTime)
        .max_frame_rate(FrameRate::from_hz(RATE_HZ as f32))
        .intra_frame_period(IntraFramePeriod::from_num_frames(RATE_HZ as u32))
        .rate_control_mode(RateControlMode::Off)
        .bitrate(BitRate::from_bps(900_000))
        .qp(QpRange::new(28, 28))
        .sps_pps_strategy(SpsPpsStrategy::ConstantId)
        .complexity(Complexity::Low)
        .skip_frames(false)
        .scene_change_detect(false)
        .background_detection(false)
        .adaptive_quantization(false)
        .num_threads(1);
    Encoder::with_api_config(OpenH264API::from_source(), config).map_err(VideoError::Encoder)
}

fn encode(encoder: &mut Encoder, canvas: &Canvas, number: u64) -> Result<Vec<u8>, VideoError> {
    let planes = YUVSlices::new((&canvas.y, &canvas.u, &canvas.v), (WIDTH, HEIGHT), (WIDTH, WIDTH / 2, WIDTH / 2));
    let at = openh264::Timestamp::from_millis(number * 1000 / RATE_HZ);
    let unit = encoder.encode_at(&planes, at).map_err(VideoError::Encoder)?.to_vec();
    if unit.is_empty() { Err(VideoError::Empty(number)) } else { Ok(unit) }
}
