"""Rules for every stack of template.yaml. A rule yields one message per violation."""

import re

import permissions
from permissions import BUCKET, STREAM, TABLE

READ, PAY, CHANGE = "paystream/payments.read", "paystream/payments.pay", "paystream/payments.change"
PLACE_ORDERS, READ_ORDERS = "paystream/orders.place", "paystream/orders.read"
BACK_OFFICE = "paystream/back-office"
# Scopes of a token that each route accepts. Other routes, which serve nothing, accept any of them.
SCOPES = {
    "POST /payments": {PAY},
    "GET /payments": {READ, BACK_OFFICE},
    "GET /payments/{payment_id}": {READ, BACK_OFFICE},
    "POST /payments/{payment_id}/capture": {CHANGE, BACK_OFFICE},
    "POST /payments/{payment_id}/void": {CHANGE, BACK_OFFICE},
    "POST /payments/{payment_id}/refund": {CHANGE, BACK_OFFICE},
    "POST /orders": {PLACE_ORDERS},
    "GET /orders/{order_id}": {READ_ORDERS, BACK_OFFICE},
    "GET /orders/{order_id}/payments": {READ_ORDERS, BACK_OFFICE},
}

# Paths that serve nothing, not even preflights.
UNKNOWN = {"/", "/{proxy+}"}
METHODS = {"get", "put", "post", "delete", "options", "head", "patch", "x-amazon-apigateway-any-method"}


def every_route_has_an_authorizer(stack):
    apis = stack.of("AWS::ApiGateway::RestApi") + stack.of("AWS::ApiGatewayV2::Api")
    if len(apis) != 2:
        yield f"there are {len(apis)} APIs instead of 2"
    for name, properties, _ in apis:
        body = properties["Body"]
        schemes = body.get("components", {}).get("securitySchemes", {})
        for path, item in body["paths"].items():
            for method in item.keys() & METHODS:
                # Browsers send preflights without credentials.
                if method == "options" and stack.parameters["AllowedOrigins"] and "security" not in item[method]:
                    continue
                # Each requirement alone grants access, and an empty one grants it to everybody.
                requirements = item[method].get("security", [])
                required = [scheme for one in requirements for scheme in one]
                if not requirements or {} in requirements or not all(_authorizes(schemes.get(scheme, {})) for scheme in required):
                    yield f"{name}: {method.upper()} {path} has no authorizer"
    for kind in ("AWS::Lambda::Url", "AWS::ApiGatewayV2::Route", "AWS::ApiGateway::Method"):
        for name, *_ in stack.of(kind):
            yield f"{name}: a route outside of the API definitions"


def every_route_requires_scopes_of_tokens(stack):
    uses_tokens = any(stack.parameters[name] for name in ("JwtIssuer", "CognitoUserPoolArn"))
    for name, properties, _ in stack.of("AWS::ApiGateway::RestApi") + stack.of("AWS::ApiGatewayV2::Api"):
        for path, item in properties["Body"]["paths"].items():
            for method in item.keys() & METHODS:
                # The catch-all method of a path serves HEAD like GET.
                of = "get" if method == "x-amazon-apigateway-any-method" else method
                route = f"{of.upper()} {path}"
                expected = SCOPES.get(route, set().union(*SCOPES.values())) if uses_tokens else set()
                for requirement in item[method].get("security", []):
                    found = set().union(*requirement.values())
                    if found != expected:
                        yield f"{name}: {route} accepts the scopes {sorted(found)} instead of {sorted(expected)}"


def every_preflight_is_answered(stack):
    for name, properties, _ in stack.of("AWS::ApiGateway::RestApi") + stack.of("AWS::ApiGatewayV2::Api"):
        for path, item in properties["Body"]["paths"].items():
            if path in UNKNOWN:
                continue
            takes_preflights = "options" in item and "security" not in item["options"]
            if takes_preflights != bool(stack.parameters["AllowedOrigins"]):
                yield f"{name}: preflights of {path} {'are' if takes_preflights else 'are not'} answered"
    for name, properties, _ in stack.of("AWS::Lambda::Function"):
        answers = "ALLOWED_ORIGINS" in properties["Environment"]["Variables"]
        if name.endswith("Api") and answers != bool(stack.parameters["AllowedOrigins"]):
            yield f"{name}: answers preflights: {answers}"


