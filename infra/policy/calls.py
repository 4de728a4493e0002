"""Prints the IAM actions that CloudFormation calls for the resource types of the templates, from its resource schemas."""

import deployed
from cfnlint.schema import PROVIDER_SCHEMA_MANAGER
from test_template import STACKS


def types():
    template = deployed.read()
    stacks = [deployed.translate(template, **given) for given in STACKS]
    watching = [deployed.monitoring(ApiFlavour=flavour, AlarmEmail="someone@example.com") for flavour in ("rest", "http")]
    return {resource["Type"] for it in stacks + watching for resource in it.resources.values()}


def calls(kind):
    handlers = PROVIDER_SCHEMA_MANAGER.get_resource_schema("us-east-1", kind).schema.get("handlers", {})
    # The list handler is used to import existing resources only.
    return {action for name, handler in handlers.items() if name != "list" for action in handler.get("permissions", [])}


if __name__ == "__main__":
    print("\n".join(sorted(set().union(*map(calls, types())))))
