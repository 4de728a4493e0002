//! Both APIs, as `OpenAPI` 3.1.

use http_problems::Problem;
use openapi_routes::Description;
use schemars::SchemaGenerator;
use serde_json::{Map, Value, json};

use crate::error::GenerateError;
use crate::operations::{self, Api};
use crate::version::VERSION;

const ANY: &str = "Answers in JSON; what cannot be done is answered with `application/problem+json` (RFC 9457), whose \
    `type` is stable. Clients must let fields pass that they do not know, and answers must be expected to get more of \
    them, and more values where a value is one of several.\n\nIntegers are written without a fraction or an exponent: \
    `1299.0` is refused, though JSON Schema takes it for an integer, since money is never read as floating point. A number \
    that could be that of a card is refused wherever it stands (`/problems/card-number`).\n\nA deployed stack says how \
    callers are known: each request is signed with AWS Signature Version 4, service `execute-api`; or it carries a token, \
    where the stack has the parameter `JwtIssuer` or `CognitoUserPoolArn`. The local environment takes any.\n\nAPI Gateway \
    answers for itself, too, with `application/json` and a `message`: which status it uses for what depends on whether the \
    stack has REST APIs or HTTP APIs (`ApiFlavour`).";

/// How callers are known, by the stack's parameters.
fn security_schemes() -> Value {
    json!({
        "sigv4": {
            "type": "apiKey",
            "in": "header",
            "name": "Authorization",
            "description": "AWS Signature Version 4, service `execute-api`: without `JwtIssuer` and `CognitoUserPoolArn`.",
            "x-amazon-apigateway-authtype": "awsSigv4",
        },
        "jwt": {
            "type": "http",
            "scheme": "bearer",
            "bearerFormat": "JWT",
            "description": "A token of the issuer in `JwtIssuer`, for the audience in `JwtAudience`: HTTP APIs.",
        },
        "cognito": {
            "type": "apiKey",
            "in": "header",
            "name": "Authorization",
            "description": "An identity token of the Cognito user pool in `CognitoUserPoolArn`: REST APIs.",
            "x-amazon-apigateway-authtype": "cognito_user_pools",
        },
    })
}

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
        // Deployed, one of three; locally, nothing.
        "security": [{ "sigv4": [] }, { "jwt": [] }, { "cognito": [] }, {}],
        "paths": paths,
        "components": { "schemas": schemas, "securitySchemes": security_schemes() },
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
