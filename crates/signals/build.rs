//! Compiles the message definitions without `protoc`: Rust types for us, and a self-contained descriptor set for each
//! message that goes into MCAP files, so that any reader can decode them.

use std::path::Path;

use prost::Message as _;

const SCHEMAS: [&str; 8] = [
    "cloverleaf/CanFrame.proto",
    "cloverleaf/ObjectList.proto",
    "cloverleaf/GnssVelocity.proto",
    "cloverleaf/SignalSample.proto",
    "cloverleaf/TriggerEvent.proto",
    "foxglove/LocationFix.proto",
    "foxglove/PoseInFrame.proto",
    "foxglove/CompressedVideo.proto",
];

fn main() -> Result<(), Box<dyn std::error::Error>> {
    println!("cargo::rerun-if-changed=proto");
    let out = std::env::var("OUT_DIR")?;
    for schema in SCHEMAS {
        let name = schema.trim_end_matches(".proto").replace('/', ".");
        let descriptors = protox::compile([schema], ["proto"])?;
        std::fs::write(Path::new(&out).join(format!("{name}.fds")), descriptors.encode_to_vec())?;
    }
    prost_build::Config::new()
        .disable_comments(["google"])
        .type_attribute(".cloverleaf.Object.Class", "#[allow(missing_docs)]")
        .compile_fds(protox::compile(SCHEMAS, ["proto"])?)?;
    Ok(())
}
