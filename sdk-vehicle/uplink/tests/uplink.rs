//! One contract for every store, and what happens when a store does not play along.

#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use cloverleaf_clip::{FORMAT, Manifest, sha256_hex};
use cloverleaf_uplink::{RetryPolicy, Sent, Uplink, UplinkError};
use cloverleaf_vocabulary::{BootId, BootTime, ClipId, Draw, VehicleId};

const QUICK: RetryPolicy =
    RetryPolicy { attempts: 3, first_wait: Duration::from_millis(2), longest_wait: Duration::from_millis(5) };

fn clip(dir: &Path, sequence: u64, size: usize) -> (Manifest, PathBuf) {
    let bytes: Vec<u8> = (0..size).map(|i| (i as u64).wrapping_mul(2_654_435_761 + sequence) as u8).collect();
    let manifest = Manifest {
        format: FORMAT,
        clip: ClipId::new(format!("clip-{sequence}")).unwrap(),
        vehicle: VehicleId::new("car-1").unwrap(),
        boot: BootId::new("boot-1").unwrap(),
        sequence,
        previous_sha256: String::new(),
        start_ns: BootTime::from_nanos(1),
        end_ns: BootTime::from_nanos(2),
        clock: None,
        triggers: Vec::new(),
        streams: Vec::new(),
        software: "test".into(),
        origin: String::new(),
        size_bytes: Some(size as u64),
        sha256: Some(sha256_hex(&bytes)),
    };
    let path = dir.join(format!("clip-{sequence}.mcap"));
    fs::write(&path, bytes).unwrap();
    (manifest, path)
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

fn open(url: &str) -> Uplink {
    Uplink::open(url, QUICK, Draw::new(7, 0, 0)).unwrap()
}

fn files(root: &Path) -> Vec<String> {
    let mut found = Vec::new();
    let mut waiting = vec![root.to_owned()];
    while let Some(dir) = waiting.pop() {
        for entry in fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                waiting.push(path);
            } else {
                found.push(path.strip_prefix(root).unwrap().display().to_string());
            }
        }
    }
    found.sort();
    found
}

/// What every store must do; `root` is where its objects are to be seen.
async fn contract(mut uplink: Uplink, root: &Path, spool: &Path) {
    let (small, small_path) = clip(spool, 0, 5_000);
    // Three parts, the last one short.
    let (large, large_path) = clip(spool, 1, (17 << 20) + 3);
    for (manifest, path) in [(&small, &small_path), (&large, &large_path)] {
        assert_eq!(uplink.send(manifest, path).await.unwrap(), Sent::Uploaded);
        assert_eq!(uplink.send(manifest, path).await.unwrap(), Sent::AlreadyThere);
        assert_eq!(fs::read(root.join(manifest.landing_paths().data)).unwrap(), fs::read(path).unwrap());
        let json = fs::read(root.join(manifest.landing_paths().manifest)).unwrap();
        assert_eq!(&Manifest::from_json("m", &json).unwrap(), manifest);
    }

    // Another clip under the same name is refused and nothing is overwritten.
    let (mut other, other_path) = clip(spool, 2, 4_000);
    (other.sequence, other.clip) = (0, small.clip.clone());
    let error = uplink.send(&other, &other_path).await.unwrap_err();
    assert!(matches!(error, UplinkError::Conflict { .. }), "{error}");
    assert_eq!(fs::read(root.join(small.landing_paths().data)).unwrap().len(), 5_000);

    // A damaged clip does not get there, in one part or in several.
    for (sequence, size) in [(3, 5_000), (4, (9 << 20) + 1)] {
        let (manifest, path) = clip(spool, sequence, size);
        let mut bytes = fs::read(&path).unwrap();
        bytes[size / 2] ^= 1;
        fs::write(&path, bytes).unwrap();
        let error = uplink.send(&manifest, &path).await.unwrap_err();
        assert!(matches!(error, UplinkError::Damaged { .. }), "{error}");
        assert!(!root.join(manifest.landing_paths().data).exists());
        assert!(!root.join(manifest.landing_paths().manifest).exists());
    }
}

#[test]
fn a_folder_keeps_the_contract() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().join("lake");
    runtime().block_on(contract(open(root.to_str().unwrap()), &root, dir.path()));
    assert_eq!(files(&root).len(), 4, "{:?}", files(&root));
    let as_url = dir.path().join("by url");
    let url = format!("file://{}", as_url.display().to_string().replace(' ', "%20"));
    runtime().block_on(contract(open(&url), &as_url, dir.path()));
}

#[test]
fn what_a_killed_upload_left_is_cleared() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().join("lake");
    let (manifest, path) = clip(dir.path(), 0, 5_000);
    let paths = manifest.landing_paths();
    let data = root.join(&paths.data);
    fs::create_dir_all(data.parent().unwrap()).unwrap();
    for leftover in [format!("{}#1", paths.data), format!("{}#2", paths.data), format!("{}#1", paths.manifest)] {
        fs::write(root.join(leftover), b"half").unwrap();
    }
    // After a power cut: the manifest's name without its content.
    fs::write(root.join(&paths.manifest), b"").unwrap();
    let mut uplink = open(root.to_str().unwrap());
    assert_eq!(runtime().block_on(uplink.send(&manifest, &path)).unwrap(), Sent::Uploaded);
    assert_eq!(files(&root), [paths.manifest, paths.data]);
}

