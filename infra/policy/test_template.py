"""Checks that the template follows every rule, and that each rule fails for a template broken on purpose."""

import copy
import tomllib
import unittest

import deployed
import hubs
import rules

KEY = "arn:aws:kms:eu-central-1:123456789012:key/1"
ISSUER = {"JwtIssuer": "https://issuer.example", "JwtAudience": "paystream"}
POOL = {"CognitoUserPoolArn": "arn:aws:cognito-idp:eu-central-1:123456789012:userpool/1"}
ORIGINS = {"AllowedOrigins": "https://shop.example.com"}
STREAM_MODE = {"PublishMode": "stream"}
PROCESSOR = {
    "ProcessorUrl": "https://processor.example/v1",
    "ProcessorSecretArn": "arn:aws:secretsmanager:eu-central-1:123456789012:secret:processor-AbCdEf",
}
PROCESSOR_KEY = {"ProcessorSecretKmsKeyArn": "arn:aws:kms:eu-central-1:123456789012:key/3"}
PROD = PROCESSOR | {"Stage": "prod"}
EVERYTHING = PROD | PROCESSOR_KEY | {
    "SynchronousOrders": "always",
    "StreamMode": "on-demand",
    "EnhancedFanOut": "on",
    "ConcurrencyMax": "100",
    "KmsKeyArn": KEY,
    "Tracing": "on",
}
# samconfig.toml names no processor: the deployment of prod does.
STAGES = [
    PROCESSOR | dict(parameter.split("=") for parameter in environment["deploy"]["parameters"]["parameter_overrides"])
    for environment in tomllib.loads((deployed.ROOT / "samconfig.toml").read_text()).values() if isinstance(environment, dict)
]
STACKS = [
    {},
    {"PublishMode": "stream"},
    *STAGES,
    PROCESSOR,
    EVERYTHING,
    EVERYTHING | {"ApiFlavour": "http"},
    {"ApiFlavour": "http"} | ISSUER,
    POOL,
    ORIGINS,
    POOL | ORIGINS,
    {"ApiFlavour": "http"} | ISSUER | ORIGINS,
    STREAM_MODE,
    *hubs.STACKS,
    *(EVERYTHING | {"EnhancedFanOut": "off"} | it for it in (hubs.MSK_SCRAM, hubs.RABBITMQ)),
]


def edit(*path, value=None):
    """Sets the value at a path of the template, or removes it."""

    def change(template):
        *parents, last = path
        node = template["Resources"]
        for key in parents:
            node = node[key]
        if value is None:
            del node[last]
        else:
            node[last] = value

    return change


def everywhere(old, new):
    """Replaces a value everywhere."""

    def change(node):
        for key, value in list(node.items() if isinstance(node, dict) else enumerate(node)):
            if value == old:
                node[key] = new
            elif isinstance(value, dict | list):
                change(value)

    return change


def properties(resource, *path, value=None):
    return edit(resource, "Properties", *path, value=value)


def statement(number, *path, value, of="PaymentApi"):
    return properties(f"{of}Role", "Policies", 0, "PolicyDocument", "Statement", number, *path, value=value)


def globally(name, change):
    def both(template):
        change(template)
        template["Globals"]["Function"][name] = 3

    return both


def without(action, of):
    return lambda template: everywhere(action, "kinesis:Nothing")(template["Resources"][f"{of}Role"])


def post(*path, value=None):
    return properties("PaymentsApi", "DefinitionBody", "paths", "/payments", "post", *path, value=value)


EVERYONE = {"Type": "AWS::Lambda::Url", "Properties": {"AuthType": "NONE"}}
TABLE_ARN, ORDERS_ARN = ({"Fn::GetAtt": [table, "Arn"]} for table in ("PaymentsTable", "OrdersTable"))
STATEMENTS = ("Properties", "Policies", 0, "PolicyDocument", "Statement")
PUT_RECORD = {"Effect": "Allow", "Action": "kinesis:PutRecord", "Resource": {"Fn::GetAtt": ["PaymentStream", "Arn"]}}
RAISE = {"Effect": "Allow", "Action": "dynamodb:UpdateItem", "Resource": TABLE_ARN}
PAID, CHANGED, TOPIC = "OrderProjectorPaymentPublished", "PaymentRelayPaymentChanged", "OrderProjectorMskPayments"
UNDECIDED = "PaymentRecoveryPaymentChanged"
DECISIONS = {"Filters": [{"Pattern": '{"dynamodb":{"NewImage":{"version":{"N":["1"]}}}}'}]}
LOG = ("AccessLogSetting", "Fn::If", 1, "Format")

