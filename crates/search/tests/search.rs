//! Searches over a small lake, from `search.slt`, and the formats their rows are written in.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::Arc;

use arrow::array::{
    ArrayRef, Date32Array, Float64Array, Int64Array, ListBuilder, RecordBatch, StringArray, StringBuilder,
    TimestampMicrosecondArray, new_null_array,
};
use arrow::datatypes::{DataType, Field};
use cloverleaf_catalog::{Lake, Table};
use cloverleaf_search::{Format, Order, SearchOptions, search, sql, write_rows};

/// 2026-11-20T08:00:00Z.
const EIGHT_US: i64 = 1_795_161_600_000_000;
const DAY: i32 = 20_777;

struct Clip {
    id: &'static str,
    vehicle: &'static str,
    rules: &'static [&'static str],
    day: i32,
    start_us: Option<i64>,
    place: Option<(f64, f64)>,
}

const CLIPS: [Clip; 3] = [
    Clip {
        id: "a",
        vehicle: "gen-7",
        rules: &["cut-in"],
        day: DAY,
        start_us: Some(EIGHT_US),
        place: Some((31.5, 121.5)),
    },
    Clip {
        id: "b",
        vehicle: "gen-8",
        rules: &["hard-brake", "short-gap"],
        day: DAY + 1,
        start_us: Some(EIGHT_US + 91_800_000_000),
        place: None,
    },
    Clip { id: "c", vehicle: "gen-7", rules: &[], day: 0, start_us: None, place: None },
];

async fn lake() -> Lake {
    let lake = Lake::open("memory://").await.unwrap();
    for clip in &CLIPS {
        if clip.id != "c" {
            lake.insert(Table::Signals, &[signals(clip)]).await.unwrap();
        }
        lake.insert(Table::Clips, &[row(clip)]).await.unwrap();
    }
    lake
}

fn row(clip: &Clip) -> RecordBatch {
    let mine = clip.id == "a";
    build(Table::Clips, 1, |name| {
        Some(match name {
            "event_day" => Arc::new(Date32Array::from(vec![clip.day])),
            "clip_id" => text(clip.id, 1),
            "vehicle_id" => text(clip.vehicle, 1),
            "boot_id" => text(&format!("boot-{}", clip.id), 1),
            "start_time" => times(&[clip.start_us]),
            "start_boot_ns" => Arc::new(Int64Array::from(vec![7_000_000_000])),
            "duration_s" => Arc::new(Float64Array::from(vec![2.0])),
            "rules" => list(clip.rules),
            "topics" => list(if mine { &["/vss/Vehicle.Speed", "/theirs"] } else { &[] }),
            "size_bytes" => Arc::new(Int64Array::from(vec![if mine { 10 } else { 11 }])),
            "origin" => text(if mine { "generated seed=7" } else { "" }, 1),
            "software" => text("test", 1),
            "start_latitude_deg" => Arc::new(Float64Array::from(vec![clip.place.map(|place| place.0)])),
            "start_longitude_deg" => Arc::new(Float64Array::from(vec![clip.place.map(|place| place.1)])),
            _ => return None,
        })
    })
}

fn signals(clip: &Clip) -> RecordBatch {
    let mine = clip.id == "a";
    let instants: Vec<i64> = (0..=40).collect();
    let t_s = |k: i64| k as f64 / 20.0;
    build(Table::Signals, instants.len(), |name| {
        let reals = |value: &dyn Fn(i64) -> Option<f64>| -> ArrayRef {
            Arc::new(instants.iter().map(|&k| value(k)).collect::<Float64Array>())
        };
        Some(match name {
            "event_day" => Arc::new(Date32Array::from_value(clip.day, instants.len())),
            "clip_id" => text(clip.id, instants.len()),
            "vehicle_id" => text(clip.vehicle, instants.len()),
            "time" => times(&instants.iter().map(|k| clip.start_us.map(|us| us + k * 50_000)).collect::<Vec<_>>()),
            "boot_ns" => {
                Arc::new(instants.iter().map(|k| Some(7_000_000_000 + k * 50_000_000)).collect::<Int64Array>())
            }
            "t_s" => reals(&|k| Some(t_s(k))),
            "Vehicle.Speed" if mine => reals(&|k| Some(80.0 + k as f64 / 2.0)),
            "Vehicle.Speed" => reals(&|k| Some(if (10..20).contains(&k) { 90.0 } else { 120.0 })),
            "Vehicle.ADAS.Lead.TimeGap" if mine => reals(&|k| (k >= 20).then_some(0.8)),
            "Vehicle.IsMoving" if mine => reals(&|_| Some(1.0)),
            _ => return None,
        })
    })
}

fn build(table: Table, rows: usize, column: impl Fn(&str) -> Option<ArrayRef>) -> RecordBatch {
    let schema = table.schema();
    let columns = schema
        .fields()
        .iter()
        .map(|field| column(field.name()).unwrap_or_else(|| new_null_array(field.data_type(), rows)));
    RecordBatch::try_new(schema.clone(), columns.collect()).unwrap()
}

fn text(text: &str, rows: usize) -> ArrayRef {
    Arc::new(StringArray::from(vec![text; rows]))
}

fn times(us: &[Option<i64>]) -> ArrayRef {
    Arc::new(TimestampMicrosecondArray::from(us.to_vec()).with_timezone("UTC"))
}

fn list(texts: &[&str]) -> ArrayRef {
    let item = Arc::new(Field::new("element", DataType::Utf8, true));
    let mut builder = ListBuilder::new(StringBuilder::new()).with_field(item);
    texts.iter().for_each(|text| builder.values().append_value(text));
    builder.append(true);
    Arc::new(builder.finish())
}

