use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use cloverleaf_clip::{Channel, Manifest, RecordedMessage, RecordingInfo, RecordingReader, Selection};
use cloverleaf_signals::messages::{Kind, Message};
use cloverleaf_vocabulary::{BootId, BootTime, ClipId, TimeDelta, VehicleId};
use rerun::archetypes::{GeoPoints, TextDocument};
use rerun::components::{Color, MediaType, Radius};

use crate::blueprint::{self, EVENT_MARKS_ENTITY, SUMMARY_ENTITY};
use crate::layers::{
    CanLayer, EVENT_COLOUR, EventLayer, GnssVelocityLayer, ImuLayer, Layer, ObjectLayer, PlaceLayer, SignalLayer,
    Taken, VideoLayer, events_of_manifest, is_key_frame, write_own_vehicle,
};
use crate::output::Output;
use crate::ranged::ReadCount;
use crate::source::ReadSeek;
use crate::{ReplayError, Source};

/// How far before the time asked for a key frame is looked for. Cameras send one every second or two.
const LEAD_IN: TimeDelta = TimeDelta::from_millis(10_000);
/// It is looked for backwards in steps of this.
const LEAD_IN_STEP: TimeDelta = TimeDelta::from_millis(1000);
/// Messages between two reports of progress.
const PROGRESS_STEP: u64 = 2048;

/// What to replay.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ReplayOptions {
    /// Topics; a trailing `*` stands for anything. All when empty.
    pub topics: Vec<String>,
    /// First instant after the start of the clip or drive, inclusive. Video begins at the key frame at or before it.
    pub from: Option<TimeDelta>,
    /// Last instant after the start of the clip or drive, inclusive.
    pub until: Option<TimeDelta>,
}

/// Where the replay goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sink {
    /// A Rerun recording. It gets its name when it is whole; a file of that name is replaced.
    RrdFile(PathBuf),
}

/// How far a replay has come.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Progress {
    /// Part of the time asked for, 0 to 1.
    pub fraction: f64,
    /// Messages read.
    pub messages: u64,
    /// Bytes read from the source.
    pub bytes_read: u64,
}

/// What a replay read and wrote.
#[derive(Debug, Clone, PartialEq)]
pub struct ReplaySummary {
    /// The clip, unless it was a whole drive.
    pub clip: Option<ClipId>,
    /// Its vehicle.
    pub vehicle: VehicleId,
    /// Its boot.
    pub boot: BootId,
    /// From the first to the last instant asked for that the recording has.
    pub duration: TimeDelta,
    /// Messages read.
    pub messages: u64,
    /// Rows in the Rerun recording by entity. Static data does not count.
    pub rows: BTreeMap<String, u64>,
    /// Messages left out, or shown without the part, because a number in them was not finite; by topic.
    pub not_finite: BTreeMap<String, u64>,
    /// Messages not shown, by topic.
    pub left_out: BTreeMap<String, LeftOut>,
    /// Size of the recording, bytes.
    pub source_bytes: u64,
    /// Bytes read of it.
    pub bytes_read: u64,
    /// Requests (object storage) or reads (files) that took.
    pub requests: u64,
    /// Size of the Rerun recording, bytes.
    pub file_bytes: u64,
}

/// Messages of a topic that are not in the replay.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeftOut {
    /// How many.
    pub messages: u64,
    /// Why, for the first of them.
    pub reason: &'static str,
}

