//! Reads recordings by their index: opens with the summary alone, then chunk by chunk, checked, in order of time.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap, HashMap};
use std::io::{Read, Seek, SeekFrom};

use bytes::Bytes;
use cloverleaf_signals::messages::{Kind, Message};
use cloverleaf_vocabulary::BootTime;
use mcap::records::{AttachmentIndex, ChunkIndex, MetadataIndex, Record, op};
use mcap::sans_io::summary_reader::{SummaryReadEvent, SummaryReader, SummaryReaderOptions};

use crate::{ClipError, Manifest, RecordingInfo};

/// Most bytes a chunk may declare, compressed or not. Ours have 1 MiB; a file that asks for more is refused unread.
pub const MAX_CHUNK_BYTES: u64 = 256 << 20;
/// Most bytes of any other record: attachments, metadata, the parts of the summary.
const MAX_RECORD_BYTES: u64 = 64 << 20;
const RECORD_HEADER_BYTES: usize = 9;

/// One topic of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Channel {
    /// Topic.
    pub topic: String,
    /// What it carries, when it is one of ours.
    pub kind: Option<Kind>,
    /// Schema name, empty when none.
    pub schema_name: String,
    /// Schema encoding.
    pub schema_encoding: String,
    /// Schema bytes.
    pub schema_data: Bytes,
    /// Message encoding.
    pub message_encoding: String,
    /// Messages in the file, 0 when the file does not say.
    pub messages: u64,
    id: u16,
}

/// A named file inside the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attachment {
    /// Name.
    pub name: String,
    /// Media type.
    pub media_type: String,
    /// Size, bytes.
    pub size: u64,
}

/// Which messages to read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Selection {
    /// Topics; all when `None`.
    pub topics: Option<Vec<String>>,
    /// First instant, inclusive.
    pub from: Option<BootTime>,
    /// Last instant, inclusive.
    pub until: Option<BootTime>,
}

/// One message of a file. The payload shares its chunk's memory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordedMessage {
    /// Index into [`RecordingReader::channels`].
    pub channel: usize,
    /// Instant.
    pub time: BootTime,
    /// Sequence number within the topic.
    pub sequence: u32,
    /// Encoded message.
    pub payload: Bytes,
}

/// An open recording or clip.
pub struct RecordingReader<R> {
    name: String,
    source: R,
    size: u64,
    info: RecordingInfo,
    manifest: Option<Manifest>,
    channels: Vec<Channel>,
    channel_index: HashMap<u16, usize>,
    chunks: Vec<ChunkIndex>,
    attachments: Vec<AttachmentIndex>,
}

impl<R: Read + Seek> RecordingReader<R> {
    /// Reads the summary and the metadata; `name` names the file in errors.
    pub fn open(name: &str, mut source: R) -> Result<Self, ClipError> {
        let size = source.seek(SeekFrom::End(0)).map_err(|error| ClipError::io(name, error))?;
        let summary = read_summary(name, &mut source, size)?;
        if summary.chunk_indexes.is_empty() && summary.stats.as_ref().is_some_and(|stats| stats.message_count > 0) {
            return Err(ClipError::damaged(
                name,
                "summary",
                "the file has messages but no chunk index; rewrite it with `mcap recover`",
            ));
        }
        for chunk in &summary.chunk_indexes {
            check_chunk(name, chunk, size)?;
        }
        let mut info = None;
        let mut manifest = None;
        for index in &summary.metadata_indexes {
            if index.name == crate::info::METADATA_NAME {
                let map = read_metadata(name, &mut source, size, index)?;
                info = Some(RecordingInfo::from_metadata(name, &map)?);
            } else if index.name == crate::manifest::METADATA_NAME {
                let map = read_metadata(name, &mut source, size, index)?;
                manifest = Some(Manifest::from_metadata(name, &map)?);
            }
        }
        let info = info.ok_or_else(|| {
            ClipError::damaged(
                name,
                "metadata",
                format!(
                    "no {:?} record, so vehicle and boot are unknown; expected a file written by Cloverleaf",
                    crate::info::METADATA_NAME
                ),
            )
        })?;
        let counts = summary.stats.map(|stats| stats.channel_message_counts).unwrap_or_default();
        let mut channels: Vec<Channel> = summary
            .channels
            .values()
            .map(|channel| {
                let schema = channel.schema.as_deref();
                let schema_name = schema.map_or("", |schema| schema.name.as_str());
                Channel {
                    topic: channel.topic.clone(),
                    kind: Kind::of_schema(schema_name, &channel.message_encoding),
                    schema_name: schema_name.to_owned(),
                    schema_encoding: schema.map_or_else(String::new, |schema| schema.encoding.clone()),
                    schema_data: schema.map_or_else(Bytes::new, |schema| Bytes::copy_from_slice(&schema.data)),
                    message_encoding: channel.message_encoding.clone(),
                    messages: counts.get(&channel.id).copied().unwrap_or(0),
                    id: channel.id,
                }
            })
            .collect();
        channels.sort_by(|a, b| (&a.topic, a.id).cmp(&(&b.topic, b.id)));
        let channel_index = channels.iter().enumerate().map(|(index, channel)| (channel.id, index)).collect();
        let mut chunks = summary.chunk_indexes;
        chunks.sort_by_key(|chunk| (chunk.message_start_time, chunk.chunk_start_offset));
        let attachments = summary.attachment_indexes;
        Ok(Self { name: name.to_owned(), source, size, info, manifest, channels, channel_index, chunks, attachments })
    }

