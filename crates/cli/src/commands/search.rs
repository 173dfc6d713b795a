use std::io::{Write, stdout};

use anyhow::Context;
use arrow::array::{Array, AsArray, RecordBatch};
use clap::{Args, ValueEnum};
use cloverleaf_catalog::Lake;
use cloverleaf_search::{Format, Order, SearchOptions, TABLE_ROWS, write_rows};
use datafusion::execution::SendableRecordBatchStream;
use futures::TryStreamExt;

use super::{LakeArgument, block_on};
use crate::Outcome;
use crate::output::count;

/// How rows are printed.
#[derive(Debug, Clone, Copy, Default, ValueEnum)]
enum OutputFormat {
    /// A drawn table.
    #[default]
    Table,
    /// A JSON object a line.
    Jsonl,
    /// CSV with a header.
    Csv,
}

impl From<OutputFormat> for Format {
    fn from(format: OutputFormat) -> Self {
        match format {
            OutputFormat::Table => Self::Table,
            OutputFormat::Jsonl => Self::Jsonl,
            OutputFormat::Csv => Self::Csv,
        }
    }
}

/// Options of `cloverleaf search`.
#[derive(Args)]
#[command(after_help = "An expression that names signals finds moments, any other finds clips:\n\
  cloverleaf search true                                         all clips\n\
  cloverleaf search 'rule == \"cut-in\" && duration > 10s'\n\
  cloverleaf search 'Vehicle.Speed > 90.0 && Vehicle.ADAS.Lead.TimeGap < 1.0'\n\
  cloverleaf search 'vehicle == \"gen-7\" && day >= \"2026-11-01\" && \"/camera/front\" in topics'\n\n\
Fields of a clip: clip, vehicle, boot, rule (or event), rules, topic, topics, day, time, duration, latitude,\n\
longitude, size, software, origin. Signals: VSS names, in the catalogue's units (Vehicle.Speed in km/h).\n\
Operators as in CEL: && || ! == != < <= > >= in + - * / ?: and startsWith, contains, abs, min, max.")]
pub struct Options {
    /// The condition.
    #[arg(value_name = "EXPR")]
    expression: String,
    #[command(flatten)]
    lake: LakeArgument,
    /// How to print.
    #[arg(long, value_enum, default_value_t)]
    format: OutputFormat,
    /// At most so many rows.
    #[arg(long, value_name = "N")]
    limit: Option<usize>,
    /// Latest first.
    #[arg(long)]
    newest: bool,
}

/// Options of `cloverleaf sql`.
#[derive(Args)]
#[command(
    after_help = "Tables: clips, events, signals, objects (docs/tables.md). Signal columns are quoted VSS names:\n\
  cloverleaf sql 'SELECT clip_id, max(\"Vehicle.Speed\") FROM signals GROUP BY clip_id'\n\
  cloverleaf sql 'SELECT rule_id, count(*) FROM events GROUP BY rule_id' --format csv\n\
What would write, define or set something is refused."
)]
pub struct SqlOptions {
    /// One SELECT.
    query: String,
    #[command(flatten)]
    lake: LakeArgument,
    /// How to print.
    #[arg(long, value_enum, default_value_t)]
    format: OutputFormat,
}

/// Finds clips or moments.
pub fn run(options: &Options) -> anyhow::Result<Outcome> {
    block_on(async {
        let lake = Lake::open(&options.lake.lake).await?;
        let order = if options.newest { Order::NewestFirst } else { Order::OldestFirst };
        let search = SearchOptions { limit: options.limit, order };
        let rows = cloverleaf_search::search(&lake, &options.expression, &search).await?;
        print(rows, options.format).await
    })
}

/// Runs one query.
pub fn run_sql(options: &SqlOptions) -> anyhow::Result<Outcome> {
    block_on(async {
        let lake = Lake::open(&options.lake.lake).await?;
        print(cloverleaf_search::sql(&lake, &options.query).await?, options.format).await
    })
}

async fn print(rows: SendableRecordBatchStream, format: OutputFormat) -> anyhow::Result<Outcome> {
    let mut out = std::io::BufWriter::new(stdout());
    let shown = write_rows(rows, format.into(), &mut out).await?;
    out.flush()?;
    if let OutputFormat::Table = format {
        let more = if shown >= TABLE_ROWS as u64 { " (a table shows no more; --format jsonl does)" } else { "" };
        eprintln!("{} rows{more}", count(shown));
    }
    Ok(Outcome::Done)
}

/// Text columns of a query's rows, null as "".
pub async fn texts<const N: usize>(lake: &Lake, query: &str, columns: [&str; N]) -> anyhow::Result<Vec<[String; N]>> {
    let batches: Vec<RecordBatch> = cloverleaf_search::sql(lake, query).await?.try_collect().await?;
    let mut rows = Vec::new();
    for batch in &batches {
        let mut arrays = Vec::with_capacity(N);
        for column in columns {
            let array = batch.column_by_name(column).with_context(|| format!("the query gives no column {column}"))?;
            arrays.push(arrow::compute::cast(array, &arrow::datatypes::DataType::Utf8)?);
        }
        for row in 0..batch.num_rows() {
            rows.push(std::array::from_fn(|column| {
                let array = arrays[column].as_string::<i32>();
                if array.is_null(row) { String::new() } else { array.value(row).to_owned() }
            }));
        }
    }
    Ok(rows)
}
