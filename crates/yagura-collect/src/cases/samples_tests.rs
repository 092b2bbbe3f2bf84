//! Every sample of the built-in sources, and what must hold of all of them.
//! `YAGURA_UPDATE_EXPECTED=1` writes the expected rows anew, for a reader to judge.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use yagura_content::Content;
use yagura_content::format::{Delimited, Header, RecordFormat, Sample, Source};

use super::samples::{self, differences, lines, read};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../content")
}

/// Every sample of the content folder with its text.
fn each(mut visit: impl FnMut(&Source, &Sample, &str)) {
    let content = Content::from_folder(&folder());
    assert!(content.sources.len() >= 20, "{:?}", content.problems);
    for source in content.sources.values() {
        for sample in &source.samples {
            let text = content.sample(source, &sample.file).unwrap_or_default();
            assert!(!text.is_empty(), "{} {}", source.id, sample.file);
            visit(source, sample, text);
        }
    }
}

fn update() {
    each(|source, sample, text| {
        if sample.expect.is_none() {
            let read = read(source, &sample.key, text.as_bytes());
            let name = sample.expected_file();
            let path = folder().join(format!("sources/{}/samples/{name}", source.id));
            std::fs::write(path, lines(&read.rows)).unwrap();
        }
    });
}

#[test]
fn every_sample_gives_its_expected_rows() {
    if std::env::var_os("YAGURA_UPDATE_EXPECTED").is_some() {
        update();
    }
    let results = samples::run(&Content::from_folder(&folder()));
    assert!(results.len() >= 50);
    let problems: Vec<String> = results
        .iter()
        .flat_map(|result| {
            let (source, sample) = (&result.source, &result.sample);
            result.problems.iter().map(move |problem| format!("{source}/{sample}: {problem}"))
        })
        .collect();
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

#[test]
fn a_sample_gives_a_row_for_each_record_and_keeps_it_whole() {
    each(|source, sample, text| {
        let read = read(source, &sample.key, text.as_bytes());
        assert_eq!(read.rows.len(), read.raws.len());
        assert!(read.raws.iter().all(|raw| !raw.is_empty()));
        // A record that stands in the file as it is stays byte for byte.
        if source.envelopes.is_empty() {
            assert!(read.raws.iter().all(|raw| text.contains(raw.as_str())), "{}", sample.file);
        }
    });
}

#[test]
fn a_field_of_tomorrow_changes_no_row() {
    let mut changed = 0;
    each(|source, sample, text| {
        let before = read(source, &sample.key, text.as_bytes());
        let Some(grown) = with_more(source, text, &before.raws) else { return };
        assert_ne!(grown, text, "{} {}", source.id, sample.file);
        changed += 1;
        let after = read(source, &sample.key, grown.as_bytes());
        let what = format!("{} {}", source.id, sample.file);
        // What is kept as JSON text of a whole record has the new member too.
        assert_eq!(differences(&lines(&before.rows), &after.rows), Vec::<String>::new(), "{what}");
        assert_eq!(after.bad, before.bad, "{what}");
        assert!(after.raws.iter().all(|raw| raw.contains("tomorrow")), "{what}");
    });
    assert!(changed >= 45, "only {changed} samples were changed");
}

/// The sample with a field more in every record; none where records have no fields to add to
/// (syslog and other prose) or cannot be told apart in the file (within base64).
fn with_more(source: &Source, text: &str, raws: &[String]) -> Option<String> {
    if raws.iter().all(|raw| raw.starts_with('{')) {
        let mut grown = text.to_owned();
        for raw in raws {
            let more = raw.replacen('{', r#"{"tomorrow":{"x":[1,null,"y"]},"#, 1);
            let as_text = |raw: &str| {
                let quoted = Value::from(raw).to_string();
                quoted.trim_matches('"').to_owned()
            };
            let (plain, escaped) = (grown.contains(raw.as_str()), as_text(raw));
            if plain {
                grown = grown.replacen(raw.as_str(), &more, 1);
            } else if grown.contains(&escaped) {
                grown = grown.replacen(&escaped, &as_text(&more), 1);
            } else {
                return None;
            }
        }
        return Some(grown);
    }
    let delimited = source.formats.iter().find_map(|format| match format {
        RecordFormat::Delimited(delimited) => Some(delimited),
        _ => None,
    })?;
    (!text.starts_with('{')).then(|| with_more_fields(delimited, text))
}

/// A field more at the end of every line, named in the header where there is one.
fn with_more_fields(delimited: &Delimited, text: &str) -> String {
    let separator = char::from(delimited.separator.byte());
    let mut grown = String::new();
    let headed = match delimited.header {
        Header::None => false,
        Header::FirstLine => text.lines().next().is_some_and(|line| {
            line.split(separator).any(|word| delimited.columns.iter().any(|name| name == word))
        }),
        Header::FieldsDirective => true,
    };
    for (number, line) in text.lines().enumerate() {
        grown += line;
        match delimited.header {
            Header::FieldsDirective if line.starts_with("#Fields:") => grown += " of-tomorrow",
            Header::FieldsDirective if line.starts_with('#') => {}
            Header::FirstLine if headed && number == 0 => grown += " of-tomorrow",
            // Without a header the columns stand in a fixed order; what is not there yet is null.
            Header::None | Header::FirstLine if !headed => {
                let present = fields(delimited, line);
                let missing = delimited.columns.len().saturating_sub(present);
                let null = delimited.null.first().map_or("", String::as_str);
                for _ in 0..missing {
                    grown.push(separator);
                    grown += null;
                }
                grown += &format!("{separator}tomorrow");
            }
            _ => grown += &format!("{separator}tomorrow"),
        }
        grown.push('\n');
    }
    grown
}

/// How many fields a line of a sample has; samples quote with `"` or `'` and bracket with `[`.
fn fields(delimited: &Delimited, line: &str) -> usize {
    use yagura_content::format::Quotes;
    let (separator, mut open, mut count) = (char::from(delimited.separator.byte()), None, 1);
    let mark = if delimited.quotes == Quotes::SingleBackslash { '\'' } else { '"' };
    let chars: Vec<char> = line.chars().collect();
    for (at, c) in chars.iter().enumerate() {
        let starts = at == 0 || chars[at - 1] == separator;
        let ends = at + 1 == chars.len() || chars[at + 1] == separator;
        match open {
            Some(close) if *c == close && ends => open = None,
            None if *c == mark && starts => open = Some(mark),
            None if *c == '[' && delimited.brackets && starts => open = Some(']'),
            None if *c == separator => count += 1,
            _ => {}
        }
    }
    count
}

#[test]
fn a_difference_names_row_and_column() {
    let row = |value: Value| value.as_object().unwrap().clone();
    let rows = [row(json!({"a": 1, "b": 2})), row(json!({"a": 3}))];
    assert_eq!(differences("{\"a\":1,\"b\":2}\n{\"a\":3}\n", &rows), Vec::<String>::new());
    assert_eq!(
        differences("{\"a\":1}\n{\"a\":4,\"c\":null}\n", &rows),
        ["row 1: `b` is 2, expected null", "row 2: `a` is 3, expected 4"]
    );
    assert_eq!(differences("{\"a\":1,\"b\":2}\n", &rows), ["2 rows, expected 1"]);
    let text = [row(json!({"a": "{\n \"x\": \"\\u3042\"}", "b": "[x"}))];
    assert_eq!(
        differences("{\"a\":\"{\\\"x\\\":\\\"あ\\\"}\",\"b\":\"[x\"}\n", &text),
        Vec::<String>::new()
    );
    assert_eq!(differences("{\"a\":\"{}\",\"b\":\"[x\"}\n", &text).len(), 1);
    assert!(differences("{\n", &[])[0].starts_with("line 1 of the expected rows"));
}
