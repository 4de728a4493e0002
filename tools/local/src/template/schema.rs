//! Properties that the local environment implements, and those that it ignores, with the reason. Any other property is
//! an error: failing to start is better than differing silently from a deployment.

use super::identity::ResourceKind;

/// Local handling of a property.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Handling {
    /// Implemented: it behaves as it does when deployed.
    Runs,
    /// Ignored, for this reason.
    Ignored(&'static str),
}

use Handling::{Ignored, Runs};

pub(super) type Properties = &'static [(&'static str, Handling)];

const NO_AUTHORIZER: Handling = Ignored("only this machine can call the local environment");
const NO_IAM: Handling = Ignored("permissions are not checked locally");
const AT_REST: Handling = Ignored("local data is in memory, or in the directory of --data");
const OBSERVED_ELSEWHERE: Handling = Ignored("logs go to the terminal, counters to /_local/status");
const ONLY_DESCRIBES: Handling = Ignored("descriptive only");
const UNLIMITED: Handling = Ignored("the emulators have no throughput limits");

const ONE_CALLER: Handling = Ignored("requests are not throttled locally");

const API: Properties = &[
    ("StageName", Runs),
    ("DefinitionBody", Runs),
    ("Auth", NO_AUTHORIZER),
    ("OpenApiVersion", ONLY_DESCRIBES),
    ("EndpointConfiguration", Ignored("there is one endpoint, on this machine")),
    ("AccessLogSetting", OBSERVED_ELSEWHERE),
    ("MethodSettings", OBSERVED_ELSEWHERE),
    ("TracingEnabled", OBSERVED_ELSEWHERE),
    ("Name", ONLY_DESCRIBES),
    ("Description", ONLY_DESCRIBES),
    ("Tags", ONLY_DESCRIBES),
    ("AlwaysDeploy", ONLY_DESCRIBES),
];

const HTTP_API: Properties = &[
    ("StageName", Runs),
    ("DefinitionBody", Runs),
    ("Auth", NO_AUTHORIZER),
    ("DefaultRouteSettings", ONE_CALLER),
    ("RouteSettings", ONE_CALLER),
    ("AccessLogSettings", OBSERVED_ELSEWHERE),
    ("Name", ONLY_DESCRIBES),
    ("Description", ONLY_DESCRIBES),
    ("Tags", ONLY_DESCRIBES),
];

const FUNCTION: Properties = &[
    ("CodeUri", Runs),
    ("Handler", Runs),
    ("Runtime", Runs),
    ("MemorySize", Ignored("passed to the function, but not enforced")),
    ("Timeout", Runs),
    ("Environment", Runs),
    ("Events", Runs),
    ("ReservedConcurrentExecutions", Runs),
    ("FunctionName", Runs),
    ("VpcConfig", Ignored("functions reach the hub on this machine")),
    ("Architectures", Ignored("functions are built for this machine")),
    ("Role", NO_IAM),
    ("Policies", NO_IAM),
    ("PermissionsBoundary", NO_IAM),
    ("LoggingConfig", OBSERVED_ELSEWHERE),
    ("Tracing", OBSERVED_ELSEWHERE),
    ("KmsKeyArn", AT_REST),
    ("Description", ONLY_DESCRIBES),
    ("Tags", ONLY_DESCRIBES),
    ("AutoPublishAlias", Ignored("only one version exists, the one built")),
    ("DeploymentPreference", Ignored("only one version exists, the one built")),
];

const STREAM: Properties = &[
    ("Name", Runs),
    ("ShardCount", Runs),
    ("RetentionPeriodHours", Ignored("records are kept for 24 hours, in memory")),
    ("StreamModeDetails", UNLIMITED),
    ("StreamEncryption", AT_REST),
    ("Tags", ONLY_DESCRIBES),
];

const STREAM_CONSUMER: Properties = &[("ConsumerName", ONLY_DESCRIBES), ("StreamARN", Runs), ("Tags", ONLY_DESCRIBES)];

const TABLE: Properties = &[
    ("TableName", Runs),
    ("AttributeDefinitions", Runs),
    ("KeySchema", Runs),
    ("GlobalSecondaryIndexes", Runs),
    ("LocalSecondaryIndexes", Runs),
    ("StreamSpecification", Runs),
    ("TimeToLiveSpecification", Runs),
    ("BillingMode", UNLIMITED),
    ("ProvisionedThroughput", UNLIMITED),
    ("OnDemandThroughput", UNLIMITED),
    ("DeletionProtectionEnabled", Ignored("delete the data directory to start over")),
    ("PointInTimeRecoverySpecification", Ignored("copy the data directory to keep a state")),
    ("SSESpecification", AT_REST),
    ("TableClass", UNLIMITED),
    ("ContributorInsightsSpecification", OBSERVED_ELSEWHERE),
    ("Tags", ONLY_DESCRIBES),
];

const KEPT_IN_MEMORY: Handling = Ignored("local buckets only list failed batches, at /_local/failures");

