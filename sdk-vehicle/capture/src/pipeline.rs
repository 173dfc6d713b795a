//! From messages to windows and rings: the part of the vehicle without any IO.

use std::collections::BTreeMap;

use cloverleaf_clip::{DBC_ATTACHMENT_PREFIX, PROFILE_ATTACHMENT, RecordingInfo, Trigger};
use cloverleaf_recorder::{Clip, Cut, Link, Recorder, RecorderConfig, StreamId, StreamSchema, Window};
use cloverleaf_signals::dbc::Database;
use cloverleaf_signals::messages::{Kind, Message, SignalSample};
use cloverleaf_signals::profile::VehicleProfile;
use cloverleaf_signals::vss::{Catalogue, SignalId};
use cloverleaf_triggers::{Engine, Rule, read_rules};
use cloverleaf_vocabulary::{BootTime, RuleId, TimeDelta};

use crate::config::RuleText;
use crate::error::CaptureError;
use crate::signals::{Role, Signals, VSS_PREFIX};

/// How often rules are told that time passes when no signal does.
const TICK: TimeDelta = TimeDelta::from_millis(100);
const EVENTS_TOPIC: &str = "/events";

/// Decoder, rules and recorder of one boot. Pure: its clips depend on the messages alone.
pub struct Pipeline {
    signals: Signals,
    engine: Engine,
    recorder: Recorder,
    streams: Vec<Stream>,
    /// Where each signal is recorded, once it has had a sample.
    recorded: Vec<Option<Recorded>>,
    samples: Vec<(SignalId, f64)>,
    ticked: BootTime,
    /// What has been counted so far.
    counts: Counts,
}

/// What went through a pipeline.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) messages: u64,
    pub(crate) frames: u64,
    pub(crate) samples: u64,
    pub(crate) firings: BTreeMap<RuleId, u64>,
}

/// A topic of a pipeline.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct StreamKey(usize);

struct Stream {
    topic: String,
    kind: Option<Kind>,
    role: Role,
    /// `None` for topics that we write ourselves.
    ring: Option<StreamId>,
}

#[derive(Clone, Copy)]
struct Recorded {
    stream: StreamId,
    next_sequence: u32,
}

impl Pipeline {
    /// A pipeline for a boot whose recording carries `attachments` (name, media type, content): DBCs
    /// (`dbc/<bus or any>/<name>`) and a profile (`profile.toml`). Without a profile a shipped one is chosen by the
    /// messages in the DBCs, else all signals get private names; without DBCs frames are only recorded.
    ///
    /// # Errors
    /// An attachment or rule that is not right, or a rule that reaches further back than the ring.
    pub fn new(
        info: RecordingInfo,
        attachments: Vec<(String, String, Vec<u8>)>,
        rules: &RuleText,
        config: RecorderConfig,
    ) -> Result<Self, CaptureError> {
        let mut databases = Vec::new();
        let mut profile = None;
        for (name, _, content) in &attachments {
            if let Some(place) = name.strip_prefix(DBC_ATTACHMENT_PREFIX) {
                let bus = place.split('/').next().and_then(|bus| bus.parse::<u8>().ok());
                databases.push((bus, Database::parse(name, content)?));
            } else if name == PROFILE_ATTACHMENT {
                profile = Some(VehicleProfile::parse(name, &String::from_utf8_lossy(content))?);
            }
        }
        for warning in databases.iter().flat_map(|(_, database)| &database.warnings) {
            tracing::warn!("{warning}");
        }
        let profile = profile.or_else(|| VehicleProfile::detect(databases.iter().map(|(_, database)| database)));
        let signals = Signals::new(&databases, profile.as_ref())?;

        let rules = check_rules(rules, &config, signals.catalogue())?;
        let longest_pre_roll = rules.iter().map(|rule| rule.pre).max().unwrap_or(TimeDelta::ZERO);
        let engine = Engine::new(rules, signals.catalogue())?;
        let mut recorder = Recorder::new(info, RecorderConfig { longest_pre_roll, ..config });
        for (name, media_type, content) in attachments {
            recorder.attach(name, media_type, content);
        }
        Ok(Self {
            recorded: vec![None; signals.catalogue().len()],
            signals,
            engine,
            recorder,
            streams: Vec::new(),
            samples: Vec::new(),
            ticked: BootTime::default(),
            counts: Counts::default(),
        })
    }

    /// Declares a topic. All should be declared before the first message: a sensor that comes late takes over signals
    /// that had to be derived without it.
    pub fn stream(&mut self, topic: &str, schema: StreamSchema) -> StreamKey {
        let kind = Kind::of_schema(&schema.name, &schema.message_encoding);
        let role = self.signals.declare(topic, kind);
        let is_ours = topic == EVENTS_TOPIC || matches!(role, Role::Samples(_));
        let ring = (!is_ours).then(|| self.recorder.stream(topic, schema));
        self.streams.push(Stream { topic: topic.to_owned(), kind, role, ring });
        StreamKey(self.streams.len() - 1)
    }