def _authorizes(scheme):
    authorizer = scheme.get("x-amazon-apigateway-authorizer", {})
    if scheme.get("x-amazon-apigateway-authtype") == "awsSigv4":
        return True
    if authorizer.get("type") == "cognito_user_pools":
        return bool(authorizer.get("providerARNs"))
    jwt = authorizer.get("jwtConfiguration", {})
    return authorizer.get("type") == "jwt" and bool(jwt.get("issuer")) and bool(jwt.get("audience"))


def every_store_is_encrypted(stack):
    own = stack.parameters["KmsKeyArn"] != ""
    key = {"Ref": "KmsKeyArn"}
    for name, properties, _ in stack.of(TABLE):
        # Without KmsKeyArn, DynamoDB encrypts with a key that AWS owns.
        if own and properties.get("SSESpecification", {}).get("KMSMasterKeyId") != key:
            yield f"{name}: not encrypted with KmsKeyArn"
    for name, properties, _ in stack.of(STREAM):
        encryption = properties.get("StreamEncryption", {})
        if encryption.get("EncryptionType") != "KMS" or (own and encryption.get("KeyId") != key):
            yield f"{name}: not encrypted"
    for name, properties, _ in stack.of(BUCKET):
        rules = properties.get("BucketEncryption", {}).get("ServerSideEncryptionConfiguration", [])
        by_default = [rule["ServerSideEncryptionByDefault"] for rule in rules]
        if not by_default or (own and by_default[0].get("KMSMasterKeyID") != key):
            yield f"{name}: not encrypted"
        blocks = properties.get("PublicAccessBlockConfiguration", {})
        if len(blocks) != 4 or not all(blocks.values()):
            yield f"{name}: public access is not blocked"
    encrypted = (("AWS::Logs::LogGroup", "KmsKeyId"), ("AWS::Lambda::Function", "KmsKeyArn"))
    for kind, attribute in encrypted:
        for name, properties, _ in stack.of(kind):
            if own and properties.get(attribute) != key:
                yield f"{name}: not encrypted with KmsKeyArn"


def every_store_outlives_the_stack(stack):
    protects = stack.parameters["Stage"] != "dev"
    for kind in (TABLE, STREAM, BUCKET):
        for name, properties, resource in stack.of(kind):
            policies = resource.get("DeletionPolicy"), resource.get("UpdateReplacePolicy")
            if policies != ("RetainExceptOnCreate", "Retain"):
                yield f"{name}: not retained"
            if kind == TABLE and properties.get("DeletionProtectionEnabled") is not protects:
                yield f"{name}: deletion protection is not {protects}"
            recovery = properties.get("PointInTimeRecoverySpecification", {})
            if kind == TABLE and recovery.get("PointInTimeRecoveryEnabled") is not True:
                yield f"{name}: no point-in-time recovery"


def every_function_has_bounds_of_its_own(stack):
    groups = []
    common = stack.written["Globals"]["Function"]
    for name, properties, _ in stack.of("AWS::Lambda::Function"):
        # Read from the written template, because SAM copies Globals into each function.
        own = stack.written["Resources"][name]["Properties"]
        for bound in ("Timeout", "MemorySize"):
            if bound not in own:
                yield f"{name}: no {bound} of its own"
        if "ReservedConcurrentExecutions" not in common | own:
            yield f"{name}: concurrency is unbounded whatever ConcurrencyMax is"
        if stack.parameters["Stage"] != "dev" and properties.get("ReservedConcurrentExecutions") != {"Ref": "ConcurrencyMax"}:
            yield f"{name}: concurrency is not bounded by ConcurrencyMax"
        group = properties.get("LoggingConfig", {}).get("LogGroup", {}).get("Ref")
        if group is None or group in groups or group not in stack.resources:
            yield f"{name}: no log group of its own"
        groups.append(group)
    for name, properties, _ in stack.of("AWS::Logs::LogGroup"):
        if "RetentionInDays" not in properties:
            yield f"{name}: no log retention"


# Bounds that each kind of mapping has. Kafka has the last four in provisioned mode only; RabbitMQ has none of them.
BATCH = ("BatchSize", "MaximumBatchingWindowInSeconds")
SHARDS = (*BATCH, "ParallelizationFactor", "StartingPosition")
TOPIC = (*BATCH, "ProvisionedPollerConfig", "StartingPosition")
MAPPINGS = {
    "PaymentRelayPaymentChanged": SHARDS,
    "PaymentRelayKafkaPaymentChanged": SHARDS,
    "PaymentRelayRabbitMqPaymentChanged": SHARDS,
    "PaymentRecoveryPaymentChanged": (*SHARDS, "FilterCriteria"),
    "OrderProjectorPaymentPublished": SHARDS,
    "OrderProjectorMskPayments": TOPIC,
    "OrderProjectorKafkaPayments": TOPIC,
    "OrderProjectorRabbitMqPayments": BATCH,
}


