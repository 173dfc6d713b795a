//! Expressions and SQL to rows.

use cloverleaf_catalog::{CatalogError, Lake, Table};
use cloverleaf_triggers::{Expression, ExpressionError};
use datafusion::dataframe::DataFrame;
use datafusion::error::DataFusionError;
use datafusion::execution::SendableRecordBatchStream;
use datafusion::functions_aggregate::expr_fn::{count, max, min};
use datafusion::functions_window::expr_fn::row_number;
use datafusion::logical_expr::{Expr, ExprFunctionExt, JoinType, lit};
use datafusion::prelude::{SessionContext, ident};

use crate::fields::SearchScope;
use crate::lower::{CLIPS, Lower, SIGNALS, column};

/// Distance of the instants of `signals` (docs/tables.md).
const GRID_STEP_NS: i64 = 50_000_000;

/// How much to return, and what first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SearchOptions {
    /// At most so many rows.
    pub limit: Option<usize>,
    /// Which come first.
    pub order: Order,
}

/// Which rows come first.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Order {
    /// By the clip's start, earliest first.
    #[default]
    OldestFirst,
    /// By the clip's start, latest first.
    NewestFirst,
}

/// Why a search gave no rows.
#[derive(Debug, thiserror::Error)]
pub enum SearchError {
    /// The expression is wrong; shows the place.
    #[error(transparent)]
    Expression(#[from] ExpressionError),
    /// The lake failed, or the SQL is wrong.
    #[error(transparent)]
    Lake(#[from] CatalogError),
    /// The query engine failed.
    #[error("the search failed")]
    Run(#[from] DataFusionError),
}

/// Finds the clips, or the moments, of which an expression is true. An empty expression is `true`: all clips.
///
/// Clips come as `clip_id`, `vehicle_id`, `boot_id`, `start_time`, `duration_s`, `rules`, `start_latitude_deg`,
/// `start_longitude_deg`, `size_bytes`, `object_path`. Moments come as `clip_id`, `vehicle_id`, `start_time` (of the
/// clip), `first_t_s`, `last_t_s` (seconds since the clip's start), `instants` (how many of the 20 Hz grid) and
/// `first_time`.
pub async fn search(
    lake: &Lake,
    expression: &str,
    options: &SearchOptions,
) -> Result<SendableRecordBatchStream, SearchError> {
    let text = if expression.trim().is_empty() { "true" } else { expression };
    let parsed = Expression::parse_condition(text, &SearchScope)?;
    let moments = !parsed.signals().is_empty();
    let condition = Lower { text, moments }.lower(&parsed)?;
    let session = lake.session().await?;
    let rows = if moments { find_moments(&session, condition).await? } else { find_clips(&session, condition).await? };
    let oldest = options.order == Order::OldestFirst;
    let mut order = vec![ident("start_time").sort(oldest, false), ident("clip_id").sort(true, false)];
    if moments {
        order.push(ident("first_t_s").sort(true, false));
    }
    let rows = rows.sort(order)?.limit(0, options.limit)?;
    Ok(rows.execute_stream().await?)
}

/// Runs one SQL query over the lake's tables; whatever would write is refused.
pub async fn sql(lake: &Lake, query: &str) -> Result<SendableRecordBatchStream, SearchError> {
    Ok(lake.sql(query).await?)
}

async fn find_clips(session: &SessionContext, condition: Expr) -> Result<DataFrame, DataFusionError> {
    let shown = [
        "clip_id",
        "vehicle_id",
        "boot_id",
        "start_time",
        "duration_s",
        "rules",
        "start_latitude_deg",
        "start_longitude_deg",
        "size_bytes",
        "object_path",
    ];
    let clips = session.table(Table::Clips.name()).await?.alias(CLIPS)?;
    clips.filter(condition)?.select(shown.map(|name| column(CLIPS, name).alias(name)).to_vec())
}

/// Rows that hold, cut into stretches: along a stretch the place on the grid and the number of the row grow alike, so
/// their difference stays the same.
async fn find_moments(session: &SessionContext, condition: Expr) -> Result<DataFrame, DataFusionError> {
    let clips = session.table(Table::Clips.name()).await?.alias(CLIPS)?;
    let signals = session.table(Table::Signals.name()).await?.alias(SIGNALS)?;
    // The day is part of the key so that a condition on it prunes both tables.
    let same = ["clip_id", "event_day"].map(|name| column(SIGNALS, name).eq(column(CLIPS, name)));
    let held = signals.join_on(clips, JoinType::Inner, same)?.filter(condition)?;
    let since_start = column(SIGNALS, "boot_ns") - column(CLIPS, "start_boot_ns");
    let number = row_number()
        .partition_by(vec![column(CLIPS, "clip_id")])
        .order_by(vec![column(SIGNALS, "boot_ns").sort(true, false)])
        .build()?;
    let named = |table, name: &str| column(table, name).alias(name);
    let numbered = held.select(vec![
        named(CLIPS, "clip_id"),
        named(CLIPS, "vehicle_id"),
        named(CLIPS, "start_time"),
        named(SIGNALS, "t_s"),
        named(SIGNALS, "time"),
        (since_start / lit(GRID_STEP_NS)).alias("place"),
        number.alias("number"),
    ])?;
    let stretch = numbered.with_column(
        "stretch",
        ident("place") - datafusion::logical_expr::cast(ident("number"), arrow::datatypes::DataType::Int64),
    )?;
    let key = ["clip_id", "vehicle_id", "start_time", "stretch"].map(ident).to_vec();
    let moments = stretch.aggregate(
        key,
        vec![
            min(ident("t_s")).alias("first_t_s"),
            max(ident("t_s")).alias("last_t_s"),
            count(lit(1)).alias("instants"),
            min(ident("time")).alias("first_time"),
        ],
    )?;
    let shown = ["clip_id", "vehicle_id", "start_time", "first_t_s", "last_t_s", "instants", "first_time"];
    moments.select(shown.map(ident).to_vec())
}