#[test]
fn a_folder_that_cannot_be_written_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("file");
    fs::write(&file, b"not a folder").unwrap();
    let error = Uplink::open(file.join("lake").to_str().unwrap(), QUICK, Draw::new(1, 0, 0)).unwrap_err().to_string();
    assert!(error.contains("file/lake") && error.contains("Not a directory"), "{error}");
    // The folder opens, but what must go below it cannot be made: also for root.
    let lake = dir.path().join("lake");
    fs::create_dir(&lake).unwrap();
    fs::write(lake.join("landing"), b"in the way").unwrap();
    let (manifest, path) = clip(dir.path(), 0, 10);
    let error = runtime().block_on(open(lake.to_str().unwrap()).send(&manifest, &path)).unwrap_err();
    assert!(matches!(error, UplinkError::Store { attempts: 1, is_transient: false, .. }), "{error}");
    assert!(error.to_string().contains(lake.to_str().unwrap()), "{error}");
}

#[test]
fn a_url_that_is_none_is_explained_without_its_secrets() {
    for (url, why) in [
        ("ftp://me:hunter2@host/x", "scheme \"ftp\""),
        ("s3://me:hunter2@bucket/x", "credentials"),
        ("s3:///x", "bucket"),
    ] {
        let error = Uplink::open(url, QUICK, Draw::new(1, 0, 0)).unwrap_err().to_string();
        assert!(error.contains(why) && !error.contains("hunter2"), "{error}");
    }
}

fn settings(port: u16, secret: &str) -> Vec<(String, String)> {
    let endpoint = format!("http://127.0.0.1:{port}");
    [
        ("AWS_ENDPOINT_URL", endpoint.as_str()),
        ("AWS_ALLOW_HTTP", "true"),
        ("AWS_REGION", "us-east-1"),
        ("AWS_ACCESS_KEY_ID", "fleet"),
        ("AWS_SECRET_ACCESS_KEY", secret),
    ]
    .map(|(key, value)| (key.to_owned(), value.to_owned()))
    .to_vec()
}

/// An S3 server over a folder, which takes the key `fleet` with the secret `correct-horse`.
fn serve_s3(root: &Path) -> u16 {
    use hyper_util::rt::{TokioExecutor, TokioIo};
    let mut builder = s3s::service::S3ServiceBuilder::new(s3s_fs::FileSystem::new(root).unwrap());
    builder.set_auth(s3s::auth::SimpleAuth::from_single("fleet", "correct-horse"));
    let service = builder.build();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        runtime().block_on(async move {
            let listener = tokio::net::TcpListener::from_std(listener).unwrap();
            while let Ok((socket, _)) = listener.accept().await {
                let service = service.clone();
                tokio::spawn(async move {
                    let server = hyper_util::server::conn::auto::Builder::new(TokioExecutor::new());
                    // A client that goes away is its own business.
                    drop(server.serve_connection(TokioIo::new(socket), service).await);
                });
            }
        });
    });
    port
}

#[test]
fn an_s3_server_keeps_the_contract() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().join("s3");
    fs::create_dir_all(root.join("fleet-lake")).unwrap();
    let port = serve_s3(&root);
    let open = |secret: &str, attempts: u32| {
        let retry = RetryPolicy { attempts, ..QUICK };
        Uplink::open_with("s3://fleet-lake/north", &settings(port, secret), retry, Draw::new(7, 0, 0)).unwrap()
    };
    runtime().block_on(contract(open("correct-horse", 3), &root.join("fleet-lake/north"), dir.path()));

    // A wrong secret is refused once and not tried again.
    let (manifest, path) = clip(dir.path(), 9, 10);
    let error = runtime().block_on(open("wrong-horse", 5).send(&manifest, &path)).unwrap_err();
    assert!(matches!(error, UplinkError::Store { attempts: 1, is_transient: false, .. }), "{error}");
    assert!(!error.to_string().contains("horse"), "{error}");
}

#[test]
fn a_store_that_is_not_there_is_tried_and_then_named() {
    let dir = tempfile::tempdir().unwrap();
    // A port that was free a moment ago.
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let mut uplink =
        Uplink::open_with("s3://fleet-lake/north", &settings(port, "secret"), QUICK, Draw::new(7, 0, 0)).unwrap();
    let (manifest, path) = clip(dir.path(), 0, 10);
    let error = runtime().block_on(uplink.send(&manifest, &path)).unwrap_err();
    assert!(matches!(error, UplinkError::Store { attempts: 3, is_transient: true, .. }), "{error}");
    let text = error.to_string();
    assert!(text.contains("s3://fleet-lake/north") && text.contains("refused"), "{text}");
}
