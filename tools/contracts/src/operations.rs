//! `OpenAPI` operation objects.

use std::collections::BTreeMap;

use http_problems::ProblemType;
use openapi_routes::{Answer, Body, Description, Header, Link, LinkTarget, Location, Operation, Parameter};
use serde_json::{Map, Value, json};

use crate::error::GenerateError;
use crate::problem_pages::ProblemPage;

/// The API of an operation.
pub(crate) struct Api {
    pub(crate) name: &'static str,
    pub(crate) body_bytes_max: usize,
}

/// Responses of API Gateway itself, as a REST API or an HTTP API: the template can deploy either.
const GATEWAY: [(u16, &str); 9] = [
    (400, "the request is not complete, such as one with a truncated body."),
    (401, "the token is missing or invalid, on stacks that authorize by token."),
    (403, "the request is not authorized."),
    (413, "the body exceeds 10 MB."),
    (429, "too many requests. Wait, then repeat the request."),
    (500, "the function behind an HTTP API failed. Repeat the request."),
    (502, "the function behind a REST API failed. Repeat the request."),
    (503, "the function behind an HTTP API took longer than 30 s, or was throttled. Repeat the request."),
    (504, "the function behind a REST API took longer than 29 s. Repeat the request."),
];

pub(crate) fn describe(api: &Api, operation: &Operation, schemas: &mut Description) -> Result<Value, GenerateError> {
    let doc = &operation.doc;
    let mut described = json!({
        "operationId": doc.id,
        "summary": doc.summary,
        "description": doc.description,
        "tags": [api.name],
        "parameters": operation.parameters.iter().map(parameter).collect::<Vec<_>>(),
        "responses": responses(operation, schemas)?,
    });
    if let Some(body) = &operation.body {
        described["requestBody"] = request_body(api, body, &doc.examples);
    }
    Ok(described)
}

fn parameter(parameter: &Parameter) -> Value {
    let location = match parameter.location {
        Location::Path => "path",
        Location::Query => "query",
        Location::Header => "header",
    };
    let name = if parameter.location == Location::Header { written(&parameter.name) } else { parameter.name.clone() };
    json!({
        "name": name,
        "in": location,
        "required": parameter.required,
        "description": parameter.description,
        "schema": parameter.schema,
    })
}

