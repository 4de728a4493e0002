"""Checks the parameter Hub: resources and outputs of each hub, errors for missing parameters, and updates of existing stacks."""

import copy
import unittest

import deployed
import hubs
import replacement
from test_template import edit, properties

MAPPING = replacement.MAPPING
# Resources that each hub has and the others lack.
KINESIS = {"PaymentStream", "PaymentRelay", "PaymentRelayPaymentChanged", "OrderProjectorPaymentPublished"}
KAFKA = {"PaymentRelayKafka", "PaymentRelayKafkaPaymentChanged"}
RABBITMQ = {"PaymentRelayRabbitMq", "PaymentRelayRabbitMqPaymentChanged", "OrderProjectorRabbitMqPayments"}
OF_KAFKA = {"HubEncryption", "KafkaAuthentication", "KafkaBootstrapServers", "KafkaConsumerGroup", "KafkaTopic"}
OWN = [
    ({}, KINESIS, {"PaymentStream"}),
    ({"EnhancedFanOut": "on"}, KINESIS | {"OrdersFanOut"}, {"PaymentStream"}),
    (hubs.MSK, KAFKA | {"OrderProjectorMskPayments"}, OF_KAFKA),
    (hubs.SELF_MANAGED | {"EnhancedFanOut": "on"}, KAFKA | {"OrderProjectorKafkaPayments"},
     OF_KAFKA | {"HubSecretArn", "HubCaSecretArn"}),
    (hubs.RABBITMQ, RABBITMQ,
     {"HubEncryption", "HubSecretArn", "RabbitMqEndpoint", "RabbitMqVirtualHost", "RabbitMqExchange", "RabbitMqQueue"}),
]
SHARED_OUTPUTS = {"PaymentsUrl", "OrdersUrl", "PaymentsTable", "ProcessorSimulatorTable", "PaymentsQuarantineTable",
                  "OrdersTable", "QuarantineTable", "FailuresBucket", "Hub", "ProjectorMapping", "RecoveryMapping", "RelayMapping"}

# Parameters, and the error that names what to set.
MISSING = [
    ({"Hub": "kafka"}, "need PublishMode=stream"),
    ({"Hub": "rabbitmq"}, "need PublishMode=stream"),
    (hubs.MSK | {"KafkaBootstrapServers": ""}, "needs KafkaBootstrapServers=HOST:PORT"),
    (hubs.MSK | {"KafkaClusterArn": ""}, "set KafkaAuthentication to scram-sha-512 or none"),
    (hubs.SELF_MANAGED | {"HubSecretArn": ""}, "needs HubSecretArn"),
    (hubs.SELF_MANAGED | {"HubEncryption": "plaintext"}, "need HubEncryption=tls"),
    (hubs.MSK | {"HubCaSecretArn": hubs.CA}, "Leave it empty with KafkaClusterArn"),
    (hubs.MSK | {"HubSecurityGroupIds": ""}, "HubSubnetIds and HubSecurityGroupIds need each other"),
    (hubs.MSK | {"HubSubnetIds": ""}, "HubSubnetIds and HubSecurityGroupIds need each other"),
    *((hubs.RABBITMQ | {name: ""}, f"needs {name}") for name in ("RabbitMqBrokerArn", "RabbitMqEndpoint", "HubSecretArn")),
]


