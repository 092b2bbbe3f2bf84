//! The functions as SQL sees them, through a plain session without tables.
//! Parsing of paths and spans is tested beside the parsers.

use arrow::util::pretty::pretty_format_batches;
use datafusion::prelude::SessionContext;

async fn value(sql: &str) -> Result<String, String> {
    let mut context = SessionContext::new();
    super::register(&mut context).unwrap();
    let frame = context.sql(&format!("SELECT {sql} AS v")).await.map_err(|e| e.to_string())?;
    let batches = frame.collect().await.map_err(|error| error.to_string())?;
    let table = pretty_format_batches(&batches).unwrap().to_string();
    Ok(table.lines().nth(3).unwrap().trim_matches(['|', ' ']).to_owned())
}

async fn check(sql: &str, expected: &str) {
    assert_eq!(value(sql).await.unwrap(), expected, "{sql}");
}

#[tokio::test]
async fn a_path_finds_what_it_names_and_nothing_else() {
    let json = r#"'{"a":{"b":[{"c":"x"},{"c":"y","d":1.5}]},"e.f":true,"n":null}'"#;
    check(&format!("json_path({json}, '$.a.b[0].c')"), "x").await;
    check(&format!("json_path({json}, 'a.b[-1].c')"), "y").await;
    check(&format!("json_path({json}, '$[''e.f'']')"), "true").await;
    check(&format!("json_path({json}, '$.a.b[1]')"), r#"{"c":"y","d":1.5}"#).await;
    check(&format!("json_path({json}, '$.n')"), "").await;
    check(&format!("json_path({json}, '$.a.b.c') IS NULL"), "true").await;
    check(&format!("json_path({json}, '$.a.b[7].c') IS NULL"), "true").await;
    check(&format!("json_path_all({json}, '$.a.b[*].c')"), "[x, y]").await;
    check(&format!("json_path_all({json}, '$.a.b[*].zz')"), "[]").await;
    check(&format!("{json}->'a'->'b'->1->>'c'"), "y").await;
}

#[tokio::test]
async fn broken_json_and_broken_paths_are_told_apart() {
    check("json_path('{\"a\":', '$.a') IS NULL", "true").await;
    check("json_path_all('not json', '$[*]')", "[]").await;
    for path in ["$.", "$a", "$[", "$[x]", "$['a]"] {
        let path = path.replace('\'', "''");
        let error = value(&format!("json_path('{{}}', '{path}')")).await.unwrap_err();
        assert!(error.contains("is not a JSON path"), "{error}");
    }
}

#[tokio::test]
async fn an_address_is_in_its_block_only() {
    for (address, block, inside) in [
        ("10.1.2.3", "10.0.0.0/8", "true"),
        ("11.1.2.3", "10.0.0.0/8", "false"),
        ("::ffff:10.1.2.3", "10.0.0.0/8", "true"),
        ("2001:db8::1", "2001:db8::/32", "true"),
        ("2001:db9::1", "2001:db8::/32", "false"),
        ("1.2.3.4", "0.0.0.0/0", "true"),
        ("2001:db8::1", "0.0.0.0/0", "false"),
        ("1.2.3.4", "1.2.3.4", "true"),
        ("ec2.amazonaws.com", "0.0.0.0/0", "false"),
    ] {
        check(&format!("in_cidr('{address}', '{block}')"), inside).await;
    }
    check("in_cidr(NULL, '10.0.0.0/8') IS NULL", "true").await;
    for block in ["10.0.0.0/33", "10.0.0/8", "x", ""] {
        let error = value(&format!("in_cidr('10.0.0.1', '{block}')")).await.unwrap_err();
        assert!(error.contains("is not a block of addresses"), "{error}");
    }
}

#[tokio::test]
async fn private_addresses_and_versions_are_known() {
    check("ip_is_private('172.31.0.1')", "true").await;
    check("ip_is_private('172.32.0.1')", "false").await;
    check("ip_is_private('s3.amazonaws.com') IS NULL", "true").await;
    check("ip_version('fe80::1')", "6").await;
    check("ip_version('1.1.1.1')", "4").await;
}

#[tokio::test]
async fn parts_of_an_arn_are_found_and_unknown_parts_refused() {
    check("arn_part('arn:aws:s3:::b/k:1', 'resource')", "b/k:1").await;
    check("arn_part('arn:aws:iam::111122223333:user/u', 'account')", "111122223333").await;
    check("arn_part('arn:aws:s3:::b', 'account') IS NULL", "true").await;
    check("arn_part('bucket', 'service') IS NULL", "true").await;
    assert!(value("arn_part('arn:aws:s3:::b', 'acount')").await.is_err());
}

#[tokio::test]
async fn ago_is_before_now_by_the_span() {
    check("ago('1h') < now() AND ago('1h') > now() - interval '61 minutes'", "true").await;
    assert!(value("ago('soon')").await.unwrap_err().contains("span of time"));
}

#[tokio::test]
async fn a_member_is_plucked_from_each_struct_of_a_list() {
    let list = "[named_struct('arn', 'a', 'n', 1), named_struct('arn', 'b', 'n', 2)]";
    check(&format!("pluck({list}, 'arn')"), "[a, b]").await;
    check(&format!("array_has(pluck({list}, 'arn'), 'b')"), "true").await;
    check(&format!("array_has(pluck({list}, 'arn'), 'c')"), "false").await;
    let error = value(&format!("pluck({list}, 'arm')")).await.unwrap_err();
    assert!(error.contains("there are: arn, n"), "{error}");
    assert!(value("pluck('text', 'arn')").await.is_err());
}

#[tokio::test]
async fn what_a_request_names_is_told_alike_however_it_is_written() {
    let check = async |json: &str, expected: &str| {
        check(&format!("telling_parameters('{json}', 'bucketname key')"), expected).await;
    };
    let told = r#"{"bucketname":["b"],"role":["arn:aws:iam::1:role/r"]}"#;
    check(r#"{"bucketName": "b", "Host": "x", "role": "arn:aws:iam::1:role/r"}"#, told).await;
    check(r#"{"role":"arn:aws:iam::1:role/r","a":[{"BucketName":"b"}]}"#, told).await;
    check(r#"{"Host": "x"}"#, "").await;
    check("no json", "").await;
}
