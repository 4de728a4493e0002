"""Constraints that JSON Schema cannot express. Schemathesis must not expect requests that break them to be accepted."""

import re

import schemathesis


def is_whole_with_fraction(value) -> bool:
    """1299.0 is an integer in JSON Schema. The APIs reject it: they never read money as floating point."""
    return isinstance(value, float) and value.is_integer()


def anywhere(value, found) -> bool:
    if isinstance(value, dict):
        return any(anywhere(member, found) for member in value.values())
    if isinstance(value, list):
        return any(anywhere(member, found) for member in value)
    return found(value)


def lines_add_up(lines) -> bool:
    """True if all lines have one currency, and their total fits in 64 bits."""
    try:
        currencies = {line["unit_price"]["currency"] for line in lines}
        total = sum(line["quantity"] * line["unit_price"]["minor"] for line in lines)
    except (KeyError, TypeError):
        # The lines are malformed in another way, and must be rejected.
        return True
    return len(currencies) <= 1 and (not isinstance(total, int) or total < 2**63)


def passes_luhn(digits) -> bool:
    doubled = [int(digit) * (1 + place % 2) for place, digit in enumerate(reversed(digits))]
    return sum(number - 9 if number > 9 else number for number in doubled) % 10 == 0


def looks_like_a_card_number(value) -> bool:
    """True for every number that is rejected (docs/api/problems/card-number.md), and for some that are not: the issuer's
    prefix is not looked at."""
    if isinstance(value, bool) or not isinstance(value, (str, int)):
        return False
    digits = re.findall(r"[0-9]+(?:[ -][0-9]+)*", str(value))
    runs = (run for group in digits for run in (group, re.sub("[ -]", "", group)))
    return any(run.isdigit() and 14 <= len(run) <= 19 and passes_luhn(run) for run in runs)


@schemathesis.hook
def filter_headers(context, headers) -> bool:
    return not anywhere(dict(headers or {}), looks_like_a_card_number)


@schemathesis.hook
def filter_path_parameters(context, parameters) -> bool:
    return not anywhere(dict(parameters or {}), looks_like_a_card_number)


def looks_like_a_cursor(value) -> bool:
    """A cursor that the API did not return is rejected, even if it has the characters of one. Numbers occur too."""
    return value is not None and re.fullmatch("[A-Za-z0-9_-]{1,2048}", str(value)) is not None


@schemathesis.hook
def filter_query(context, query) -> bool:
    return not anywhere(dict(query or {}), looks_like_a_card_number)


@schemathesis.hook
def filter_case(context, case) -> bool:
    # The coverage phase does not call filter_query.
    return not looks_like_a_cursor(dict(case.query or {}).get("cursor"))


@schemathesis.hook
def filter_body(context, body) -> bool:
    if anywhere(body, lambda value: is_whole_with_fraction(value) or looks_like_a_card_number(value)):
        return False
    return not isinstance(body, dict) or not isinstance(body.get("lines"), list) or lines_add_up(body["lines"])
