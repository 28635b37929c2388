"""Upstream: a version of a secret that has lost its last label keeps its value for ever.

AWS deletes such versions. Here a withdrawn value must not stay in a file.
"""

from typing import Any

from ministack.services import secretsmanager

EXPECTS = {
    "services.secretsmanager:_update_secret_version_stage": "5a7abaa73ec2",
    "services.secretsmanager:_sync_replicas": "fbd4b70d97ab",
}


def apply() -> None:
    update_stage = secretsmanager._update_secret_version_stage

    def update_and_drop(data: dict[str, Any]) -> Any:
        answer = update_stage(data)
        _, secret = secretsmanager._resolve(data.get("SecretId"))
        if secret:
            versions = secret["Versions"]
            for unlabelled in [name for name in versions if not versions[name]["Stages"]]:
                del versions[unlabelled]
            secretsmanager._sync_replicas(secret)
        return answer

    secretsmanager._update_secret_version_stage = update_and_drop
