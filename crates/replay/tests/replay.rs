//! Replays of a drive with every kind of stream, from disk and from an object store that counts.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail like the tests they serve")]

mod common;

use std::fmt;
use std::fs;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use cloverleaf_replay::{ReplayError, ReplayOptions, ReplaySummary, Sink, Source, replay};
use cloverleaf_vocabulary::TimeDelta;
use common::{CAMERA_HZ, KEY_FRAME_EVERY, SECONDS, Without, write_drive};
use futures::stream::BoxStream;
use object_store::memory::InMemory;
use object_store::path::Path as ObjectPath;
use object_store::{
    CopyOptions, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore, ObjectStoreExt,
    PutMultipartOptions, PutOptions, PutPayload, PutResult, Result,
};
use tempfile::TempDir;

fn seconds(secs: f64) -> Option<TimeDelta> {
    Some(TimeDelta::from_secs_f64(secs))
}

fn run(source: &Source, options: &ReplayOptions, out: &Path) -> Result<ReplaySummary, ReplayError> {
    replay(source, options, &Sink::RrdFile(out.to_owned()), &mut |_| ())
}

fn drive(without: Without) -> (TempDir, Source) {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("drive.mcap");
    write_drive(&path, without);
    (folder, Source::File(path))
}

#[test]
fn a_whole_clip_has_every_stream() {
    let (folder, source) = drive(Without::default());
    let out = folder.path().join("drive.rrd");
    let mut reports = Vec::new();
    let summary = replay(&source, &ReplayOptions::default(), &Sink::RrdFile(out.clone()), &mut |progress| {
        reports.push(progress.fraction);
    })
    .unwrap();

    let expected = [
        ("/camera/front", SECONDS * CAMERA_HZ),
        ("/can/0/rate", SECONDS * 2),
        // A line in the list, and begin and end of the lane.
        ("/events/hard-brake", 3),
        ("/gnss/velocity/speed", SECONDS * 10),
        ("/imu/acceleration", SECONDS * 100),
        ("/imu/angular_rate", SECONDS * 100),
        ("/map/position", SECONDS * 10),
        ("/vehicle/radar/front/objects/boxes", SECONDS * 20),
        ("/vehicle/radar/front/objects/points", SECONDS * 20),
        ("/vehicle/radar/front/objects/velocity", SECONDS * 20),
        // Every sample, and the two states it had.
        ("/vss/Vehicle/ADAS/CruiseControl/IsActive", SECONDS * 10 + 2),
        ("/vss/Vehicle/ADAS/CruiseControl/SpeedSet", SECONDS * 10),
        ("/vss/Vehicle/ADAS/Lead/Distance", SECONDS * 20),
        ("/vss/Vehicle/ADAS/Lead/TimeGap", SECONDS * 20),
        ("/vss/Vehicle/ADAS/Lead/TimeToCollision", SECONDS * 16),
        ("/vss/Vehicle/Acceleration/Longitudinal", SECONDS * 50),
        ("/vss/Vehicle/Chassis/SteeringWheel/Angle", SECONDS * 50),
        ("/vss/Vehicle/Speed", SECONDS * 50),
    ];
    let rows: Vec<(&str, u64)> = summary.rows.iter().map(|(entity, rows)| (entity.as_str(), *rows)).collect();
    assert_eq!(rows, expected);
    let not_finite: Vec<(&str, u64)> = summary.not_finite.iter().map(|(topic, n)| (topic.as_str(), *n)).collect();
    assert_eq!(not_finite, [("/radar/front/objects", 1), ("/vss/Vehicle.ADAS.Lead.TimeToCollision", SECONDS * 4)]);
    assert_eq!(summary.left_out.keys().collect::<Vec<_>>(), ["/lidar/points"]);
    assert_eq!(summary.clip.as_ref().unwrap().as_str(), "clip-0123456789abcdef");
    assert_eq!(summary.file_bytes, fs::metadata(&out).unwrap().len());
    // Thousands of raw frames are summarised: the replay is about as large as its video.
    assert!(summary.file_bytes < summary.source_bytes * 3 / 2, "{summary:#?}");
    assert!(reports.windows(2).all(|pair| pair[0] <= pair[1]) && reports.last() == Some(&1.0), "{reports:?}");
}

