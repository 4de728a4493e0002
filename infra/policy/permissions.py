"""Rules for IAM roles: least privilege and completeness. A rule yields one message per violation."""

import json
import re

import hubs

TABLE, STREAM, BUCKET = "AWS::DynamoDB::Table", "AWS::Kinesis::Stream", "AWS::S3::Bucket"
CONSUMER = "AWS::Kinesis::StreamConsumer"

# Actions without resource-level permissions, or for which AWS documents all resources.
WITHOUT_RESOURCE = {"xray:PutTraceSegments", "xray:PutTelemetryRecords"} | hubs.WITHOUT_RESOURCE
# A role with network permissions denies them to the function's code, because only Lambda itself uses them.
DENIED_TO_CODE = {
    "Effect": "Deny", "Action": "ec2:*", "Resource": "*",
    "Condition": {"ArnLike": {"lambda:SourceFunctionArn": {
        "Fn::Sub": "arn:${AWS::Partition}:lambda:${AWS::Region}:${AWS::AccountId}:function:*"}}},
}
# Roles that may have AWS managed policies: API Gateway documents one for writing access logs.
MANAGED_BY_AWS = {"ApiLogsRole"}
# Resource types on which the actions of a service may be allowed.
RESOURCES = {
    "dynamodb": {TABLE},
    "kinesis": {STREAM, CONSUMER},
    "s3": {BUCKET},
    "logs": {"AWS::Logs::LogGroup"},
    "execute-api": {"AWS::ApiGateway::RestApi", "AWS::ApiGatewayV2::Api"},
}
# Parameters that name a resource outside of the stack, and the services whose actions may be allowed on it.
PARAMETERS = {
    "KafkaClusterArn": {"kafka", "kafka-cluster"},
    "RabbitMqBrokerArn": {"mq"},
    "HubSecretArn": {"secretsmanager"},
    "HubCaSecretArn": {"secretsmanager"},
    "ProcessorSecretArn": {"secretsmanager"},
}
# Permissions that Lambda documents for an event source mapping, by type of source. kinesis:ListStreams is left out: it
# applies to no single stream, and a mapping names its stream.
READING = {
    TABLE: "dynamodb:DescribeStream dynamodb:GetRecords dynamodb:GetShardIterator dynamodb:ListStreams",
    STREAM: "kinesis:DescribeStream kinesis:DescribeStreamSummary kinesis:GetRecords kinesis:GetShardIterator "
            "kinesis:ListShards",
    CONSUMER: "kinesis:SubscribeToShard",
}

# Actions that each role needs, by resource: those of its function's code and its event source mapping.
TABLE_ITEMS = "dynamodb:PutItem dynamodb:UpdateItem dynamodb:GetItem dynamodb:BatchGetItem"
WRITING_LOGS = "logs:CreateLogStream logs:PutLogEvents"
ON_FAILURE = {"${FailuresBucket.Arn}/*": "s3:PutObject", "FailuresBucket.Arn": "s3:ListBucket"}
CHANGES = {"PaymentsTable.StreamArn": READING[TABLE], "PaymentsQuarantineTable.Arn": "dynamodb:PutItem"} | ON_FAILURE
CALLED = {
    "PaymentApiRole": {
        "PaymentsTable.Arn": TABLE_ITEMS,
        "${PaymentsTable.Arn}/index/by_order": "dynamodb:Query",
        "ProcessorSimulatorTable.Arn": "dynamodb:PutItem",
        "PaymentStream.Arn": "kinesis:PutRecord",
        "PaymentApiLogs.Arn": WRITING_LOGS,
    },
    "PaymentRelayRole": {
        "PaymentsTable.Arn": "dynamodb:UpdateItem",
        "PaymentStream.Arn": "kinesis:PutRecords",
        "PaymentRelayLogs.Arn": WRITING_LOGS,
    } | CHANGES,
    "PaymentRelayKafkaRole": {"PaymentRelayKafkaLogs.Arn": WRITING_LOGS} | CHANGES,
    "PaymentRelayRabbitMqRole": {"PaymentRelayRabbitMqLogs.Arn": WRITING_LOGS} | CHANGES,
    "PaymentRecoveryRole": {
        "PaymentsTable.Arn": "dynamodb:GetItem dynamodb:PutItem",
        "ProcessorSimulatorTable.Arn": "dynamodb:GetItem dynamodb:PutItem",
        "PaymentRecoveryLogs.Arn": WRITING_LOGS,
    } | CHANGES,
    "OrderApiRole": {
        "OrdersTable.Arn": "dynamodb:PutItem dynamodb:Query",
        "OrderApiLogs.Arn": WRITING_LOGS,
    },
    "SyncOrderApiRole": {
        "OrdersTable.Arn": "dynamodb:PutItem dynamodb:Query",
        "SyncOrderApiLogs.Arn": WRITING_LOGS,
    },
    "OrderProjectorRole": {
        "PaymentStream.Arn": READING[STREAM],
        "OrdersTable.Arn": "dynamodb:PutItem dynamodb:Query dynamodb:BatchGetItem",
        "QuarantineTable.Arn": "dynamodb:PutItem",
        "OrderProjectorLogs.Arn": WRITING_LOGS,
    } | ON_FAILURE,
    "UseOfOwnKey": {
        "KmsKeyArn": "kms:Decrypt kms:DescribeKey kms:Encrypt kms:GenerateDataKey kms:ReEncryptFrom kms:ReEncryptTo",
    },
    "UseOfHubSecretKey": {"HubSecretKmsKeyArn": "kms:Decrypt"},
    "UseOfProcessorSecretKey": {"ProcessorSecretKmsKeyArn": "kms:Decrypt"},
    "WritingTraces": {"*": "xray:PutTraceSegments xray:PutTelemetryRecords"},
    "ApiLogsRole": {},
}
# Keys that a managed policy allows the use of. Every other owner may use KmsKeyArn only.
KEYS_OF_SECRETS = {"UseOfHubSecretKey": "HubSecretKmsKeyArn", "UseOfProcessorSecretKey": "ProcessorSecretKmsKeyArn"}
# ARN of the Payments route that synchronous orders call, for either kind of API.
PAYMENTS = "arn:${AWS::Partition}:execute-api:${AWS::Region}:${AWS::AccountId}:%s/GET/payments"


