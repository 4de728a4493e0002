//! Both APIs, as `OpenAPI` 3.1.

use http_problems::Problem;
use http_problems::contract::Description;
use schemars::SchemaGenerator;
use serde_json::{Map, Value, json};

use crate::documents::{GenerateError, VERSION};
use crate::operations::{self, Api};

const ANY: &str = "Answers in JSON; what cannot be done is answered with `application/problem+json` (RFC 9457), whose \
    `type` is stable. Clients must let fields pass that they do not know, and answers must be expected to get more of \
    them, and more values where a value is one of several.\n\nDeployed, each request is signed with AWS Signature \
    Version 4, service `execute-api`. The local environment takes any.";

pub(crate) fn payments() -> Result<Value, GenerateError> {
    let api = Api { name: "payments", body_bytes_max: payment_api::BODY_BYTES_MAX };
    let what = "Makes payments, changes them, and publishes each.\n\nSend an `Idempotency-Key` with what moves money, \
                and the same one when asking again.";
    document(&api, "Paystream Payments", what, payment_api::description())
}

pub(crate) fn orders() -> Result<Value, GenerateError> {
    let api = Api { name: "orders", body_bytes_max: order_api::BODY_BYTES_MAX };
    let what = "Places orders on the payment info that Orders already holds.";
    document(&api, "Paystream Orders", what, order_api::description())
}

fn document(api: &Api, title: &str, what: &str, mut description: Description) -> Result<Value, GenerateError> {
    // Every operation may answer with a problem.
    description.answered(SchemaGenerator::subschema_for::<Problem>);
    let mut paths = Map::<String, Value>::new();
    for operation in description.operations().to_vec() {
        let item = paths.entry(operation.path.to_owned()).or_insert_with(|| json!({}));
        let method = operation.method.as_str().to_ascii_lowercase();
        item[method] = operations::describe(api, &operation, &mut description)?;
    }
    let mut schemas = description.schemas()?;
    schemas.insert("GatewayMessage".to_owned(), gateway_message());
    Ok(json!({
        "openapi": "3.1.0",
        "info": {
            "title": title,
            "version": VERSION,
            "description": format!("{what}\n\n{ANY}"),
            "license": { "name": "MIT OR Apache-2.0", "identifier": "MIT OR Apache-2.0" },
        },
        "servers": [
            { "url": "/", "description": "Where this document is served: the local environment." },
            {
                "url": "https://{api}.execute-api.{region}.amazonaws.com/{stage}",
                "description": "A deployed stack; its outputs have the URL.",
                "variables": {
                    "api": { "default": "api" },
                    "region": { "default": "eu-central-1" },
                    "stage": { "default": "dev" },
                },
            },
        ],
        "tags": [{ "name": api.name }],
        // Deployed, the signature; locally, nothing.
        "security": [{ "sigv4": [] }, {}],
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": {
                "sigv4": {
                    "type": "apiKey",
                    "in": "header",
                    "name": "Authorization",
                    "description": "AWS Signature Version 4, service `execute-api`.",
                    "x-amazon-apigateway-authtype": "awsSigv4",
                },
            },
        },
    }))
}

/// What API Gateway answers by itself, before a function is called or where one fails.
fn gateway_message() -> Value {
    json!({
        "description": "API Gateway's own answer.",
        "type": "object",
        "properties": { "message": { "type": ["string", "null"] } },
        "required": ["message"],
    })
}