    /// Takes a message in.
    ///
    /// # Errors
    /// A message that is not what its schema says.
    pub fn push(
        &mut self,
        stream: StreamKey,
        time: BootTime,
        sequence: u32,
        payload: &[u8],
    ) -> Result<(), CaptureError> {
        self.counts.messages += 1;
        if time - self.ticked >= TICK {
            // Up to just before this message, so that what it says at `time` counts.
            self.engine.advance(time - TimeDelta::from_nanos(1));
            self.ticked = time;
        }
        let stream = &self.streams[stream.0];
        if let Some(ring) = stream.ring {
            self.recorder.push(ring, time, sequence, payload)?;
        }
        if let (Some(kind), true) = (stream.kind, stream.role != Role::Bystander) {
            let message = Message::decode(kind, payload).map_err(|source| CaptureError::Message {
                topic: stream.topic.clone(),
                at_ns: time.as_nanos(),
                source,
            })?;
            self.counts.frames += u64::from(kind == Kind::CanFrame);
            self.samples.clear();
            self.signals.update(time, stream.role, &message, &mut self.samples);
            self.take_samples(time)?;
        }
        self.take_firings();
        Ok(())
    }

    /// Ends the drive: rules that still fire end now.
    pub fn finish(&mut self, time: BootTime) {
        self.engine.finish(time);
        self.take_firings();
    }

    /// The next complete clip.
    pub fn due(&self) -> Option<Cut> {
        self.recorder.due()
    }

    /// The next clip, complete or not; for after [`Pipeline::finish`].
    pub fn rest(&self) -> Option<Cut> {
        self.recorder.rest()
    }

    /// The recorder, to name, encode and release clips.
    pub fn recorder(&self) -> &Recorder {
        &self.recorder
    }

    /// Encodes a clip in its place of the boot's chain.
    ///
    /// # Errors
    /// As [`Recorder::encode`].
    pub fn encode(&self, cut: &Cut, link: &Link) -> Result<Clip, CaptureError> {
        Ok(self.recorder.encode(cut, link)?)
    }

    /// Lets go of a clip.
    pub fn release(&mut self, cut: &Cut) {
        self.recorder.release(cut);
    }

    pub(crate) fn counts(&self) -> &Counts {
        &self.counts
    }

    fn take_samples(&mut self, time: BootTime) -> Result<(), CaptureError> {
        for &(id, value) in &self.samples {
            self.engine.push(time, id, value);
            let recorded = match self.recorded[id.index()] {
                Some(recorded) => recorded,
                None => {
                    let Some(def) = self.signals.catalogue().def(id) else { continue };
                    let topic = format!("{VSS_PREFIX}{}", def.name);
                    Recorded { stream: self.recorder.stream(&topic, Kind::SignalSample.into()), next_sequence: 0 }
                }
            };
            let payload = Message::SignalSample(SignalSample { value }).encode();
            self.recorder.push(recorded.stream, time, recorded.next_sequence, &payload)?;
            let next_sequence = recorded.next_sequence.wrapping_add(1);
            self.recorded[id.index()] = Some(Recorded { next_sequence, ..recorded });
        }
        self.counts.samples += self.samples.len() as u64;
        Ok(())
    }

    fn take_firings(&mut self) {
        let firings: Vec<_> = self.engine.drain().collect();
        for firing in firings {
            if firing.until.is_none() {
                *self.counts.firings.entry(firing.rule.clone()).or_default() += 1;
            }
            let topics = self.engine.rules().nth(firing.index).map(|rule| rule.streams.clone()).unwrap_or_default();
            self.recorder.capture(Window {
                trigger: Trigger {
                    rule: firing.rule,
                    at_ns: firing.at,
                    until_ns: firing.until.unwrap_or(firing.at),
                    message: firing.message,
                },
                start: firing.window.start,
                end: firing.window.end,
                is_open: firing.until.is_none(),
                topics,
            });
        }
    }
}

/// Reads rules and sees whether the ring is long enough for them.
pub(crate) fn check_rules(
    rules: &RuleText,
    config: &RecorderConfig,
    catalogue: &Catalogue,
) -> Result<Vec<Rule>, CaptureError> {
    let rules = read_rules(&rules.name, &rules.text, catalogue)?;
    match rules.iter().find(|rule| rule.pre > config.history) {
        Some(rule) => Err(CaptureError::History {
            rule: rule.id.to_string(),
            pre_s: rule.pre.as_secs_f64(),
            history_s: config.history.as_secs_f64(),
        }),
        None => Ok(rules),
    }
}
