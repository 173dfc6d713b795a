use std::collections::HashMap;
use std::io::{Seek, Write};

use cloverleaf_signals::messages::Kind;
use cloverleaf_vocabulary::BootTime;
use mcap::records::{MessageHeader, Metadata};
use mcap::{Compression, WriteOptions};

use crate::{ClipError, Manifest, PROFILE, RecordingInfo};

/// Bytes of messages that make a chunk, before compression.
const CHUNK_BYTES: u64 = 1 << 20;

/// A channel of one writer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ChannelId(u16);

/// Writes a recording or a clip.
///
/// Bulky streams are held back and written in chunks of their own, so that reading the others does not fetch them.
pub struct RecordingWriter<W: Write + Seek> {
    mcap: mcap::Writer<W>,
    info: RecordingInfo,
    by_topic: HashMap<String, ChannelId>,
    /// By the channel's number, which the MCAP writer gives out densely.
    channels: Vec<Option<ChannelState>>,
    /// Messages held back: header and where the payload ends in `bulky_bytes`.
    bulky: Vec<(MessageHeader, usize)>,
    bulky_bytes: Vec<u8>,
}

struct ChannelState {
    schema: (String, String),
    is_bulky: bool,
    next_sequence: u32,
}

impl<W: Write + Seek> RecordingWriter<W> {
    /// Starts a file and writes whose recording it is.
    pub fn new(output: W, info: RecordingInfo) -> Result<Self, ClipError> {
        let mut mcap = WriteOptions::new()
            .profile(PROFILE)
            .library(concat!("cloverleaf ", env!("CARGO_PKG_VERSION")))
            .compression(Some(Compression::Zstd))
            .chunk_size(Some(CHUNK_BYTES))
            .create(output)
            .map_err(ClipError::Write)?;
        let metadata = Metadata { name: crate::info::METADATA_NAME.to_owned(), metadata: info.to_metadata() };
        mcap.write_metadata(&metadata).map_err(ClipError::Write)?;
        Ok(Self {
            mcap,
            info,
            by_topic: HashMap::new(),
            channels: Vec::new(),
            bulky: Vec::new(),
            bulky_bytes: Vec::new(),
        })
    }

    /// Declares a topic of a known kind; declaring it again gives the same channel.
    pub fn channel(&mut self, topic: &str, kind: Kind) -> Result<ChannelId, ClipError> {
        self.foreign_channel(
            topic,
            (kind.schema_name(), kind.schema_encoding(), kind.schema_data()),
            kind.message_encoding(),
        )
    }

    /// Declares a topic of any schema (name, encoding, data); an empty schema name means none.
    pub fn foreign_channel(
        &mut self,
        topic: &str,
        (schema_name, schema_encoding, schema_data): (&str, &str, &[u8]),
        message_encoding: &str,
    ) -> Result<ChannelId, ClipError> {
        let schema = (schema_name.to_owned(), message_encoding.to_owned());
        if let Some(&id) = self.by_topic.get(topic) {
            let same = self.channels[usize::from(id.0)].as_ref().is_some_and(|channel| channel.schema == schema);
            return if same { Ok(id) } else { Err(ClipError::Topic(topic.to_owned())) };
        }
        let schema_id = if schema_name.is_empty() {
            0
        } else {
            self.mcap.add_schema(schema_name, schema_encoding, schema_data).map_err(ClipError::Write)?
        };
        let id =
            self.mcap.add_channel(schema_id, topic, message_encoding, &Default::default()).map_err(ClipError::Write)?;
        let is_bulky = Kind::of_schema(schema_name, message_encoding).is_some_and(Kind::is_bulky);
        let index = usize::from(id);
        self.channels.resize_with(self.channels.len().max(index + 1), || None);
        self.channels[index] = Some(ChannelState { schema, is_bulky, next_sequence: 0 });
        self.by_topic.insert(topic.to_owned(), ChannelId(id));
        Ok(ChannelId(id))
    }

    /// Writes a message with the channel's next sequence number.
    pub fn write(&mut self, channel: ChannelId, time: BootTime, payload: &[u8]) -> Result<(), ClipError> {
        let state = self.channels.get(usize::from(channel.0)).and_then(Option::as_ref);
        let sequence = state.map_or(0, |state| state.next_sequence);
        self.write_with_sequence(channel, time, sequence, payload)
    }

    /// Writes a message that already has a sequence number, as when a clip is cut out of a stream.
    pub fn write_with_sequence(
        &mut self,
        channel: ChannelId,
        time: BootTime,
        sequence: u32,
        payload: &[u8],
    ) -> Result<(), ClipError> {
        let Some(state) = self.channels.get_mut(usize::from(channel.0)).and_then(Option::as_mut) else {
            return Err(ClipError::Write(mcap::McapError::UnknownChannel(sequence, channel.0)));
        };
        state.next_sequence = sequence.wrapping_add(1);
        let log_time = time.as_nanos();
        let publish_time = match self.info.clock {
            Some(clock) => u64::try_from(clock.utc(time).as_nanos()).unwrap_or(log_time),
            None => log_time,
        };
        let header = MessageHeader { channel_id: channel.0, sequence, log_time, publish_time };
        if !state.is_bulky {
            return self.mcap.write_to_known_channel(&header, payload).map_err(ClipError::Write);
        }
        self.bulky_bytes.extend_from_slice(payload);
        self.bulky.push((header, self.bulky_bytes.len()));
        if self.bulky_bytes.len() as u64 >= CHUNK_BYTES { self.write_bulky() } else { Ok(()) }
    }

    /// Attaches a small file, for example a DBC.
    pub fn attach(&mut self, name: &str, media_type: &str, data: &[u8]) -> Result<(), ClipError> {
        let attachment = mcap::Attachment {
            log_time: 0,
            create_time: 0,
            name: name.to_owned(),
            media_type: media_type.to_owned(),
            data: data.into(),
        };
        self.mcap.attach(&attachment).map_err(ClipError::Write)
    }

    /// Makes the file a clip.
    pub fn write_manifest(&mut self, manifest: &Manifest) -> Result<(), ClipError> {
        let metadata = Metadata { name: crate::manifest::METADATA_NAME.to_owned(), metadata: manifest.to_metadata() };
        self.mcap.write_metadata(&metadata).map_err(ClipError::Write)
    }

    /// Writes what is held back and the index, and gives the output back.
    pub fn finish(mut self) -> Result<W, ClipError> {
        self.write_bulky()?;
        self.mcap.finish().map_err(ClipError::Write)?;
        Ok(self.mcap.into_inner())
    }

    fn write_bulky(&mut self) -> Result<(), ClipError> {
        if self.bulky.is_empty() {
            return Ok(());
        }
        self.mcap.flush().map_err(ClipError::Write)?;
        let mut begin = 0;
        for (header, end) in self.bulky.drain(..) {
            let payload = &self.bulky_bytes[begin..end];
            self.mcap.write_to_known_channel(&header, payload).map_err(ClipError::Write)?;
            begin = end;
        }
        self.bulky_bytes.clear();
        self.mcap.flush().map_err(ClipError::Write)
    }
}
