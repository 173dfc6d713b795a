//! What a person reads.

use std::io::{IsTerminal, Write};

use cloverleaf_capture::{AgentConfig, CaptureError, CaptureSummary, Progress};
use cloverleaf_vocabulary::{BootTime, Clock, TimeDelta};

/// One line on stderr: rewritten on a terminal, a new one every five seconds elsewhere.
pub struct ProgressLine {
    is_quiet: bool,
    is_terminal: bool,
    next: BootTime,
    is_shown: bool,
}

impl ProgressLine {
    pub fn new(is_quiet: bool) -> Self {
        let is_terminal = std::io::stderr().is_terminal();
        Self { is_quiet, is_terminal, next: BootTime::default(), is_shown: false }
    }

    pub fn show(&mut self, clock: &dyn Clock, at: Progress) {
        let now = clock.boot_time();
        if self.is_quiet || now < self.next {
            return;
        }
        self.next = now + TimeDelta::from_millis(if self.is_terminal { 200 } else { 5_000 });
        let share = if at.length_s > 0.0 { at.position_s / at.length_s * 100.0 } else { 100.0 };
        let text = format!("{:5.1} % of {:.1} s, {} messages, {} clip(s)", share, at.length_s, at.messages, at.clips);
        if self.is_terminal {
            eprint!("\r{text}\x1b[K");
            // Nothing depends on the progress being seen.
            std::io::stderr().flush().ok();
            self.is_shown = true;
        } else {
            eprintln!("{text}");
        }
    }

    pub fn clear(&mut self) {
        if self.is_shown {
            eprint!("\r\x1b[K");
        }
    }
}

/// The summary as text.
pub fn summary(summary: &CaptureSummary) -> String {
    let mut out = String::new();
    let mut line = |name: &str, text: String| out.push_str(&format!("{name:<9} {text}\n"));
    if let (Some(vehicle), Some(boot)) = (&summary.vehicle, &summary.boot) {
        line("drive", format!("{vehicle} {boot}, {:.1} s in {:.2} s", summary.drive_s, summary.capture_wall_s));
        line(
            "read",
            format!(
                "{} messages, {} CAN frames, {} signal samples ({:.0} samples/s)",
                summary.messages, summary.frames, summary.samples, summary.samples_per_s
            ),
        );
        let fired: Vec<String> = summary.firings.iter().map(|(rule, count)| format!("{rule} {count}")).collect();
        line("fired", if fired.is_empty() { "nothing".to_owned() } else { fired.join(", ") });
        let mut sealed = format!("{} clip(s), {} bytes", summary.clips_sealed, summary.sealed_bytes);
        for (count, what) in
            [(summary.clips_known, "sealed earlier"), (summary.clips_refused, "lost: the quota was full")]
        {
            if count > 0 {
                sealed.push_str(&format!("; {count} {what}"));
            }
        }
        line("sealed", sealed);
    }
    let mut uploaded = format!("{} clip(s), {} bytes", summary.clips_uploaded, summary.uploaded_bytes);
    for (count, what) in [
        (summary.clips_already_there, "had arrived before"),
        (summary.clips_waiting, "still waiting"),
        (summary.clips_missing, "missing from the spool"),
    ] {
        if count > 0 {
            uploaded.push_str(&format!("; {count} {what}"));
        }
    }
    line("uploaded", uploaded);
    out
}

/// A checked configuration in words.
pub fn describe(config: &AgentConfig) -> Result<String, CaptureError> {
    let capture = &config.capture;
    let rules = capture.rules()?;
    let mut out = String::new();
    let mut line = |name: &str, text: String| out.push_str(&format!("{name:<9} {text}\n"));
    line("rules", format!("{} in {}", rules.len(), capture.rules.name));
    for rule in rules {
        line("", format!("{}: {}", rule.id, rule.description));
    }
    line("drive", config.drive.as_ref().map_or("none".to_owned(), |drive| drive.display().to_string()));
    line("speed", config.pace.to_string());
    line("spool", capture.spool.dir.display().to_string());
    line("upload", cloverleaf_capture::redact(&capture.upload_url));
    Ok(out)
}
