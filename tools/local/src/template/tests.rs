mod deploying;
mod mappings;

use super::*;

// Parameters of a real processor, which `Stage=prod` needs.
const PROCESSOR_URL: (&str, &str) = ("ProcessorUrl", "https://processor.example");
const PROCESSOR_SECRET: (&str, &str) =
    ("ProcessorSecretArn", "arn:aws:secretsmanager:us-east-1:000000000000:secret:processor-AbCdEf");

fn parse(source: &str) -> Result<Template, LocatedProblem> {
    Template::parse(source, Path::new(env!("CARGO_MANIFEST_DIR")), &BTreeMap::new(), &BTreeMap::new())
}

/// Parses a template with one function that has these additional properties, from line 8 on.
fn with_function(properties: &str) -> Result<Template, LocatedProblem> {
    parse(&format!(
        "Resources:\n  PaymentApi:\n    Type: AWS::Serverless::Function\n    Properties:\n      CodeUri: functions/payment-api/\n      \
         Handler: bootstrap\n      Runtime: provided.al2023\n{properties}"
    ))
}

#[track_caller]
fn refused(result: Result<Template, LocatedProblem>, line: usize, message: &str) {
    let fault = result.unwrap_err();
    let actual = fault.problem.to_string();
    assert!(actual.starts_with(message), "{actual}");
    assert_eq!(fault.line, line, "{actual}");
}

#[test]
fn synchronous_mode_exists_outside_prod_unless_the_parameter_says_otherwise() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../template.yaml");
    for (stage, wanted, is_there) in [
        ("dev", "outside-prod", true),
        ("staging", "outside-prod", true),
        ("prod", "outside-prod", false),
        ("prod", "always", true),
        ("dev", "never", false),
    ] {
        let given = [("Stage", stage), ("SynchronousOrders", wanted), PROCESSOR_URL, PROCESSOR_SECRET];
        let given = given.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
        let template = Template::load(&path, &given).unwrap();
        let found = template.routes().iter().any(|route| route.path.starts_with("/sync"));
        assert_eq!(found, is_there, "{stage} {wanted}");
        assert_eq!(template.functions.iter().any(|function| function.logical_id == "SyncOrderApi"), is_there);
    }
}

#[test]
fn the_deployed_template_runs_locally() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../template.yaml");
    let template = Template::load(&path, &BTreeMap::new()).unwrap();
    let packages = template.packages();
    assert_eq!(packages, ["order-api", "order-projector", "payment-api", "payment-recovery", "payment-relay"]);
    let relay = template.functions.iter().find(|function| function.logical_id == "PaymentRelay").unwrap();
    assert_eq!(relay.timeout.as_secs(), 60);
    assert_eq!(relay.variables["PAYMENTS_TABLE"], "PaymentsTable");
    assert_eq!(relay.variables["LOG_LEVEL"], "info", "variables of Globals are merged in");
    let place = template.routes().iter().find(|route| route.path == "/orders").unwrap();
    assert_eq!((place.method.as_str(), place.function.as_str(), place.stage.as_str()), ("POST", "OrderApi", "dev"));
    let sync = template.functions.iter().find(|function| function.logical_id == "SyncOrderApi").unwrap();
    assert_eq!((sync.binary.as_str(), sync.timeout.as_secs()), ("order-api", 15));
    assert_eq!(sync.variables["PAYMENTS_URL"], "https://PaymentsApi.execute-api.us-east-1.amazonaws.com/dev");
    let mapping = template.mappings.iter().find(|mapping| mapping.function == "OrderProjector").unwrap();
    assert_eq!(mapping.source, MappingSource::Kinesis("PaymentStream".to_owned()));
    assert_eq!(mapping.starting_position, StartingPosition::TrimHorizon);
    assert!(mapping.reports_item_failures && mapping.bisect && mapping.retries_max.is_none());
    assert_eq!(mapping.on_failure.as_deref(), Some("FailuresBucket"));
    let mapping = template.mappings.iter().find(|mapping| mapping.function == "PaymentRelay").unwrap();
    assert_eq!(mapping.source, MappingSource::Table("PaymentsTable".to_owned()));
    assert!(template.left_out().iter().any(|left| left.resource == "PaymentApiRole" && left.property.is_none()));
    assert!(
        template.tables.iter().all(|table| table.name.len() >= 11),
        "shard ids of the emulator need long table names"
    );
}

