//! Clips hold what the window asked for, say what is missing, and are the same every time.

#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use std::io::Cursor;

use cloverleaf_clip::{RecordingInfo, RecordingReader, Selection, Trigger, sha256_hex};
use cloverleaf_recorder::{Clip, Link, Recorder, RecorderConfig, Window};
use cloverleaf_signals::messages::{CompressedVideo, Kind, Message, SignalSample};
use cloverleaf_vocabulary::{BootId, BootTime, RuleId, TimeDelta, VehicleId};

fn millis(ms: u64) -> BootTime {
    BootTime::from_nanos(ms * 1_000_000)
}

fn info() -> RecordingInfo {
    RecordingInfo::new(VehicleId::new("car-1").unwrap(), BootId::new("boot-1").unwrap(), "test 1")
}

fn window(rule: &str, start_ms: u64, at_ms: u64, end_ms: u64) -> Window {
    let trigger = Trigger {
        rule: RuleId::new(rule).unwrap(),
        at_ns: millis(at_ms),
        until_ns: millis(at_ms),
        message: "why".into(),
    };
    Window { trigger, start: millis(start_ms), end: millis(end_ms), is_open: false, topics: Vec::new() }
}

fn frame(time_ms: u64) -> Vec<u8> {
    // A key frame a second; 20 frames a second.
    let nal = if time_ms.is_multiple_of(1000) { 0x65 } else { 0x41 };
    let mut data = vec![0, 0, 0, 1, nal];
    data.extend((0..5_000u64).map(|i| (i.wrapping_mul(time_ms + 3) >> 3) as u8));
    Message::CompressedVideo(CompressedVideo { data, format: "h264".into(), ..CompressedVideo::default() }).encode()
}

/// 60 s of speed at 100 Hz and video at 20 Hz; windows are asked for at their `at`.
fn drive(config: RecorderConfig, windows: &[Window]) -> Vec<Clip> {
    let mut recorder = Recorder::new(info(), config);
    recorder.attach("dbc/any/x.dbc", "text/x-dbc", b"VERSION \"\"".to_vec());
    let speed = recorder.stream("/vss/Vehicle.Speed", Kind::SignalSample.into());
    let video = recorder.stream("/camera/front", Kind::CompressedVideo.into());
    let mut clips: Vec<Clip> = Vec::new();
    let link = |clips: &[Clip]| match clips.last() {
        Some(last) => {
            Link { sequence: clips.len() as u64, previous_sha256: last.manifest.sha256.clone().unwrap_or_default() }
        }
        None => Link::default(),
    };
    for tick in 0..6_000u64 {
        let time = tick * 10;
        let sample = Message::SignalSample(SignalSample { value: tick as f64 });
        recorder.push(speed, millis(time), tick as u32, &sample.encode()).unwrap();
        if tick % 5 == 0 {
            recorder.push(video, millis(time), (tick / 5) as u32, &frame(time)).unwrap();
        }
        for window in windows.iter().filter(|window| window.trigger.at_ns == millis(time)) {
            recorder.capture(window.clone());
        }
        while let Some(cut) = recorder.due() {
            clips.push(recorder.encode(&cut, &link(&clips)).unwrap());
            recorder.release(&cut);
        }
        assert!(recorder.held_bytes() <= config.total_bytes);
    }
    while let Some(cut) = recorder.rest() {
        clips.push(recorder.encode(&cut, &link(&clips)).unwrap());
        recorder.release(&cut);
    }
    clips
}

fn times(clip: &Clip, topic: &str) -> Vec<u64> {
    let mut reader = RecordingReader::open("clip", Cursor::new(&clip.bytes)).unwrap();
    let selection = Selection { topics: Some(vec![topic.to_owned()]), ..Selection::default() };
    reader.messages(&selection).map(|message| message.unwrap().time.as_nanos() / 1_000_000).collect()
}