/// Replays a recording into a sink, telling `progress` now and then.
///
/// Blocks until it is done; from async code call it in `spawn_blocking`.
pub fn replay(
    source: &Source,
    options: &ReplayOptions,
    sink: &Sink,
    progress: &mut dyn FnMut(Progress),
) -> Result<ReplaySummary, ReplayError> {
    let Sink::RrdFile(path) = sink;
    let name = source.name();
    let count = ReadCount::default();
    let mut reader = RecordingReader::open(&name, source.open(count.clone())?)?;
    let plan = Plan::new(&name, &reader, options)?;
    let info = reader.info().clone();
    let manifest = reader.manifest().cloned();
    let (id, title) = plan.identity(&info, manifest.as_ref());
    let mut output = Output::create(path, &id, &title, plan.origin, info.clock)?;
    let mut scene = Scene::new(&plan, reader.channels(), &mut output)?;

    if plan.from > plan.start {
        scene.read_lead_in(&plan, &mut reader)?;
    }
    let selection = Selection { topics: Some(plan.topics()), from: Some(plan.from), until: Some(plan.until) };
    let span = (plan.until - plan.from).as_secs_f64().max(1e-9);
    let mut messages = reader.messages(&selection);
    let mut read = 0;
    while let Some(message) = messages.next() {
        let message = message?;
        let decoded = messages.decode(&message)?;
        scene.add(&message, decoded, &mut output)?;
        read += 1;
        if read % PROGRESS_STEP == 0 {
            let fraction = ((message.time - plan.from).as_secs_f64() / span).clamp(0.0, 1.0);
            progress(Progress { fraction, messages: read, bytes_read: count.bytes() });
        }
    }
    if let Some(manifest) = manifest.as_ref().filter(|_| plan.events_from_manifest) {
        scene.add_manifest_events(manifest, &mut output)?;
    }
    scene.finish(&mut output)?;
    if output.rows().is_empty() {
        let problem = format!(
            "nothing to show between {} and {} after its start; choose more topics or a longer time",
            plan.from - plan.origin,
            plan.until - plan.origin
        );
        return Err(ReplayError::Selection { name, problem });
    }
    let document = scene.document(&plan, &info, manifest.as_ref());
    output.write_static(SUMMARY_ENTITY, &TextDocument::new(document).with_media_type(MediaType::markdown()))?;
    blueprint::write(&mut output)?;
    let (file_bytes, rows) = output.finish()?;
    progress(Progress { fraction: 1.0, messages: read, bytes_read: count.bytes() });
    Ok(ReplaySummary {
        clip: manifest.map(|manifest| manifest.clip),
        vehicle: info.vehicle,
        boot: info.boot,
        duration: plan.until - plan.from,
        messages: read,
        rows,
        not_finite: scene.not_finite,
        left_out: scene.left_out,
        source_bytes: reader.size_bytes(),
        bytes_read: count.bytes(),
        requests: count.requests(),
        file_bytes,
    })
}

type Reader = RecordingReader<Box<dyn ReadSeek>>;

/// What of a recording is replayed, decided before a message is read.
struct Plan {
    /// Topics by channel; `None` is not asked for.
    roles: Vec<(String, Role)>,
    left_out: BTreeMap<String, LeftOut>,
    /// Instant 0 of the timeline.
    origin: BootTime,
    /// First instant the recording has.
    start: BootTime,
    from: BootTime,
    until: BootTime,
    is_partial: bool,
    events_from_manifest: bool,
}

/// What becomes of a channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Role {
    Show(Kind),
    Ignore,
}

