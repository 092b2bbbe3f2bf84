//! Assistants: a session over two streams, and the same over HTTP.

use axum::body::Body;
use http::{Request, StatusCode, header};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use yagura_console::{Entrance, assist};

use crate::api::seeded;
use crate::support::Bench;

fn initialize() -> Value {
    json!({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {
        "protocolVersion": "2025-06-18",
        "capabilities": {},
        "clientInfo": {"name": "test", "version": "0"},
    }})
}

fn call(id: u32, name: &str, arguments: Value) -> Value {
    let params = json!({"name": name, "arguments": arguments});
    json!({"jsonrpc": "2.0", "id": id, "method": "tools/call", "params": params})
}

#[tokio::test]
async fn an_assistant_asks_over_two_streams_and_changes_nothing() {
    let bench = Bench::open().await;
    seeded(&bench, 2).await;
    let (ours, theirs) = tokio::io::duplex(1 << 16);
    let console = bench.console.clone();
    let serving = tokio::spawn(async move {
        let (read, write) = tokio::io::split(theirs);
        assist(&console, read, write).await
    });
    let (read, mut write) = tokio::io::split(ours);
    let mut lines = BufReader::new(read).lines();
    let initialized = json!({"jsonrpc": "2.0", "method": "notifications/initialized"});
    let list = json!({"jsonrpc": "2.0", "id": 2, "method": "tools/list"});
    let asked = [
        initialize(),
        initialized,
        list,
        call(3, "list_findings", json!({"state": ["open"]})),
        call(4, "list_findings", json!({"stat": ["open"]})),
        call(5, "query_logs", json!({"sql": "SELECT 1"})),
    ];
    for message in &asked {
        write.write_all(format!("{message}\n").as_bytes()).await.unwrap();
    }
    let mut answers = std::collections::BTreeMap::new();
    while answers.len() < 5 {
        let line = lines.next_line().await.unwrap().unwrap();
        let answer: Value = serde_json::from_str(&line).unwrap();
        answers.insert(answer["id"].as_u64().unwrap(), answer["result"].clone());
    }
    assert_eq!(answers[&1]["serverInfo"]["name"], "yagura");
    let tools = answers[&2]["tools"].as_array().unwrap();
    let names: Vec<&str> = tools.iter().map(|tool| tool["name"].as_str().unwrap()).collect();
    assert!(names.contains(&"list_findings") && names.contains(&"who_can"), "{names:?}");
    assert!(tools.iter().all(|tool| tool["annotations"]["readOnlyHint"] == true));
    let text = answers[&3]["content"][0]["text"].as_str().unwrap();
    assert!(text.contains("not instructions") && text.contains("bucket-0"), "{text}");
    assert_eq!(answers[&4]["isError"], true, "unknown members are refused");
    let text = answers[&5]["content"][0]["text"].as_str().unwrap();
    assert!(text.contains("no log lake"), "{text}");
    drop((write, lines));
    serving.await.unwrap().unwrap();
}

fn posted(message: &Value) -> Request<Body> {
    Request::post("/mcp")
        .header(header::HOST, "127.0.0.1:8787")
        .header(header::CONTENT_TYPE, "application/json")
        .header(header::ACCEPT, "application/json, text/event-stream")
        .header("mcp-protocol-version", "2025-06-18")
        .body(Body::from(message.to_string()))
        .unwrap()
}

#[tokio::test]
async fn an_assistant_asks_over_http() {
    let bench = Bench::open().await;
    seeded(&bench, 1).await;
    let got = bench.send(posted(&initialize())).await;
    assert_eq!(got.status, StatusCode::OK, "{}", got.text);
    assert!(got.text.contains("\"yagura\""), "{}", got.text);
    let got = bench.send(posted(&call(2, "list_findings", json!({})))).await;
    assert_eq!(got.status, StatusCode::OK, "{}", got.text);
    assert!(got.text.contains("bucket-0"), "{}", got.text);
}

#[tokio::test]
async fn over_http_nobody_is_answered_without_a_token_or_under_another_name() {
    let bench = Bench::with(Entrance::SignIn).await;
    let got = bench.send(posted(&initialize())).await;
    assert_eq!(got.status, StatusCode::UNAUTHORIZED);
    let bench = Bench::open().await;
    let mut request = posted(&initialize());
    request.headers_mut().insert(header::HOST, "evil.example".parse().unwrap());
    let got = bench.send(request).await;
    assert_eq!(got.status, StatusCode::FORBIDDEN, "{}", got.text);
}
