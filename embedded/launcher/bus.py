"""Sends events of AWS services to the default event bus."""

import json
from typing import Any

from ministack.services import eventbridge


def put_event(source: str, kind: str, resource: str, detail: dict[str, Any]) -> None:
    """Put an event of a service (`aws.states`) about a resource (its ARN) on the bus."""
    entry = {
        "Source": source,
        "DetailType": kind,
        "Detail": json.dumps(detail),
        "Resources": [resource],
    }
    eventbridge._put_events({"Entries": [entry]}, allow_aws_source=True)
