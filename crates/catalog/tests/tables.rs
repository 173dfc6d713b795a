//! Tables under writers that repeat themselves, race and read only.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeSet;
use std::sync::Arc;

use arrow::array::{
    ArrayRef, AsArray, Date32Array, Float64Array, Int64Array, RecordBatch, StringArray, new_null_array,
};
use arrow::datatypes::{Float64Type, Int64Type};
use cloverleaf_catalog::{CatalogError, Lake, Table};
use futures::TryStreamExt;
use object_store::memory::InMemory;

/// Rows of clips with what the test looks at; all else is null.
fn rows(table: Table, clips: &[&str], rows_per_clip: usize) -> RecordBatch {
    let ids: Vec<&str> = clips.iter().flat_map(|clip| std::iter::repeat_n(*clip, rows_per_clip)).collect();
    let count = ids.len();
    let schema = table.schema();
    let columns = schema.fields().iter().map(|field| -> ArrayRef {
        match field.name().as_str() {
            "event_day" => Arc::new(Date32Array::from_value(20_000, count)),
            "clip_id" => Arc::new(StringArray::from(ids.clone())),
            "Vehicle.Speed" => Arc::new(Float64Array::from_iter_values((0..count).map(|row| row as f64))),
            "sequence" => Arc::new(Int64Array::from_value(7, count)),
            _ => new_null_array(field.data_type(), count),
        }
    });
    RecordBatch::try_new(schema.clone(), columns.collect()).unwrap()
}

async fn numbers(lake: &Lake, query: &str) -> Vec<i64> {
    let batches: Vec<RecordBatch> = lake.sql(query).await.unwrap().try_collect().await.unwrap();
    batches.iter().flat_map(|batch| batch.column(0).as_primitive::<Int64Type>().values().to_vec()).collect()
}

fn set(clips: &[&str]) -> BTreeSet<String> {
    clips.iter().map(|clip| (*clip).to_owned()).collect()
}

