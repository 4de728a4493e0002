"""What JSON Schema cannot say of a request: schemathesis is not to send it as one that must be accepted."""

import schemathesis


def is_whole_with_fraction(value) -> bool:
    """1299.0 is an integer to JSON Schema. To us it is not: money is never read as floating point."""
    return isinstance(value, float) and value.is_integer()


def anywhere(value, found) -> bool:
    if isinstance(value, dict):
        return any(anywhere(member, found) for member in value.values())
    if isinstance(value, list):
        return any(anywhere(member, found) for member in value)
    return found(value)


def lines_add_up(lines) -> bool:
    """All in one currency, and what they come to can be counted."""
    try:
        currencies = {line["unit_price"]["currency"] for line in lines}
        total = sum(line["quantity"] * line["unit_price"]["minor"] for line in lines)
    except (KeyError, TypeError):
        # It is wrong in another way, which must be refused.
        return True
    return len(currencies) <= 1 and (not isinstance(total, int) or total < 2**63)


@schemathesis.hook
def filter_body(context, body) -> bool:
    if anywhere(body, is_whole_with_fraction):
        return False
    return not isinstance(body, dict) or not isinstance(body.get("lines"), list) or lines_add_up(body["lines"])
