//! Measures rows, repeats, Parquet and commit on JSON files of CloudTrail, without inflating.
//! Not a benchmark that is published; `cargo xtask bench lake` is.
//!
//! `measure_ingest TABLE.json FOLDER WORKERS` with files `{"Records":[…]}` below the folder.

#![expect(clippy::unwrap_used, clippy::print_stdout, clippy::indexing_slicing, reason = "a tool")]

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use serde_json::Value;
use yagura_lake::{Lake, LakeLocation, LakeOptions};
use yagura_model::LogObject;
use yagura_model::event::{BatchBuilder, Origin};
use yagura_model::source::{Column, ColumnKind, Rule, Shared, Table, TimeFormat, TimeRule};

fn texts(value: &Value) -> Vec<String> {
    let list = value.as_array().into_iter().flatten();
    list.filter_map(Value::as_str).map(str::to_owned).collect()
}

fn column(value: &Value) -> Column {
    let inner = match value["type"].as_str() {
        _ if value["fields"].is_array() => {
            ColumnKind::Struct(value["fields"].as_array().unwrap().iter().map(column).collect())
        }
        Some("json") => ColumnKind::Json,
        Some("boolean") => ColumnKind::Boolean,
        Some("integer") => ColumnKind::Integer,
        Some("real") => ColumnKind::Real,
        Some("time") => ColumnKind::Time(TimeFormat::Rfc3339),
        _ => ColumnKind::Text,
    };
    let list = value["list"].as_bool() == Some(true);
    Column {
        name: value["name"].as_str().unwrap().to_owned(),
        kind: if list { ColumnKind::List(Box::new(inner)) } else { inner },
        from: texts(&value["from"]).iter().map(|path| path.parse().unwrap()).collect(),
        lookup: value["lookup"].as_bool() == Some(true),
    }
}

fn rule(value: &Value) -> Rule {
    let map = value["map"].as_array().into_iter().flatten();
    Rule {
        from: texts(&value["from"]).iter().map(|from| from.parse().unwrap()).collect(),
        map: map
            .map(|pair| {
                (pair[0].as_str().unwrap().parse().unwrap(), pair[1].as_str().unwrap().to_owned())
            })
            .collect(),
        present: value["present"].as_str().map(str::to_owned),
        absent: value["absent"].as_str().map(str::to_owned),
    }
}

fn table(json: &Value) -> Table {
    let shared = &json["shared"];
    Table {
        source: "cloudtrail".to_owned(),
        columns: json["columns"].as_array().unwrap().iter().map(column).collect(),
        shared: Shared {
            time: TimeRule { from: rule(&shared["time"]).from, format: TimeFormat::Rfc3339 },
            account: rule(&shared["account"]),
            region: rule(&shared["region"]),
            actor: rule(&shared["actor"]),
            address: rule(&shared["address"]),
            action: rule(&shared["action"]),
            resource: rule(&shared["resource"]),
            outcome: rule(&shared["outcome"]),
        },
        identity: texts(&json["identity"]).iter().map(|path| path.parse().unwrap()).collect(),
    }
}

fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => files(&path, found),
            false => found.push(path),
        }
    }
}

fn cpu_s() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
    (fields[11].parse::<f64>().unwrap() + fields[12].parse::<f64>().unwrap()) / 100.0
}

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() {
    let args: Vec<String> = std::env::args().collect();
    let table = table(&serde_json::from_slice(&std::fs::read(&args[1]).unwrap()).unwrap());
    let mut paths = Vec::new();
    files(Path::new(&args[2]), &mut paths);
    paths.sort();
    let workers: usize = args[3].parse().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let location = LakeLocation::folder(folder.path()).unwrap();
    let now = "2026-11-21T00:00:00Z".parse().unwrap();
    let options = LakeOptions { workers, ..LakeOptions::new(now) };
    let lake = Lake::open(location, vec![table.clone()], options).await.unwrap();
    let ingestion = lake.begin().await.unwrap();
    let next = AtomicUsize::new(0);
    let (begin, cpu) = (Instant::now(), cpu_s());
    let parse_only = args.get(4).is_some_and(|arg| arg == "parse");
    tokio::task::block_in_place(|| {
        std::thread::scope(|scope| {
            for _ in 0..workers {
                let mut worker = ingestion.worker().unwrap();
                let (next, paths, table) = (&next, &paths, &table);
                scope.spawn(move || {
                    while let Some(path) = paths.get(next.fetch_add(1, Ordering::Relaxed)) {
                        let text = std::fs::read(path).unwrap();
                        let location = path.display().to_string();
                        let object = LogObject {
                            key: location.clone(),
                            location: location.clone(),
                            version: None,
                            etag: None,
                            size_bytes: 0,
                            modified: None,
                        };
                        worker.begin_object(&object, "cloudtrail");
                        let origin = Origin { object: location.into(), key_fields: Vec::new() };
                        let mut builder = BatchBuilder::new(Arc::new(origin));
                        let mut at = text.iter().position(|byte| *byte == b'[').unwrap() + 1;
                        while text[at] == b'{' {
                            at += builder.push_json_prefix(&text[at..], true).unwrap();
                            if text[at] == b',' {
                                at += 1;
                            }
                        }
                        let batch = builder.finish();
                        if !parse_only {
                            worker.append(table, &batch, now).unwrap();
                        }
                        worker.finish_object().unwrap();
                    }
                    worker.close().unwrap();
                });
            }
        });
    });
    let encoded = cpu_s() - cpu;
    let committed = ingestion.commit(now).await.unwrap();
    let (wall, cpu) = (begin.elapsed().as_secs_f64(), cpu_s() - cpu);
    let rows = committed.rows.max(1) as f64;
    println!(
        "rows {} files {} repeats {} bytes/row {:.1} wall {wall:.2}s cpu {cpu:.2}s (before commit \
         {encoded:.2}s) {:.2} us/row",
        committed.rows,
        committed.files,
        committed.objects.iter().map(|it| it.repeats).sum::<u64>(),
        committed.bytes as f64 / rows,
        cpu * 1e6 / rows,
    );
    let now = "2026-12-21T00:00:00Z".parse().unwrap();
    println!("{:?}", lake.compact(&yagura_lake::CompactOptions::new(now)).await.unwrap());
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    println!("{}", status.lines().find(|line| line.starts_with("VmHWM")).unwrap_or_default());
    if let Some(keep) = args.get(4).filter(|arg| *arg != "parse") {
        std::fs::rename(folder.keep(), keep).unwrap();
    }
}