    /// Whose recording this is.
    pub fn info(&self) -> &RecordingInfo {
        &self.info
    }

    /// The manifest, when the file is a clip.
    pub fn manifest(&self) -> Option<&Manifest> {
        self.manifest.as_ref()
    }

    /// All topics, by name.
    pub fn channels(&self) -> &[Channel] {
        &self.channels
    }

    /// Size of the file, bytes.
    pub fn size_bytes(&self) -> u64 {
        self.size
    }

    /// First and last instant of any message.
    pub fn span(&self) -> Option<(BootTime, BootTime)> {
        let with_messages = || self.chunks.iter().filter(|chunk| !chunk.message_index_offsets.is_empty());
        let first = with_messages().map(|chunk| chunk.message_start_time).min()?;
        let last = with_messages().map(|chunk| chunk.message_end_time).max()?;
        Some((BootTime::from_nanos(first), BootTime::from_nanos(last)))
    }

    /// Attached files.
    pub fn attachments(&self) -> Vec<Attachment> {
        let describe = |index: &AttachmentIndex| Attachment {
            name: index.name.clone(),
            media_type: index.media_type.clone(),
            size: index.data_size,
        };
        self.attachments.iter().map(describe).collect()
    }

    /// Bytes of an attached file, checked; `None` when there is none of that name.
    pub fn attachment(&mut self, attachment: &str) -> Result<Option<Vec<u8>>, ClipError> {
        let Some(index) = self.attachments.iter().find(|index| index.name == attachment) else { return Ok(None) };
        let place = format!("attachment {attachment:?}");
        let bytes = read_range(&self.name, &mut self.source, self.size, index.offset, index.length, MAX_RECORD_BYTES)?;
        let whole = AttachmentIndex { offset: 0, ..index.clone() };
        match mcap::read::attachment(&bytes, &whole) {
            Ok(found) => Ok(Some(found.data.into_owned())),
            Err(error) => Err(ClipError::mcap(&self.name, &place, error)),
        }
    }

