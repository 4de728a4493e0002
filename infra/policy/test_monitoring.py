"""Checks alarms and dashboard against the metrics of functions and AWS, and the runbooks in docs/operating.md."""

import json
import re
import unittest

import deployed
import hubs

# Metrics of AWS in use, by namespace and dimension.
OF_AWS = {
    ("AWS/Lambda", "FunctionName"): {"ConcurrentExecutions", "Duration", "Errors", "IteratorAge", "OffsetLag", "Throttles"},
    ("AWS/Lambda", "EventSourceMappingUUID"): {"OnFailureDestinationDeliveredEventCount", "ProvisionedPollers"},
    ("AWS/Kinesis", "StreamName"): {
        "IncomingRecords", "ReadProvisionedThroughputExceeded", "WriteProvisionedThroughputExceeded",
    },
    ("AWS/ApiGateway", "ApiName"): {"5XXError", "Count", "Latency"},
    ("AWS/ApiGateway", "ApiId"): {"5xx", "Count", "Latency"},
}
# With and without synchronous orders, with HTTP APIs, and with each hub.
SYSTEMS = [{}, {"SynchronousOrders": "never"}, {"ApiFlavour": "http"}, hubs.MSK, hubs.SELF_MANAGED, hubs.RABBITMQ]
WHAT_TO_DO = (deployed.ROOT / "docs/operating.md").read_text().split("## When an alarm goes off")[1].split("\n## ")[0]


def emitted(function, package):
    """Metrics that the source of a function emits. Those of the relays are in a crate that they share."""
    package = "crates/outbox-relay" if function.startswith("PaymentRelay") else package
    source = "".join(path.read_text() for path in sorted((deployed.ROOT / package / "src").rglob("*.rs")))
    counts = re.findall(r"\.count\(&\[(.*?)\]\)", source, re.DOTALL)
    return {*re.findall(r'\.milliseconds\("(\w+)"', source), *re.findall(r'\("(\w+)",', "".join(counts))}


class System:
    """A stack, and its monitoring stack with the parameters that it passes."""

    def __init__(self, template, given):
        self.parameters = str(given)
        self.stack = deployed.translate(template, **given)
        self.given = self.stack.resources["Monitor"]["Properties"]["Parameters"]
        same = {name: self.stack.parameters[name] for name in ("ApiFlavour", "Hub")}
        self.watching = deployed.monitoring(**same, SyncOrderApi=json.dumps(self.given["SyncOrderApi"]).strip('"'))
        self.alarms = {name: properties for name, properties, _ in self.watching.of("AWS::CloudWatch::Alarm")}

    def functions(self):
        """Metrics emitted by each function."""
        return {name: emitted(name, self.stack.written["Resources"][name]["Properties"]["CodeUri"])
                for name, *_ in self.stack.of("AWS::Lambda::Function")}

    def alarmed(self):
        """Namespace, metric, dimension and watched resource of each alarm."""
        for properties in self.alarms.values():
            of_expression = (it["MetricStat"]["Metric"] for it in properties.get("Metrics", []) if "MetricStat" in it)
            for metric in [properties] if "MetricName" in properties else of_expression:
                ((name, value),) = (dimension.values() for dimension in metric["Dimensions"])
                yield metric["Namespace"], metric["MetricName"], name, value["Ref"]

    def shown(self):
        """The same for each metric on the dashboard."""
        ((_, properties, _),) = self.watching.of("AWS::CloudWatch::Dashboard")
        text, values = properties["DashboardBody"]["Fn::Sub"]
        for name, value in values.items():
            text = text.replace(f"${{{name}}}", value["Fn::Sub"] if isinstance(value, dict) else value)
        for widget in json.loads(re.sub(r"\$\{([\w:]+)\}", r"\1", text))["widgets"]:
            for line in widget["properties"]["metrics"]:
                yield tuple(line[:4])