impl Plan {
    fn new(name: &str, reader: &Reader, options: &ReplayOptions) -> Result<Self, ReplayError> {
        let wrong = |problem: String| Err(ReplayError::Selection { name: name.to_owned(), problem });
        let Some((start, end)) = reader.span() else {
            return wrong("the recording has no messages, so there is nothing to replay".to_owned());
        };
        let origin = reader.manifest().map_or(start, |manifest| manifest.start_ns.min(start));
        let whole = end - origin;
        let from = options.from.map_or(start, |from| (origin + from).max(start));
        let until = options.until.map_or(end, |until| (origin + until).min(end));
        if from > until {
            let asked = |limit: Option<TimeDelta>, other: TimeDelta| limit.unwrap_or(other).to_string();
            return wrong(format!(
                "no data from {} to {}: it lasts {whole}",
                asked(options.from, TimeDelta::ZERO),
                asked(options.until, whole)
            ));
        }
        let matches = |pattern: &str, topic: &str| match pattern.strip_suffix('*') {
            Some(prefix) => topic.starts_with(prefix),
            None => topic == pattern,
        };
        let channels = reader.channels();
        for pattern in &options.topics {
            if !channels.iter().any(|channel| matches(pattern, &channel.topic)) {
                let known: Vec<&str> = channels.iter().map(|channel| channel.topic.as_str()).collect();
                return wrong(format!("no topic {pattern:?}; it has {}", known.join(", ")));
            }
        }
        let asked =
            |topic: &str| options.topics.is_empty() || options.topics.iter().any(|pattern| matches(pattern, topic));
        let has = |kind: Kind| {
            channels.iter().any(|channel| channel.kind == Some(kind) && channel.messages > 0 && asked(&channel.topic))
        };
        let has_fix = has(Kind::LocationFix);
        let mut left_out = BTreeMap::new();
        let mut roles = Vec::new();
        let mut has_place = false;
        for channel in channels {
            let mut role = Role::Ignore;
            if asked(&channel.topic) {
                let reason = match channel.kind {
                    None => Some("a kind of message replay does not know"),
                    Some(Kind::PoseInFrame) if has_fix => Some("positions are taken from GNSS"),
                    Some(Kind::LocationFix | Kind::PoseInFrame) if has_place => {
                        Some("positions are taken from another topic")
                    }
                    Some(kind) => {
                        has_place |= matches!(kind, Kind::LocationFix | Kind::PoseInFrame);
                        role = Role::Show(kind);
                        None
                    }
                };
                if let Some(reason) = reason {
                    left_out.insert(channel.topic.clone(), LeftOut { messages: channel.messages, reason });
                }
            }
            roles.push((channel.topic.clone(), role));
        }
        let is_partial = !options.topics.is_empty() || options.from.is_some() || options.until.is_some();
        let events_from_manifest = !has(Kind::TriggerEvent) && asked("/events");
        Ok(Self { roles, left_out, origin, start, from, until, is_partial, events_from_manifest })
    }

    fn topics(&self) -> Vec<String> {
        let shown = self.roles.iter().filter(|(_, role)| *role != Role::Ignore);
        shown.map(|(topic, _)| topic.clone()).collect()
    }

    /// Id and title of the Rerun recording; a part of a clip is another recording than the whole.
    fn identity(&self, info: &RecordingInfo, manifest: Option<&Manifest>) -> (String, String) {
        let base = manifest.map_or_else(|| format!("{}-{}", info.vehicle, info.boot), |clip| clip.clip.to_string());
        let id = if self.is_partial {
            let shown: u64 =
                self.roles.iter().zip(1..).filter(|((_, role), _)| *role != Role::Ignore).map(|(_, n)| n).sum();
            format!("{base}-{}-{}-{shown}", self.from.as_nanos(), self.until.as_nanos())
        } else {
            base
        };
        let mut rules: Vec<&str> =
            manifest.map_or_else(Vec::new, |clip| clip.triggers.iter().map(|trigger| trigger.rule.as_str()).collect());
        rules.dedup();
        let what = if rules.is_empty() { "drive".to_owned() } else { rules.join(", ") };
        (id, format!("{what} ({})", info.vehicle))
    }
}

/// The layers of a recording, by channel, and what they did not take.
struct Scene {
    topics: Vec<String>,
    layers: Vec<Option<Box<dyn Layer>>>,
    events: EventLayer,
    /// Access units before the time asked for, by channel.
    lead_in: BTreeMap<usize, Vec<(RecordedMessage, Message)>>,
    not_finite: BTreeMap<String, u64>,
    left_out: BTreeMap<String, LeftOut>,
}

