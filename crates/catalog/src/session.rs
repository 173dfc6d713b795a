//! Reading: the tables in a DataFusion session, and SQL that cannot write.

use std::num::NonZeroUsize;
use std::sync::Arc;

use datafusion::catalog::TableProvider;
use datafusion::common::ScalarValue;
use datafusion::datasource::MemTable;
use datafusion::error::DataFusionError;
use datafusion::execution::SendableRecordBatchStream;
use datafusion::execution::memory_pool::{FairSpillPool, TrackConsumersPool};
use datafusion::execution::runtime_env::RuntimeEnvBuilder;
use datafusion::logical_expr::{Expr, lit};
use datafusion::prelude::{Column, SQLOptions, SessionConfig, SessionContext};

use crate::delta::{arrow_schema, delta_error, missing_columns};
use crate::{CatalogError, Lake, Table};

/// Memory of one query; what needs more spills to the temporary folder.
const QUERY_MEMORY_BYTES: usize = 1 << 30;

impl Lake {
    /// A session that sees the lake's tables as they are now, whatever is written later.
    pub async fn session(&self) -> Result<SessionContext, CatalogError> {
        let pool = TrackConsumersPool::new(FairSpillPool::new(QUERY_MEMORY_BYTES), NonZeroUsize::MIN);
        let runtime =
            RuntimeEnvBuilder::new().with_memory_pool(Arc::new(pool)).build_arc().map_err(CatalogError::query)?;
        let config = SessionConfig::new().with_information_schema(true);
        let context = SessionContext::new_with_config_rt(config, runtime);
        self.register(&context).await?;
        Ok(context)
    }

    /// Puts the tables into a session, `clips` first: what it names, the other tables already have. A table that was
    /// never written is there and empty; a column it does not have yet is there and null.
    pub async fn register(&self, context: &SessionContext) -> Result<(), CatalogError> {
        for table in Table::WRITE_ORDER.into_iter().rev() {
            let provider = self.provider(context, table).await?;
            context.register_table(table.name(), provider).map_err(CatalogError::query)?;
        }
        Ok(())
    }

    /// Runs one query and streams its rows. Anything that would write, define or set is refused before it runs.
    pub async fn sql(&self, query: &str) -> Result<SendableRecordBatchStream, CatalogError> {
        let context = self.session().await?;
        let plan = context.state().create_logical_plan(query).await.map_err(CatalogError::query)?;
        let options = SQLOptions::new().with_allow_ddl(false).with_allow_dml(false).with_allow_statements(false);
        options.verify_plan(&plan).map_err(refused)?;
        let frame = context.execute_logical_plan(plan).await.map_err(CatalogError::query)?;
        frame.execute_stream().await.map_err(CatalogError::query)
    }

    async fn provider(&self, context: &SessionContext, table: Table) -> Result<Arc<dyn TableProvider>, CatalogError> {
        let wanted = table.schema();
        let Some(delta) = self.table(table).await? else {
            return Ok(Arc::new(MemTable::try_new(wanted, vec![vec![]]).map_err(CatalogError::query)?));
        };
        delta.update_datafusion_session(&context.state()).map_err(|error| delta_error("read", table, error))?;
        let provider = delta.table_provider().await.map_err(CatalogError::query)?;
        let found = arrow_schema(table, &delta)?;
        let missing = missing_columns(table, &found, &wanted)?;
        if missing.is_empty() {
            return Ok(provider);
        }
        let mut columns: Vec<Expr> =
            found.fields().iter().map(|field| Expr::Column(Column::from_name(field.name()))).collect();
        for index in missing {
            let field = wanted.field(index);
            let null = ScalarValue::try_from(field.data_type()).map_err(CatalogError::query)?;
            columns.push(lit(null).alias(field.name()));
        }
        let frame = context.read_table(provider).and_then(|rows| rows.select(columns)).map_err(CatalogError::query)?;
        Ok(frame.into_view())
    }
}

/// DataFusion says `DML not supported: COPY`; the statement's name is what the user needs.
fn refused(error: DataFusionError) -> CatalogError {
    let text = error.strip_backtrace();
    let statement = text.rsplit(": ").next().unwrap_or_default().trim();
    CatalogError::QueryWrites { statement: statement.to_uppercase() }
}
