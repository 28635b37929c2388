"""Upstream: some of this stack's types are unknown, and an unknown type fails the change set.

AWS::Athena::NamedQuery, AWS::Glue::SecurityConfiguration and AWS::SecretsManager::ResourcePolicy
are created through ministack's own services; the types of embedded/launcher/left_out.py are
accepted but create nothing.
"""

import json
from collections.abc import Callable, Mapping
from typing import Any

from ministack.services import athena, glue, secretsmanager
from ministack.services.cloudformation import provisioners

from embedded.launcher.left_out import LEFT_OUT, LeftOut

EXPECTS = {
    "services.cloudformation.provisioners:_provision_resource": "3b8f01fb1871",
    "services.cloudformation.provisioners:_delete_resource": "9e9ba54fb428",
    "services.cloudformation.provisioners:_update_resource": "21b9b1207f59",
    "services.cloudformation.engine:validate_template_support": "7c997894cac1",
}

# (physical id, attributes of Fn::GetAtt)
Created = tuple[str, dict[str, str]]
Properties = Mapping[str, Any]


def _handlers(
    create: Callable[[str, Properties, str], Created], delete: Callable[[str, Properties], None]
) -> dict[str, Any]:
    """Handlers of a type whose every property requires replacement."""

    def update(
        physical_id: str, old: Properties, new: Properties, stack: str, logical_id: str
    ) -> Created:
        delete(physical_id, old)
        return create(logical_id, new, stack)

    return {"create": create, "update": update, "update_with_logical_id": True, "delete": delete}


def _nothing(entry: LeftOut) -> dict[str, Any]:
    def create(logical_id: str, properties: Properties, _stack: str) -> Created:
        name = str(properties.get(entry.named_by) or logical_id)
        return name, {key: text.format(id=name) for key, text in entry.attributes.items()}

    return _handlers(create, lambda _physical_id, _properties: None)


def _answered(response: tuple[int, dict[str, str], bytes]) -> dict[str, Any]:
    status, _, body = response
    payload = json.loads(body or b"{}")
    if status >= 400:
        raise ValueError(payload.get("message", str(payload)))
    return payload


def _create_query(_logical_id: str, properties: Properties, _stack: str) -> Created:
    created = _answered(athena._create_named_query(dict(properties)))
    return created["NamedQueryId"], {"NamedQueryId": created["NamedQueryId"]}


def _delete_query(physical_id: str, _properties: Properties) -> None:
    athena._delete_named_query({"NamedQueryId": physical_id})


def _create_security(_logical_id: str, properties: Properties, _stack: str) -> Created:
    encryption = dict(properties["EncryptionConfiguration"])
    if "S3Encryptions" in encryption:
        # The API calls it S3Encryption.
        encryption["S3Encryption"] = encryption.pop("S3Encryptions")
    _answered(
        glue._create_security_configuration(
            {"Name": properties["Name"], "EncryptionConfiguration": encryption}
        )
    )
    return properties["Name"], {}


def _delete_security(physical_id: str, _properties: Properties) -> None:
    glue._delete_security_configuration({"Name": physical_id})


def _create_secret_policy(_logical_id: str, properties: Properties, _stack: str) -> Created:
    secret, policy = properties["SecretId"], json.dumps(properties["ResourcePolicy"])
    _answered(secretsmanager._put_resource_policy({"SecretId": secret, "ResourcePolicy": policy}))
    return secret, {"Id": secret}


def _update_secret_policy(
    physical_id: str, old: Properties, new: Properties, stack: str, logical_id: str
) -> Created:
    # Only another secret requires replacement; a new policy takes the place of the old one.
    if new["SecretId"] != old["SecretId"]:
        _delete_secret_policy(physical_id, old)
    return _create_secret_policy(logical_id, new, stack)


def _delete_secret_policy(physical_id: str, _properties: Properties) -> None:
    secretsmanager._delete_resource_policy({"SecretId": physical_id})


def apply() -> None:
    handlers = provisioners._RESOURCE_HANDLERS
    known = sorted(LEFT_OUT.keys() & handlers.keys())
    if known:
        raise RuntimeError(f"left_out.py lists types that ministack creates itself: {known}")
    handlers.update({name: _nothing(entry) for name, entry in LEFT_OUT.items()})
    handlers |= {
        "AWS::Athena::NamedQuery": _handlers(_create_query, _delete_query),
        "AWS::Glue::SecurityConfiguration": _handlers(_create_security, _delete_security),
        "AWS::SecretsManager::ResourcePolicy": {
            **_handlers(_create_secret_policy, _delete_secret_policy),
            "update": _update_secret_policy,
        },
    }
