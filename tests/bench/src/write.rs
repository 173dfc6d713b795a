//! Clip writing, beside the plain `mcap` crate at the same settings.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufReader, Cursor};
use std::path::Path;

use cloverleaf_clip::{Channel, RecordedMessage, RecordingReader, RecordingWriter, Selection};
use mcap::records::MessageHeader;

use crate::row::{Row, best_of};

/// Payload bytes of a whole drive per second, to memory.
pub fn megabytes_per_second(drive: &Path) -> anyhow::Result<Row> {
    let name = drive.display().to_string();
    let mut recording = RecordingReader::open(&name, BufReader::new(File::open(drive)?))?;
    let info = recording.info().clone();
    let channels: Vec<Channel> = recording.channels().to_vec();
    let messages: Vec<RecordedMessage> = recording.messages(&Selection::default()).collect::<Result<_, _>>()?;
    let megabytes = messages.iter().map(|message| message.payload.len()).sum::<usize>() as f64 / 1e6;

    let ours = best_of(5, || {
        let mut writer = RecordingWriter::new(Cursor::new(Vec::new()), info.clone())?;
        let mut ids = Vec::new();
        for channel in &channels {
            let schema = (&*channel.schema_name, &*channel.schema_encoding, &*channel.schema_data);
            ids.push(writer.foreign_channel(&channel.topic, schema, &channel.message_encoding)?);
        }
        for message in &messages {
            writer.write_with_sequence(ids[message.channel], message.time, message.sequence, &message.payload)?;
        }
        Ok(writer.finish()?.into_inner().len())
    })?;
    let plain = best_of(5, || {
        let mut writer = mcap::WriteOptions::new()
            .compression(Some(mcap::Compression::Zstd))
            .chunk_size(Some(1 << 20))
            .create(Cursor::new(Vec::new()))?;
        let mut ids = Vec::new();
        for channel in &channels {
            let schema = writer.add_schema(&channel.schema_name, &channel.schema_encoding, &channel.schema_data)?;
            ids.push(writer.add_channel(schema, &channel.topic, &channel.message_encoding, &BTreeMap::new())?);
        }
        for message in &messages {
            let time = message.time.as_nanos();
            let header = MessageHeader {
                channel_id: ids[message.channel],
                sequence: message.sequence,
                log_time: time,
                publish_time: time,
            };
            writer.write_to_known_channel(&header, &message.payload)?;
        }
        writer.finish()?;
        Ok(writer.into_inner().into_inner().len())
    })?;
    Ok(Row::new("clip_write_mb_s", megabytes / ours, "MB/s", "mcap crate, same settings", Some(megabytes / plain)))
}
