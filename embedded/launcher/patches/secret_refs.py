"""Upstream: Ref of a secret is its name; on AWS it is its ARN.

A policy whose Resource is such a Ref would name no ARN, and so allow nothing.
"""

from collections.abc import Mapping
from typing import Any

from ministack.services import secretsmanager
from ministack.services.cloudformation import provisioners

EXPECTS = {
    "services.cloudformation.provisioners:_sm_secret_create": "0bae0110fce2",
    "services.cloudformation.provisioners:_sm_secret_update": "e87220a5ff35",
    "services.cloudformation.provisioners:_sm_secret_delete": "4ff615ac8289",
}

_TYPE = "AWS::SecretsManager::Secret"

Properties = Mapping[str, Any]
Created = tuple[str, dict[str, str]]


def _name(physical_id: str) -> str:
    """Upstream's name for a secret; stacks from before this patch already store the name."""
    found = (s["Name"] for s in secretsmanager._secrets.values() if s["ARN"] == physical_id)
    return next(found, physical_id)


def apply() -> None:
    handlers = provisioners._RESOURCE_HANDLERS[_TYPE]
    create_secret, update_secret = handlers["create"], handlers["update"]
    delete_secret = handlers["delete"]

    def create(logical_id: str, properties: Properties, stack: str) -> Created:
        _, attributes = create_secret(logical_id, properties, stack)
        return attributes["Arn"], attributes

    def update(
        physical_id: str, old: Properties, new: Properties, stack: str, logical_id: str
    ) -> Created:
        _, attributes = update_secret(_name(physical_id), old, new, stack, logical_id)
        return attributes["Arn"], attributes

    def delete(physical_id: str, properties: Properties) -> None:
        delete_secret(_name(physical_id), properties)

    provisioners._RESOURCE_HANDLERS[_TYPE] = {
        **handlers,
        "create": create,
        "update": update,
        "delete": delete,
    }
