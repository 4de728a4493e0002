//! Parser of `template.yaml`, the template that deploys.
//!
//! The local environment either implements a resource or property or ignores it for a stated reason. Anything else is
//! an error with its line, so that nothing differs silently from a deployment.

mod apis;
mod error;
mod evaluate;
mod fields;
mod functions;
mod globals;
mod identity;
mod include;
mod mappings;
mod model;
mod node;
mod parameters;
mod rules;
mod schema;
mod settings;
mod tables;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

pub use error::{Problem, TemplateError};
pub(crate) use model::{
    FunctionSpec, KafkaSource, MappingSource, MappingSpec, RabbitMqSource, StartingPosition, StreamSpec, TableSpec,
};
pub use model::{LeftOut, PayloadFormat, Route};

use crate::hubs::HubKind;
use error::LocatedProblem;
use evaluate::Scope;
use fields::Fields;
use identity::{Identity, ResourceKind};
use model::ReferencedResources;
use node::{Entry, Node, Value};

/// Parameter that chooses the hub.
const HUB: &str = "Hub";

/// A template that the local environment can run.
#[derive(Debug, Clone, Default)]
pub struct Template {
    path: PathBuf,
    pub(crate) functions: Vec<FunctionSpec>,
    pub(crate) routes: Vec<Route>,
    pub(crate) mappings: Vec<MappingSpec>,
    pub(crate) tables: Vec<TableSpec>,
    pub(crate) streams: Vec<StreamSpec>,
    left_out: Vec<LeftOut>,
    hub: HubKind,
    /// Logical id to physical name.
    pub(crate) names: BTreeMap<String, String>,
    /// Values of the outputs that exist, by name.
    pub(crate) outputs: BTreeMap<String, String>,
}

impl Template {
    /// Reads a template. `given` overrides the defaults of its parameters.
    pub fn load(path: &Path, given: &BTreeMap<String, String>) -> Result<Self, TemplateError> {
        Self::load_with(path, given, &BTreeMap::new())
    }

    /// Reads a template. Values of `local` take the place of the defaults of its parameters, and `given` overrides both.
    pub(crate) fn load_with(
        path: &Path,
        given: &BTreeMap<String, String>,
        local: &BTreeMap<String, String>,
    ) -> Result<Self, TemplateError> {
        let template = Self::read(path, |source, directory| Self::parse(source, directory, given, local))?;
        Ok(Self { path: path.to_owned(), ..template })
    }

    /// Returns the hub that a template's parameter `Hub` chooses; Kinesis if it has none. Nothing else of the template is
    /// read.
    pub fn hub_of(path: &Path, given: &BTreeMap<String, String>) -> Result<HubKind, TemplateError> {
        Self::read(path, |source, _| {
            let document = Node::parse(source)?;
            let section = document.get("Parameters").map(|entry| &entry.value);
            // Only `Hub`: other parameters may need values that depend on the hub.
            let entries = section.and_then(Node::entries).unwrap_or_default();
            let Some(hub) = entries.iter().find(|entry| entry.key == HUB) else { return Ok(HubKind::Kinesis) };
            let section = Node { line: hub.line, value: Value::Map(vec![hub.clone()]) };
            let given = given.iter().filter(|(name, _)| *name == HUB);
            let given = given.map(|(name, value)| (name.clone(), value.clone())).collect();
            let parameters = parameters::read(Some(&section), &given, &BTreeMap::new())?;
            hub_in(&parameters).map_err(|problem| LocatedProblem::at(0, problem))
        })
    }

    fn read<T>(path: &Path, parse: impl FnOnce(&str, &Path) -> Result<T, LocatedProblem>) -> Result<T, TemplateError> {
        let source = std::fs::read_to_string(path)
            .map_err(|reason| TemplateError::Unreadable { path: path.to_owned(), reason })?;
        parse(&source, path.parent().unwrap_or(Path::new(""))).map_err(|LocatedProblem { line, problem }| match line {
            0 => TemplateError::Parameter(problem),
            line => TemplateError::Invalid { path: path.to_owned(), line, problem },
        })
    }