    /// Messages in order of (time, place in the file). Ends after the first error.
    pub fn messages(&mut self, selection: &Selection) -> Messages<'_, R> {
        let wanted: Vec<bool> = self
            .channels
            .iter()
            .map(|channel| selection.topics.as_ref().is_none_or(|topics| topics.contains(&channel.topic)))
            .collect();
        let from = selection.from.map_or(0, BootTime::as_nanos);
        let until = selection.until.map_or(u64::MAX, BootTime::as_nanos);
        let chunks = self
            .chunks
            .iter()
            .filter(|chunk| chunk.message_start_time <= until && chunk.message_end_time >= from)
            .filter(|chunk| {
                // A chunk without message index may hold anything.
                chunk.message_index_offsets.is_empty()
                    || chunk
                        .message_index_offsets
                        .keys()
                        .any(|id| self.channel_index.get(id).is_some_and(|&index| wanted[index]))
            })
            .cloned()
            .rev()
            .collect();
        Messages {
            reader: self,
            wanted,
            from,
            until,
            chunks,
            ready: BinaryHeap::new(),
            loaded: Vec::new(),
            failed: false,
        }
    }

    /// Decodes a message of a known kind; `None` for topics we do not know.
    pub fn decode(&self, message: &RecordedMessage) -> Result<Option<Message>, ClipError> {
        let channel = &self.channels[message.channel];
        let Some(kind) = channel.kind else { return Ok(None) };
        Message::decode(kind, &message.payload).map(Some).map_err(|error| {
            let place = format!("topic {} at {} ns", channel.topic, message.time.as_nanos());
            ClipError::damaged(&self.name, place, error.to_string())
        })
    }
}

/// Iterator over messages; see [`RecordingReader::messages`].
pub struct Messages<'a, R> {
    reader: &'a mut RecordingReader<R>,
    wanted: Vec<bool>,
    from: u64,
    until: u64,
    /// Chunks not yet loaded, latest first.
    chunks: Vec<ChunkIndex>,
    /// Next message of every loaded chunk.
    ready: BinaryHeap<Reverse<(u64, u64, usize)>>,
    loaded: Vec<Option<LoadedChunk>>,
    failed: bool,
}

struct LoadedChunk {
    offset: u64,
    /// Latest first.
    messages: Vec<(u64, RecordedMessage)>,
}

impl<R: Read + Seek> Messages<'_, R> {
    fn load_next(&mut self) -> Result<(), ClipError> {
        let Some(index) = self.chunks.pop() else { return Ok(()) };
        let reader = &mut *self.reader;
        let record = read_range(
            &reader.name,
            &mut reader.source,
            reader.size,
            index.chunk_start_offset,
            index.chunk_length,
            MAX_CHUNK_BYTES,
        )?;
        let bytes = Bytes::from(unpack_chunk(&reader.name, &record, index.chunk_start_offset)?);
        let place = format!("chunk at byte {}", index.chunk_start_offset);
        let mut messages = Vec::new();
        let mut at = 0;
        while at < bytes.len() {
            let damaged = |reason: &str| {
                ClipError::damaged(&reader.name, &*place, format!("{reason} at byte {at} of the uncompressed chunk"))
            };
            let header = bytes.get(at..at + RECORD_HEADER_BYTES).ok_or_else(|| damaged("half a record header"))?;
            let length = u64::from_le_bytes(to_array(&header[1..]));
            let body = at + RECORD_HEADER_BYTES;
            let end = usize::try_from(length)
                .ok()
                .and_then(|length| body.checked_add(length))
                .filter(|&end| end <= bytes.len())
                .ok_or_else(|| damaged("a record longer than its chunk"))?;
            if header[0] == op::MESSAGE {
                if end - body < MESSAGE_HEADER_BYTES {
                    return Err(damaged("half a message header"));
                }
                let fields = &bytes[body..body + MESSAGE_HEADER_BYTES];
                let id = u16::from_le_bytes(to_array(&fields[..2]));
                let sequence = u32::from_le_bytes(to_array(&fields[2..6]));
                let log_time = u64::from_le_bytes(to_array(&fields[6..14]));
                let Some(&channel) = reader.channel_index.get(&id) else {
                    return Err(damaged(&format!("a message of unknown channel {id}")));
                };
                if self.wanted[channel] && (self.from..=self.until).contains(&log_time) {
                    let payload = bytes.slice(body + MESSAGE_HEADER_BYTES..end);
                    let time = BootTime::from_nanos(log_time);
                    messages.push((log_time, RecordedMessage { channel, time, sequence, payload }));
                }
            }
            at = end;
        }
        // Stable, so equal times keep the file's order; then latest first, to be popped.
        messages.sort_by_key(|(log_time, _)| *log_time);
        messages.reverse();
        if let Some(&(log_time, _)) = messages.last() {
            let offset = index.chunk_start_offset;
            let slot = self.loaded.iter().position(Option::is_none).unwrap_or_else(|| {
                self.loaded.push(None);
                self.loaded.len() - 1
            });
            self.loaded[slot] = Some(LoadedChunk { offset, messages });
            self.ready.push(Reverse((log_time, offset, slot)));
        }
        Ok(())
    }

    fn pop(&mut self) -> Option<RecordedMessage> {
        let Reverse((_, _, slot)) = self.ready.pop()?;
        let chunk = self.loaded[slot].as_mut()?;
        let (_, message) = chunk.messages.pop()?;
        match chunk.messages.last() {
            Some(&(log_time, _)) => self.ready.push(Reverse((log_time, chunk.offset, slot))),
            None => self.loaded[slot] = None,
        }
        Some(message)
    }

    /// Topics of the file, for looking up [`RecordedMessage::channel`] while iterating.
    pub fn channels(&self) -> &[Channel] {
        &self.reader.channels
    }

    /// As [`RecordingReader::decode`], while iterating.
    pub fn decode(&self, message: &RecordedMessage) -> Result<Option<Message>, ClipError> {
        self.reader.decode(message)
    }
}

