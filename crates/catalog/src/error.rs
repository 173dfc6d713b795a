//! Why a lake cannot be opened, read or written.

use crate::Table;

/// Why a lake cannot be opened, read or written. The source chain holds the store's own words.
#[derive(Debug, thiserror::Error)]
pub enum CatalogError {
    /// Not a path and not a URL we have a store for.
    #[error("{url:?} is not a lake: expected a folder, file:///folder, s3://bucket/prefix or memory://; {problem}")]
    BadUrl {
        /// What was asked for.
        url: String,
        /// What is wrong with it.
        problem: String,
    },
    /// Something else lies where the lake should be.
    #[error("{path} is or lies below a file: a lake is a folder (give another --lake, or move the file away)")]
    NotADirectory {
        /// The path asked for.
        path: String,
    },
    /// The store did not answer, or refused.
    #[error("cannot {action} in the lake {lake}{hint}")]
    Store {
        /// What was being done, `list landing/`.
        action: String,
        /// The lake's URL.
        lake: String,
        /// What to check, or empty.
        hint: &'static str,
        /// The store's own error.
        #[source]
        source: Box<object_store::Error>,
    },
    /// A Delta table could not be read or written.
    #[error("cannot {action} table {table}")]
    Delta {
        /// What was being done, `commit to`.
        action: &'static str,
        /// Which table.
        table: Table,
        /// Delta's own error.
        #[source]
        source: Box<deltalake::DeltaTableError>,
    },
    /// Other writers won every race.
    #[error(
        "table {table} was changed by other writers {attempts} times in a row while we tried to commit: try again, or run fewer writers"
    )]
    Contention {
        /// Which table.
        table: Table,
        /// How often we tried.
        attempts: u32,
    },
    /// A table or a batch does not have the columns of the contract.
    #[error("table {table}, column {column:?}: expected {expected}, found {found}")]
    Schema {
        /// Which table.
        table: Table,
        /// Which column.
        column: String,
        /// What docs/tables.md says.
        expected: String,
        /// What is there.
        found: String,
    },
    /// Rows could not be put into shape.
    #[error("rows for table {table} cannot be arranged")]
    Arrow {
        /// Which table.
        table: Table,
        /// Arrow's own error.
        #[source]
        source: Box<arrow::error::ArrowError>,
    },
    /// A query that does not parse, or names what is not there.
    #[error("the query cannot be run")]
    Query(#[source] Box<datafusion::error::DataFusionError>),
    /// A query that would write.
    #[error("{statement} is refused: queries only read the lake. Use SELECT, EXPLAIN or SHOW TABLES")]
    QueryWrites {
        /// What kind of statement it was.
        statement: String,
    },
}

impl CatalogError {
    pub(crate) fn query(error: datafusion::error::DataFusionError) -> Self {
        Self::Query(Box::new(error))
    }
}
