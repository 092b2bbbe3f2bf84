//! Tables, their columns and saved queries are promises: `content/sources.lock` has them all.
//! Ids of other content are locked by `cargo xtask tidy`.

use std::collections::BTreeSet;
use std::path::Path;

use yagura_content::Content;
use yagura_model::source::{Column, ColumnKind};

const HEAD: &str = "# Published tables, columns and queries. Lines are added, never removed or \
                    changed.\n";

/// The kind of a column as the lock writes it.
fn kind(kind: &ColumnKind) -> String {
    match kind {
        ColumnKind::Text => "text".to_owned(),
        ColumnKind::Integer => "integer".to_owned(),
        ColumnKind::Real => "real".to_owned(),
        ColumnKind::Boolean => "boolean".to_owned(),
        // However a log writes it, the column is a point in time.
        ColumnKind::Time(_) => "time".to_owned(),
        ColumnKind::Json => "json".to_owned(),
        ColumnKind::List(element) => format!("list of {}", self::kind(element)),
        ColumnKind::Struct(_) => "struct".to_owned(),
    }
}

fn columns(of: &str, list: &[Column], lines: &mut BTreeSet<String>) {
    for column in list {
        let name = format!("{of}.{}", column.name);
        lines.insert(format!("column {name} {}", kind(&column.kind)));
        let mut inner = &column.kind;
        while let ColumnKind::List(element) = inner {
            inner = element;
        }
        if let ColumnKind::Struct(members) = inner {
            columns(&name, members, lines);
        }
    }
}

#[test]
fn what_was_published_stays_and_what_is_new_is_written_down() {
    let content = Content::builtin();
    let mut found = BTreeSet::new();
    for source in content.sources.values() {
        found.insert(format!("table {}", source.id));
        columns(&source.id, &source.table().columns, &mut found);
    }
    found.extend(content.queries.keys().map(|id| format!("query {id}")));
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../content/sources.lock");
    let text = std::fs::read_to_string(&path).unwrap_or_default();
    let locked: BTreeSet<String> =
        text.lines().filter(|line| !line.starts_with('#')).map(str::to_owned).collect();
    let gone: Vec<&String> = locked.difference(&found).collect();
    assert!(gone.is_empty(), "these were promised and are gone or changed: {gone:#?}");
    if std::env::var_os("YAGURA_UPDATE_EXPECTED").is_some() {
        let lines: String = found.iter().map(|line| format!("{line}\n")).collect();
        std::fs::write(&path, format!("{HEAD}{lines}")).unwrap();
        return;
    }
    let new: Vec<&String> = found.difference(&locked).collect();
    assert!(new.is_empty(), "with YAGURA_UPDATE_EXPECTED=1 this writes down: {new:#?}");
}