impl Scene {
    fn new(plan: &Plan, channels: &[Channel], output: &mut Output) -> Result<Self, ReplayError> {
        let mut layers: Vec<Option<Box<dyn Layer>>> = Vec::with_capacity(channels.len());
        let mut has_objects = false;
        for (topic, role) in &plan.roles {
            let Role::Show(kind) = role else {
                layers.push(None);
                continue;
            };
            layers.push(match kind {
                Kind::CompressedVideo => Some(Box::new(VideoLayer::new(topic, output)?)),
                Kind::ObjectList => {
                    if !has_objects {
                        write_own_vehicle(output)?;
                    }
                    has_objects = true;
                    Some(Box::new(ObjectLayer::new(topic)))
                }
                Kind::LocationFix | Kind::PoseInFrame => Some(Box::new(PlaceLayer::new())),
                Kind::SignalSample => {
                    let name = topic.strip_prefix("/vss/").unwrap_or(topic);
                    Some(Box::new(SignalLayer::new(name, output)?))
                }
                Kind::GnssVelocity => Some(Box::new(GnssVelocityLayer::new(topic, output)?)),
                Kind::Imu => Some(Box::new(ImuLayer::new(topic, output)?)),
                Kind::CanFrame => Some(Box::new(CanLayer::new(topic, output)?)),
                // All events are one layer, wherever they come from.
                Kind::TriggerEvent => None,
            });
        }
        Ok(Self {
            topics: plan.roles.iter().map(|(topic, _)| topic.clone()).collect(),
            layers,
            events: EventLayer::new(plan.from, plan.until),
            lead_in: BTreeMap::new(),
            not_finite: BTreeMap::new(),
            left_out: plan.left_out.clone(),
        })
    }

    fn add(
        &mut self,
        message: &RecordedMessage,
        decoded: Option<Message>,
        output: &mut Output,
    ) -> Result<(), ReplayError> {
        let Some(decoded) = decoded else { return Ok(()) };
        if let Some(lead_in) = self.lead_in.remove(&message.channel) {
            // A camera that begins with a key frame needs nothing from before.
            let is_key = matches!(&decoded, Message::CompressedVideo(video) if is_key_frame(&video.data));
            for (message, decoded) in lead_in.into_iter().filter(|_| !is_key) {
                self.take(&message, decoded, output)?;
            }
        }
        self.take(message, decoded, output)
    }

    fn take(&mut self, message: &RecordedMessage, decoded: Message, output: &mut Output) -> Result<(), ReplayError> {
        let layer: &mut dyn Layer = match self.layers.get_mut(message.channel) {
            Some(Some(layer)) => layer.as_mut(),
            _ => &mut self.events,
        };
        let taken = layer.add(message.time, decoded, output)?;
        let topic = self.topics[message.channel].clone();
        self.note(topic, taken);
        Ok(())
    }

    fn note(&mut self, topic: String, taken: Taken) {
        match taken {
            Taken::Shown => (),
            Taken::NotFinite => *self.not_finite.entry(topic).or_default() += 1,
            Taken::LeftOut(reason) => {
                self.left_out.entry(topic).or_insert(LeftOut { messages: 0, reason }).messages += 1;
            }
        }
    }

    /// Remembers each camera's access units from the last key frame before the time asked for.
    fn read_lead_in(&mut self, plan: &Plan, reader: &mut Reader) -> Result<(), ReplayError> {
        let cameras: Vec<String> = plan
            .roles
            .iter()
            .filter(|(_, role)| *role == Role::Show(Kind::CompressedVideo))
            .map(|(topic, _)| topic.clone())
            .collect();
        if cameras.is_empty() {
            return Ok(());
        }
        let mut has_key: BTreeSet<usize> = BTreeSet::new();
        let mut end = plan.from;
        // Backwards step by step, so that no more is read than it takes.
        while has_key.len() < cameras.len() && end > plan.start && plan.from - end < LEAD_IN {
            let start = end - LEAD_IN_STEP;
            let selection = Selection {
                topics: Some(cameras.clone()),
                from: Some(start),
                until: Some(end - TimeDelta::from_nanos(1)),
            };
            let mut earlier: BTreeMap<usize, Vec<(RecordedMessage, Message)>> = BTreeMap::new();
            let mut keys_here = BTreeSet::new();
            let mut messages = reader.messages(&selection);
            while let Some(message) = messages.next() {
                let message = message?;
                let Some(decoded) = messages.decode(&message)? else { continue };
                if has_key.contains(&message.channel) {
                    continue;
                }
                let held = earlier.entry(message.channel).or_default();
                if matches!(&decoded, Message::CompressedVideo(video) if is_key_frame(&video.data)) {
                    keys_here.insert(message.channel);
                    held.clear();
                }
                held.push((message, decoded));
            }
            for (channel, mut held) in earlier {
                let later = self.lead_in.entry(channel).or_default();
                held.append(later);
                *later = held;
            }
            has_key.append(&mut keys_here);
            end = start;
        }
        // Without a key frame to start from the rest is of no use.
        self.lead_in.retain(|channel, _| has_key.contains(channel));
        Ok(())
    }

