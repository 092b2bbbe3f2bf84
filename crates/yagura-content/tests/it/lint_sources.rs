//! What lint and the loader say about honest mistakes in log sources and saved queries.
//! Other kinds of files are in `lint_messages.rs`.

use std::fs;
use std::path::Path;

use yagura_content::{Content, scaffold};

/// Lints the scaffolds of a source and a query, their blanks filled in, after a replacement.
fn lint((from, to): (&str, &str)) -> String {
    let folder = tempfile::tempdir().unwrap();
    let mut files = scaffold::source("shop_orders").unwrap();
    files.push(scaffold::query("shop.orders_refused").unwrap());
    for file in &mut files {
        file.text = file.text.replace("TODO 名前", "注文").replace("TODO 問い", "問い");
        file.text = file.text.replace("TODO 記", "記").replace("TODO 答", "答");
        file.text = file.text.replace("TODO ", "").replace("en: TODO", "en: Orders");
        file.text = file.text.replace("/TODO", "/orders").replace("[cloudtrail]", "[shop_orders]");
        file.text = file.text.replace("FROM cloudtrail", "FROM shop_orders");
    }
    let found = files.iter().any(|file| file.text.contains(from));
    assert!(found || from.is_empty(), "no file has `{from}`");
    for file in &files {
        let text = match from {
            "" => file.text.clone(),
            from => file.text.replacen(from, to, 1),
        };
        write(folder.path(), &file.path, &text);
    }
    let lines = Content::from_folder(folder.path()).lint(None).into_iter().map(|problem| {
        let hint =
            if problem.hint.is_empty() { String::new() } else { format!(" ({})", problem.hint) };
        format!("  {problem}{hint}\n")
    });
    lines.collect()
}

fn write(folder: &Path, name: &str, text: &str) {
    let path = folder.join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

#[test]
fn a_filled_in_scaffold_has_no_mistakes() {
    assert_eq!(lint(("", "")), "");
}

#[test]
fn mistakes_in_sources() {
    let mut all = String::new();
    for replacement in [
        ("from: order.id", "from: order..id"),
        ("from: order.id", "form: order.id"),
        ("{from: order.id, lookup: true}", "{lookup: true}"),
        ("type: integer", "type: number"),
        ("type: integer", "type: integer, format: any"),
        ("type: integer", "type: integer, lookup: true"),
        ("type: integer", "fields: {}"),
        ("order_id:", "orderId:"),
        ("order_id:", "address:"),
        ("amount:", "order_id:"),
        ("  time: {from: at, format: any}\n", ""),
        ("format: any", "format: iso"),
        ("absent: success", "absent: fine"),
        ("present: failure, ", ""),
        ("\"@account\"", "\"@acount\""),
        ("{year}/{month}", "{year}/{year}"),
        ("formats: [json]", "formats: [jsn]"),
        ("formats: [json]", "formats: []"),
        ("https://example.com", "example.com"),
        ("en: Orders", "en: 注文"),
        ("ja: 注文", "ja: the orders of the shop"),
        ("file: lines.jsonl", "file: line.jsonl"),
        ("samples:\n  - {file: lines.jsonl, key: shop_orders/2026/11/21/part-1.jsonl}\n", ""),
        ("retention_days: 90", "retention_days: -1"),
    ] {
        all += &format!("{} → {}\n{}", replacement.0, replacement.1, lint(replacement));
    }
    insta::assert_snapshot!(all);
}

#[test]
fn mistakes_in_the_mapping_to_ocsf() {
    let mut all = String::new();
    let good = "ocsf:\n  fields: {time: time}\n  classes:\n    - {class: 6003, activity: \"1\", \
                fields: {api.operation: action, resources: order_id}}\nretention_days: 90";
    for (from, to) in [
        ("", ""),
        ("class: 6003", "class: 6004"),
        ("fields: {time: time}", "fields: {}"),
        ("api.operation", "api.Operation"),
        ("api.operation", "apy.operation"),
        ("resources: order_id", "resources: oder_id"),
        ("activity: \"1\"", "activity: CASE WHEN actin = 'x' THEN 1 END"),
    ] {
        let to = if from.is_empty() { good.to_owned() } else { good.replacen(from, to, 1) };
        all += &format!("{from}\n{}", lint(("retention_days: 90", &to)));
    }
    insta::assert_snapshot!(all);
}

#[test]
fn mistakes_in_queries() {
    let mut all = String::new();
    for replacement in [
        ("SELECT actor", "DELETE actor"),
        ("LIMIT 100", "LIMIT 100;"),
        ("< $until", "< $untl"),
        ("default: \"-7d\"", "default: last week"),
        ("type: time, default: \"-7d\"", "type: date, default: \"-7d\""),
        ("  since:", "  Since:"),
        ("sources: [shop_orders]", "sources: [shop_order]"),
        ("sources: [shop_orders]", "sources: []"),
        ("FROM shop_orders", "FROM shop"),
        ("ja: 実行者", "ja: who"),
        ("sql: |", "sql: |\n  -- TODO"),
        ("question:", "qestion:"),
    ] {
        all += &format!("{} → {}\n{}", replacement.0, replacement.1, lint(replacement));
    }
    insta::assert_snapshot!(all);
}
