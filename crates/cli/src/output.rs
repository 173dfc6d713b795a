//! What a person sees while and after a command runs.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

/// A bar on standard error that vanishes when done; silent when standard error is no terminal.
pub struct Progress(ProgressBar);

impl Progress {
    /// A spinner with a count, until a total is known.
    pub fn new(what: &str) -> Self {
        let bar = ProgressBar::no_length().with_message(what.to_owned());
        bar.set_style(style("{spinner} {msg}: {human_pos} {elapsed}"));
        bar.enable_steady_tick(Duration::from_millis(120));
        Self(bar)
    }

    /// `done` of `total`, both in the same unit; 0 as total means unknown.
    pub fn set(&self, done: u64, total: u64) {
        if total > 0 && self.0.length() != Some(total) {
            self.0.set_length(total);
            self.0.set_style(style("{spinner} {msg}: {wide_bar} {percent}% {elapsed}, {eta} left"));
        }
        self.0.set_position(done);
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_spinner())
}

/// The error and what caused it, one a line. A cause that its effect already quotes is not repeated.
pub fn print_error(error: &anyhow::Error) {
    let mut shown = String::new();
    for (depth, cause) in error.chain().enumerate() {
        let text = cause.to_string();
        if depth == 0 {
            eprintln!("error: {text}");
        } else if !shown.contains(&text) {
            eprintln!("  because: {text}");
        }
        shown.push_str(&text);
        shown.push('\n');
    }
}

/// Bytes as people read them.
pub fn bytes(count: u64) -> String {
    indicatif::HumanBytes(count).to_string()
}

/// A count as people read it.
pub fn count(count: u64) -> String {
    indicatif::HumanCount(count).to_string()
}
