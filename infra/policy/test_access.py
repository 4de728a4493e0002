"""Checks docs/access.md: its IAM policies allow the routes that they are for and no others, and it names every scope."""

import fnmatch
import json
import re
import unittest

import deployed
import rules

PAGE = (deployed.ROOT / "docs/access.md").read_text()
POLICIES = [json.loads(block) for block in re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)]
READING = {
    "GET /payments",
    "GET /payments/{payment_id}",
    "GET /orders/{order_id}",
    "GET /orders/{order_id}/payments",
}
ALLOWED = {
    "client": READING | {"POST /payments", "POST /orders"},
    "back office": READING | {f"POST /payments/{{payment_id}}/{step}" for step in ("capture", "void", "refund")},
    "reader": READING,
}


def routes():
    """Routes that serve requests, of both APIs, each with the ARN's part of a request to it."""
    for api in ("PAYMENTS", "ORDERS"):
        document = deployed.read(deployed.ROOT / f"infra/api/{api.lower()}.yaml")
        for path, item in document["paths"].items():
            operations = item["Fn::If"][1] if "Fn::If" in item else item
            for method in operations.keys() & rules.METHODS - {"options", "x-amazon-apigateway-any-method"}:
                yield f"{method.upper()} {path}", f"{api}/{method.upper()}{re.sub('{.*?}', 'some-id', path)}"


def allows(pattern, request):
    return fnmatch.fnmatchcase(request, re.sub(r"^arn:aws:execute-api:[\w-]+:\d{12}:", "", pattern))


class Access(unittest.TestCase):
    def test_each_policy_allows_its_routes_and_no_others(self):
        self.assertEqual(len(POLICIES), len(ALLOWED))
        for policy, (name, expected) in zip(POLICIES, ALLOWED.items()):
            (statement,) = policy["Statement"]
            self.assertEqual((statement["Effect"], statement["Action"]), ("Allow", "execute-api:Invoke"))
            with self.subTest(name):
                allowed = {route for route, request in routes() if any(allows(it, request) for it in statement["Resource"])}
                self.assertEqual(allowed, expected)
                for pattern in statement["Resource"]:
                    self.assertTrue(any(allows(pattern, request) for _, request in routes()), f"{pattern} allows no route")

    def test_every_route_has_scopes_and_every_scope_is_documented(self):
        self.assertEqual(rules.SCOPES.keys(), {route for route, _ in routes()} - {"POST /sync/orders"})
        table = PAGE[PAGE.index("## Scopes of tokens"):PAGE.index("## Owners of payments")]
        documented = set(re.findall(r"^\| `(paystream/[\w.-]+)` \|", table, re.MULTILINE))
        self.assertEqual(documented, set().union(*rules.SCOPES.values()))
        names = {f"paystream/{name}" for name in re.findall(r"ScopeName=([\w.-]+)", table)}
        self.assertEqual(names, documented)


if __name__ == "__main__":
    unittest.main()