fn request_body(api: &Api, body: &Body, examples: &[(&'static str, Value)]) -> Value {
    let examples: Map<_, _> =
        examples.iter().map(|(name, value)| ((*name).to_owned(), json!({ "value": value }))).collect();
    json!({
        "required": body.required,
        "description": format!("At most {} bytes.", api.body_bytes_max),
        "content": { "application/json": { "schema": body.schema, "examples": examples } },
    })
}

fn responses(operation: &Operation, schemas: &mut Description) -> Result<Map<String, Value>, GenerateError> {
    let mut responses = Map::new();
    for documented in &operation.doc.answers {
        responses.insert(documented.status.as_u16().to_string(), answer(documented, schemas));
    }
    let mut by_status = BTreeMap::<u16, Vec<ProblemType>>::new();
    for kind in &operation.problems {
        by_status.entry(kind.status().as_u16()).or_default().push(*kind);
    }
    for (status, kinds) in by_status {
        responses.insert(status.to_string(), problems(status, &kinds)?);
    }
    for (status, description) in GATEWAY {
        let message = json!({ "schema": { "$ref": "#/components/schemas/GatewayMessage" } });
        let description = format!("API Gateway: {description}");
        let response = responses.entry(status.to_string()).or_insert_with(|| json!({}));
        response["description"] = match response["description"].as_str() {
            Some(problems) => format!("{problems}\n- {description}").into(),
            None => description.into(),
        };
        response["content"]["application/json"] = message;
    }
    Ok(responses)
}

fn answer(answer: &Answer, schemas: &mut Description) -> Value {
    let headers: Map<_, _> = answer.headers.iter().map(header).collect();
    let links: Map<_, _> = answer.links.iter().map(|to| (to.name.to_owned(), link(to))).collect();
    let mut response = json!({ "description": answer.description });
    if let Some(body) = answer.body {
        let mut content = json!({ "schema": schemas.response_schema(body) });
        if let Some(example) = &answer.example {
            content["example"] = example.clone();
        }
        response["content"] = json!({ "application/json": content });
    }
    for (key, members) in [("headers", headers), ("links", links)] {
        if !members.is_empty() {
            response[key] = Value::Object(members);
        }
    }
    response
}

fn header(header: &Header) -> (String, Value) {
    let Header { name, required, description, schema } = header;
    (written(name), json!({ "required": required, "description": description, "schema": schema }))
}

/// Returns a header's name in its usual case, which is not significant.
fn written(header: &str) -> String {
    let capitalized = |word: &str| word[..1].to_uppercase() + &word[1..];
    match header {
        "etag" => "ETag".to_owned(),
        "traceparent" => header.to_owned(),
        _ => header.split('-').map(capitalized).collect::<Vec<_>>().join("-"),
    }
}

fn link(link: &Link) -> Value {
    let parameters: Map<_, _> =
        link.parameters.iter().map(|(name, value)| ((*name).to_owned(), json!(value))).collect();
    let mut described = json!({ "description": link.description, "parameters": parameters });
    if let Some(body) = &link.body {
        described["requestBody"] = body.clone();
    }
    match link.target {
        LinkTarget::Operation(id) => described["operationId"] = json!(id),
        LinkTarget::Elsewhere { api, path, method } => {
            let path = path.replace('/', "~1");
            described["operationRef"] = json!(format!("./{api}.json#/paths/{path}/{method}"));
        }
    }
    described
}

/// Returns the response object of all problem types with one status.
fn problems(status: u16, kinds: &[ProblemType]) -> Result<Value, GenerateError> {
    let (mut lines, mut examples) = (Vec::new(), Map::new());
    for kind in kinds {
        let ProblemPage { details, example } = ProblemPage::of(*kind)?;
        lines.push(format!("- `{}`: {}.", kind.uri(), kind.title()));
        lines.extend(details.into_iter().map(|detail| format!("  - {detail}")));
        examples.insert(kind.name().to_owned(), json!({ "value": example }));
    }
    let types: Vec<_> = kinds.iter().map(|kind| kind.uri()).collect();
    let mut members = json!({ "type": { "enum": types }, "status": { "const": status } });
    for member in kinds.iter().flat_map(|kind| kind.members()) {
        members[member.name] = json!({ "description": member.description, "type": member.holds });
    }
    let mut response = json!({
        "description": lines.join("\n"),
        "content": {
            "application/problem+json": {
                "schema": {
                    "allOf": [{ "$ref": "#/components/schemas/Problem" }],
                    "properties": members,
                },
                "examples": examples,
            },
        },
    });
    for (name, header) in problem_headers(status, kinds)? {
        response["headers"][name] = header;
    }
    Ok(response)
}

/// Returns the headers of all problem types with one status. A header is required if every response with that status
/// has it.
fn problem_headers(status: u16, kinds: &[ProblemType]) -> Result<Vec<(String, Value)>, GenerateError> {
    let of_gateway = GATEWAY.iter().any(|(known, ..)| *known == status);
    let all = kinds.iter().flat_map(|kind| kind.headers());
    let described = all.map(|header| {
        let always = |kind: &ProblemType| kind.headers().iter().any(|own| own.required && own.name == header.name);
        let schema: Value = serde_json::from_str(header.schema).map_err(|_| GenerateError::Header(header.name))?;
        let required = !of_gateway && kinds.iter().all(always);
        let described = json!({ "required": required, "description": header.description, "schema": schema });
        Ok((written(header.name), described))
    });
    described.collect()
}
