"""Resource types that the embedded cloud does not create, each with its reason.

A type is created, or listed here, or fails the deployment: CloudFormation rejects a template with
"Unrecognized resource types: [...]" before it creates anything.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from embedded.launcher.words import words


@dataclass(frozen=True)
class LeftOut:
    """Why a type is left out, and the values that the template receives instead.

    Ref returns the property `named_by` if the template sets it, or else the logical id. Fn::GetAtt
    returns `attributes`, in which {id} is replaced by that value.
    """

    reason: str
    named_by: str = ""
    attributes: Mapping[str, str] = field(default_factory=dict)


def _sagemaker(resource: str, **attributes: str) -> LeftOut:
    """A type of SageMaker's, such as `EndpointConfig`: arn:…:endpoint-config/NAME."""
    kind = re.sub("(?<=[a-z])(?=[A-Z])", "-", resource).lower()
    arn = f"arn:aws:sagemaker:us-east-1:000000000000:{kind}/{{id}}"
    named_by = f"{resource}Name"
    return LeftOut(
        "the gateway provides SageMaker; the pipeline creates models and endpoints through its API",
        named_by,
        {f"{resource}Arn": arn, "Arn": arn, named_by: "{id}", **attributes},
    )


_SAGEMAKER = words(
    """
    Model EndpointConfig Endpoint ModelPackageGroup ModelPackage ModelCard MonitoringSchedule
    NotebookInstance NotebookInstanceLifecycleConfig Pipeline Project FeatureGroup
    """
)

LEFT_OUT: dict[str, LeftOut] = {
    "AWS::Budgets::Budget": LeftOut("nothing here costs money"),
    "AWS::XRay::Group": LeftOut("traces are not collected", "GroupName"),
    "AWS::XRay::SamplingRule": LeftOut("traces are not collected", "RuleName"),
    "AWS::CloudWatch::AnomalyDetector": LeftOut("no metric has a history of sufficient length"),
    "AWS::Logs::QueryDefinition": LeftOut(
        "Logs Insights is not part of the embedded cloud", "Name", {"QueryDefinitionId": "{id}"}
    ),
    "AWS::Lambda::CodeSigningConfig": LeftOut("code is not signed for this machine"),
    "AWS::SSMIncidents::ResponsePlan": LeftOut("a laptop has no on-call rota", "Name"),
    **{f"AWS::SageMaker::{name}": _sagemaker(name) for name in _SAGEMAKER},
    "AWS::SageMaker::Domain": _sagemaker("Domain", DomainId="{id}"),
    "Custom::ImageBuild": LeftOut(
        "the local run executes the Dockerfiles' commands as processes, so no image is built",
        attributes={
            "ImageUri": "000000000000.dkr.ecr.us-east-1.amazonaws.com/{id}:local",
            "ImageDigest": "sha256:" + "0" * 64,
            "Digest": "sha256:" + "0" * 64,
            "Tag": "local",
            "BuildId": "{id}:local",
        },
    ),
}