#[tokio::test]
async fn a_clip_enters_a_table_once_however_often_it_is_inserted() {
    let lake = Lake::open("memory://").await.unwrap();
    for table in Table::WRITE_ORDER {
        let first = lake.insert(table, &[rows(table, &["a", "b"], 3)]).await.unwrap();
        assert_eq!((first.rows, first.present), (6, set(&[])), "{table}");
        let second = lake.insert(table, &[rows(table, &["b"], 3), rows(table, &["c"], 2)]).await.unwrap();
        assert_eq!((second.rows, second.present), (2, set(&["b"])), "{table}");
        let third = lake.insert(table, &[rows(table, &["a", "b", "c"], 3)]).await.unwrap();
        assert_eq!((third.rows, third.present), (0, set(&["a", "b", "c"])), "{table}");
        assert_eq!(numbers(&lake, &format!("SELECT count(*) FROM {table}")).await, [8], "{table}");
    }
    assert_eq!(lake.known_clips(&set(&["a", "x"])).await.unwrap(), set(&["a"]));
    assert_eq!(lake.insert(Table::Events, &[]).await.unwrap().rows, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn racing_writers_of_overlapping_clips_double_nothing() {
    let store = Arc::new(InMemory::new());
    let writers = (0..6).map(|writer| {
        // Each has a lake of its own: they share nothing but the store.
        let lake = Lake::with_store("shared", store.clone()).unwrap();
        tokio::spawn(async move {
            let mut added = 0;
            for round in 0..3 {
                let clips: Vec<String> = (0..4).map(|clip| format!("clip-{}", round * 2 + writer % 3 + clip)).collect();
                let clips: Vec<&str> = clips.iter().map(String::as_str).collect();
                added += lake.insert(Table::Signals, &[rows(Table::Signals, &clips, 5)]).await.unwrap().rows;
            }
            added
        })
    });
    let mut added = 0;
    for writer in writers.collect::<Vec<_>>() {
        added += writer.await.unwrap();
    }
    let lake = Lake::with_store("shared", store).unwrap();
    assert_eq!(numbers(&lake, "SELECT count(*) FROM signals").await, [50]);
    assert_eq!(numbers(&lake, "SELECT count(DISTINCT clip_id) FROM signals").await, [10]);
    assert_eq!(added, 50);
}

#[tokio::test]
async fn deleted_clips_are_gone_from_every_table() {
    let lake = Lake::open("memory://").await.unwrap();
    for table in Table::WRITE_ORDER {
        lake.insert(table, &[rows(table, &["a", "b"], 1)]).await.unwrap();
    }
    assert_eq!(lake.delete_clips(&set(&["a", "nobody"])).await.unwrap(), 1);
    for table in Table::WRITE_ORDER {
        assert_eq!(numbers(&lake, &format!("SELECT count(*) FROM {table} WHERE clip_id = 'a'")).await, [0]);
        assert_eq!(numbers(&lake, &format!("SELECT count(*) FROM {table}")).await, [1]);
    }
}

#[tokio::test]
async fn queries_never_write() {
    let folder = tempfile::tempdir().unwrap();
    let lake = Lake::open(folder.path().to_str().unwrap()).await.unwrap();
    lake.insert(Table::Clips, &[rows(Table::Clips, &["a"], 1)]).await.unwrap();
    let target = folder.path().join("stolen");
    let target = target.display();
    for query in [
        format!("COPY (SELECT * FROM clips) TO '{target}' STORED AS CSV"),
        format!("EXPLAIN ANALYZE COPY (SELECT * FROM clips) TO '{target}' STORED AS CSV"),
        format!("CREATE EXTERNAL TABLE t STORED AS CSV LOCATION '{target}'"),
        "CREATE TABLE t AS SELECT 1".to_owned(),
        "CREATE VIEW v AS SELECT 1".to_owned(),
        "INSERT INTO clips SELECT * FROM clips".to_owned(),
        "EXPLAIN ANALYZE INSERT INTO clips SELECT * FROM clips".to_owned(),
        "DELETE FROM clips".to_owned(),
        "UPDATE clips SET sequence = 8".to_owned(),
        "DROP TABLE clips".to_owned(),
        "SET datafusion.execution.batch_size = 1".to_owned(),
    ] {
        let error = lake.sql(&query).await.err().unwrap_or_else(|| panic!("{query} was run"));
        assert!(matches!(error, CatalogError::QueryWrites { .. }), "{query}: {error:?}");
        assert!(error.to_string().contains("only read the lake"), "{error}");
    }
    for query in
        ["SELECT * FROM '/etc/passwd'", "SELECT 1; SELECT 2", "SELEC 1", "", "SELECT * FROM read_csv('/etc/passwd')"]
    {
        let error = lake.sql(query).await.err().unwrap_or_else(|| panic!("{query} was run"));
        assert!(matches!(error, CatalogError::Query(_)), "{query}: {error:?}");
    }
    assert!(!folder.path().join("stolen").exists());
    assert_eq!(numbers(&lake, "SELECT sequence FROM clips").await, [7]);
    for query in ["SHOW TABLES", "EXPLAIN SELECT * FROM clips", "WITH x AS (SELECT 1) SELECT * FROM x"] {
        let rows: Vec<_> = lake.sql(query).await.unwrap().try_collect().await.unwrap();
        assert!(!rows.is_empty(), "{query}");
    }
}

#[tokio::test]
async fn a_lake_that_does_not_exist_is_empty_and_stays_unmade() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("not yet/there");
    let lake = Lake::open(path.to_str().unwrap()).await.unwrap();
    for table in Table::WRITE_ORDER {
        assert_eq!(numbers(&lake, &format!("SELECT count(*) FROM {table}")).await, [0]);
    }
    assert_eq!(numbers(&lake, r#"SELECT count("Vehicle.Speed") FROM signals WHERE "Vehicle.Speed" > 3"#).await, [0]);
    assert!(!path.exists());
    // And with a blank in its path it can be written and read back, from a new start.
    lake.insert(Table::Signals, &[rows(Table::Signals, &["a"], 4)]).await.unwrap();
    let url = url::Url::from_directory_path(&path).unwrap();
    let again = Lake::open(url.as_str()).await.unwrap();
    assert_eq!(numbers(&again, r#"SELECT count(*) FROM signals WHERE "Vehicle.Speed" >= 2"#).await, [2]);
}

#[tokio::test]
async fn what_is_no_lake_is_refused_with_advice() {
    let file = tempfile::NamedTempFile::new().unwrap();
    for path in [file.path().to_path_buf(), file.path().join("below")] {
        let error = Lake::open(path.to_str().unwrap()).await.unwrap_err();
        assert!(matches!(error, CatalogError::NotADirectory { .. }), "{error:?}");
    }
    for (url, expected) in
        [("", "empty"), ("ftp://host/x", "not a lake"), ("s3://", "not a lake"), ("s3://b/p?x=1", "'?'")]
    {
        let error = Lake::open(url).await.unwrap_err();
        assert!(matches!(error, CatalogError::BadUrl { .. }), "{url}: {error:?}");
        assert!(error.to_string().contains(expected), "{url}: {error}");
    }
}

#[tokio::test]
async fn rows_of_another_shape_are_refused_before_anything_is_written() {
    let lake = Lake::open("memory://").await.unwrap();
    let schema = Arc::new(arrow::datatypes::Schema::new(vec![arrow::datatypes::Field::new(
        "clip_id",
        arrow::datatypes::DataType::Int64,
        true,
    )]));
    let wrong = RecordBatch::try_new(schema, vec![Arc::new(Int64Array::from(vec![1]))]).unwrap();
    let error = lake.insert(Table::Clips, &[wrong]).await.unwrap_err();
    assert!(matches!(error, CatalogError::Schema { .. }), "{error:?}");
    assert_eq!(lake.store().list(None).try_collect::<Vec<_>>().await.unwrap().len(), 0);
}

#[tokio::test]
async fn a_table_from_before_a_column_was_added_reads_as_null_and_grows() {
    use deltalake::kernel::engine::arrow_conversion::TryIntoKernel;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tables/signals");
    std::fs::create_dir_all(&path).unwrap();
    let schema = Table::Signals.schema();
    let early = arrow::datatypes::Schema::new(schema.fields()[..8].to_vec());
    let columns: deltalake::kernel::StructType = (&early).try_into_kernel().unwrap();
    deltalake::operations::create::CreateBuilder::new()
        .with_location(path.to_str().unwrap())
        .with_columns(columns.fields().cloned())
        .with_partition_columns(["event_day"])
        .await
        .unwrap();
    let lake = Lake::open(folder.path().to_str().unwrap()).await.unwrap();
    let last = schema.fields().last().unwrap().name().clone();
    let query = format!(r#"SELECT count(*) FROM signals WHERE "{last}" IS NULL"#);
    assert_eq!(numbers(&lake, &query).await, [0]);
    lake.insert(Table::Signals, &[rows(Table::Signals, &["a"], 3)]).await.unwrap();
    assert_eq!(numbers(&lake, &query).await, [3]);
}

#[tokio::test]
async fn other_tools_read_the_tables() {
    let python = std::env::var("CLOVERLEAF_PYTHON")
        .unwrap_or_else(|_| format!("{}/../../target/lake-venv/bin/python", env!("CARGO_MANIFEST_DIR")));
    let can = std::process::Command::new(&python).args(["-c", "import deltalake, duckdb, pyarrow"]).output();
    if !can.is_ok_and(|output| output.status.success()) {
        eprintln!("skipped other_tools_read_the_tables: {python} with deltalake, duckdb and pyarrow absent");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let lake = Lake::open(folder.path().to_str().unwrap()).await.unwrap();
    for table in Table::WRITE_ORDER {
        lake.insert(table, &[rows(table, &["a", "b"], 3)]).await.unwrap();
    }
    let script = r#"
import sys, duckdb, deltalake
lake = sys.argv[1]
for name in ["clips", "events", "signals", "objects"]:
    rows = deltalake.DeltaTable(f"{lake}/tables/{name}").to_pyarrow_table()
    assert rows.num_rows == 6, (name, rows.num_rows)
signals = deltalake.DeltaTable(f"{lake}/tables/signals").to_pyarrow_table()
print(duckdb.sql('SELECT sum("Vehicle.Speed")::BIGINT FROM signals').fetchall()[0][0])
"#;
    let output = std::process::Command::new(&python).args(["-c", script]).arg(folder.path()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let expected: f64 = rows(Table::Signals, &["a", "b"], 3)
        .column_by_name("Vehicle.Speed")
        .unwrap()
        .as_primitive::<Float64Type>()
        .values()
        .iter()
        .sum();
    assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), format!("{expected:.0}"));
}