#[test]
fn a_clip_holds_its_window_and_video_from_the_key_frame() {
    let clips = drive(RecorderConfig::default(), &[window("a", 15_500, 20_500, 25_500)]);
    assert_eq!(clips.len(), 1);
    let clip = &clips[0];
    assert_eq!(times(clip, "/vss/Vehicle.Speed"), (1550..=2550).map(|tick| tick * 10).collect::<Vec<_>>());
    let video = times(clip, "/camera/front");
    assert_eq!((video[0], video[video.len() - 1]), (15_000, 25_500));
    assert_eq!(times(clip, "/events"), [20_500]);
    assert_eq!(clip.manifest.sha256.as_deref(), Some(sha256_hex(&clip.bytes).as_str()));
    assert_eq!(clip.manifest.size_bytes, Some(clip.bytes.len() as u64));
    assert!(clip.manifest.streams.iter().all(|stream| !stream.cut_short));
    assert_eq!(
        clip.manifest.streams.iter().map(|s| s.topic.as_str()).collect::<Vec<_>>(),
        ["/camera/front", "/events", "/vss/Vehicle.Speed"]
    );
    let mut reader = RecordingReader::open("clip", Cursor::new(&clip.bytes)).unwrap();
    let inside = reader.manifest().unwrap().clone();
    assert_eq!(inside.streams, clip.manifest.streams);
    assert_eq!((inside.size_bytes, inside.sha256), (None, None));
    assert!(reader.attachment("dbc/any/x.dbc").unwrap().is_some());
}

#[test]
fn overlapping_windows_are_one_clip_and_the_chain_holds() {
    let windows = [
        window("a", 5_000, 10_000, 15_000),
        // Asked for after the first window's end, but reaching into it.
        window("b", 14_000, 19_000, 24_000),
        window("c", 40_000, 45_000, 50_000),
        // The drive ends before the post-roll does.
        window("d", 54_000, 59_000, 64_000),
    ];
    let clips = drive(RecorderConfig::default(), &windows);
    let spans: Vec<(BootTime, BootTime)> = clips.iter().map(|c| (c.manifest.start_ns, c.manifest.end_ns)).collect();
    assert_eq!(
        spans,
        [(millis(5_000), millis(24_000)), (millis(40_000), millis(50_000)), (millis(54_000), millis(59_990))]
    );
    assert_eq!(clips[0].manifest.triggers.len(), 2);
    for pair in clips.windows(2) {
        assert_eq!(pair[1].manifest.sequence, pair[0].manifest.sequence + 1);
        assert_eq!(Some(&pair[1].manifest.previous_sha256), pair[0].manifest.sha256.as_ref());
    }
    assert_eq!(clips, drive(RecorderConfig::default(), &windows), "the same drive gives the same bytes");
}

#[test]
fn a_window_before_the_drive_begins_with_it() {
    let clips = drive(RecorderConfig::default(), &[window("a", 0, 1_000, 6_000)]);
    assert_eq!(clips[0].manifest.start_ns, millis(0));
    assert!(clips[0].manifest.streams.iter().all(|stream| !stream.cut_short));
}

#[test]
fn what_the_budget_dropped_is_said() {
    let small = RecorderConfig { stream_bytes: 300_000, ..RecorderConfig::default() };
    let short = RecorderConfig { history: TimeDelta::from_millis(2_000), ..RecorderConfig::default() };
    let tight = RecorderConfig { total_bytes: 300_000, ..RecorderConfig::default() };
    for (config, speed_is_short) in [(small, false), (short, true), (tight, false)] {
        let clips = drive(config, &[window("a", 15_000, 20_000, 25_000)]);
        let short: Vec<bool> = clips[0].manifest.streams.iter().map(|stream| stream.cut_short).collect();
        assert_eq!(short, [true, false, speed_is_short], "{config:?}");
        // What is left still decodes: it begins with a key frame.
        assert_eq!(times(&clips[0], "/camera/front")[0] % 1000, 0, "{config:?}");
    }
}
