//! Checks how a source maps to the Open Cybersecurity Schema Framework: classes and attributes
//! that exist, columns that the table has. Whether the SQL plans is tested in `yagura-lake`.

use super::{Lint, site, sources};
use crate::format::Source;
use crate::place::Placed;
use crate::problem::File;

/// The classes that log sources map to (schema.ocsf.io, versions 1.1 to 1.8, seen November 2026).
const CLASSES: [u16; 9] = [2004, 3001, 3002, 4001, 4002, 4003, 5019, 5023, 6003];

/// The attributes of those classes that sources fill.
const ATTRIBUTES: [&str; 52] = [
    "action_id",
    "actor",
    "answers",
    "api",
    "cloud",
    "connection_info",
    "count",
    "device",
    "disposition",
    "disposition_id",
    "dst_endpoint",
    "duration",
    "end_time",
    "file",
    "finding_info",
    "firewall_rule",
    "http_request",
    "http_response",
    "http_status",
    "is_mfa",
    "ja4_fingerprint_list",
    "logon_type",
    "message",
    "metadata",
    "observables",
    "policy",
    "proxy",
    "query",
    "query_time",
    "raw_data",
    "rcode",
    "rcode_id",
    "resources",
    "response_time",
    "service",
    "session",
    "severity",
    "severity_id",
    "src_endpoint",
    "start_time",
    "status",
    "status_code",
    "status_detail",
    "status_id",
    "time",
    "timezone_offset",
    "tls",
    "traffic",
    "unmapped",
    "url",
    "user",
    "user_result",
];

pub(crate) fn check(lint: &mut Lint<'_>, file: &File, source: &Source) {
    for (number, class) in source.ocsf.iter().enumerate() {
        if !CLASSES.contains(&class.class.value) {
            let message = format!("`{}` is not a class that log records are", class.class);
            lint.error(file, class.class.place, message);
        }
        // A class without a condition takes all rows: what follows it never holds.
        if class.when.is_none() && number + 1 < source.ocsf.len() {
            let message = "only the last class may go without `when`";
            lint.error(file, class.class.place, message);
        }
        let values = class.fields.0.iter().map(|(_, value)| value);
        for value in values.chain(&class.when).chain([&class.activity]) {
            expression(lint, file, source, value);
        }
        for (path, _) in &class.fields.0 {
            attribute(lint, file, path);
        }
        if !class.fields.0.iter().any(|(path, _)| path.value == "time") {
            lint.error(file, class.class.place, "the class has no `time`");
        }
    }
}

fn attribute(lint: &mut Lint<'_>, file: &File, path: &Placed<String>) {
    let first = path.split('.').next().unwrap_or_default();
    if !path.split('.').all(sources::is_snake) {
        lint.error(file, path.place, format!("`{path}` is not the path of an attribute"));
    } else if !ATTRIBUTES.contains(&first) {
        let message = format!("OCSF has no attribute `{first}` that log records fill");
        lint.hinted(file, path.place, message, site::near(first, ATTRIBUTES));
    }
}

/// Checks that the columns an expression names are there. SQL's own words are written in
/// capitals, functions stand before a parenthesis; any other word in small letters is a column.
fn expression(lint: &mut Lint<'_>, file: &File, source: &Source, sql: &Placed<String>) {
    for word in words(sql) {
        if !sources::has_column(source, word) {
            let names = source.table().columns.iter().map(|column| column.name.as_str());
            let hint = site::near(word, names);
            lint.hinted(file, sql.place, format!("the table has no column `{word}`"), hint);
        }
    }
}

/// The words in small letters outside of quoted texts that are no functions.
pub(crate) fn words(sql: &str) -> Vec<&str> {
    let mut words = Vec::new();
    // Every second piece stands between quotes; a doubled quote makes an empty piece more.
    for piece in sql.split('\'').step_by(2) {
        let mut rest = piece;
        while let Some(start) = rest.find(|c: char| c.is_ascii_alphabetic() || c == '_') {
            let (_, tail) = rest.split_at(start);
            let end =
                tail.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(tail.len());
            let (word, after) = tail.split_at(end);
            let is_function = after.starts_with('(');
            if !is_function && word.chars().any(|c| c.is_ascii_lowercase()) {
                words.push(word);
            }
            rest = after;
        }
    }
    words
}

#[cfg(test)]
mod tests {
    use super::words;

    #[test]
    fn words_of_an_expression_are_its_columns() {
        for (sql, expected) in [
            ("event_id", vec!["event_id"]),
            ("'AWS'", vec![]),
            ("CASE WHEN a = 'x' THEN 1 END", vec!["a"]),
            ("coalesce(a['b'], c2)", vec!["a", "c2"]),
            ("\"end\"", vec!["end"]),
            ("a = 'it''s b' OR c IN ('d')", vec!["a", "c"]),
            ("CAST(version AS VARCHAR)", vec!["version"]),
        ] {
            assert_eq!(words(sql), expected, "{sql}");
        }
    }
}
