//! Event source mappings, declared by stream events of functions.

use std::time::{Duration, SystemTime};

use super::error::{LocatedProblem, Problem};
use super::evaluate::Scope;
use super::fields::Fields;
use super::identity::ResourceKind;
use super::model::{MappingSpec, ReferencedResources, StartingPosition, StreamReference};
use super::node::{Node, Value};
use crate::filters::{Filters, RecordKind};

/// Default quota. AWS raises it to ten on request.
const FILTERS_MAX: usize = 5;

pub(super) fn mapping(
    id: String,
    function: String,
    is_kinesis: bool,
    fields: &Fields<'_>,
    scope: &Scope<'_>,
    referred: &ReferencedResources,
) -> Result<MappingSpec, LocatedProblem> {
    let reports = fields.optional("FunctionResponseTypes", "[ReportBatchItemFailures]", |node| match &node.value {
        Value::List(items) => items
            .iter()
            .all(|item| item.to_text().as_deref() == Some("ReportBatchItemFailures"))
            .then_some(!items.is_empty()),
        _ => None,
    })?;
    let count = |property, most| {
        let number = fields.number(property, 1, most)?;
        Ok(number.and_then(|number| usize::try_from(number).ok()))
    };
    Ok(MappingSpec {
        id,
        function,
        stream: stream_of(is_kinesis, fields, scope, referred)?,
        starting_position: starting_position(is_kinesis, fields)?,
        batch_size: count("BatchSize", 10_000)?.unwrap_or(100),
        batching_window: fields.seconds("MaximumBatchingWindowInSeconds", 0, 300)?.unwrap_or_default(),
        parallelization_factor: count("ParallelizationFactor", 10)?.unwrap_or(1),
        filters: filters(if is_kinesis { RecordKind::Kinesis } else { RecordKind::Table }, fields)?,
        bisect: fields.flag("BisectBatchOnFunctionError")?.unwrap_or(false),
        // -1 means no limit; it does not convert to u32.
        retries_max: fields.number("MaximumRetryAttempts", -1, 10_000)?.and_then(|count| u32::try_from(count).ok()),
        record_age_max: record_age_max(fields)?,
        reports_item_failures: reports.unwrap_or(false),
        on_failure: destination(fields, scope)?,
        enabled: fields.flag("Enabled")?.unwrap_or(true),
    })
}

fn starting_position(is_kinesis: bool, fields: &Fields<'_>) -> Result<StartingPosition, LocatedProblem> {
    let expected = if is_kinesis { "TRIM_HORIZON, LATEST or AT_TIMESTAMP" } else { "TRIM_HORIZON or LATEST" };
    let timestamp = fields.optional("StartingPositionTimestamp", "seconds since 1970, not in the future", |node| {
        Duration::try_from_secs_f64(node.to_text()?.parse().ok()?)
            .ok()
            .filter(|since| SystemTime::UNIX_EPOCH.elapsed().is_ok_and(|now| *since <= now))
    })?;
    let position = fields.optional("StartingPosition", expected, |node| {
        let position = node.to_text()?;
        match position.as_str() {
            "TRIM_HORIZON" => Some(Some(StartingPosition::TrimHorizon)),
            "LATEST" => Some(Some(StartingPosition::Latest)),
            "AT_TIMESTAMP" if is_kinesis => Some(None),
            _ => None,
        }
    })?;
    match (fields.required("StartingPosition", position)?, fields.entry("StartingPositionTimestamp")) {
        (Some(_), Some(entry)) => Err(fields.wrong(entry, "left out unless StartingPosition is AT_TIMESTAMP")),
        (Some(position), None) => Ok(position),
        (None, _) => fields.required("StartingPositionTimestamp", timestamp).map(StartingPosition::AtTimestamp),
    }
}

/// Reads `MaximumRecordAgeInSeconds`. -1 means no limit. AWS rejects values below 60.
fn record_age_max(fields: &Fields<'_>) -> Result<Option<Duration>, LocatedProblem> {
    let age = fields.optional("MaximumRecordAgeInSeconds", "-1, or a whole number from 60 to 604800", |node| {
        node.to_text()?.parse().ok().filter(|age| matches!(age, -1 | 60..=604_800))
    })?;
    Ok(age.and_then(|age: i64| u64::try_from(age).ok()).map(Duration::from_secs))
}

fn filters(kind: RecordKind, fields: &Fields<'_>) -> Result<Filters, LocatedProblem> {
    let mut filters = Filters::new(kind);
    let Some(criteria) = fields.inner("FilterCriteria", &["Filters"])? else { return Ok(filters) };
    let list = |node: &'_ Node| match &node.value {
        Value::List(items) if (1..=FILTERS_MAX).contains(&items.len()) => Some(items.clone()),
        _ => None,
    };
    let expected = format!("a list of 1 to {FILTERS_MAX} filters");
    for item in criteria.optional("Filters", &expected, list)?.unwrap_or_default() {
        let filter = criteria.item("Filters", &item, &["Pattern"])?;
        let pattern = filter.required_text("Pattern")?;
        filters.add(&pattern).map_err(|invalid| {
            let (owner, reason) = (filter.owner().to_owned(), invalid.to_string());
            LocatedProblem::at(filter.line_of("Pattern"), Problem::Pattern { owner, reason })
        })?;
    }
    Ok(filters)
}

fn stream_of(
    is_kinesis: bool,
    fields: &Fields<'_>,
    scope: &Scope<'_>,
    referred: &ReferencedResources,
) -> Result<StreamReference, LocatedProblem> {
    let arn = fields.required_text("Stream")?;
    // A mapping through a consumer (enhanced fan-out) reads the same records, only sooner.
    let arn = referred.consumers.get(&arn).cloned().unwrap_or(arn);
    let (kind, attribute) = if is_kinesis { (ResourceKind::Stream, "Arn") } else { (ResourceKind::Table, "StreamArn") };
    match scope.with_arn(kind, attribute, &arn) {
        Some(identity) if is_kinesis => Ok(StreamReference::Kinesis(identity.name.clone())),
        Some(identity) => Ok(StreamReference::Table(identity.name.clone())),
        None => {
            let entry = fields.required("Stream", fields.entry("Stream"))?;
            let expected = if is_kinesis {
                "!GetAtt of a Kinesis stream's Arn or a consumer's ConsumerARN"
            } else {
                "!GetAtt of a table's StreamArn"
            };
            Err(fields.wrong(entry, expected))
        }
    }
}

fn destination(fields: &Fields<'_>, scope: &Scope<'_>) -> Result<Option<String>, LocatedProblem> {
    let Some(config) = fields.inner("DestinationConfig", &["OnFailure"])? else { return Ok(None) };
    let Some(on_failure) = config.inner("OnFailure", &["Type", "Destination"])? else { return Ok(None) };
    let arn = on_failure.required_text("Destination")?;
    let kind = on_failure.text("Type")?;
    match scope.with_arn(ResourceKind::Bucket, "Arn", &arn) {
        Some(bucket) if kind.as_deref().is_none_or(|kind| kind == "S3") => Ok(Some(bucket.name.clone())),
        _ => {
            let entry = on_failure.required("Destination", on_failure.entry("Destination"))?;
            Err(on_failure.wrong(entry, "!GetAtt of an S3 bucket's Arn, with Type S3, in the local environment"))
        }
    }
}