def every_role_has_what_it_needs_and_no_more(stack):
    for name, properties, _ in stack.of("AWS::IAM::Role"):
        for arn in properties.get("ManagedPolicyArns", []):
            if "Ref" not in arn and name not in MANAGED_BY_AWS:
                yield f"{name}: has an AWS managed policy, whose permissions may widen"
        for policy in properties.get("Policies", []):
            yield from _statements(stack, name, policy["PolicyDocument"])
    for name, properties, _ in stack.of("AWS::IAM::ManagedPolicy"):
        yield from _statements(stack, name, properties["PolicyDocument"])
    for name, resource in stack.resources.items():
        if resource["Type"].startswith("AWS::IAM::") and resource["Type"] not in ("AWS::IAM::Role", "AWS::IAM::ManagedPolicy"):
            yield f"{name}: a policy outside of the roles"
    owners = [_owner(stack, name) for name, *_ in stack.of("AWS::Lambda::Function")]
    for role in sorted({owner for owner in owners if owners.count(owner) > 1}):
        yield f"{role}: used by more than one function"


def _statements(stack, owner, document):
    network = any(action.startswith("ec2:") for it in document["Statement"] for action in _list(it["Action"]))
    if network and DENIED_TO_CODE not in document["Statement"]:
        yield f"{owner}: the function's code has Lambda's network permissions"
    for statement in document["Statement"]:
        if statement == DENIED_TO_CODE:
            continue
        actions, resources = _list(statement["Action"]), _list(statement["Resource"])
        if statement["Effect"] != "Allow" or "NotAction" in statement or "NotResource" in statement:
            yield f"{owner}: a statement that is not a plain Allow"
        services = statement.get("Condition", {}).get("StringEquals", {})
        if any(action.startswith("kms:") for action in actions) and "kms:ViaService" not in services:
            yield f"{owner}: direct use of the KMS key, without kms:ViaService"
        for action in actions:
            if "*" in action:
                yield f"{owner}: the action {action} has a wildcard"
                continue
            for resource in resources:
                yield from _resource(stack, owner, action, resource)


def _resource(stack, owner, action, resource):
    if resource == "*":
        if action not in WITHOUT_RESOURCE:
            yield f"{owner}: {action} is allowed on *"
        return
    text = json.dumps(resource)
    if action.startswith("kms:"):
        key = KEYS_OF_SECRETS.get(owner, "KmsKeyArn")
        if resource != {"Ref": key}:
            yield f"{owner}: {action} is allowed on a key other than {key}"
        return
    if parameter := PARAMETERS.keys() & set(re.findall(r"\w+", text)):
        if action.split(":")[0] not in set().union(*(PARAMETERS[name] for name in parameter)):
            yield f"{owner}: {action} is allowed on {text}"
        return
    kinds = {stack.resources[name]["Type"] for name in _named(stack, text)}
    if not kinds or not kinds <= RESOURCES.get(action.split(":")[0], set()):
        yield f"{owner}: {action} is allowed on {text}, which is not a resource of this stack that it needs"
    objects = action == "s3:PutObject" and re.fullmatch(r'\{"Fn::Sub": "\$\{\w+\.Arn\}/\*"\}', text)
    if "*" in text and not objects:
        yield f"{owner}: {action} is allowed on {text}, which has a wildcard"
    if "/index/" in text and action != "dynamodb:Query":
        yield f"{owner}: {action} is allowed on an index"


