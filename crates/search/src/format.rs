//! Rows as text: a table for people, JSON lines and CSV for programs.

use std::io::{self, Write};
use std::str::FromStr;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Schema};
use arrow::error::ArrowError;
use arrow::util::display::{ArrayFormatter, FormatOptions};
use arrow::util::pretty::pretty_format_batches_with_schema;
use datafusion::error::DataFusionError;
use datafusion::execution::SendableRecordBatchStream;
use futures::TryStreamExt;

/// Most rows shown as a table, whose column widths need all of them at once.
pub const TABLE_ROWS: usize = 10_000;
/// Between the elements of a list in CSV.
const LIST_SEPARATOR: &str = ";";

/// How rows are written. Timestamps are RFC 3339 everywhere.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Format {
    /// A drawn table, of at most [`TABLE_ROWS`] rows.
    #[default]
    Table,
    /// A JSON object a line, every column in each.
    Jsonl,
    /// CSV with a header; lists are joined by `;`.
    Csv,
}

impl FromStr for Format {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "table" => Ok(Self::Table),
            "jsonl" => Ok(Self::Jsonl),
            "csv" => Ok(Self::Csv),
            other => Err(format!("unknown format {other:?}: expected table, jsonl or csv")),
        }
    }
}

/// Why rows could not be written.
#[derive(Debug, thiserror::Error)]
pub enum OutputError {
    /// The query failed while its rows were written.
    #[error("the query failed")]
    Query(#[source] Box<DataFusionError>),
    /// The rows could not be put into text.
    #[error("the rows cannot be written as text")]
    Text(#[source] ArrowError),
    /// The output does not take more.
    #[error("writing the rows failed")]
    Io(#[from] io::Error),
}

impl From<ArrowError> for OutputError {
    fn from(error: ArrowError) -> Self {
        match error {
            ArrowError::IoError(_, source) => Self::Io(source),
            other => Self::Text(other),
        }
    }
}

/// Writes rows as they come and returns how many there were. Only a table holds them all, up to its limit.
pub async fn write_rows(
    mut rows: SendableRecordBatchStream,
    format: Format,
    output: &mut (dyn Write + Send),
) -> Result<u64, OutputError> {
    let schema = rows.schema();
    let mut count = 0;
    let mut shown = Vec::new();
    let mut room = TABLE_ROWS;
    if format == Format::Csv {
        write_csv(&RecordBatch::new_empty(schema.clone()), true, output)?;
    }
    while let Some(batch) = rows.try_next().await.map_err(|error| OutputError::Query(Box::new(error)))? {
        count += batch.num_rows() as u64;
        match format {
            Format::Jsonl => {
                let mut writer = arrow::json::WriterBuilder::new()
                    .with_explicit_nulls(true)
                    .build::<_, arrow::json::writer::LineDelimited>(&mut *output);
                writer.write(&batch)?;
                writer.finish()?;
            }
            Format::Csv => write_csv(&batch, false, output)?,
            Format::Table if room > 0 => {
                let taken = batch.slice(0, batch.num_rows().min(room));
                room -= taken.num_rows();
                shown.push(taken);
            }
            Format::Table => {}
        }
    }
    if format == Format::Table {
        writeln!(output, "{}", pretty_format_batches_with_schema(schema, &shown)?)?;
        if count > TABLE_ROWS as u64 {
            let more = count - TABLE_ROWS as u64;
            writeln!(output, "... and {more} more rows: use the format jsonl or csv for all")?;
        }
    }
    output.flush()?;
    Ok(count)
}

fn write_csv(batch: &RecordBatch, header: bool, output: &mut dyn Write) -> Result<(), OutputError> {
    let flat = flatten(batch)?;
    arrow::csv::WriterBuilder::new().with_header(header).build(output).write(&flat)?;
    Ok(())
}

/// The batch with nested columns as text, which CSV needs.
fn flatten(batch: &RecordBatch) -> Result<RecordBatch, ArrowError> {
    let mut fields = Vec::new();
    let mut columns = Vec::new();
    for (field, column) in batch.schema().fields().iter().zip(batch.columns()) {
        if column.data_type().is_nested() {
            fields.push(Arc::new(Field::new(field.name(), DataType::Utf8, true)));
            columns.push(as_text(column)?);
        } else {
            fields.push(field.clone());
            columns.push(column.clone());
        }
    }
    RecordBatch::try_new(Arc::new(Schema::new(fields)), columns)
}

fn as_text(column: &ArrayRef) -> Result<ArrayRef, ArrowError> {
    let options = FormatOptions::default();
    let mut texts: Vec<Option<String>> = Vec::with_capacity(column.len());
    if let Some(lists) = column.as_list_opt::<i32>() {
        for list in lists.iter() {
            let elements = list.map(|list| {
                let shown = ArrayFormatter::try_new(&list, &options)?;
                (0..list.len()).map(|index| shown.value(index).try_to_string()).collect::<Result<Vec<_>, _>>()
            });
            texts.push(elements.transpose()?.map(|elements| elements.join(LIST_SEPARATOR)));
        }
    } else {
        let shown = ArrayFormatter::try_new(column, &options)?;
        for index in 0..column.len() {
            texts.push(column.is_valid(index).then(|| shown.value(index).try_to_string()).transpose()?);
        }
    }
    Ok(Arc::new(StringArray::from(texts)))
}
