"""Prints the actions that CloudFormation calls, as it says itself, for every type of resource that a stack may have."""

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
    # Listing is for those who take over what others have made.
    return {action for name, handler in handlers.items() if name != "list" for action in handler.get("permissions", [])}


if __name__ == "__main__":
    print("\n".join(sorted(set().union(*map(calls, types())))))