    fn parse(
        source: &str,
        directory: &Path,
        given: &BTreeMap<String, String>,
        local: &BTreeMap<String, String>,
    ) -> Result<Self, LocatedProblem> {
        let document = Node::parse(source)?;
        let sections = document
            .entries()
            .ok_or_else(|| LocatedProblem::at(1, Problem::NotYaml("it is not a map of sections".to_owned())))?;
        if let Some(entry) = sections.iter().find(|entry| !schema::SECTIONS.contains(&entry.key.as_str())) {
            let (owner, name) = ("template".to_owned(), format!("the section {}", entry.key));
            return Err(LocatedProblem::at(entry.line, Problem::UnknownKey { owner, name }));
        }
        let section = |name: &str| document.get(name).map(|entry| &entry.value);
        let parameters = parameters::read(section("Parameters"), given, local)?;
        let hub = hub_in(&parameters).map_err(|problem| LocatedProblem::at(0, problem))?;
        let mut scope = Scope::new(parameters, section("Conditions"), directory);
        rules::check(section("Rules"), &scope)?;
        for condition in scope.conditions.and_then(Node::entries).unwrap_or_default() {
            scope.condition(&condition.key, condition.line)?;
        }
        let missing = || Problem::Missing { owner: "template".to_owned(), property: "Resources".to_owned() };
        let resources = section("Resources").and_then(Node::entries).ok_or_else(|| LocatedProblem::at(1, missing()))?;
        let present = present(resources, &scope)?;
        for resource in &present {
            let identity = identify(resource, &scope)?;
            for mapping in functions::mappings_of(&identity, resource) {
                scope.resources.insert(mapping.logical_id.clone(), mapping);
            }
            scope.resources.insert(identity.logical_id.clone(), identity);
        }
        let globals = globals::of_functions(section("Globals"), &scope)?;
        let outputs = section("Outputs").map(|outputs| outputs_of(outputs, &scope)).transpose()?.unwrap_or_default();
        Ok(Self { hub, outputs, ..Self::build(&present, &scope, globals.as_ref())? })
    }

    fn build(resources: &[&Entry], scope: &Scope<'_>, globals: Option<&Node>) -> Result<Self, LocatedProblem> {
        let mut template = Self::default();
        let mut evaluated = Vec::new();
        for resource in resources {
            let identity = &scope.resources[&resource.key];
            let own = resource.value.get("Properties").map(|entry| scope.evaluate(&entry.value)).transpose()?.flatten();
            let mut properties = own.unwrap_or(Node { line: resource.line, value: Value::Map(Vec::new()) });
            if let (ResourceKind::Function, Some(globals)) = (identity.kind, globals) {
                properties = globals::merge(globals, &properties);
            }
            template.names.insert(identity.logical_id.clone(), identity.name.clone());
            evaluated.push((identity, resource.line, properties));
        }
        // APIs and consumers first: functions refer to them, and may be declared before them.
        let mut referred = ReferencedResources::default();
        for (identity, line, properties) in &evaluated {
            if !is_referred_to(identity.kind) {
                continue;
            }
            let fields = template.fields(identity, *line, properties)?;
            if identity.kind == ResourceKind::StreamConsumer {
                let arn = identity.attribute("ConsumerARN").unwrap_or_default();
                referred.consumers.insert(arn, fields.required_text("StreamARN")?);
            } else {
                let api = apis::api(identity, &fields)?;
                template.routes.extend(apis::routes(&api, &fields, scope)?);
                referred.apis.insert(identity.name.clone(), api);
            }
        }
        for (identity, line, properties) in &evaluated {
            if !is_referred_to(identity.kind) {
                template.add(identity, *line, properties, scope, &referred)?;
            }
        }
        Ok(template)
    }

    fn add(
        &mut self,
        identity: &Identity,
        line: usize,
        properties: &Node,
        scope: &Scope<'_>,
        referred: &ReferencedResources,
    ) -> Result<(), LocatedProblem> {
        if let Err(reason) = schema::of(identity.kind) {
            let (resource, reason) = (identity.logical_id.clone(), reason.to_owned());
            self.left_out.push(LeftOut { resource, property: None, reason });
            return Ok(());
        }
        let fields = self.fields(identity, line, properties)?;
        let (id, name) = (identity.logical_id.as_str(), identity.name.as_str());
        match identity.kind {
            ResourceKind::Function => {
                let declared = functions::function(identity, &fields, scope, referred)?;
                self.functions.push(declared.function);
                self.routes.extend(declared.routes);
                self.mappings.extend(declared.mappings);
            }
            ResourceKind::Mapping => self.mappings.push(mappings::resource(identity, line, &fields, scope, referred)?),
            ResourceKind::Table => self.tables.push(tables::table(id, name, line, &fields)?),
            ResourceKind::Stream => self.streams.push(tables::stream(id, name, line, &fields)?),
            _ => {}
        }
        Ok(())
    }