class Monitoring(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        template = deployed.read()
        cls.systems = [System(template, given) for given in SYSTEMS]

    def test_every_metric_exists_for_the_resource_it_watches(self):
        telemetry = (deployed.ROOT / "crates/telemetry/src/metrics.rs").read_text()
        namespace = re.search(r'METRICS_NAMESPACE: &str = "(\w+)"', telemetry)[1]
        self.assertIn('"Dimensions": [["FunctionName"]]', telemetry)
        for system in self.systems:
            with self.subTest(system.parameters):
                own = {(name, metric) for name, metrics in system.functions().items() for metric in metrics}
                for space, metric, dimension, watched in {*system.alarmed(), *system.shown()}:
                    if space == namespace:
                        self.assertEqual(dimension, "FunctionName")
                        self.assertIn((system.given[watched]["Ref"], metric), own)
                    else:
                        self.assertIn(metric, OF_AWS[space, dimension])

    def test_every_watched_resource_exists_in_the_stack(self):
        for system in self.systems:
            with self.subTest(system.parameters):
                resources = system.stack.resources
                apis = [properties["Name"] for _, properties, _ in system.stack.of("AWS::ApiGateway::RestApi")]
                for _, _, dimension, watched in {*system.alarmed(), *system.shown()}:
                    if dimension == "ApiName":
                        self.assertIn(system.given[watched], apis)
                    else:
                        self.assertEqual(resources[system.given[watched]["Ref"]]["Type"], {
                            "FunctionName": "AWS::Lambda::Function",
                            "EventSourceMappingUUID": "AWS::Lambda::EventSourceMapping",
                            "StreamName": "AWS::Kinesis::Stream",
                            "ApiId": "AWS::ApiGatewayV2::Api",
                        }[dimension])

    def test_every_function_is_watched_for_errors_and_throttles(self):
        for system in self.systems:
            with self.subTest(system.parameters):
                wanted = {(metric, name) for name in system.functions() for metric in ("Errors", "Throttles")}
                for watched in (system.alarmed(), system.shown()):
                    found = {(metric, system.given[of]["Ref"]) for _, metric, by, of in watched if by == "FunctionName"}
                    self.assertEqual(wanted - found, set())

    def test_mappings_enable_the_metric_of_their_on_failure_destination(self):
        metric = "OnFailureDestinationDeliveredEventCount"
        for system in self.systems:
            with self.subTest(system.parameters):
                alarmed, shown = ({system.given[of]["Ref"] for _, name, _, of in watched if name == metric}
                                  for watched in (system.alarmed(), system.shown()))
                for name, properties, _ in system.stack.of("AWS::Lambda::EventSourceMapping"):
                    expected = {"Metrics": ["EventCount"]} if "DestinationConfig" in properties else None
                    self.assertEqual(properties.get("MetricsConfig"), expected, name)
                    self.assertEqual([name in alarmed, name in shown], [expected is not None] * 2, name)

    def test_every_expression_of_an_alarm_uses_its_metrics(self):
        for system in self.systems:
            with self.subTest(system.parameters):
                for name, properties in system.alarms.items():
                    expressions = [it["Expression"] for it in properties.get("Metrics", []) if "Expression" in it]
                    ids = {it["Id"] for it in properties.get("Metrics", []) if "MetricStat" in it}
                    self.assertEqual({word for it in expressions for word in re.findall(r"\b[a-z]\w*", it)}, ids, name)

    def test_every_alarm_has_a_runbook_and_every_runbook_an_alarm(self):
        named = set()
        for system in self.systems:
            with self.subTest(system.parameters):
                for properties in system.alarms.values():
                    name = properties["AlarmName"]["Fn::Sub"].removeprefix("${System}-")
                    runbook = f". See the runbook in docs/operating.md, {name}."
                    self.assertTrue(properties["AlarmDescription"].endswith(runbook), name)
                    named.add(name)
        rows = re.findall(r"^\| (`[^|]+`) \|", WHAT_TO_DO, re.MULTILINE)
        self.assertEqual(named, {name for row in rows for name in re.findall(r"`([\w-]+)`", row)})

    def test_every_emitted_metric_is_documented(self):
        for name in set().union(*self.systems[0].functions().values()):
            self.assertIn(f"`{name}`", WHAT_TO_DO)


if __name__ == "__main__":
    unittest.main()