#[test]
fn a_part_begins_with_the_key_frame_before_it() {
    let (folder, source) = drive(Without::default());
    let options = ReplayOptions { topics: Vec::new(), from: seconds(5.0), until: seconds(7.0) };
    let summary = run(&source, &options, &folder.path().join("part.rrd")).unwrap();
    // Key frames are at 0, 2, 4 ... s; 4.0 to 6.9 s are shown, of other streams 5.0 to 7.0 s.
    assert_eq!(KEY_FRAME_EVERY, 2 * CAMERA_HZ);
    assert_eq!(summary.rows["/camera/front"], 30);
    assert_eq!(summary.rows["/vss/Vehicle/Speed"], 100);
    assert_eq!(summary.rows["/events/hard-brake"], 3);
    assert_eq!(summary.duration, TimeDelta::from_millis(2000));

    let at_key = ReplayOptions { from: seconds(6.0), ..options.clone() };
    let summary = run(&source, &at_key, &folder.path().join("at-key.rrd")).unwrap();
    assert_eq!(summary.rows["/camera/front"], 10, "a part that begins with a key frame needs nothing from before");

    let between_frames = ReplayOptions { from: seconds(5.03), until: seconds(5.07), ..options.clone() };
    let summary = run(&source, &between_frames, &folder.path().join("between.rrd")).unwrap();
    assert_eq!(summary.rows["/camera/front"], 11, "what the camera saw last is shown");

    let before = ReplayOptions { until: seconds(6.9), ..options };
    let summary = run(&source, &before, &folder.path().join("before.rrd")).unwrap();
    assert!(!summary.rows.contains_key("/events/hard-brake"));
    assert_eq!(summary.left_out["manifest triggers"].messages, 1);
}

#[test]
fn streams_that_do_not_exist_are_not_missed() {
    let (folder, source) = drive(Without { video: true, gnss: true, manifest: true, clock: true });
    let summary = run(&source, &ReplayOptions::default(), &folder.path().join("drive.rrd")).unwrap();
    assert_eq!(summary.clip, None);
    assert_eq!(summary.rows["/map/position"], SECONDS * 20);
    assert!(!summary.rows.keys().any(|entity| entity.starts_with("/camera") || entity.starts_with("/events")));
}

#[test]
fn a_selection_is_read_by_byte_range() {
    let (folder, file) = drive(Without::default());
    let bytes = fs::read(folder.path().join("drive.mcap")).unwrap();
    let size = bytes.len() as u64;
    let path = ObjectPath::from("landing/test-car/boot-1/drive.mcap");
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let memory = Arc::new(InMemory::new());
    runtime.block_on(memory.put(&path, bytes.into())).unwrap();

    let all_but_video = ["/vss/*", "/radar/*", "/gnss/*"].map(str::to_owned).to_vec();
    let cases = [
        ("everything", ReplayOptions::default(), 1.05),
        ("all but video", ReplayOptions { topics: all_but_video, ..ReplayOptions::default() }, 0.35),
        (
            "one camera, 3 s",
            ReplayOptions { topics: vec!["/camera/front".into()], from: seconds(6.0), until: seconds(9.0) },
            0.75,
        ),
    ];
    for (name, options, most_of_file) in cases {
        let store = Arc::new(CountingStore { inner: memory.clone(), ..CountingStore::default() });
        let source = Source::Object { store: store.clone(), path: path.clone() };
        let remote = run(&source, &options, &folder.path().join("remote.rrd")).unwrap();
        let local = run(&file, &options, &folder.path().join("local.rrd")).unwrap();
        assert_eq!(remote.rows, local.rows, "{name}");

        let (fetched, requests) = (store.bytes.load(Ordering::Relaxed), store.requests.load(Ordering::Relaxed));
        assert_eq!((remote.bytes_read, remote.requests), (fetched, requests), "{name}: the summary tells the truth");
        // A file is read exactly as the clip reader asks, so it is the measure of what was wanted.
        let over_read = fetched as f64 / local.bytes_read as f64;
        println!(
            "{name}: {fetched} of {size} bytes in {requests} requests ({} reads), over-read {over_read:.3}",
            local.requests
        );
        assert!(over_read <= 1.3, "{name}: fetched {fetched} for {} wanted", local.bytes_read);
        assert!(fetched as f64 <= most_of_file * size as f64, "{name}: fetched {fetched} of {size}");
        assert!(requests < local.requests, "{name}: {requests} requests for {} reads", local.requests);
    }
}