const BUCKET: Properties = &[
    ("BucketName", Runs),
    ("BucketEncryption", KEPT_IN_MEMORY),
    ("PublicAccessBlockConfiguration", KEPT_IN_MEMORY),
    ("OwnershipControls", KEPT_IN_MEMORY),
    ("LifecycleConfiguration", KEPT_IN_MEMORY),
    ("VersioningConfiguration", KEPT_IN_MEMORY),
    ("Tags", ONLY_DESCRIBES),
];

/// Properties of the event source mappings of all kinds. `mappings` rejects those that a kind does not have.
const MAPPING: Properties = &[
    ("FunctionName", Runs),
    ("EventSourceArn", Runs),
    ("SelfManagedEventSource", Runs),
    ("AmazonManagedKafkaEventSourceConfig", Runs),
    ("SelfManagedKafkaEventSourceConfig", Runs),
    ("SourceAccessConfigurations", Runs),
    ("ProvisionedPollerConfig", Runs),
    ("Topics", Runs),
    ("Queues", Runs),
    ("StartingPosition", Runs),
    ("StartingPositionTimestamp", Runs),
    ("BatchSize", Runs),
    ("MaximumBatchingWindowInSeconds", Runs),
    ("ParallelizationFactor", Runs),
    ("FilterCriteria", Runs),
    ("BisectBatchOnFunctionError", Runs),
    ("MaximumRetryAttempts", Runs),
    ("MaximumRecordAgeInSeconds", Runs),
    ("FunctionResponseTypes", Runs),
    ("DestinationConfig", Runs),
    ("Enabled", Runs),
    ("MetricsConfig", OBSERVED_ELSEWHERE),
    ("LoggingConfig", OBSERVED_ELSEWHERE),
    ("KmsKeyArn", AT_REST),
    ("Tags", ONLY_DESCRIBES),
];

/// Returns the properties of a resource type, or the reason for ignoring the whole type.
pub(super) fn of(kind: ResourceKind) -> Result<Properties, &'static str> {
    match kind {
        ResourceKind::Api => Ok(API),
        ResourceKind::HttpApi => Ok(HTTP_API),
        ResourceKind::Function => Ok(FUNCTION),
        ResourceKind::Stream => Ok(STREAM),
        ResourceKind::StreamConsumer => Ok(STREAM_CONSUMER),
        ResourceKind::Table => Ok(TABLE),
        ResourceKind::Bucket => Ok(BUCKET),
        ResourceKind::Mapping => Ok(MAPPING),
        ResourceKind::Role | ResourceKind::ManagedPolicy | ResourceKind::Permission | ResourceKind::BucketPolicy => {
            Err("permissions are not checked locally")
        }
        ResourceKind::LogGroup | ResourceKind::ApiGatewayAccount => Err("logs go to the terminal"),
        ResourceKind::Stack => Err("nested stacks only monitor the deployed stack"),
    }
}

/// Properties of an `Api` event.
pub(super) const API_EVENT: Properties = &[
    ("RestApiId", Runs),
    ("Method", Runs),
    ("Path", Runs),
    ("Auth", NO_AUTHORIZER),
    ("RequestParameters", Ignored("functions validate their own input")),
];

/// Properties of an `HttpApi` event.
pub(super) const HTTP_API_EVENT: Properties =
    &[("ApiId", Runs), ("Method", Runs), ("Path", Runs), ("Auth", NO_AUTHORIZER), ("RouteSettings", ONE_CALLER)];

/// Properties of a `Kinesis` or `DynamoDB` event.
pub(super) const STREAM_EVENT: Properties = &[
    ("Stream", Runs),
    ("StartingPosition", Runs),
    ("StartingPositionTimestamp", Runs),
    ("BatchSize", Runs),
    ("MaximumBatchingWindowInSeconds", Runs),
    ("ParallelizationFactor", Runs),
    ("FilterCriteria", Runs),
    ("BisectBatchOnFunctionError", Runs),
    ("MaximumRetryAttempts", Runs),
    ("MaximumRecordAgeInSeconds", Runs),
    ("FunctionResponseTypes", Runs),
    ("DestinationConfig", Runs),
    ("Enabled", Runs),
    ("MetricsConfig", OBSERVED_ELSEWHERE),
    ("KmsKeyArn", AT_REST),
    ("Tags", ONLY_DESCRIBES),
];

/// Attributes of a resource.
pub(super) const RESOURCE_ATTRIBUTES: [&str; 7] =
    ["Type", "Properties", "Condition", "DependsOn", "DeletionPolicy", "UpdateReplacePolicy", "Metadata"];

/// Sections of a template.
pub(super) const SECTIONS: [&str; 10] = [
    "AWSTemplateFormatVersion",
    "Transform",
    "Description",
    "Metadata",
    "Parameters",
    "Rules",
    "Conditions",
    "Globals",
    "Resources",
    "Outputs",
];
