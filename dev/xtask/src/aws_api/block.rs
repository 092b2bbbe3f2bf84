//! Writes one service: its names, operations, paginators and waiters.
//! The reader's half is `service.rs`, `operation.rs` and `waiter.rs` in `yagura-aws/src/api`.

use anyhow::{Context as _, bail};
use serde_json::{Map, Value};

use super::model::Model;
use super::paging;
use super::shapes::{Shapes, text};
use super::writer::Block;

/// The protocols we speak, best first, then the one that we do not; with their numbers.
const PROTOCOLS: [(&str, usize); 6] = [
    ("json", 1),
    ("rest-json", 2),
    ("rest-xml", 3),
    ("query", 4),
    ("ec2", 5),
    ("smithy-rpc-v2-cbor", 6),
];

pub(crate) fn build(model: &Model) -> anyhow::Result<Vec<u8>> {
    let shapes = Shapes::collect(&model.service)?;
    let metadata = model.service.get("metadata").context("no metadata")?;
    let mut block = Block::default();
    shapes.write(&mut block)?;
    let name = |key: &str| text(metadata, key).with_context(|| format!("no `{key}`"));
    block.text(name("serviceId")?);
    block.text(name("apiVersion")?);
    block.text(name("endpointPrefix")?);
    block.text(text(metadata, "signingName").unwrap_or(name("endpointPrefix")?));
    block.text(name("signatureVersion")?);
    block.number(protocol(metadata)?)?;
    block.number(usize::from(metadata.get("awsQueryCompatible").is_some()))?;
    block.maybe(text(metadata, "targetPrefix"));
    block.maybe(text(metadata, "jsonVersion"));
    block.maybe(namespace(metadata));
    block.maybe(text(metadata, "globalEndpoint"));
    write_texts(&mut block, metadata.get("auth"))?;
    let parameters = model.service.get("clientContextParams").and_then(Value::as_object);
    let parameters: Vec<&String> = parameters.into_iter().flat_map(Map::keys).collect();
    block.list(&parameters, |block, name| {
        block.text(name);
        Ok(())
    })?;
    let operations = model.service.get("operations").and_then(Value::as_object);
    let mut operations: Vec<_> = operations.context("no operations")?.iter().collect();
    operations.sort_by_key(|(name, _)| name.as_str());
    block.list(&operations, |block, (name, operation)| {
        let paginator = paging::of(&model.name, &model.service, name, &model.paginators);
        write_operation(block, &shapes, name, operation, paginator.as_ref())
            .with_context(|| format!("operation `{name}`"))
    })?;
    let mut waiters: Vec<_> = model.waiters.iter().collect();
    waiters.sort_by_key(|(name, _)| name.as_str());
    block.list(&waiters, |block, (name, waiter)| write_waiter(block, name, waiter))?;
    block.finish()
}

fn protocol(metadata: &Value) -> anyhow::Result<usize> {
    let listed = metadata.get("protocols").and_then(Value::as_array);
    let main = metadata.get("protocol").into_iter();
    let listed: Vec<&str> =
        listed.into_iter().flatten().chain(main).filter_map(Value::as_str).collect();
    match PROTOCOLS.iter().find(|(name, _)| listed.contains(name)) {
        Some((_, number)) => Ok(*number),
        None => bail!("the protocols {listed:?} are unknown"),
    }
}

fn namespace(value: &Value) -> Option<&str> {
    let namespace = value.get("xmlNamespace")?;
    namespace.as_str().or_else(|| text(namespace, "uri"))
}

fn write_texts(block: &mut Block, value: Option<&Value>) -> anyhow::Result<()> {
    let texts: Vec<&str> = match value {
        Some(Value::String(text)) => vec![text],
        Some(Value::Array(list)) => list.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    };
    block.list(&texts, |block, text| {
        block.text(text);
        Ok(())
    })
}

