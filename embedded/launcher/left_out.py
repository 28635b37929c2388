"""Resource types that the embedded cloud does not create, each with its reason.

A type is created, or listed here, or fails the deployment: CloudFormation rejects a template with
"Unrecognized resource types: [...]" before it creates anything.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class LeftOut:
    """Why a type is left out, and the values that the template receives instead.

    Ref returns the property `named_by` if the template sets it, or else the logical id. Fn::GetAtt
    returns `attributes`, in which {id} is replaced by that value.
    """

    reason: str
    named_by: str = ""
    attributes: Mapping[str, str] = field(default_factory=dict)


_ARN = "arn:aws:sagemaker:us-east-1:000000000000:{kind}/{{id}}"


def _sagemaker(kind: str, named_by: str, **attributes: str) -> LeftOut:
    arn = _ARN.format(kind=kind)
    return LeftOut(
        "the gateway provides SageMaker; the pipeline creates models and endpoints through its API",
        named_by,
        {f"{named_by.removesuffix('Name')}Arn": arn, "Arn": arn, named_by: "{id}", **attributes},
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
    "AWS::SageMaker::Model": _sagemaker("model", "ModelName"),
    "AWS::SageMaker::EndpointConfig": _sagemaker("endpoint-config", "EndpointConfigName"),
    "AWS::SageMaker::Endpoint": _sagemaker("endpoint", "EndpointName"),
    "AWS::SageMaker::ModelPackageGroup": _sagemaker("model-package-group", "ModelPackageGroupName"),
    "AWS::SageMaker::ModelPackage": _sagemaker("model-package", "ModelPackageName"),
    "AWS::SageMaker::ModelCard": _sagemaker("model-card", "ModelCardName"),
    "AWS::SageMaker::MonitoringSchedule": _sagemaker(
        "monitoring-schedule", "MonitoringScheduleName"
    ),
    "AWS::SageMaker::NotebookInstance": _sagemaker("notebook-instance", "NotebookInstanceName"),
    "AWS::SageMaker::NotebookInstanceLifecycleConfig": _sagemaker(
        "notebook-instance-lifecycle-config", "NotebookInstanceLifecycleConfigName"
    ),
    "AWS::SageMaker::Pipeline": _sagemaker("pipeline", "PipelineName"),
    "AWS::SageMaker::Project": _sagemaker("project", "ProjectName"),
    "AWS::SageMaker::FeatureGroup": _sagemaker("feature-group", "FeatureGroupName"),
    "AWS::SageMaker::Domain": _sagemaker("domain", "DomainName", DomainId="{id}"),
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