#[test]
fn parameters_take_effect() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../template.yaml");
    let given = [("StreamShards", "5"), ("Stage", "prod"), PROCESSOR_URL, PROCESSOR_SECRET];
    let given = given.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
    let template = Template::load(&path, &given).unwrap();
    assert_eq!(template.streams[0].shard_count, 5);
    assert!(template.routes().iter().all(|route| route.stage == "prod"));
    let given = [("StreamShards".to_owned(), "x".to_owned())].into();
    let error = Template::load(&path, &given).unwrap_err();
    assert_eq!(error.to_string(), "parameter StreamShards must be a whole number, not \"x\"");
}

#[test]
fn a_missing_template_is_reported_with_its_path() {
    let error = Template::load(Path::new("/nowhere/template.yaml"), &BTreeMap::new()).unwrap_err();
    assert!(error.to_string().starts_with("cannot read the template /nowhere/template.yaml: "), "{error}");
}

#[test]
fn unsupported_content_is_rejected_by_name() {
    let topic = "Resources:\n  Foo:\n    Type: AWS::SNS::Topic\n";
    refused(parse(topic), 3, "resource Foo: AWS::SNS::Topic is not supported by the local environment: ");
    refused(parse("Mappings: {}\n"), 1, "template: the section Mappings is not supported");
    refused(parse("Globals:\n  Api: {}\nResources: {}\n"), 2, "Globals: Api is not supported");
    let policy = "Resources:\n  Foo:\n    Type: AWS::IAM::Role\n    CreationPolicy: {}\n";
    refused(parse(policy), 4, "resource Foo: CreationPolicy is not supported");
    refused(with_function("      Layers: []\n"), 8, "resource PaymentApi: property Layers is not supported");
    let event = "      Events:\n        Tick:\n          Type: Schedule\n          Properties: {}\n";
    refused(with_function(event), 10, "resource PaymentApi: event Tick: an event of type Schedule is not supported");
    let stream = "Resources:\n  OrdersTable:\n    Type: AWS::DynamoDB::Table\n    Properties:\n      KeySchema: []\n      \
                  AttributeDefinitions: []\n      StreamSpecification:\n        StreamViewType: NEW_IMAGE\n        ResourcePolicy: {}\n";
    refused(parse(stream), 9, "resource OrdersTable: StreamSpecification: property ResourcePolicy is not supported");
}

#[test]
fn invalid_values_are_rejected_by_name() {
    refused(parse("Parameters: {}\n"), 1, "template: property Resources is missing");
    refused(parse("- 1\n"), 1, "not a template: it is not a map of sections");
    refused(parse("Resources:\n  Foo: {}\n"), 2, "resource Foo: property Type is missing");
    let table =
        "Resources:\n  OrdersTable:\n    Type: AWS::DynamoDB::Table\n    Properties:\n      AttributeDefinitions: []\n";
    refused(parse(table), 2, "resource OrdersTable: property KeySchema is missing");
    refused(
        with_function("      Timeout: long\n"),
        8,
        "resource PaymentApi: Timeout must be a whole number from 1 to 900",
    );
    refused(
        with_function("      Timeout: 901\n"),
        8,
        "resource PaymentApi: Timeout must be a whole number from 1 to 900",
    );
    refused(with_function("      FunctionName: !Ref Nobody\n"), 8, "Nobody is neither a parameter nor a resource");
    let role = "      Role: !GetAtt PaymentRole.Arn\n";
    refused(with_function(role), 8, "PaymentRole is neither a parameter nor a resource");
    let event = "      Events:\n        Get:\n          Type: Api\n          Properties:\n            RestApiId: PaymentsApi\n            \
                 Method: GET\n            Path: /payments\n";
    refused(with_function(event), 12, "resource PaymentApi: event Get: RestApiId must be an AWS::Serverless::Api");
}

#[test]
fn a_resource_whose_condition_does_not_hold_is_absent() {
    let source =
        "Conditions:\n  No: !Equals [a, b]\nResources:\n  Foo:\n    Type: AWS::SNS::Topic\n    Condition: No\n";
    assert!(parse(source).unwrap().names.is_empty());
    refused(
        parse("Resources:\n  Foo:\n    Type: AWS::IAM::Role\n    Condition: What\n"),
        4,
        "there is no condition What",
    );
}

#[test]
fn outputs_are_checked() {
    refused(
        parse("Resources: {}\nOutputs:\n  Url:\n    Value: !Ref Gone\n"),
        4,
        "Gone is neither a parameter nor a resource",
    );
    let absent =
        "Conditions:\n  No: !Equals [a, b]\nResources: {}\nOutputs:\n  Url:\n    Condition: No\n    Value: !Ref Gone\n";
    assert!(parse(absent).is_ok(), "an output whose condition does not hold refers to absent resources");
}
