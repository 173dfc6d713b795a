//! Recordings survive the way to disk and back, and damage is named.

#![allow(clippy::unwrap_used, reason = "a test stops where it fails")]

use std::io::Cursor;

use cloverleaf_clip::{
    ClipError, FORMAT, Manifest, RecordingInfo, RecordingReader, RecordingWriter, Selection, Trigger,
};
use cloverleaf_signals::messages::{CompressedVideo, Kind, Message, SignalSample};
use cloverleaf_vocabulary::{BootId, BootTime, ClipId, ClockOffset, RuleId, VehicleId};
use proptest::prelude::*;

fn info() -> RecordingInfo {
    let mut info = RecordingInfo::new(VehicleId::new("car-1").unwrap(), BootId::new("boot-1").unwrap(), "test 1");
    info.clock = Some(ClockOffset { utc_minus_boot_ns: 1_700_000_000_000_000_000, uncertainty_ns: 1_000 });
    info
}

fn manifest() -> Manifest {
    Manifest {
        format: FORMAT,
        clip: ClipId::new("clip-1").unwrap(),
        vehicle: info().vehicle,
        boot: info().boot,
        sequence: 0,
        previous_sha256: String::new(),
        start_ns: BootTime::from_nanos(0),
        end_ns: BootTime::from_nanos(9_000_000),
        clock: info().clock,
        triggers: vec![Trigger {
            rule: RuleId::new("cut-in").unwrap(),
            at_ns: BootTime::from_nanos(3),
            until_ns: BootTime::from_nanos(4),
            message: String::new(),
        }],
        streams: Vec::new(),
        software: "test 1".into(),
        origin: String::new(),
        size_bytes: None,
        sha256: None,
    }
}

/// Speed at 100 Hz and large video frames at 20 Hz for 5 s.
fn sample_file() -> Vec<u8> {
    let mut writer = RecordingWriter::new(Cursor::new(Vec::new()), info()).unwrap();
    let speed = writer.channel("/vss/Vehicle.Speed", Kind::SignalSample).unwrap();
    let video = writer.channel("/camera/front", Kind::CompressedVideo).unwrap();
    for tick in 0..500u64 {
        let time = BootTime::from_nanos(tick * 10_000_000);
        let sample = Message::SignalSample(SignalSample { value: tick as f64 });
        writer.write(speed, time, &sample.encode()).unwrap();
        if tick % 5 == 0 {
            // Noise does not compress, so chunks stay large.
            let data =
                (0..20_000u64).map(|i| (i.wrapping_mul(tick + 7).wrapping_mul(0x9E37_79B9) >> 13) as u8).collect();
            let frame = CompressedVideo { data, format: "h264".into(), ..CompressedVideo::default() };
            writer.write(video, time, &Message::CompressedVideo(frame).encode()).unwrap();
        }
    }
    writer.attach("dbc/any/a.dbc", "text/x-dbc", b"VERSION \"\"").unwrap();
    writer.write_manifest(&manifest()).unwrap();
    writer.finish().unwrap().into_inner()
}

fn read_all(file: &[u8], selection: &Selection) -> Result<Vec<(String, u64, u32)>, ClipError> {
    let mut reader = RecordingReader::open("test.mcap", Cursor::new(file))?;
    let mut found = Vec::new();
    let mut messages = reader.messages(selection);
    while let Some(message) = messages.next() {
        let message = message?;
        messages.decode(&message)?;
        let topic = messages.channels()[message.channel].topic.clone();
        found.push((topic, message.time.as_nanos(), message.sequence));
    }
    Ok(found)
}

#[test]
fn everything_comes_back_in_order_of_time() {
    let file = sample_file();
    let mut reader = RecordingReader::open("test.mcap", Cursor::new(&file)).unwrap();
    assert_eq!(reader.info(), &info());
    assert_eq!(reader.manifest(), Some(&manifest()));
    assert_eq!(reader.attachment("dbc/any/a.dbc").unwrap().unwrap(), b"VERSION \"\"");
    assert_eq!(reader.attachment("none").unwrap(), None);
    assert_eq!(reader.span(), Some((BootTime::from_nanos(0), BootTime::from_nanos(4_990_000_000))));
    let all = read_all(&file, &Selection::default()).unwrap();
    assert_eq!(all.len(), 600);
    assert!(all.windows(2).all(|pair| pair[0].1 <= pair[1].1));
    for topic in ["/vss/Vehicle.Speed", "/camera/front"] {
        let sequences: Vec<u32> = all.iter().filter(|row| row.0 == topic).map(|row| row.2).collect();
        assert!(sequences.iter().enumerate().all(|(index, &sequence)| sequence == index as u32), "{topic}");
    }
}

#[test]
fn a_topic_and_a_time_range_are_selectable() {
    let file = sample_file();
    let selection = Selection {
        topics: Some(vec!["/camera/front".into()]),
        from: Some(BootTime::from_nanos(1_000_000_000)),
        until: Some(BootTime::from_nanos(2_000_000_000)),
    };
    let found = read_all(&file, &selection).unwrap();
    assert_eq!(found.len(), 21);
    assert!(found.iter().all(|row| row.0 == "/camera/front"));
}

#[test]
fn small_streams_do_not_share_chunks_with_video() {
    let file = sample_file();
    let summary = mcap::Summary::read(&file).unwrap().unwrap();
    assert!(summary.chunk_indexes.len() >= 3);
    for chunk in &summary.chunk_indexes {
        assert!(chunk.message_index_offsets.len() <= 1, "{:?}", chunk.message_index_offsets);
    }
}

#[test]
fn a_cut_file_is_refused_wherever_it_was_cut() {
    let file = sample_file();
    for cut in [0, 1, 7, 8, 100, file.len() / 2, file.len() - 9, file.len() - 1] {
        let error = read_all(&file[..cut], &Selection::default()).unwrap_err().to_string();
        assert!(error.starts_with("test.mcap: "), "{error}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn a_flipped_bit_never_panics_and_never_passes_in_a_message(place in any::<prop::sample::Index>(), bit in 0u8..8) {
        let good = sample_file();
        let mut bad = good.clone();
        let at = place.index(bad.len());
        bad[at] ^= 1 << bit;
        // A flip outside any message (padding of an index, a name) may go unnoticed; the messages may not change.
        if let Ok(found) = read_all(&bad, &Selection::default()) {
            let expected = read_all(&good, &Selection::default()).unwrap();
            prop_assert_eq!(found.iter().map(|row| (row.1, row.2)).collect::<Vec<_>>(), expected.iter().map(|row| (row.1, row.2)).collect::<Vec<_>>());
        }
    }
}
