use std::collections::BTreeMap;
use std::io::Cursor;

use cloverleaf_clip::{
    ClipError, FORMAT, Manifest, RecordingInfo, RecordingWriter, Stream, derive_clip_id, sha256_hex,
};
use cloverleaf_signals::messages::{Kind, Message, MessageError, TriggerEvent};
use cloverleaf_vocabulary::{BootTime, ClipId, IdError, TimeDelta};

use crate::ring::{Position, Ring};
use crate::video::is_h264_key_frame;
use crate::windows::{Cut, Window, Windows};

const EVENTS_TOPIC: &str = "/events";

/// Budgets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RecorderConfig {
    /// How much of the past is kept for pre-roll. Where a window is open its beginning is kept longer.
    pub history: TimeDelta,
    /// How far back a window may reach from now. A clip is held back this long where there is room, so that a later
    /// window which reaches into it becomes part of it.
    pub longest_pre_roll: TimeDelta,
    /// Windows are not merged into clips longer than this.
    pub longest_clip: TimeDelta,
    /// Most bytes of one stream, message headers included.
    pub stream_bytes: usize,
    /// Most bytes of all streams.
    pub total_bytes: usize,
}

impl Default for RecorderConfig {
    fn default() -> Self {
        Self {
            history: TimeDelta::from_millis(30_000),
            longest_pre_roll: TimeDelta::from_millis(10_000),
            longest_clip: TimeDelta::from_millis(60_000),
            stream_bytes: 64 << 20,
            total_bytes: 256 << 20,
        }
    }
}

/// The schema of a stream, as MCAP carries it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StreamSchema {
    /// Schema name, empty when there is none.
    pub name: String,
    /// Schema encoding.
    pub encoding: String,
    /// Schema content.
    pub data: Vec<u8>,
    /// Message encoding.
    pub message_encoding: String,
}

impl From<Kind> for StreamSchema {
    fn from(kind: Kind) -> Self {
        Self {
            name: kind.schema_name().to_owned(),
            encoding: kind.schema_encoding().to_owned(),
            data: kind.schema_data().to_vec(),
            message_encoding: kind.message_encoding().to_owned(),
        }
    }
}

/// A stream of one recorder.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct StreamId(usize);

/// A clip's place in its boot's chain.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Link {
    /// Counts from 0.
    pub sequence: u64,
    /// SHA-256 of the clip before, empty for the first.
    pub previous_sha256: String,
}

/// A finished clip.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Clip {
    /// What it says about itself, with size and hash: the JSON that travels beside it.
    pub manifest: Manifest,
    /// The MCAP file.
    pub bytes: Vec<u8>,
}