fn write_operation(
    block: &mut Block,
    shapes: &Shapes<'_>,
    name: &str,
    operation: &Value,
    paginator: Option<&Value>,
) -> anyhow::Result<()> {
    let http = operation.get("http").context("no http part")?;
    block.text(name);
    block.text(text(http, "method").context("no method")?);
    block.text(text(http, "requestUri").context("no URI")?);
    let status = http.get("responseCode").and_then(Value::as_u64);
    block.number(status.unwrap_or(0) as usize)?;
    block.number(operation_flags(operation))?;
    block.number(shapes.reference(operation.get("input"))?)?;
    block.number(shapes.reference(operation.get("output"))?)?;
    let input = operation.get("input").unwrap_or(&Value::Null);
    block.maybe(operation.pointer("/output/resultWrapper").and_then(Value::as_str));
    block.maybe(text(input, "locationName"));
    block.maybe(namespace(input));
    block.maybe(operation.pointer("/endpoint/hostPrefix").and_then(Value::as_str));
    block.maybe(operation.pointer("/httpChecksum/requestAlgorithmMember").and_then(Value::as_str));
    let errors = operation.get("errors").and_then(Value::as_array);
    let mut errors = errors
        .into_iter()
        .flatten()
        .map(|error| shapes.number(text(error, "shape").unwrap_or_default()))
        .collect::<anyhow::Result<Vec<_>>>()?;
    errors.sort_unstable();
    errors.dedup();
    block.list(&errors, |block, number| block.number(*number))?;
    write_texts(block, operation.get("auth"))?;
    let parameters = |key: &str| -> Vec<(&String, &Value)> {
        operation.get(key).and_then(Value::as_object).into_iter().flatten().collect()
    };
    block.list(&parameters("staticContextParams"), |block, (name, parameter)| {
        block.text(name);
        write_static(block, parameter.get("value").context("a parameter has no value")?)
    })?;
    block.list(&parameters("operationContextParams"), |block, (name, parameter)| {
        block.text(name);
        block.text(text(parameter, "path").context("a parameter has no path")?);
        Ok(())
    })?;
    write_paginator(block, paginator)
}

fn operation_flags(operation: &Value) -> usize {
    let is = |place: &str| operation.pointer(place) == Some(&Value::Bool(true));
    let no_auth = text(operation, "authtype") == Some("none")
        || operation.pointer("/auth/0").and_then(Value::as_str) == Some("smithy.api#noAuth");
    let flags = [
        no_auth,
        text(operation, "authtype") == Some("v4-unsigned-body") || is("/unsignedPayload"),
        is("/readonly"),
        operation.get("idempotent").is_some(),
        is("/httpChecksumRequired") || is("/httpChecksum/requestChecksumRequired"),
        operation.get("endpointdiscovery").is_some(),
        is("/endpointdiscovery/required"),
        is("/deprecated"),
    ];
    flags.into_iter().enumerate().map(|(bit, set)| usize::from(set) << bit).sum()
}

fn write_static(block: &mut Block, value: &Value) -> anyhow::Result<()> {
    match value {
        Value::Bool(truth) => block.flag(*truth),
        Value::String(text) => {
            block.number(2)?;
            block.text(text);
        }
        Value::Array(_) => {
            block.number(3)?;
            write_texts(block, Some(value))?;
        }
        other => bail!("the parameter `{other}` is of an unknown kind"),
    }
    Ok(())
}

fn write_paginator(block: &mut Block, paginator: Option<&Value>) -> anyhow::Result<()> {
    block.flag(paginator.is_some());
    let Some(paginator) = paginator else { return Ok(()) };
    for key in ["input_token", "output_token", "result_key"] {
        write_texts(block, paginator.get(key))?;
    }
    block.maybe(text(paginator, "limit_key"));
    block.maybe(text(paginator, "more_results"));
    Ok(())
}

fn write_waiter(block: &mut Block, name: &str, waiter: &Value) -> anyhow::Result<()> {
    let number = |key: &str| waiter.get(key).and_then(Value::as_u64).unwrap_or(0) as usize;
    block.text(name);
    block.text(text(waiter, "operation").context("a waiter has no operation")?);
    block.number(number("delay"))?;
    block.number(number("maxAttempts"))?;
    let acceptors = waiter.get("acceptors").and_then(Value::as_array);
    block.list(acceptors.context("no acceptors")?, |block, acceptor| {
        let place = |key: &str, known: &[&str]| {
            let found = text(acceptor, key);
            let index = known.iter().position(|known| Some(*known) == found);
            index.with_context(|| format!("the {key} {found:?} is unknown"))
        };
        block.number(place("state", &["success", "failure", "retry"])?)?;
        let matchers = ["path", "pathAll", "pathAny", "error", "status"];
        block.number(place("matcher", &matchers)?)?;
        block.maybe(text(acceptor, "argument"));
        block.text(&acceptor.get("expected").unwrap_or(&Value::Null).to_string());
        Ok(())
    })
}