#[test]
fn errors_name_the_file_and_leave_nothing_behind() {
    let (folder, _) = drive(Without { video: true, ..Without::default() });
    let at = |name: &str| folder.path().join(name);
    let bytes = fs::read(at("drive.mcap")).unwrap();
    fs::write(at("cut.mcap"), &bytes[..bytes.len() / 2]).unwrap();
    let mut flipped = bytes.clone();
    flipped[bytes.len() / 3] ^= 0x40;
    fs::write(at("flipped.mcap"), flipped).unwrap();
    fs::write(at("text.mcap"), "not an MCAP file at all, but long enough to look at").unwrap();
    fs::write(at("clip.json"), "{}").unwrap();
    fs::create_dir(at("folder.mcap")).unwrap();

    let whole = ReplayOptions::default;
    let cases = [
        ("absent.mcap", whole(), "out.rrd", &["absent.mcap", "no such clip"][..]),
        ("clip.json", whole(), "out.rrd", &["clip.json", "manifest", ".mcap beside it"]),
        ("folder.mcap", whole(), "out.rrd", &["folder"]),
        ("text.mcap", whole(), "out.rrd", &["text.mcap", "byte 0", "not an MCAP file"]),
        ("cut.mcap", whole(), "out.rrd", &["cut.mcap"]),
        ("flipped.mcap", whole(), "out.rrd", &["flipped.mcap", "chunk at byte"]),
        ("drive.mcap", whole(), "out.mp4", &["out.mp4", "*.rrd"]),
        ("drive.mcap", whole(), "no/such/folder/out.rrd", &["out.rrd", "cannot be written"]),
        (
            "drive.mcap",
            ReplayOptions { topics: vec!["/camera/rear".into()], ..whole() },
            "out.rrd",
            &["no topic \"/camera/rear\"", "/vss/Vehicle.Speed"],
        ),
        ("drive.mcap", ReplayOptions { from: seconds(99.0), ..whole() }, "out.rrd", &["99.000 s", "lasts 11.998 s"]),
        (
            "drive.mcap",
            ReplayOptions { from: seconds(5.0), until: seconds(4.0), ..whole() },
            "out.rrd",
            &["from 5.000 s to 4.000 s"],
        ),
        ("drive.mcap", ReplayOptions { topics: vec!["/lidar/*".into()], ..whole() }, "out.rrd", &["nothing to show"]),
    ];
    fs::write(at("out.rrd"), "what was there before").unwrap();
    for (name, options, out, expected) in cases {
        let error = run(&Source::File(at(name)), &options, &at(out)).unwrap_err();
        let text = error.to_string();
        for part in expected {
            assert!(text.contains(part), "{name} -> {out}: {text:?} does not say {part:?}");
        }
        assert_eq!(fs::read(at("out.rrd")).unwrap(), b"what was there before", "{name}: {text}");
        let partial = fs::read_dir(folder.path())
            .unwrap()
            .find(|entry| entry.as_ref().unwrap().file_name().to_string_lossy().ends_with(".partial"));
        assert!(partial.is_none(), "{name}: {partial:?} was left behind");
    }

    let store = Arc::new(CountingStore::default());
    let source = Source::Object { store, path: ObjectPath::from("landing/absent.mcap") };
    let error = run(&source, &whole(), &at("remote.rrd")).unwrap_err();
    assert!(matches!(error, ReplayError::Missing { .. }), "{error}");
}

/// A store in memory that counts what is fetched from it.
#[derive(Debug, Default)]
struct CountingStore {
    inner: Arc<InMemory>,
    bytes: AtomicU64,
    requests: AtomicU64,
}

impl fmt::Display for CountingStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "counting {}", self.inner)
    }
}

#[async_trait::async_trait]
impl ObjectStore for CountingStore {
    async fn put_opts(&self, location: &ObjectPath, payload: PutPayload, options: PutOptions) -> Result<PutResult> {
        self.inner.put_opts(location, payload, options).await
    }

    async fn put_multipart_opts(
        &self,
        location: &ObjectPath,
        options: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        self.inner.put_multipart_opts(location, options).await
    }

    async fn get_opts(&self, location: &ObjectPath, options: GetOptions) -> Result<GetResult> {
        let is_data = !options.head;
        let result = self.inner.get_opts(location, options).await?;
        if is_data {
            self.bytes.fetch_add(result.range.end - result.range.start, Ordering::Relaxed);
            self.requests.fetch_add(1, Ordering::Relaxed);
        }
        Ok(result)
    }

    async fn get_ranges(&self, location: &ObjectPath, ranges: &[Range<u64>]) -> Result<Vec<Bytes>> {
        self.bytes.fetch_add(ranges.iter().map(|range| range.end - range.start).sum(), Ordering::Relaxed);
        self.requests.fetch_add(ranges.len() as u64, Ordering::Relaxed);
        self.inner.get_ranges(location, ranges).await
    }

    fn delete_stream(
        &self,
        locations: BoxStream<'static, Result<ObjectPath>>,
    ) -> BoxStream<'static, Result<ObjectPath>> {
        self.inner.delete_stream(locations)
    }

    fn list(&self, prefix: Option<&ObjectPath>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.inner.list(prefix)
    }

    async fn list_with_delimiter(&self, prefix: Option<&ObjectPath>) -> Result<ListResult> {
        self.inner.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &ObjectPath, to: &ObjectPath, options: CopyOptions) -> Result<()> {
        self.inner.copy_opts(from, to, options).await
    }
}
