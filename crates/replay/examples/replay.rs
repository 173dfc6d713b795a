//! Replays a local clip or drive: `cargo run -p cloverleaf-replay --example replay -- FILE.mcap OUT.rrd [FROM_S UNTIL_S]`.
//!
//! The picture in docs/images/replay.png is such a recording as the viewer of PyPI's `rerun-sdk` draws it
//! (Debian: xvfb, mesa-vulkan-drivers, ffmpeg for the video):
//!
//! ```text
//! xvfb-run -s "-screen 0 1920x1200x24" rerun OUT.rrd --window-size 1600x1000 --screenshot-to replay.png
//! ```
//!
//! The viewer opens paused at the start, so such a picture shows the start; the one in docs/images was taken ten
//! seconds into a clip of `cloverleaf drive generate --seed 7`, without a network and so without map tiles.

use cloverleaf_replay::{ReplayOptions, Sink, Source, replay};
use cloverleaf_vocabulary::TimeDelta;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let (Some(input), Some(output)) = (arguments.next(), arguments.next()) else {
        return Err("usage: replay FILE.mcap OUT.rrd [FROM_S UNTIL_S]".into());
    };
    let mut seconds = arguments.map(|text| text.parse().map(TimeDelta::from_secs_f64));
    let options =
        ReplayOptions { topics: Vec::new(), from: seconds.next().transpose()?, until: seconds.next().transpose()? };
    let summary = replay(&Source::File(input.into()), &options, &Sink::RrdFile(output.into()), &mut |_| ())?;
    println!("{summary:#?}");
    Ok(())
}
