"""Upstream: a schedule accepts any numbers, and a template's new rule any text.

EventBridge rejects `cron(61 2 * * ? *)` and `rate(1 hours)` with "Parameter ScheduleExpression is
not valid." (its user guide, "Schedule expressions"), also when CloudFormation makes the rule.
"""

import re
from collections.abc import Mapping
from typing import Any

from ministack.services import eventbridge
from ministack.services.cloudformation import provisioners

EXPECTS = {
    "services.eventbridge:_validate_schedule_expression": "ff92584047a2",
    "services.eventbridge:_parse_cron_fields": "c88b90c1864d",
    "services.cloudformation.provisioners:_eb_rule_create": "f6821fbd1768",
}

_RATE = re.compile(r"rate\((1 (minute|hour|day)|([2-9]|[1-9]\d+) (minutes|hours|days))\)")

# Minutes, hours, days of the month, months, days of the week, years.
_RANGES = ((0, 59), (0, 23), (1, 31), (1, 12), (1, 7), (1970, 2199))


def _in_range(expression: str) -> bool:
    if not expression.startswith("cron("):
        return _RATE.fullmatch(expression) is not None
    fields = eventbridge._parse_cron_fields(expression)
    if fields is None:
        return False
    for field, (least, most) in zip(fields, _RANGES, strict=False):
        values = field["days"] if isinstance(field, dict) else field
        if values and not (least <= min(values) and max(values) <= most):
            return False
    return True


def apply() -> None:
    is_valid = eventbridge._validate_schedule_expression
    rule = provisioners._RESOURCE_HANDLERS["AWS::Events::Rule"]
    create = rule["create"]

    def validate(expression: str) -> bool:
        return is_valid(expression) and (not expression or _in_range(expression))

    def create_rule(logical_id: str, properties: Mapping[str, Any], stack: str) -> Any:
        if not validate(properties.get("ScheduleExpression", "")):
            raise ValueError("Parameter ScheduleExpression is not valid.")
        return create(logical_id, properties, stack)

    eventbridge._validate_schedule_expression = validate
    provisioners._RESOURCE_HANDLERS["AWS::Events::Rule"] = {**rule, "create": create_rule}
