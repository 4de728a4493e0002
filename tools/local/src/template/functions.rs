//! Functions and the events that invoke them.

use std::collections::BTreeMap;
use std::time::Duration;

use super::error::{LocatedProblem, Problem};
use super::evaluate::Scope;
use super::fields::Fields;
use super::identity::{Identity, ResourceKind};
use super::mappings::stream_event;
use super::model::{FunctionSpec, MappingSpec, PayloadFormat, ReferencedResources, Route};
use super::node::{Entry, Node};
use super::schema;

/// Lambda's default timeout.
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(3);

/// Declarations of one `AWS::Serverless::Function`.
pub(super) struct FunctionDeclaration {
    pub(super) function: FunctionSpec,
    pub(super) routes: Vec<Route>,
    pub(super) mappings: Vec<MappingSpec>,
}

pub(super) fn function(
    identity: &Identity,
    fields: &Fields<'_>,
    scope: &Scope<'_>,
    referred: &ReferencedResources,
) -> Result<FunctionDeclaration, LocatedProblem> {
    let runtime = fields.required_text("Runtime")?;
    if !matches!(runtime.as_str(), "provided.al2023" | "provided.al2") {
        let entry = fields.required("Runtime", fields.entry("Runtime"))?;
        return Err(fields.wrong(entry, "provided.al2023: the local environment runs binaries"));
    }
    let code = fields.required_text("CodeUri")?;
    let binary = code.trim_end_matches('/').rsplit('/').next().unwrap_or_default().to_owned();
    if matches!(binary.as_str(), "" | "." | "..") {
        let entry = fields.required("CodeUri", fields.entry("CodeUri"))?;
        return Err(fields.wrong(entry, "the directory of a cargo package, named like its binary"));
    }
    let function = FunctionSpec {
        logical_id: identity.logical_id.clone(),
        name: identity.name.clone(),
        binary,
        handler: fields.required_text("Handler")?,
        memory_mb: fields.number("MemorySize", 128, 10_240)?.unwrap_or(128),
        timeout: fields.seconds("Timeout", 1, 900)?.unwrap_or(DEFAULT_TIMEOUT),
        concurrency_max: fields
            .number("ReservedConcurrentExecutions", 0, 1_000)?
            .and_then(|count| usize::try_from(count).ok()),
        variables: variables(fields)?,
    };
    let mut declared = FunctionDeclaration { function, routes: Vec::new(), mappings: Vec::new() };
    let events = fields.optional("Events", "a map", Node::entries)?.unwrap_or_default();
    for event in events {
        event_of(&mut declared, event, scope, referred)?;
    }
    Ok(declared)
}

fn variables(fields: &Fields<'_>) -> Result<BTreeMap<String, String>, LocatedProblem> {
    let mut variables = BTreeMap::new();
    let Some(environment) = fields.inner("Environment", &["Variables"])? else { return Ok(variables) };
    let Some(entry) = environment.entry("Variables") else { return Ok(variables) };
    let inner = Fields::unchecked(format!("function environment, line {}", entry.line), entry.line, &entry.value)?;
    for variable in inner.entries() {
        let value = variable.value.to_text().ok_or_else(|| inner.wrong(variable, "text"))?;
        variables.insert(variable.key.clone(), value);
    }
    Ok(variables)
}

fn event_of(
    declared: &mut FunctionDeclaration,
    event: &Entry,
    scope: &Scope<'_>,
    referred: &ReferencedResources,
) -> Result<(), LocatedProblem> {
    let logical_id = declared.function.logical_id.clone();
    let owner = format!("resource {logical_id}: event {}", event.key);
    let outer = Fields::unchecked(owner.clone(), event.line, &event.value)?;
    let kind = outer.required_text("Type")?;
    let properties = outer.required("Properties", outer.entry("Properties"))?;
    match kind.as_str() {
        "Api" => {
            let fields = Fields::new(owner, event.line, &properties.value, schema::API_EVENT)?;
            declared.routes.push(route(logical_id, "RestApiId", PayloadFormat::V1, &fields, referred)?);
        }
        "HttpApi" => {
            let fields = Fields::new(owner, event.line, &properties.value, schema::HTTP_API_EVENT)?;
            declared.routes.push(route(logical_id, "ApiId", PayloadFormat::V2, &fields, referred)?);
        }
        "Kinesis" | "DynamoDB" => {
            let fields = Fields::new(owner, event.line, &properties.value, schema::STREAM_EVENT)?;
            let (id, is_kinesis) = (format!("{logical_id}{}", event.key), kind == "Kinesis");
            let mapping = stream_event(id, event.line, logical_id, &fields, scope, referred, is_kinesis)?;
            declared.mappings.push(mapping);
        }
        _ => {
            let kind_line = outer.line_of("Type");
            let problem = Problem::UnknownKey { owner, name: format!("an event of type {kind}") };
            return Err(LocatedProblem::at(kind_line, problem));
        }
    }
    Ok(())
}

fn route(
    function: String,
    api_property: &str,
    format: PayloadFormat,
    fields: &Fields<'_>,
    referred: &ReferencedResources,
) -> Result<Route, LocatedProblem> {
    let api = fields.required_text(api_property)?;
    let Some(spec) = referred.apis.get(&api).filter(|api| api.format == format) else {
        let entry = fields.required(api_property, fields.entry(api_property))?;
        let kind = if format == PayloadFormat::V1 { "AWS::Serverless::Api" } else { "AWS::Serverless::HttpApi" };
        return Err(fields.wrong(entry, format!("an {kind} of this template")));
    };
    let path = fields.required_text("Path")?;
    let method = fields.required_text("Method")?.to_ascii_uppercase();
    if !path.starts_with('/') {
        let entry = fields.required("Path", fields.entry("Path"))?;
        return Err(fields.wrong(entry, "a path that starts with /"));
    }
    Ok(Route { method, path, function, api, stage: spec.stage.clone(), format })
}

/// Returns the identities of the event source mappings that SAM generates from a function's events. Templates may refer
/// to them.
pub(super) fn mappings_of(identity: &Identity, resource: &Entry) -> Vec<Identity> {
    if identity.kind != ResourceKind::Function {
        return Vec::new();
    }
    let events = resource.value.get("Properties").and_then(|properties| properties.value.get("Events"));
    let events = events.and_then(|events| events.value.entries()).unwrap_or_default();
    let id = |event: &Entry| format!("{}{}", identity.logical_id, event.key);
    events.iter().map(|event| Identity::new(ResourceKind::Mapping, &id(event), &id(event))).collect()
}