    fn add_manifest_events(&mut self, manifest: &Manifest, output: &mut Output) -> Result<(), ReplayError> {
        for event in events_of_manifest(manifest) {
            let taken = self.events.add_event(event, output)?;
            self.note("manifest triggers".to_owned(), taken);
        }
        Ok(())
    }

    fn finish(&mut self, output: &mut Output) -> Result<(), ReplayError> {
        // A camera silent in the time asked for still shows what it saw last.
        for (message, decoded) in std::mem::take(&mut self.lead_in).into_values().flatten() {
            self.take(&message, decoded, output)?;
        }
        for layer in self.layers.iter_mut().flatten() {
            layer.finish(output)?;
        }
        let place_at = |at: BootTime| self.layers.iter().flatten().find_map(|layer| layer.place_at(at));
        let marks: Vec<[f64; 2]> = self.events.marks().iter().filter_map(|(at, _)| place_at(*at)).collect();
        if marks.is_empty() {
            return Ok(());
        }
        let count = marks.len();
        let marks = GeoPoints::from_lat_lon(marks)
            .with_radii(vec![Radius::new_ui_points(6.0); count])
            .with_colors(vec![Color::from_u32(EVENT_COLOUR); count]);
        output.write_static(EVENT_MARKS_ENTITY, &marks)
    }

    /// What the recording is and what of it is not here, in words.
    fn document(&self, plan: &Plan, info: &RecordingInfo, manifest: Option<&Manifest>) -> String {
        let mut lines = vec![match manifest {
            Some(manifest) => format!("# {}", manifest.clip),
            None => "# Drive recording".to_owned(),
        }];
        lines.push(format!("- vehicle `{}`, boot `{}`", info.vehicle, info.boot));
        lines.push(format!(
            "- {} to {} after its start, boot clock {:.3} s",
            plan.from - plan.origin,
            plan.until - plan.origin,
            plan.from.as_secs_f64()
        ));
        match info.clock {
            Some(clock) => lines.push(format!("- UTC known to ±{:.3} ms", clock.uncertainty_ns as f64 / 1e6)),
            None => lines.push("- UTC unknown: only the timeline `time` exists".to_owned()),
        }
        lines.push(format!("- written by {}", info.software));
        if !info.origin.is_empty() {
            lines.push(format!("- origin: {}", info.origin));
        }
        lines.push(String::new());
        lines.push("Object boxes are as large as the sensor says; points are objects of unknown size. Arrows are one second of relative velocity: red closes, green opens.".to_owned());
        if !self.left_out.is_empty() || !self.not_finite.is_empty() {
            lines.push("\n## Not shown".to_owned());
        }
        lines.extend(
            self.left_out.iter().map(|(topic, out)| format!("- `{topic}`: {} messages, {}", out.messages, out.reason)),
        );
        lines.extend(
            self.not_finite
                .iter()
                .map(|(topic, count)| format!("- `{topic}`: {count} messages with a number that is not finite")),
        );
        lines.join("\n")
    }
}
