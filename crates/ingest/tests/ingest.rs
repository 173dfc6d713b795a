//! Landed clips become rows: exactly once, whatever dies, whoever runs beside us, however damaged they are.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::io::Cursor;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use arrow::array::{AsArray, RecordBatch};
use arrow::datatypes::Int64Type;
use async_trait::async_trait;
use cloverleaf_catalog::Lake;
use cloverleaf_clip::{Manifest, RecordingWriter, Stream, Trigger, derive_clip_id, sha256_hex};
use cloverleaf_ingest::{Options, Report, ingest};
use cloverleaf_signals::messages::{Kind, LocationFix, Message, Object, ObjectList, SignalSample};
use cloverleaf_vocabulary::{BootId, BootTime, ClockOffset, RuleId, TimeDelta, VehicleId};
use futures::stream::BoxStream;
use futures::{StreamExt, TryStreamExt};
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{
    CopyOptions, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore, ObjectStoreExt,
    PutMultipartOptions, PutOptions, PutPayload, PutResult, Result as StoreResult,
};

/// 2026-11-20T00:00:00Z.
const MIDNIGHT_NS: i64 = 1_795_132_800_000_000_000;
const SECONDS: u64 = 10;
const GRID_ROWS: i64 = 20 * SECONDS as i64 + 1;

/// A clip of 10 s: speed at 10 Hz, two objects a second, one that is no number, a place, a topic of nobody's.
fn clip(sequence: u64) -> (Manifest, Vec<u8>) {
    let (vehicle, boot) = (VehicleId::new("gen-7").unwrap(), BootId::new("boot-1").unwrap());
    let start = BootTime::from_nanos(1_000_000_000 * (100 + 20 * sequence));
    let rule = RuleId::new(if sequence.is_multiple_of(2) { "cut-in" } else { "hard-brake" }).unwrap();
    let after = |s: f64| start + TimeDelta::from_secs_f64(s);
    let mut manifest = Manifest {
        format: 1,
        clip: derive_clip_id(&vehicle, &boot, start, [&rule]).unwrap(),
        vehicle,
        boot,
        sequence,
        previous_sha256: String::new(),
        start_ns: start,
        end_ns: after(SECONDS as f64),
        clock: Some(ClockOffset { utc_minus_boot_ns: MIDNIGHT_NS, uncertainty_ns: 2_000_000 }),
        triggers: vec![Trigger { rule, at_ns: after(4.0), until_ns: after(5.5), message: "m".to_owned() }],
        streams: vec![Stream {
            topic: "/vss/Vehicle.Speed".to_owned(),
            schema: "cloverleaf.SignalSample".to_owned(),
            messages: 100,
            bytes: 900,
            cut_short: false,
        }],
        software: "test".to_owned(),
        origin: "generated".to_owned(),
        size_bytes: None,
        sha256: None,
    };
    let mut writer = RecordingWriter::new(Cursor::new(Vec::new()), manifest.recording_info()).unwrap();
    let speed = writer.channel("/vss/Vehicle.Speed", Kind::SignalSample).unwrap();
    let private = writer.channel("/vss/Vehicle.Private.X.Y", Kind::SignalSample).unwrap();
    let radar = writer.channel("/radar/front/objects", Kind::ObjectList).unwrap();
    let fix = writer.channel("/gnss/fix", Kind::LocationFix).unwrap();
    let foreign = writer.foreign_channel("/theirs", ("theirs/Type", "", b""), "raw").unwrap();
    let position = LocationFix { latitude: 31.5, longitude: 121.25, ..LocationFix::default() };
    writer.write(fix, start, &Message::LocationFix(position).encode()).unwrap();
    for tenth in 0..10 * SECONDS {
        let at = after(tenth as f64 / 10.0);
        let sample = Message::SignalSample(SignalSample { value: 80.0 + tenth as f64 });
        writer.write(speed, at, &sample.encode()).unwrap();
        writer.write(private, at, &sample.encode()).unwrap();
        writer.write(foreign, at, b"anything").unwrap();
        if tenth % 10 == 0 {
            let object = |id, x_m| Object { id, x_m, class: 1, ..Object::default() };
            let list = ObjectList { objects: vec![object(3, 20.0), object(4, f64::NAN)] };
            writer.write(radar, at, &Message::ObjectList(list).encode()).unwrap();
        }
    }
    writer.write_manifest(&manifest).unwrap();
    let file = writer.finish().unwrap().into_inner();
    manifest.size_bytes = Some(file.len() as u64);
    manifest.sha256 = Some(sha256_hex(&file));
    (manifest, file)
}

