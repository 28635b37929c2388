"""Upstream: a mapping that a template creates disabled has the state Enabled.

It does not run. A client that checks the state before enabling it, like the promotion of a model,
would leave it disabled.
"""

from collections.abc import Mapping
from typing import Any

from ministack.services import lambda_svc
from ministack.services.cloudformation import provisioners

EXPECTS = {"services.cloudformation.provisioners:_lambda_esm_create": "f053a4e8c30c"}

_TYPE = "AWS::Lambda::EventSourceMapping"

Properties = Mapping[str, Any]


def apply() -> None:
    handlers = provisioners._RESOURCE_HANDLERS[_TYPE]
    create_mapping = handlers["create"]

    def create(logical_id: str, properties: Properties, stack: str) -> tuple[str, dict[str, str]]:
        mapping_id, attributes = create_mapping(logical_id, properties, stack)
        # A template may have "false" or false.
        if str(properties.get("Enabled", True)).lower() == "false":
            lambda_svc._esms[mapping_id].update(Enabled=False, State="Disabled")
        return mapping_id, attributes

    provisioners._RESOURCE_HANDLERS[_TYPE] = {**handlers, "create": create}