def _named(stack, text):
    words = set(re.findall(r"\w+", text))
    return words & stack.resources.keys()


def every_role_is_allowed_what_it_calls(stack):
    called = {role: dict(on) for role, on in CALLED.items()}
    if "OrdersFanOut" in stack.resources:
        called["OrderProjectorRole"]["OrdersFanOut.ConsumerARN"] = READING[CONSUMER]
    if stack.parameters["Hub"] != "kinesis":
        del called["OrderProjectorRole"]["PaymentStream.Arn"]
        for role, needed in hubs.called(stack.parameters).items():
            called[role] |= needed
    if stack.parameters["PublishMode"] == "stream":
        # The relay alone publishes, and raises no outbox position.
        del called["PaymentApiRole"]["PaymentStream.Arn"]
        del called["PaymentRelayRole"]["PaymentsTable.Arn"]
    if stack.parameters["ProcessorUrl"]:
        for role in ("PaymentApiRole", "PaymentRecoveryRole"):
            del called[role]["ProcessorSimulatorTable.Arn"]
            called[role]["ProcessorSecretArn"] = "secretsmanager:GetSecretValue"
    api = "${PaymentsApi}/${Stage}" if "PaymentsApi" in stack.resources else "${PaymentsHttpApi}/$default"
    called["SyncOrderApiRole"][PAYMENTS % api] = "execute-api:Invoke"
    for kind in ("AWS::IAM::Role", "AWS::IAM::ManagedPolicy"):
        for name, properties, _ in stack.of(kind):
            needed = {(action, on) for on, actions in called.get(name, {}).items() for action in actions.split()}
            allowed = set(_allowed(stack, properties))
            for action, resource in sorted(allowed - needed):
                yield f"{name}: {action} on {resource} is not needed"
            for action, resource in sorted(needed - allowed):
                yield f"{name}: {action} on {resource} is missing"


def every_mapping_may_read_its_source(stack):
    for name, properties, _ in stack.of("AWS::Lambda::EventSourceMapping"):
        role = _owner(stack, properties["FunctionName"]["Ref"])
        allowed = set(_allowed(stack, stack.resources[role]["Properties"]))
        # The roles of other hubs' mappings are compared as a whole, above.
        source = properties.get("EventSourceArn", {}).get("Fn::GetAtt")
        if source is None:
            continue
        sources = [source]
        if stack.resources[source[0]]["Type"] == CONSUMER:
            # The mapping also reads the stream of its consumer.
            sources.append(stack.resources[source[0]]["Properties"]["StreamARN"]["Fn::GetAtt"])
        for logical_id, attribute in sources:
            for action in READING[stack.resources[logical_id]["Type"]].split():
                if (action, f"{logical_id}.{attribute}") not in allowed:
                    yield f"{name}: {role} is not allowed {action} on {logical_id}.{attribute}"


def outside(stack):
    """Pairs of action and ARN that the roles allow on resources outside of the stack, which parameters name, or on all."""
    for _, properties, _ in stack.of("AWS::IAM::Role"):
        for policy in properties.get("Policies", []):
            for statement in policy["PolicyDocument"]["Statement"]:
                for resource in _list(statement["Resource"]):
                    if statement["Effect"] == "Allow" and not _named(stack, json.dumps(resource)):
                        yield from ((action, stack.text(resource)) for action in _list(statement["Action"]))


def _owner(stack, function):
    return stack.resources[function]["Properties"]["Role"]["Fn::GetAtt"][0]


def _allowed(stack, role):
    """Pairs of action and resource that a policy, or the policies of a role, allow."""
    for policy in [role] if "PolicyDocument" in role else role.get("Policies", []):
        for statement in policy["PolicyDocument"]["Statement"]:
            if statement["Effect"] != "Allow":
                continue
            for resource in _list(statement["Resource"]):
                for action in _list(statement["Action"]):
                    yield action, _name(stack, resource)


def _name(stack, resource):
    """Short form of a resource: `PaymentsTable.Arn`, `${FailuresBucket.Arn}/*`, or its ARN made of parameters."""
    match resource:
        case {"Fn::Join": _}:
            return stack.text(resource)
        case {"Fn::GetAtt": [logical_id, attribute]}:
            return f"{logical_id}.{attribute}"
        case {"Ref": name}:
            return name
        case {"Fn::Sub": str(text)}:
            return text
        case {"Fn::Sub": [text, values]}:
            for name, value in values.items():
                text = text.replace(f"${{{name}}}", _name(stack, value))
            return text
    return str(resource)


def _list(value):
    return value if isinstance(value, list) else [value]


RULES = [
    every_role_has_what_it_needs_and_no_more,
    every_role_is_allowed_what_it_calls,
    every_mapping_may_read_its_source,
]