def every_event_source_mapping_has_bounds(stack):
    mappings = stack.of("AWS::Lambda::EventSourceMapping")
    if len(mappings) != 3:
        yield f"there are {len(mappings)} event source mappings instead of 3"
    for name, properties, _ in mappings:
        for bound in MAPPINGS.get(name, ()):
            if bound not in properties:
                yield f"{name}: no {bound}"
        if "FilterCriteria" in properties and "FilterCriteria" not in MAPPINGS.get(name, ()):
            yield f"{name}: a filter, which discards records"
        if name != "OrderProjectorRabbitMqPayments":
            yield from _bounds_of_retries(stack, name, properties)


def _bounds_of_retries(stack, name, properties):
    if "MaximumRetryAttempts" not in properties:
        yield f"{name}: no MaximumRetryAttempts"
    if "ProvisionedPollerConfig" in properties and properties.get("MaximumRetryAttempts") == -1:
        yield f"{name}: gives up after 10 attempts, which is what Lambda makes of -1 with a destination"
    age = properties.get("MaximumRecordAgeInSeconds", -1)
    if age == -1:
        yield f"{name}: retries for ever without MaximumRecordAgeInSeconds"
    function = stack.resources[properties["FunctionName"]["Ref"]]["Properties"]
    if function["Environment"]["Variables"].get("RECORD_AGE_MAX_SECONDS", age) != age:
        yield f"{name}: RECORD_AGE_MAX_SECONDS of its function is not its MaximumRecordAgeInSeconds"
    if "Destination" not in properties.get("DestinationConfig", {}).get("OnFailure", {}):
        yield f"{name}: no on-failure destination"
    if properties.get("FunctionResponseTypes") != ["ReportBatchItemFailures"]:
        yield f"{name}: no partial batch response"
    if properties.get("BisectBatchOnFunctionError") is not True:
        yield f"{name}: does not bisect failed batches"


def every_stage_is_throttled_and_logs_routes_only(stack):
    stages = stack.of("AWS::ApiGateway::Stage") + stack.of("AWS::ApiGatewayV2::Stage")
    for name, properties, _ in stages:
        settings = [properties.get("DefaultRouteSettings", {}), *properties.get("MethodSettings", [])]
        if not any({"ThrottlingRateLimit", "ThrottlingBurstLimit"} <= setting.keys() for setting in settings):
            yield f"{name}: not throttled"
        log = properties.get("AccessLogSetting") or properties.get("AccessLogSettings")
        if log is None:
            yield f"{name}: no access log"
        elif forbidden := re.findall(r"\$context\.(?:path|identity\.\w+|authorizer\.\w+)\b", log["Format"]):
            yield f"{name}: the access log has {', '.join(forbidden)}, which may contain a card number or a caller's identity"
        if any(setting.get("DataTraceEnabled") or setting.get("LoggingLevel") for setting in settings):
            yield f"{name}: execution logs contain whole requests"


def alarms_watch_it(stack):
    if stack.parameters["Monitoring"] == "on" and not stack.of("AWS::CloudFormation::Stack"):
        yield "no alarms: the nested stack of infra/monitoring.yaml is missing"


def every_change_of_an_api_is_served(stack):
    for name, resource in stack.written["Resources"].items():
        # Read from the written template: the translated API looks the same with and without AlwaysDeploy.
        if resource["Type"] == "AWS::Serverless::Api" and resource["Properties"].get("AlwaysDeploy") is not True:
            yield f"{name}: not redeployed when a parameter changes its routes or authorizers"
    for name, properties, _ in stack.of("AWS::ApiGatewayV2::Stage"):
        if properties.get("AutoDeploy") is not True:
            yield f"{name}: changes are not deployed (AutoDeploy)"


RULES = [
    every_route_has_an_authorizer,
    every_route_requires_scopes_of_tokens,
    every_preflight_is_answered,
    *permissions.RULES,
    every_store_is_encrypted,
    every_store_outlives_the_stack,
    every_function_has_bounds_of_its_own,
    every_event_source_mapping_has_bounds,
    every_stage_is_throttled_and_logs_routes_only,
    every_change_of_an_api_is_served,
    alarms_watch_it,
]


def findings(stack):
    return [f"{rule.__name__}: {finding}" for rule in RULES for finding in rule(stack)]