impl<R: Read + Seek> Iterator for Messages<'_, R> {
    type Item = Result<RecordedMessage, ClipError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.failed {
            return None;
        }
        // Every chunk that may hold something earlier must be loaded before the earliest known message is given out.
        while let Some(next_chunk) = self.chunks.last() {
            if self.ready.peek().is_some_and(|Reverse((log_time, _, _))| *log_time < next_chunk.message_start_time) {
                break;
            }
            if let Err(error) = self.load_next() {
                self.failed = true;
                return Some(Err(error));
            }
        }
        self.pop().map(Ok)
    }
}

/// channel u16, sequence u32, log time u64, publish time u64.
const MESSAGE_HEADER_BYTES: usize = 22;

fn to_array<const N: usize>(bytes: &[u8]) -> [u8; N] {
    let mut array = [0; N];
    array.copy_from_slice(bytes);
    array
}

fn read_summary<R: Read + Seek>(name: &str, source: &mut R, size: u64) -> Result<mcap::Summary, ClipError> {
    let wrong = |error| ClipError::mcap(name, &format!("summary of a file of {size} bytes"), error);
    let options = SummaryReaderOptions { file_size: Some(size), record_length_limit: Some(MAX_RECORD_BYTES as usize) };
    let mut start_magic = [0; 8];
    source.rewind().map_err(|error| ClipError::io(name, error))?;
    if source.read_exact(&mut start_magic).is_err() || start_magic != mcap::MAGIC {
        return Err(ClipError::damaged(name, "byte 0", "not an MCAP file: its magic bytes are missing"));
    }
    let mut reader = SummaryReader::new_with_options(options);
    while let Some(event) = reader.next_event() {
        match event.map_err(wrong)? {
            SummaryReadEvent::ReadRequest(need) => {
                let read = source.read(reader.insert(need)).map_err(|error| ClipError::io(name, error))?;
                reader.notify_read(read);
            }
            SummaryReadEvent::SeekRequest(to) => {
                reader.notify_seeked(source.seek(to).map_err(|error| ClipError::io(name, error))?);
            }
        }
    }
    reader.finish().ok_or_else(|| {
        ClipError::damaged(name, "summary", "the file has no summary section; rewrite it with `mcap recover`")
    })
}

fn read_metadata<R: Read + Seek>(
    name: &str,
    source: &mut R,
    size: u64,
    index: &MetadataIndex,
) -> Result<BTreeMap<String, String>, ClipError> {
    let bytes = read_range(name, source, size, index.offset, index.length, MAX_RECORD_BYTES)?;
    let whole = MetadataIndex { offset: 0, ..index.clone() };
    match mcap::read::metadata(&bytes, &whole) {
        Ok(metadata) => Ok(metadata.metadata),
        Err(error) => Err(ClipError::mcap(name, &format!("metadata {}", index.name), error)),
    }
}