# Change that breaks the template, expected violation, and parameters.
BROKEN = [
    (post("security"), "PaymentsApi: POST /payments has no authorizer", {}),
    (post("security", value=[{"nobody": []}]), "PaymentsApi: POST /payments has no authorizer", {}),
    (everywhere("awsSigv4", "none"), "OrdersApi: POST /sync/orders has no authorizer", {}),
    (everywhere("jwt", "none"), "PaymentsHttpApi: GET /payments has no authorizer", {"ApiFlavour": "http"} | ISSUER),
    (everywhere("cognito_user_pools", "none"), "OrdersApi: POST /orders has no authorizer", POOL),
    (post("security", value=[{"caller": []}, {}]), "PaymentsApi: POST /payments has no authorizer", {}),
    *[(post("security", value=[{"caller": scopes}]), f"POST /payments accepts the scopes {scopes} instead of", given)
      for scopes, given in (([], POOL), (["paystream/payments.pay"], {}), (["paystream/payments.read"], POOL))],
    *[(properties("PaymentsApi", "DefinitionBody", "paths", path, "options"), f"preflights of {path} are not answered", ORIGINS)
      for path in ("/payments", "/payments/{payment_id}/refund")],
    (properties("PaymentsApi", "DefinitionBody", "paths", "/payments", "options", "Fn::If", 0, value="UsesIam"),
     "preflights of /payments are answered", {}),
    (properties("OrderApi", "Environment", "Variables", "ALLOWED_ORIGINS"), "OrderApi: answers preflights: False", ORIGINS),
    (edit("Door", value=EVERYONE), "Door: a route outside of the API definitions", {}),
    (statement(0, "Action", value="dynamodb:*"), "PaymentApiRole: the action dynamodb:* has a wildcard", {}),
    (statement(0, "Resource", value="*"), "PaymentApiRole: dynamodb:PutItem is allowed on *", {}),
    (statement(1, "Resource", value={"Fn::Sub": "${PaymentsTable.Arn}/index/*"}), "which has a wildcard", {}),
    (statement(2, "Fn::If", 1, "Resource", value=TABLE_ARN), "kinesis:PutRecord is allowed on", {}),
    (statement(2, "Fn::If", 1, "Resource", value="arn:aws:kinesis:eu-central-1:1:stream/x"), "which is not a resource of this stack", {}),
    (statement(3, "Resource", value="*", of="OrderProjector"), "OrderProjectorRole: dynamodb:PutItem is allowed on *", {}),
    (statement(0, "Resource", value=[ORDERS_ARN, TABLE_ARN], of="OrderApi"),
     "OrderApiRole: dynamodb:Query on PaymentsTable.Arn is not needed", {}),
    *[(statement(2, "Action", value=["dynamodb:PutItem", "dynamodb:Query", action], of="OrderProjector"),
       f"OrderProjectorRole: {action} on OrdersTable.Arn is not needed", {})
      for action in ("dynamodb:Scan", "dynamodb:DeleteItem", "dynamodb:DeleteTable")],
    (edit("PaymentApiRole", *STATEMENTS, 2, value=PUT_RECORD), "kinesis:PutRecord on PaymentStream.Arn is not needed", STREAM_MODE),
    (edit("PaymentRelayRole", *STATEMENTS, 1, value=RAISE), "dynamodb:UpdateItem on PaymentsTable.Arn is not needed", STREAM_MODE),
    (without("kinesis:PutRecords", of="PaymentRelay"), "kinesis:PutRecords on PaymentStream.Arn is missing", {}),
    (properties("UseOfOwnKey", "PolicyDocument", "Statement", 0, "Condition"), "direct use of the KMS key", {"KmsKeyArn": KEY}),
    (edit("More", value={"Type": "AWS::IAM::RolePolicy", "Properties": {}}), "More: a policy outside of the roles", {}),
    (without("kinesis:DescribeStream", of="OrderProjector"),
     "PaymentPublished: OrderProjectorRole is not allowed kinesis:DescribeStream on PaymentStream.Arn", {}),
    (without("kinesis:ListShards", of="OrderProjector"), "is not allowed kinesis:ListShards", {"EnhancedFanOut": "on"}),
    (without("kinesis:SubscribeToShard", of="OrderProjector"),
     "is not allowed kinesis:SubscribeToShard on OrdersFanOut.ConsumerARN", {"EnhancedFanOut": "on"}),
    (without("dynamodb:ListStreams", of="PaymentRelay"), "is not allowed dynamodb:ListStreams on PaymentsTable.StreamArn", {}),
    (properties("WritingTraces", "PolicyDocument", "Statement", 0, "Action", value="s3:GetObject"),
     "WritingTraces: s3:GetObject is allowed on *", {"Tracing": "on"}),
    (properties("OrderApiRole", "ManagedPolicyArns", value=["arn:aws:iam::aws:policy/X"]), "may widen", {}),
    (properties("OrderApi", "Role", value={"Fn::GetAtt": ["PaymentApiRole", "Arn"]}), "used by more than one function", {}),
    (properties("PaymentStream", "StreamEncryption"), "PaymentStream: not encrypted", {}),
    (properties("FailuresBucket", "BucketEncryption"), "FailuresBucket: not encrypted", {}),
    (properties("FailuresBucket", "PublicAccessBlockConfiguration", "BlockPublicAcls", value=False), "public access is not blocked", {}),
    (properties("OrdersTable", "SSESpecification"), "OrdersTable: not encrypted with KmsKeyArn", {"KmsKeyArn": KEY}),
    (properties("OrderApiLogs", "KmsKeyId"), "OrderApiLogs: not encrypted with KmsKeyArn", {"KmsKeyArn": KEY}),
    (edit("QuarantineTable", "DeletionPolicy"), "QuarantineTable: not retained", {}),
    (properties("PaymentsQuarantineTable", "PointInTimeRecoverySpecification"),
     "PaymentsQuarantineTable: no point-in-time recovery", {}),
    (without("dynamodb:PutItem", of="PaymentRelay"), "dynamodb:PutItem on PaymentsQuarantineTable.Arn is missing", {}),
    (edit("PaymentStream", "UpdateReplacePolicy", value="Delete"), "PaymentStream: not retained", {}),
    (properties("OrdersTable", "DeletionProtectionEnabled"), "OrdersTable: deletion protection is not", PROD),
    (properties("OrdersTable", "PointInTimeRecoverySpecification"), "OrdersTable: no point-in-time recovery", {}),
    (properties("PaymentApi", "Timeout"), "PaymentApi: no Timeout of its own", {}),
    (globally("Timeout", properties("PaymentApi", "Timeout")), "PaymentApi: no Timeout of its own", {}),
    (properties("PaymentRelay", "MemorySize"), "PaymentRelay: no MemorySize", {}),
    (lambda template: template["Globals"]["Function"].pop("ReservedConcurrentExecutions"),
     "OrderApi: concurrency is unbounded whatever ConcurrencyMax is", {}),
    (properties("OrderApi", "ReservedConcurrentExecutions", value={"Ref": "AWS::NoValue"}),
     "OrderApi: concurrency is not bounded by ConcurrencyMax", EVERYTHING),
    (lambda template: None, "SyncOrderApi: concurrency is not bounded by ConcurrencyMax", {"Stage": "staging"}),
    (properties("OrderApi", "LoggingConfig"), "OrderApi: no log group of its own", {}),
    (properties("OrderApi", "LoggingConfig", "LogGroup", value={"Ref": "PaymentApiLogs"}), "no log group of its own", {}),
    (properties("PaymentsApiLogs", "RetentionInDays"), "PaymentsApiLogs: no log retention", {}),
    (properties(PAID, "BatchSize"), "OrderProjectorPaymentPublished: no BatchSize", {}),
    (properties(CHANGED, "ParallelizationFactor"), "PaymentRelayPaymentChanged: no ParallelizationFactor", {}),
    (properties(CHANGED, "MaximumRecordAgeInSeconds", value=-1), "PaymentRelayPaymentChanged: retries for ever", {}),
    (properties(CHANGED, "MaximumRecordAgeInSeconds", value=3600), "RECORD_AGE_MAX_SECONDS of its function is not", STREAM_MODE),
    (properties(PAID, "DestinationConfig"), "OrderProjectorPaymentPublished: no on-failure destination", {}),
    (properties(PAID, "FunctionResponseTypes"), "no partial batch response", {}),
    (properties(PAID, "BisectBatchOnFunctionError", value=False), "does not bisect failed batches", {}),
    (properties(CHANGED, "FilterCriteria", value=DECISIONS), "PaymentRelayPaymentChanged: a filter, which discards records", {}),
    (properties(UNDECIDED, "FilterCriteria"), "PaymentRecoveryPaymentChanged: no FilterCriteria", {}),
    (properties(UNDECIDED, "MaximumBatchingWindowInSeconds"), "no MaximumBatchingWindowInSeconds", {}),
    (properties(UNDECIDED, "DestinationConfig"), "PaymentRecoveryPaymentChanged: no on-failure destination", {}),
    (properties(UNDECIDED, "FunctionResponseTypes"), "PaymentRecoveryPaymentChanged: no partial batch response", {}),
    (without("dynamodb:GetRecords", of="PaymentRecovery"), "is not allowed dynamodb:GetRecords on PaymentsTable.StreamArn", {}),
    (without("dynamodb:GetItem", of="PaymentRecovery"), "PaymentRecoveryRole: dynamodb:GetItem", {}),
    (without("secretsmanager:GetSecretValue", of="PaymentRecovery"),
     "PaymentRecoveryRole: secretsmanager:GetSecretValue on ProcessorSecretArn is missing", PROD),
    (properties(TOPIC, "ProvisionedPollerConfig"), "OrderProjectorMskPayments: no ProvisionedPollerConfig", hubs.MSK),
    (properties(TOPIC, "MaximumRetryAttempts", value=-1), "OrderProjectorMskPayments: gives up after 10 attempts", hubs.MSK),
    (properties("OrderProjectorRabbitMqPayments", "BatchSize"), "RabbitMqPayments: no BatchSize", hubs.RABBITMQ),
    (edit("OrderProjectorKafkaPayments", "Condition", value="UsesKafka"), "there are 4 event source mappings", hubs.MSK),
    (without("kafka-cluster:WriteData", of="PaymentRelayKafka"), "kafka-cluster:WriteData on arn:aws:kafka:", hubs.MSK),
    (without("kafka-cluster:AlterGroup", of="OrderProjector"), ":group/paystream/1a2b3c4d-1/orders is missing", hubs.MSK),
    (without("mq:DescribeBroker", of="OrderProjector"), "mq:DescribeBroker on RabbitMqBrokerArn is missing", hubs.RABBITMQ),
    (everywhere("HasHubSecret", "UsesKafka"), "secretsmanager:GetSecretValue on HubSecretArn is not needed", hubs.MSK),
    (lambda template: everywhere({"Ref": "HubSecretArn"}, {"Ref": "KmsKeyArn"})(template["Resources"]),
     "secretsmanager:GetSecretValue is allowed on", hubs.RABBITMQ),
    (everywhere("kafka-cluster:Connect", "mq:DescribeBroker"), "mq:DescribeBroker is allowed on", hubs.MSK),
    (everywhere("Deny", "Allow"), "PaymentRelayKafkaRole: the function's code has Lambda's network permissions", hubs.MSK),
    (everywhere("ec2:DescribeVpcs", "ec2:DescribeInstances"), "ec2:DescribeInstances is allowed on *", hubs.RABBITMQ),
    (properties("UseOfHubSecretKey", "PolicyDocument", "Statement", 0, "Resource", value={"Ref": "KmsKeyArn"}),
     "UseOfHubSecretKey: kms:Decrypt is allowed on a key other than HubSecretKmsKeyArn", hubs.MSK_SCRAM),
    *[(everywhere("UsesProcessor", "UsesKinesis"), f"{role}: secretsmanager:GetSecretValue on ProcessorSecretArn is not needed", {})
      for role in ("PaymentApiRole", "PaymentRecoveryRole")],
    (everywhere("UsesSimulator", "UsesKinesis"), "PaymentRecoveryRole: dynamodb:PutItem on ProcessorSimulatorTable.Arn is not needed",
     PROCESSOR),
    (properties("UseOfProcessorSecretKey", "PolicyDocument", "Statement", 0, "Resource", value={"Ref": "KmsKeyArn"}),
     "UseOfProcessorSecretKey: kms:Decrypt is allowed on a key other than ProcessorSecretKmsKeyArn", EVERYTHING),
    (properties("PaymentsApi", "MethodSettings"), "not throttled", {}),
    (properties("OrdersHttpApi", "DefaultRouteSettings"), "not throttled", {"ApiFlavour": "http"}),
    (properties("PaymentsApi", "AccessLogSetting"), "no access log", {}),
    (properties("PaymentsApi", *LOG, value="$context.path"), "the access log has $context.path", {}),
    (properties("PaymentsApi", "MethodSettings", 0, "LoggingLevel", value="INFO"), "execution logs contain whole requests", {}),
    (edit("Monitor"), "no alarms", {}),
    (properties("OrdersApi", "AlwaysDeploy"), "OrdersApi: not redeployed when a parameter changes", {}),
    (properties("OrdersApi", "AlwaysDeploy", value=False), "OrdersApi: not redeployed when a parameter changes", POOL),
]