async fn land(store: &dyn ObjectStore, manifest: &Manifest, file: &[u8]) {
    let paths = manifest.landing_paths();
    store.put(&Path::from(paths.data), file.to_vec().into()).await.unwrap();
    store.put(&Path::from(paths.manifest), manifest.to_json().into()).await.unwrap();
}

async fn run(lake: &Lake) -> Report {
    ingest(lake, &Options::default(), &mut |_| {}).await.unwrap()
}

async fn number(lake: &Lake, query: &str) -> i64 {
    let batches: Vec<RecordBatch> = lake.sql(query).await.unwrap().try_collect().await.unwrap();
    batches[0].column(0).as_primitive::<Int64Type>().value(0)
}

async fn paths(lake: &Lake, prefix: &str) -> Vec<String> {
    let found: Vec<ObjectMeta> = lake.store().list(Some(&Path::from(prefix))).try_collect().await.unwrap();
    let mut paths: Vec<String> = found.into_iter().map(|object| object.location.to_string()).collect();
    paths.sort();
    paths
}

/// The whole state of a lake after `clips` clips were ingested, however that came about.
async fn check_complete(lake: &Lake, clips: i64) {
    for (query, expected) in [
        ("SELECT count(*) FROM clips", clips),
        ("SELECT count(DISTINCT clip_id) FROM clips", clips),
        ("SELECT count(*) FROM events", clips),
        ("SELECT count(*) FROM signals", clips * GRID_ROWS),
        ("SELECT count(*) FROM objects", clips * 2 * SECONDS as i64),
        (
            "SELECT count(*) FROM clips c JOIN events e ON c.clip_id = e.clip_id AND e.t_s = 4.0 AND e.duration_s = 1.5",
            clips,
        ),
    ] {
        assert_eq!(number(lake, query).await, expected, "{query}");
    }
    assert_eq!(paths(lake, "landing").await, Vec::<String>::new());
    assert_eq!(paths(lake, "clips").await.len() as i64, clips);
}

#[tokio::test]
async fn a_clip_becomes_its_rows() {
    let lake = Lake::open("memory://").await.unwrap();
    let (manifest, file) = clip(0);
    land(lake.store(), &manifest, &file).await;
    let report = run(&lake).await;
    assert_eq!((report.clips, report.bytes, report.duplicates), (1, file.len() as u64, 0));
    assert_eq!((report.rows["signals"], report.rows["objects"]), (GRID_ROWS as u64, 2 * SECONDS));
    assert_eq!(report.not_finite, SECONDS);
    assert_eq!(report.unknown_signals["Vehicle.Private.X.Y"], 100);
    assert!(report.quarantined.is_empty() && report.skipped.is_empty(), "{report:?}");
    check_complete(&lake, 1).await;
    for query in [
        "SELECT count(*) FROM clips WHERE event_day = '2026-11-20' AND start_time = '2026-11-20T00:01:40Z'
           AND duration_s = 10 AND rules = make_array('cut-in') AND array_has(topics, '/theirs') AND message_count = 311
           AND start_latitude_deg = 31.5 AND start_longitude_deg = 121.25 AND utc_uncertainty_s = 0.002
           AND vehicle_id = 'gen-7' AND boot_id = 'boot-1' AND sequence = 0 AND start_boot_ns = 100000000000
           AND object_path = 'clips/2026-11-20/' || clip_id || '.mcap' AND software = 'test' AND origin = 'generated'",
        // 80 + 10 t, sampled at 10 Hz, held over the instant between.
        r#"SELECT count(*) FROM signals WHERE t_s = 3.05 AND "Vehicle.Speed" = 110 AND boot_ns = 103050000000"#,
        r#"SELECT count(*) FROM signals WHERE time = '2026-11-20T00:01:43.100Z' AND "Vehicle.Speed" = 111"#,
        "SELECT count(*) FROM objects WHERE object_id = 3 AND x_m = 20 AND t_s = 7 AND sensor = 'radar/front'
           AND class = 'car' AND length_m IS NULL AND vx_mps = 0",
        "SELECT count(*) FROM objects WHERE object_id = 4 AND x_m IS NULL AND t_s = 7",
    ] {
        assert_eq!(number(&lake, query).await, 1, "{query}");
    }
    let stored = lake.store().get(&Lake::clip_path("2026-11-20", manifest.clip.as_str())).await.unwrap();
    assert_eq!(stored.bytes().await.unwrap(), file);
    // Again, with nothing landed, and with the same clip landed again under another name.
    assert_eq!(run(&lake).await.clips, 0);
    land(lake.store(), &Manifest { sequence: 9, ..manifest.clone() }, &file).await;
    let again = run(&lake).await;
    assert_eq!((again.clips, again.duplicates, again.quarantined.len()), (0, 1, 0));
    check_complete(&lake, 1).await;
}

