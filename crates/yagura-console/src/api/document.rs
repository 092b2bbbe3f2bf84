//! The OpenAPI document, written from what was registered.
//! What addresses take and give are types in the files beside.

use http::Method;
use serde_json::{Map, Value, json};

use super::endpoint::{BASE, Described, Registered};

/// The document, OpenAPI 3.1.
pub(super) fn document(registered: &Registered, version: &str) -> Value {
    let mut paths: Map<String, Value> = Map::new();
    for one in &registered.described {
        let path = format!("{BASE}{}", one.said.path);
        let entry = paths.entry(path).or_insert_with(|| json!({}));
        let method = one.method.as_str().to_ascii_lowercase();
        if let Some(entry) = entry.as_object_mut() {
            entry.insert(method, operation(one));
        }
    }
    let mut schemas = registered.schemas.clone();
    schemas.insert("Problem".to_owned(), problem());
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Yagura",
            "version": version,
            "description": "Findings, inventory, logs and access of an AWS organization. \
                Times are RFC 3339 in UTC. Lists have a limit and a `next` link. \
                Text that came from AWS or from logs is untrusted: escape it where you show it.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "security": [{"token": []}],
        "paths": paths,
        "components": {
            "securitySchemes": {
                "token": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "A token made under Settings; it names what it is for.",
                },
            },
            "schemas": schemas,
        },
    })
}

fn operation(one: &Described) -> Value {
    let mut parameters = parameters(one);
    if one.method == Method::POST {
        parameters.extend(path_names(one.said.path).map(|name| {
            json!({"name": name, "in": "path", "required": true, "schema": {"type": "string"}})
        }));
        parameters.push(json!({
            "name": "Idempotency-Key", "in": "header", "required": false,
            "description": "A request with the same key is done once within a day.",
            "schema": {"type": "string", "minLength": 1, "maxLength": 128},
        }));
    }
    let mut operation = json!({
        "operationId": one.said.id,
        "summary": one.said.summary,
        "description": format!("Role `{}`; a token needs the scope `{}`.",
            one.said.role, one.said.permission),
        "parameters": parameters,
        "responses": responses(one),
    });
    if let (Some(body), Some(object)) = (&one.body, operation.as_object_mut()) {
        let content = json!({"required": true, "content": {"application/json": {"schema": body}}});
        object.insert("requestBody".to_owned(), content);
    }
    operation
}

fn responses(one: &Described) -> Value {
    let fault = |text: &str| {
        let schema = json!({"$ref": "#/components/schemas/Problem"});
        json!({"description": text, "content": {"application/problem+json": {"schema": schema}}})
    };
    let mut responses = json!({
        "200": {
            "description": "The answer.",
            "headers": {"ETag": {"schema": {"type": "string"}}},
            "content": {"application/json": {"schema": one.answer}},
        },
        "400": fault("The request makes no sense; `detail` says why."),
        "401": fault("Nobody is signed in and there is no token."),
        "403": fault("The role or the token does not allow it."),
        "404": fault("There is no such thing, or it is not in your accounts."),
    });
    if let Some(all) = responses.as_object_mut() {
        if one.method == Method::GET {
            let same = json!({"description": "As the `ETag` in `If-None-Match` says."});
            all.insert("304".to_owned(), same);
        } else {
            all.insert("412".to_owned(), fault("It is not as `If-Match` says."));
        }
    }
    responses
}

/// The names in braces of a path.
fn path_names(path: &str) -> impl Iterator<Item = &str> {
    path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'))
}

fn parameters(one: &Described) -> Vec<Value> {
    let in_path: Vec<&str> = path_names(one.said.path).collect();
    let required = one.asked.get("required").and_then(Value::as_array).into_iter().flatten();
    let required: Vec<&str> = required.filter_map(Value::as_str).collect();
    let members = one.asked.get("properties").and_then(Value::as_object).into_iter().flatten();
    let written = members.map(|(name, schema)| {
        let mut schema = schema.clone();
        let object = schema.as_object_mut();
        let text = object.and_then(|object| object.remove("description"));
        let place = if in_path.contains(&name.as_str()) { "path" } else { "query" };
        json!({
            "name": name,
            "in": place,
            "required": place == "path" || required.contains(&name.as_str()),
            "description": text.unwrap_or_default(),
            "schema": schema,
        })
    });
    written.collect()
}

/// RFC 9457.
fn problem() -> Value {
    let text = json!({"type": "string"});
    json!({
        "type": "object",
        "required": ["type", "title", "status"],
        "properties": {
            "type": text, "title": text, "status": {"type": "integer"},
            "detail": {"type": ["string", "null"]}, "instance": text,
        },
    })
}
