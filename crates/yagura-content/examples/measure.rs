//! Measures what start-up and judging pay for content: `cargo run --release -p yagura-content
//! --example measure`. Prints figures for this machine; nothing is asserted.

use std::hint::black_box;
use std::time::{Duration, Instant};

use serde_json::json;
use yagura_content::Content;
use yagura_content::expression::{Env, NoNeighbors, Program, ScopeKind};
use yagura_model::Resource;

fn main() {
    let start = Instant::now();
    let content = Content::builtin();
    let load = start.elapsed();
    let files = content.resources.len() + content.controls.len() + content.frameworks.len();
    report(&format!("load {files} built-in files: {}", milliseconds(load)));

    let start = Instant::now();
    let controls = content.controls.values().flat_map(|control| control.expressions());
    let resources = content.resources.values().flat_map(|resource| resource.expressions());
    let mut compiled = 0;
    for expression in controls.chain(resources) {
        black_box(expression.program());
        compiled += 1;
    }
    report(&format!("compile {compiled} expressions: {}", milliseconds(start.elapsed())));

    let resource = Resource {
        properties: json!({
            "PublicAccessBlockConfiguration": {"BlockPublicAcls": true, "IgnorePublicAcls": true},
            "Tags": [{"Key": "a", "Value": "b"}],
        })
        .as_object()
        .cloned()
        .unwrap_or_default(),
        ..Resource::default()
    };
    let Ok(now) = "2026-11-21T00:00:00Z".parse() else { return };
    for source in [
        "resource.properties.PublicAccessBlockConfiguration.BlockPublicAcls == true",
        "resource.properties.Tags.exists(t, t.Key == 'a' && t.Value != 'c')",
    ] {
        let Ok(program) = Program::compile(source, ScopeKind::Control) else { return };
        let env = Env::control(&resource, &NoNeighbors, now);
        let rounds = 2_000_000_u32;
        let start = Instant::now();
        for _ in 0..rounds {
            black_box(program.truth(black_box(&env)));
        }
        let each = start.elapsed() / rounds;
        report(&format!("{} ns per evaluation: {source}", each.as_nanos()));
    }
}

fn milliseconds(time: Duration) -> String {
    format!("{:.1} ms", time.as_secs_f64() * 1e3)
}

#[expect(clippy::print_stdout, reason = "an example for the terminal")]
fn report(line: &str) {
    println!("{line}");
}
