"""Ref of a secret is its ARN, through creation, change and deletion."""

import json

from launching import ACCOUNT, REGION, Launcher
from test_cloudformation import deploy, outputs


def secret(description: str) -> dict:
    return {
        "Token": {
            "Type": "AWS::SecretsManager::Secret",
            "Properties": {"Description": description, "GenerateSecretString": {}},
        }
    }


def test_ref_is_the_arn_and_stays_it_when_the_secret_changes(launcher: Launcher) -> None:
    answers = {"Ref": {"Ref": "Token"}, "Id": {"Fn::GetAtt": ["Token", "Id"]}}
    created = outputs(deploy(launcher, "secrets", secret("first"), answers))

    changed = outputs(deploy(launcher, "secrets", secret("second"), answers, change="update"))

    client = launcher.client("secretsmanager")
    assert created["Ref"].startswith(f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:")
    assert changed == created
    assert created["Id"] == created["Ref"]
    assert client.describe_secret(SecretId=created["Ref"])["Description"] == "second"

    launcher.client("cloudformation").delete_stack(StackName="secrets")
    assert created["Ref"] not in json.dumps(client.list_secrets()["SecretList"], default=str)