class Template(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.template = deployed.read()

    def test_every_stack_follows_every_rule(self):
        for given in STACKS:
            with self.subTest(given):
                stack = deployed.translate(self.template, **given)
                self.assertEqual([*rules.findings(stack), *stack.broken_rules()], [])

    def test_prod_needs_a_processor_with_its_secret(self):
        url, secret = ({name: value} for name, value in PROCESSOR.items())
        for given, expected in (
            ({"Stage": "prod"}, "Stage=prod needs ProcessorUrl"),
            ({"Stage": "prod"} | secret, "Stage=prod needs ProcessorUrl"),
            ({"Stage": "prod"} | url, "ProcessorUrl needs ProcessorSecretArn"),
            (url, "ProcessorUrl needs ProcessorSecretArn"),
            (secret, "ProcessorSecretArn needs ProcessorUrl"),
        ):
            with self.subTest(given):
                broken = [*deployed.translate(self.template, **given).broken_rules()]
                self.assertTrue(any(it.startswith(expected) for it in broken), broken)

    def test_only_prod_refuses_test_tokens(self):
        for given, expected in (({}, "accept"), (PROCESSOR, "accept"), (PROD, "refuse")):
            with self.subTest(given):
                variables = self.variables("PaymentApi", given)
                self.assertEqual(variables["PROCESSOR_TEST_TOKENS"], expected)
                self.assertEqual("PROCESSOR_URL" in variables, bool(given))

    def test_a_request_and_a_recovery_use_the_same_processor_and_lease(self):
        shared = {"PAYMENTS_TABLE", "PAYMENT_LEASE_MS", "PROCESSOR_SIMULATOR_TABLE", "PROCESSOR_URL", "PROCESSOR_SECRET_ARN"}
        for given in ({}, PROCESSOR, PROD):
            with self.subTest(given):
                request, recovery = ({name: value for name, value in self.variables(function, given).items() if name in shared}
                                     for function in ("PaymentApi", "PaymentRecovery"))
                self.assertEqual(request, recovery)
                self.assertEqual("PROCESSOR_URL" in request, "PROCESSOR_SIMULATOR_TABLE" not in request)

    def variables(self, function, given):
        """Environment variables of a function in the stack with these parameters."""
        return deployed.translate(self.template, **given).resources[function]["Properties"]["Environment"]["Variables"]

    def test_every_rule_detects_its_violation(self):
        detected = set()
        for change, expected, given in BROKEN:
            with self.subTest(expected):
                broken = copy.deepcopy(self.template)
                change(broken)
                found = rules.findings(deployed.translate(broken, **given))
                self.assertTrue(any(expected in finding for finding in found), found)
                detected |= {finding.split(":")[0] for finding in found}
        self.assertEqual(detected, {rule.__name__ for rule in rules.RULES})


if __name__ == "__main__":
    unittest.main()
