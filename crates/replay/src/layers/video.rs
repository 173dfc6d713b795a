use cloverleaf_signals::messages::Message;
use cloverleaf_vocabulary::BootTime;
use rerun::archetypes::VideoStream;
use rerun::components::VideoCodec;

use super::{Layer, Taken, WRONG_KIND};
use crate::ReplayError;
use crate::output::Output;

/// Bytes of access units gathered before they are written.
const BYTES_PER_CHUNK: usize = 1 << 20;

/// A camera: its access units go into the recording as they are, beginning with a key frame.
pub(crate) struct VideoLayer {
    entity: String,
    started: bool,
    times: Vec<BootTime>,
    samples: Vec<Vec<u8>>,
    are_key_frames: Vec<bool>,
    bytes: usize,
}

impl VideoLayer {
    /// A layer for the camera topic `topic`, which is its entity too.
    pub fn new(topic: &str, output: &mut Output) -> Result<Self, ReplayError> {
        output.write_static(topic, &VideoStream::new(VideoCodec::H264))?;
        Ok(Self {
            entity: topic.to_owned(),
            started: false,
            times: Vec::new(),
            samples: Vec::new(),
            are_key_frames: Vec::new(),
            bytes: 0,
        })
    }

    fn write(&mut self, output: &mut Output) -> Result<(), ReplayError> {
        let columns = VideoStream::update_fields()
            .with_many_sample(std::mem::take(&mut self.samples))
            .with_many_is_keyframe(std::mem::take(&mut self.are_key_frames))
            .columns_of_unit_batches()
            .map_err(|error| output.encode_error(error))?;
        self.bytes = 0;
        output.write_columns(&self.entity, &std::mem::take(&mut self.times), columns)
    }
}

impl Layer for VideoLayer {
    fn add(&mut self, at: BootTime, message: Message, output: &mut Output) -> Result<Taken, ReplayError> {
        let Message::CompressedVideo(video) = message else { return Ok(WRONG_KIND) };
        if video.format != "h264" {
            return Ok(Taken::LeftOut("video that is not \"h264\""));
        }
        let is_key = is_key_frame(&video.data);
        if !self.started && !is_key {
            return Ok(Taken::LeftOut("video before the first key frame"));
        }
        self.started = true;
        self.bytes += video.data.len();
        self.times.push(at);
        self.samples.push(video.data);
        self.are_key_frames.push(is_key);
        if self.bytes >= BYTES_PER_CHUNK {
            self.write(output)?;
        }
        Ok(Taken::Shown)
    }

    fn finish(&mut self, output: &mut Output) -> Result<(), ReplayError> {
        self.write(output)
    }
}

/// Whether a decoder can start at this H.264 access unit: it holds a sequence parameter set and an IDR slice
/// (NAL unit types 7 and 5, ITU-T H.264 table 7-1; start codes as in its annex B).
pub(crate) fn is_key_frame(access_unit: &[u8]) -> bool {
    let types = access_unit.windows(4).filter(|window| window[..3] == [0, 0, 1]).map(|window| window[3] & 0x1F);
    let (mut has_parameters, mut has_idr) = (false, false);
    for unit_type in types {
        has_parameters |= unit_type == 7;
        has_idr |= unit_type == 5;
    }
    has_parameters && has_idr
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_idr_with_parameters_is_a_start() {
        let unit = |types: &[u8]| -> Vec<u8> {
            types.iter().flat_map(|&unit_type| [0, 0, 0, 1, 0x60 | unit_type, 0x42, 0x80]).collect()
        };
        assert!(is_key_frame(&unit(&[9, 7, 8, 5])));
        assert!(is_key_frame(&unit(&[7, 8, 6, 5, 5])));
        for not in [&[5_u8][..], &[7, 8], &[7, 8, 1], &[1], &[]] {
            assert!(!is_key_frame(&unit(not)), "{not:?}");
        }
        assert!(!is_key_frame(&[0, 0, 1]));
    }
}
