//! The `OpenAPI` 3.1 documents of both APIs.

use http_problems::Problem;
use openapi_routes::Description;
use schemars::SchemaGenerator;
use serde_json::{Map, Value, json};

use crate::error::GenerateError;
use crate::operations::{self, Api};
use crate::version::VERSION;

/// Part of the description of both APIs.
const COMMON: &str = "Responses are JSON. Errors are `application/problem+json` (RFC 9457) with a stable `type`. \
    Clients must ignore unknown fields, and must expect new fields in responses and new values in \
    enumerations.\n\nIntegers are written without a fraction or an exponent: `1299.0` is rejected, although it is an \
    integer to JSON Schema, because money is never parsed as floating point. A number that could be a card number is \
    rejected anywhere in a request (the problem `card-number`).\n\nA body is sent uncompressed. Every other path, \
    method and content coding gets a problem of its own (`no-such-route`, `method-not-allowed`, \
    `unsupported-content-encoding`). `HEAD` is `GET` without the body, and paths that differ in a slash at the end are \
    different.\n\nURLs in responses are relative to the URL of the request, so they stay in the same deployment.\n\nA deployed stack authorizes its callers: each request \
    is signed with AWS Signature Version 4, service `execute-api`, or carries a token, if the stack has the parameter \
    `JwtIssuer` or `CognitoUserPoolArn`. The local environment accepts any request.\n\nAPI Gateway also sends \
    responses of its own, as `application/json` with a `message`. Their statuses depend on whether the stack has REST \
    APIs or HTTP APIs (`ApiFlavour`).";

/// Authorization schemes, which depend on the stack's parameters.
fn security_schemes() -> Value {
    json!({
        "sigv4": {
            "type": "apiKey",
            "in": "header",
            "name": "Authorization",
            "description": "AWS Signature Version 4, service `execute-api`: stacks without `JwtIssuer` and `CognitoUserPoolArn`.",
            "x-amazon-apigateway-authtype": "awsSigv4",
        },
        "jwt": {
            "type": "http",
            "scheme": "bearer",
            "bearerFormat": "JWT",
            "description": "Token of the issuer in `JwtIssuer` for the audience in `JwtAudience`: HTTP APIs.",
        },
        "cognito": {
            "type": "apiKey",
            "in": "header",
            "name": "Authorization",
            "description": "Identity token of the Cognito user pool in `CognitoUserPoolArn`: REST APIs.",
            "x-amazon-apigateway-authtype": "cognito_user_pools",
        },
    })
}

pub(crate) fn payments() -> Result<Value, GenerateError> {
    let api = Api { name: "payments", body_bytes_max: payment_api::BODY_BYTES_MAX };
    let purpose = "Creates payments, changes them, and publishes each version.\n\nSend an `Idempotency-Key` with each \
                   request that moves money, and the same key with a retry.";
    document(&api, "Paystream Payments", purpose, payment_api::description())
}

pub(crate) fn orders() -> Result<Value, GenerateError> {
    let api = Api { name: "orders", body_bytes_max: order_api::BODY_BYTES_MAX };
    let purpose = "Places orders, decided on the payments in the read model of Orders.";
    document(&api, "Paystream Orders", purpose, order_api::description())
}

fn document(api: &Api, title: &str, purpose: &str, mut description: Description) -> Result<Value, GenerateError> {
    // Every operation may respond with a problem.
    description.response_schema(SchemaGenerator::subschema_for::<Problem>);
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
            "description": format!("{purpose}\n\n{COMMON}"),
            "license": { "name": "MIT OR Apache-2.0", "identifier": "MIT OR Apache-2.0" },
        },
        "servers": [
            { "url": "/", "description": "The local environment, which serves this document." },
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
        // A deployed stack requires one of the three schemes, the local environment none.
        "security": [{ "sigv4": [] }, { "jwt": [] }, { "cognito": [] }, {}],
        "paths": paths,
        "components": { "schemas": schemas, "securitySchemes": security_schemes() },
    }))
}

/// Schema of API Gateway's own responses, sent before a function is invoked or after one failed.
fn gateway_message() -> Value {
    json!({
        "description": "A response of API Gateway itself.",
        "type": "object",
        "properties": { "message": { "type": ["string", "null"] } },
        "required": ["message"],
    })
}