class Hubs(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.template = deployed.read()

    def test_each_hub_has_its_own_resources_and_outputs(self):
        every = set().union(*(own for _, own, _ in OWN))
        for given, own, outputs in OWN:
            with self.subTest(given):
                stack = deployed.translate(self.template, **given)
                self.assertEqual(stack.resources.keys() & every, own)
                self.assertEqual(stack.outputs.keys(), outputs | SHARED_OUTPUTS)

    def test_each_relay_has_its_code_whatever_the_hub(self):
        # `sam build` reads CodeUri with default parameters, so it must not depend on Hub.
        for relay, folder in (("", ""), ("Kafka", "-kafka"), ("RabbitMq", "-rabbitmq")):
            code = self.template["Resources"][f"PaymentRelay{relay}"]["Properties"]["CodeUri"]
            self.assertEqual(code, f"functions/payment-relay{folder}/")

    def test_relays_have_the_same_mapping_to_the_payments_table(self):
        mappings = []
        for given in ({}, hubs.MSK, hubs.RABBITMQ):
            stack = deployed.translate(self.template, **given)
            (mapping,) = (it for name, it, _ in stack.of(MAPPING) if name.startswith("PaymentRelay"))
            mappings.append(mapping | {"FunctionName": None})
        self.assertEqual(mappings, [mappings[0]] * 3)

    def test_each_mapping_connects_to_its_hub(self):
        scram = ("SASL_SCRAM_512_AUTH", hubs.SECRET)
        for given, expected in (
            (hubs.MSK, []),
            (hubs.MSK_SCRAM, [scram]),
            (hubs.UNPROTECTED, []),
            (hubs.SELF_MANAGED, [
                scram, ("SERVER_ROOT_CA_CERTIFICATE", hubs.CA), ("VPC_SUBNET", "subnet:subnet-0a"),
                ("VPC_SUBNET", "subnet:subnet-0b"), ("VPC_SUBNET", "subnet:subnet-0c"),
                ("VPC_SECURITY_GROUP", "security_group:sg-0a"), ("VPC_SECURITY_GROUP", "security_group:sg-0b")]),
            (hubs.SELF_MANAGED | {"HubSubnetIds": "subnet-0a", "HubSecurityGroupIds": "sg-0a", "HubCaSecretArn": ""}, [
                scram, ("VPC_SUBNET", "subnet:subnet-0a"), ("VPC_SECURITY_GROUP", "security_group:sg-0a")]),
            (hubs.RABBITMQ, [("BASIC_AUTH", hubs.SECRET), ("VIRTUAL_HOST", "/")]),
        ):
            with self.subTest(given):
                stack = deployed.translate(self.template, **given)
                (mapping,) = (it for name, it, _ in stack.of(MAPPING) if name.startswith("OrderProjector"))
                access = mapping.get("SourceAccessConfigurations", [])
                self.assertEqual([(it["Type"], stack.text(it["URI"])) for it in access], expected)
                self.assertEqual("SourceAccessConfigurations" in mapping, expected != [])

    def test_a_relay_is_in_the_vpc_only_if_there_is_one(self):
        for given, subnets in ((hubs.MSK, ["subnet-0a", "subnet-0b"]), (hubs.UNPROTECTED, None)):
            stack = deployed.translate(self.template, **given)
            network = stack.resources["PaymentRelayKafka"]["Properties"].get("VpcConfig")
            self.assertEqual(network and stack.texts(network["SubnetIds"]), subnets)
            self.assertNotIn("VpcConfig", stack.resources["OrderProjector"]["Properties"])

    def test_a_missing_parameter_is_an_error_that_names_it(self):
        stack = deployed.translate(self.template)
        self.assertEqual([*stack.broken_rules()], [])
        for given, expected in MISSING:
            with self.subTest(given):
                broken = [*deployed.translate(self.template, **given).broken_rules()]
                self.assertTrue(any(expected in it for it in broken), broken)
        self.assertEqual(self.template["Parameters"]["Hub"]["AllowedValues"], ["kinesis", "kafka", "rabbitmq"])


class Updates(unittest.TestCase):
    def test_an_update_of_a_kinesis_stack_replaces_nothing(self):
        self.assertEqual([*replacement.replaced(deployed.translate(deployed.read()))], [])

    def test_a_replacement_is_detected(self):
        def rename(template):
            template["Resources"]["Renamed"] = template["Resources"].pop("PaymentRelayPaymentChanged")

        projector = "OrderProjectorPaymentPublished"
        for change, expected in (
            (rename, "PaymentRelayPaymentChanged: deleted"),
            (properties(projector, "StartingPosition", value="LATEST"), f"{projector}: StartingPosition changes"),
            (properties(projector, "BatchSize", value=100), f"{projector}: BatchSize changes"),
            (properties("OrdersTable", "TableName", value="orders"), "OrdersTable: TableName changes"),
            (edit("FailuresBucket", "Type", value="AWS::SQS::Queue"), "FailuresBucket: replaced by a AWS::SQS::Queue"),
        ):
            with self.subTest(expected):
                broken = copy.deepcopy(deployed.read())
                if expected == "PaymentRelayPaymentChanged: deleted":
                    broken["Resources"]["Monitor"]["Properties"]["Parameters"].pop("RelayMapping")
                change(broken)
                self.assertIn(expected, [*replacement.replaced(deployed.translate(broken))])


if __name__ == "__main__":
    unittest.main()