#[tokio::test]
async fn a_clip_without_utc_lies_under_the_first_day_with_unknown_times() {
    let lake = Lake::open("memory://").await.unwrap();
    let (mut manifest, _) = clip(0);
    manifest.clock = None;
    (manifest.size_bytes, manifest.sha256) = (None, None);
    let mut writer = RecordingWriter::new(Cursor::new(Vec::new()), manifest.recording_info()).unwrap();
    writer.write_manifest(&manifest).unwrap();
    let file = writer.finish().unwrap().into_inner();
    (manifest.size_bytes, manifest.sha256) = (Some(file.len() as u64), Some(sha256_hex(&file)));
    land(lake.store(), &manifest, &file).await;
    assert_eq!(run(&lake).await.clips, 1);
    let query = "SELECT count(*) FROM clips WHERE event_day = '1970-01-01' AND start_time IS NULL AND duration_s = 10";
    assert_eq!(number(&lake, query).await, 1);
}

#[tokio::test]
async fn damaged_clips_are_put_aside_once_and_the_rest_goes_on() {
    let lake = Lake::open("memory://").await.unwrap();
    let store = lake.store().clone();
    let (good, good_file) = clip(0);
    land(&store, &good, &good_file).await;

    let (flipped, mut file) = clip(1);
    let middle = file.len() / 2;
    file[middle] ^= 1;
    land(&store, &flipped, &file).await;

    let (cut, file) = clip(2);
    land(&store, &cut, &file[..file.len() - 100]).await;

    // The hash is right, but of something that is no clip.
    let (mut nonsense, _) = clip(3);
    let file = b"this is no MCAP".to_vec();
    (nonsense.size_bytes, nonsense.sha256) = (Some(file.len() as u64), Some(sha256_hex(&file)));
    land(&store, &nonsense, &file).await;

    // A whole file under the manifest of another clip.
    let (mut swapped, _) = clip(4);
    let (_, file) = clip(5);
    (swapped.size_bytes, swapped.sha256) = (Some(file.len() as u64), Some(sha256_hex(&file)));
    land(&store, &swapped, &file).await;

    let (missing, file) = clip(6);
    land(&store, &missing, &file).await;
    store.delete(&Path::from(missing.landing_paths().data)).await.unwrap();

    let (unsized_, file) = clip(7);
    land(&store, &Manifest { sha256: None, ..unsized_.clone() }, &file).await;

    store.put(&Path::from("landing/v/b/00000001-x.json"), "{ \"format\": 1, ".into()).await.unwrap();
    // A file whose manifest is still on its way is not touched.
    store.put(&Path::from("landing/v/b/00000002-y.mcap"), "half".into()).await.unwrap();

    let mut seen = 0;
    let report = ingest(&lake, &Options::default(), &mut |progress| {
        seen += usize::from(matches!(progress, cloverleaf_ingest::Progress::Quarantined(_)));
    })
    .await
    .unwrap();
    assert_eq!(report.clips, 1);
    assert_eq!((report.quarantined.len(), seen), (7, 7), "{report:#?}");
    let reason_of = |manifest: &Manifest| {
        let path = manifest.landing_paths().manifest;
        report.quarantined.iter().find(|refused| refused.path == path).unwrap().reason.clone()
    };
    for (manifest, expected) in [
        (&flipped, "SHA-256"),
        (&cut, "bytes: its manifest says"),
        (&nonsense, "MCAP"),
        (&swapped, "is not the one beside"),
        (&missing, "is missing"),
        (&unsized_, "cannot be verified"),
    ] {
        let reason = reason_of(manifest);
        assert!(reason.contains(expected), "{reason}");
        let stem = manifest.landing_paths().manifest.replace("landing/", "quarantine/").replace(".json", "");
        let aside = paths(&lake, "quarantine").await;
        assert!(aside.contains(&format!("{stem}.reason.json")), "{aside:?}");
        assert!(aside.contains(&format!("{stem}.json")), "{aside:?}");
        assert_eq!(aside.contains(&format!("{stem}.mcap")), !std::ptr::eq(manifest, &missing), "{aside:?}");
    }
    assert_eq!(paths(&lake, "landing").await, ["landing/v/b/00000002-y.mcap"]);
    assert_eq!(run(&lake).await, Report { rows: Default::default(), ..Report::default() });
}

