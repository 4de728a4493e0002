//! Mappings of Kinesis streams and of table streams.

use super::super::model::{MappingSource, MappingSpec, ReferencedResources};
use super::{
    Declaration, Fields, LocatedProblem, RecordKind, ResourceKind, Scope, batch_size, batching_window, count,
    destination, filters, record_age_max, reports_item_failures, retries_max, starting_position,
};

/// Reads a `Kinesis` or `DynamoDB` event of a function. `id` is that of the mapping which SAM generates from it.
pub(in super::super) fn stream_event(
    id: String,
    line: usize,
    function: String,
    fields: &Fields<'_>,
    scope: &Scope<'_>,
    referred: &ReferencedResources,
    is_kinesis: bool,
) -> Result<MappingSpec, LocatedProblem> {
    let source = source_of(&fields.required_text("Stream")?, scope, referred);
    match (source, is_kinesis) {
        (Some(source @ MappingSource::Kinesis(_)), true) | (Some(source @ MappingSource::Table(_)), false) => {
            mapping(Declaration { id, line, function, fields, scope }, source)
        }
        _ => {
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

/// Returns the stream of this template that has the ARN, or a consumer with it.
pub(super) fn source_of(arn: &str, scope: &Scope<'_>, referred: &ReferencedResources) -> Option<MappingSource> {
    // A mapping through a consumer (enhanced fan-out) reads the same records, only sooner.
    let arn = referred.consumers.get(arn).map_or(arn, String::as_str);
    let stream = scope.with_arn(ResourceKind::Stream, "Arn", arn);
    let stream = stream.map(|identity| MappingSource::Kinesis(identity.name.clone()));
    stream.or_else(|| {
        let table = scope.with_arn(ResourceKind::Table, "StreamArn", arn)?;
        Some(MappingSource::Table(table.name.clone()))
    })
}

pub(super) fn mapping(declared: Declaration<'_, '_, '_>, source: MappingSource) -> Result<MappingSpec, LocatedProblem> {
    let Declaration { id, line, function, fields, scope } = declared;
    let is_kinesis = matches!(source, MappingSource::Kinesis(_));
    Ok(MappingSpec {
        id,
        line,
        function,
        source,
        starting_position: starting_position(is_kinesis, fields)?,
        batch_size: batch_size(fields)?,
        batching_window: batching_window(fields)?.unwrap_or_default(),
        parallelization_factor: count(fields, "ParallelizationFactor", 10)?.unwrap_or(1),
        filters: filters(if is_kinesis { RecordKind::Kinesis } else { RecordKind::Table }, fields)?,
        bisect: fields.flag("BisectBatchOnFunctionError")?.unwrap_or(false),
        retries_max: retries_max(fields)?,
        record_age_max: record_age_max(fields)?,
        reports_item_failures: reports_item_failures(fields)?,
        on_failure: destination(fields, scope)?,
        enabled: fields.flag("Enabled")?.unwrap_or(true),
    })
}
