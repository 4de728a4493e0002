//! APIs and the routes declared by their `OpenAPI` documents.

use super::error::{LocatedProblem, Problem};
use super::evaluate::Scope;
use super::fields::Fields;
use super::identity::{Identity, ResourceKind};
use super::model::{ApiSpec, PayloadFormat, Route};
use super::node::{Entry, Node};

/// Supported sections of an `OpenAPI` document. Only `paths` has an effect.
const DOCUMENT: [&str; 7] = ["openapi", "info", "components", "paths", "tags", "servers", "externalDocs"];
/// Keys of a path that are not methods and have no effect locally.
const DESCRIPTIVE: [&str; 8] =
    ["operationId", "summary", "description", "parameters", "tags", "security", "responses", "requestBody"];
const METHODS: [&str; 7] = ["get", "put", "post", "delete", "options", "head", "patch"];
const ANY_METHOD: &str = "x-amazon-apigateway-any-method";
const INTEGRATION: &str = "x-amazon-apigateway-integration";

pub(super) fn api(identity: &Identity, fields: &Fields<'_>) -> Result<ApiSpec, LocatedProblem> {
    let format = if identity.kind == ResourceKind::HttpApi { PayloadFormat::V2 } else { PayloadFormat::V1 };
    let stage = fields.text("StageName")?;
    // An HTTP API has a default stage, which is not part of the path. The stage of a REST API must be named.
    let stage = match format {
        PayloadFormat::V1 => fields.required("StageName", stage)?,
        PayloadFormat::V2 => stage.unwrap_or_else(|| "$default".to_owned()),
    };
    Ok(ApiSpec { logical_id: identity.logical_id.clone(), stage, format })
}

/// Returns the routes of the API's own definition, without those that function events declare.
pub(super) fn routes(api: &ApiSpec, fields: &Fields<'_>, scope: &Scope<'_>) -> Result<Vec<Route>, LocatedProblem> {
    let mut routes = Vec::new();
    let Some(document) = fields.inner("DefinitionBody", &DOCUMENT)? else { return Ok(routes) };
    for path in document.optional("paths", "a map", Node::entries)?.unwrap_or_default() {
        for method in path.value.entries().unwrap_or_default() {
            let name = match method.key.as_str() {
                ANY_METHOD => "ANY".to_owned(),
                key if METHODS.contains(&key) => key.to_ascii_uppercase(),
                key if DESCRIPTIVE.contains(&key) => continue,
                key => {
                    let (owner, name) = (format!("resource {}: {}", api.logical_id, path.key), key.to_owned());
                    return Err(LocatedProblem::at(method.line, Problem::UnknownKey { owner, name }));
                }
            };
            routes.push(route(api, &path.key, name, method, scope)?);
        }
    }
    Ok(routes)
}

fn route(
    api: &ApiSpec,
    path: &str,
    method: String,
    operation: &Entry,
    scope: &Scope<'_>,
) -> Result<Route, LocatedProblem> {
    let owner = format!("resource {}: {method} {path}", api.logical_id);
    let operation = Fields::unchecked(owner, operation.line, &operation.value)?;
    let known = ["type", "httpMethod", "uri", "payloadFormatVersion", "timeoutInMillis"];
    let integration = operation.required(INTEGRATION, operation.inner(INTEGRATION, &known)?)?;
    let of_lambda = |entry: &str, expected: &str| {
        let entry = integration.required(entry, integration.entry(entry))?;
        Err(integration.wrong(entry, expected))
    };
    if integration.required_text("type")? != "aws_proxy" {
        return of_lambda("type", "aws_proxy in the local environment");
    }
    let version = integration.text("payloadFormatVersion")?;
    match (api.format, version.as_deref()) {
        (PayloadFormat::V1, None) | (PayloadFormat::V2, Some("2.0")) => {}
        (PayloadFormat::V1, Some(_)) => return of_lambda("payloadFormatVersion", "left out for a REST API"),
        (PayloadFormat::V2, _) => {
            let expected = "2.0 for an HTTP API in the local environment";
            integration.required("payloadFormatVersion", integration.entry("payloadFormatVersion"))?;
            return of_lambda("payloadFormatVersion", expected);
        }
    }
    let uri = integration.required_text("uri")?;
    let arn =
        uri.split_once(":lambda:path/2015-03-31/functions/").and_then(|(_, rest)| rest.strip_suffix("/invocations"));
    let Some(function) = arn.and_then(|arn| scope.with_arn(ResourceKind::Function, "Arn", arn)) else {
        return of_lambda("uri", "that of a function of this template");
    };
    let (function, api_id) = (function.logical_id.clone(), api.logical_id.clone());
    Ok(Route { method, path: path.to_owned(), function, api: api_id, stage: api.stage.clone(), format: api.format })
}