fn check_chunk(name: &str, chunk: &ChunkIndex, size: u64) -> Result<(), ClipError> {
    let place = format!("index entry of the chunk at byte {}", chunk.chunk_start_offset);
    if chunk.chunk_start_offset.checked_add(chunk.chunk_length).is_none_or(|end| end > size) {
        let reason =
            format!("{} bytes reach beyond the file's {size}; the file was cut or its index lies", chunk.chunk_length);
        return Err(ClipError::damaged(name, place, reason));
    }
    let largest = chunk.chunk_length.max(chunk.uncompressed_size);
    if largest > MAX_CHUNK_BYTES {
        let reason =
            format!("declares {largest} bytes: at most {MAX_CHUNK_BYTES} are read; rewrite it with smaller chunks");
        return Err(ClipError::damaged(name, place, reason));
    }
    Ok(())
}

fn read_range<R: Read + Seek>(
    name: &str,
    source: &mut R,
    size: u64,
    offset: u64,
    length: u64,
    limit: u64,
) -> Result<Vec<u8>, ClipError> {
    if length > limit || offset.checked_add(length).is_none_or(|end| end > size) {
        let reason = format!("a record of {length} bytes does not fit the file's {size} or the limit of {limit}");
        return Err(ClipError::damaged(name, format!("byte {offset}"), reason));
    }
    source.seek(SeekFrom::Start(offset)).map_err(|error| ClipError::io(name, error))?;
    let mut bytes = vec![0; length as usize];
    source.read_exact(&mut bytes).map_err(|error| ClipError::io(name, error))?;
    Ok(bytes)
}

/// Decompresses a chunk record and checks its CRC.
fn unpack_chunk(name: &str, record: &[u8], offset: u64) -> Result<Vec<u8>, ClipError> {
    let place = format!("chunk at byte {offset}");
    let body = record.get(RECORD_HEADER_BYTES..).filter(|_| record[0] == op::CHUNK);
    let body =
        body.ok_or_else(|| ClipError::damaged(name, &*place, "the index points at something that is no chunk"))?;
    let (header, data) = match mcap::parse_record(op::CHUNK, body) {
        Ok(Record::Chunk { header, data }) => (header, data),
        Ok(_) => return Err(ClipError::damaged(name, place, "the index points at something that is no chunk")),
        Err(error) => return Err(ClipError::mcap(name, &place, error)),
    };
    if header.uncompressed_size > MAX_CHUNK_BYTES {
        let reason = format!("declares {} bytes: at most {MAX_CHUNK_BYTES} are read", header.uncompressed_size);
        return Err(ClipError::damaged(name, place, reason));
    }
    let expected = header.uncompressed_size as usize;
    let bytes = match header.compression.as_str() {
        "" => data.into_owned(),
        "zstd" => zstd::bulk::decompress(&data, expected)
            .map_err(|error| ClipError::damaged(name, &*place, format!("zstd: {error}")))?,
        "lz4" => {
            let mut bytes = Vec::new();
            lz4::Decoder::new(&*data)
                .and_then(|decoder| decoder.take(header.uncompressed_size + 1).read_to_end(&mut bytes))
                .map_err(|error| ClipError::damaged(name, &*place, format!("lz4: {error}")))?;
            bytes
        }
        other => {
            let reason = format!("compression {other:?}: expected \"\", \"zstd\" or \"lz4\"");
            return Err(ClipError::damaged(name, place, reason));
        }
    };
    if bytes.len() != expected {
        let reason = format!("unpacks to {} bytes: its header says {expected}", bytes.len());
        return Err(ClipError::damaged(name, place, reason));
    }
    // 0 means "not available" (MCAP specification, Chunk).
    if header.uncompressed_crc != 0 {
        let found = crc32fast::hash(&bytes);
        if found != header.uncompressed_crc {
            let reason = format!("CRC {found:08X} does not match the recorded {:08X}", header.uncompressed_crc);
            return Err(ClipError::damaged(name, place, reason));
        }
    }
    Ok(bytes)
}
