//! Mappings of `RabbitMQ` queues on Amazon MQ.

use super::super::model::{MappingSource, MappingSpec, RabbitMqSource, StartingPosition};
use super::kafka::DEFAULT_WINDOW;
use super::{Declaration, LocatedProblem, RecordKind, access, batch_size, batching_window, only_text};
use crate::filters::Filters;

const CREDENTIALS: &str = "BASIC_AUTH";
const VIRTUAL_HOST: &str = "VIRTUAL_HOST";

pub(super) fn mapping(declared: Declaration<'_, '_, '_>, broker_arn: String) -> Result<MappingSpec, LocatedProblem> {
    let Declaration { id, line, function, fields, .. } = declared;
    if let Some(entry) = fields.entry("FilterCriteria") {
        return Err(fields.wrong(entry, "left out: the local environment does not filter RabbitMQ messages"));
    }
    let access = access(fields, &[CREDENTIALS, VIRTUAL_HOST])?;
    let uri_of = |wanted: &str| access.iter().find(|(kind, _)| kind == wanted).map(|(_, uri)| uri.clone());
    let Some(secret_arn) = uri_of(CREDENTIALS) else {
        return fields.required("SourceAccessConfigurations with the type BASIC_AUTH", None);
    };
    let source = RabbitMqSource {
        broker_arn,
        queue: only_text(fields, "Queues")?,
        virtual_host: uri_of(VIRTUAL_HOST).unwrap_or_else(|| "/".to_owned()),
        secret_arn,
    };
    Ok(MappingSpec {
        id,
        line,
        function,
        source: MappingSource::RabbitMq(source),
        // A queue has no positions.
        starting_position: StartingPosition::TrimHorizon,
        batch_size: batch_size(fields)?,
        batching_window: batching_window(fields)?.unwrap_or(DEFAULT_WINDOW),
        parallelization_factor: 1,
        filters: Filters::new(RecordKind::Kinesis),
        // Amazon MQ mappings have no error handling: the function succeeds or fails with the whole batch.
        bisect: false,
        retries_max: None,
        record_age_max: None,
        reports_item_failures: false,
        on_failure: None,
        enabled: fields.flag("Enabled")?.unwrap_or(true),
    })
}
