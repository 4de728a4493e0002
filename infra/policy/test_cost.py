"""Tests of infra/cost, with usage and prices that allow mental arithmetic."""

import importlib.util
import subprocess
import sys
import tomllib
import unittest
from importlib.machinery import SourceFileLoader

import deployed

COST = deployed.ROOT / "infra/cost"
loader = SourceFileLoader("cost", str(COST))
sys.dont_write_bytecode = True
cost = importlib.util.module_from_spec(importlib.util.spec_from_loader("cost", loader))
loader.exec_module(cost)

PRICES = {
    "lambda": {"request_million": 0.2, "gb_second_arm64": 0.00001},
    "dynamodb": {"write_unit_million": 0.5, "read_unit_million": 0.1},
    "kinesis": {"shard_hour": 0.02, "payload_unit_million": 0.01, "on_demand_stream_hour": 0.04,
                "on_demand_gb_in": 0.08, "on_demand_gb_out": 0.04},
    "kafka_pollers": {"unit_hour": 0.2, "pollers_of_a_unit": 10},
    "api_gateway": {"rest_request_million": 3.5, "http_request_million": 1.0},
}
USAGE = {
    "apis": {"PaymentsApi": {"POST /payments": 2, "GET /payments": 1}},
    "functions": {
        "PaymentApi": {
            "invocations": 3, "billed_ms": 500, "memory_mb": 512,
            "dynamodb": {"PaymentsTable": {"write_units": 4, "read_units": 1.5}},
            "kinesis": {"PaymentStream": {"records": 1, "payload_units": 2, "kilobytes": 1048.576}},
        }
    },
}


class Cost(unittest.TestCase):
    def test_usage_is_billed_per_million_by_category(self):
        bill = cost.per_million(USAGE, PRICES, "rest", "provisioned")
        expected = {"requests": 10.5, "functions": 3 * 0.2 + 0.25 * 10, "tables": 4 * 0.5 + 1.5 * 0.1, "stream": 0.02}
        self.assertEqual(bill.keys(), expected.keys())
        for name, value in expected.items():
            self.assertAlmostEqual(bill[name], value, msg=name)

    def test_api_flavour_and_stream_mode_change_their_category(self):
        rest, http = (cost.per_million(USAGE, PRICES, api, "on-demand") for api in ("rest", "http"))
        self.assertAlmostEqual(rest["requests"] - http["requests"], 3 * 2.5)
        self.assertAlmostEqual(http["stream"], 1000 * 0.12)
        self.assertAlmostEqual(cost.stream_hours(PRICES, "provisioned", 3), 3 * 14.6)
        self.assertAlmostEqual(cost.stream_hours(PRICES, "on-demand", 3), 29.2)

    def test_pollers_of_kafka_are_billed_in_units_also_while_idle(self):
        for pollers, units in ((1, 1), (10, 1), (11, 2), (200, 20)):
            self.assertAlmostEqual(cost.poller_hours(PRICES, pollers), units * 146, msg=pollers)

    def test_the_recovery_is_billed_by_windows_and_at_most_for_all_the_time(self):
        self.assertAlmostEqual(cost.recovery(PRICES, 60, 300), 43_800 / 1e6 * 0.2 + 43_800 * 0.3 * 0.125 * 0.00001)
        # A month of 128 MB.
        self.assertAlmostEqual(cost.recovery(PRICES, 60, None) - 43_800 / 1e6 * 0.2, 730 * 3600 * 0.125 * 0.00001)
        template = deployed.read()["Resources"]["PaymentRecovery"]["Properties"]
        self.assertEqual(cost.RECOVERY_MEMORY_MB, template["MemorySize"])

    def test_the_price_of_a_broker_is_added_to_its_hub_only(self):
        ran = subprocess.run([COST, "--kafka-pollers", "11", "--broker-month", "100"], capture_output=True, text=True, timeout=30)
        hub = ran.stdout.split("Hourly cost of the hub")[1].split("\n\n")[0]
        months = {line[:34].strip(): float(line.split()[-2]) for line in hub.splitlines()[2:]}
        self.assertEqual(months, {"kinesis, provisioned, 1 shards": 10.95, "kinesis, on-demand": 29.2,
                                  "kafka, 11 pollers": 370.1, "rabbitmq": 100})

    def test_every_price_table_has_its_region_date_and_source(self):
        for name, prices in tomllib.loads((deployed.ROOT / "infra/prices.toml").read_text()).items():
            self.assertLessEqual({"region", "date", "source"}, prices.keys(), name)

    def test_errors_name_the_file(self):
        ran = subprocess.run([COST, "--prices", "gone.toml"], capture_output=True, text=True, timeout=30)
        self.assertEqual((ran.returncode, ran.stdout), (1, ""))
        self.assertIn("error: gone.toml: ", ran.stderr)
        for invalid in (["--payments-a-second", "0"], ["--kafka-pollers", "0"], ["--broker-month", "-1"], ["--broker-month", "nan"],
                        ["--recovery-window", "0"], ["--recovery-ms", "0"]):
            ran = subprocess.run([COST, *invalid], capture_output=True, text=True, timeout=30)
            self.assertEqual(ran.returncode, 2, invalid)


if __name__ == "__main__":
    unittest.main()
