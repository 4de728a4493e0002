//! Settings of an event source mapping in the form of Lambda's `GetEventSourceMapping`, for the status.

use std::time::Duration;

use serde_json::{Map, Value, json};

use super::model::{MappingSource, MappingSpec, StartingPosition};

/// `-1` of Lambda's API: no limit.
const UNLIMITED: i64 = -1;

impl MappingSpec {
    /// Returns the settings. `source_arn` names the stream or the broker; of a self-managed Kafka cluster, its addresses.
    pub(crate) fn settings(&self, source_arn: &str) -> Value {
        let mut settings = Map::new();
        let mut set = |name: &str, value: Value| _ = settings.insert(name.to_owned(), value);
        set("State", json!(if self.enabled { "Enabled" } else { "Disabled" }));
        set("BatchSize", json!(self.batch_size));
        set("MaximumBatchingWindowInSeconds", json!(self.batching_window.as_secs()));
        if !self.filters.is_empty() {
            set("FilterCriteria", json!({"Filters": [{}]}));
        }
        match &self.source {
            MappingSource::Kinesis(_) | MappingSource::Table(_) => set("EventSourceArn", json!(source_arn)),
            MappingSource::Kafka(source) => {
                let group = json!({"ConsumerGroupId": source.consumer_group});
                set("Topics", json!([source.topic]));
                if source.cluster_arn.is_some() {
                    set("EventSourceArn", json!(source_arn));
                    set("AmazonManagedKafkaEventSourceConfig", group);
                } else {
                    let servers: Vec<_> = source.bootstrap_servers.split(',').collect();
                    set("SelfManagedEventSource", json!({"Endpoints": {"KAFKA_BOOTSTRAP_SERVERS": servers}}));
                    set("SelfManagedKafkaEventSourceConfig", group);
                }
                // The template is refused if it has these settings without provisioned mode.
                if self.bisect || self.reports_item_failures || self.record_age_max.is_some() {
                    set("ProvisionedPollerConfig", json!({}));
                }
            }
            MappingSource::RabbitMq(source) => {
                set("EventSourceArn", json!(source_arn));
                set("Queues", json!([source.queue]));
                let host = json!([{"Type": "VIRTUAL_HOST", "URI": source.virtual_host}]);
                set("SourceAccessConfigurations", host);
                return settings.into();
            }
        }
        let position = match self.starting_position {
            StartingPosition::TrimHorizon => "TRIM_HORIZON",
            StartingPosition::Latest => "LATEST",
            StartingPosition::AtTimestamp(_) => "AT_TIMESTAMP",
        };
        set("StartingPosition", json!(position));
        set("ParallelizationFactor", json!(self.parallelization_factor));
        set("BisectBatchOnFunctionError", json!(self.bisect));
        set("MaximumRetryAttempts", json!(self.retries_max.map_or(UNLIMITED, i64::from)));
        let age = self.record_age_max.as_ref().map(Duration::as_secs);
        set("MaximumRecordAgeInSeconds", age.map_or(json!(UNLIMITED), |age| json!(age)));
        if self.reports_item_failures {
            set("FunctionResponseTypes", json!(["ReportBatchItemFailures"]));
        }
        if let Some(bucket) = &self.on_failure {
            set("DestinationConfig", json!({"OnFailure": {"Destination": format!("arn:aws:s3:::{bucket}")}}));
        }
        settings.into()
    }
}
