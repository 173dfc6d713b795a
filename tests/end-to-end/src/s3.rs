use std::net::{SocketAddr, TcpListener};
use std::path::Path;

use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use s3s::auth::SimpleAuth;
use s3s::service::{S3Service, S3ServiceBuilder};
use s3s_fs::FileSystem;
use tokio::runtime::Runtime;

const ACCESS_KEY: &str = "cloverleaf-test";
const SECRET_KEY: &str = "cloverleaf-test-secret";

/// An S3 server on loopback over a folder: the crate `s3s-fs`, which checks signatures and supports multipart uploads
/// and conditional puts. Buckets are the folder's subfolders. Stops when dropped.
pub struct S3Server {
    address: SocketAddr,
    _runtime: Runtime,
}

impl S3Server {
    /// Serves `root`, with one bucket made.
    pub fn start(root: &Path, bucket: &str) -> anyhow::Result<Self> {
        std::fs::create_dir_all(root.join(bucket))?;
        let files = FileSystem::new(root).map_err(|error| anyhow::anyhow!("opening {}: {error:?}", root.display()))?;
        let service = {
            let mut builder = S3ServiceBuilder::new(files);
            builder.set_auth(SimpleAuth::from_single(ACCESS_KEY, SECRET_KEY));
            builder.build()
        };
        let listener = TcpListener::bind("127.0.0.1:0")?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
        runtime.spawn(async move {
            let Ok(listener) = tokio::net::TcpListener::from_std(listener) else { return };
            serve(listener, service).await;
        });
        Ok(Self { address, _runtime: runtime })
    }

    /// The environment a program needs to use the server.
    pub fn environment(&self) -> Vec<(&'static str, String)> {
        vec![
            ("AWS_ENDPOINT_URL", format!("http://{}", self.address)),
            ("AWS_ALLOW_HTTP", "true".to_owned()),
            ("AWS_ACCESS_KEY_ID", ACCESS_KEY.to_owned()),
            ("AWS_SECRET_ACCESS_KEY", SECRET_KEY.to_owned()),
            ("AWS_REGION", "us-east-1".to_owned()),
        ]
    }
}

async fn serve(listener: tokio::net::TcpListener, service: S3Service) {
    while let Ok((socket, _)) = listener.accept().await {
        let service = service.clone();
        tokio::spawn(async move {
            let connection = Builder::new(TokioExecutor::new());
            // A client that goes away is its own business.
            drop(connection.serve_connection(TokioIo::new(socket), service).await);
        });
    }
}
