"""Resources that an update of an existing Kinesis stack would replace or delete.

CloudFormation replaces a resource if its logical id, its type or a create-only property changes. A replaced event source
mapping reads its stream from the beginning, and a replaced table is empty. kinesis-stack.json has these values of the
stacks that exist, for default parameters; it changes only with a documented migration. This writes it:

    python infra/policy/replacement.py > infra/policy/kinesis-stack.json
"""

import json

import deployed
from cfnlint.schema import PROVIDER_SCHEMA_MANAGER

KNOWN = deployed.ROOT / "infra/policy/kinesis-stack.json"
MAPPING = "AWS::Lambda::EventSourceMapping"
# SAM creates a deployment for each change of an API.
REPLACED_BY_SAM = {"AWS::ApiGateway::Deployment"}


def identities(stack):
    """Type and create-only properties of each resource. Of mappings, which SAM wrote once, all properties."""
    return {
        name: {"Type": resource["Type"], "Properties": _kept(resource["Type"], resource.get("Properties", {}))}
        for name, resource in sorted(stack.resources.items())
        if resource["Type"] not in REPLACED_BY_SAM
    }


def _kept(kind, properties):
    if kind == MAPPING:
        return properties
    schema = PROVIDER_SCHEMA_MANAGER.get_resource_schema("us-east-1", kind).schema
    paths = schema.get("createOnlyProperties", []) + schema.get("conditionalCreateOnlyProperties", [])
    names = {path.split("/")[2] for path in paths}
    return {name: value for name, value in properties.items() if name in names}


def replaced(stack):
    """One message for each resource of the known stack that this stack lacks or replaces."""
    now = identities(stack)
    for name, known in json.loads(KNOWN.read_text()).items():
        if name not in now:
            yield f"{name}: deleted"
        elif now[name]["Type"] != known["Type"]:
            yield f"{name}: replaced by a {now[name]['Type']}"
        else:
            for key in sorted(known["Properties"].keys() | now[name]["Properties"].keys()):
                if known["Properties"].get(key) != now[name]["Properties"].get(key):
                    yield f"{name}: {key} changes"


if __name__ == "__main__":
    print(json.dumps(identities(deployed.translate(deployed.read())), indent=1))