    /// Returns the properties of a resource, and records ignored ones with their reason. Unknown properties are an
    /// error.
    fn fields<'n>(
        &mut self,
        identity: &Identity,
        line: usize,
        properties: &'n Node,
    ) -> Result<Fields<'n>, LocatedProblem> {
        let known = schema::of(identity.kind).unwrap_or_default();
        let fields = Fields::new(format!("resource {}", identity.logical_id), line, properties, known)?;
        for entry in fields.entries() {
            if let Some((_, schema::Handling::Ignored(reason))) = known.iter().find(|(name, _)| *name == entry.key) {
                let (resource, property) = (identity.logical_id.clone(), Some(entry.key.clone()));
                self.left_out.push(LeftOut { resource, property, reason: (*reason).to_owned() });
            }
        }
        Ok(fields)
    }

    /// Hub that the parameter `Hub` chooses; Kinesis if the template has no such parameter.
    pub fn hub(&self) -> HubKind {
        self.hub
    }

    /// Path of the template file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Routes of all APIs, in the order of the template.
    pub fn routes(&self) -> &[Route] {
        &self.routes
    }

    /// Cargo packages of the functions, each once. Each has a binary of the same name. Functions may share one.
    pub fn packages(&self) -> Vec<String> {
        let packages: BTreeSet<_> = self.functions.iter().map(|function| &function.binary).collect();
        packages.into_iter().cloned().collect()
    }

    /// Resources and properties that are ignored locally, with the reasons.
    pub fn left_out(&self) -> &[LeftOut] {
        &self.left_out
    }
}

/// Returns the value of the parameter `Hub`.
fn hub_in(parameters: &parameters::Parameters) -> Result<HubKind, Problem> {
    let Some(value) = parameters.get(HUB).and_then(Node::to_text) else { return Ok(HubKind::Kinesis) };
    value.parse().map_err(|_| {
        let expected = "one of kinesis, kafka, rabbitmq in the local environment".to_owned();
        Problem::ParameterValue { name: HUB.to_owned(), expected, value }
    })
}

fn is_referred_to(kind: ResourceKind) -> bool {
    matches!(kind, ResourceKind::Api | ResourceKind::HttpApi | ResourceKind::StreamConsumer)
}

/// Returns the resources whose condition holds.
fn present<'n>(resources: &'n [Entry], scope: &Scope<'_>) -> Result<Vec<&'n Entry>, LocatedProblem> {
    let mut present = Vec::new();
    for resource in resources {
        let owner = format!("resource {}", resource.key);
        for entry in resource.value.entries().unwrap_or_default() {
            if !schema::RESOURCE_ATTRIBUTES.contains(&entry.key.as_str()) {
                return Err(LocatedProblem::at(entry.line, Problem::UnknownKey { owner, name: entry.key.clone() }));
            }
        }
        if holds(resource, scope)? {
            present.push(resource);
        }
    }
    Ok(present)
}

/// Returns true if the condition of a resource or output holds, or if it has none.
fn holds(entry: &Entry, scope: &Scope<'_>) -> Result<bool, LocatedProblem> {
    match entry.value.get("Condition") {
        Some(condition) => scope.condition(&condition.value.to_text().unwrap_or_default(), condition.line),
        None => Ok(true),
    }
}

/// Returns the values of the outputs whose condition holds.
fn outputs_of(outputs: &Node, scope: &Scope<'_>) -> Result<BTreeMap<String, String>, LocatedProblem> {
    let mut values = BTreeMap::new();
    for output in outputs.entries().unwrap_or_default() {
        if !holds(output, scope)? {
            continue;
        }
        let evaluated = scope.evaluate(&output.value)?;
        let value = evaluated.as_ref().and_then(|output| output.get("Value")).and_then(|entry| entry.value.to_text());
        values.extend(value.map(|value| (output.key.clone(), value)));
    }
    Ok(values)
}

fn identify(resource: &Entry, scope: &Scope<'_>) -> Result<Identity, LocatedProblem> {
    let owner = || format!("resource {}", resource.key);
    let missing =
        || LocatedProblem::at(resource.line, Problem::Missing { owner: owner(), property: "Type".to_owned() });
    let kind = resource.value.get("Type").ok_or_else(missing)?;
    let type_name = kind.value.to_text().unwrap_or_default();
    let unsupported = || Problem::UnsupportedResource { resource: resource.key.clone(), kind: type_name.clone() };
    let known = ResourceKind::of(&type_name).ok_or_else(|| LocatedProblem::at(kind.line, unsupported()))?;
    let named = known
        .name_property()
        .and_then(|property| resource.value.get("Properties").and_then(|properties| properties.value.get(property)));
    let given = named.map(|entry| scope.evaluate(&entry.value)).transpose()?.flatten();
    let name = tables::given_name(given).unwrap_or_else(|| resource.key.clone());
    Ok(Identity::new(known, &resource.key, &name))
}