/// Why a message or a clip was refused.
#[derive(Debug, thiserror::Error)]
pub enum RecorderError {
    /// A video message that is not one.
    #[error("topic {topic} at {at_ns} ns")]
    Message {
        /// The stream.
        topic: String,
        /// Boot-clock nanoseconds.
        at_ns: u64,
        /// What is wrong.
        #[source]
        source: MessageError,
    },
    /// The clip could not be written.
    #[error("a clip could not be encoded")]
    Encode(#[from] ClipError),
    /// The window has no valid id.
    #[error("a clip could not be named")]
    Name(#[from] IdError),
}

/// Rings, windows and the clips they make.
#[derive(Debug)]
pub struct Recorder {
    info: RecordingInfo,
    config: RecorderConfig,
    attachments: Vec<(String, String, Vec<u8>)>,
    streams: Vec<RecordedStream>,
    by_topic: BTreeMap<String, StreamId>,
    windows: Windows,
    held_bytes: usize,
    /// A ring is nearly full, so what has been asked for may not wait.
    is_tight: bool,
    first: Option<BootTime>,
    now: BootTime,
}

#[derive(Debug)]
struct RecordedStream {
    topic: String,
    schema: StreamSchema,
    is_video: bool,
    ring: Ring,
}

impl Recorder {
    /// An empty recorder for one boot of one vehicle.
    pub fn new(info: RecordingInfo, config: RecorderConfig) -> Self {
        Self {
            info,
            config,
            attachments: Vec::new(),
            streams: Vec::new(),
            by_topic: BTreeMap::new(),
            windows: Windows::default(),
            held_bytes: 0,
            is_tight: false,
            first: None,
            now: BootTime::default(),
        }
    }

    /// Adds a small file to every clip, for example a DBC.
    pub fn attach(&mut self, name: impl Into<String>, media_type: impl Into<String>, data: Vec<u8>) {
        self.attachments.push((name.into(), media_type.into(), data));
    }

    /// Declares a stream; a topic that is known already keeps the schema it was declared with first.
    pub fn stream(&mut self, topic: &str, schema: StreamSchema) -> StreamId {
        if let Some(&id) = self.by_topic.get(topic) {
            return id;
        }
        let is_video = Kind::of_schema(&schema.name, &schema.message_encoding) == Some(Kind::CompressedVideo);
        let id = StreamId(self.streams.len());
        self.by_topic.insert(topic.to_owned(), id);
        self.streams.push(RecordedStream { topic: topic.to_owned(), schema, is_video, ring: Ring::default() });
        id
    }

    /// Takes a message in.
    ///
    /// # Errors
    /// A message of a video stream that is not a video message.
    pub fn push(
        &mut self,
        stream: StreamId,
        time: BootTime,
        sequence: u32,
        payload: &[u8],
    ) -> Result<(), RecorderError> {
        self.now = self.now.max(time);
        self.first.get_or_insert(time);
        let horizon = self.now - self.config.history;
        let horizon = self.windows.earliest_start().map_or(horizon, |start| start.min(horizon));
        let limit = self.config.stream_bytes.min(self.config.total_bytes);
        let stream = &mut self.streams[stream.0];
        let is_entry = !stream.is_video
            || is_key_frame(payload).map_err(|source| RecorderError::Message {
                topic: stream.topic.clone(),
                at_ns: time.as_nanos(),
                source,
            })?;
        let before = stream.ring.bytes();
        stream.ring.forget_before(horizon);
        stream.ring.push(time, sequence, is_entry, payload, limit);
        let after = stream.ring.bytes();
        self.held_bytes = self.held_bytes - before + after;
        self.is_tight |= after > limit / 4 * 3 || self.held_bytes > self.config.total_bytes / 4 * 3;
        if self.held_bytes > self.config.total_bytes {
            self.shrink_largest();
        }
        Ok(())
    }

    /// Asks for a window, or says more about one.
    pub fn capture(&mut self, window: Window) {
        self.windows.add(window, self.config.longest_clip);
    }

    /// The first clip that is complete. It is held back for windows that may still reach into it, unless a ring is
    /// three quarters full: then it comes at once, before new messages push its own out.
    pub fn due(&self) -> Option<Cut> {
        let settled = if self.is_tight { self.now } else { self.now - self.config.longest_pre_roll };
        self.windows.due(settled).map(|cut| self.within_drive(cut))
    }

    /// The first clip, complete or not: for the end of a drive, when nothing more comes.
    pub fn rest(&self) -> Option<Cut> {
        self.windows.first().map(|cut| self.within_drive(cut))
    }

    /// The id that a clip will have.
    ///
    /// # Errors
    /// Does not happen for vehicles and boots that are identifiers themselves.
    pub fn clip_id(&self, cut: &Cut) -> Result<ClipId, RecorderError> {
        let rules = cut.triggers.iter().map(|trigger| &trigger.rule);
        Ok(derive_clip_id(&self.info.vehicle, &self.info.boot, cut.start, rules)?)
    }

    /// Writes a clip. Video begins at the key frame at or before the window.
    ///
    /// # Errors
    /// The MCAP writer's; not for input that [`Recorder::push`] took.
    pub fn encode(&self, cut: &Cut, link: &Link) -> Result<Clip, RecorderError> {
        let wanted = self.by_topic.values().map(|id| &self.streams[id.0]).filter(|stream| cut.keeps(&stream.topic));
        let mut topics: Vec<(&RecordedStream, Vec<Position>)> =
            wanted.map(|stream| (stream, stream.ring.window(cut.start, cut.end))).collect();
        topics.retain(|(stream, positions)| !positions.is_empty() || stream.ring.is_cut_short(cut.start));
        let events: Vec<(BootTime, Vec<u8>)> = cut.triggers.iter().map(event).collect();

        let mut manifest = Manifest {
            format: FORMAT,
            clip: self.clip_id(cut)?,
            vehicle: self.info.vehicle.clone(),
            boot: self.info.boot.clone(),
            sequence: link.sequence,
            previous_sha256: link.previous_sha256.clone(),
            start_ns: cut.start,
            end_ns: cut.end,
            clock: self.info.clock,
            triggers: cut.triggers.clone(),
            streams: topics.iter().map(|(stream, positions)| describe(stream, positions, cut.start)).collect(),
            software: self.info.software.clone(),
            origin: self.info.origin.clone(),
            size_bytes: None,
            sha256: None,
        };
        manifest.streams.push(Stream {
            topic: EVENTS_TOPIC.to_owned(),
            schema: Kind::TriggerEvent.schema_name().to_owned(),
            messages: events.len() as u64,
            bytes: events.iter().map(|(_, payload)| payload.len() as u64).sum(),
            cut_short: false,
        });
        manifest.streams.sort_by(|a, b| a.topic.cmp(&b.topic));

        let mut writer = RecordingWriter::new(Cursor::new(Vec::new()), self.info.clone())?;
        for (name, media_type, data) in &self.attachments {
            writer.attach(name, media_type, data)?;
        }
        writer.write_manifest(&manifest)?;
        let mut channels = Vec::with_capacity(topics.len());
        for (stream, _) in &topics {
            let schema = &stream.schema;
            let described = (schema.name.as_str(), schema.encoding.as_str(), schema.data.as_slice());
            channels.push(writer.foreign_channel(&stream.topic, described, &schema.message_encoding)?);
        }
        let event_channel = writer.channel(EVENTS_TOPIC, Kind::TriggerEvent)?;

        let mut order: Vec<(BootTime, usize, usize)> = Vec::new();
        for (topic, (_, positions)) in topics.iter().enumerate() {
            order.extend(positions.iter().enumerate().map(|(index, position)| (position.header.time, topic, index)));
        }
        order.extend(events.iter().enumerate().map(|(index, (time, _))| (*time, topics.len(), index)));
        order.sort_unstable();
        let mut scratch = Vec::new();
        for (time, topic, index) in order {
            match topics.get(topic) {
                Some((stream, positions)) => {
                    let position = &positions[index];
                    let payload = stream.ring.payload(position, &mut scratch);
                    writer.write_with_sequence(channels[topic], time, position.header.sequence, payload)?;
                }
                None => writer.write(event_channel, time, &events[index].1)?,
            }
        }
        let bytes = writer.finish()?.into_inner();
        manifest.size_bytes = Some(bytes.len() as u64);
        manifest.sha256 = Some(sha256_hex(&bytes));
        Ok(Clip { manifest, bytes })
    }

    /// Lets go of a clip that has been encoded or is not wanted.
    pub fn release(&mut self, cut: &Cut) {
        self.is_tight = false;
        self.windows.remove(cut);
    }

    /// Bytes the rings hold.
    pub fn held_bytes(&self) -> usize {
        self.held_bytes
    }

    fn within_drive(&self, cut: &Cut) -> Cut {
        let mut cut = cut.clone();
        cut.start = cut.start.max(self.first.unwrap_or(cut.start));
        cut.end = cut.end.min(self.now).max(cut.start);
        cut
    }

    /// Takes from the largest stream; a sixteenth at a time, so that the search for it is rare.
    fn shrink_largest(&mut self) {
        let target = self.config.total_bytes - self.config.total_bytes / 16;
        while self.held_bytes > target {
            let Some(largest) = self.streams.iter_mut().max_by_key(|stream| stream.ring.bytes()) else { return };
            let before = largest.ring.bytes();
            largest.ring.shrink(before.saturating_sub((self.held_bytes - target).max(before / 16)));
            self.held_bytes = self.held_bytes - before + largest.ring.bytes();
        }
    }
}

fn describe(stream: &RecordedStream, positions: &[Position], start: BootTime) -> Stream {
    Stream {
        topic: stream.topic.clone(),
        schema: stream.schema.name.clone(),
        messages: positions.len() as u64,
        bytes: positions.iter().map(|position| position.length() as u64).sum(),
        cut_short: stream.ring.is_cut_short(start),
    }
}

fn event(trigger: &cloverleaf_clip::Trigger) -> (BootTime, Vec<u8>) {
    let event = TriggerEvent {
        rule: trigger.rule.to_string(),
        at_ns: trigger.at_ns.as_nanos(),
        until_ns: trigger.until_ns.as_nanos(),
        message: trigger.message.clone(),
    };
    (trigger.at_ns, Message::TriggerEvent(event).encode())
}

/// Formats other than H.264 are taken as if every message could be decoded by itself.
fn is_key_frame(payload: &[u8]) -> Result<bool, MessageError> {
    match Message::decode(Kind::CompressedVideo, payload)? {
        Message::CompressedVideo(video) if video.format.eq_ignore_ascii_case("h264") => {
            Ok(is_h264_key_frame(&video.data))
        }
        _ => Ok(true),
    }
}
