use std::fs::File;
use std::io::BufReader;
use std::path::PathBuf;

use anyhow::Context;
use clap::{Args, Subcommand};
use cloverleaf_clip::RecordingReader;
use cloverleaf_sources::generated::{GenerateOptions, generate};
use cloverleaf_sources::{Summary, comma2k19};

use crate::Outcome;
use crate::output::{Progress, bytes, count};

/// Commands over drive recordings.
#[derive(Subcommand)]
pub enum Command {
    /// Import recorded logs of a real car.
    #[command(subcommand)]
    Import(Import),
    /// Generate a motorway drive from a seed: CAN, radar, GNSS, IMU, video, and the truth beside it.
    Generate(Generate),
    /// Say what a recording or a clip holds.
    Info {
        /// The recording or clip.
        #[arg(value_name = "FILE.mcap")]
        file: PathBuf,
    },
}

/// Data sets that can be imported.
#[derive(Subcommand)]
pub enum Import {
    /// A segment of comma2k19: a folder with processed_log/ and global_pose/.
    #[command(
        after_help = "Example: cloverleaf drive import comma2k19 Example_1 --dbc toyota_pt.dbc toyota_adas.dbc --out drive.mcap"
    )]
    Comma2k19 {
        /// The segment's folder.
        dir: PathBuf,
        /// DBC files of the car. Each goes to the bus that carries most of its identifiers, and travels in the recording.
        #[arg(long, required = true, num_args = 1.., value_name = "FILE")]
        dbc: Vec<PathBuf>,
        /// Where to write; an existing file is replaced.
        #[arg(long, value_name = "FILE.mcap")]
        out: PathBuf,
    },
}

/// Options of `cloverleaf drive generate`.
#[derive(Args)]
pub struct Generate {
    /// Everything follows from it: the same seed and length give the same bytes.
    #[arg(long)]
    seed: u64,
    /// Length of the drive, s. From 120 s on it contains every kind of event.
    #[arg(long, default_value_t = 120.0)]
    seconds: f64,
    /// Where to write; the truth goes beside it, FILE.truth.json. Existing files are replaced.
    #[arg(long, value_name = "FILE.mcap")]
    out: PathBuf,
}

/// Runs a drive command.
pub fn run(command: Command) -> anyhow::Result<Outcome> {
    match command {
        Command::Generate(options) => {
            let bar = Progress::new("generating the drive");
            let wanted = GenerateOptions { seed: options.seed, seconds: options.seconds };
            let summary =
                generate(&wanted, &options.out, &mut |progress| bar.set((progress.done * 1000.0) as u64, 1000))?;
            drop(bar);
            print_summary(&summary);
        }
        Command::Import(Import::Comma2k19 { dir, dbc, out }) => {
            let bar = Progress::new("importing the segment");
            let summary = comma2k19::import(&dir, &dbc, &out, &mut |progress| {
                bar.set((progress.done * 1000.0) as u64, 1000);
            })?;
            drop(bar);
            print_summary(&summary);
        }
        Command::Info { file } => info(&file)?,
    }
    Ok(Outcome::Done)
}

fn print_summary(summary: &Summary) {
    let messages = count(summary.message_count());
    println!("{}: {}, {messages} messages", summary.path.display(), bytes(summary.size_bytes));
    if let Some((first, last)) = summary.span {
        println!("{} from {:.3} s of the boot clock", last - first, first.as_secs_f64());
    }
    for (topic, messages) in &summary.topics {
        println!("  {topic:<30} {:>10}", count(*messages));
    }
    for (kind, events) in &summary.true_events {
        println!("  true event {kind:<19} {events:>10}");
    }
    if let Some(truth) = &summary.truth_path {
        println!("truth: {}", truth.display());
    }
    for warning in &summary.warnings {
        eprintln!("note: {warning}");
    }
}

fn info(file: &std::path::Path) -> anyhow::Result<()> {
    let name = file.display().to_string();
    let source = File::open(file).with_context(|| format!("cannot open {name}"))?;
    let mut recording = RecordingReader::open(&name, BufReader::new(source))?;
    let header = recording.info().clone();
    println!("{name}: {}", bytes(recording.size_bytes()));
    println!("vehicle {}, boot {}, written by {}", header.vehicle, header.boot, header.software);
    if !header.origin.is_empty() {
        println!("origin: {}", header.origin);
    }
    if let Some((first, last)) = recording.span() {
        println!("{} from {:.3} s to {:.3} s of the boot clock", last - first, first.as_secs_f64(), last.as_secs_f64());
    }
    if let Some(manifest) = recording.manifest() {
        println!("clip {}, number {} of its boot", manifest.clip, manifest.sequence);
        for trigger in &manifest.triggers {
            println!("  {} at {:.3} s {}", trigger.rule, trigger.at_ns.as_secs_f64(), trigger.message);
        }
    }
    for channel in recording.channels() {
        println!("  {:<50} {:>10} {}", channel.topic, count(channel.messages), channel.schema_name);
    }
    for attachment in recording.attachments() {
        println!("  attached {} ({})", attachment.name, bytes(attachment.size));
    }
    // Every chunk is unpacked and checked, so that "info" finds damage.
    let messages = recording.messages(&Default::default());
    for message in messages {
        message?;
    }
    println!("all chunks are whole");
    Ok(())
}
