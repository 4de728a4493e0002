//! Descriptions of tables and of the stream, from DynamoDB and Kinesis.

use aws_sdk_dynamodb::operation::describe_table::DescribeTableError;
use aws_sdk_dynamodb::types::TimeToLiveStatus;
use aws_sdk_kinesis::operation::describe_stream_summary::DescribeStreamSummaryError;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use telemetry::WithCauses;

use super::{KinesisFacts, TableFacts};
use crate::{OperationError, Resource, Stack};

impl Stack {
    /// Returns the settings of a table; `None` if it does not exist. The error is the reason.
    pub async fn table_facts(&self, table: Resource) -> Result<Option<TableFacts>, String> {
        let name = self.name_of(table).map_err(reason)?;
        let described = match self.dynamodb().describe_table().table_name(name).send().await {
            Ok(described) => described.table.unwrap_or_else(empty_table),
            Err(error) if error.as_service_error().is_some_and(DescribeTableError::is_resource_not_found_exception) => {
                return Ok(None);
            }
            Err(error) => return Err(cause(&error)),
        };
        let expiry = self.dynamodb().describe_time_to_live().table_name(name).send().await;
        let expiry = expiry.map_err(|error| cause(&error))?.time_to_live_description;
        let is_on = |status: Option<&TimeToLiveStatus>| {
            matches!(status, Some(TimeToLiveStatus::Enabled | TimeToLiveStatus::Enabling))
        };
        let expiry = expiry.filter(|expiry| is_on(expiry.time_to_live_status()));
        let stream = described.stream_specification().filter(|stream| stream.stream_enabled());
        let view = stream.and_then(|stream| stream.stream_view_type()).map(|view| view.as_str().to_owned());
        Ok(Some(TableFacts {
            status: described.table_status().map(|status| status.as_str().to_owned()).unwrap_or_default(),
            stream_arn: described.latest_stream_arn().filter(|_| view.is_some()).map(str::to_owned),
            stream_view: view,
            expiry_attribute: expiry.and_then(|expiry| expiry.attribute_name),
        }))
    }

    /// Returns the settings of the payment stream; `None` if it does not exist. The error is the reason.
    pub async fn kinesis_facts(&self) -> Result<Option<KinesisFacts>, String> {
        let name = self.name_of(Resource::PaymentStream).map_err(reason)?;
        let summary = match self.kinesis().describe_stream_summary().stream_name(name).send().await {
            Ok(described) => described.stream_description_summary,
            Err(error)
                if error
                    .as_service_error()
                    .is_some_and(DescribeStreamSummaryError::is_resource_not_found_exception) =>
            {
                return Ok(None);
            }
            Err(error) => return Err(cause(&error)),
        };
        let summary = summary.ok_or("Kinesis returned no description")?;
        let retention_hours = u64::try_from(summary.retention_period_hours()).unwrap_or(0);
        Ok(Some(KinesisFacts { status: summary.stream_status().as_str().to_owned(), retention_hours }))
    }
}

fn empty_table() -> aws_sdk_dynamodb::types::TableDescription {
    aws_sdk_dynamodb::types::TableDescription::builder().build()
}

#[expect(clippy::needless_pass_by_value, reason = "for map_err")]
fn reason(error: OperationError) -> String {
    error.to_string()
}

fn cause<E: std::error::Error + 'static>(error: &SdkError<E, HttpResponse>) -> String {
    WithCauses(error).to_string()
}
