//! Event source mappings, declared as resources or by stream events of functions.

mod kafka;
mod rabbitmq;
mod resource;
mod stream;

use std::time::{Duration, SystemTime};

use super::error::{LocatedProblem, Problem};
use super::evaluate::Scope;
use super::fields::Fields;
use super::identity::ResourceKind;
use super::model::StartingPosition;
use super::node::{Node, Value};
use crate::filters::{Filters, RecordKind};

pub(super) use resource::resource;
pub(super) use stream::stream_event;

/// Default quota. AWS raises it to ten on request.
const FILTERS_MAX: usize = 5;

/// Mapping that is being read.
struct Declaration<'a, 'f, 't> {
    /// Logical id.
    id: String,
    line: usize,
    /// Logical id of the function.
    function: String,
    fields: &'a Fields<'f>,
    scope: &'a Scope<'t>,
}

fn count(fields: &Fields<'_>, property: &str, most: i64) -> Result<Option<usize>, LocatedProblem> {
    let number = fields.number(property, 1, most)?;
    Ok(number.and_then(|number| usize::try_from(number).ok()))
}

fn batch_size(fields: &Fields<'_>) -> Result<usize, LocatedProblem> {
    Ok(count(fields, "BatchSize", 10_000)?.unwrap_or(100))
}

fn batching_window(fields: &Fields<'_>) -> Result<Option<Duration>, LocatedProblem> {
    fields.seconds("MaximumBatchingWindowInSeconds", 0, 300)
}

/// Reads `MaximumRetryAttempts`. `None` means no limit.
fn retries_max(fields: &Fields<'_>) -> Result<Option<u32>, LocatedProblem> {
    // -1 means no limit; it does not convert to u32.
    Ok(fields.number("MaximumRetryAttempts", -1, 10_000)?.and_then(|count| u32::try_from(count).ok()))
}

fn reports_item_failures(fields: &Fields<'_>) -> Result<bool, LocatedProblem> {
    let reports = fields.optional("FunctionResponseTypes", "[ReportBatchItemFailures]", |node| match &node.value {
        Value::List(items) => items
            .iter()
            .all(|item| item.to_text().as_deref() == Some("ReportBatchItemFailures"))
            .then_some(!items.is_empty()),
        _ => None,
    })?;
    Ok(reports.unwrap_or(false))
}

/// Reads a list that must have exactly one text.
fn only_text(fields: &Fields<'_>, property: &str) -> Result<String, LocatedProblem> {
    let text = fields.optional(property, "a list of one name", |node| match &node.value {
        Value::List(items) => match items.as_slice() {
            [item] => item.to_text().filter(|text| !text.is_empty()),
            _ => None,
        },
        _ => None,
    })?;
    fields.required(property, text)
}

/// Reads `SourceAccessConfigurations` as pairs of type and URI. A type that is not in `known` is an error.
fn access(fields: &Fields<'_>, known: &[&str]) -> Result<Vec<(String, String)>, LocatedProblem> {
    let list = |node: &'_ Node| match &node.value {
        Value::List(items) => Some(items.clone()),
        _ => None,
    };
    let mut access = Vec::new();
    for item in fields.optional("SourceAccessConfigurations", "a list", list)?.unwrap_or_default() {
        let item = fields.item("SourceAccessConfigurations", &item, &["Type", "URI"])?;
        let kind = item.required_text("Type")?;
        if !known.contains(&kind.as_str()) {
            let entry = item.required("Type", item.entry("Type"))?;
            return Err(item.wrong(entry, format!("one of {} in a mapping of this kind", known.join(", "))));
        }
        access.push((kind, item.required_text("URI")?));
    }
    Ok(access)
}

fn starting_position(has_timestamps: bool, fields: &Fields<'_>) -> Result<StartingPosition, LocatedProblem> {
    let expected = if has_timestamps { "TRIM_HORIZON, LATEST or AT_TIMESTAMP" } else { "TRIM_HORIZON or LATEST" };
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
            "AT_TIMESTAMP" if has_timestamps => Some(None),
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
