"""The template as deployed: files included, translated by SAM, and conditions evaluated for given parameters."""

import copy
import json
import logging
import os
import pathlib
import re

from samcli.yamlhelper import yaml_parse
from samtranslator.parser.parser import Parser
from samtranslator.translator.translator import Translator

ROOT = pathlib.Path(__file__).resolve().parents[2]
os.environ.setdefault("AWS_DEFAULT_REGION", "eu-central-1")
# The translator logs its usage metrics.
logging.disable()


def read(path=ROOT / "template.yaml"):
    """Reads a template and its included files."""
    return _include(yaml_parse(path.read_text()), path.parent)


def _include(node, directory):
    if isinstance(node, list):
        return [_include(item, directory) for item in node]
    if not isinstance(node, dict):
        return node
    if "Fn::Transform" in node:
        return yaml_parse((directory / node["Fn::Transform"]["Parameters"]["Location"]).read_text())
    return {key: _include(value, directory) for key, value in node.items()}


def translate(template, **given):
    """Translates a template to the resources that CloudFormation creates with these parameters."""
    # SAM modifies its input.
    copied = copy.deepcopy(template)
    for resource in copied["Resources"].values():
        if resource["Type"] == "AWS::Serverless::Function":
            resource["Properties"]["CodeUri"] = "s3://bucket/key"
    # A round trip through JSON, because the translated template may share objects.
    translated = json.loads(json.dumps(Translator({}, Parser()).translate(copied, {})))
    return Deployed(translated, given, template)


def monitoring(**given):
    """The resources of infra/monitoring.yaml, which is a plain CloudFormation template."""
    written = yaml_parse((ROOT / "infra/monitoring.yaml").read_text())
    return Deployed(written, given, written)


class Deployed:
    """Resources whose condition holds, with every `Fn::If` evaluated, and the template as written."""

    def __init__(self, translated, given, written):
        parameters = {name: declared.get("Default") for name, declared in translated["Parameters"].items()}
        assert given.keys() <= parameters.keys(), f"no such parameter: {given.keys() - parameters.keys()}"
        self.parameters = {name: str(value) for name, value in (parameters | given).items()}
        self._conditions = translated["Conditions"]
        self.written = written
        self.resources = self._existing(translated["Resources"])
        self.outputs = self._existing(translated.get("Outputs", {}))

    def of(self, kind):
        """Logical id, properties and whole resource, for each resource of a type."""
        return [(name, it.get("Properties", {}), it) for name, it in self.resources.items() if it["Type"] == kind]

    def _existing(self, section):
        return {
            name: self._decide(entry)
            for name, entry in section.items()
            if "Condition" not in entry or self._holds({"Condition": entry["Condition"]})
        }

    def _holds(self, node):
        ((function, value),) = node.items()
        match function:
            case "Condition":
                return self._holds(self._conditions[value])
            case "Fn::Equals":
                left, right = map(self.text, value)
                return left == right
            case "Fn::Not":
                return not self._holds(value[0])
            case "Fn::And":
                return all([self._holds(it) for it in value])
            case "Fn::Or":
                return any([self._holds(it) for it in value])
        raise ValueError(f"unsupported condition function: {function}")

    def text(self, node):
        """Text of a value that depends on parameters only."""
        if not isinstance(node, dict):
            return str(node)
        ((function, value),) = node.items()
        match function:
            case "Ref":
                return self.parameters[value]
            case "Fn::Sub":
                pattern, variables = (value, {}) if isinstance(value, str) else value
                values = self.parameters | {name: self.text(it) for name, it in variables.items()}
                return re.sub(r"\$\{(\w+)\}", lambda name: values[name[1]], pattern)
            case "Fn::Join":
                return value[0].join(self.texts(value[1]))
            case "Fn::Select":
                return self.texts(value[1])[int(value[0])]
        raise ValueError(f"unsupported function: {function}")

    def texts(self, node):
        """Texts of a list, or of a text that is split."""
        if isinstance(node, dict):
            delimiter, text = node["Fn::Split"]
            return self.text(text).split(delimiter)
        return [self.text(it) for it in node]

    def broken_rules(self):
        """Descriptions of the assertions of the section Rules that these parameters break."""
        for rule in self.written["Rules"].values():
            if self._holds(rule["RuleCondition"]):
                for assertion in rule["Assertions"]:
                    if not self._holds(assertion["Assert"]):
                        yield assertion["AssertDescription"]

    def _decide(self, node):
        if isinstance(node, list):
            return [it for it in map(self._decide, node) if it != {"Ref": "AWS::NoValue"}]
        if not isinstance(node, dict):
            return node
        if node.keys() == {"Fn::If"}:
            condition, yes, no = node["Fn::If"]
            return self._decide(yes if self._holds({"Condition": condition}) else no)
        decided = {key: self._decide(value) for key, value in node.items()}
        return {key: value for key, value in decided.items() if value != {"Ref": "AWS::NoValue"}}
