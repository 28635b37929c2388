"""A mapping that a template creates disabled says so, and can be enabled."""

from typing import Any

import pytest
from launching import ACCOUNT, Launcher, function, role, statement, until
from test_cloudformation import deploy, outputs

CODE = (
    "exports.handler = async (event) => { console.log(`got ${event.Records.length}`); return {}; };"
)


def resources(enabled: Any) -> dict[str, Any]:
    return {
        "Stream": {"Type": "AWS::Kinesis::Stream", "Properties": {"ShardCount": 1}},
        "Mapping": {
            "Type": "AWS::Lambda::EventSourceMapping",
            "Properties": {
                "EventSourceArn": {"Fn::GetAtt": ["Stream", "Arn"]},
                "FunctionName": "mapping-states",
                "StartingPosition": "TRIM_HORIZON",
                "Enabled": enabled,
            },
        },
    }


@pytest.fixture(scope="module")
def mapped(launcher: Launcher) -> Launcher:
    role(launcher, "mapping-states-role", statement(["kinesis:*"], ["*"]))
    function(launcher, "mapping-states", CODE, f"arn:aws:iam::{ACCOUNT}:role/mapping-states-role")
    return launcher


@pytest.mark.parametrize(("enabled", "state"), [(False, "Disabled"), (True, "Enabled")])
def test_a_mapping_says_what_its_template_says(mapped: Launcher, enabled: bool, state: str) -> None:
    name = f"mapping-{state.lower()}"
    made = outputs(deploy(mapped, name, resources(enabled), {"Id": {"Ref": "Mapping"}}))

    found = mapped.client("lambda").get_event_source_mapping(UUID=made["Id"])

    assert found["State"] == state
    mapped.client("cloudformation").delete_stack(StackName=name)


def test_records_of_before_are_delivered_once_it_is_enabled(mapped: Launcher) -> None:
    wanted = {"Id": {"Ref": "Mapping"}, "Stream": {"Ref": "Stream"}}
    made = outputs(deploy(mapped, "mapping-woken", resources(False), wanted))
    client = mapped.client("lambda")
    mapped.client("kinesis").put_record(StreamName=made["Stream"], Data=b"{}", PartitionKey="a")

    client.update_event_source_mapping(UUID=made["Id"], Enabled=True)

    until(
        lambda: (
            client.get_event_source_mapping(UUID=made["Id"])["LastProcessingResult"]
            == "OK - 1 records"
        ),
        seconds=15,
    )
    mapped.client("cloudformation").delete_stack(StackName="mapping-woken")
