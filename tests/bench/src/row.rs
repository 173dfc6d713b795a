use std::time::Instant;

use serde::Serialize;

/// One figure beside its peer's. `ratio` is ours over the peer's, so that more than 1 is better for rates.
#[derive(Debug, Clone, Serialize)]
pub struct Row {
    /// Name, stable over time.
    pub name: &'static str,
    /// Ours, in `unit`.
    pub value: f64,
    /// Unit of both.
    pub unit: &'static str,
    /// What it is compared with.
    pub peer: &'static str,
    /// The peer's; absent when it could not be run here.
    pub peer_value: Option<f64>,
    /// Ours over the peer's.
    pub ratio: Option<f64>,
}

impl Row {
    /// A row with its ratio.
    pub fn new(
        name: &'static str,
        value: f64,
        unit: &'static str,
        peer: &'static str,
        peer_value: Option<f64>,
    ) -> Self {
        Self { name, value, unit, peer, peer_value, ratio: peer_value.map(|peer| value / peer) }
    }
}

/// Rows as a Markdown table.
pub fn table(rows: &[Row]) -> String {
    let number = |value: f64| if value >= 1000.0 { format!("{value:.0}") } else { format!("{value:.2}") };
    let optional = |value: Option<f64>| value.map_or_else(|| "not run".to_owned(), number);
    let mut text = "| name | ours | unit | peer | peer's | ratio |\n| --- | --: | --- | --- | --: | --: |".to_owned();
    for row in rows {
        text += &format!(
            "\n| {} | {} | {} | {} | {} | {} |",
            row.name,
            number(row.value),
            row.unit,
            row.peer,
            optional(row.peer_value),
            optional(row.ratio)
        );
    }
    text
}

/// Seconds that work takes: the best of several runs, since other load on the machine only adds time.
pub fn best_of<T>(runs: usize, mut work: impl FnMut() -> anyhow::Result<T>) -> anyhow::Result<f64> {
    let mut best = f64::INFINITY;
    for _ in 0..runs {
        #[expect(clippy::disallowed_methods, reason = "a benchmark measures time")]
        let start = Instant::now();
        std::hint::black_box(work()?);
        best = best.min(start.elapsed().as_secs_f64());
    }
    Ok(best)
}