/// The named columns of what an expression finds.
async fn found(lake: &Lake, expression: &str, columns: &[&str], options: &SearchOptions) -> Result<String, String> {
    let rows = search(lake, expression, options).await.map_err(|error| error.to_string())?;
    let mut csv = Vec::new();
    write_rows(rows, Format::Csv, &mut csv).await.map_err(|error| format!("{error:?}"))?;
    let csv = String::from_utf8(csv).unwrap();
    let mut lines = csv.lines();
    let header: Vec<&str> = lines.next().unwrap().split(',').collect();
    let wanted: Vec<usize> =
        columns.iter().map(|name| header.iter().position(|column| column == name).unwrap()).collect();
    let pick = |line: &str| {
        let cells: Vec<&str> = line.split(',').collect();
        wanted.iter().map(|&column| cells[column]).collect::<Vec<_>>().join(",")
    };
    Ok(lines.map(pick).collect::<Vec<_>>().join("\n"))
}

#[tokio::test]
async fn searches_find_what_the_file_says() {
    let lake = lake().await;
    let file = include_str!("search.slt");
    let mut cases = 0;
    let mut wrong = Vec::new();
    for block in file.split("\n\n").map(|block| block.trim_matches('\n')).filter(|block| !block.starts_with('#')) {
        let (head, expected) = block.split_once("\n----").unwrap_or_else(|| panic!("no ---- in {block:?}"));
        let (kind, expression) = head.split_once(' ').unwrap_or((head, ""));
        let columns: &[&str] = match kind {
            "clips" => &["clip_id"],
            _ => &["clip_id", "first_t_s", "last_t_s", "instants"],
        };
        let actual = match (kind, found(&lake, expression, columns, &SearchOptions::default()).await) {
            ("error", Err(text)) | ("clips" | "moments", Ok(text)) => text,
            (_, outcome) => format!("{outcome:?}"),
        };
        if actual.trim_end() != expected.trim_matches('\n') {
            wrong.push(format!("{head}\n---- expected\n{}\n---- found\n{actual}", expected.trim_matches('\n')));
        }
        cases += 1;
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
    assert!(cases > 40, "only {cases} cases were read");
}

#[tokio::test]
async fn limit_and_order_are_kept() {
    let lake = lake().await;
    let options = SearchOptions { limit: Some(1), order: Order::NewestFirst };
    assert_eq!(found(&lake, "", &["clip_id"], &options).await.unwrap(), "b");
    assert_eq!(found(&lake, "Vehicle.Speed > 95.0", &["clip_id", "first_t_s"], &options).await.unwrap(), "b,0.0");
}

#[tokio::test]
async fn formats_are_exact() {
    let lake = lake().await;
    let query = r#"SELECT clip_id, start_time, rules, start_latitude_deg AS lat, make_array(1, 2) AS n FROM clips
                   WHERE clip_id <> 'b' ORDER BY clip_id"#;
    for (format, expected) in [
        (
            Format::Jsonl,
            "{\"clip_id\":\"a\",\"start_time\":\"2026-11-20T08:00:00Z\",\"rules\":[\"cut-in\"],\"lat\":31.5,\"n\":[1,2]}\n\
             {\"clip_id\":\"c\",\"start_time\":null,\"rules\":[],\"lat\":null,\"n\":[1,2]}\n",
        ),
        (Format::Csv, "clip_id,start_time,rules,lat,n\na,2026-11-20T08:00:00Z,cut-in,31.5,1;2\nc,,,,1;2\n"),
        (
            Format::Table,
            "+---------+----------------------+----------+------+--------+\n\
             | clip_id | start_time           | rules    | lat  | n      |\n\
             +---------+----------------------+----------+------+--------+\n\
             | a       | 2026-11-20T08:00:00Z | [cut-in] | 31.5 | [1, 2] |\n\
             | c       |                      | []       |      | [1, 2] |\n\
             +---------+----------------------+----------+------+--------+\n",
        ),
    ] {
        let mut output = Vec::new();
        let count = write_rows(sql(&lake, query).await.unwrap(), format, &mut output).await.unwrap();
        assert_eq!((count, String::from_utf8(output).unwrap().as_str()), (2, expected));
    }
}

#[tokio::test]
async fn nothing_found_is_still_well_formed() {
    let lake = Lake::open("memory://").await.unwrap();
    for (format, expected) in
        [(Format::Jsonl, ""), (Format::Csv, "clip_id,vehicle_id,start_time,first_t_s,last_t_s,instants,first_time\n")]
    {
        let mut output = Vec::new();
        let rows = search(&lake, "Vehicle.Speed > 1.0", &SearchOptions::default()).await.unwrap();
        assert_eq!(write_rows(rows, format, &mut output).await.unwrap(), 0);
        assert_eq!(String::from_utf8(output).unwrap(), expected);
    }
}

#[tokio::test]
async fn a_table_has_a_limit_and_says_so() {
    let lake = Lake::open("memory://").await.unwrap();
    let mut output = Vec::new();
    let rows = sql(&lake, "SELECT value FROM generate_series(1, 10003)").await.unwrap();
    assert_eq!(write_rows(rows, Format::Table, &mut output).await.unwrap(), 10_003);
    let text = String::from_utf8(output).unwrap();
    assert!(
        text.ends_with("... and 3 more rows: use the format jsonl or csv for all\n"),
        "{}",
        &text[text.len() - 100..]
    );
    assert_eq!(text.lines().filter(|line| line.starts_with("| ")).count(), 10_001);
}