#[tokio::test]
async fn a_clip_larger_than_the_memory_stays_and_the_rest_comes_in_groups() {
    let lake = Lake::open("memory://").await.unwrap();
    for sequence in 0..5 {
        let (manifest, file) = clip(sequence);
        land(lake.store(), &manifest, &file).await;
    }
    let (mut large, _) = clip(9);
    let file = vec![0; 300_000];
    (large.size_bytes, large.sha256) = (Some(file.len() as u64), Some(sha256_hex(&file)));
    land(lake.store(), &large, &file).await;
    let mut commits = Vec::new();
    let options = Options { memory_bytes: 200_000, parallel: 3 };
    let report = ingest(&lake, &options, &mut |progress| {
        if let cloverleaf_ingest::Progress::Committed { clips } = progress {
            commits.push(clips);
        }
    })
    .await
    .unwrap();
    assert_eq!((report.clips, report.skipped.len(), report.quarantined.len()), (5, 1, 0));
    assert!(report.skipped[0].reason.contains("300000 bytes"), "{:?}", report.skipped);
    assert!(commits.len() > 1, "{commits:?}");
    assert_eq!(number(&lake, "SELECT count(*) FROM signals").await, 5 * GRID_ROWS);
    assert_eq!(paths(&lake, "landing").await.len(), 2);
}

#[tokio::test]
async fn a_crash_after_any_write_loses_and_doubles_nothing() {
    let mut writes = 0;
    loop {
        let store = Arc::new(Faulty { inner: InMemory::new(), left: AtomicI64::new(i64::MAX) });
        let lake = Lake::with_store("faulty", store.clone()).unwrap();
        for sequence in 0..3 {
            let (manifest, file) = clip(sequence);
            land(&store.inner, &manifest, &file).await;
        }
        let (bad, file) = clip(3);
        land(&store.inner, &bad, &file[1..]).await;
        store.left.store(writes, Ordering::SeqCst);
        let outcome = ingest(&lake, &Options::default(), &mut |_| {}).await;
        store.left.store(i64::MAX, Ordering::SeqCst);
        // The next process knows nothing of this one.
        let lake = Lake::with_store("healed", store).unwrap();
        let report = run(&lake).await;
        check_complete(&lake, 3).await;
        assert_eq!(paths(&lake, "quarantine").await.len(), 3, "after {writes} writes");
        match outcome {
            Err(error) => {
                let text = format!("{error}");
                assert!(text.contains("faulty") || text.contains("table"), "after {writes} writes: {text}");
            }
            Ok(first) => {
                assert_eq!((first.clips, report.clips), (3, 0));
                break;
            }
        }
        writes += 1;
    }
    assert!(writes > 15, "only {writes} writes were interrupted");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ingests_at_once_double_nothing() {
    let store = Arc::new(InMemory::new());
    for sequence in 0..12 {
        let (manifest, file) = clip(sequence);
        land(&store, &manifest, &file).await;
    }
    let runs = (0..3).map(|_| {
        let lake = Lake::with_store("shared", store.clone()).unwrap();
        tokio::spawn(async move { run(&lake).await })
    });
    let mut clips = 0;
    for report in runs.collect::<Vec<_>>() {
        let report = report.await.unwrap();
        assert!(report.quarantined.is_empty(), "{report:?}");
        clips += report.clips;
    }
    assert_eq!(clips, 12);
    check_complete(&Lake::with_store("shared", store).unwrap(), 12).await;
}

/// A store whose writes fail once their number is used up: what a crash leaves behind.
#[derive(Debug)]
struct Faulty {
    inner: InMemory,
    left: AtomicI64,
}

impl Faulty {
    fn write(&self) -> StoreResult<()> {
        if self.left.fetch_sub(1, Ordering::SeqCst) > 0 {
            return Ok(());
        }
        Err(object_store::Error::Generic { store: "faulty", source: "the disk is full".into() })
    }
}

impl std::fmt::Display for Faulty {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("faulty")
    }
}

#[async_trait]
impl ObjectStore for Faulty {
    async fn put_opts(&self, to: &Path, bytes: PutPayload, options: PutOptions) -> StoreResult<PutResult> {
        self.write()?;
        self.inner.put_opts(to, bytes, options).await
    }

    async fn put_multipart_opts(
        &self,
        to: &Path,
        options: PutMultipartOptions,
    ) -> StoreResult<Box<dyn MultipartUpload>> {
        self.write()?;
        self.inner.put_multipart_opts(to, options).await
    }

    async fn get_opts(&self, from: &Path, options: GetOptions) -> StoreResult<GetResult> {
        self.inner.get_opts(from, options).await
    }

    fn delete_stream(&self, paths: BoxStream<'static, StoreResult<Path>>) -> BoxStream<'static, StoreResult<Path>> {
        match self.write() {
            Ok(()) => self.inner.delete_stream(paths),
            Err(error) => futures::stream::once(async { Err(error) }).boxed(),
        }
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, StoreResult<ObjectMeta>> {
        self.inner.list(prefix)
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> StoreResult<ListResult> {
        self.inner.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> StoreResult<()> {
        self.write()?;
        self.inner.copy_opts(from, to, options).await
    }
}
